"""The total correlation of Gaussian codes against closed forms, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import gaussian_total_correlation


def codes_of_covariance(S, N=50, seed=0):
    """(N, L) codes whose sample covariance is S, exactly but for rounding."""
    z = np.random.default_rng(seed).normal(size=(N, len(S)))
    z = np.linalg.qr(z - z.mean(axis=0))[0] * math.sqrt(N)
    return z @ np.linalg.cholesky(S).T


@pytest.mark.parametrize("correlation", [0.0, 0.3, -0.9, 0.999])
def test_two_codes_have_the_closed_form(correlation):
    codes = codes_of_covariance(np.array([[1, correlation], [correlation, 1]]))
    expected = -0.5 * math.log(1 - correlation**2)
    assert gaussian_total_correlation(codes) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_equally_correlated_codes_have_the_closed_form():
    """det R = (1 - r)^(L - 1) (1 + (L - 1) r)."""
    L, r = 5, 0.4
    codes = codes_of_covariance((1 - r) * np.eye(L) + r)
    expected = -0.5 * ((L - 1) * math.log(1 - r) + math.log(1 + (L - 1) * r))
    assert gaussian_total_correlation(codes) == pytest.approx(expected, rel=1e-9)


def test_agrees_with_the_divergence_of_gaussians(rng):
    """KL(N(mu, S) || N(mu, D)) with D the diagonal of S, computed as such."""
    codes = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4))
    S = np.cov(codes.T)
    D = np.diag(np.diag(S))
    _, log_S = np.linalg.slogdet(S)
    _, log_D = np.linalg.slogdet(D)
    expected = 0.5 * (np.trace(np.linalg.inv(D) @ S) - 4 + log_D - log_S)
    assert gaussian_total_correlation(codes) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_dead_codes_add_nothing(rng, value):
    codes = (rng.normal(size=(300, 3)) @ rng.normal(size=(3, 3))).astype(np.float32)
    dead = np.full((300, 2), value, np.float32)
    with_dead = gaussian_total_correlation(np.hstack([codes, dead]))
    assert with_dead == gaussian_total_correlation(codes) > 0
    assert gaussian_total_correlation(dead) == 0


def test_one_code_has_none(rng):
    assert gaussian_total_correlation(rng.normal(size=(50, 1))) == 0


def test_a_copy_makes_it_infinite(rng):
    codes = rng.normal(size=(300, 3))
    assert gaussian_total_correlation(np.hstack([codes, -2 * codes[:, :1]])) == math.inf
    assert gaussian_total_correlation(np.hstack([codes, codes[:, :1] + codes[:, 1:2]])) == math.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("combined", [lambda a, b: a + b, lambda a, b: 3 * a + 1, lambda a, b: -a])
@pytest.mark.parametrize("mean", [0, 10])
def test_a_linear_combination_is_known_through_its_rounding(rng, dtype, combined, mean):
    a, b = (mean + rng.normal(size=(2, 300))).astype(dtype)
    c = combined(a, b)
    assert c.dtype == dtype
    assert gaussian_total_correlation(np.stack([a, b, c], axis=1)) == math.inf


def test_float32_codes_that_are_nearly_a_copy_have_the_closed_form(rng):
    """A correlation that differs from 1 by 5e-9 is more than rounding."""
    a, noise = codes_of_covariance(np.eye(2)).T
    codes = np.stack([a, a + 1e-4 * noise], axis=1)
    expected = -0.5 * math.log(1e-8 / (1 + 1e-8))
    assert gaussian_total_correlation(codes) == pytest.approx(expected, rel=1e-6)
    assert gaussian_total_correlation(codes.astype("f4")) == pytest.approx(expected, rel=1e-3)


def test_noise_has_almost_none(rng):
    """L (L - 1) / 4N is what chance correlations come to."""
    assert gaussian_total_correlation(rng.normal(size=(10_000, 10))) < 0.005


@given(seed=st.integers(0, 1000), shift=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_order_scale_sign_and_shift_do_not_matter(seed, shift):
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(100, 4)) @ rng.normal(size=(4, 4))
    score = gaussian_total_correlation(codes)
    scales = rng.choice([-1, 1], 4) * 10.0 ** rng.uniform(-2, 2, 4)
    moved = codes[:, rng.permutation(4)] * scales + shift
    assert gaussian_total_correlation(moved) == pytest.approx(score, rel=1e-6)


def test_a_rotation_of_independent_codes_matters(rng):
    """As the codes' scales differ."""
    codes = rng.normal(size=(5000, 2)) * [1, 5]
    rotation = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert gaussian_total_correlation(codes @ rotation) > 0.5 > gaussian_total_correlation(codes)


def test_bad_codes_are_refused(rng):
    message = r"^Expected more samples than code dimensions \(5\)\. Received: 5\.$"
    with pytest.raises(ValueError, match=message):
        gaussian_total_correlation(rng.normal(size=(5, 5)))
    with pytest.raises(ValueError, match="finite codes"):
        gaussian_total_correlation(np.full((30, 2), np.inf))
