"""Area averaging: an output pixel is the mean of the input area that it covers."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable

import numpy as np


def as_size(size: int | Iterable[int]) -> tuple[int, int]:
    """A side, or (height, width), as (height, width).

    Raises:
        ValueError: If it is neither, or a side is below 1.
    """
    sides = size if isinstance(size, Iterable) else (size, size)
    try:
        height, width = (operator.index(side) for side in sides)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(
            "Expected size to be a side in pixels or (height, width), each at least 1. "
            f"Received: {size!r}."
        )
    return height, width


def area_resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes a batch of images by area averaging, to any size.

    Larger sizes repeat pixels, and mix them where a new pixel lies across two old ones.
    Width and height are scaled each by its own ratio. Computed in integers, so the means are
    exact, and rounded halves up.

    Args:
        images: uint8 (n, H, W, C).
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        uint8 (n, height, width, C).
    """
    n, rows, columns, channels = images.shape
    if (rows, columns) == (height, width):
        return images
    # How many equal parts an output pixel's area has, once every overlap is a whole number.
    parts = rows // math.gcd(rows, height) * (columns // math.gcd(columns, width))
    dtype = np.int32 if 2 * 255 * parts < 2**31 else np.int64
    sums = _sums(images.reshape(n, rows, columns * channels), height, dtype)
    sums = _sums(sums.reshape(n * height, columns, channels), width, dtype)
    means = (2 * sums + parts) // (2 * parts)
    return means.astype(np.uint8).reshape(n, height, width, channels)


def _sums(values: np.ndarray, new: int, dtype: type) -> np.ndarray:
    """Sums (n, old, k) to (n, new, k), each value counted as often as its parts overlap."""
    # Slices and products instead of a matrix: a BLAS would start threads beside training's own.
    old = values.shape[1]
    total: np.ndarray = np.zeros((len(values), new, values.shape[2]), dtype)
    if old % new == 0:  # whole pixels: a sum of slices, twice as fast as the general way
        for first in range(old // new):
            total += values[:, first :: old // new]
        return total
    for pixels, overlaps in _taps(old, new):
        total += values[:, pixels] * overlaps.astype(dtype)[:, None]
    return total


@functools.lru_cache(maxsize=64)
def _taps(old: int, new: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """What each of `new` output pixels covers, one input pixel at a time.

    Returns:
        Pairs of input pixels and their overlaps, (new,) each. Overlaps count parts, of which
        each output pixel has old / gcd(old, new).
    """
    common = math.gcd(old, new)
    edges = np.arange(new + 1) * (old // common)
    pixel = new // common  # parts in an input pixel
    first = edges[:-1] // pixel
    taps = []
    for tap in range(int(((edges[1:] - 1) // pixel - first).max()) + 1):
        low, high = (first + tap) * pixel, (first + tap + 1) * pixel
        overlap = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        taps.append((np.minimum(first + tap, old - 1), np.clip(overlap, 0, None)))
    return taps
