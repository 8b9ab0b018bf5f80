"""BYOL: one view predicts what a twin that trails behind makes of the other.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020. With the prediction q = q(z) of one view's
projection and the projection z' of the other view by the twins, Eq. 2 is
    l(q, z') = |q / |q| - z' / |z'||^2 = 2 - 2 <q, z'> / (|q| |z'|),
and L = l(q_a, z'_b) + l(q_b, z'_a). No gradient moves the twins; Eq. 1, with decay tau:
    twin <- tau twin + (1 - tau) encoder,
    tau = 1 - (1 - tau_base) (cos(pi k / K) + 1) / 2   in step k of K.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo import checks, losses, networks
from zoo.data.views import Views
from zoo.replicas import gather
from zoo.teacher import rising_decay, trail, twin
from zoo.two_view import TwoView, check_predictor, laptop_recipe, similarities


class BYOL(TwoView):
    """Predicts, of each view, the projection that slow twins of encoder and projector give it.

    Nothing is told apart; what keeps all images from getting one projection are the predictor and
    the twins. `negative_similarity` rises to 1 where it happens all the same.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`.
        predictor: A built keras.Model from projections (N, D) to predictions (N, D): q. The
            paper's is like the projector, and is what `for_images` makes.
        decay: tau_base, how slowly the twins follow at first, 0 to 1.
        total_steps: K, steps of the whole training, at the end of which the decay is 1 and the
            twins stand still; at least 1. None: the decay stays as it is.
        views: As for `TwoView`. The paper's treat the two views differently.

    Attributes:
        target_encoder, target_projector: The twins.

    Raises:
        ValueError: A value out of its range, a predictor that does not take projections and give
            as many numbers, and as for `TwoView`. In training, a batch of one image, which
            normalisation makes zeros.

    Example:
        >>> import numpy as np
        >>> method = BYOL.for_images(
        ...     (16, 16, 1), network="convnet", projection_sizes=(32, 16), total_steps=100
        ... )
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['decay', 'loss', 'negative_similarity', 'positive_similarity']
    """

    terms = ("positive_similarity", "negative_similarity", "decay")
    search_space = {"decay": (0.9, 0.999, "linear")}
    projection = {"sizes": (4096, 256), "last_bias": False}
    recipe = laptop_recipe(decay=0.97)

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        predictor: keras.Model,
        decay: float = 0.996,
        total_steps: int | None = None,
        views: str | Views = "barlow",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, views, **kwargs)
        check_predictor(predictor, projector)
        self.predictor = predictor
        self.decay = checks.number("decay", decay, low=0, high=1)
        if total_steps is not None:
            total_steps = checks.integer("total_steps", total_steps, low=1)
        self.total_steps = total_steps
        self.target_encoder = twin(encoder)
        self.target_projector = twin(projector)

    @classmethod
    def further_parts(cls, sizes: Sequence[int], seed: int) -> dict[str, Any]:
        """The predictor, of the projector's sizes."""
        return {"predictor": networks.projector(sizes[-1], sizes, last_bias=False, seed=seed + 2)}

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """What is predicted of each view, and what the twins make of it.

        Returns:
            pa, pb: Predictions (N, D) of one view and the other, of all replicas.
            za, zb: The twins' projections (N, D) of them, of all replicas; no gradient.
            decay: tau in this step.
        """
        a, b = self.both(batch)
        return {
            "pa": gather(self.predictions(a, training)),
            "pb": gather(self.predictions(b, training)),
            "za": gather(self.targets(a, training)),
            "zb": gather(self.targets(b, training)),
            "decay": rising_decay(self.decay, self.step, self.total_steps),
        }

    def predictions(self, images: Any, training: bool) -> Any:
        """Predictions (N, D) float32 of images (N, H, W, C): q."""
        return ops.cast(
            self.predictor(self.project(images, training), training=training), "float32"
        )

    def targets(self, images: Any, training: bool) -> Any:
        """The twins' projections (N, D) float32 of images (N, H, W, C): z'. No gradient."""
        codes = self.target_encoder(self.prepare(images), training=training)
        projections = self.target_projector(codes, training=training)
        return ops.stop_gradient(ops.cast(projections, "float32"))

    def objective(self, pa: Any, pb: Any, za: Any, zb: Any, decay: Any) -> dict[str, Any]:
        """Eq. 2 both ways, and how alike the twins' projections are."""
        cosines = losses.negative_cosine(pa, zb) + losses.negative_cosine(pb, za)
        return {"loss": 4 + 2 * cosines, **self.logged(za, zb, decay)}

    def logged(self, za: Any, zb: Any, decay: Any) -> dict[str, Any]:
        """The terms: how alike views of one image and of different images are, and the decay."""
        positive, negative = similarities(za, zb)
        return {"positive_similarity": positive, "negative_similarity": negative, "decay": decay}

    def after_update(self, decay: Any) -> None:
        """Eq. 1."""
        trail(self.target_encoder, self.encoder, decay)
        trail(self.target_projector, self.projector, decay)
