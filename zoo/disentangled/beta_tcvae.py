"""The b-TCVAE: a VAE whose KL is taken apart, its total correlation weighed most.

Chen et al., Isolating Sources of Disentanglement in Variational Autoencoders, NeurIPS 2018.
Eq. 4, as a loss:
    L = -E_q(z|x)[log p(x|z)] + alpha I_q(z; n) + beta KL(q(z) || prod_l q(z_l))
        + gamma sum_l KL(q(z_l) || p(z_l)),
where n numbers the images and q(z) is the aggregate posterior. `zoo.losses.kl_terms` estimates the
three parts from a batch.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import checks, losses
from zoo.disentangled.vae import VAE


class BetaTCVAE(VAE):
    """A VAE whose total correlation weighs `beta`, so that no latent tells of another.

    With alpha = gamma = 1, as in the paper, the loss is reconstruction + KL + (beta - 1) total
    correlation. Of the estimates it is then only this that has noise; beta = 1 is the VAE.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        dataset_size: N, the number of images to train on: at least a batch.
        alpha: Weight of the mutual information of image and code, at least 0.
        beta: Weight of the total correlation, at least 0. The paper compares several; 6 is what its
            authors' released code is run with.
        gamma: Weight of the dimension-wise KL, at least 0.
        stratified: Estimates by stratified rather than, as in the paper's experiments, by weighted
            sampling. The latter has the same gradients for any `dataset_size`; its terms are
            logged without the constants that it would add (see `zoo.losses.kl_terms`).
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z.

    Raises:
        ValueError: A weight negative, infinite or NaN, a batch of one image or of more than
            `dataset_size`, and as for `VAE`.

    Example:
        >>> import numpy as np
        >>> method = BetaTCVAE.for_images((16, 16, 1), latent_size=2, dataset_size=8)
        >>> method.compile(optimizer="adam")
        >>> history = method.fit(np.zeros((8, 16, 16, 1), "uint8"), verbose=0)
        >>> sorted(history.history)[:4]
        ['dimension_kl', 'kl', 'loss', 'mutual_information']
    """

    terms = ("reconstruction", "kl", *losses.KLTerms._fields)
    search_space = {
        "alpha": (0.0, 2.0, "linear"),
        "beta": (1.0, 16.0, "log"),
        "gamma": (0.25, 4.0, "log"),
    }
    from_data = ("dataset_size",)
    recipe = {**VAE.recipe, "hyperparameters": {"beta": 6.0}}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        dataset_size: int,
        alpha: float = 1.0,
        beta: float = 6.0,
        gamma: float = 1.0,
        stratified: bool = False,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        self.dataset_size = checks.integer("dataset_size", dataset_size, low=2)
        self.alpha = checks.number("alpha", alpha, low=0)
        self.beta = checks.number("beta", beta, low=0)
        self.gamma = checks.number("gamma", gamma, low=0)
        self.stratified = checks.truth("stratified", stratified)
        self.batch_sizes = (2, self.dataset_size)

    def objective(
        self, images: Any, decoded: Any, mean: Any, logvar: Any, z: Any
    ) -> dict[str, Any]:
        """Eq. 4: reconstruction + alpha mutual information + beta TC + gamma dimension-wise KL."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        parts = losses.kl_terms(z, mean, logvar, self.dataset_size, self.stratified)
        loss = (
            reconstruction
            + self.alpha * parts.mutual_information
            + self.beta * parts.total_correlation
            + self.gamma * parts.dimension_kl
        )
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, **parts._asdict()}
