"""The density-ratio trick: exact discriminators give exact total correlations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import losses


def logits(n=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)).astype("float32")


def ratio(values):
    return (values[:, 0] - values[:, 1]).astype("float64")


def test_it_is_the_mean_of_log_d_over_one_minus_d():
    values = logits(50)
    d = 1 / (1 + np.exp(-ratio(values)))
    expected = (np.log(d) - np.log1p(-d)).mean()
    assert float(losses.density_ratio_total_correlation(values)) == pytest.approx(
        expected, rel=1e-4
    )


def test_the_exact_discriminator_gives_the_exact_total_correlation():
    rho = 0.8
    random = np.random.default_rng(0)
    z = random.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=200_000)
    joint = -0.5 * (z[:, 0] ** 2 - 2 * rho * z[:, 0] * z[:, 1] + z[:, 1] ** 2) / (1 - rho**2)
    joint -= 0.5 * np.log(1 - rho**2)
    marginals = -0.5 * (z**2).sum(axis=1)
    answers = np.stack([joint, marginals], axis=1).astype("float32")
    expected = -0.5 * np.log(1 - rho**2)
    value = float(losses.density_ratio_total_correlation(answers))
    assert value == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (3, 5)])
def test_discrimination_is_the_cross_entropy_of_either_half(n, m):
    joint, permuted = logits(n, 1), logits(m, 2)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = 0.5 * float(entropy(np.zeros(n), joint)) + 0.5 * float(entropy(np.ones(m), permuted))
    assert float(losses.discrimination(joint, permuted)) == pytest.approx(expected, rel=1e-5)


def test_not_knowing_costs_log_2():
    nothing = np.zeros((4, 2), "float32")
    assert float(losses.discrimination(nothing, nothing)) == pytest.approx(np.log(2))


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_certainty_overflows_nowhere(size):
    certain = np.array([[size, -size]], "float32")
    value = float(losses.discrimination(certain, certain[:, ::-1]))
    assert value == pytest.approx(max(0, -2 * size))
    logits = tf.constant(certain)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.discrimination(logits, logits)
    assert np.isfinite(tape.gradient(loss, logits)).all()


def test_a_side_without_draws_counts_as_nothing():
    one = logits(1)
    value = float(losses.discrimination(one[:0], one))
    assert value == pytest.approx(0.5 * np.logaddexp(0, ratio(one)[0]), rel=1e-5)
    assert float(losses.discrimination_accuracy(one[:0], one)) == float(ratio(one)[0] < 0)


def test_accuracy_counts_right_answers():
    joint = np.array([[1, 0], [0, 1], [2, 1]], "float32")
    permuted = np.array([[1, 0]], "float32")
    assert float(losses.discrimination_accuracy(joint, permuted)) == 0.5
    assert float(losses.discrimination_accuracy(joint, permuted[:, ::-1])) == 0.75


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3), (4, 2, 1)])
def test_what_are_no_two_logits_is_refused(shape):
    wrong, right = np.zeros(shape, "float32"), logits()
    message = r"Expected logits of shape \(N, 2\)\. Received: \(4"
    for loss, arguments in (
        (losses.density_ratio_total_correlation, (wrong,)),
        (losses.discrimination, (right, wrong)),
        (losses.discrimination_accuracy, (wrong, right)),
    ):
        with pytest.raises(ValueError, match=message):
            loss(*arguments)
