"""Area averaging: an output pixel is the mean of the input area that it covers."""

from __future__ import annotations

import functools
import operator

import numpy as np

type_error = "Expected size to be a side in pixels or (height, width), each at least 1. Received: {!r}."


def as_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """A side, or (height, width), as (height, width).

    Raises:
        ValueError: If it is neither, or a side is below 1.
    """
    try:
        pair = (size, size) if np.ndim(size) == 0 else tuple(size)  # type: ignore[arg-type]
        height, width = (operator.index(side) for side in pair)
    except (TypeError, ValueError):
        raise ValueError(type_error.format(size)) from None
    if height < 1 or width < 1:
        raise ValueError(type_error.format(size))
    return height, width


def area_resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes a batch of images by area averaging, to any size.

    Larger sizes repeat pixels, and mix them where a new pixel lies across two old ones.
    Width and height are scaled each by its own ratio. Means are rounded, halves up.

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
    values = images.astype(np.float32).reshape(n, rows, columns * channels)
    values = np.matmul(_weights(rows, height), values)
    values = values.reshape(n * height, columns * channels) @ _wide(columns, width, channels)
    # The sums are exact to about 1e-4, so a half may arrive as 127.49999: lift it over.
    values += np.float32(0.5 + 1e-3)
    return values.astype(np.uint8).reshape(n, height, width, channels)


@functools.lru_cache(maxsize=32)
def _weights(old: int, new: int) -> np.ndarray:
    """How much of each output pixel each input pixel fills: float32 (new, old), rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(old)
    overlap = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return (np.clip(overlap, 0, None) * (new / old)).astype(np.float32)


@functools.lru_cache(maxsize=32)
def _wide(old: int, new: int, channels: int) -> np.ndarray:
    """The same for rows of interleaved channels: float32 (old * channels, new * channels)."""
    return np.kron(_weights(old, new).T, np.eye(channels, dtype=np.float32))
