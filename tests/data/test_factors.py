"""FactorData: reading by row, by factors, and thinning."""

from __future__ import annotations

import copy
import doctest
import json

import numpy as np
import pytest

from zoo.data import FactorData, Images, LabelledImages, images
from zoo.data.pixels import ArrayPixels


def rows_shown(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_says_what_it_is(toy: FactorData) -> None:
    assert toy.image_shape == (4, 6, 3)
    assert toy.factor_names == ("hue", "size", "angle")
    assert toy.factor_sizes == (2, 3, 4)
    assert toy.factors.shape == (len(toy), 3) == (24, 3)
    assert repr(toy) == "<FactorData toy: 24 images (4, 6, 3)>"


def test_the_images_may_be_an_array(toy: FactorData) -> None:
    array = toy.read(slice(None))
    for same in (
        Images("mine", array),
        LabelledImages("mine", array, toy.factors[:, 0]),
        FactorData("mine", array, toy.factors, toy.factor_names),
    ):
        np.testing.assert_array_equal(same.read([5, 0]), array[[5, 0]])
        assert same.resized(2).image_shape == (2, 2, 3)
    with pytest.raises(
        ValueError, match=r"Expected images of shape \(N, H, W, C\) and dtype uint8"
    ):
        Images("mine", array / 255)
    assert doctest.testmod(images).failed == 0


def test_read_takes_rows_in_any_order(toy: FactorData) -> None:
    images = toy.read([5, 0, 5])
    assert images.dtype == np.uint8
    assert rows_shown(images) == [5, 0, 5]
    assert rows_shown(toy.read(slice(20, None))) == [20, 21, 22, 23]
    assert toy.read([]).shape == (0, 4, 6, 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 24], r"Expected rows from 0 to 23\. Received: 0 to 24\."),
        ([-1], r"Expected rows from 0 to 23\. Received: -1 to -1\."),
        ([0.5], r"one-dimensional array of integers\. Received: shape \(1,\), dtype float64\."),
        ([[1]], r"one-dimensional array of integers\. Received: shape \(1, 1\), dtype int64\."),
    ],
)
def test_read_refuses_rows_that_are_none(toy: FactorData, rows: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        toy.read(rows)


def test_images_are_those_of_the_factors(toy: FactorData) -> None:
    assert rows_shown(toy.images(np.array([[1, 2, 3], [0, 0, 0], [0, 1, 2]]))) == [23, 0, 6]


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ([[0, 3, 0]], r"Expected size from 0 to 2\. Received: 3 \(row 0\)\."),
        ([[0, 0, 0], [-1, 0, 0]], r"Expected hue from 0 to 1\. Received: -1 \(row 1\)\."),
        ([[0, 0]], r"shape \(n, 3\), integers for hue, size, angle\. Received: shape \(1, 2\)"),
        ([[0.0, 0.0, 0.0]], r"integers .* dtype float64"),
    ],
)
def test_images_refuses_factors_outside(toy: FactorData, factors: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        toy.images(np.array(factors))


def test_images_refuses_absent_combinations() -> None:
    pixels = ArrayPixels(np.zeros((2, 4, 4, 1), np.uint8))
    data = FactorData("holes", pixels, np.array([[0, 0], [1, 1]]), ("a", "b"))
    with pytest.raises(ValueError, match=r"Received: \{'a': 0, 'b': 1\}, of which it has no image"):
        data.images(np.array([[0, 0], [0, 1]]))


def test_images_takes_the_first_of_several() -> None:
    pixels = ArrayPixels(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1))
    data = FactorData("doubles", pixels, np.array([[1], [0], [1], [0]]), ("a",))
    assert rows_shown(data.images(np.array([[0], [1]]))) == [1, 0]


def test_sample_is_seeded_and_fits_its_factors(toy: FactorData) -> None:
    images, factors = toy.sample(10, seed=3)
    np.testing.assert_array_equal(toy.images(factors), images)
    np.testing.assert_array_equal(toy.sample(10, seed=3)[1], factors)
    assert not np.array_equal(toy.sample(10, seed=4)[1], factors)


def test_sample_repeats_only_when_it_must(toy: FactorData) -> None:
    assert sorted(rows_shown(toy.sample(24, seed=0)[0])) == list(range(24))
    assert len(toy.sample(100, seed=0)[0]) == 100
    with pytest.raises(ValueError, match=r"Expected n to be at least 1\. Received: 0\."):
        toy.sample(0, seed=0)


