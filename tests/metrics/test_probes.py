"""k-NN and linear probes against plain loops, scikit-learn, and extremes with known scores."""

import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from zoo.metrics import knn, label_probe, linear_probe
from zoo.metrics.linear_probe import STRENGTHS, probed
from zoo.splits import stratified

PROBES = (knn, linear_probe, lambda *arrays, **options: label_probe(*arrays, **options)[1])
IDS = ("knn", "linear_probe", "label_probe")
each = pytest.mark.parametrize("metric", PROBES, ids=IDS)


def blobs(rng, n=300, classes=5, width=8, spread=1.0):
    """Codes around a centre a class, and the classes."""
    centres = np.random.default_rng(1).normal(size=(classes, width))
    labels = rng.permutation(np.arange(n) % classes)
    return centres[labels] + spread * rng.normal(size=(n, width)), labels


@pytest.fixture
def arrays(rng):
    return (*blobs(rng), *blobs(rng, n=200))


def voted(z, y, test_z, test_y, k, temperature):
    """Equation (1) in a plain loop, in float64."""
    right = []
    for query, label in zip(test_z, test_y, strict=True):
        cosines = [u @ query / np.linalg.norm(u) / np.linalg.norm(query) for u in z]
        votes = dict.fromkeys(sorted(set(y)), 0.0)
        for i in np.argsort(cosines)[::-1][:k]:
            votes[y[i]] += np.exp(cosines[i] / temperature)
        right.append(max(votes, key=votes.get) == label)
    return np.mean(right)


# Known answers


@each
def test_codes_that_are_the_class_score_one(metric):
    labels = np.arange(500) % 10
    codes = np.eye(10)[labels]
    assert metric(codes, labels) == 1
    assert metric(codes, labels, 3 * codes, labels) == 1
    assert metric(codes, labels[::-1] * 7 + 40) == 1  # any integers will do


@each
def test_noise_is_at_chance(metric, rng):
    labels = rng.integers(0, 4, 4000)
    codes = rng.normal(size=(4000, 6))
    assert metric(codes, labels) == pytest.approx(1 / 4, abs=0.05)


@each
@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e30])
def test_codes_that_are_all_equal_know_the_most_frequent_class(metric, value):
    labels = np.array([3] * 20 + [5] * 30 + [9] * 25)
    test_labels = np.array([3, 5, 5, 9])
    for dtype in (np.float32, np.float64):
        codes = np.full((75, 6), value, dtype)
        score = metric(codes, labels, codes[:4], test_labels)
        assert score in (0.25, 0.5)  # a class: with few labels no class is the most frequent
        if metric is not PROBES[2]:
            assert score == 0.5


@each
def test_a_test_class_that_training_lacks_is_always_wrong(metric):
    labels = np.arange(100) % 4
    codes = np.eye(6)[labels]
    test_labels = np.array([0, 1, 8, 9])
    test_codes = np.eye(6)[[0, 1, 4, 5]]
    assert metric(codes, labels, test_codes, test_labels) == 0.5


# k-NN


@pytest.mark.parametrize("k", [1, 3, 50, 300])
@pytest.mark.parametrize("temperature", [0.02, 0.1, 5.0])
def test_votes_are_those_of_a_plain_loop(arrays, k, temperature):
    assert knn(*arrays, k=k, temperature=temperature) == voted(*arrays, k, temperature)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([0.03, 0.1, 1.0]))
def test_votes_are_those_of_a_plain_loop_whatever_the_numbers(seed, k, temperature):
    rng = np.random.default_rng(seed)
    arrays = (*blobs(rng, n=50, classes=3, width=4), *blobs(rng, n=20, classes=3, width=4))
    assert knn(*arrays, k=k, temperature=temperature) == voted(*arrays, min(k, 50), temperature)


def test_pieces_make_the_whole(arrays, monkeypatch):
    expected = knn(*arrays, k=20)
    monkeypatch.setattr(sys.modules["zoo.metrics.knn"], "PRODUCTS", 7 * len(arrays[0]))
    assert knn(*arrays, k=20) == expected


def test_k_is_no_more_than_the_bank_holds(arrays):
    assert knn(*arrays, k=10_000) == knn(*arrays, k=300) == voted(*arrays, 300, 0.1)


def test_with_little_temperature_the_nearest_alone_decides(arrays):
    assert knn(*arrays, k=50, temperature=1e-5) == knn(*arrays, k=1)


def test_images_as_far_as_the_kth_share_its_place():
    """Three neighbours, one place: each has a third of a vote, so that the majority has it."""
    codes, labels = np.eye(3)[[0, 0, 0, 1]], np.array([4, 6, 6, 4])
    assert knn(codes, labels, codes[:1], [6], k=1) == 1
    assert knn(codes[[1, 2, 0, 3]], labels[[1, 2, 0, 3]], codes[:1], [6], k=1) == 1
    assert knn(codes[[0, 1, 3]], labels[[0, 1, 3]], codes[:1], [4], k=1) == 1  # even: the smallest


