"""Area averaging against sums written out, and the fast way for bits against the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data import FactorData
from zoo.data.pixels import ArrayPixels, BitPixels, HalvedBits, ResizedPixels, resized_pixels
from zoo.data.resizing import area_resize, as_size


def plain(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mean over each output pixel's area, on a grid fine enough for both sizes."""
    n, rows, columns, channels = images.shape
    fine = images.astype(np.int64).repeat(height, axis=1).repeat(width, axis=2)
    cells = fine.reshape(n, height, rows, width, columns, channels)
    total, area = cells.sum(axis=(2, 4)), rows * columns
    return (2 * total + area) // (2 * area)  # rounded, halves up


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((8, 8), (4, 4)),
        ((8, 6), (4, 2)),
        ((28, 28), (16, 16)),
        ((7, 5), (3, 4)),
        ((8, 8), (16, 16)),
        ((8, 8), (20, 12)),
        ((5, 5), (1, 1)),
        ((6, 4), (6, 4)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_is_the_area_average(old: tuple, new: tuple, channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, *old, channels), dtype=np.uint8)
    resized = area_resize(images, *new)
    assert resized.dtype == np.uint8
    np.testing.assert_array_equal(resized, plain(images, *new))


def test_two_by_two_is_exact() -> None:
    # Every sum that four pixels can have.
    sums = np.arange(4 * 255 + 1)
    blocks = np.stack([(sums + k) // 4 for k in range(4)], axis=1).astype(np.uint8)
    resized = area_resize(blocks.reshape(-1, 2, 2, 1), 1, 1).ravel()
    np.testing.assert_array_equal(resized, (sums + 2) // 4)


def test_large_images_do_not_overflow() -> None:
    white = np.full((1, 2999, 3001, 1), 255, np.uint8)
    white[:, :1500] = 0
    resized = area_resize(white, 2, 7)
    assert resized[0, :, 0, 0].tolist() == [0, 255]


def test_keeps_flat_images_flat() -> None:
    for value in (0, 1, 127, 255):
        images = np.full((1, 37, 23, 3), value, np.uint8)
        assert (area_resize(images, 16, 19) == value).all()


def test_halved_bits_equal_the_plain_average() -> None:
    bits = np.random.default_rng(0).integers(0, 256, (50, 16 * 24 // 8), dtype=np.uint8)
    source = BitPixels(bits, 16, 24)
    fast = resized_pixels(source, 8, 12)
    assert isinstance(fast, HalvedBits)
    rows = np.array([3, 49, 0])
    np.testing.assert_array_equal(fast.read(rows), ResizedPixels(source, 8, 12).read(rows))
    assert set(np.unique(fast.read(np.arange(50)))) == {0, 64, 128, 191, 255}
    assert len(fast) == 50


def test_dsprites_at_32_is_its_two_by_two_average(sprites: FactorData) -> None:
    images, factors = sprites.sample(50, seed=1)
    np.testing.assert_array_equal(sprites.resized(32).images(factors), plain(images, 32, 32))


def test_is_always_taken_from_the_original(toy: FactorData) -> None:
    np.testing.assert_array_equal(toy.resized(1).resized((4, 6)).read([0, 7]), toy.read([0, 7]))


def test_describes_its_size(toy: FactorData) -> None:
    assert toy.resized(5).describe() == {"name": "toy", "size": [5, 5]}
    assert toy.resized((2, 3)).image_shape == (2, 3, 3)
    assert len(toy.resized(2)._pixels) == 24


@pytest.mark.parametrize("size", [0, (4, 0), 1.5, (1, 2, 3), "32", None])
def test_refuses_sizes_that_are_none(size: object) -> None:
    with pytest.raises(ValueError, match=r"a side in pixels or \(height, width\).*Received: "):
        as_size(size)  # type: ignore[arg-type]


def test_pixels_refuse_arrays_of_another_kind() -> None:
    with pytest.raises(ValueError, match=r"\(N, H, W, C\) and dtype uint8\. Received: .* float64"):
        ArrayPixels(np.zeros((2, 4, 4, 1)))
    with pytest.raises(ValueError, match=r"Received: shape \(2, 4, 4\), dtype uint8"):
        ArrayPixels(np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"bits of shape \(N, 8 \* 8 / 8\).* shape \(2, 9\)"):
        BitPixels(np.zeros((2, 9), np.uint8), 8, 8)
