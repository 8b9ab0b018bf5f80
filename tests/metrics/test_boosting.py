"""Boosted trees by histograms find what scikit-learn's exhaustive search finds."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from zoo.metrics.boosting import BINS, _edges, boost


def samples(rng, N, K):
    z = rng.normal(size=(N, 4)).astype(np.float32)
    y = np.digitize(z[:, 0] + 0.5 * z[:, 1] + 0.3 * rng.normal(size=N), np.linspace(-1, 1, K - 1))
    return z, y


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize(("stages", "rate"), [(1, 0.1), (10, 0.5)])
def test_equals_scikit_learn_where_every_value_has_its_bin(rng, K, stages, rate):
    """But for equally good splits, of which both take any: few among so many samples."""
    z, y = samples(rng, 2000, K)
    z = (16 * z).round() / 16
    assert max(len(np.unique(column)) for column in z.T) <= BINS
    theirs = GradientBoostingClassifier(n_estimators=stages, learning_rate=rate, random_state=0)
    theirs.fit(z, y)
    ours = boost(z, y, z, stages, rate)
    np.testing.assert_allclose(ours.importance, theirs.feature_importances_, atol=2e-3)
    assert np.mean(ours.predicted == theirs.predict(z)) > 0.995


@pytest.mark.parametrize("K", [2, 3])
def test_equals_scikit_learn_on_a_single_code(rng, K):
    """Where no two codes can offer equally good splits, the trees are the same throughout."""
    z, y = samples(rng, 200, K)
    theirs = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(z[:, :1], y)
    ours = boost(z[:, :1], y, z[:, :1], stages=20)
    np.testing.assert_array_equal(ours.predicted, theirs.predict(z[:, :1]))


def test_is_near_scikit_learn_where_values_share_bins(rng):
    z, y = samples(rng, 1500, 4)
    test_z, test_y = samples(rng, 1000, 4)
    theirs = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(z, y)
    ours = boost(z, y, test_z, stages=20)
    np.testing.assert_allclose(ours.importance, theirs.feature_importances_, atol=0.02)
    assert np.mean(ours.predicted == test_y) == pytest.approx(
        theirs.score(test_z, test_y), abs=0.02
    )


def test_dead_codes_have_no_importance_and_the_most_frequent_class_is_predicted(rng):
    y = np.repeat([0, 1, 2], [5, 20, 10])
    importance, predicted = boost(np.full((35, 2), 0.1), y, np.full((3, 2), 0.1), stages=3)
    np.testing.assert_array_equal(importance, 0)
    np.testing.assert_array_equal(predicted, 1)


def test_order_scale_and_shift_of_codes_do_not_matter(rng):
    """But for equally good splits, of which the first code's is taken."""
    z, y = samples(rng, 2000, 3)
    order = [2, 0, 3, 1]
    first, moved = (boost(part, y, part, 5) for part in (z, 8 * z[:, order] + 16))
    np.testing.assert_allclose(moved.importance, first.importance[order], atol=1e-3)
    assert np.mean(moved.predicted == first.predicted) > 0.995


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_lie_between_values(rng, dtype):
    few = np.array([3, 1, 1, 2, 3], dtype)
    np.testing.assert_array_equal(_edges(few), [1.5, 2.5])
    assert len(_edges(np.full(9, 0.1, dtype))) == 0
    many = rng.normal(size=5000).astype(dtype)
    edges = _edges(many)
    assert BINS // 2 < len(edges) < BINS
    assert np.all(np.diff(edges) > 0)
    assert not np.isin(edges, many).any()
    counts = np.histogram(many, [-np.inf, *edges, np.inf])[0]
    assert counts.min() >= 1
    assert counts.max() <= 2 * 5000 / (BINS // 2)


def test_a_wide_gap_has_a_threshold(rng):
    """However few samples lie beyond it."""
    values = np.concatenate([rng.normal(size=5000), 100 + rng.normal(size=3)])
    assert np.sum((_edges(values) > 10) & (_edges(values) < 90)) == 1