def test_the_order_of_the_bank_does_not_matter(rng):
    codes = rng.integers(0, 2, (200, 4)).astype(float)  # with many ties
    labels, queries = rng.integers(0, 3, 200), rng.normal(size=(100, 4))
    expected = knn(codes, labels, queries, labels[:100], k=7)
    for _ in range(3):
        order = rng.permutation(200)
        assert knn(codes[order], labels[order], queries, labels[:100], k=7) == expected


def test_lengths_do_not_matter_to_cosines(arrays, rng):
    z, y, test_z, test_y = arrays
    scales = [10 ** rng.uniform(-15, 15, (len(codes), 1)) for codes in (z, test_z)]
    assert knn(z * scales[0], y, test_z * scales[1], test_y) == knn(*arrays)
    assert knn(z * 1e200, y, test_z * 1e-200, test_y) == knn(*arrays)


def test_zero_codes_have_no_direction(arrays):
    z, y, test_z, test_y = arrays
    half = np.where(np.arange(len(z))[:, None] % 2, z, 0)
    assert 0 <= knn(half, y, 0 * test_z, test_y) <= 1


# Linear probes


def searched(z, y, test_z, test_y, seed=0):
    """The protocol in plain words, by scikit-learn's default fits, in float64."""
    z, test_z = ((codes - z.mean(axis=0)) / z.std(axis=0) for codes in (z, test_z))
    rest, kept = stratified(y, 1 / 5, seed)

    def fitted(strength, rows):
        machine = LogisticRegression(C=1 / strength / len(rows), tol=1e-6, max_iter=5000)
        return machine.fit(z[rows], y[rows])

    def entropy(strength):
        p = fitted(strength, rest).predict_proba(z[kept])[np.arange(len(kept)), y[kept]]
        return -np.mean(np.log(np.maximum(p, 1e-37)))

    return fitted(min(STRENGTHS, key=entropy), np.arange(len(y))).predict(test_z)


