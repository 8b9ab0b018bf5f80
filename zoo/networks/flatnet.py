"""A small convolutional encoder that keeps where things are: there is no mean over the image.

4x4 convolutions of 32, 32, 64, 64 (stride 2), dense 256, each normalised, ReLU: the trunk of
`zoo.networks.gaussian_encoder`, whose source has it without normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from zoo.networks.convolutional import FILTERS
from zoo.networks.initializers import he_normals
from zoo.networks.normalization import Condition, check_normalization, inputs, normalized
from zoo.networks.shapes import check_image_shape, widened

FEATURES = 256
SMALLEST_SIDE = 8


def flatnet(
    image_shape: Sequence[int],
    seed: int = 0,
    normalization: str | None = "batch",
    conditions: int | None = None,
    width: float = 1.0,
) -> keras.Model:
    """A small convolutional encoder: images to 256 features (times `width`), of all places.

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
        >>> flatnet((32, 32, 3)).count_params()
        183552
    """
    shape = check_image_shape(image_shape, SMALLEST_SIDE)
    normalization = check_normalization(normalization)
    condition = Condition.of(conditions, normalization)
    he = he_normals(seed)
    use_bias = normalization is None  # normalisation would take a bias out again
    images = x = layers.Input(shape, name="image")
    *filters_of, features = widened((*FILTERS, FEATURES), width)
    for filters in filters_of:
        x = layers.Conv2D(filters, 4, 2, "same", use_bias=use_bias, kernel_initializer=next(he))(x)
        x = layers.ReLU()(normalized(x, normalization, condition))
    x = layers.Dense(features, use_bias=use_bias, kernel_initializer=next(he))(layers.Flatten()(x))
    x = layers.ReLU(dtype="float32", name="features")(normalized(x, normalization, condition))
    return keras.Model(inputs(images, condition), x, name="encoder")
