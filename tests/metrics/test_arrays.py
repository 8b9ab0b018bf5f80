"""Binning agrees with numpy's to the last bit, and bad arrays are refused in one line."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from zoo.metrics.arrays import (
    bin_edges,
    binned,
    checked,
    checked_bins,
    classes,
    labels,
    rank_correlation,
    standardised,
    varied,
)

GOOD = np.zeros((30, 3))


@given(
    values=arrays(np.float32, st.integers(2, 60), elements=st.floats(-1000, 1000, width=32)).filter(
        lambda x: np.ptp(x) > 0.1
    ),
    bins=st.integers(2, 30) | st.integers(250, 260),
)
@settings(max_examples=50, deadline=None)
def test_bins_are_those_of_disentanglement_lib(values, bins):
    theirs = np.digitize(values, np.histogram(values, bins)[1][:-1])
    np.testing.assert_array_equal(binned(values, bin_edges(values, bins)) + 1, theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bins_of_values_on_the_edges(dtype):
    values = np.arange(21, dtype=dtype) / 10
    theirs = np.digitize(values, np.histogram(values, 20)[1][:-1])
    np.testing.assert_array_equal(binned(values, bin_edges(values, 20)) + 1, theirs)


def test_a_range_too_narrow_for_bins_keeps_its_values_apart():
    values = np.array([1, np.nextafter(np.float32(1), np.float32(2))], np.float32)
    with pytest.raises(ValueError, match="Too many bins"):
        np.histogram(values, 20)
    low, high = binned(values, bin_edges(values, 20))
    assert low < high


def test_a_constant_falls_into_one_bin():
    assert len(np.unique(binned(np.full(9, 0.3), bin_edges(np.full(9, 0.3), 20)))) == 1


def test_values_beyond_the_edges_join_the_outer_bins():
    edges = bin_edges(np.array([0.0, 1.0]), 4)
    np.testing.assert_array_equal(binned(np.array([-5.0, 5.0]), edges), [0, 3])


def test_labels_count_whole_numbers_by_value_and_floats_by_bin():
    classes, K = labels(np.array([100, -7, 100, 3]), bins=2)
    assert (classes.tolist(), K) == ([2, 0, 2, 1], 3)
    classes, K = labels(np.array([0.0, 0.1, 0.9, 1.0]), bins=2)
    assert (classes.tolist(), K) == ([0, 0, 1, 1], 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64, bool])
def test_codes_are_computed_in_at_least_float32(dtype):
    codes, factors = checked(GOOD.astype(dtype), GOOD.astype(np.float16))
    assert codes.dtype in (np.float32, np.float64)
    assert factors.dtype == np.float32


def test_bfloat16_codes_are_welcome():
    """As an encoder under a mixed_bfloat16 policy gives them."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    codes, _ = checked(GOOD.astype(ml_dtypes.bfloat16), GOOD)
    assert codes.dtype == np.float32
    with pytest.raises(ValueError, match="finite codes"):
        checked(spoilt(np.nan, 3).astype(ml_dtypes.bfloat16), GOOD)


def spoilt(value, row):
    codes = GOOD.copy()
    codes[row, 1] = value
    return codes


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (GOOD[:, 0], GOOD, "Expected codes of shape (N, L), not empty. Received: shape (30,)."),
        (GOOD, GOOD[0], "Expected factors of shape (N, F), not empty. Received: shape (3,)."),
        (GOOD[:0], GOOD[:0], "Expected codes of shape (N, L), not empty. Received: shape (0, 3)."),
        (GOOD.astype(str), GOOD, "Expected codes that are real numbers. Received: dtype <U32."),
        (GOOD + 1j, GOOD, "Expected codes that are real numbers. Received: dtype complex128."),
        (GOOD, GOOD[:9], "Expected as many rows of factors as of codes (30). Received: 9."),
        (
            spoilt(np.nan, 7),
            GOOD,
            "Expected finite codes. Received: NaN or infinity in 1 of 30 rows, "
            "the first of them row 7.",
        ),
        (
            GOOD,
            spoilt(np.inf, [2, 5]),
            "Expected finite factors. Received: NaN or infinity in 2 of 30 rows, "
            "the first of them row 2.",
        ),
        (
            GOOD[:, :1],
            GOOD,
            "Expected codes of at least 2 dimensions, as the score compares them with one another. "
            "Received: 1.",
        ),
    ],
)
def test_bad_arrays_are_refused(codes, factors, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        checked(codes, factors, least_codes=2)


def test_messages_name_the_test_arrays():
    with pytest.raises(ValueError, match=r"^Expected test_codes of shape"):
        checked(GOOD[0], GOOD, prefix="test_")


@pytest.mark.parametrize("bins", [1, 0, -3, 2.5, True, "20"])
def test_bad_bins_are_refused(bins):
    message = f"Expected bins to be an integer of at least 2. Received: {bins!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        checked_bins(bins, samples=100)


def test_fewer_samples_than_bins_are_refused():
    message = r"^Expected at least as many samples as bins \(20\)\. Received: 19\.$"
    with pytest.raises(ValueError, match=message):
        checked_bins(20, samples=19)


@pytest.mark.parametrize(
    ("factors", "least", "message"),
    [
        (GOOD, 1, "at least one factor with more than one value. Received: 0 of 3."),
        (GOOD, 2, "at least 2 factors with more than one value. Received: 0 of 3."),
        (np.eye(3)[:, :1], 2, "at least 2 factors with more than one value. Received: 1 of 1."),
    ],
)
def test_too_few_factors_of_several_values_are_refused(factors, least, message):
    with pytest.raises(ValueError, match=f"^Expected {re.escape(message)}$"):
        varied(factors, least)


def test_classes_of_values_that_training_lacks_are_no_class():
    y, test_y, K = classes(np.array([5, 2, 9, 2]), np.array([9, 1, 3, 10, 2]))
    assert (y.tolist(), test_y.tolist(), K) == ([1, 0, 2, 0], [2, -1, -1, -1, 0], 3)


@pytest.mark.parametrize("value", [0.1, -3e7])
def test_a_constant_is_standardised_to_zero(value):
    values, others = standardised(np.full((7, 2), value, np.float32), np.full((3, 2), value + 1))
    np.testing.assert_array_equal(values, 0)
    np.testing.assert_allclose(others, 1, rtol=1e-6)


def test_standardised_values_have_mean_zero_and_deviation_one(rng):
    (values,) = standardised(rng.normal(1e4, 5, (300, 3)).astype(np.float32))
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=0), 1, rtol=1e-5)


def test_rank_correlation_is_spearmans(rng):
    a, b = rng.integers(0, 5, (20, 4)), rng.normal(size=(20, 3))  # with ties, and without
    expected = spearmanr(a, b).statistic[:4, 4:]
    np.testing.assert_allclose(rank_correlation(a, b), expected, atol=1e-12)


def test_a_constant_has_no_rank_correlation(rng):
    a = np.stack([np.full(9, 0.1), np.arange(9)], axis=1)
    np.testing.assert_array_equal(rank_correlation(a, a), [[np.nan, np.nan], [np.nan, 1]])
