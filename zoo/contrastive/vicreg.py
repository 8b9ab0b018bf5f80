"""VICReg: two views' embeddings are alike, vary in every dimension, and repeat nothing.

Bardes, Ponce & LeCun, VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised
Learning, ICLR 2022. With Z, Z' the embeddings (N, D) of two views, Eq. 6 is
    L = lambda s(Z, Z') + mu (v(Z) + v(Z')) + nu (c(Z) + c(Z')),
    s(Z, Z') = 1/N sum_i |z_i - z'_i|^2,
    v(Z) = 1/D sum_j max(0, 1 - sqrt(Var(z^j) + epsilon)),
    c(Z) = 1/D sum_(i != j) Cov(Z)_ij^2.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import checks
from zoo.data.views import Views
from zoo.losses.contrastive import vicreg_terms
from zoo.two_view import TwoView, laptop_recipe


class VICReg(TwoView):
    """Pulls views together while each dimension must vary by itself, so that nothing collapses.

    As in the authors' code, s is also averaged over the D dimensions and v over the two views;
    with the weights below that is what the paper's results were trained with.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`; the paper's "expander", three layers of 8192.
        invariance_weight: lambda, of s, at least 0.
        variance_weight: mu, of v, at least 0. With 0 all images may get one embedding.
        covariance_weight: nu, of c, at least 0.
        views: As for `TwoView`.

    Raises:
        ValueError: A weight negative, infinite or NaN, and as for `TwoView`. In training, a batch
            of one image, which has no variance.

    Example:
        >>> import numpy as np
        >>> method = VICReg.for_images(
        ...     (16, 16, 1), network="convnet", projection_sizes=(32, 32, 32)
        ... )
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['covariance', 'invariance', 'loss', 'variance']
    """

    terms = ("invariance", "variance", "covariance")
    search_space = {
        "invariance_weight": (1.0, 100.0, "log"),
        "variance_weight": (1.0, 100.0, "log"),
        "covariance_weight": (0.1, 10.0, "log"),
    }
    projection = {"sizes": (8192, 8192, 8192), "last_bias": False}
    recipe = laptop_recipe(projection_sizes=[512, 512, 512])

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        invariance_weight: float = 25.0,
        variance_weight: float = 25.0,
        covariance_weight: float = 1.0,
        views: str | Views = "barlow",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, views, **kwargs)
        self.invariance_weight = checks.number("invariance_weight", invariance_weight, low=0)
        self.variance_weight = checks.number("variance_weight", variance_weight, low=0)
        self.covariance_weight = checks.number("covariance_weight", covariance_weight, low=0)

    def objective(self, za: Any, zb: Any) -> dict[str, Any]:
        """Eq. 6, and its three terms, not weighted."""
        invariance, variance, covariance = vicreg_terms(za, zb)
        return {
            "loss": self.invariance_weight * invariance
            + self.variance_weight * variance
            + self.covariance_weight * covariance,
            "invariance": invariance,
            "variance": variance,
            "covariance": covariance,
        }
