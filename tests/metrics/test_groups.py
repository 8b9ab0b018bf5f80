"""Batches that share the value of a factor, drawn from a pool."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import groups
from zoo.metrics.groups import Groups


@st.composite
def tables(draw):
    """(N, F) factors of 2 to 6 values each, enough samples for all of them."""
    sizes = draw(st.lists(st.integers(2, 6), min_size=1, max_size=4))
    N = draw(st.integers(60, 120))
    return np.random.default_rng(draw(st.integers(0, 99))).integers(0, sizes, (N, len(sizes)))


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(1, 9), st.integers(1, 40))
def test_batches_share_the_value_of_their_factor(factors, size, count):
    rng = np.random.default_rng(0)
    drawn = list(Groups(factors, width=2).batches(count, size, rng))
    k, rows = (np.concatenate(part) for part in zip(*drawn, strict=True))
    assert (k.shape, rows.shape) == ((count,), (count, size))
    fixed = factors[rows, k[:, None]]
    assert (fixed == fixed[:, :1]).all()


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(1, 9), st.integers(1, 40))
def test_pairs_share_the_value_and_are_two(factors, size, count):
    rng = np.random.default_rng(0)
    drawn = list(Groups(factors, width=2).pairs(count, size, rng))
    k, one, other = (np.concatenate(part) for part in zip(*drawn, strict=True))
    assert one.shape == other.shape == (count, size)
    assert (factors[one, k[:, None]] == factors[other, k[:, None]]).all()
    assert (one != other).all()


@pytest.mark.parametrize("draw", ["batches", "pairs"])
def test_factors_are_drawn_evenly_and_rows_as_often_as_each_other(factors, draw):
    """Each factor's values differ in number, which must not matter."""
    k, *rows = next(getattr(Groups(factors, width=1), draw)(30_000, 8, np.random.default_rng(0)))
    np.testing.assert_allclose(np.bincount(k) / len(k), 1 / 3, atol=0.01)
    for side in rows:
        often = np.bincount(side.ravel(), minlength=len(factors))
        assert abs(often.mean() - 120) < 1e-9
        assert 60 < often.min() <= often.max() < 180


def test_every_partner_is_as_likely_as_another():
    factors = np.array([[0]] * 10 + [[1]] * 10)
    _, one, other = next(Groups(factors, 1).pairs(1, 90_000, np.random.default_rng(0)))
    counts = np.zeros((20, 20))
    np.add.at(counts, (one, other), 1)
    same = (factors == factors.T) & ~np.eye(20, dtype=bool)
    assert (counts[~same] == 0).all()
    assert (abs(counts[same] - 500) < 5 * 500**0.5).all()


def test_a_value_that_occurs_once_is_never_drawn():
    factors = np.array([0] * 30 + [1] * 30 + [2])[:, None]
    groups = Groups(factors, width=1)
    for k, *rows in (*groups.batches(500, 9, rng(0)), *groups.pairs(500, 9, rng(0))):
        assert len(k) == 500
        assert all((side != 60).all() for side in rows)


def test_memory_is_bounded(factors, monkeypatch):
    monkeypatch.setattr(groups, "MOST", 1000)
    sizes = [len(k) for k, _ in Groups(factors, width=10).batches(35, 10, rng(0))]
    assert sizes == [10, 10, 10, 5]
    sizes = [len(k) for k, *_ in Groups(factors, width=5000).pairs(3, 10, rng(0))]
    assert sizes == [1, 1, 1]


def test_continuous_factors_are_binned():
    values = np.linspace(0, 1, 400)[:, None]
    _, rows = next(Groups(values, width=1).batches(100, 30, rng(0)))
    assert (np.ptp(values[rows, 0], axis=1) < 1 / 20).all()


def test_values_that_hardly_repeat_are_refused():
    factors = np.stack([np.arange(1000) % 2, np.arange(1000) % 101], axis=1)
    message = (
        r"^Expected at least 10 samples of each value of a factor, on average\. "
        r"Received: 1,000 samples, 101 values of factor 1\.$"
    )
    with pytest.raises(ValueError, match=message):
        Groups(factors, width=1)
    Groups(factors[:, :1], width=1)


def rng(seed):
    return np.random.default_rng(seed)
