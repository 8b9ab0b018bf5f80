"""The InfoVAE: how it weighs KL and MMD, and what it takes the prior's samples from."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract
from zoo import losses


def make(cls=zoo.InfoVAE, **hyperparameters):
    return cls(parts.gaussian_encoder(), parts.decoder(), **hyperparameters)


class TestInfoVAE(MethodContract):
    def make(self):
        return make()


def forward(method, training=False):
    found = method.forward(ops.convert_to_tensor(parts.images()), training=training)
    return {name: np.asarray(value) for name, value in found.items()}


@pytest.mark.parametrize("kernel", sorted(losses.KERNELS))
def test_the_loss_is_the_equation(kernel):
    method = make(alpha=0.25, divergence_weight=7.0, kernel=kernel)
    found = forward(method)
    x, l, mean, logvar, z, prior = (  # noqa: E741
        found[name].astype("float64")
        for name in ("images", "decoded", "mean", "logvar", "z", "prior")
    )

    def k(a, b):
        distance = ((a[:, None] - b) ** 2).sum(axis=2)
        return 6 / (6 + distance) if kernel == "inverse_multiquadratic" else np.exp(-distance / 6)

    others = ~np.eye(6, dtype=bool)
    mmd = k(z, z)[others].mean() + k(prior, prior)[others].mean() - 2 * k(z, prior).mean()
    reconstruction = (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean()
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()
    method.compile(run_eagerly=True)
    terms = method.evaluate(parts.images(), verbose=0, return_dict=True)
    expected = {
        "loss": reconstruction + 0.75 * kl + 6.25 * mmd,
        "reconstruction": reconstruction,
        "kl": kl,
        "mmd": mmd,
    }
    assert terms == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("weights", "cls"),
    [
        ({"alpha": 0, "divergence_weight": 1}, zoo.VAE),
        ({"alpha": -3, "divergence_weight": 4}, None),
    ],
)
def test_without_an_mmd_it_is_a_beta_vae(weights, cls):
    other = make(cls) if cls else make(zoo.BetaVAE, beta=4.0)
    method = make(**weights)
    for each in (method, other):
        each.compile(run_eagerly=True)
    found, expected = (
        each.evaluate(parts.images(), verbose=0, return_dict=True) for each in (method, other)
    )
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)


# The prior's samples


def test_training_draws_new_samples_of_the_prior_each_step():
    method = make()
    first, second = (forward(method, training=True)["prior"] for _ in range(2))
    assert first.shape == (6, parts.LATENTS)
    assert not np.isclose(first, second).any()


@pytest.mark.parametrize("training", [False, True])
def test_the_prior_is_not_sampled_by_the_noise_in_z(training):
    found = forward(make(), training)
    noise = (found["z"] - found["mean"]) / np.exp(found["logvar"] / 2)
    assert not np.isclose(found["prior"], noise, atol=1e-3).any()


def test_evaluation_draws_the_same_samples_and_moves_nothing():
    method = make()
    before = method.noise.state.numpy()
    np.testing.assert_array_equal(forward(method)["prior"], forward(make(seed=3))["prior"])
    np.testing.assert_array_equal(method.noise.state.numpy(), before)


@pytest.mark.slow
def test_without_a_kl_codes_keep_their_image_and_match_the_prior():
    images = np.zeros((64, 8, 8, 1), "uint8")
    images[np.arange(64), np.arange(64) % 8] = 255  # a bar in one of eight rows
    data = tf.data.Dataset.from_tensors(images)
    found = {}
    for alpha in (0.0, 1.0):
        method = make(alpha=alpha, divergence_weight=100.0)
        method.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        method.fit(data.repeat(), steps_per_epoch=150, verbose=0)
        found[alpha] = method.evaluate(data, verbose=0, return_dict=True)
    assert found[1.0]["kl"] > found[0.0]["kl"] + 0.5
    assert found[1.0]["mmd"] < 0.1


# Refusals


def test_the_defaults():
    assert make().hyperparameters == {
        "alpha": 0.0,
        "divergence_weight": 1000.0,
        "kernel": "inverse_multiquadratic",
        "reconstruction": "bernoulli",
        "seed": 0,
    }


@pytest.mark.parametrize("alpha", [1.1, float("nan"), float("-inf"), True, "0", None])
def test_a_strange_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match=r"Expected alpha to be a number of at most 1\. Received:"):
        make(alpha=alpha)


@pytest.mark.parametrize("weight", [0.4, -1, float("nan"), float("inf"), True, "9", None])
def test_a_divergence_weight_that_would_reward_distance_is_refused(weight):
    message = r"Expected divergence_weight to be a number of at least 0\.5\. Received:"
    with pytest.raises(ValueError, match=message):
        make(alpha=0.5, divergence_weight=weight)


def test_an_unknown_kernel_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown kernel 'RBF'.*Expected one of: inverse_multi"):
        make(kernel="RBF")


def test_a_batch_of_one_is_refused():
    method = make()
    method.compile()
    with pytest.raises(
        ValueError, match=r"batches of at least 2 images for InfoVAE\. Received: 1 in"
    ):
        method.fit(parts.images(1), verbose=0)
