"""Coloured sprites: the shapes of dSprites in eight colours, each on five backgrounds.

Of dSprites (see `zoo.data.dsprites`) fewer sizes, angles and places, so that shape, colour and
place can each be learnt in minutes: scales 0.6, 0.8 and 1, every fourth orientation (37 degrees
apart, of which even a square repeats none), and four places across and four down, some ten pixels
apart. Every pixel is of the sprite's colour or of the background's; all colours are brighter than
all backgrounds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.data import dsprites
from zoo.data.cache import cached
from zoo.data.factors import FactorData
from zoo.data.pixels import BitPixels, ColouredBits
from zoo.data.progress import progress

SCALES = (1, 3, 5)
"""Of dSprites' six."""
ORIENTATIONS = tuple(range(0, 40, 4))
"""Of dSprites' forty."""
POSITIONS = (0, 10, 21, 31)
"""Of dSprites' 32, across and down."""
COLOURS = (
    (255, 0, 0),  # red
    (255, 128, 0),  # orange
    (255, 255, 0),  # yellow
    (0, 255, 0),  # green
    (0, 255, 255),  # cyan
    (64, 128, 255),  # blue
    (192, 96, 255),  # violet
    (255, 255, 255),  # white
)
"""Red, green and blue of sprites."""
BACKGROUNDS = (
    (0, 0, 0),  # black
    (72, 72, 72),  # grey
    (96, 32, 32),  # maroon
    (0, 80, 48),  # dark green
    (16, 24, 112),  # navy
)
"""Red, green and blue behind them."""

FACTOR_NAMES = (*dsprites.FACTOR_NAMES, "colour", "background")
FACTOR_SIZES = (
    dsprites.FACTOR_SIZES[0], len(SCALES), len(ORIENTATIONS), len(POSITIONS), len(POSITIONS),
    len(COLOURS), len(BACKGROUNDS),
)  # fmt: skip
_SPRITES = int(np.prod(FACTOR_SIZES[:5]))


def coloured_sprites() -> FactorData:
    """All 57,600 coloured sprites: the background varies fastest, the shape slowest.

    The 1,440 sprites are drawn once, in a second, into the cache folder (REPZOO_CACHE, 0.7 MB);
    colours are given to them when they are read.

    Returns:
        Factors shape (square, ellipse, heart), scale, orientation, x_position, y_position,
        colour and background; images (64, 64, 3).

    Raises:
        OSError: If the cache cannot be written.
    """
    side = dsprites.SIDE
    # The number in the name goes up when the pixels change.
    path = cached("coloured_sprites-1.bits", _SPRITES * side * side // 8, _write)
    bits = np.fromfile(path, dtype=np.uint8).reshape(_SPRITES, -1)
    palettes = [(background, colour) for colour in COLOURS for background in BACKGROUNDS]
    pixels = ColouredBits(BitPixels(bits, side, side), np.array(palettes, dtype=np.uint8))
    factors = np.indices(FACTOR_SIZES).reshape(len(FACTOR_SIZES), -1).T
    return FactorData("coloured_sprites", pixels, factors, FACTOR_NAMES, FACTOR_SIZES)


def _write(path: Path) -> None:
    shapes, places = FACTOR_SIZES[0], np.ix_(POSITIONS, POSITIONS)
    drawn = shapes * len(SCALES) * len(ORIENTATIONS)
    with open(path, "wb") as file, progress("Drawing coloured sprites", drawn) as advance:
        for shape, scale, orientation in np.ndindex(shapes, len(SCALES), len(ORIENTATIONS)):
            everywhere = dsprites.render(shape, SCALES[scale], ORIENTATIONS[orientation])
            file.write(everywhere[places].tobytes())
            advance(1)
