"""The DIP-VAE-II: a VAE whose codes are kept uncorrelated and of unit variance.

Kumar et al., Variational Inference of Disentangled Latent Concepts from Unlabeled Observations,
ICLR 2018. Eq. 7, as a loss:
    L = -E_q(z|x)[log p(x|z)] + KL(q(z|x) || p(z))
        + off_diagonal_weight sum_{k != l} C_kl^2 + diagonal_weight sum_l (C_ll - 1)^2,
with C = Cov[z] = Cov[mean(x)] + E[diag e^logvar(x)], estimated from a batch: the second moments
of the inferred prior q(z), samples and all, are held to those of p(z).
"""

from __future__ import annotations

import math
from typing import Any

import keras

from zoo import checks, losses
from zoo.disentangled.vae import VAE


class DIPVAEII(VAE):
    """A VAE that penalises covariances of its codes, and variances other than one.

    Of the codes z, not of their means alone as `DIPVAEI`: what the noise of a latent adds counts.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        off_diagonal_weight: Of the squared covariances, at least 0. The paper and
            disentanglement_lib compare several; 10 is among those of both.
        diagonal_weight: Of the squared excesses of the variances, at least 0. The same as
            the other, as in the paper.
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z.

    Raises:
        ValueError: A weight negative, infinite or NaN, a batch of one image, and as for `VAE`.

    Example:
        >>> import numpy as np
        >>> method = DIPVAEII.for_images((16, 16, 1), latent_size=2)
        >>> method.compile(optimizer="adam")
        >>> history = method.fit(np.zeros((8, 16, 16, 1), "uint8"), verbose=0)
        >>> sorted(history.history)
        ['diagonal', 'kl', 'loss', 'off_diagonal', 'reconstruction']
    """

    terms = (*VAE.terms, *losses.DIPPenalties._fields)
    search_space = {
        "off_diagonal_weight": (1.0, 100.0, "log"),
        "diagonal_weight": (1.0, 100.0, "log"),
    }
    recipe = {  # a quarter of the papers' pixels: at 10 the codes still told nothing at step 2,000
        **VAE.recipe,
        "hyperparameters": {"off_diagonal_weight": 2.0, "diagonal_weight": 2.0},
    }
    batch_sizes = (2, math.inf)  # one image has no covariance

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        off_diagonal_weight: float = 10.0,
        diagonal_weight: float = 10.0,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        self.off_diagonal_weight = checks.number("off_diagonal_weight", off_diagonal_weight, low=0)
        self.diagonal_weight = checks.number("diagonal_weight", diagonal_weight, low=0)

    def objective(self, images: Any, decoded: Any, mean: Any, logvar: Any) -> dict[str, Any]:
        """Eq. 7: loss = reconstruction + KL + the penalties, each with its weight."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        penalties = losses.dip_penalties(mean, logvar)
        loss = (
            reconstruction
            + kl
            + self.off_diagonal_weight * penalties.off_diagonal
            + self.diagonal_weight * penalties.diagonal
        )
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, **penalties._asdict()}
