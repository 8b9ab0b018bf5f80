"""Where images come from: arrays, packed bits in two colours, and smaller versions of all."""

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
        return _halves()[self.eights(rows)].view(np.uint8).reshape(-1, *self.shape)

    def eights(self, rows: np.ndarray) -> np.ndarray:
        """The images at `rows`, 8 pixels over the 8 below them at a time: uint16 (n, H, W / 4)."""
        height, width, _ = self.shape
        lines = self.bits[rows].reshape(-1, height, 2, width // 4).astype(np.uint16)
        return (lines[:, :, 0] << 8) | lines[:, :, 1]


class ColouredBits:
    """Black and white images in several palettes of two colours each.

    Row r is image r // P of the source in palette r % P.

    Args:
        source: Images of bits.
        palettes: uint8 (P, 2, 3): red, green and blue of what is off, and of what is on.
    """

    def __init__(self, source: BitPixels, palettes: np.ndarray):
        if palettes.dtype != np.uint8 or palettes.ndim != 3 or palettes.shape[1:] != (2, 3):
            raise ValueError(
                "Expected palettes of shape (P, 2, 3), dtype uint8. "
                f"Received: shape {palettes.shape}, dtype {palettes.dtype}."
            )
        self.source, self.palettes = source, palettes
        self.shape = (*source.shape[:2], 3)
        pixels = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
        self._coloured = palettes[:, pixels].reshape(-1, 8 * 3)  # take copies a row at once

    def __len__(self) -> int:
        return len(self.source) * len(self.palettes)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images at `rows`."""
        image, palette = np.divmod(rows, len(self.palettes))
        eights = self.source.bits[image] + 256 * palette[:, None]
        return self._coloured.take(eights, axis=0).reshape(-1, *self.shape)


class HalvedColours:
    """`ColouredBits` averaged 2x2, from tables instead of from pixels."""

    def __init__(self, source: ColouredBits):
        self._halved, self._palettes = HalvedBits(source.source), len(source.palettes)
        self.shape = (*self._halved.shape[:2], 3)
        off, on = source.palettes.transpose(1, 0, 2)[:, :, None].astype(int)  # (P, 1, 3) each
        count = np.arange(5)[:, None]  # of four pixels that are on
        means = ((4 - count) * off + count * on + 2) // 4
        fours = np.indices((5, 5, 5, 5)).reshape(4, -1).T  # each four counts side by side
        self._coloured = means.astype(np.uint8)[:, fours].reshape(-1, 4 * 3)
        # For 8 pixels over 8 pixels, which of these it is.
        self._four = _counts() @ np.array([125, 25, 5, 1])

    def __len__(self) -> int:
        return len(self._halved) * self._palettes

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The averaged images at `rows`."""
        image, palette = np.divmod(rows, self._palettes)
        fours = self._four.take(self._halved.eights(image)) + 625 * palette[:, None, None]
        return self._coloured.take(fours, axis=0).reshape(-1, *self.shape)


def _counts() -> np.ndarray:
    """For 8 pixels over 8 pixels, how many of the 4 in each 2x2 are on: (65536, 4)."""
    eights = np.arange(1 << 16, dtype=">u2").view(np.uint8).reshape(-1, 2)
    return np.unpackbits(eights, axis=1).reshape(-1, 2, 4, 2).sum(axis=(1, 3), dtype=int)


@functools.cache
def _halves() -> np.ndarray:
    """For 8 pixels over 8 pixels, the 4 means of 2x2, as the bytes of a uint32: (65536,)."""
    return ((_counts() * 255 + 2) // 4).astype(np.uint8).view(np.uint32).ravel()


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
    if isinstance(source, ColouredBits) and halved:
        return HalvedColours(source)
    return ResizedPixels(source, height, width)
