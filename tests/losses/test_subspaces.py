"""What keeps subspaces apart, against NumPy and known angles and variances."""

import doctest
import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import losses
from zoo.losses import subspaces


def noise(n, d=1, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype("f4")


def test_examples_run():
    assert doctest.testmod(subspaces).failed == 0


# Orthogonality


def test_heads_of_other_features_are_orthogonal_and_copies_cost_one_a_direction():
    identity = np.eye(6, dtype="f4")
    assert float(losses.head_orthogonality([identity[:, :2], identity[:, 2:]])) == 0
    copies = [identity[:, :3], 5 * identity[:, :3]]
    assert float(losses.head_orthogonality(copies)) == pytest.approx(3)
    assert float(losses.head_orthogonality([*copies, identity[:, 3:]])) == pytest.approx(3)


def test_head_orthogonality_is_numpys():
    kernels = [noise(7, d, seed=d) for d in (2, 3, 4)]
    rows = [k.T / np.linalg.norm(k.T, axis=1, keepdims=True) for k in kernels]
    expected = sum(np.sum((rows[i] @ rows[j].T) ** 2) for i, j in [(0, 1), (0, 2), (1, 2)])
    assert float(losses.head_orthogonality(kernels)) == pytest.approx(expected, rel=1e-5)


def test_weights_gain_nothing_by_shrinking():
    kernels = [noise(7, 2), noise(7, 3, seed=1)]
    smaller = [k / 1000 for k in kernels]
    expected = float(losses.head_orthogonality(kernels))
    assert float(losses.head_orthogonality(smaller)) == pytest.approx(expected, rel=1e-5)


def test_vector_orthogonality_is_the_mean_squared_cosine():
    codes = [noise(9, 4, seed) for seed in range(3)]
    rows = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in codes]
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = sum(np.mean(np.sum(rows[i] * rows[j], axis=1) ** 2) for i, j in pairs)
    assert float(losses.vector_orthogonality(codes)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.vector_orthogonality([codes[0], -2 * codes[0]])) == pytest.approx(1)


# Variance separation


def separation(codes, values):
    """The definition, pair by pair of samples, in float64."""
    groups = {v: codes[values == v].astype("f8") for v in np.unique(values)}
    means = {v: group.mean(axis=0) for v, group in groups.items()}
    spread = {v: ((groups[v] - means[v]) ** 2).sum(axis=1).mean() for v in groups}
    terms = []
    for v, w in itertools.product(values, values):
        if v != w and len(groups[v]) > 1 and len(groups[w]) > 1:
            within = (spread[v] + spread[w]) / 2
            between = ((means[v] - means[w]) ** 2).sum() / 4
            terms.append(within / (within + between))
    return np.mean(terms)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(6, 20), st.floats(0.01, 100))
def test_variance_separation_is_its_definition_at_any_scale(seed, n, scale):
    rng = np.random.default_rng(seed)
    values = np.concatenate([[0, 0, 1, 1], rng.integers(0, 6, n - 4)])
    codes = noise(n, 3, seed) + values[:, None].astype("f4") / 3
    found = float(losses.variance_separation(np.float32(scale) * codes, values))
    assert found == pytest.approx(separation(codes, values), rel=1e-3)
    assert 0 <= found <= 1


def test_values_that_separate_wholly_and_not_at_all():
    codes = np.array([[0], [0], [5], [5]], "f4")
    assert float(losses.variance_separation(codes, np.array([3, 3, 9, 9]))) < 1e-6
    assert float(losses.variance_separation(codes, np.array([3, 9, 3, 9]))) == pytest.approx(1)
    assert float(losses.variance_separation(0 * codes, np.array([3, 3, 9, 9]))) == pytest.approx(1)


def test_one_value_far_away_hides_no_two_that_are_mixed():
    codes = np.array([[0], [2], [0], [2], [1e4], [1e4]], "f4")
    found = float(losses.variance_separation(codes, np.array([0, 0, 1, 1, 2, 2])))
    assert found == pytest.approx(1 / 3, abs=1e-6)  # one pair of values of three


def test_a_value_that_occurs_once_is_left_out():
    codes = np.array([[0], [2], [10], [12], [1e4]], "f4")
    found = float(losses.variance_separation(codes, np.array([0, 0, 1, 1, 2])))
    assert found == pytest.approx(1 / 26)


@pytest.mark.parametrize("values", [[0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 1, 2]])
def test_where_nothing_can_be_said_there_is_no_loss_and_no_gradient(values):
    codes = tf.Variable(noise(4, 2))
    with tf.GradientTape() as tape:
        value = losses.variance_separation(codes, np.array(values))
    assert float(value) == 0
    np.testing.assert_array_equal(tape.gradient(value, codes), np.zeros((4, 2)))


def test_collapsed_codes_have_a_finite_gradient():
    codes = tf.Variable(np.ones((4, 2), "f4"))
    with tf.GradientTape() as tape:
        value = losses.variance_separation(codes, np.array([0, 0, 1, 1]))
    assert np.isfinite(tape.gradient(value, codes)).all()


def test_several_factors_are_one_of_their_combinations():
    codes = noise(12, 2)
    factors = np.random.default_rng(1).integers(0, 2, (12, 2))
    found = float(losses.variance_separation(codes, factors))
    assert found == float(losses.variance_separation(codes, factors @ [1, 2]))
    assert found == pytest.approx(separation(codes, factors @ [1, 2]), rel=1e-4)


def test_a_graph_takes_batches_of_any_size():
    @tf.function(input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec((None,), tf.int64)])
    def graph(codes, values):
        return losses.variance_separation(codes, values)

    for n in (4, 9):
        codes, values = noise(n, 3), np.arange(n) % 2
        expected = float(losses.variance_separation(codes, values))
        assert float(graph(codes, values)) == pytest.approx(expected, rel=1e-5)


# What is refused


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: losses.head_orthogonality([noise(4)]), "kernels of at least two heads. Received"),
        (
            lambda: losses.head_orthogonality([noise(4), noise(5)]),
            r"one trunk with F features. Received shapes: \(4, 1\), \(5, 1\)",
        ),
        (lambda: losses.head_orthogonality([noise(4), noise(4)[0]]), r"kernels\[1\] of shape"),
        (lambda: losses.vector_orthogonality([]), r"subspaces of at least two sub.*Received: 0"),
        (
            lambda: losses.vector_orthogonality([noise(4, 2), noise(4, 3)]),
            r"one shape.*no angle. Received shapes: \(4, 2\), \(4, 3\)",
        ),
        (lambda: losses.vector_orthogonality([noise(4, 2), noise(3, 2)]), "of one shape"),
        (
            lambda: losses.variance_separation(noise(4), np.zeros(3, int)),
            r"values of shape \(N,\) or \(N, F\), integers, N = 4.*shape: \(3,\), dtype: int64",
        ),
        (lambda: losses.variance_separation(noise(4), np.zeros(4)), "integers.*dtype: float64"),
        (lambda: losses.variance_separation(noise(4)[0], np.zeros(1, int)), "codes of shape"),
    ],
)
def test_what_fits_no_loss_is_refused(call, said):
    with pytest.raises(ValueError, match=f"Expected .*{said}"):
        call()
