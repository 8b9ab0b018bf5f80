"""Barlow Twins: each dimension agrees with itself across two views, and with no other.

Zbontar et al., Barlow Twins: Self-Supervised Learning via Redundancy Reduction, ICML 2021. With
z^A, z^B the projections of two views, standardised over the batch of N images, Eq. 2 is the matrix
(D, D) of correlations between dimensions,
    C_ij = 1/N sum_b z^A_bi z^B_bj,
and Eq. 1 pulls it to the identity:
    L = sum_i (1 - C_ii)^2 + lambda sum_i sum_(j != i) C_ij^2.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import checks, losses
from zoo.data.views import Views
from zoo.losses.contrastive import barlow_twins_terms
from zoo.two_view import TwoView, laptop_recipe


class BarlowTwins(TwoView):
    """Makes the dimensions of two views' projections correlate each with itself alone.

    Nothing is told apart: no negatives, no twin that trails. The more dimensions the projections
    have the better, in the paper up to 16,384; a laptop does with 512.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`. The paper's has three layers of 8192.
        redundancy_weight: lambda, at least 0.
        views: As for `TwoView`. The paper's treat the two views differently.

    Raises:
        ValueError: `redundancy_weight` negative, infinite or NaN, and as for `TwoView`. In
            training, a batch of one image, over which nothing correlates.

    Example:
        >>> import numpy as np
        >>> method = BarlowTwins.for_images(
        ...     (16, 16, 1), network="convnet", projection_sizes=(32, 32, 32)
        ... )
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['invariance', 'loss', 'redundancy']
        >>> method.correlation((a, b)).shape
        TensorShape([32, 32])
    """

    terms = ("invariance", "redundancy")
    search_space = {"redundancy_weight": (5e-4, 5e-2, "log")}
    projection = {"sizes": (8192, 8192, 8192), "last_bias": False}
    recipe = laptop_recipe(projection_sizes=[512, 512, 512])

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        redundancy_weight: float = 0.0051,
        views: str | Views = "barlow",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, views, **kwargs)
        self.redundancy_weight = checks.number("redundancy_weight", redundancy_weight, low=0)

    def objective(self, za: Any, zb: Any) -> dict[str, Any]:
        """Eq. 1, and its two sums, not weighted."""
        invariance, redundancy = barlow_twins_terms(losses.cross_correlation(za, zb))
        return {
            "loss": invariance + self.redundancy_weight * redundancy,
            "invariance": invariance,
            "redundancy": redundancy,
        }

    def correlation(self, batch: Any) -> Any:
        """C of Eq. 2, (D, D) in [-1, 1], of the two views of a batch."""
        outputs = self.forward(batch, training=False)
        return losses.cross_correlation(outputs["za"], outputs["zb"])
