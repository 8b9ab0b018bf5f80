"""The arithmetic of views: crops, blurs and colours as small matrices, one or two an image.

Everything here takes what was drawn and draws nothing. Leading axes, written ... below, are
those of the draws: (2, N) in `zoo.data.views`, two views of N images.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue in grey: ITU-R 601, as PIL has it."""


def crop_boxes(
    height: int, width: int, area: tf.Tensor, aspect: tf.Tensor, place: tf.Tensor, middle: tf.Tensor
) -> tf.Tensor:
    """Where images are cropped: the first box of several that fits, as RandomResizedCrop has it.

    Args:
        height: Of the images, in pixels.
        width: Likewise.
        area: (..., T) parts of the image's area, of T boxes to try.
        aspect: (..., T) their ratios of width to height.
        place: (..., 2) from 0 to below 1: where, between the topmost and the lowest place for the
            box that is taken, and between the leftmost and the rightmost.
        middle: (..., 4) the box that is taken where none fits.

    Returns:
        (..., 4) float32 top, left, height, width, in whole pixels.
    """
    import tensorflow as tf

    pixels = height * width * area
    tall, wide = tf.round(tf.sqrt(pixels / aspect)), tf.round(tf.sqrt(pixels * aspect))
    fits = (tall >= 1) & (tall <= height) & (wide >= 1) & (wide <= width)
    first = tf.argmax(fits, axis=-1, output_type=tf.int32)  # 0 where none does
    sides = tf.stack([tall, wide], axis=-1)
    sides = tf.gather(sides, first, axis=-2, batch_dims=first.shape.rank)
    corner = tf.floor(place * (tf.constant([height, width], tf.float32) - sides + 1))
    any_fits = tf.reduce_any(fits, axis=-1, keepdims=True)
    return tf.where(any_fits, tf.concat([corner, sides], axis=-1), middle)


