"""The scores of b-VAE and FactorVAE: extremes with known scores, and fresh draws beside a pool."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from zoo.metrics import beta_vae_score, factor_vae_score

SCORES = (factor_vae_score, beta_vae_score)
SIZES = np.array([3, 6, 40, 32, 32])  # of dSprites

both = pytest.mark.parametrize("score", SCORES)


def noisy(factors, rng, deviation=1.5):
    """10 codes: each factor in one of them, among noise, and 5 of noise alone."""
    codes = rng.normal(size=(len(factors), 10))
    codes[:, :5] = 3.4 * (factors / (SIZES - 1) - 0.5) + deviation * codes[:, :5]
    return codes


@both
def test_exact_codes_score_one(score, factors):
    assert score(factors, factors) == 1.0
    assert score(factors.astype(np.float32), factors) == 1.0


@both
def test_permuted_codes_score_one(score, factors):
    assert score(-2 * factors[:, [2, 0, 1]], factors) == 1.0


@both
def test_random_codes_score_chance(score, rng):
    factors = rng.integers(0, SIZES, (10_000, 5))
    assert score(rng.normal(size=(10_000, 10)), factors) == pytest.approx(1 / 5, abs=0.02)


@both
def test_dead_codes_score_no_more_than_chance(score, factors):
    assert score(np.ones((2000, 4)), factors) <= 0.36


@both
def test_two_factors_in_one_code_lower_it(score, rng):
    factors = rng.integers(0, 5, (2000, 3))
    noise = rng.normal(size=(2000, 1))
    merged = np.hstack([factors[:, :1], factors[:, 1:2] + factors[:, 2:], noise])
    assert score(factors, factors) == 1.0
    assert 0.5 < score(merged, factors) < 0.9


@both
def test_published_codes(score, small_reference):
    value = score(*small_reference.train)
    if small_reference.name.startswith("axis"):
        assert value == 1.0
    elif small_reference.name.startswith("rotated"):
        assert 0.95 < value <= 1.0  # every factor still leaves a trace of its own
    else:
        assert value < 0.7  # two factors are all that is left


@both
def test_a_factor_with_one_value_is_left_out(score, factors, rng):
    codes = rng.normal(size=(2000, 2)) + factors[:, :2]
    fixed = np.hstack([factors[:, :2], np.full((2000, 1), 7)])
    assert score(codes, fixed) == score(codes, factors[:, :2])


@both
def test_the_seed_decides(score, factors, rng):
    codes = factors + 2 * rng.normal(size=factors.shape)
    values = [score(codes, factors, seed=seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert values[0] == pytest.approx(values[2], abs=0.03)


@both
def test_continuous_factors_are_binned(score, rng):
    factors = rng.random((2000, 3))
    assert score(factors, factors) == 1.0


def test_the_order_and_scale_of_codes_do_not_move_the_vote(factors, rng):
    codes = factors + 2 * rng.normal(size=factors.shape)
    value = factor_vae_score(codes, factors)
    moved = 5 - np.array([4, 0.25, 64]) * codes[:, [2, 0, 1]]
    assert factor_vae_score(moved, factors) == value
    dead = np.insert(codes, 1, 3.0, axis=1)  # disentanglement_lib's vote would always be for it
    assert factor_vae_score(dead, factors) == value


def test_codes_that_are_all_dead_have_no_vote(factors):
    assert factor_vae_score(np.ones((2000, 4), np.float32), factors) == 0.0


# A pool beside fresh draws: the protocol of disentanglement_lib, in which every batch is new


def fresh_factors(k, rng, shared):
    """Fresh factors (n, 64, 5) in which batch i has factor k[i] of `shared` (n, 64 or 1, 5)."""
    factors = rng.integers(0, SIZES, (len(k), 64, 5))
    every = np.arange(len(k))
    factors[every, :, k] = shared[every, :, k]
    return factors


def codes_of(factors, rng):
    return noisy(factors.reshape(-1, 5), rng).reshape(*factors.shape[:2], 10)


def fresh_factor_vae(rng):
    deviation = np.std(noisy(rng.integers(0, SIZES, (10_000, 5)), rng), axis=0)
    votes = []
    for count in (10_000, 5_000):
        k = rng.integers(0, 5, count)
        factors = fresh_factors(k, rng, rng.integers(0, SIZES, (count, 1, 5)))
        d = np.argmin(codes_of(factors, rng).std(axis=1) / deviation, axis=1)
        votes.append(np.histogram2d(k, d, (range(6), range(11)))[0])
    return votes[1][votes[0].argmax(axis=0), range(10)].sum() / 5_000


def fresh_beta_vae(rng):
    points = []
    for count in (10_000, 5_000):
        k = rng.integers(0, 5, count)
        one = rng.integers(0, SIZES, (count, 64, 5))
        other = fresh_factors(k, rng, one)
        apart = np.abs(codes_of(one, rng) - codes_of(other, rng)).mean(axis=1)
        points.append((apart, k))
    return LogisticRegression(max_iter=1000).fit(*points[0]).score(*points[1])


@pytest.mark.parametrize(
    ("score", "fresh"), [(factor_vae_score, fresh_factor_vae), (beta_vae_score, fresh_beta_vae)]
)
def test_a_pool_of_ten_thousand_scores_as_fresh_draws_do(score, fresh, rng):
    factors = rng.integers(0, SIZES, (10_000, 5))
    value = score(noisy(factors, rng), factors)
    assert 0.7 < value < 0.9  # neither extreme, where all agree
    assert value == pytest.approx(fresh(rng), abs=0.04)


# Refusals


@both
def test_strange_counts_are_refused(score, factors):
    votes = "votes" if score is factor_vae_score else "points"
    for name, value in (
        ("batch_size", 0),
        (votes, 0),
        (f"test_{votes}", 2.5),
        ("seed", -1),
    ):
        with pytest.raises(ValueError, match=rf"Expected {name} to be an integer .*: {value}\."):
            score(factors, factors, **{name: value})


@both
def test_one_varied_factor_is_refused(score, factors):
    with pytest.raises(ValueError, match="Expected at least 2 factors with more than one value"):
        score(factors, factors * [1, 0, 0])


@both
def test_values_that_hardly_repeat_are_refused(score, factors):
    factors = np.hstack([factors, np.arange(2000)[:, None] // 2])
    with pytest.raises(ValueError, match="Expected at least 10 samples of each value"):
        score(factors, factors)


@both
def test_broken_arrays_are_refused(score, factors):
    with pytest.raises(ValueError, match="Expected as many rows"):
        score(factors[:-1], factors)
    with pytest.raises(ValueError, match="Expected finite codes"):
        score(factors * np.nan, factors)