@pytest.mark.parametrize("spread", [0.5, 3.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_probe_is_that_of_scikit_learn(rng, spread, classes):
    arrays = (*blobs(rng, 400, classes, spread=spread), *blobs(rng, 300, classes, spread=spread))
    predicted, truth = probed(*arrays)
    np.testing.assert_array_equal(truth, arrays[3])
    assert np.mean(predicted == searched(*arrays)) >= 0.98
    assert linear_probe(*arrays) == np.mean(predicted == truth)


def test_noise_dimensions_are_shrunk(rng):
    """Without a penalty they would be fitted to the letter."""
    z, y = blobs(rng, 400, spread=1.0)
    test_z, test_y = blobs(rng, 400, spread=1.0)
    noisy = [np.hstack([codes, rng.normal(size=(400, 50))]) for codes in (z, test_z)]
    unpenalised = LogisticRegression(C=1e6, max_iter=5000).fit(noisy[0], y)
    assert linear_probe(noisy[0], y, noisy[1], test_y) > unpenalised.score(noisy[1], test_y) + 0.02


def test_the_test_has_no_part_in_the_search(arrays, rng):
    z, y, test_z, test_y = arrays
    first, _ = probed(*arrays)
    again, _ = probed(z, y, test_z, rng.permutation(test_y))
    np.testing.assert_array_equal(first, again)
    alone, _ = probed(z, y, test_z[:1], test_y[:1])
    assert alone == first[0]


def test_scale_and_shift_of_a_dimension_do_not_matter_to_a_linear_probe(arrays, rng):
    z, y, test_z, test_y = arrays
    scale, shift = 10 ** rng.uniform(-3, 3, z.shape[1]), rng.normal(size=z.shape[1])
    moved = linear_probe(z * scale + shift, y, test_z * scale + shift, test_y)
    assert moved == pytest.approx(linear_probe(*arrays), abs=0.01)


def test_a_dead_dimension_costs_nothing(arrays):
    z, y, test_z, test_y = arrays
    wide = [np.hstack([codes, np.full((len(codes), 3), 0.1)]) for codes in (z, test_z)]
    assert linear_probe(wide[0], y, wide[1], test_y) == linear_probe(*arrays)


def test_fewer_labels_read_less(rng):
    arrays = (*blobs(rng, 2000, spread=1.5), *blobs(rng, 2000, spread=1.5))
    few, some = label_probe(*arrays)
    assert 0.2 < few < some < linear_probe(*arrays)
    assert some == linear_probe(*arrays, label_share=0.1)
    assert few == linear_probe(*arrays, label_share=0.01)


def test_labels_that_are_not_seen_have_no_part(rng):
    z, y = blobs(rng, 1000)
    seen, unseen = stratified(y, 0.9)
    np.testing.assert_array_equal(np.bincount(y[seen]), np.full(5, 20))
    other = y.copy()
    other[unseen] = rng.permutation(y[unseen])  # as many of each, so that the same are drawn
    test = blobs(rng, 100)
    first, _ = probed(z, y, *test, label_share=0.1)
    again, _ = probed(z, other, *test, label_share=0.1)
    assert np.mean(first == again) < 1  # other rows are drawn
    kept = np.zeros(1000, bool)
    kept[seen] = True
    scaled = (z - z.mean(axis=0)) / z.std(axis=0), (test[0] - z.mean(axis=0)) / z.std(axis=0)
    assert np.mean(first == probed(scaled[0][kept], y[kept], scaled[1], test[1])[0]) > 0.9


def test_one_label_a_class_needs_no_search(rng):
    labels = np.arange(50) % 5
    codes = np.eye(5)[labels] + 0.01 * rng.normal(size=(50, 5))
    assert label_probe(codes, labels, codes, labels).one_percent == 1


def test_the_seed_draws_the_labels(rng):
    arrays = (*blobs(rng, 500, spread=2.0), *blobs(rng, 500, spread=2.0))
    scores = {linear_probe(*arrays, label_share=0.02, seed=seed) for seed in range(4)}
    assert len(scores) > 1
    assert linear_probe(*arrays, seed=3) == linear_probe(*arrays, seed=3)


# Invariances


@each
def test_the_order_of_dimensions_does_not_matter(metric, arrays, rng):
    z, y, test_z, test_y = arrays
    order = rng.permutation(z.shape[1])
    moved = metric(z[:, order], y, test_z[:, order], test_y)
    assert moved == pytest.approx(metric(*arrays), abs=0.01)


@each
def test_a_fifth_of_each_class_is_kept_for_the_test(metric, arrays):
    z, y, _, _ = arrays
    train, kept = stratified(y, 1 / 5, seed=4)
    expected = metric(z[train], y[train], z[kept], y[kept], seed=4)
    assert metric(z, y, seed=4) == expected


# Refusals


BAD = {
    "expected finite codes": (lambda z, y: (np.nan * z, y), r"^Expected finite codes\. "),
    "attributes": (
        lambda z, y: (z, np.stack([y, y], axis=1)),
        r"^Expected labels of shape \(N,\), a class each\. Received: shape \(300, 2\), attributes",
    ),
    "floats": (
        lambda z, y: (z, y / 2),
        r"^Expected labels of shape \(N,\), integers\. Received: shape \(300,\), dtype float64\.$",
    ),
    "lengths": (lambda z, y: (z, y[1:]), r"^Expected as many labels as codes \(300\)\. .*: 299\.$"),
    "a single class": (
        lambda z, y: (z, 0 * y + 3),
        r"^Expected labels of at least two classes\. Received: 3 alone\.$",
    ),
    "a rank": (lambda z, y: (z[0], y), r"^Expected codes of shape \(N, L\)"),
    "two of a kind": (
        lambda z, y: (z[:2], np.array([1, 2])),
        r"^Expected test_codes and test_labels, or several samples of a class, .*: 2 samples",
    ),
    "no test labels": (
        lambda z, y: (z, y, z),
        r"^Expected test_codes and test_labels together\. Received: no test_labels\.$",
    ),
    "no test codes": (
        lambda z, y: (z, y, None, y),
        r"^Expected test_codes and test_labels together\. Received: no test_codes\.$",
    ),
    "widths": (
        lambda z, y: (z, y, z[:, 1:], y),
        r"^Expected as many columns in test_codes as in codes \(8\)\. Received: 7\.$",
    ),
    "infinite test codes": (
        lambda z, y: (z, y, np.inf * z, y),
        r"^Expected finite test_codes\. ",
    ),
    "test attributes": (
        lambda z, y: (z, y, z, np.stack([y, y], axis=1)),
        r"^Expected test_labels of shape \(N,\), a class each\. ",
    ),
    "fewer codes than classes": (
        lambda z, y: (z[:3], y[:3], z, y),
        r"^Expected at least as many codes as classes \(5\)\. Received: 3\.$",
    ),
}


@each
@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused(metric, case, arrays):
    change, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        metric(*change(*arrays[:2]))


@each
def test_a_negative_seed_is_refused(metric, arrays):
    with pytest.raises(ValueError, match="Expected seed to be an integer of at least 0"):
        metric(*arrays, seed=-1)


@pytest.mark.parametrize("k", [0, -1, 2.5, True])
def test_no_neighbours_are_refused(arrays, k):
    message = f"Expected k to be an integer of at least 1. Received: {k!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        knn(*arrays, k=k)


@pytest.mark.parametrize("temperature", [0, -0.1, float("nan"), float("inf"), "1"])
def test_no_temperature_is_refused(arrays, temperature):
    with pytest.raises(ValueError, match="Expected temperature to be a number above 0"):
        knn(*arrays, temperature=temperature)


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan"), True])
def test_a_share_of_no_labels_is_refused(arrays, share):
    with pytest.raises(ValueError, match=r"Expected label_share to be a .*number"):
        linear_probe(*arrays, label_share=share)
