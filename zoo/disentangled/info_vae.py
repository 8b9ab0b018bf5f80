"""The InfoVAE: a VAE that holds all codes together, and each alone less, to the prior.

Zhao et al., InfoVAE: Balancing Learning and Inference in Variational Autoencoders, AAAI 2019.
Eq. 6, as a loss, its last divergence replaced by an MMD (section 3.2):
    L = -E_q(z|x)[log p(x|z)] + (1 - alpha) KL(q(z|x) || p(z))
        + (alpha + divergence_weight - 1) MMD^2(q(z), p(z)).
The paper's lambda is here the divergence_weight. The MMD is estimated from the codes of a batch and
as many samples of the prior.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo import checks, losses
from zoo.disentangled.vae import EVALUATION_SEED, VAE


class InfoVAE(VAE):
    """A VAE that matches all codes to the prior by their MMD, and each by less of its KL.

    The KL takes from the codes what they tell of the image; `alpha` gives that back.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        alpha: How much mutual information of image and code is given back, at most 1, where
            the KL is gone. 0, the default, leaves the KL whole.
        divergence_weight: The paper's lambda, at least 1 - alpha. 1000, as in the paper's
            experiments, brings the MMD, at most 2, to the size of a reconstruction error.
        kernel: Of the MMD: "inverse_multiquadratic", whose tails reach codes far from the prior,
            or "rbf".
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z and of the samples of the prior.

    Raises:
        ValueError: A weight out of its range, infinite or NaN, an unknown kernel, a batch of one
            image, and as for `VAE`.

    Example:
        >>> import numpy as np
        >>> method = InfoVAE.for_images((16, 16, 1), latent_size=2)
        >>> method.compile(optimizer="adam")
        >>> history = method.fit(np.zeros((8, 16, 16, 1), "uint8"), verbose=0)
        >>> sorted(history.history)
        ['kl', 'loss', 'mmd', 'reconstruction']
    """

    terms = (*VAE.terms, "mmd")
    search_space = {"alpha": (-1.0, 1.0, "linear"), "divergence_weight": (2.0, 2000.0, "log")}
    recipe = {**VAE.recipe, "hyperparameters": {"divergence_weight": 100.0}}
    batch_sizes = (2, math.inf)  # one code has no distance from another

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        alpha: float = 0.0,
        divergence_weight: float = 1000.0,
        kernel: str = "inverse_multiquadratic",
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        self.alpha = checks.number("alpha", alpha, high=1)
        self.divergence_weight = checks.number(
            "divergence_weight", divergence_weight, low=1 - self.alpha
        )
        self.kernel = checks.one_of("kernel", kernel, (*losses.KERNELS,))

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """As `VAE.forward`, and samples of the prior, (N, L): others than the noise in z."""
        outputs = super().forward(batch, training)
        seed = self.noise if training else EVALUATION_SEED + 1
        prior = keras.random.normal(ops.shape(outputs["z"]), seed=seed)
        return {**outputs, "prior": prior}

    def objective(
        self, images: Any, decoded: Any, mean: Any, logvar: Any, z: Any, prior: Any
    ) -> dict[str, Any]:
        """Eq. 6: reconstruction + (1 - alpha) KL + (alpha + divergence_weight - 1) MMD."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        mmd = losses.mmd(z, prior, self.kernel)
        loss = (
            reconstruction + (1 - self.alpha) * kl + (self.alpha + self.divergence_weight - 1) * mmd
        )
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, "mmd": mmd}
