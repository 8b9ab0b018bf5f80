"""A small convolutional encoder that learns on a laptop.

3x3 convolutions of 32, 64, 128, 256 (strides 2, 2, 2, 1), each normalised, ReLU;
mean over the image
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from zoo.networks.initializers import he_normals
from zoo.networks.normalization import Condition, check_normalization, inputs, normalized
from zoo.networks.shapes import check_image_shape, widened

FILTERS = (32, 64, 128, 256)
STRIDES = (2, 2, 2, 1)
SMALLEST_SIDE = 8


def convnet(
    image_shape: Sequence[int],
    seed: int = 0,
    normalization: str | None = "batch",
    conditions: int | None = None,
    width: float = 1.0,
) -> keras.Model:
    """A small convolutional encoder: images to 256 features, or `width` times as many.

    Args:
        image_shape: (H, W, C) with H, W of at least 8 and C of 1 or 3.
        seed: Of the initial weights (He normal, fan out).
        normalization: As for `encoder`.
        conditions: As for `encoder`.
        width: As for `encoder`.

    Returns:
        A model from images (N, H, W, C) float 0..1 to features (N, 256) float32, each at least 0.

    Raises:
        ValueError: The image is too small or has a strange number of channels, `seed` < 0, an
            unknown `normalization`, or `conditions` or a `width` that it cannot have.

    Example:
        >>> convnet((32, 32, 3)).count_params()
        389856
    """
    shape = check_image_shape(image_shape, SMALLEST_SIDE)
    normalization = check_normalization(normalization)
    condition = Condition.of(conditions, normalization)
    he = he_normals(seed)
    images = x = layers.Input(shape, name="image")
    for filters, stride in zip(widened(FILTERS, width), STRIDES, strict=True):
        x = layers.Conv2D(
            filters,
            3,
            stride,
            "same",
            use_bias=normalization is None,  # normalisation would take a bias out again
            kernel_initializer=next(he),
        )(x)
        x = layers.ReLU()(normalized(x, normalization, condition))
    x = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    return keras.Model(inputs(images, condition), x, name="encoder")
