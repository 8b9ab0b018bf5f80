"""The linear classifier that methods which know labels put on an encoder's features."""

from __future__ import annotations

import keras
from keras import layers

from zoo import checks
from zoo.networks.initializers import lecun_uniforms


def classifier(features: int, num_classes: int, seed: int = 0) -> keras.Model:
    """A dense layer: features to the logits of classes.

    Args:
        features: L, of the inputs.
        num_classes: C, at least 2.
        seed: Of the initial weights: uniform in +-1/sqrt(L), as PyTorch starts linear layers; the
            bias starts at zero.

    Returns:
        A model from features (N, L) to logits (N, C) float32, unbounded.

    Raises:
        ValueError: `features`, `num_classes` or `seed` out of range.

    Example:
        >>> classifier(256, num_classes=10).output_shape
        (None, 10)
    """
    features = checks.integer("features", features, low=1)
    num_classes = checks.integer("num_classes", num_classes, low=2)
    uniform = next(lecun_uniforms(seed))
    codes = layers.Input((features,), name="features")
    # Logits stay in float32 under mixed precision: losses take their exponents.
    dense = layers.Dense(num_classes, kernel_initializer=uniform, dtype="float32", name="logits")
    return keras.Model(codes, dense(codes), name="classifier")
