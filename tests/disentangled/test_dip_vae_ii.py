"""The DIP-VAE-II: a VAE and two penalties on the covariance of its codes."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract


def make(cls=zoo.DIPVAEII, **hyperparameters):
    return cls(parts.gaussian_encoder(), parts.decoder(), **hyperparameters)


class TestDIPVAEII(MethodContract):
    def make(self):
        return make()


def test_the_loss_is_the_equation():
    method = make(off_diagonal_weight=3.0, diagonal_weight=0.5)
    found = method.forward(ops.convert_to_tensor(parts.images()), training=False)
    x, l, mean, logvar = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar")
    )
    covariance = np.cov(mean, rowvar=False, bias=True)
    variances = np.diag(covariance) + np.exp(logvar).mean(axis=0)
    expected = {
        "reconstruction": (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean(),
        "kl": 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean(),
        "off_diagonal": (covariance**2).sum() - (np.diag(covariance) ** 2).sum(),
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


def test_the_noise_of_a_latent_counts():
    losses = []
    for cls in (zoo.DIPVAEI, zoo.DIPVAEII):
        method = make(cls, off_diagonal_weight=0, diagonal_weight=1)
        for layer in method.encoder.layers[-2:]:  # every posterior is the prior
            layer.set_weights([0 * weight for weight in layer.get_weights()])
        method.compile(run_eagerly=True)
        losses.append(method.evaluate(parts.images(), verbose=0, return_dict=True)["diagonal"])
    assert losses == [parts.LATENTS, 0]


def test_the_defaults():
    assert make().hyperparameters == {
        "off_diagonal_weight": 10.0,
        "diagonal_weight": 10.0,
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
        ValueError, match=r"batches of at least 2 images for DIPVAEII\. Received: 1 in"
    ):
        method.fit(parts.images(1), verbose=0)
