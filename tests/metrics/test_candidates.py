"""Scores by candidate labels: closed forms, extremes, what they promise of accuracy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import partial_labels
from zoo.metrics import approximated_accuracy, covering_rate
from zoo.metrics.approximated_accuracy import within

both = pytest.mark.parametrize("score", [covering_rate, approximated_accuracy])


def drawn(n=200, classes=5, seed=0):
    """Probabilities, true labels and sets that hold them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return rng.dirichlet(np.ones(classes), n), labels, partial_labels(labels, classes, 0.4, seed)


def test_by_hand():
    p = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]
    sets = [[1, 0, 1], [1, 1, 0], [1, 1, 1]]
    assert covering_rate(p, sets) == pytest.approx(2 / 3)
    assert approximated_accuracy(p, sets) == pytest.approx((0.5 / 0.7 + 0 + 0.8) / 3)


@both
def test_of_single_candidates_it_is_the_accuracy(score):
    p, labels, _ = drawn()
    accuracy = np.mean(p.argmax(axis=1) == labels)
    assert score(p, np.eye(5)[labels]) == pytest.approx(accuracy)


def test_of_all_candidates_everything_is_covered():
    p, _, _ = drawn()
    assert covering_rate(p, np.ones_like(p)) == 1
    assert approximated_accuracy(p, np.ones_like(p)) == pytest.approx(p.max(axis=1).mean())


@pytest.mark.parametrize("accuracy", [0.2, 0.6, 0.9, 1.0])
def test_the_covering_rate_rises_with_the_accuracy(accuracy):
    """Of sets whose other labels join with q, its mean is A + (1 - A) q."""
    n, q = 40_000, 0.3
    rng = np.random.default_rng(1)
    labels = np.arange(n) % 10
    wrong = (labels + rng.integers(1, 10, n)) % 10
    predicted = np.where(np.arange(n) < accuracy * n, labels, wrong)
    sets = partial_labels(labels, 10, q, seed=0)
    expected = accuracy + (1 - accuracy) * q
    assert covering_rate(np.eye(10)[predicted], sets) == pytest.approx(expected, abs=0.01)


@given(seed=st.integers(0, 100), sharper=st.floats(1, 20))
@settings(max_examples=30, deadline=None)
def test_approximated_accuracy_comes_close_to_the_covering_rate_as_a_model_gets_surer(
    seed, sharper
):
    p, _, sets = drawn(50, seed=seed)
    sure = p**sharper / (p**sharper).sum(axis=1, keepdims=True)
    coverage = covering_rate(p, sets)
    assert covering_rate(sure, sets) == coverage
    low, high = approximated_accuracy(p, sets), approximated_accuracy(sure, sets)
    assert low <= high + 1e-12
    assert high <= coverage + 1e-12


def test_the_first_of_equal_probabilities_counts():
    assert covering_rate([[0.5, 0.5]], [[1, 0]]) == 1
    assert covering_rate([[0.5, 0.5]], [[0, 1]]) == 0


def test_within_candidates():
    p, _, sets = drawn()
    q = within(p, sets)
    assert (q[~sets] == 0).all()
    np.testing.assert_allclose(q.sum(axis=1), 1)
    expected = p * sets / (p * sets).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(q, expected)
    # A classifier that is certain of something else leaves the candidates as they are; and
    # probabilities so small that their quotients overflow are divided all the same.
    np.testing.assert_array_equal(within([[1, 0, 0]], [[0, 1, 1]]), [[0, 0.5, 0.5]])
    np.testing.assert_allclose(within([[1, 3e-310, 1e-310]], [[0, 1, 1]]), [[0, 0.75, 0.25]])


@pytest.mark.parametrize("score", [covering_rate, approximated_accuracy, within])
@pytest.mark.parametrize(
    ("p", "sets", "message"),
    [
        ([0.5, 0.5], [1, 0], r"Expected probabilities: .*\(N, C\)|probabilities of shape \(N, C\)"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "probabilities"),
        ([[0.5, np.nan]], [[1, 0]], "finite"),
        ([[0.5, 0.5]], [[1, 0, 0]], r"candidates of shape \(1, 2\), 0 or 1.* shape \(1, 3\)"),
        ([[0.5, 0.5]], [[1, 0.5]], r"0 or 1 each\. Received: shape \(1, 2\), other values"),
    ],
)
def test_refuses(score, p, sets, message):
    with pytest.raises(ValueError, match=message):
        score(p, sets)


def test_refuses_what_is_no_probability_and_empty_sets():
    with pytest.raises(ValueError, match=r"Expected probabilities of 0 or more. Received: -0.5"):
        approximated_accuracy([[1.5, -0.5]], [[1, 0]])
    with pytest.raises(
        ValueError, match=r"Expected a candidate in every row. Received: a row with"
    ):
        within([[0.5, 0.5]], [[0, 0]])
