"""The order of training: whole epochs, resumable, seeded."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from zoo.data import FactorData, LabelledImages
from zoo.data.order import shuffled_rows
from zoo.data.pixels import ArrayPixels


def take(dataset: object, n: int) -> np.ndarray:
    return np.stack(list(dataset.take(n).as_numpy_iterator()))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("n", "batch"), [(24, 5), (24, 24), (3, 8), (1, 2), (1000, 64)])
def test_every_epoch_is_a_permutation(n: int, batch: int) -> None:
    rows = take(shuffled_rows(n, batch, seed=1), 4 * n // batch + 1).ravel()
    for epoch in range(3):
        np.testing.assert_array_equal(np.sort(rows[epoch * n : (epoch + 1) * n]), np.arange(n))


@pytest.mark.parametrize(("n", "batch"), [(24, 5), (24, 24), (7, 4)])
def test_distinct_batches_hold_no_row_twice(n: int, batch: int) -> None:
    rows = take(shuffled_rows(n, batch, seed=1, distinct=True), 60)
    assert all(len(set(one)) == batch for one in rows)
    whole = n // batch
    for epoch in rows[: 60 - 60 % whole].reshape(-1, whole * batch):
        assert len(set(epoch)) == whole * batch
    assert set(rows.ravel()) == set(range(n))  # what is left out differs
    np.testing.assert_array_equal(rows[0], take(shuffled_rows(n, batch, seed=1), 1)[0])
    later = take(shuffled_rows(n, batch, seed=1, start=7, distinct=True), 3)
    np.testing.assert_array_equal(later, rows[7:10])


def test_refuses_distinct_batches_that_are_larger_than_the_data() -> None:
    with pytest.raises(ValueError, match=r"batch_size of at most 3, so that .*Received: 4\."):
        shuffled_rows(3, 4, distinct=True)


def test_epochs_and_seeds_differ() -> None:
    first, second = take(shuffled_rows(1000, 1000, seed=0), 2)
    other = take(shuffled_rows(1000, 1000, seed=1), 1)[0]
    for a, b in ((first, second), (first, other), (second, other), (first, np.arange(1000))):
        assert (a == b).mean() < 0.02  # two random permutations agree in one place or so
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.15


def test_the_order_is_tensorflows_index_shuffle() -> None:
    import tensorflow as tf

    shuffle = tf.random.experimental.index_shuffle
    expected = [
        int(shuffle(tf.constant(i % 10, tf.int64), tf.constant([7, i // 10], tf.int64), 9))
        for i in range(30)
    ]
    np.testing.assert_array_equal(take(shuffled_rows(10, 6, seed=7), 5).ravel(), expected)


@pytest.mark.parametrize("start", [1, 4, 7, 1_000_000])
def test_resumes_from_any_batch(toy: FactorData, start: int) -> None:
    if start < 10:
        whole = take(toy.batches(5, seed=2), start + 4)
        np.testing.assert_array_equal(take(toy.batches(5, seed=2, start=start), 4), whole[start:])
    # What another process would see who starts there, too.
    first, again = (take(toy.batches(5, seed=2, start=start), 3) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_batches_are_images_of_one_static_shape(toy: FactorData) -> None:
    dataset = toy.resized((2, 3)).batches(5)
    assert dataset.element_spec.shape.as_list() == [5, 2, 3, 3]
    assert dataset.element_spec.dtype.name == "uint8"
    assert int(dataset.cardinality()) == -1  # endless


def test_batches_hold_the_images_of_the_subset(toy: FactorData) -> None:
    part = toy.subset(hue=1)
    seen = take(part.batches(4, seed=0), 3)[..., 0, 0, 0].ravel()
    assert sorted(seen.tolist()) == list(range(12, 24))


def test_labelled_images_have_the_same_batches() -> None:
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    half = LabelledImages("half", ArrayPixels(images), np.zeros(10, int))
    assert sorted(take(half.batches(5), 2).ravel().tolist()) == list(range(10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, r"Expected batch_size to be at least 1\. Received: 0\."),
        ({"batch_size": 4, "start": -1}, r"Expected start to be at least 0\. Received: -1\."),
    ],
)
def test_refuses_batches_that_are_none(toy: FactorData, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        toy.batches(**arguments)


def test_refuses_batches_of_nothing() -> None:
    empty = LabelledImages("void", ArrayPixels(np.zeros((0, 4, 4, 1), np.uint8)), None)
    with pytest.raises(
        ValueError, match=r"Expected images in 'void'\. Received: an empty dataset\."
    ):
        empty.batches(4)
    with pytest.raises(ValueError, match="an empty dataset"):
        empty.sample(1, seed=0)


def test_importing_and_reading_cost_no_tensorflow() -> None:
    code = (
        "import sys, zoo.data; zoo.data.load('digits').resized(16).train.sample(3, seed=0);"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
