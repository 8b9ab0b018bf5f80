"""Dependence between subspaces against closed forms, double sums and what each must not see."""

import doctest

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import losses
from zoo.losses import independence

PAIRS = [losses.squared_correlation, losses.gaussian_mutual_information, losses.hsic]
NAMES = [loss.__name__ for loss in PAIRS]


def noise(n, d=1, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype("f4")


def correlated(n, rho, seed=0):
    """Two columns (n, 1) of a Gaussian with the given correlation."""
    a, b = noise(n, 1, seed), noise(n, 1, seed + 1)
    return a, rho * a + np.sqrt(1 - rho**2).astype("f4") * b


def test_examples_run():
    assert doctest.testmod(independence).failed == 0


# Squared correlation


def test_copies_of_one_dimension_correlate_fully():
    a = noise(50)
    b = np.concatenate([a, -3 * a + 7, a / 100], axis=1)
    assert float(losses.squared_correlation(np.concatenate([a, a], axis=1), b)) == pytest.approx(1)


def test_squared_correlation_is_numpys():
    a, b = noise(40, 3), noise(40, 2, seed=1)
    b[:, 0] += a[:, 1]
    expected = np.mean(np.corrcoef(a.T, b.T)[:3, 3:] ** 2)
    assert float(losses.squared_correlation(a, b)) == pytest.approx(expected, rel=1e-5)


def test_squared_correlation_of_independent_dimensions_is_its_bias():
    found = [
        float(losses.squared_correlation(noise(9, 5, 2 * i), noise(9, 5, 2 * i + 1)))
        for i in range(40)
    ]
    assert np.mean(found) == pytest.approx(1 / 8, abs=4 * np.std(found) / 40**0.5)


# Gaussian mutual information


def covariance(widths, seed):
    """A covariance of both subspaces together, of dimensions of several scales."""
    total = sum(widths)
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(total, total)) + np.eye(total)
    scales = rng.uniform(0.1, 10, total)
    return scales[:, None] * (mixing @ mixing.T) * scales


@pytest.mark.parametrize("widths", [(1, 3), (2, 3), (8, 4)])
def test_gaussian_information_is_within_two_percent_of_its_closed_form(widths):
    S, width = covariance(widths, seed=sum(widths)), widths[0]
    z = np.random.default_rng(0).multivariate_normal(np.full(len(S), 5.0), S, 50_000)

    def log_det(matrix):
        return np.linalg.slogdet(matrix)[1]

    expected = (log_det(S[:width, :width]) + log_det(S[width:, width:]) - log_det(S)) / 2
    assert expected > 0.3
    found = float(losses.gaussian_mutual_information(z[:, :width], z[:, width:]))
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("rho", [0.6, 0.8, 0.99])
def test_gaussian_information_of_two_dimensions_is_of_their_correlation(rho):
    found = float(losses.gaussian_mutual_information(*correlated(100_000, rho)))
    assert found == pytest.approx(-0.5 * np.log(1 - rho**2), rel=0.02)


def test_gaussian_information_of_independent_subspaces_is_near_zero():
    found = float(losses.gaussian_mutual_information(noise(20_000, 8), noise(20_000, 8, seed=1)))
    assert 0 < found < 0.003


def test_its_bias_is_what_the_docstring_says():
    found = [
        float(losses.gaussian_mutual_information(noise(256, 8, 2 * i), noise(256, 8, 2 * i + 1)))
        for i in range(30)
    ]
    assert np.mean(found) == pytest.approx(8 * 8 / (2 * 256), rel=0.12)


def test_no_linear_map_within_a_subspace_changes_it():
    a, b = noise(500, 3), noise(500, 2, seed=1)
    b += a[:, :2]
    maps = [np.array([[2, 1, 0], [0, -3, 1], [1, 0, 1]], "f4"), np.array([[1, 2], [0, 5]], "f4")]
    expected = float(losses.gaussian_mutual_information(a, b))
    found = float(losses.gaussian_mutual_information(a @ maps[0] + 9, b @ maps[1]))
    assert found == pytest.approx(expected, rel=1e-2)


def test_a_copy_is_worth_what_the_ridge_allows():
    a = noise(1000)
    expected = -0.5 * np.log(1 - 1 / 1.0001**2)
    assert expected == pytest.approx(4.26, abs=5e-3)
    assert float(losses.gaussian_mutual_information(a, -2 * a)) == pytest.approx(expected, rel=1e-2)


def test_fewer_samples_than_dimensions_stay_finite():
    assert np.isfinite(float(losses.gaussian_mutual_information(noise(4, 8), noise(4, 8, seed=1))))


