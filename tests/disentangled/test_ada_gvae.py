"""The Ada-GVAE: what pairs share is found by comparing posteriors, and made the same."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract
from zoo.data import FactorData
from zoo.data.pixels import ArrayPixels
from zoo.disentangled.ada_gvae import share


class TestAdaGVAE(MethodContract):
    def make(self):
        return zoo.AdaGVAE(parts.gaussian_encoder(), parts.decoder(), beta=2.0)

    def batch(self, n=6, seed=0):
        return parts.images(n, seed), parts.images(n, seed + 100)

    def wrong_batches(self):
        return [(wrong, wrong) for wrong in super().wrong_batches()]


def make(**hyperparameters):
    return zoo.AdaGVAE(parts.gaussian_encoder(), parts.decoder(), **hyperparameters)


def posteriors(n=5, latents=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2, n, latents)), rng.normal(size=(2, n, latents))


def test_sharing_is_the_papers():
    mean, logvar = posteriors()
    variance = np.exp(logvar)
    # KL(q(z|a) || q(z|b)) of each latent, from the definition of the KL of two Gaussians
    kl = np.log(np.sqrt(variance[1] / variance[0])) - 0.5
    kl += (variance[0] + (mean[0] - mean[1]) ** 2) / (2 * variance[1])
    for row in range(5):
        threshold = (kl[row].max() + kl[row].min()) / 2
        for latent in range(4):
            if kl[row, latent] < threshold:
                mean[:, row, latent] = mean[:, row, latent].mean()
                logvar[:, row, latent] = np.log(variance[:, row, latent].mean())
    given_mean, given_logvar = posteriors()
    found = share(*(ops.convert_to_tensor(x.reshape(10, 4)) for x in (given_mean, given_logvar)))
    np.testing.assert_allclose(found[0], mean.reshape(10, 4), rtol=1e-6)
    np.testing.assert_allclose(found[1], logvar.reshape(10, 4), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(found[2], kl < (kl.max(1) + kl.min(1))[:, None] / 2)


def test_one_image_twice_keeps_its_posterior():
    mean, logvar = (np.repeat(x[:1], 2, axis=0).reshape(10, 4) for x in posteriors())
    found = share(ops.convert_to_tensor(mean), ops.convert_to_tensor(logvar))
    np.testing.assert_allclose(found[0], mean, rtol=1e-6)
    np.testing.assert_allclose(found[1], logvar, rtol=1e-5, atol=1e-7)


def test_the_latent_that_differs_is_kept_and_the_others_shared():
    mean = np.zeros((2, 3, 5), "float32")
    mean[0, :, 2], mean[1, :, 2] = -3, 3
    mean[1, :, 0] = 0.1
    new_mean, _, shared = share(ops.reshape(mean, (6, 5)), ops.zeros((6, 5)))
    assert np.asarray(shared).tolist() == [[True, True, False, True, True]] * 3
    assert np.asarray(new_mean)[0].tolist() == pytest.approx([0.05, 0, -3, 0, 0])
    assert np.asarray(new_mean)[3].tolist() == pytest.approx([0.05, 0, 3, 0, 0])


def test_the_loss_is_the_equation():
    method = make(beta=3.0)
    a, b = parts.images(4, 0), parts.images(4, 1)
    found = method.forward((ops.convert_to_tensor(a), ops.convert_to_tensor(b)), training=False)
    x, l, mean, logvar = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar")
    )
    np.testing.assert_allclose(x, np.concatenate([a, b]) / 255, rtol=1e-6)
    reconstruction = (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3))
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1)
    per_image = reconstruction + 3 * kl
    method.compile(run_eagerly=True)
    terms = method.evaluate((a, b), verbose=0, return_dict=True)
    assert terms["loss"] == pytest.approx((per_image[:4] / 2 + per_image[4:] / 2).mean(), rel=1e-5)
    assert terms["kl"] == pytest.approx(kl.mean(), rel=1e-5)
    assert terms["shared"] == np.asarray(found["shared"]).sum(axis=1).mean()


def test_gradients_flow_through_shared_latents_to_both_images():
    import tensorflow as tf

    mean, logvar = (tf.Variable(x.reshape(10, 4).astype("float32")) for x in posteriors())
    with tf.GradientTape() as tape:
        new_mean, new_logvar, shared = share(mean, logvar)
        first_images = ops.sum(new_mean[:5]) + ops.sum(new_logvar[:5])
    to_mean, to_logvar = tape.gradient(first_images, [mean, logvar])
    shared = np.asarray(shared)
    np.testing.assert_allclose(np.asarray(to_mean)[5:], np.where(shared, 0.5, 0))
    np.testing.assert_array_equal(np.asarray(to_logvar)[5:] != 0, shared)


@pytest.mark.parametrize("batch", [parts.images(4), (parts.images(4),), (parts.images(4),) * 3])
def test_what_is_no_pair_is_refused(batch):
    method = make()
    method.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"Expected pairs of images \(a, b\).*Received: "):
        method.fit(batch, verbose=0)


@pytest.mark.parametrize("beta", [-1, float("nan"), "1"])
def test_a_strange_beta_is_refused(beta):
    with pytest.raises(ValueError, match="Expected beta to be a number of at least 0"):
        make(beta=beta)


def test_data_without_factors_cannot_be_paired():
    with pytest.raises(ValueError, match=r"known factors to make pairs of.*Received: digits"):
        make().batches(zoo.data.load("digits"), 4)


def test_it_trains_on_pairs_of_factor_data():
    images = parts.images(6, image_shape=(16, 16, 1))
    factors = np.indices((2, 3)).reshape(2, -1).T
    data = FactorData("toy", ArrayPixels(images), factors, ("hue", "size"))
    method = zoo.AdaGVAE.for_images(data.image_shape, latent_size=3)
    method.compile(keras.optimizers.Adam(1e-3))
    history = method.fit(method.batches(data, 4), steps_per_epoch=2, verbose=0).history
    assert 0 <= history["shared"][0] <= 3
    assert method.predict(images, verbose=0).shape == (6, 3)
