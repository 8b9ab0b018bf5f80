"""dSprites, regenerated: 737,280 images of one white shape on black, from its geometry alone.

Reference: Matthey, Higgins, Hassabis, Lerchner. dSprites: Disentanglement testing Sprites dataset.
https://github.com/google-deepmind/dsprites-dataset, 2017.

A pixel (i, j) is on iff its centre lies inside the shape; y points down. With shape centre
cx = 16 + 32 x / 31, cy = 16 + 32 y / 31, the pixel centre's offset is

    dx = i + 0.5 - cx = (31 i - 32 x - 480.5) / 31,    dy likewise,

and with scale s = 0.5 .. 1 in 6 steps and angle a = 2 pi orientation / 39, in the shape's frame

    u = (cos a dx - sin a dy) / s,    v = (sin a dx + cos a dy) / s.

    square:   max(|u|, |v|) < 9.5985
    ellipse:  (u / 12.7655)^2 + (v / 7.2129)^2 < 1
    heart:    the 150-gon u = 9.6 sin^3 t,
              v = -0.6623 (13 cos t - 5 cos 2t - 2 cos 3t - cos 4t) - 1.44,  t = 2 pi k / 150

These constants reproduce the frames that the authors published without one differing pixel.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided

from zoo.data.cache import cached
from zoo.data.factors import FactorData
from zoo.data.pixels import BitPixels
from zoo.data.progress import progress

FACTOR_NAMES = ("shape", "scale", "orientation", "x_position", "y_position")
FACTOR_SIZES = (3, 6, 40, 32, 32)
SIDE = 64
"""Height and width of an image, in pixels."""
IMAGES = 737_280
BYTES = IMAGES * SIDE * SIDE // 8
"""Length of the cached file: a bit a pixel."""

_POSITIONS = 32
_SQUARE = 9.5985
_ELLIPSE = (12.7655, 7.2129)
_T = 2 * np.pi * np.arange(150) / 150
# Outlines in the shape's frame, (corners, 2). The ellipse has none: it is crossed exactly.
_OUTLINES = {
    0: _SQUARE * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]),
    2: np.stack(
        [
            9.6 * np.sin(_T) ** 3,
            -0.6623 * (13 * np.cos(_T) - 5 * np.cos(2 * _T) - 2 * np.cos(3 * _T) - np.cos(4 * _T))
            - 1.44,
        ],
        axis=1,
    ),
}

# All positions share their pixels' offsets: dy = (m - 480.5) / 31 with the integer m = 31 j - 32 y.
_FIRST_M = -32 * (_POSITIONS - 1)
_M = np.arange(_FIRST_M, 31 * (SIDE - 1) + 1)
_DY = (_M - 480.5) / 31
# A row of pixels is a 64-bit word, first pixel in the top bit of the first byte.
# _FROM[i] has pixels i, i + 1, ... 63 on.
_FROM = np.array([(1 << SIDE - i) - 1 for i in range(SIDE + 1)], dtype=">u8").view(np.uint64)


def dsprites() -> FactorData:
    """All of dSprites in its original order: y-position varies fastest, shape slowest.

    Generated once, in seconds, into the cache folder (REPZOO_CACHE), then memory-mapped.

    Returns:
        Factors shape (square, ellipse, heart), scale, orientation, x_position, y_position;
        images (64, 64, 1) of 0 and 255.

    Raises:
        OSError: If the cache cannot be written.
    """
    # The number in the name goes up when the pixels change.
    path = cached("dsprites-1.bits", BYTES, _write)
    bits = np.memmap(path, dtype=np.uint8, mode="r", shape=(IMAGES, SIDE * SIDE // 8))
    factors = np.indices(FACTOR_SIZES).reshape(len(FACTOR_SIZES), -1).T
    return FactorData("dsprites", BitPixels(bits, SIDE, SIDE), factors, FACTOR_NAMES, FACTOR_SIZES)


def render(shape: int, scale: int, orientation: int) -> np.ndarray:
    """One shape at all its positions.

    Args:
        shape: 0 square, 1 ellipse, 2 heart.
        scale: 0 to 5.
        orientation: 0 to 39.

    Returns:
        Bits, uint8 (32 x-positions, 32 y-positions, 512): 64 rows of 8 bytes, the first pixel in
        the top bit.
    """
    words = _words(*_crossings(shape, scale, orientation))
    # words[x, m] is the row at m = 31 j - 32 y, so every image is that table read with strides.
    across, down = words.strides
    return (
        as_strided(
            words[:, -_FIRST_M:],
            (_POSITIONS, _POSITIONS, SIDE),
            (across, -32 * down, 31 * down),
            writeable=False,
        )
        .copy()
        .view(np.uint8)
    )


def _write(path: Path) -> None:
    shapes, scales, orientations = FACTOR_SIZES[:3]
    with (
        open(path, "wb") as file,
        progress("Drawing dSprites", shapes * scales * orientations) as advance,
    ):
        for combination in np.ndindex(shapes, scales, orientations):
            file.write(render(*combination).data)
            advance(1)


def _crossings(shape: int, scale: int, orientation: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the outline crosses the rows of pixel centres.

    Returns:
        The row of each crossing, as an ascending index into `_DY`, and its dx. A row has an even
        number of them.
    """
    s = np.linspace(0.5, 1, 6)[scale]
    a = 2 * np.pi * orientation / 39
    cos, sin = np.cos(a), np.sin(a)
    if shape == 1:
        return _ellipse_crossings(cos / s, sin / s)
    # From the shape's frame to offsets: the inverse of (dx, dy) -> (u, v).
    x, y = s * np.array([[cos, sin], [-sin, cos]]) @ _OUTLINES[shape].T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    rows, edges = np.nonzero((y > _DY[:, None]) != (next_y > _DY[:, None]))
    slope = (next_x - x)[edges] / (next_y - y)[edges]
    return rows, x[edges] + (_DY[rows] - y[edges]) * slope


def _ellipse_crossings(cos: float, sin: float) -> tuple[np.ndarray, np.ndarray]:
    """The two roots dx of (u / U)^2 + (v / V)^2 = 1 in each row; cos and sin are divided by s."""
    U, V = _ELLIPSE
    a = (cos / U) ** 2 + (sin / V) ** 2
    b = 2 * cos * sin * (1 / V**2 - 1 / U**2) * _DY
    c = ((sin / U) ** 2 + (cos / V) ** 2) * _DY**2 - 1
    discriminant = b**2 - 4 * a * c
    rows = np.flatnonzero(discriminant > 0)
    root = np.sqrt(discriminant[rows])
    ends = np.stack([-b[rows] - root, -b[rows] + root], axis=1) / (2 * a)
    return rows.repeat(2), ends.ravel()


def _words(rows: np.ndarray, crossings: np.ndarray) -> np.ndarray:
    """Rows of pixels as bits, for every x-position: uint64 (32, len(_M))."""
    x = np.arange(_POSITIONS)[:, None]
    # The first pixel with dx beyond the crossing: 31 i > 31 crossing + 480.5 + 32 x.
    first = np.floor(crossings + 15.5 + 32 * x / 31).astype(np.int64) + 1
    beyond = _FROM[np.clip(first, 0, SIDE)]
    words = np.zeros((_POSITIONS, len(_M)), dtype=np.uint64)
    # A pixel is inside iff an odd number of crossings lies before it: the exclusive or.
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    words[:, rows[starts]] = np.bitwise_xor.reduceat(beyond, starts, axis=1)
    return words
