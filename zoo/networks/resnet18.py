"""The residual network of 18 layers, for small images.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016 (Table 1, 18-layer), begun as
Chen et al., A Simple Framework for Contrastive Learning, ICML 2020 (Appendix B.9) begin it on
CIFAR-10, with a 3x3 convolution of stride 1 and no pooling:
    stem    3x3 convolution of 64
    blocks  2 x 64, 2 x 128, 2 x 256, 2 x 512, the first of each width but 64 of stride 2
    block   relu(x + F(x)),   F = 3x3 convolution, ReLU, 3x3 convolution
Every convolution is normalised; where F changes the shape of x, a 1x1 convolution fits x to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import layers

from zoo.networks.initializers import he_normals
from zoo.networks.normalization import Condition, check_normalization, inputs, normalized
from zoo.networks.shapes import check_image_shape, widened

WIDTHS = (64, 128, 256, 512)
BLOCKS = 2  # of each width
SMALLEST_SIDE = 8


def resnet18(
    image_shape: Sequence[int],
    seed: int = 0,
    normalization: str | None = "batch",
    conditions: int | None = None,
    width: float = 1.0,
) -> keras.Model:
    """The small-image ResNet-18: images to 512 features, or `width` times as many.

    The scales of a block's last normalisation start at one, as in torchvision and MoCo; SimCLR,
    BYOL, Barlow Twins and SimSiam start them at zero.

    Args:
        image_shape: (H, W, C) with H, W of at least 8 and C of 1 or 3.
        seed: Of the initial weights (He normal, fan out).
        normalization: As for `encoder`.
        conditions: As for `encoder`.
        width: As for `encoder`.

    Returns:
        A model from images (N, H, W, C) float 0..1 to features (N, 512) float32, each at least 0.

    Raises:
        ValueError: The image is too small or has a strange number of channels, `seed` < 0, an
            unknown `normalization`, or `conditions` or a `width` that it cannot have.

    Example:
        >>> resnet18((32, 32, 3)).output_shape
        (None, 512)
    """
    shape = check_image_shape(image_shape, SMALLEST_SIDE)
    normalization = check_normalization(normalization)
    condition = Condition.of(conditions, normalization)
    he = he_normals(seed)

    def convolved(x: Any, filters: int, size: int, stride: int) -> Any:
        x = layers.Conv2D(
            filters,
            size,
            stride,
            "same",
            use_bias=normalization is None,  # normalisation would take a bias out again
            kernel_initializer=next(he),
        )(x)
        return normalized(x, normalization, condition)

    def block(x: Any, filters: int, stride: int) -> Any:
        y = layers.ReLU()(convolved(x, filters, 3, stride))
        y = convolved(y, filters, 3, 1)
        if x.shape != y.shape:
            x = convolved(x, filters, 1, stride)
        return layers.ReLU()(layers.Add()([x, y]))

    widths = widened(WIDTHS, width)
    images = layers.Input(shape, name="image")
    x = layers.ReLU()(convolved(images, widths[0], 3, 1))
    for filters, stride in _blocks(widths):
        x = block(x, filters, stride)
    x = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    return keras.Model(inputs(images, condition), x, name="encoder")


def _blocks(widths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Width and stride of each block."""
    for place, width in enumerate(widths):
        for i in range(BLOCKS):
            yield width, 2 if i == 0 and place else 1
