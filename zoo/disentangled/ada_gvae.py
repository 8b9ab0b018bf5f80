"""The Ada-GVAE: a b-VAE that learns from pairs of images which share some factors.

Locatello et al., Weakly-Supervised Disentanglement Without Compromises, ICML 2020. Section 4: with
d_i = KL(q(z_i|a) || q(z_i|b)), the latents whose d_i lies below t = (max_i d_i + min_i d_i) / 2 are
taken to be shared, and both images get the average of their posteriors there (Hosoya 2019):
    mean = (mean_a + mean_b) / 2,   variance = (variance_a + variance_b) / 2.
Eq. 5, as a loss, with these posteriors q':
    L = 1/2 sum over a, b of -E_q'[log p(x|z)] + beta KL(q' || N(0, I)).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo import checks
from zoo.data import pairs
from zoo.data.pairing import check_factors
from zoo.disentangled.vae import VAE
from zoo.messages import described


class AdaGVAE(VAE):
    """A VAE of pairs: latents in which two images hardly differ are made the same.

    A batch is (a, b), images that share some unknown factors: `zoo.data.pairs` makes them of data
    with known factors; nobody says which are shared. `predict` takes single images.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        beta: Weight of the KL, at least 0. The pairs disentangle, so 1 will do.
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z.

    Raises:
        ValueError: `beta` negative, infinite or NaN, and as for `VAE`. In training, a batch that
            is no pair of images.

    Example:
        >>> import numpy as np
        >>> method = AdaGVAE.for_images((16, 16, 1), latent_size=2)
        >>> method.compile(optimizer="adam")
        >>> a, b = np.zeros((2, 8, 16, 16, 1), "uint8")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['kl', 'loss', 'reconstruction', 'shared']
    """

    terms = (*VAE.terms, "shared")
    search_space = {"beta": (0.5, 32.0, "log")}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        beta: float = 1.0,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        self.beta = checks.number("beta", beta, low=0)

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> Any:
        """Endless batches of pairs, from data with known factors: `zoo.data.pairs`."""
        check_factors(data)
        return pairs(data, batch_size, seed, start)

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Encodes both images, shares what they share, decodes both: (2N, ...), a before b."""
        if not (isinstance(batch, tuple | list) and len(batch) == 2):
            raise ValueError(
                "Expected pairs of images (a, b), such as zoo.data.pairs gives. "
                f"Received: {described(batch)}."
            )
        images = ops.concatenate([self.prepare(image) for image in batch])
        mean, logvar, shared = share(*self.encode(images, training=training))
        z = self.sample(mean, logvar, training)
        decoded = ops.cast(self.decoder(z, training=training), "float32")
        return {
            "images": images,
            "decoded": decoded,
            "mean": mean,
            "logvar": logvar,
            "shared": shared,
        }

    def objective(
        self, images: Any, decoded: Any, mean: Any, logvar: Any, shared: Any
    ) -> dict[str, Any]:
        """Eq. 5: loss = reconstruction + beta KL; `shared` is how many latents a pair shares."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        count = ops.mean(ops.sum(ops.cast(shared, "float32"), axis=1))
        loss = reconstruction + self.beta * kl
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, "shared": count}

    def _images_in(self, batch: Any) -> list[Any]:
        """Both images of a pair, or the images that `predict` gets."""
        if isinstance(batch, tuple | list) and len(batch) == 2:
            return [image for part in batch for image in super(AdaGVAE, self)._images_in(part)]
        return super()._images_in(batch)


def share(mean: Any, logvar: Any) -> tuple[Any, Any, Any]:
    """The posteriors of pairs, averaged in the latents that a pair is taken to share (section 4).

    Args:
        mean: (2N, L) float, those of the first images before those of the second.
        logvar: (2N, L) float: log of the variance.

    Returns:
        mean (2N, L), logvar (2N, L) and which latents were shared, (N, L) booleans.

    Example:
        >>> mean, logvar, shared = share(ops.array([[1.0, 5.0], [3.0, -5.0]]), ops.zeros((2, 2)))
        >>> print(ops.convert_to_numpy(mean))
        [[ 2.  5.]
         [ 2. -5.]]
    """
    (mean_a, mean_b), (logvar_a, logvar_b) = ops.split(mean, 2), ops.split(logvar, 2)
    variance_a, variance_b = ops.exp(logvar_a), ops.exp(logvar_b)
    distance = ops.square(mean_a - mean_b)
    kl = 0.5 * ((variance_a + distance) / variance_b - 1 + logvar_b - logvar_a)
    threshold = (ops.max(kl, axis=1, keepdims=True) + ops.min(kl, axis=1, keepdims=True)) / 2
    shared = kl < threshold
    both = ops.concatenate([shared, shared])
    average_mean = ops.tile((mean_a + mean_b) / 2, (2, 1))
    average_logvar = ops.tile(ops.log((variance_a + variance_b) / 2), (2, 1))
    return ops.where(both, average_mean, mean), ops.where(both, average_logvar, logvar), shared
