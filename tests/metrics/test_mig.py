"""MIG against disentanglement_lib, extremes with known scores, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import mig


def test_agrees_with_disentanglement_lib(reference):
    assert mig(*reference.train) == pytest.approx(reference.scores["mig"], abs=1e-6)


def test_identity_codes_score_high(factors):
    assert mig(factors, factors) > 0.9


def test_a_grid_scores_one():
    factors = np.stack(np.meshgrid(range(4), range(5)), axis=-1).reshape(-1, 2)
    assert mig(factors, factors) == pytest.approx(1, abs=1e-12)


def test_dead_codes_score_zero(factors):
    assert mig(np.zeros((len(factors), 10)), factors) == 0


def test_noise_scores_low(factors, rng):
    assert mig(rng.normal(size=(len(factors), 10)), factors) < 0.05


def test_duplicated_codes_score_zero(factors):
    assert mig(np.hstack([factors, factors]), factors) == pytest.approx(0, abs=1e-12)


def test_one_duplicated_code_costs_its_factor(factors):
    """The other two of three factors keep their gap."""
    codes = np.hstack([factors, factors[:, :1]])
    assert mig(codes, factors) == pytest.approx(2 / 3, abs=0.01)


def test_factors_of_one_value_are_left_out(factors):
    constant = np.full((len(factors), 1), 3)
    assert mig(factors, np.hstack([constant, factors])) == mig(factors, factors)
    with pytest.raises(ValueError, match="at least one factor with more than one value"):
        mig(factors, constant)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_order_scale_sign_and_shift_of_codes_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 4, (200, 2))
    codes = np.hstack([factors, factors]) + rng.normal(size=(200, 4))
    score = mig(codes, factors)
    assert 0 <= score <= 1
    assert mig(codes[:, rng.permutation(4)], factors) == pytest.approx(score, abs=1e-12)
    assert mig(codes, factors[:, ::-1]) == pytest.approx(score, abs=1e-12)
    assert mig(scale * codes + shift, factors) == pytest.approx(score, abs=1e-9)
    assert mig(-codes, factors) == pytest.approx(score, abs=1e-9)


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        mig(factors[:, :1], factors)
    with pytest.raises(ValueError, match="finite codes"):
        mig(np.full((len(factors), 2), np.nan), factors)
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        mig(factors[:10], factors[:10])
