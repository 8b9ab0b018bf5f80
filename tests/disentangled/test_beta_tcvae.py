"""The b-TCVAE: its parts, its weights, and what it is where they are equal."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract
from zoo import losses


def make(dataset_size=50, **hyperparameters):
    networks = parts.gaussian_encoder(), parts.decoder()
    return zoo.BetaTCVAE(*networks, dataset_size=dataset_size, **hyperparameters)


class TestBetaTCVAE(MethodContract):
    def make(self):
        return make(beta=4.0)


class TestStratifiedBetaTCVAE(MethodContract):
    def make(self):
        return make(alpha=0.5, beta=4.0, gamma=2.0, stratified=True)


def evaluated(method):
    method.compile(run_eagerly=True)
    return method.evaluate(parts.images(), verbose=0, return_dict=True)


# The equation


@pytest.mark.parametrize("stratified", [False, True])
def test_the_loss_is_the_equation(stratified):
    method = make(alpha=0.5, beta=3.0, gamma=2.0, stratified=stratified)
    found = method.forward(ops.convert_to_tensor(parts.images()), training=False)
    x, l, mean, logvar, z = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar", "z")
    )
    weights = np.full((6, 6), 1 / 6)  # weighted sampling without its constants
    if stratified:
        weights = np.full((6, 6), 1 / 5)
        np.fill_diagonal(weights, 1 / 50)
        weights[np.arange(6), (np.arange(6) + 1) % 6] = (50 - 5) / (50 * 5)
    log_q = -0.5 * ((z[:, None] - mean) ** 2 / np.exp(logvar) + logvar + np.log(2 * np.pi))
    log_qz = np.log((weights * np.exp(log_q.sum(axis=2))).sum(axis=1))
    log_qz_l = np.log((weights[:, :, None] * np.exp(log_q)).sum(axis=1)).sum(axis=1)
    log_qzx = np.einsum("iil->i", log_q)
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()
    expected = {
        "reconstruction": (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean(),
        "kl": kl,
        "mutual_information": (log_qzx - log_qz).mean(),
        "total_correlation": (log_qz - log_qz_l).mean(),
        "dimension_kl": kl - (log_qzx - log_qz_l).mean(),
    }
    of = dict(expected)
    expected["loss"] = (
        of["reconstruction"]
        + 0.5 * of["mutual_information"]
        + 3.0 * of["total_correlation"]
        + 2.0 * of["dimension_kl"]
    )
    assert evaluated(method) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("weight", [0.5, 1.0, 4.0])
def test_equal_weights_are_the_beta_vae(weight, stratified):
    equal = {"alpha": weight, "beta": weight, "gamma": weight}
    after = []
    beta_vae = zoo.BetaVAE(parts.gaussian_encoder(), parts.decoder(), beta=weight)
    for method in (beta_vae, make(**equal, stratified=stratified)):
        method.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
        history = method.fit(parts.images(12), batch_size=6, shuffle=False, verbose=0).history
        after.append((history["loss"], method.get_weights()))
    (losses_then, expected), (losses_now, got) = after
    np.testing.assert_allclose(losses_now, losses_then, rtol=1e-5)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_papers_alpha_and_gamma_leave_the_kl_and_a_total_correlation():
    method = make(beta=7.0)
    found = method.forward(ops.convert_to_tensor(parts.images()), training=False)
    posterior = [found[name] for name in ("z", "mean", "logvar")]
    correlation = float(losses.total_correlation(*posterior, dataset_size=50))
    correlation -= 2 * np.log(50)  # the constant of three latents
    terms = evaluated(method)
    expected = terms["reconstruction"] + terms["kl"] + 6 * correlation
    assert terms["loss"] == pytest.approx(expected, rel=1e-5)


def test_under_weighted_sampling_the_number_of_images_moves_no_weight_of_the_networks():
    after = []
    for dataset_size in (6, 10**6):
        method = make(dataset_size=dataset_size, beta=4.0)
        method.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
        method.fit(parts.images(12), batch_size=6, shuffle=False, verbose=0)
        after.append(method.get_weights()[1:])  # the first is the step counter
    for a, b in zip(*after, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def total_correlation(method, images):
    """Estimated without weighted sampling's constants, whatever the method samples by."""
    found = method.forward(ops.convert_to_tensor(images), training=False)
    posterior = [found[name] for name in ("z", "mean", "logvar")]
    return float(losses.total_correlation(*posterior, len(images), stratified=True))


@pytest.mark.slow
@pytest.mark.parametrize("stratified", [False, True])
def test_a_larger_beta_ends_with_a_smaller_total_correlation(stratified):
    rows, columns = np.divmod(np.arange(64), 8)
    images = np.zeros((64, 8, 8, 1), "uint8")
    images[np.arange(64), rows] = 255
    images[np.arange(64), :, columns] = 255  # a cross: two factors
    data = tf.data.Dataset.from_tensors(images)
    found = []
    for beta in (0.0, 30.0):
        method = make(dataset_size=64, beta=beta, stratified=stratified)
        method.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        method.fit(data.repeat(), steps_per_epoch=300, verbose=0)
        found.append(total_correlation(method, images))
    assert found[0] > 0.4
    assert found[1] < 0.1


# What the data know


def test_the_size_of_the_data_set_comes_from_the_data():
    assert zoo.BetaTCVAE.from_data == ("dataset_size",)


def test_what_is_logged():
    assert zoo.BetaTCVAE.terms == (
        "reconstruction",
        "kl",
        "mutual_information",
        "total_correlation",
        "dimension_kl",
    )


def test_the_defaults():
    assert make().hyperparameters == {
        "dataset_size": 50,
        "alpha": 1.0,
        "beta": 6.0,
        "gamma": 1.0,
        "stratified": False,
        "reconstruction": "bernoulli",
        "seed": 0,
    }


# Refusals


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), True, "4", None])
def test_a_strange_weight_is_refused(name, weight):
    with pytest.raises(ValueError, match=rf"Expected {name} to be a number of at least 0\."):
        make(**{name: weight})


@pytest.mark.parametrize("dataset_size", [1, 0, -5, 2.5, True, "9", None])
def test_a_strange_number_of_images_is_refused(dataset_size):
    message = r"Expected dataset_size to be an integer of at least 2\. Received:"
    with pytest.raises(ValueError, match=message):
        make(dataset_size=dataset_size)


@pytest.mark.parametrize("stratified", [1, "yes", None])
def test_a_strange_choice_of_sampling_is_refused(stratified):
    with pytest.raises(ValueError, match=r"Expected stratified to be True or False\. Received:"):
        make(stratified=stratified)


@pytest.mark.parametrize(
    ("n", "received"), [(1, "1 in batches of 1"), (6, "6 in batches of 6"), (7, "the last of 1")]
)
def test_batches_of_one_or_of_more_images_than_there_are_are_refused(n, received):
    method = make(dataset_size=5)
    method.compile(run_eagerly=True)
    message = rf"batches of 2 to 5 images for BetaTCVAE\. Received: .*{received}"
    with pytest.raises(ValueError, match=message):
        method.fit(parts.images(n), batch_size=min(n, 6), verbose=0)
