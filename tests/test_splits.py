"""Splits in which every class keeps its share."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.splits import stratified


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.floats(0.01, 0.99),
    st.integers(0, 100),
)
def test_each_class_keeps_its_share(labels, share, seed):
    labels = np.array(labels)
    rest, part = stratified(labels, share, seed)
    np.testing.assert_array_equal(np.sort([*rest, *part]), np.arange(len(labels)))
    assert np.all(np.diff(rest) > 0)
    assert np.all(np.diff(part) > 0)
    for label in np.unique(labels):
        n, taken = np.sum(labels == label), np.sum(labels[part] == label)
        assert taken <= n - 1
        assert taken >= min(n - 1, 1)
        assert share * n - 1e-6 * n <= taken < share * n + 1 or taken == n - 1


@pytest.mark.parametrize(
    ("n", "share", "taken"), [(100, 0.07, 7), (1000, 1 - 0.01, 990), (10, 0.1, 1), (11, 0.1, 2)]
)
def test_whole_shares_are_not_rounded_up(n, share, taken):
    rest, part = stratified(np.repeat([3, 8], n), share)
    assert (len(rest), len(part)) == (2 * (n - taken), 2 * taken)


def test_the_seed_draws_it():
    labels = np.arange(100) % 4
    first = stratified(labels, 0.3, seed=1)[1]
    np.testing.assert_array_equal(stratified(labels, 0.3, seed=1)[1], first)
    assert not np.array_equal(stratified(labels, 0.3, seed=2)[1], first)


@pytest.mark.parametrize("share", [0, 1, -0.5, 2, float("nan"), "half"])
def test_a_share_of_all_or_nothing_is_refused(share):
    message = rf"^Expected share to be a .*number.*\. Received: {re.escape(repr(share))}\.$"
    with pytest.raises(ValueError, match=message):
        stratified(np.zeros(4, int), share)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed to be an integer of at least 0"):
        stratified(np.zeros(4, int), 0.5, seed=-1)
