"""Mutual information against disentanglement_lib, closed forms and its own symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import mutual_information


def test_agrees_with_disentanglement_lib(reference):
    ours = mutual_information(*reference.train)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, reference.scores["mutual_information"], rtol=0, atol=1e-6)


def test_a_copy_has_the_entropy_of_its_factor():
    factor = np.repeat(np.arange(4), [10, 20, 30, 40])[:, None]
    p = np.array([0.1, 0.2, 0.3, 0.4])
    information = mutual_information(factor, factor)
    np.testing.assert_allclose(information, [[-np.sum(p * np.log(p))]], rtol=1e-12)


def test_a_grid_has_exactly_no_information_across_factors():
    factors = np.stack(np.meshgrid(range(4), range(5)), axis=-1).reshape(-1, 2)
    information = mutual_information(factors, factors)
    np.testing.assert_allclose(information, np.diag(np.log([4, 5])), atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_a_dead_code_has_exactly_none(factors, value):
    codes = np.full((len(factors), 2), value, np.float32)
    np.testing.assert_array_equal(mutual_information(codes, factors), 0.0)


def test_a_factor_of_one_value_shares_none(rng):
    assert mutual_information(rng.normal(size=(50, 3)), np.full((50, 1), 7)).max() < 1e-12


def test_float_factors_are_binned_like_codes(rng):
    codes = rng.normal(size=(500, 3))
    information = mutual_information(codes, codes)
    np.testing.assert_allclose(information, information.T, atol=1e-12)
    binned = [np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in codes.T]
    np.testing.assert_array_equal(information, mutual_information(codes, np.stack(binned, axis=1)))


def test_factor_values_need_not_be_small_or_consecutive(factors, rng):
    codes = rng.normal(size=(len(factors), 3))
    sparse = factors * 10**12 - 5
    np.testing.assert_array_equal(
        mutual_information(codes, factors), mutual_information(codes, sparse)
    )


@given(seed=st.integers(0, 1000), bins=st.integers(2, 20))
@settings(max_examples=20, deadline=None)
def test_stays_between_zero_and_the_entropies(seed, bins):
    rng = np.random.default_rng(seed)
    codes, factors = rng.normal(size=(60, 3)), rng.integers(0, 4, (60, 2))
    information = mutual_information(codes, factors, bins)
    assert information.shape == (3, 2)
    assert np.all(information >= 0)
    assert np.all(information <= min(np.log(bins), np.log(4)) + 1e-12)


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="as many rows"):
        mutual_information(factors, factors[1:])
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        mutual_information(factors[:19], factors[:19])
