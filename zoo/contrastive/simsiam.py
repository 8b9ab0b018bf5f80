"""SimSiam: one view predicts the other, which holds still for it.

Chen & He, Exploring Simple Siamese Representation Learning, CVPR 2021. With z_1, z_2 the
projections of two views, p_1 = h(z_1), p_2 = h(z_2) their predictions, D the negative cosine and
sg what lets no gradient through, Eq. 4 is
    L = 1/2 D(p_1, sg(z_2)) + 1/2 D(p_2, sg(z_1)).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo import losses, networks
from zoo.data.views import Views
from zoo.replicas import gather
from zoo.two_view import TwoView, check_predictor, laptop_recipe, similarities


class SimSiam(TwoView):
    """Predicts each view's projection from the other's: no negatives, no twin, no large batch.

    What keeps all images from getting one projection is the predictor and the stopped gradient
    together (section 4). `negative_similarity` rises to 1 where it happens all the same. There is
    no number to tune. The paper keeps the predictor's learning rate constant where a schedule
    lowers the others'; here one optimizer moves all weights alike.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`. The paper's has three layers of 2048, the last of them
            normalised over the batch too.
        predictor: A built keras.Model from projections (N, D) to predictions (N, D): h. The
            paper's has a hidden layer of D / 4, and is what `for_images` makes.
        views: As for `TwoView`.

    Raises:
        ValueError: A predictor that does not take projections and give as many numbers, and as
            for `TwoView`. In training, a batch of one image, which normalisation makes zeros.

    Example:
        >>> import numpy as np
        >>> method = SimSiam.for_images(
        ...     (16, 16, 1), network="convnet", projection_sizes=(32, 32, 32)
        ... )
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['loss', 'negative_similarity', 'positive_similarity']
    """

    terms = ("positive_similarity", "negative_similarity")
    projection = {"sizes": (2048, 2048, 2048), "last_norm": True}
    recipe = laptop_recipe(projection_sizes=[256, 256, 256])

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        predictor: keras.Model,
        views: str | Views = "moco_v2",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, views, **kwargs)
        check_predictor(predictor, projector)
        self.predictor = predictor

    @classmethod
    def further_parts(cls, sizes: Sequence[int], seed: int) -> dict[str, Any]:
        """The predictor: a hidden layer of a quarter of the projections' size."""
        width = sizes[-1]
        return {"predictor": networks.projector(width, (max(width // 4, 1), width), seed=seed + 2)}

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Projections za, zb and predictions pa, pb of both views, (N, D), of all replicas."""
        za, zb = (self.project(view, training) for view in self.both(batch))
        pa, pb = (self.predictor(z, training=training) for z in (za, zb))
        outputs = {"za": za, "zb": zb, "pa": pa, "pb": pb}
        return {name: gather(ops.cast(rows, "float32")) for name, rows in outputs.items()}

    def objective(self, za: Any, zb: Any, pa: Any, pb: Any) -> dict[str, Any]:
        """Eq. 4, and how alike projections of one image and of different images are."""
        za, zb = ops.stop_gradient(za), ops.stop_gradient(zb)
        positive, negative = similarities(za, zb)
        return {
            "loss": (losses.negative_cosine(pa, zb) + losses.negative_cosine(pb, za)) / 2,
            "positive_similarity": positive,
            "negative_similarity": negative,
        }
