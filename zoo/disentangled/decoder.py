"""A decoder on the codes of a frozen encoder, to see and edit what was learnt without one.

With z = f(x) of an encoder f that no longer moves, as an autoencoder's second half (Bourlard &
Kamp, Auto-Association by Multilayer Perceptrons and Singular Value Decomposition, Biological
Cybernetics 59, 1988) under a likelihood p of pixels:
    L = -E_x[ log p(x | f(x)) ].                                                               (1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
from keras import layers, ops

from zoo import checks, networks
from zoo.decodes import RECONSTRUCTIONS, Decodes, check_decoder
from zoo.metrics.arrays import checked_subspaces


class Decoder(Decodes):
    """Learns to decode codes of an encoder that stays as it is.

    The codes of any method can be seen and edited by it: a contrastive one's have no decoder of
    their own. What the encoder does not hold comes out blurred, as the mean of what it may be.

    `zoo train decoder --encoder RUN` takes the encoder from a finished run of another method, and
    trains on that run's data unless others are named.

    Args:
        encoder: A built model from images (N, H, W, C) float 0..1 to codes (N, L), such as the
            `code_network` of a method. It is frozen, its batch normalisation too: the model
            itself, and with it a method that goes on using it.
        decoder: A built model from codes (N, L) to (N, H, W, C): log-odds of Bernoulli pixels,
            or means of Gaussian ones.
        subspaces: The name and dimensions of each part of the codes, where they have parts.
        held: The names of the factors that each part is to hold, where that is known.
        reconstruction: "bernoulli" or "gaussian": the distribution of a pixel given the code.

    Raises:
        ValueError: Networks that do not fit one another, an unknown `reconstruction`, or subspaces
            whose dimensions do not add up to those of the codes.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> moco = zoo.MoCo.for_images((16, 16, 1), queue_size=64, network="convnet")
        >>> decoder = Decoder.for_images((16, 16, 1), moco.code_network)
        >>> codes = decoder.predict(np.zeros((3, 16, 16, 1), "uint8"), verbose=0)
        >>> decoder.decode(codes).shape
        TensorShape([3, 16, 16, 1])
    """

    terms = ("reconstruction",)
    from_encoder = ("encoder", "subspaces", "held")
    recipe = {
        "data": "coloured_sprites",
        "image_size": 32,
        "steps": 6000,
        "epochs": 6,
        "batch_size": 64,
        "learning_rate": 3e-3,
        "schedule": "cosine",
    }

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        subspaces: Mapping[str, int] | None = None,
        held: Mapping[str, Sequence[str]] | None = None,
        reconstruction: str = "bernoulli",
        **kwargs: Any,
    ) -> None:
        codes = encoder.output_shape
        if not isinstance(codes, tuple) or len(codes) != 2:
            raise ValueError(
                "Expected an encoder with one output, codes (N, L). Received outputs of shape: "
                f"{codes}."
            )
        check_decoder(decoder, codes, encoder.input_shape)
        if subspaces is not None:
            checked_subspaces(subspaces, codes[1])
        super().__init__(encoder, **kwargs)
        encoder.trainable = False
        self.decoder = decoder
        self.subspaces = None if subspaces is None else dict(subspaces)
        self.held = None if held is None else {name: tuple(f) for name, f in held.items()}
        self.reconstruction = checks.one_of("reconstruction", reconstruction, (*RECONSTRUCTIONS,))

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        encoder: keras.Model,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with the literature's convolutional decoder, sized for these images.

        Args:
            image_shape: (H, W, C): at least 16 pixels a side, 1 or 3 channels.
            encoder: As for the constructor.
            seed: Of the initial weights.
            **hyperparameters: Further arguments of the constructor, e.g. `reconstruction`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        width = encoder.output_shape[-1]
        # Codes that were learnt without a decoder are of any scale.
        codes = layers.Input((width,), name="codes")
        scaled = layers.BatchNormalization(center=False, scale=False, epsilon=1e-6)(codes)
        images = networks.image_decoder(image_shape, width, seed)(scaled)
        return cls(encoder, keras.Model(codes, images, name="decoder"), **hyperparameters)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The codes (N, L) float32 of images (N, H, W, C): the encoder's, in training too."""
        return super().call(inputs, training=False)

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Encodes images (those of a pair (images, anything) too), and decodes the codes."""
        images = self.prepare(batch[0] if isinstance(batch, tuple | list) else batch)
        codes = ops.stop_gradient(self.encoder(images, training=False))
        decoded = ops.cast(self.decoder(codes, training=training), "float32")
        return {"images": ops.cast(images, "float32"), "decoded": decoded}

    def objective(self, images: Any, decoded: Any) -> dict[str, Any]:
        """Eq. 1, summed over pixels and averaged over images, in nats."""
        reconstruction = RECONSTRUCTIONS[self.reconstruction](images, decoded)
        return {"loss": reconstruction, "reconstruction": reconstruction}
