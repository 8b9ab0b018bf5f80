"""IRS against a plain reading of its equation, extremes with known scores, and its invariances."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import irs

GRID = np.stack(np.meshgrid(range(4), range(5)), axis=-1).reshape(-1, 2)


def plain_irs(codes, factors):
    """The equation, one code, factor and value at a time."""
    scores, weights = [], []
    for z in codes.T.astype(np.float64):
        greatest = max(abs(z - z.mean()))
        if greatest == 0:
            continue
        robust = []
        for v in factors.T:
            groups = [z[v == value] for value in set(v.tolist())]
            moves = [np.percentile(abs(group - group.mean()), 99) for group in groups]
            robust.append(1 - np.mean(moves) / greatest)
        scores.append(max(robust))
        weights.append(greatest)
    return np.average(scores, weights=weights)


def test_agrees_with_a_plain_reading(small_reference):
    assert irs(*small_reference.train) == pytest.approx(plain_irs(*small_reference.train), abs=1e-9)


def test_identity_codes_score_one(factors, rng):
    assert irs(factors, factors) == pytest.approx(1, abs=1e-12)
    assert irs(factors[:, [2, 0, 1]], factors) == pytest.approx(1, abs=1e-12)


def test_any_function_of_one_factor_scores_one(factors):
    codes = np.hstack([np.sin(factors), factors**2, factors == 1])
    assert irs(codes, factors) == pytest.approx(1, abs=1e-12)


def test_the_sum_of_two_factors_scores_a_half():
    """Holding one of two factors of the same range halves the deviation."""
    factors = np.stack(np.meshgrid(range(3), range(3)), axis=-1).reshape(-1, 2)
    assert irs(factors.sum(axis=1, keepdims=True), factors, quantile=1) == pytest.approx(0.5)


def test_codes_count_by_their_range():
    """A perfect code of deviation 1 and a useless one of deviation 3: a quarter."""
    factors = np.stack(np.meshgrid(range(2), range(2), range(2)), axis=-1).reshape(-1, 3)
    perfect, useless = 2 * factors[:, 0] - 1, 6 * (factors.sum(axis=1) % 2) - 3
    assert irs(np.stack([perfect, useless], axis=1), factors) == pytest.approx(0.25, abs=1e-12)


def test_noise_without_tails_scores_low(factors, rng):
    assert irs(rng.uniform(size=(len(factors), 10)), factors) < 0.05


def test_dead_codes_count_nothing(factors):
    dead = np.full((len(factors), 4), 0.1, np.float32)
    assert irs(dead, factors) == 0
    assert irs(np.hstack([factors, dead]), factors) == pytest.approx(1, abs=1e-12)


def test_factors_of_one_value_are_left_out(rng):
    """Holding what never moves would hold noise to a quantile of itself."""
    codes = rng.normal(size=(400, 3))
    factors = np.arange(400)[:, None] % 4
    constant = np.zeros((400, 1), int)
    assert irs(codes, np.hstack([constant, factors])) == irs(codes, factors)


def test_float_factors_are_binned(rng):
    factors = rng.uniform(size=(1000, 2))
    bins = [np.digitize(v, np.histogram(v, 20)[1][:-1]) for v in factors.T]
    assert irs(factors, factors) == irs(factors, np.stack(bins, axis=1)) > 0.9


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_order_sign_shift_and_a_common_scale_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 4, (200, 2))
    codes = np.hstack([factors, factors]) + rng.normal(size=(200, 4))
    score = irs(codes, factors)
    assert 0 <= score <= 1
    assert irs(codes[:, rng.permutation(4)], factors) == pytest.approx(score, abs=1e-12)
    assert irs(codes, factors[:, ::-1]) == pytest.approx(score, abs=1e-12)
    assert irs(shift - scale * codes, factors) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("quantile", [-0.1, 1.1, float("nan"), "0.99"])
def test_a_bad_quantile_is_refused(quantile):
    message = f"Expected quantile to be a number from 0 to 1. Received: {quantile!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        irs(GRID, GRID, quantile=quantile)


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="at least one factor with more than one value"):
        irs(factors, 0 * factors)
    with pytest.raises(ValueError, match="finite codes"):
        irs(np.full(factors.shape, np.nan), factors)
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        irs(factors[:10], factors[:10] / 2)
