"""The generated dSprites against its formulas, its published frames and its known sizes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from zoo.data import FactorData
from zoo.data.dsprites import render

# Of the generated bits, in full. It changes only when a pixel does: then raise the file's number.
SHA256 = "5efa7e02f6132527c40a71bd89aa0195670b65b857e6cab40e181bfe8676b2a1"
T = 2 * np.pi * np.arange(150) / 150
HEART = (
    9.6 * np.sin(T) ** 3,
    -0.6623 * (13 * np.cos(T) - 5 * np.cos(2 * T) - 2 * np.cos(3 * T) - np.cos(4 * T)) - 1.44,
)


def plain(shape: int, scale: int, orientation: int, x: int, y: int) -> np.ndarray:
    """One image by the formulas as they are written, pixel by pixel: bool (64, 64)."""
    s = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)[scale]
    a = 2 * np.pi * orientation / 39
    dx = np.arange(64)[None, :] + 0.5 - (16 + 32 * x / 31)
    dy = np.arange(64)[:, None] + 0.5 - (16 + 32 * y / 31)
    u = (np.cos(a) * dx - np.sin(a) * dy) / s
    v = (np.sin(a) * dx + np.cos(a) * dy) / s
    if shape == 0:
        return np.maximum(abs(u), abs(v)) < 9.5985
    if shape == 1:
        return (u / 12.7655) ** 2 + (v / 7.2129) ** 2 < 1
    inside = np.zeros((64, 64), bool)  # even-odd rule, an edge at a time
    for u0, v0, u1, v1 in zip(*HEART, *np.roll(HEART, -1, axis=1), strict=True):
        if v0 != v1:
            inside ^= ((v0 > v) != (v1 > v)) & (u < u0 + (v - v0) * (u1 - u0) / (v1 - v0))
    return inside


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_is_what_the_formulas_say(sprites: FactorData, shape: int) -> None:
    rng = np.random.default_rng(shape)
    factors = rng.integers(0, (1, 6, 40, 32, 32), size=(150, 5))
    factors[:, 0] = shape
    # And the corners of everything, where the shapes are closest to the border.
    corners = np.array(np.meshgrid(shape, (0, 5), (0, 13, 39), (0, 31), (0, 31))).reshape(5, -1).T
    factors = np.concatenate([factors, corners])
    expected = np.stack([plain(*row) for row in factors.tolist()]) * 255
    np.testing.assert_array_equal(sprites.images(factors)[..., 0], expected)


def test_render_is_the_block_of_one_combination(sprites: FactorData) -> None:
    block = np.unpackbits(render(2, 3, 17)).reshape(32, 32, 64, 64)
    start = np.ravel_multi_index((2, 3, 17, 0, 0), sprites.factor_sizes)
    np.testing.assert_array_equal(
        sprites.read(slice(start, start + 1024))[..., 0], block.reshape(-1, 64, 64) * 255
    )


def test_is_every_combination_in_the_original_order(sprites: FactorData) -> None:
    assert len(sprites) == 737_280
    assert sprites.image_shape == (64, 64, 1)
    assert sprites.factor_names == ("shape", "scale", "orientation", "x_position", "y_position")
    assert sprites.factor_sizes == (3, 6, 40, 32, 32)
    np.testing.assert_array_equal(sprites.factors[:3, 4], [0, 1, 2])
    np.testing.assert_array_equal(sprites.factors[-1], [2, 5, 39, 31, 31])
    assert (np.diff(np.ravel_multi_index(tuple(sprites.factors.T), (3, 6, 40, 32, 32))) == 1).all()


def test_positions_move_right_and_down_and_nothing_is_cut_off(sprites: FactorData) -> None:
    images = sprites.images(np.array([[2, 5, 0, 0, 0], [2, 5, 0, 31, 0], [2, 5, 0, 0, 31]]))
    start, right, down = images[..., 0] > 0
    np.testing.assert_array_equal(np.roll(start, 32, axis=1), right)
    np.testing.assert_array_equal(np.roll(start, 32, axis=0), down)


def test_pixels_are_black_and_white(sprites: FactorData) -> None:
    images, _ = sprites.sample(200, seed=0)
    assert images.dtype == np.uint8
    assert set(np.unique(images)) == {0, 255}


def test_has_the_pinned_checksum(sprites: FactorData, cache: Path) -> None:
    # The library compares the file with the checksum beside it when it loads it.
    assert (cache / "dsprites-1.bits.sha256").read_text() == f"{SHA256}  dsprites-1.bits\n"


def test_agrees_with_the_published_frames(sprites: FactorData, published: Path) -> None:
    benchmark = _benchmark("dsprites_fidelity")
    frames = benchmark.published_frames(published / "dsprites_frames.gif")
    rows, differing = benchmark.nearest(frames, sprites)
    assert len(frames) == 320
    np.testing.assert_array_equal(differing, 0)
    np.testing.assert_array_equal(
        np.packbits(sprites.read(rows).reshape(320, -1) > 0, axis=1), frames
    )


def _benchmark(name: str) -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
