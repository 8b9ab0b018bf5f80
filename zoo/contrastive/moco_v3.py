"""MoCo v3: queries of one view find their keys among those of the batch's other views.

Chen, Xie & He, An Empirical Study of Training Self-Supervised Vision Transformers, ICCV 2021. A
query q is a prediction as in BYOL, a key k the trailing twins' projection of the other view. With
the N keys of the batch, Eq. 1 is
    l(q, k) = -mean_i log( exp(q_i k_i / T) / sum_j exp(q_i k_j / T) ),
and by Algorithm 1 L = 2T (l(q_a, k_b) + l(q_b, k_a)). The decay of the twins rises to 1 as BYOL's.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import checks, losses
from zoo.contrastive.byol import BYOL
from zoo.data.views import Views
from zoo.two_view import laptop_recipe


class MoCoV3(BYOL):
    """Momentum contrast without a queue: the networks are BYOL's, the loss InfoNCE both ways.

    The keys of a large batch take the queue's place: under a distribution strategy they are those
    of all replicas.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`. The authors' for a ResNet normalises the projections too.
        predictor: As for `BYOL`.
        temperature: T, above 0. The authors' 1.0 for a ResNet; 0.2 for a vision transformer, and
            for small batches.
        decay: How slowly the twins follow at first, 0 to 1.
        total_steps: Steps of the whole training, at the end of which the decay is 1, at least 1.
            None: the decay stays as it is.
        views: As for `TwoView`. The paper's are BYOL's; for a ResNet its crops begin at 0.2 of
            the area, these at 0.08.

    Attributes:
        target_encoder, target_projector: The twins.

    Raises:
        ValueError: A value out of its range, and as for `BYOL`.

    Example:
        >>> import numpy as np
        >>> method = MoCoV3.for_images(
        ...     (16, 16, 1), network="convnet", projection_sizes=(32, 16), total_steps=100
        ... )
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['decay', 'loss', 'negative_similarity', 'positive_similarity']
    """

    search_space = {"temperature": (0.05, 1.0, "log"), **BYOL.search_space}
    projection = {"sizes": (4096, 256), "last_norm": True}
    recipe = laptop_recipe(decay=0.97, temperature=0.2)

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        predictor: keras.Model,
        temperature: float = 1.0,
        decay: float = 0.99,
        total_steps: int | None = None,
        views: str | Views = "barlow",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, predictor, decay, total_steps, views, **kwargs)
        self.temperature = checks.positive("temperature", temperature)

    def objective(self, pa: Any, pb: Any, za: Any, zb: Any, decay: Any) -> dict[str, Any]:
        """Eq. 1 both ways, times 2T, which keeps gradients of one size whatever T."""
        ways = sum(losses.info_nce(q, k, None, self.temperature) for q, k in ((pa, zb), (pb, za)))
        return {"loss": 2 * self.temperature * ways, **self.logged(za, zb, decay)}
