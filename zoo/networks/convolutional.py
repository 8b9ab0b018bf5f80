"""The convolutional pair of the disentanglement literature, for images of any size from 16 pixels.

Locatello et al., Challenging Common Assumptions in the Unsupervised Learning of Disentangled
Representations, 2019 (Table 1, after Higgins et al. 2017 and Burgess et al. 2018):
    encoder  conv 32, 32, 64, 64 (4x4, stride 2, ReLU), dense 256 (ReLU), 2 x dense L
    decoder  dense 256 (ReLU), dense h w 64 (ReLU), deconv 64, 32, 32, C (4x4, stride 2, ReLU)
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from zoo import checks
from zoo.networks.initializers import glorots
from zoo.networks.shapes import check_image_shape, widened

FILTERS = (32, 32, 64, 64)
UNITS = 256
SMALLEST_SIDE = 16


def gaussian_encoder(
    image_shape: Sequence[int], latent_size: int = 10, seed: int = 0, width: float = 1.0
) -> keras.Model:
    """The literature's encoder: an image to the mean and log-variance of a Gaussian posterior.

    Args:
        image_shape: (H, W, C) with H, W of at least 16 and C of 1 or 3.
        latent_size: L, the number of latents.
        seed: Of the initial weights (Glorot uniform).
        width: How many times the literature's filters and units the layers have.

    Returns:
        A model from images (N, H, W, C) float 0..1 to [mean, logvar], (N, L) float32 each.

    Raises:
        ValueError: The image is too small or has a strange number of channels, L < 1, seed < 0 or
            width <= 0.

    Example:
        >>> gaussian_encoder((64, 64, 1), latent_size=10).count_params()
        382932
    """
    shape = check_image_shape(image_shape, SMALLEST_SIDE)
    latent_size = checks.integer("latent_size", latent_size, low=1)
    glorot = glorots(seed)
    images = x = layers.Input(shape, name="image")
    *filters_of, units = widened((*FILTERS, UNITS), width)
    for filters in filters_of:
        x = layers.Conv2D(
            filters, 4, 2, "same", activation="relu", kernel_initializer=next(glorot)
        )(x)
    x = layers.Flatten()(x)
    x = layers.Dense(units, activation="relu", kernel_initializer=next(glorot))(x)
    # The posterior stays in float32 under mixed precision: its exponential needs the digits.
    heads = [
        layers.Dense(latent_size, kernel_initializer=next(glorot), dtype="float32", name=name)(x)
        for name in ("mean", "logvar")
    ]
    return keras.Model(images, heads, name="encoder")


def image_decoder(
    image_shape: Sequence[int], latent_size: int = 10, seed: int = 0, width: float = 1.0
) -> keras.Model:
    """The literature's decoder: codes to the log-odds (or means) of an image's pixels.

    Mirrors `gaussian_encoder`: a side of 28 goes down as 28, 14, 7, 4, 2 and comes up the same
    way, by cutting the row too many where doubling overshoots.

    Args:
        image_shape: (H, W, C) with H, W of at least 16 and C of 1 or 3.
        latent_size: L, the number of latents.
        seed: Of the initial weights (Glorot uniform).
        width: How many times the literature's filters and units the layers have.

    Returns:
        A model from codes (N, L) to (N, H, W, C) float32, unbounded.

    Raises:
        ValueError: The image is too small or has a strange number of channels, L < 1, seed < 0 or
            width <= 0.
    """
    *sides, channels = check_image_shape(image_shape, SMALLEST_SIDE)
    latent_size = checks.integer("latent_size", latent_size, low=1)
    glorot = glorots(seed)
    sizes: list[tuple[int, ...]] = [tuple(sides)]
    for _ in FILTERS:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))  # rounded up, as "same" does
    codes = x = layers.Input((latent_size,), name="codes")
    *filters_of, hidden = widened((*FILTERS[::-1], UNITS), width)
    x = layers.Dense(hidden, activation="relu", kernel_initializer=next(glorot))(x)
    smallest = (*sizes.pop(), filters_of[0])
    units = smallest[0] * smallest[1] * smallest[2]
    x = layers.Dense(units, activation="relu", kernel_initializer=next(glorot))(x)
    x = layers.Reshape(smallest)(x)
    for filters in (*filters_of[1:], channels):
        last = len(sizes) == 1
        x = layers.Conv2DTranspose(
            filters,
            4,
            2,
            "same",
            activation=None if last else "relu",
            kernel_initializer=next(glorot),
            dtype="float32" if last else None,
        )(x)
        target = sizes.pop()
        excess = [have - want for have, want in zip(x.shape[1:3], target, strict=True)]
        if any(excess):
            x = layers.Cropping2D([(0, rows) for rows in excess])(x)
    return keras.Model(codes, x, name="decoder")
