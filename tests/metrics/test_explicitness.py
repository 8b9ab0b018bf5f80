"""Explicitness against disentanglement_lib, scikit-learn, and extremes with known scores."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from zoo.metrics import explicitness
from zoo.metrics.logistic import log_probabilities


def test_agrees_with_disentanglement_lib(small_reference):
    if "explicitness_test" not in small_reference.scores:
        pytest.skip("no published value")
    z, v, *test = small_reference.arrays
    published = small_reference.scores
    assert explicitness(z, v, *test) == pytest.approx(published["explicitness_test"], abs=0.005)
    assert explicitness(z, v, z, v) == pytest.approx(published["explicitness_train"], abs=0.005)


def test_agrees_with_a_loop_over_scikit_learn(factors, rng):
    z, test_z = (factors + rng.normal(size=factors.shape) for _ in range(2))
    areas = []
    for y in factors.T:
        machine = LogisticRegression().fit((z - z.mean(axis=0)) / z.std(axis=0), y)
        p = machine.predict_proba((test_z - z.mean(axis=0)) / z.std(axis=0))
        areas.append(np.mean([roc_auc_score(y == k, p[:, k]) for k in machine.classes_]))
    assert explicitness(z, factors, test_z, factors) == pytest.approx(np.mean(areas), abs=1e-4)


def test_identity_and_permuted_codes_score_one(factors):
    assert explicitness(factors, factors) == pytest.approx(1, abs=1e-9)
    assert explicitness(factors[:, ::-1], factors) == pytest.approx(1, abs=1e-9)


def test_a_rotation_costs_nothing(factors):
    """Which is what tells explicitness from the scores of single dimensions."""
    rotation = np.array([[1, -2, 2], [2, -1, -2], [2, 2, 1]]) / 3
    assert explicitness(factors @ rotation, factors) == pytest.approx(1, abs=1e-9)


def test_dead_codes_are_at_chance(factors):
    assert explicitness(np.full((len(factors), 4), 0.1, np.float32), factors) == 0.5


def test_noise_is_near_chance(factors, rng):
    assert explicitness(rng.normal(size=(len(factors), 5)), factors) == pytest.approx(0.5, abs=0.05)


def test_a_lost_factor_costs_its_share(factors):
    """Two factors in full and one at chance."""
    score = explicitness(factors[:, :2], factors)
    assert score == pytest.approx((1 + 1 + 0.5) / 3, abs=0.03)


def test_what_no_line_can_tell_is_not_explicit(rng):
    """The exclusive or of two codes."""
    codes = rng.integers(0, 2, (2000, 2))
    factor = codes.sum(axis=1, keepdims=True) % 2
    assert explicitness(codes, factor) == pytest.approx(0.5, abs=0.06)


def test_scale_sign_and_shift_do_not_matter(factors, rng):
    codes = factors + rng.normal(size=factors.shape)
    moved = codes[:, ::-1] * [0.01, -100, 3] + [5, 0, -1]
    assert explicitness(moved, factors) == pytest.approx(explicitness(codes, factors), abs=1e-4)


def test_factors_of_one_value_are_left_out(factors):
    constant = np.full((len(factors), 1), 3)
    assert explicitness(factors, np.hstack([constant, factors])) == explicitness(factors, factors)


def test_the_split_follows_the_seed(factors, rng):
    codes = factors + rng.normal(size=factors.shape)
    first = explicitness(codes, factors, seed=3)
    assert explicitness(codes, factors, seed=3) == first != explicitness(codes, factors, seed=4)


def test_values_without_a_curve_are_left_out(rng):
    v = np.repeat(np.arange(3), 20)[:, None]
    z = v + 0.1 * rng.normal(size=v.shape)
    kept = v[:, 0] < 2
    assert explicitness(z, v, z[kept], v[kept]) == 1  # value 2 is not in the test
    both, never = np.hstack([v, v]), np.hstack([v, np.full_like(v, 9)])
    assert explicitness(z, both, z, never) == 1  # all test values of the second are unseen


def test_a_value_that_training_lacks_is_told_apart_from(rng):
    """It looks just like value 1, so that half of the rest ranks as high as value 1 itself."""
    v = np.array([[0], [1]]).repeat(20, axis=0)
    test_v = np.array([[0], [1], [2]]).repeat(20, axis=0)
    test_z = np.minimum(test_v, 1)
    assert explicitness(v, v, test_z, test_v) == pytest.approx((1 + 0.75) / 2)


def test_a_test_without_any_curve_is_refused(factors):
    message = r"^Expected test_factors with at least two values of one factor"
    with pytest.raises(ValueError, match=message):
        explicitness(factors, factors, factors[:1], factors[:1])


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="at least one factor with more than one value"):
        explicitness(factors, 0 * factors)
    with pytest.raises(ValueError, match="finite codes"):
        explicitness(np.full(factors.shape, np.nan), factors)
    with pytest.raises(ValueError, match=r"seed to be an integer of at least 0"):
        explicitness(factors, factors, seed=-1)
    with pytest.raises(ValueError, match="no test_factors"):
        explicitness(factors, factors, factors)
    with pytest.raises(ValueError, match="at least 5 samples"):
        explicitness(factors[:4], factors[:4])
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        explicitness(factors[:20], factors[:20] / 2)


@pytest.mark.parametrize("K", [2, 5])
def test_log_probabilities_are_those_of_scikit_learn(rng, K):
    y = rng.permutation(np.arange(300) % K)
    z = rng.normal(size=(300, 3)) + y[:, None]
    theirs = LogisticRegression(C=0.5, tol=1e-6, max_iter=1000).fit(z, y).predict_proba(z)
    ours = np.exp(log_probabilities(z, y, z, C=0.5))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-12)


def test_log_probabilities_stay_finite():
    z = np.array([[-1.0], [1.0]])
    log_p = log_probabilities(z, np.array([0, 1]), 1e6 * z)
    assert np.all(np.isfinite(log_p))
