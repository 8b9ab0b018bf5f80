"""The variational autoencoder, and what all its kin share.

Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014. Eq. 3, as a loss:
    L = -E_q(z|x)[log p(x|z)] + KL(q(z|x) || N(0, I)),   z = mean + e^(logvar/2) eps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import keras
from keras import ops

from zoo import checks, losses, networks
from zoo.decodes import RECONSTRUCTIONS, Decodes, check_decoder

EVALUATION_SEED = 0


class VAE(Decodes):
    """The plain VAE, and the family class of its kin, which override `objective`.

    Args:
        encoder: A built model from images (N, H, W, C) float 0..1 to [mean, logvar], (N, L) each.
        decoder: A built model from codes (N, L) to (N, H, W, C): log-odds of Bernoulli pixels,
            or means of Gaussian ones.
        reconstruction: "bernoulli" or "gaussian": the distribution of a pixel given the code.
        seed: Of the noise in z.

    Raises:
        ValueError: Networks that do not fit one another, or an unknown `reconstruction`.

    Example:
        >>> import numpy as np
        >>> vae = VAE.for_images((16, 16, 1), latent_size=2)
        >>> vae.predict(np.zeros((3, 16, 16, 1), "uint8"), verbose=0).shape
        (3, 2)
    """

    terms: ClassVar[tuple[str, ...]] = ("reconstruction", "kl")
    recipe = {
        "data": "dsprites",
        "image_size": 32,
        "steps": 6000,
        "epochs": 10,
        "batch_size": 32,
        "learning_rate": 1e-3,
    }

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        _check_networks(encoder, decoder)
        super().__init__(encoder, **kwargs)
        self.decoder = decoder
        self.reconstruction = checks.one_of("reconstruction", reconstruction, (*RECONSTRUCTIONS,))
        self.seed = checks.integer("seed", seed, low=0)
        self.noise = keras.random.SeedGenerator(seed)

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        latent_size: int = 10,
        width: float = 1.0,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with the literature's convolutional networks, sized for these images.

        Args:
            image_shape: (H, W, C): at least 16 pixels a side, 1 or 3 channels.
            latent_size: L, the number of latents.
            width: How many times the filters and units of those networks the layers have.
            seed: Of the initial weights and of the noise.
            **hyperparameters: Further arguments of the constructor, e.g. `beta`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        encoder = networks.gaussian_encoder(image_shape, latent_size, seed, width)
        decoder = networks.image_decoder(image_shape, latent_size, seed + 1, width)
        return cls(encoder, decoder, seed=seed, **hyperparameters)

    @property
    def code_network(self) -> keras.Model:
        """From images float 0..1 to the posterior means (N, L)."""
        return keras.Model(self.encoder.inputs, self.encoder.outputs[0])

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The posterior means (N, L) float32 of images (N, H, W, C)."""
        return self.encode(inputs, training=training)[0]

    def encode(self, images: Any, training: bool = False) -> tuple[Any, Any]:
        """The posterior of images (N, H, W, C), uint8 or float 0..1.

        Returns:
            mean and logvar, (N, L) float32 each.
        """
        mean, logvar = self.encoder(self.prepare(images), training=training)
        return ops.cast(mean, "float32"), ops.cast(logvar, "float32")

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Encodes images (those of a pair (images, anything) too), samples z, decodes it."""
        images = self.prepare(batch[0] if isinstance(batch, tuple | list) else batch)
        mean, logvar = self.encode(images, training=training)
        z = self.sample(mean, logvar, training)
        decoded = ops.cast(self.decoder(z, training=training), "float32")
        images = ops.cast(images, "float32")
        return {"images": images, "decoded": decoded, "mean": mean, "logvar": logvar, "z": z}

    def sample(self, mean: Any, logvar: Any, training: bool) -> Any:
        """Draws z = mean + e^(logvar/2) eps, (N, L); outside training with one fixed eps."""
        eps = keras.random.normal(ops.shape(mean), seed=self.noise if training else EVALUATION_SEED)
        return mean + ops.exp(logvar / 2) * eps

    def elbo(self, images: Any, decoded: Any, mean: Any, logvar: Any) -> tuple[Any, Any]:
        """The two terms of Eq. 3: reconstruction error and KL, scalars in nats."""
        reconstruction = RECONSTRUCTIONS[self.reconstruction](images, decoded)
        return reconstruction, losses.gaussian_kl(mean, logvar)

    def objective(self, images: Any, decoded: Any, mean: Any, logvar: Any) -> dict[str, Any]:
        """Eq. 3: loss = reconstruction + KL."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}


def _check_networks(encoder: keras.Model, decoder: keras.Model) -> None:
    """Refuses an encoder without two heads, and a decoder that does not undo it."""
    heads = encoder.output_shape
    if not isinstance(heads, list | tuple) or len(heads) != 2 or heads[0] != heads[1]:
        raise ValueError(
            "Expected an encoder with two outputs (N, L), mean and logvar. "
            f"Received outputs of shape: {heads}."
        )
    check_decoder(decoder, heads[0], encoder.input_shape)
