"""Barlow Twins: the loss is that of the D x D correlations, whatever the scale of a dimension."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract, assert_equal, values


def make(**hyperparameters):
    # A bias of the projections has no gradient but rounding errors, which Adam would blow up.
    return zoo.BarlowTwins(parts.encoder(), parts.projector(use_bias=False), **hyperparameters)


class TestBarlowTwins(TwoViewContract):
    def make(self):
        return make()


def views(n=6, seed=0):
    return tuple(ops.convert_to_tensor(parts.images(n, 2 * seed + i)) for i in range(2))


def projections(n=7, d=4, seed=0):
    za, zb = np.random.default_rng(seed).normal(size=(2, n, d))
    return za, za + zb  # correlated


def correlation(za, zb):
    """Eq. 2; 1e-5 stands beside each variance, as in batch normalisation."""
    za, zb = (np.asarray(z, "float64") for z in (za, zb))
    za, zb = ((z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5) for z in (za, zb))
    return za.T @ zb / len(za)


def terms(method, za, zb):
    za, zb = (ops.convert_to_tensor(z, "float32") for z in (za, zb))
    return {name: float(value) for name, value in method.objective(za, zb).items()}


@pytest.mark.parametrize("weight", [0, 0.0051, 1.0])
def test_the_loss_is_the_equation(weight):
    method = make(redundancy_weight=weight)
    outputs = method.forward(views(), training=False)
    c = correlation(outputs["za"], outputs["zb"])
    invariance = sum((1 - c[i, i]) ** 2 for i in range(3))
    redundancy = sum(c[i, j] ** 2 for i in range(3) for j in range(3) if i != j)
    found = method.objective(**outputs)
    assert float(found["invariance"]) == pytest.approx(invariance, rel=1e-4)
    assert float(found["redundancy"]) == pytest.approx(redundancy, rel=1e-4)
    assert float(found["loss"]) == pytest.approx(invariance + weight * redundancy, rel=1e-4)


@pytest.mark.parametrize("n", [5, 40])
def test_the_correlations_are_of_dimensions_not_of_images(n):
    method = make()
    matrix = np.asarray(method.correlation(views(n)))
    assert matrix.shape == (3, 3)
    outputs = method.forward(views(n), training=False)
    np.testing.assert_allclose(matrix, correlation(outputs["za"], outputs["zb"]), atol=1e-5)


def test_the_correlations_of_one_view_with_itself_are_one_on_the_diagonal():
    a, _ = views(20)
    matrix = np.asarray(make().correlation((a, a)))
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-2)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)


def test_looking_at_the_correlations_moves_nothing():
    method = make()
    before = values(method.variables)
    method.correlation(views())
    assert_equal(values(method.variables), before)


def test_scale_and_shift_of_a_dimension_do_not_matter():
    method, (za, zb) = make(redundancy_weight=0.1), projections()
    moved = za * [1, 5, 0.3, 20] + [0, -3, 2, 7]
    assert terms(method, moved, zb) == pytest.approx(terms(method, za, zb), rel=1e-3)


def test_every_image_and_the_order_of_dimensions_counts():
    method, (za, zb) = make(), projections()
    loss = terms(method, za, zb)["loss"]
    assert terms(method, za[1:], zb[1:])["loss"] != pytest.approx(loss, rel=1e-3)
    assert terms(method, za[:, ::-1], zb[:, ::-1])["loss"] == pytest.approx(loss, rel=1e-5)
    assert terms(method, za[:, ::-1], zb)["loss"] != pytest.approx(loss, rel=1e-3)


def test_the_diagonal_counts():
    """Uncorrelated dimensions: where views agree the loss is 0, where they oppose each costs 4."""
    z = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    method = make()
    same, opposite, half = (terms(method, z, z * sign) for sign in (1, -1, [1, -1]))
    assert same == pytest.approx({"loss": 0, "invariance": 0, "redundancy": 0}, abs=1e-4)
    assert opposite == pytest.approx({"loss": 8, "invariance": 8, "redundancy": 0}, rel=1e-3)
    assert half["loss"] == pytest.approx(4, rel=1e-3)


def test_equal_dimensions_are_redundant():
    z = np.repeat([[1.0], [-1.0], [3.0]], 2, axis=1)
    found = terms(make(redundancy_weight=0.5), z, z)
    assert found == pytest.approx({"loss": 1, "invariance": 0, "redundancy": 2}, rel=1e-3, abs=1e-4)


def test_the_papers_settings_are_the_defaults():
    method = make()
    assert method.redundancy_weight == 0.0051
    assert method.views == "barlow"
    assert method.projection["sizes"] == (8192, 8192, 8192)


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), "0.1"])
def test_a_strange_weight_is_refused(weight):
    with pytest.raises(ValueError, match="Expected redundancy_weight to be a number of at least 0"):
        make(redundancy_weight=weight)


def test_it_learns_to_correlate_the_views():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make()
    method.compile(keras.optimizers.Adam(1e-2))
    before = np.asarray(method.correlation((a, b)))
    method.fit((a, b), batch_size=32, epochs=60, verbose=0)
    after = np.asarray(method.correlation((a, b)))
    off = ~np.eye(3, dtype=bool)
    assert np.diag(after).min() > 0.9
    assert np.square(after[off]).sum() < np.square(before[off]).sum()
