"""The b-VAE: a VAE but for the weight on its KL."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract


class TestBetaVAE(MethodContract):
    def make(self):
        return zoo.BetaVAE(parts.gaussian_encoder(), parts.decoder(), beta=4.0)


def make(cls=zoo.BetaVAE, **hyperparameters):
    return cls(parts.gaussian_encoder(), parts.decoder(), **hyperparameters)


def test_beta_of_one_is_the_vae():
    weights, losses = [], []
    for method in (make(zoo.VAE), make(beta=1.0)):
        method.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
        history = method.fit(parts.images(12), batch_size=6, shuffle=False, verbose=0).history
        weights.append(method.get_weights())
        losses.append(history)
    assert losses[0] == losses[1]
    assert all(map(np.array_equal, *weights))


@pytest.mark.parametrize("beta", [0, 0.5, 4, 1e3])
def test_the_loss_is_the_equation(beta):
    method = make(beta=beta)
    found = method.forward(ops.convert_to_tensor(parts.images()), training=False)
    x, l, mean, logvar = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar")
    )
    reconstruction = (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean()
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()
    method.compile(run_eagerly=True)
    terms = method.evaluate(parts.images(), verbose=0, return_dict=True)
    assert terms["loss"] == pytest.approx(reconstruction + beta * kl, rel=1e-5)
    assert terms["kl"] == pytest.approx(kl, rel=1e-5)  # logged without its weight


@pytest.mark.slow
def test_a_larger_beta_ends_with_a_smaller_kl():
    images = np.zeros((64, 8, 8, 1), "uint8")
    images[np.arange(64), np.arange(64) % 8] = 255  # a bar in one of eight rows
    kls = []
    for beta in (0.1, 100.0):
        method = make(beta=beta)
        method.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        history = method.fit(images, batch_size=16, epochs=20, verbose=0, shuffle=False).history
        kls.append(history["kl"][-1])
    assert kls[0] > 1
    assert kls[1] < 0.1


@pytest.mark.parametrize("beta", [-0.1, float("nan"), float("inf"), True, "4", None, [4.0]])
def test_a_strange_beta_is_refused(beta):
    with pytest.raises(ValueError, match=r"Expected beta to be a number of at least 0\. Received:"):
        make(beta=beta)


def test_beta_may_be_an_integer_or_numpys():
    assert make(beta=4).beta == make(beta=np.float32(4)).beta == 4.0


def test_the_papers_beta_is_the_default():
    assert make().beta == 4.0
    assert make().hyperparameters == {"beta": 4.0, "reconstruction": "bernoulli", "seed": 0}


def test_for_images_builds_the_literatures_network():
    method = zoo.BetaVAE.for_images((64, 64, 1), latent_size=10, beta=4.0, seed=3)
    assert method.beta == 4.0
    assert method.seed == 3
    assert method.latent_size == 10
    weights = zoo.networks.gaussian_encoder((64, 64, 1), 10, seed=3).get_weights()
    assert all(map(np.array_equal, method.encoder.get_weights(), weights))
    assert method.decoder.output_shape == (None, 64, 64, 1)
