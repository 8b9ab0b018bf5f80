"""Where images come from: arrays, packed bits, and smaller versions of both."""

from __future__ import annotations

import functools
from typing import Protocol

import numpy as np

from zoo.data.resizing import area_resize


class Pixels(Protocol):
    """Images by row: anything with a shape, a length and `read`."""

    shape: tuple[int, int, int]
    """(H, W, C)."""

    def __len__(self) -> int: ...

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images at integer `rows` (n,): uint8 (n, H, W, C), 0..255."""


class ArrayPixels:
    """Images in one uint8 array (N, H, W, C), in memory or memory-mapped."""

    def __init__(self, images: np.ndarray):
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(
                "Expected images of shape (N, H, W, C) and dtype uint8. "
                f"Received: shape {images.shape}, dtype {images.dtype}."
            )
        self.images = np.asarray(images)  # indexing a plain array is faster than a memmap
        self.shape = images.shape[1:]

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images at `rows`."""
        return self.images[rows]


class BitPixels:
    """Black and white images, a bit a pixel: uint8 (N, H * W / 8), first pixel in the top bit."""

    def __init__(self, bits: np.ndarray, height: int, width: int):
        if (
            bits.dtype != np.uint8
            or bits.ndim != 2
            or width % 8
            or bits.shape[1] * 8 != height * width
        ):
            raise ValueError(
                f"Expected bits of shape (N, {height} * {width} / 8), dtype uint8 and a width "
                f"in whole bytes. Received: shape {bits.shape}, dtype {bits.dtype}."
            )
        self.bits = np.asarray(bits)
        self.shape = (height, width, 1)

    def __len__(self) -> int:
        return len(self.bits)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images at `rows`, black 0 and white 255."""
        images = np.unpackbits(self.bits[rows], axis=1)
        np.negative(images, out=images)  # 1 becomes 255
        return images.reshape(-1, *self.shape)


class HalvedBits:
    """`BitPixels` averaged 2x2, from a table instead of from unpacked pixels."""

    def __init__(self, source: BitPixels):
        height, width, _ = source.shape
        self.bits = source.bits
        self.shape = (height // 2, width // 2, 1)

    def __len__(self) -> int:
        return len(self.bits)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The averaged images at `rows`: values 0, 64, 128, 191 and 255."""
        height, width, _ = self.shape
        lines = self.bits[rows].reshape(-1, height, 2, width // 4).astype(np.uint16)
        eights = (lines[:, :, 0] << 8) | lines[:, :, 1]  # 8 pixels over the 8 below them
        return _halves()[eights].view(np.uint8).reshape(-1, *self.shape)


@functools.cache
def _halves() -> np.ndarray:
    """For 8 pixels over 8 pixels, the 4 means of 2x2, as the bytes of a uint32: (65536,)."""
    eights = np.arange(1 << 16, dtype=">u2").view(np.uint8).reshape(-1, 2)
    counts = np.unpackbits(eights, axis=1).reshape(-1, 2, 4, 2).sum(axis=(1, 3))
    return ((counts * 255 + 2) // 4).astype(np.uint8).view(np.uint32).ravel()


class ResizedPixels:
    """Any pixels, area-averaged when they are read."""

    def __init__(self, source: Pixels, height: int, width: int):
        self.source = source
        self.shape = (height, width, source.shape[2])

    def __len__(self) -> int:
        return len(self.source)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The resized images at `rows`."""
        return area_resize(self.source.read(rows), *self.shape[:2])


def resized_pixels(source: Pixels, height: int, width: int) -> Pixels:
    """`source` at another size, by the fastest exact way there is."""
    if source.shape[:2] == (height, width):
        return source
    halved = (2 * height, 2 * width) == source.shape[:2]
    if isinstance(source, BitPixels) and halved:
        return HalvedBits(source)
    return ResizedPixels(source, height, width)
