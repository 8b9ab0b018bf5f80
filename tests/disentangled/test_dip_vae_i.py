"""The DIP-VAE-I: a VAE and two penalties on the covariance of its means."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract


def make(cls=zoo.DIPVAEI, **hyperparameters):
    return cls(parts.gaussian_encoder(), parts.decoder(), **hyperparameters)


class TestDIPVAEI(MethodContract):
    def make(self):
        return make()


def test_the_loss_is_the_equation():
    method = make(off_diagonal_weight=3.0, diagonal_weight=0.5)
    found = method.forward(ops.convert_to_tensor(parts.images()), training=False)
    x, l, mean, logvar = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar")
    )
    covariance = np.cov(mean, rowvar=False, bias=True)
    variances = np.diag(covariance)
    expected = {
        "reconstruction": (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean(),
        "kl": 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean(),
        "off_diagonal": (covariance**2).sum() - (variances**2).sum(),
        "diagonal": ((variances - 1) ** 2).sum(),
    }
    expected["loss"] = np.dot(list(expected.values()), [1, 1, 3.0, 0.5])
    method.compile(run_eagerly=True)
    terms = method.evaluate(parts.images(), verbose=0, return_dict=True)
    assert terms == pytest.approx(expected, rel=1e-5)


def test_without_weights_it_is_the_vae():
    after = []
    without = {"off_diagonal_weight": 0, "diagonal_weight": 0}
    for method in (make(zoo.VAE), make(**without)):
        method.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
        history = method.fit(parts.images(12), batch_size=6, shuffle=False, verbose=0).history
        after.append([*method.get_weights(), history["loss"]])
    for a, b in zip(*after, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_training_makes_the_means_white():
    rows, columns = np.divmod(np.arange(64), 8)
    images = np.zeros((64, 8, 8, 1), "uint8")
    images[np.arange(64), rows] = 255
    images[np.arange(64), :, columns] = 255  # a cross: two factors
    method = make()
    method.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    before = np.cov(method.predict(images, verbose=0), rowvar=False, bias=True)
    method.fit(tf.data.Dataset.from_tensors(images).repeat(), steps_per_epoch=300, verbose=0)
    after = np.cov(method.predict(images, verbose=0), rowvar=False, bias=True)
    assert np.abs(before - np.eye(3)).max() > 0.5
    assert np.abs(after - np.eye(3)).max() < 0.2


def test_the_defaults():
    assert make().hyperparameters == {
        "off_diagonal_weight": 10.0,
        "diagonal_weight": 100.0,
        "reconstruction": "bernoulli",
        "seed": 0,
    }


@pytest.mark.parametrize("name", ["off_diagonal_weight", "diagonal_weight"])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), True, "4", None])
def test_a_strange_weight_is_refused(name, weight):
    with pytest.raises(ValueError, match=rf"Expected {name} to be a number of at least 0\."):
        make(**{name: weight})


def test_a_batch_of_one_is_refused():
    method = make()
    method.compile()
    with pytest.raises(
        ValueError, match=r"batches of at least 2 images for DIPVAEI\. Received: 1 in"
    ):
        method.fit(parts.images(1), verbose=0)
