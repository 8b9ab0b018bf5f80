"""Pairs share what they should, differ in the rest, and come again from any batch."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.data import FactorData, Images, LabelledData, LabelledImages, pairing, pairs
from zoo.data.pixels import ArrayPixels


def factors_of(toy: FactorData, images: np.ndarray) -> np.ndarray:
    return toy.factors[images[:, 0, 0, 0]]


def drawn(data: FactorData, batches: int, *arguments: int, **options: int) -> np.ndarray:
    dataset = pairs(data, *arguments, **options).take(batches)
    return np.stack([np.stack(pair) for pair in dataset.as_numpy_iterator()])


def test_examples_run(cache: Path) -> None:
    assert doctest.testmod(pairing, extraglobs={"np": np, "zoo": zoo}).failed == 0


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
    plain = Images("plain", toy._pixels)
    message = r"known factors or class labels to make pairs.*Received: plain, which has none"
    with pytest.raises(ValueError, match=message):
        pairs(plain, 4)  # type: ignore[arg-type]
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


def classes(labels: list[int] | np.ndarray, name: str = "classes") -> LabelledImages:
    """Images whose pixels are their row."""
    rows = np.arange(len(labels), dtype="uint8")[:, None, None, None]
    return LabelledImages(name, ArrayPixels(np.tile(rows, (1, 2, 2, 1))), np.asarray(labels))


def labelled(data: LabelledImages | LabelledData, batches: int, *arguments: int, **options: int):
    """Rows of the first and of the second images, and which pairs are similar, by batch."""
    dataset = pairs(data, *arguments, **options).take(batches).as_numpy_iterator()
    return [(a[:, 0, 0, 0], b[:, 0, 0, 0], similar) for a, b, similar in dataset]


LABELS = np.array([2, 0, 0, 5, 2, 0, 0, 5, 5, 2, 0])


def test_similar_pairs_are_of_one_class_and_others_of_two() -> None:
    for a, b, similar in labelled(classes(LABELS), 20, 8):
        np.testing.assert_array_equal(LABELS[a] == LABELS[b], similar)
        assert (a != b).all()
        assert similar.dtype == np.int64
        assert similar.sum() == 4


def test_of_an_odd_number_half_are_similar_over_two_batches() -> None:
    counts = [int(similar.sum()) for _, _, similar in labelled(classes(LABELS), 4, 5)]
    assert counts == [3, 2, 3, 2]


def test_every_partner_is_as_likely_as_the_rest() -> None:
    rng = np.random.default_rng(0)
    rows = np.full(40_000, 5)  # of class 0, as 1, 2, 6 and 10
    similar = np.arange(40_000) % 2 == 0
    found = pairing.Classes(LABELS).partners(rows, similar, rng)
    for chosen, fitting in ((similar, [1, 2, 6, 10]), (~similar, [0, 3, 4, 7, 8, 9])):
        shares = np.bincount(found[chosen], minlength=11) / 20_000
        expected = np.isin(np.arange(11), fitting) / len(fitting)
        np.testing.assert_allclose(shares, expected, atol=0.012)


def test_classes_are_sorted_once_and_not_for_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_labels = []
    sort = np.argsort
    monkeypatch.setattr(np, "argsort", lambda *a, **b: sorted_labels.append(1) or sort(*a, **b))
    labelled(classes(LABELS), 20, 8)
    assert len(sorted_labels) == 1


def test_labelled_pairs_come_in_the_order_of_training_and_resume() -> None:
    data = classes(LABELS)
    whole = labelled(data, 6, 5, seed=2)
    alone = [images[:, 0, 0, 0] for images in data.batches(5, seed=2).take(6).as_numpy_iterator()]
    np.testing.assert_array_equal([a for a, _, _ in whole], alone)
    for found, expected in zip(labelled(data, 2, 5, seed=2, start=4), whole[4:], strict=True):
        for part, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(part, other)
    partners = [b for _, b, _ in labelled(data, 6, 5, seed=3)]
    assert not np.array_equal(partners, [b for _, b, _ in whole])


def test_of_two_halves_the_training_half_is_paired() -> None:
    data = LabelledData("halves", classes(LABELS), classes([0]), "abcdef")
    for a, b, _ in labelled(data, 2, 8):
        assert {*a, *b} <= set(range(11))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 1, 1], r"at least two classes.*Received: \{1: 3\} images in bad"),
        ([0, 0, 1], r"at least two images each.*Received: \{0: 2, 1: 1\} images in bad"),
        (np.zeros((3, 2), int), r"one class label for each image of bad.*shape \(3, 2\)"),
    ],
)
def test_labels_that_make_no_pairs_are_refused(labels: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pairs(classes(labels, "bad"), 4)


def test_classes_have_no_factors_to_change() -> None:
    with pytest.raises(ValueError, match="Expected changed to be None: classes has class labels"):
        pairs(classes(LABELS), 4, changed=1)