def test_codes_that_are_not_numbers_are_no_error():
    """So that training ends as a diverged run does, not in the middle of a matrix."""
    lost = np.full((4, 2), np.nan, "f4")
    assert np.isnan(float(losses.gaussian_mutual_information(lost, noise(4, 2))))


# vCLUB


@pytest.mark.parametrize("rho", [0.3, 0.7, 0.9])
def test_club_with_the_true_conditional_is_its_closed_form(rho):
    a, b = correlated(40_000, rho)
    found = float(losses.club(b, rho * a, np.full_like(a, np.log(1 - rho**2))))
    assert found == pytest.approx(rho**2 / (1 - rho**2), rel=0.1)
    assert found > -0.5 * np.log(1 - rho**2)  # an upper bound


def test_club_is_the_papers_double_sum():
    b, mean, logvar = noise(7, 3), noise(7, 3, seed=1), noise(7, 3, seed=2)

    def log_q(i, j):
        squares = (b[j].astype("f8") - mean[i]) ** 2 * np.exp(-logvar[i].astype("f8"))
        return -0.5 * np.sum(squares + logvar[i] + np.log(2 * np.pi))

    pairs = [[log_q(i, j) for j in range(7)] for i in range(7)]
    expected = np.trace(pairs) / 7 - np.mean(pairs)
    assert float(losses.club(b, mean, logvar)) == pytest.approx(expected, rel=1e-4)
    learning = float(losses.club_learning(b, mean, logvar))
    assert learning == pytest.approx(-np.trace(pairs) / 7, rel=1e-5)


def test_a_network_that_does_not_look_knows_nothing():
    b = noise(50, 3)
    same = np.broadcast_to(noise(1, 3, seed=1), b.shape)
    assert float(losses.club(b, same, same / 2)) == pytest.approx(0, abs=1e-5)


def test_club_is_learnt_by_the_likelihood():
    """A linear network, fitted by gradients of `club_learning`, finds the bound."""
    rho = 0.8
    a, b = correlated(5000, rho)
    weights = tf.Variable([0.0, 0.0])  # slope, log variance
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = losses.club_learning(b, weights[0] * a, weights[1] * tf.ones_like(a))
        weights.assign_sub(0.3 * tape.gradient(loss, weights))
    found = float(losses.club(b, weights[0] * a, weights[1] * tf.ones_like(a)))
    assert found == pytest.approx(rho**2 / (1 - rho**2), rel=0.1)


# HSIC


