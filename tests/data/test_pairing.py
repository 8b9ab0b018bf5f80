"""Pairs share what they should, differ in the rest, and come again from any batch."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.data import FactorData, load, pairing, pairs


def factors_of(toy: FactorData, images: np.ndarray) -> np.ndarray:
    return toy.factors[images[:, 0, 0, 0]]


def drawn(data: FactorData, batches: int, *arguments: int, **options: int) -> np.ndarray:
    dataset = pairs(data, *arguments, **options).take(batches)
    return np.stack([np.stack(pair) for pair in dataset.as_numpy_iterator()])


def test_examples_run(cache: Path) -> None:
    assert doctest.testmod(pairing, extraglobs={"zoo": zoo}).failed == 0


@pytest.mark.parametrize("changed", [1, 2])
def test_so_many_factors_change_and_the_others_stay(toy: FactorData, changed: int) -> None:
    for a, b in drawn(toy, 5, 8, changed=changed):
        differ = factors_of(toy, a) != factors_of(toy, b)
        assert (differ.sum(axis=1) == changed).all()


def test_how_many_change_is_drawn_from_one_to_all_but_one(toy: FactorData) -> None:
    counts = np.concatenate(
        [(factors_of(toy, a) != factors_of(toy, b)).sum(axis=1) for a, b in drawn(toy, 40, 20)]
    )
    assert set(counts) == {1, 2}
    assert abs(np.mean(counts == 1) - 0.5) < 0.06  # 800 draws: three deviations


def test_every_factor_and_every_other_value_is_as_likely_as_the_rest() -> None:
    rng = np.random.default_rng(0)
    factors = np.tile([1, 2, 0, 0], (30_000, 1))
    other = pairing.change(factors, (2, 4, 3, 1), rng, changed=1)
    differ = other != factors
    np.testing.assert_allclose(differ.mean(axis=0), [1 / 3, 1 / 3, 1 / 3, 0], atol=0.01)
    values = np.bincount(other[differ[:, 1], 1], minlength=4) / differ[:, 1].sum()
    np.testing.assert_allclose(values, [1 / 3, 1 / 3, 0, 1 / 3], atol=0.02)


def test_first_images_come_in_the_order_of_training(toy: FactorData) -> None:
    alone = np.stack(list(toy.batches(5, seed=3).take(4).as_numpy_iterator()))
    np.testing.assert_array_equal(drawn(toy, 4, 5, seed=3)[:, 0], alone)


def test_resumes_from_any_batch_and_repeats(toy: FactorData) -> None:
    whole = drawn(toy, 6, 5, seed=2)
    np.testing.assert_array_equal(drawn(toy, 2, 5, seed=2, start=4), whole[4:])
    assert not np.array_equal(drawn(toy, 6, 5, seed=3)[:, 1], whole[:, 1])


def test_factors_of_one_value_never_change(toy: FactorData) -> None:
    thin = toy.subset(hue=1)
    for a, b in drawn(thin, 5, 4):
        fa, fb = factors_of(toy, a), factors_of(toy, b)
        assert ((fa != fb).sum(axis=1) == 1).all()  # of two that vary, one is shared
        assert (fb[:, 0] == 1).all()


def test_data_that_cannot_be_paired_are_refused(toy: FactorData) -> None:
    with pytest.raises(ValueError, match=r"known factors.*Received: digits, which has none"):
        pairs(load("digits"), 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"at least two factors with more than one value"):
        pairs(toy.subset(hue=0, size=0), 4)
    holes = FactorData("holes", toy._pixels, toy.factors // 2, toy.factor_names, (2, 3, 4))
    with pytest.raises(ValueError, match=r"each of the 24 combinations.*24 images of 4 comb.*hol"):
        pairs(holes, 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "Expected batch_size to be an integer of at least 1"),
        ({"changed": 0}, "Expected changed to be an integer from 1 to 2. Received: 0"),
        ({"changed": 3}, "Expected changed to be an integer from 1 to 2. Received: 3"),
        ({"start": -1}, "Expected start to be at least 0"),
        ({"seed": -1}, "Expected seed to be an integer of at least 0"),
    ],
)
def test_strange_arguments_are_refused(toy: FactorData, options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pairs(toy, **{"batch_size": 4, **options})