def test_subset_fixes_and_thins(toy: FactorData) -> None:
    part = toy.subset(hue=1, angle=[3, 0])
    assert part.factor_sizes == (1, 3, 2)
    assert rows_shown(part.read(slice(None))) == [12, 15, 16, 19, 20, 23]
    np.testing.assert_array_equal(part.factors[:3], [[0, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert rows_shown(part.images(np.array([[0, 2, 1]]))) == [23]


def test_subset_of_a_subset_is_the_subset_of_both(toy: FactorData) -> None:
    twice = toy.subset(angle=[0, 2, 3]).subset(angle=[1, 2], size=[0, 2])
    once = toy.subset(angle=[2, 3], size=[0, 2])
    assert twice.describe() == once.describe()
    assert twice.describe() == {"name": "toy", "subset": {"angle": [2, 3], "size": [0, 2]}}
    np.testing.assert_array_equal(twice.read(slice(None)), once.read(slice(None)))
    np.testing.assert_array_equal(twice.factors, once.factors)
    assert twice.factor_values == once.factor_values == ((0, 1), (0, 2), (2, 3))
    assert twice.resized(2).factor_values == twice.factor_values


def test_subset_and_resized_commute(toy: FactorData) -> None:
    a, b = toy.subset(size=2).resized((2, 3)), toy.resized((2, 3)).subset(size=2)
    assert a.describe() == b.describe()
    assert a.image_shape == b.image_shape == (2, 3, 3)
    np.testing.assert_array_equal(a.read(slice(None)), b.read(slice(None)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hew": 0}, r"Unknown factor 'hew'\. Did you mean 'hue'\?"),
        (
            {"hue": 2},
            r"Expected hue to be one or several different values from 0 to 1\. Received: 2",
        ),
        ({"size": [0, 0]}, r"different values from 0 to 2\. Received: \[0, 0\]\."),
        ({"size": []}, r"Received: \[\]\."),
        ({"size": "big"}, r"Received: 'big'\."),
        ({"size": 0.5}, r"Received: 0\.5\."),
    ],
)
def test_subset_refuses_what_is_not_there(toy: FactorData, values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        toy.subset(**values)


def test_subset_refuses_to_be_empty() -> None:
    pixels = ArrayPixels(np.zeros((2, 4, 4, 1), np.uint8))
    data = FactorData("holes", pixels, np.array([[0, 0], [1, 1]]), ("a", "b"))
    with pytest.raises(
        ValueError, match=r"that 'holes' has images of\. Received: \{'a': 0, 'b': 1\}"
    ):
        data.subset(a=0, b=1)


@pytest.mark.parametrize(
    ("factors", "sizes", "message"),
    [
        (np.zeros((2, 1), int), None, r"Expected factors of shape \(3, 1\), integers"),
        (np.zeros((3, 1)), None, r"Received: shape \(3, 1\), dtype float64"),
        (
            np.full((3, 1), 2),
            (2,),
            r"Expected factor values from 0 to below \[2\]\. Received: \[2\]",
        ),
        (np.full((3, 1), -1), None, r"Received: \[-1\] to \[-1\]"),
    ],
)
def test_refuses_factors_that_do_not_fit(
    factors: np.ndarray, sizes: tuple | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        FactorData("bad", ArrayPixels(np.zeros((3, 4, 4, 1), np.uint8)), factors, ("a",), sizes)


def test_copies_are_the_same_dataset(toy: FactorData) -> None:
    # keras-tuner deep-copies callbacks for every trial; their data may be larger than memory.
    assert copy.deepcopy({"data": toy})["data"] is toy
    assert copy.copy(toy) is toy


def test_a_description_is_json_and_a_copy(toy: FactorData) -> None:
    settings = toy.subset(hue=0).resized(2).describe()
    assert json.loads(json.dumps(settings)) == settings
    settings["subset"]["hue"].append(7)
    assert toy.subset(hue=0).describe()["subset"] == {"hue": [0]}


def test_its_factors_cannot_be_changed_in_place(toy: FactorData) -> None:
    with pytest.raises(ValueError, match="read-only"):
        toy.factors[0] = 1
