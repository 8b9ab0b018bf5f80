"""Two views of each image as a layer, for pipelines and models that are put together of layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import ops

from zoo import checks
from zoo.data.views import Views
from zoo.replicas import number


@keras.saving.register_keras_serializable(package="zoo")
class TwoViews(keras.layers.Layer):
    """Makes two views of each image: what `zoo.data.two_views` makes, batch after batch.

    In training, call t (from 0) makes the views of (seed, t), and the count is saved with the
    layer's weights: a restored model goes on where it was. In inference all calls make the views of
    (seed, 0), and nothing moves. Under a distribution strategy replica r draws from seed + 2^32 r:
    no two images get the same draws for being in one place of two replicas' batches.

    Args:
        views: The name of a paper's views, such as "simclr_small", or `zoo.data.Views`.
        seed: Draws the views; an integer of at least 0.
        **kwargs: As for any keras.layers.Layer.

    Raises:
        ValueError: Unknown views, or no such seed.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((8, 32, 32, 3), "uint8")
        >>> a, b = TwoViews("simclr", seed=0)(images, training=True)
        >>> a.shape
        TensorShape([8, 32, 32, 3])
    """

    def __init__(self, views: str | Views = "simclr", seed: int = 0, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.views = views
        self.seed = checks.integer("seed", seed, low=0)
        self._make = Views.of(views)
        self.step = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            name="step",
            aggregation="only_first_replica",  # every replica counts the same calls
        )
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> tuple[Any, Any]:
        """Makes both views.

        Args:
            inputs: Images (N, H, W, C), uint8 0..255 or float 0..1, of 1 or 3 channels.
            training: Whether the views are new ones in each call.

        Returns:
            Two float32 (N, h, w, C), 0..1.

        Raises:
            ValueError: Images of which no views can be made, see `zoo.data.Views`.
        """
        seed = self.seed + 2**32 * ops.cast(number(), "int64")
        made = self._make(inputs, seed, self.step.value if training else 0)
        if training:
            self.step.assign_add(1)
        return made

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        views = self.views if isinstance(self.views, str) else self.views.get_config()
        return {**super().get_config(), "views": views, "seed": self.seed}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The layer that `get_config` describes."""
        views = config["views"]
        views = Views.from_config(views) if isinstance(views, Mapping) else views
        return cls(**{**config, "views": views})
