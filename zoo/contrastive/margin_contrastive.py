"""The margin contrastive loss: similar pairs close together, others at least a margin apart.

Hadsell, Chopra & LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006. With
d = |G(a) - G(b)|, the distance of a pair's codes, and y = 1 for a similar pair (the paper's Y is
1 - y), Eq. 4 is
    L = y/2 d^2 + (1 - y)/2 max(0, m - d)^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from zoo import checks, networks
from zoo.data import pairs
from zoo.data.pairing import check_labels
from zoo.losses.contrastive import margin_contrastive_terms
from zoo.messages import described
from zoo.method import Method
from zoo.replicas import gather
from zoo.two_view import laptop_recipe


class MarginContrastive(Method):
    """Maps images to a few numbers, in which those that belong together are near.

    A batch is (a, b, similar): `method.batches` pairs labelled images, half of them of one class.
    There is no projector: the codes themselves are compared.

    Args:
        encoder: As for `Method`.
        margin: m, above 0: how far apart pairs that are not similar need to be.

    Raises:
        ValueError: `margin` not above 0. In training, a batch that is no pairs of images of one
            shape, or that does not say of each whether it is similar.

    Example:
        >>> import numpy as np
        >>> method = MarginContrastive.for_images((16, 16, 1), latent_size=2)
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b, np.arange(8) % 2), verbose=0)
        >>> sorted(history.history)
        ['attraction', 'loss', 'repulsion']
    """

    terms = ("attraction", "repulsion")
    search_space = {"margin": (0.1, 10.0, "log")}
    learns_labels = True
    recipe = {
        **laptop_recipe(),
        "hyperparameters": {"network": "convnet", "latent_size": 8},
    }

    def __init__(self, encoder: keras.Model, margin: float = 1.0, **kwargs: Any) -> None:
        super().__init__(encoder, **kwargs)
        self.margin = checks.positive("margin", margin)

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        network: str = "convnet",
        normalization: str | None = "batch",
        weights: str | None = None,
        width: float = 1.0,
        latent_size: int = 2,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with an encoder for these images: a network and a dense layer.

        Args:
            image_shape: (H, W, C).
            network: As `zoo.networks.encoder` names it. The paper's is a small convnet too.
            normalization: The network's: "batch", "split" or None.
            weights: None or "imagenet", for models of keras.applications.
            width: How many times the network's filters and features it has; 1 for models of
                keras.applications.
            latent_size: L, the length of the codes; the paper's 2 for handwritten digits.
            seed: Of the initial weights.
            **hyperparameters: Further arguments of the constructor: `margin`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        latent_size = checks.integer("latent_size", latent_size, low=1)
        features = networks.encoder(network, image_shape, seed, weights, normalization, width=width)
        codes = networks.projector(features.output_shape[-1], (latent_size,), seed=seed + 1)
        encoder = keras.Model(features.input, codes(features.output), name="encoder")
        return cls(encoder, **hyperparameters)

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> Any:
        """Endless batches (a, b, similar), from data with class labels: `zoo.data.pairs`."""
        check_labels(getattr(data, "train", data))
        return pairs(data, batch_size, seed, start)

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """All replicas' codes za, zb (N, L) of both images, and which pairs are similar, (N,)."""
        a, b, similar = self.pairs_in(batch)
        za, zb = (self.call(images, training=training) for images in (a, b))
        return {"za": gather(za), "zb": gather(zb), "similar": gather(ops.cast(similar, "float32"))}

    def objective(self, za: Any, zb: Any, similar: Any) -> dict[str, Any]:
        """Eq. 4, and its two terms: what pulls similar pairs, and what pushes the others."""
        attraction, repulsion = margin_contrastive_terms(za, zb, similar, self.margin)
        return {
            "loss": attraction + repulsion,
            "attraction": attraction,
            "repulsion": repulsion,
        }

    def pairs_in(self, batch: Any) -> tuple[Any, Any, Any]:
        """The parts (a, b, similar) of a batch.

        Raises:
            ValueError: Something else, images of different shape, or no truth value for each pair.
        """
        if not isinstance(batch, tuple | list) or len(batch) != 3:
            raise ValueError(
                "Expected pairs of images (a, b, similar) for MarginContrastive, such as "
                "method.batches(data, batch_size) or zoo.data.pairs(data, batch_size) gives of "
                f"labelled data. Received: {described(batch)}."
            )
        a, b, similar = batch
        checks.alike(a=a, b=b)
        checks.one_each("similar", similar, a)
        return a, b, similar

    def _images_in(self, batch: Any) -> list[Any]:
        """Both images of a pair, or the images that `predict` gets."""
        if isinstance(batch, tuple | list) and len(batch) >= 2:
            return [*self.pairs_in(batch)[:2]]
        return super()._images_in(batch)
