"""The b-VAE.

Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework,
ICLR 2017. Eq. 4, as a loss:
    L = -E_q(z|x)[log p(x|z)] + beta KL(q(z|x) || N(0, I)).
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import checks
from zoo.disentangled.vae import VAE


class BetaVAE(VAE):
    """A VAE whose KL weighs `beta`: above 1 it trades sharpness for independent latents.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        beta: Weight of the KL, at least 0. 1 is the plain VAE; the paper uses 4 on dSprites.
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z.

    Raises:
        ValueError: `beta` negative, infinite or NaN, and as for `VAE`.

    Example:
        >>> import numpy as np
        >>> method = BetaVAE.for_images((16, 16, 1), latent_size=2, beta=4.0)
        >>> method.compile(optimizer="adam")
        >>> history = method.fit(np.zeros((8, 16, 16, 1), "uint8"), verbose=0)
        >>> sorted(history.history)
        ['kl', 'loss', 'reconstruction']
    """

    search_space = {"beta": (0.5, 32.0, "log")}
    recipe = {**VAE.recipe, "hyperparameters": {"beta": 3.0}}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        beta: float = 4.0,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        self.beta = checks.number("beta", beta, low=0)

    def objective(self, images: Any, decoded: Any, mean: Any, logvar: Any) -> dict[str, Any]:
        """Eq. 4: loss = reconstruction + beta KL."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        loss = reconstruction + self.beta * kl
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl}
