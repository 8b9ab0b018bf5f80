"""Which images a network takes, and how wide it is."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

from zoo import checks


def check_image_shape(image_shape: Sequence[int], smallest_side: int) -> tuple[int, int, int]:
    """Returns (H, W, C) as ints; refuses images too small, or of other than 1 or 3 channels."""
    shape = tuple(image_shape)
    if len(shape) != 3 or not all(isinstance(side, numbers.Integral) for side in shape):
        raise ValueError(
            f"Expected image_shape to be (height, width, channels). Received: {shape}."
        )
    height, width, channels = map(int, shape)
    if min(height, width) < smallest_side:
        raise ValueError(
            f"Expected images of at least {smallest_side} x {smallest_side} pixels. "
            f"Received: {height} x {width}. Enlarge them first: data.resized({smallest_side}), "
            f"or --image-size {smallest_side} on the command line."
        )
    if channels not in (1, 3):
        raise ValueError(f"Expected images of 1 or 3 channels. Received: {channels}.")
    return height, width, channels


def widened(sizes: Sequence[int], width: float) -> tuple[int, ...]:
    """Filters or units of layers, `width` times as many, rounded; at least one each.

    Raises:
        ValueError: `width` is no number above 0.

    Example:
        >>> widened((32, 64), 1.5), widened((32, 64), 1.0)
        ((48, 96), (32, 64))
    """
    width = checks.positive("width", width)
    return tuple(max(1, round(width * size)) for size in sizes)
