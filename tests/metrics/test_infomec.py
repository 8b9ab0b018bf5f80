"""InfoMEC: extremes with known scores, its equations on known information, and its invariances."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.metrics import infomec
from zoo.metrics.infomec import _concentration


@pytest.fixture
def factors(rng):
    """(600, 3) factors of 3, 4 and 5 values, independent of one another."""
    return rng.integers(0, [3, 4, 5], (600, 3))


def test_identity_and_permuted_codes_score_high(factors):
    assert min(infomec(factors, factors)) > 0.95
    assert min(infomec(factors[:, [2, 0, 1]] * [1.0, -2.0, 0.5], factors)) > 0.95


def test_dead_codes_score_zero(factors):
    dead = np.full((len(factors), 4), 0.1, np.float32)
    assert infomec(dead, factors) == pytest.approx((0, 0, 0), abs=1e-6)


def test_codes_of_little_range_are_left_out(factors, rng):
    """And cost modularity and compactness where they are not."""
    codes = np.hstack([factors, 0.09 * rng.uniform(size=(len(factors), 3))])
    assert min(infomec(codes, factors)) > 0.95
    kept = infomec(codes, factors, least_range=0.0)
    assert kept.modularity < 0.9
    assert kept.compactness > 0.9  # the noise knows of nothing


def test_noise_knows_of_nothing(factors, rng):
    scores = infomec(rng.normal(size=(len(factors), 6)), factors)
    assert scores.explicitness < 0.05


def test_a_duplicate_halves_the_concentration_of_its_factor():
    """Two codes of three know one factor: its share is 1/2, less 1/3 over 1 less 1/3."""
    factors = np.stack(np.meshgrid(range(4), range(5), range(20)), axis=-1).reshape(-1, 3)[:, :2]
    modularity, compactness, explicitness = infomec(factors[:, [0, 0, 1]], factors)
    assert modularity == pytest.approx(1, abs=0.02)
    assert compactness == pytest.approx((1 + 0.25) / 2, abs=0.02)
    assert explicitness > 0.99


def test_a_code_of_two_factors_merged_is_not_modular():
    """It knows all of both, so that each has half of its information."""
    factors = np.stack(np.meshgrid(range(4), range(4), range(40)), axis=-1).reshape(-1, 3)[:, :2]
    merged = factors @ [[1], [4]]
    modularity, compactness, _ = infomec(merged, factors)
    assert modularity == pytest.approx(0, abs=0.02)
    assert compactness == 0  # a single active code has nothing to be compared with


def test_explicitness_is_that_of_linear_classifiers(rng):
    """The exclusive or of two codes needs more."""
    codes = rng.integers(0, 2, (600, 2))
    factors = np.hstack([codes, codes.sum(axis=1, keepdims=True) % 2])
    assert infomec(codes, factors).explicitness == pytest.approx(2 / 3, abs=0.02)


def test_explicitness_of_a_noisy_channel_has_the_closed_form():
    """A bit that is flipped one time in ten: 1 - H(0.1) / log 2. Beside it, a perfect one."""
    codes = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (100, 1))
    factors = codes.copy()
    factors[: len(codes) // 10, 0] ^= 1
    H = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    expected = (1 - H / np.log(2) + 1) / 2
    assert infomec(codes, factors).explicitness == pytest.approx(expected, abs=1e-3)


def test_uneven_factors_are_measured_by_their_own_entropy(rng):
    """Codes without information explain none of a factor, however uneven it is."""
    factors = (rng.uniform(size=(400, 2)) < 0.1).astype(int)
    assert infomec(np.ones((400, 2)), factors).explicitness == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("NMI", "expected"),
    [
        (np.eye(3), 1),
        (np.full((3, 3), 0.2), 0),
        (np.array([[0.6, 0.2], [0.5, 0.0]]), (0.5 + 1) / 2),
        (np.array([[0.0, 0.0], [0.5, 0.0]]), 0.5),  # nothing of nothing is an equal share
        (np.zeros((0, 3)), 0),
        (np.ones((3, 1)), 0),
    ],
)
def test_concentration_by_its_equation(NMI, expected):
    assert _concentration(NMI) == pytest.approx(expected, abs=1e-12)


def test_factors_of_one_value_are_left_out(factors):
    constant = np.full((len(factors), 1), 3)
    assert infomec(factors, np.hstack([constant, factors])) == infomec(factors, factors)


def test_a_factor_of_which_no_value_repeats_is_refused(factors):
    unique = np.hstack([factors[:30], np.arange(30)[:, None]])
    message = "Expected factors with values that repeat. Received: 30 values of factor 3 in 30 sam"
    with pytest.raises(ValueError, match=f"^{message}ples.$"):
        infomec(unique, unique)


def test_a_factor_whose_values_hardly_repeat_is_measured_by_those_that_do(factors):
    """Without a warning, which would fail the test."""
    hardly = np.hstack([factors[:60], np.maximum(np.arange(60) - 10, 0)[:, None]])
    assert all(0 <= score <= 1 for score in infomec(hardly, hardly))


def test_the_seed_moves_little(factors, rng):
    codes = factors + rng.normal(size=factors.shape)
    first = infomec(codes, factors, seed=1)
    assert infomec(codes, factors, seed=1) == first
    assert infomec(codes, factors, seed=2) == pytest.approx(first, abs=0.01)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
@settings(max_examples=5, deadline=None)
def test_order_sign_shift_and_a_common_scale_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 3, (150, 2))
    codes = np.hstack([factors, factors]) + rng.normal(size=(150, 4))
    scores = infomec(codes, factors)
    assert all(0 <= score <= 1 for score in scores)
    moved = shift - scale * codes[:, rng.permutation(4)]
    assert infomec(moved, factors[:, ::-1]) == pytest.approx(scores, abs=2e-3)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"neighbours": 0}, "Expected neighbours to be an integer of at least 1. Received: 0."),
        ({"least_range": 2}, "Expected least_range to be a number from 0 to 1. Received: 2."),
        ({"seed": -1}, "Expected seed to be an integer of at least 0. Received: -1."),
    ],
)
def test_bad_options_are_refused(factors, option, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        infomec(factors, factors, **option)


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="at least 2 factors with more than one value"):
        infomec(factors, factors * [1, 0, 0])
    with pytest.raises(ValueError, match="finite codes"):
        infomec(np.full(factors.shape, np.nan), factors)
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        infomec(factors[:10], factors[:10] / 2)