def test_hsic_is_the_trace():
    a, b = noise(12, 3), noise(12, 2, seed=1)

    def kernel(z, width):
        return np.exp(-((z[:, None] - z[None]) ** 2).sum(axis=2).astype("f8") / width)

    H = np.eye(12) - 1 / 12
    expected = np.trace(kernel(a, 2.0) @ H @ kernel(b, 0.5) @ H) / 11**2
    assert float(losses.hsic(a, b, 2.0, 0.5)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_width_is_of_the_median_distance(n):
    a, b = noise(n, 2), noise(n, 3, seed=1)

    def width(z):
        apart = z[:, None] - z[None]
        return 2 * np.median((apart**2).sum(axis=2)[np.triu_indices(n, k=1)])

    found = float(losses.hsic(a, b))
    assert found == pytest.approx(float(losses.hsic(a, b, width(a), width(b))), rel=1e-4)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_hsic_of_a_gaussian_pair_is_its_closed_form(rho):
    """Of distances d with covariance V, E[e^(-d V d / C)] = det(I + 2 V / C)^(-1/2)."""
    width = 2.0

    def mean(of_a, across):
        return np.linalg.det(
            np.eye(2) + 2 * np.array([[of_a, across], [across, of_a]]) / width
        ) ** (-0.5)

    alone = (1 + 2 * 2 / width) ** -0.5
    expected = mean(2, 2 * rho) + alone**2 - 2 * mean(2, rho)
    bias = (1 - alone) ** 2 / 1499
    found = float(losses.hsic(*correlated(1500, rho), width, width))
    assert found - bias == pytest.approx(expected, abs=0.003)
    assert expected == pytest.approx(0, abs=1e-9) if rho == 0 else expected > 0.01


def test_hsic_of_independent_subspaces_is_its_bias():
    found = [
        float(losses.hsic(noise(8, 1, 2 * i), noise(8, 1, 2 * i + 1), 2.0, 2.0)) for i in range(60)
    ]
    bias = (1 - 3**-0.5) ** 2 / 7
    assert np.mean(found) == pytest.approx(bias, abs=4 * np.std(found) / 60**0.5)
    assert np.mean(found) == pytest.approx(bias, rel=0.2)


def test_only_hsic_sees_what_is_not_linear():
    a = noise(500)
    b = np.square(a) - 1
    shuffled = np.random.default_rng(1).permutation(b)
    assert float(losses.squared_correlation(a, b)) < 0.02
    assert float(losses.gaussian_mutual_information(a, b)) < 0.01
    assert float(losses.hsic(a, b)) > 20 * float(losses.hsic(a, shuffled))


def test_the_median_makes_scale_no_matter():
    a, b = noise(20, 2), noise(20, 2, seed=1)
    found = float(losses.hsic(1000 * a, b / 100))
    assert found == pytest.approx(float(losses.hsic(a, b)), rel=1e-4)


# What holds of all


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(2, 9), st.integers(1, 4), st.integers(1, 4))
@pytest.mark.parametrize("loss", PAIRS, ids=NAMES)
def test_it_is_symmetric_never_negative_and_sees_no_order(loss, seed, n, of_a, of_b):
    a, b = noise(n, of_a, seed), noise(n, of_b, seed + 1)
    value = float(loss(a, b))
    order = np.random.default_rng(seed).permutation(n)
    assert value >= -1e-4
    assert float(loss(b, a)) == pytest.approx(value, rel=1e-3, abs=1e-4)
    assert float(loss(a[order], b[order])) == pytest.approx(value, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("loss", PAIRS, ids=NAMES)
def test_a_dead_subspace_tells_nothing_and_gradients_stay_finite(loss):
    for dead in (0.0, 1000.1, -0.3):
        a = tf.Variable(np.full((7, 2), dead, "f4"))
        for b in (noise(7, 3), np.full((7, 3), dead / 3, "f4")):
            with tf.GradientTape() as tape:
                value = loss(a, b)
            assert float(value) == pytest.approx(0, abs=1e-5)
            assert np.isfinite(tape.gradient(value, a)).all()


@pytest.mark.parametrize("loss", PAIRS, ids=NAMES)
def test_descending_it_makes_subspaces_independent(loss):
    a, b = correlated(64, 0.9)
    z = tf.Variable(b)
    before = float(loss(a, z))
    for _ in range(20):
        with tf.GradientTape() as tape:
            value = loss(a, z)
        gradient = tape.gradient(value, z)
        z.assign_sub(0.5 * gradient / tf.norm(gradient))
    assert float(loss(a, z)) < 0.5 * before


@pytest.mark.parametrize("loss", PAIRS, ids=NAMES)
def test_graphs_take_batches_of_any_size_and_half_precision(loss):
    @tf.function(input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec((None, 2))])
    def graph(a, b):
        return loss(a, b)

    for n in (2, 7):
        a, b = noise(n, 3), noise(n, 2, seed=1)
        assert float(graph(a, b)) == pytest.approx(float(loss(a, b)), rel=1e-3, abs=1e-5)
    halves = a.astype("f2"), b.astype("f2")
    wide = [half.astype("f4") for half in halves]
    assert float(loss(*halves)) == pytest.approx(float(loss(*wide)), rel=1e-5)


# What is refused


@pytest.mark.parametrize("loss", PAIRS, ids=NAMES)
def test_tables_that_do_not_fit_are_refused(loss):
    with pytest.raises(ValueError, match=r"a of shape \(N, L\), N at least 2.*shape: \(1, 2\)"):
        loss(noise(1, 2), noise(1, 2))
    with pytest.raises(ValueError, match=r"Expected b of shape \(N, L\).*shape: \(5,\)"):
        loss(noise(5, 2), noise(5)[:, 0])
    with pytest.raises(ValueError, match=r"a and b of as many rows.*: \(5, 2\) and \(4, 2\)\."):
        loss(noise(5, 2), noise(4, 2))


@pytest.mark.parametrize("loss", [losses.club, losses.club_learning])
def test_answers_of_another_shape_are_refused(loss):
    with pytest.raises(ValueError, match="Expected b, mean and logvar of one shape"):
        loss(noise(5, 2), noise(5, 2), noise(5, 1))


def test_club_of_one_row_is_refused():
    with pytest.raises(ValueError, match=r"b of shape .*at least 2"):
        losses.club(noise(1), noise(1), noise(1))


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), "1", True])
def test_strange_numbers_are_refused(bad):
    a = noise(5)
    with pytest.raises(ValueError, match="Expected ridge to be a number above 0"):
        losses.gaussian_mutual_information(a, a, ridge=bad)
    with pytest.raises(ValueError, match="Expected width_a to be a number above 0"):
        losses.hsic(a, a, width_a=bad)
    with pytest.raises(ValueError, match="Expected width_b to be a number above 0"):
        losses.hsic(a, a, width_b=bad)