def middle_box(height: int, width: int, aspect: tuple[float, float]) -> list[int]:
    """The largest box in the middle of an image whose aspect is allowed: top, left, its sides."""
    low, high = aspect
    tall = min(height, max(1, round(width / low)))
    wide = min(width, max(1, round(height * high)))
    return [(height - tall) // 2, (width - wide) // 2, tall, wide]


def resizing(
    side: int, size: int, start: tf.Tensor, length: tf.Tensor, mirrored: tf.Tensor
) -> tf.Tensor:
    """The matrices (..., size, side) that bring `length` pixels from `start` on to `size` pixels.

    PIL's bilinear filter: a triangle as wide as a pixel of the crop, or of the result where that
    is wider, cut off at the crop's edges.

    Args:
        side: Pixels of the image along this axis.
        size: Pixels of the result.
        start: (...) first pixel of the crop.
        length: (...) pixels of the crop, at least 1.
        mirrored: (...) or (), whether the result runs the other way.
    """
    import tensorflow as tf

    start, length = start[..., None, None], length[..., None, None]
    scale = length / size
    places = tf.constant(np.arange(size)[:, None] + 0.5, tf.float32)
    centres = start + tf.where(mirrored[..., None, None], size - places, places) * scale
    pixels = tf.constant(np.arange(side) + 0.5, tf.float32)
    if side <= size:  # nothing shrinks: one or two pixels each, at the edge only the last
        centres = tf.clip_by_value(centres, start + 0.5, start + length - 0.5)
        return tf.nn.relu(1 - tf.abs(pixels - centres))
    weights = tf.nn.relu(1 - tf.abs(pixels - centres) / tf.maximum(scale, 1))
    weights = tf.where((pixels > start) & (pixels < start + length), weights, 0)
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def motion(
    height: int, width: int, turn: tf.Tensor, shift: tf.Tensor, zoom: tf.Tensor
) -> tf.Tensor:
    """The maps (..., 8) that rotate about the middle, zoom, and then shift, for each new pixel.

    The new pixel (x, y) is the old one at (a x + b y + c, d x + e y + f); of the map, which is
    projective, the last two are 0.

    Args:
        height: Of the images, in pixels.
        width: Likewise.
        turn: (...) degrees, clockwise.
        shift: (..., 2) downwards and to the right, parts of the height and of the width.
        zoom: (...) factors by which what is shown grows.
    """
    import tensorflow as tf

    angle = turn * (math.pi / 180)
    cos, sin = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    middle = tf.constant([(height - 1) / 2, (width - 1) / 2], tf.float32)
    y, x = tf.unstack(middle + shift * tf.constant([height, width], tf.float32), axis=-1)
    down, right = tf.unstack(middle)
    none = tf.zeros_like(cos)
    rows = [cos, sin, right - cos * x - sin * y, -sin, cos, down + sin * x - cos * y, none, none]
    return tf.stack(rows, axis=-1)


def blurring(size: int, sigma: tf.Tensor, blurred: tf.Tensor) -> tf.Tensor:
    """The matrices (..., size, size) of a Gaussian blur with reflected edges, or of none.

    The kernel is a tenth of the side wide, as in SimCLR: 2 (size // 20) + 1 pixels, at least 3.

    Args:
        size: Pixels of the image along this axis.
        sigma: (...) deviations in pixels.
        blurred: (...) whether an image is blurred at all.
    """
    import tensorflow as tf

    radius = min(max(1, size // 20), size - 1)
    offsets = np.arange(-radius, radius + 1)
    kernel = tf.nn.softmax(tf.constant(-0.5 * offsets**2, tf.float32) / sigma[..., None] ** 2)
    kernel = tf.where(blurred[..., None], kernel, tf.constant(offsets == 0, tf.float32))
    sources = np.abs(np.arange(size)[:, None] + offsets)  # reflected at the first pixel
    sources = size - 1 - np.abs(size - 1 - sources)  # and at the last
    taps = np.zeros((len(offsets), size, size), np.float32)
    for tap, pixels in zip(taps, sources.T, strict=True):
        tap[np.arange(size), pixels] = 1
    return tf.tensordot(kernel, tf.constant(taps), axes=1)


def recolouring(
    means: tf.Tensor,
    brightness: tf.Tensor,
    contrast: tf.Tensor,
    saturation: tf.Tensor,
    hue: tf.Tensor,
    ranks: tf.Tensor,
    greyed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Brightness, contrast, saturation and hue in any order, then grey, as one map of colours.

    With b, c, s the factors, H the turn, l luma, G = 1 l' (to grey) and m the mean colour:
        brightness  x -> b x                    saturation  x -> s x + (1 - s) G x
        contrast    x -> c x + (1 - c) G m*     hue         x -> H x
    where m* is the mean at that moment. All of them take greys to greys, H 1 = 1 and l'1 = 1. So
    brightness may come at any time; the last two compose to s H + (1 - s) 1 k', with k = l if
    saturation comes first and k = H'l if hue does; and all that is added is one grey, (1 - c) b
    times the luma of m after those of the two that came before contrast.

    Args:
        means: (..., C) each image's mean colour, C = 1 or 3.
        brightness: (...) its factors; 1 changes nothing.
        contrast: Likewise.
        saturation: Likewise.
        hue: (...) parts of the whole colour circle; 0 changes nothing. One channel has no hue.
        ranks: (..., 4) distinct numbers, by which the four are ordered.
        greyed: (...) whether only luma is left at the end.

    Returns:
        matrix (..., C, C) and offset (...): new colours are matrix @ colours + offset.
    """
    import tensorflow as tf

    channels = means.shape[-1]
    luma = tf.constant(LUMA if channels == 3 else (1.0,))
    turns = hue_turns(hue) if channels == 3 else tf.ones_like(hue)[..., None, None]
    turned_luma = tf.reduce_sum(luma[:, None] * turns, axis=-2)  # H'l
    _, contrast_rank, saturation_rank, hue_rank = tf.unstack(ranks, axis=-1)

    def either(condition: tf.Tensor, this: tf.Tensor, that: tf.Tensor) -> tf.Tensor:
        return tf.where(condition[..., None], this, that)

    s = saturation[..., None]
    grey = either(saturation_rank < hue_rank, luma, turned_luma)  # k
    matrix = s[..., None] * turns + ((1 - s) * grey)[..., None, :]
    seen = s * turned_luma + (1 - s) * grey  # luma of the two composed, l'(s H + (1 - s) 1 k')
    before = either(saturation_rank < contrast_rank, seen, turned_luma)
    before = either(hue_rank < contrast_rank, before, luma)
    offset = (1 - contrast) * brightness * tf.reduce_sum(before * means, axis=-1)
    matrix = tf.where(greyed[..., None, None], seen[..., None, :], matrix)
    return (brightness * contrast)[..., None, None] * matrix, offset


def hue_turns(turn: tf.Tensor) -> tf.Tensor:
    """The rotations (..., 3, 3) about the grey axis by parts (...) of the whole circle."""
    import tensorflow as tf

    angle = 2 * math.pi * turn[..., None, None]
    mean = tf.fill([3, 3], 1 / 3)
    across = tf.constant([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], tf.float32) / math.sqrt(3)
    return mean + tf.cos(angle) * (tf.eye(3) - mean) + tf.sin(angle) * across
