"""The maximum mean discrepancy against its closed form between Gaussians."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import exp1

from zoo import losses

KERNELS = sorted(losses.KERNELS)


def normal(n, latents=3, mean=0.0, deviation=1.0, seed=0):
    noise = np.random.default_rng(seed).normal(size=(n, latents))
    return (mean + deviation * noise).astype("f4")


def rbf_between(latents, shift, variance, width):
    """E[e^(-d/C)] of two Gaussians, `variance` the sum of theirs, `shift` between their means."""
    wider = width + 2 * variance
    return (width / wider) ** (latents / 2) * np.exp(-latents * shift**2 / wider)


@pytest.mark.parametrize(("shift", "deviation"), [(0.0, 1.0), (1.0, 1.0), (0.0, 0.3), (2.0, 2.0)])
@pytest.mark.parametrize("width", [None, 1.0])
def test_rbf_is_its_closed_form(shift, deviation, width):
    found = losses.mmd(normal(2000, 3, shift, deviation), normal(2000, seed=1), "rbf", width)
    c = width or 6.0
    expected = (
        rbf_between(3, 0, 2 * deviation**2, c)
        + rbf_between(3, 0, 2, c)
        - 2 * rbf_between(3, shift, 1 + deviation**2, c)
    )
    assert float(found) == pytest.approx(expected, abs=0.01)


def test_inverse_multiquadratic_is_its_closed_form():
    """Of two latents, codes all at 0 and the prior: d is exponential, of mean 4 or 2."""
    found = losses.mmd(np.zeros((50, 2), "f4"), normal(3000, 2))
    within, across = (c * np.exp(c) * exp1(c) for c in (4 / 4, 4 / 2))
    assert float(found) == pytest.approx(1 + within - 2 * across, abs=0.01)


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_the_mean_over_pairs(kernel):
    a, b = normal(5, 2, 0.5).astype("f8"), normal(7, 2, seed=1).astype("f8")

    def k(x, y):
        d = ((x - y) ** 2).sum()
        return 4 / (4 + d) if kernel == "inverse_multiquadratic" else np.exp(-d / 4)

    def within(x):
        n = len(x)
        return np.mean([k(x[i], x[j]) for i in range(n) for j in range(n) if i != j])

    expected = within(a) + within(b) - 2 * np.mean([k(x, y) for x in a for y in b])
    assert float(losses.mmd(a, b, kernel)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_on_average_it_is_zero_for_one_distribution_whatever_the_batch(kernel):
    for n in (2, 8):
        samples = [normal(n, seed=i) for i in range(80)]
        found = [float(losses.mmd(a, b, kernel)) for a, b in zip(*[iter(samples)] * 2, strict=True)]
        assert abs(np.mean(found)) < 4 * np.std(found) / 40**0.5
        assert min(found) < 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_symmetric_and_ignores_order(kernel):
    a, b = normal(6, mean=1.0), normal(9, seed=1)
    value = float(losses.mmd(a, b, kernel))
    assert float(losses.mmd(b, a, kernel)) == pytest.approx(value, abs=1e-6)
    assert float(losses.mmd(a[::-1], b, kernel)) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_two_points_infinitely_apart_are_two_apart(kernel):
    a, b = np.zeros((3, 2), "f4"), np.full((4, 2), 1e15, "f4")
    assert float(losses.mmd(a, b, kernel)) == pytest.approx(2)


def test_only_the_inverse_multiquadratic_pulls_at_codes_far_off():
    sizes = {}
    for kernel in KERNELS:
        codes = tf.Variable(normal(8, mean=30.0))
        with tf.GradientTape() as tape:
            value = losses.mmd(codes, normal(8, seed=1), kernel)
        sizes[kernel] = float(np.abs(tape.gradient(value, codes).numpy().mean(axis=0)).min())
    assert sizes["inverse_multiquadratic"] > 1e-6
    assert sizes["rbf"] < 1e-8  # rounding


@pytest.mark.parametrize("kernel", KERNELS)
def test_gradients_are_finite_where_codes_coincide(kernel):
    codes = tf.Variable(np.zeros((4, 2), "f4"))
    with tf.GradientTape() as tape:
        value = losses.mmd(codes, np.zeros((4, 2), "f4"), kernel)
    assert float(value) == 0
    assert np.isfinite(tape.gradient(value, codes)).all()


def test_a_graph_takes_batches_of_any_size():
    @tf.function(input_signature=[tf.TensorSpec((None, 3))] * 2)
    def graph(a, b):
        return losses.mmd(a, b)

    for n in (2, 9):
        a, b = normal(n, mean=1.0), normal(n, seed=1)
        assert float(graph(a, b)) == pytest.approx(float(losses.mmd(a, b)), abs=1e-6)


def test_a_batch_of_one_is_refused():
    message = r"Expected {} of shape \(N, L\), N at least 2\. Received shape: \(1, 3\)\."
    with pytest.raises(ValueError, match=message.format("a")):
        losses.mmd(normal(1), normal(5))
    with pytest.raises(ValueError, match=message.format("b")):
        losses.mmd(normal(5), normal(1))


def test_samples_of_several_lengths_are_refused():
    with pytest.raises(ValueError, match=r"a and b of as many latents\. Received: 3 and 2\."):
        losses.mmd(normal(5), normal(5, 2))


def test_an_unknown_kernel_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown kernel 'rfb'\. Did you mean 'rbf'\?"):
        losses.mmd(normal(5), normal(5), "rfb")


@pytest.mark.parametrize("width", [0, -1, float("nan"), "1"])
def test_a_strange_width_is_refused(width):
    with pytest.raises(ValueError, match="Expected width to be a number above 0"):
        losses.mmd(normal(5), normal(5), width=width)
