"""VICReg: three terms, each of which sees what it should and nothing else."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract


def make(**hyperparameters):
    # A bias of the projections has no gradient but rounding errors, which Adam would blow up.
    return zoo.VICReg(parts.encoder(), parts.projector(use_bias=False), **hyperparameters)


class TestVICReg(TwoViewContract):
    def make(self):
        return make()


def views(n=6):
    return tuple(ops.convert_to_tensor(parts.images(n, seed)) for seed in (0, 1))


def terms(za, zb):
    za, zb = (ops.convert_to_tensor(z, "float32") for z in (za, zb))
    return {name: float(value) for name, value in make().objective(za, zb).items()}


@pytest.mark.parametrize("weights", [(25, 25, 1), (1, 0, 0), (0, 2, 0), (0, 0, 3)])
def test_the_loss_is_the_equation(weights):
    names = ("invariance_weight", "variance_weight", "covariance_weight")
    method = make(**dict(zip(names, weights, strict=True)))
    outputs = method.forward(views(), training=False)
    za, zb = (np.asarray(outputs[name], "float64") for name in ("za", "zb"))
    invariance = ((za - zb) ** 2).mean()
    variance = covariance = 0
    for z in (za, zb):
        deviations = np.sqrt(z.var(axis=0, ddof=1) + 1e-4)
        variance += np.maximum(0, 1 - deviations).mean() / 2
        matrix = np.cov(z, rowvar=False)
        covariance += sum(matrix[i, j] ** 2 for i in range(3) for j in range(3) if i != j) / 3
    found = {name: float(value) for name, value in method.objective(**outputs).items()}
    expected = {"invariance": invariance, "variance": variance, "covariance": covariance}
    loss = np.dot(weights, [*expected.values()])
    assert found == pytest.approx({**expected, "loss": loss}, rel=1e-4)


def test_a_shift_of_both_views_does_not_matter():
    za, zb = np.random.default_rng(0).normal(size=(2, 7, 4))
    shift = np.array([1, -2, 0, 5])
    assert terms(za + shift, zb + shift) == pytest.approx(terms(za, zb), rel=1e-4)


def test_a_collapse_costs_what_the_hinge_allows():
    z = np.ones((5, 3))
    expected = {"invariance": 0, "variance": 0.99, "covariance": 0, "loss": 25 * 0.99}
    assert terms(z, z) == pytest.approx(expected, rel=1e-5)


def test_wide_uncorrelated_equal_views_cost_nothing():
    z = 2 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    assert terms(z, z)["loss"] == pytest.approx(0, abs=1e-6)


def test_the_papers_settings_are_the_defaults():
    method = make()
    weights = method.invariance_weight, method.variance_weight, method.covariance_weight
    assert weights == (25, 25, 1)
    assert method.views == "barlow"
    assert method.projection["sizes"] == (8192, 8192, 8192)


@pytest.mark.parametrize("name", ["invariance_weight", "variance_weight", "covariance_weight"])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), "1"])
def test_a_strange_weight_is_refused(name, weight):
    with pytest.raises(ValueError, match=f"Expected {name} to be a number of at least 0"):
        make(**{name: weight})


def test_it_learns_embeddings_that_vary_and_agree():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make()
    method.compile(keras.optimizers.Adam(3e-2))
    history = method.fit((a, b), batch_size=32, epochs=60, verbose=0).history
    assert history["variance"][-1] < history["variance"][0] / 2
    assert history["loss"][-1] < history["loss"][0] / 2
