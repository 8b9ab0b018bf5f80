"""Modularity against disentanglement_lib, extremes with known scores, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import modularity

GRID = np.stack(np.meshgrid(range(4), range(5)), axis=-1).reshape(-1, 2)


def test_agrees_with_disentanglement_lib(reference):
    score = modularity(*reference.train)
    assert score == pytest.approx(reference.scores["modularity"], abs=1e-6)


def test_a_grid_scores_one():
    assert modularity(GRID, GRID) == pytest.approx(1, abs=1e-12)


def test_two_codes_may_share_a_factor():
    """Which is what tells modularity from MIG."""
    assert modularity(np.hstack([GRID, GRID]), GRID) == pytest.approx(1, abs=1e-12)


def test_a_code_of_two_factors_merged_scores_by_its_equation():
    """It knows all of both: with m = log 4 and log 5, delta is (log 4 / log 5)^2."""
    merged = GRID[:, :1] + 4 * GRID[:, 1:]
    expected = 1 - (np.log(4) / np.log(5)) ** 2
    assert modularity(merged, GRID) == pytest.approx(expected, abs=1e-12)


def test_a_code_that_knows_the_same_of_all_factors_scores_zero():
    factors = np.stack(np.meshgrid(*[range(3)] * 3), axis=-1).reshape(-1, 3)
    merged = factors @ [[1], [3], [9]]  # 27 values need bins of their own
    assert modularity(merged, factors, bins=27) == pytest.approx(0, abs=1e-12)


def test_dead_codes_score_zero(factors):
    dead = np.full(factors.shape, 0.1, np.float32)
    assert modularity(dead, factors) == 0
    assert modularity(np.hstack([GRID, 0 * GRID]), GRID) == pytest.approx(0.5, abs=1e-12)


def test_factors_of_one_value_are_left_out(factors):
    constant = np.full((len(factors), 1), 3)
    assert modularity(factors, np.hstack([constant, factors])) == modularity(factors, factors)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_order_scale_sign_and_shift_of_codes_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 4, (200, 2))
    codes = np.hstack([factors, factors]) + rng.normal(size=(200, 4))
    score = modularity(codes, factors)
    assert 0 <= score <= 1
    assert modularity(codes[:, rng.permutation(4)], factors) == pytest.approx(score, abs=1e-12)
    assert modularity(codes, factors[:, ::-1]) == pytest.approx(score, abs=1e-12)
    assert modularity(scale * codes + shift, factors) == pytest.approx(score, abs=1e-9)
    assert modularity(-codes, factors) == pytest.approx(score, abs=1e-9)


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="at least 2 factors with more than one value"):
        modularity(factors, factors * [1, 0, 0])
    with pytest.raises(ValueError, match="finite codes"):
        modularity(np.full(factors.shape, np.nan), factors)
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        modularity(factors[:10], factors[:10])
