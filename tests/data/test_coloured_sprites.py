"""Coloured sprites against dSprites, from which they are put together pixel by pixel."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from zoo.data import FactorData, load
from zoo.data.coloured_sprites import BACKGROUNDS, COLOURS, ORIENTATIONS, POSITIONS, SCALES
from zoo.data.dsprites import render
from zoo.data.pixels import BitPixels, ColouredBits
from zoo.data.resizing import area_resize

# Of the generated bits, in full. It changes only when a pixel does: then raise the file's number.
SHA256 = "c310c1efbbbe3b35dd33859cc037927ac3cb7059784752edc449872469138829"


@pytest.fixture(scope="module")
def coloured(cache: Path) -> FactorData:
    data = load("coloured_sprites")
    assert isinstance(data, FactorData)
    return data


def plain(shape: int, scale: int, angle: int, x: int, y: int, colour: int, behind: int):
    """One image from the drawing of dSprites, a colour at a time: uint8 (64, 64, 3)."""
    bits = render(shape, SCALES[scale], ORIENTATIONS[angle])[POSITIONS[x], POSITIONS[y]]
    inside = np.unpackbits(bits).reshape(64, 64, 1).astype(bool)
    return np.where(inside, COLOURS[colour], BACKGROUNDS[behind]).astype(np.uint8)


def test_is_every_combination_once_in_order(coloured: FactorData) -> None:
    assert coloured.factor_names == (
        "shape", "scale", "orientation", "x_position", "y_position", "colour", "background",
    )  # fmt: skip
    assert coloured.factor_sizes == (3, 3, 10, 4, 4, 8, 5)
    assert len(coloured) == coloured.combinations == 57_600
    keys = np.ravel_multi_index(tuple(coloured.factors.T), coloured.factor_sizes)
    np.testing.assert_array_equal(keys, np.arange(57_600))


def test_is_sprites_in_colour(coloured: FactorData) -> None:
    rng = np.random.default_rng(0)
    factors = rng.integers(0, coloured.factor_sizes, (60, 7))
    factors[:40, 5:] = list(itertools.product(range(8), range(5)))  # every palette
    images = coloured.images(factors)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, [plain(*row) for row in factors.tolist()])


@pytest.mark.parametrize("size", [32, 16, (20, 64)])
def test_smaller_ones_are_area_averages(coloured: FactorData, size: int | tuple[int, int]) -> None:
    small = coloured.resized(size)
    sides = size if isinstance(size, tuple) else (size, size)
    assert small.image_shape == (*sides, 3)
    rows = np.random.default_rng(1).integers(0, len(coloured), 200)
    np.testing.assert_array_equal(small.read(rows), area_resize(coloured.read(rows), *sides))


def test_subsets_show_what_they_say(coloured: FactorData) -> None:
    some = coloured.subset(colour=[2, 6], background=0, orientation=3).resized(32)
    assert some.factor_sizes == (3, 3, 1, 4, 4, 2, 1)
    images, factors = some.sample(50, seed=0)
    expected = factors * [1, 1, 0, 1, 1, 4, 0] + [0, 0, 3, 0, 0, 2, 0]
    np.testing.assert_array_equal(images, coloured.resized(32).images(expected))
    again = load(**some.describe())
    assert isinstance(again, FactorData)
    np.testing.assert_array_equal(again.sample(50, seed=0)[0], images)


def test_all_images_differ_and_sprites_are_brighter_than_what_is_behind(
    coloured: FactorData,
) -> None:
    bits = coloured._pixels.source.bits  # type: ignore[attr-defined]
    assert len(np.unique(bits, axis=0)) == len(bits) == 1440
    palettes = {tuple(map(tuple, pair)) for pair in itertools.product(COLOURS, BACKGROUNDS)}
    assert len(palettes) == 40
    assert min(map(max, COLOURS)) > 2 * max(map(max, BACKGROUNDS))


def test_is_drawn_once_into_the_cache(
    coloured: FactorData, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cache / "coloured_sprites-1.bits"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    monkeypatch.setattr("zoo.data.dsprites.render", lambda *_: pytest.fail("drawn again"))
    again = load("coloured_sprites")
    np.testing.assert_array_equal(again.read([0, 57_599]), coloured.read([0, 57_599]))


def test_palettes_of_another_shape_are_refused() -> None:
    bits = BitPixels(np.zeros((2, 8), np.uint8), 8, 8)
    with pytest.raises(ValueError, match=r"palettes of shape \(P, 2, 3\).*shape \(4, 3\), dtype f"):
        ColouredBits(bits, np.zeros((4, 3)))
