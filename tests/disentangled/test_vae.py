"""The VAE: its equation in float64, its batches, its images."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract


class TestVAE(MethodContract):
    def make(self):
        return zoo.VAE(parts.gaussian_encoder(), parts.decoder())


def compiled(cls=zoo.VAE, optimizer=None, eager=True, **hyperparameters):
    method = cls(parts.gaussian_encoder(), parts.decoder(), **hyperparameters)
    method.compile(optimizer or keras.optimizers.SGD(1e-3), run_eagerly=eager)
    return method


def outputs(method, images):
    """What `forward` gives in evaluation, in float64."""
    found = method.forward(ops.convert_to_tensor(images), training=False)
    return {name: np.asarray(value, "float64") for name, value in found.items()}


def kl_of(mean, logvar):
    return 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()


def evaluated(method, data, **arguments):
    return method.evaluate(data, verbose=0, return_dict=True, **arguments)


# The equation


def test_the_objective_is_the_equation():
    method, images = compiled(), parts.images()
    found = outputs(method, images)
    x, l = found["images"], found["decoded"]  # noqa: E741
    reconstruction = (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean()
    kl = kl_of(found["mean"], found["logvar"])
    np.testing.assert_allclose(x, images / 255, rtol=1e-6)
    terms = evaluated(method, images)
    assert terms["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)
    assert terms["kl"] == pytest.approx(kl, rel=1e-5)
    assert terms["loss"] == pytest.approx(reconstruction + kl, rel=1e-5)


def test_the_gaussian_objective_is_the_equation():
    method, images = compiled(reconstruction="gaussian"), parts.images()
    found = outputs(method, images)
    squares = (found["images"] - found["decoded"]) ** 2
    reconstruction = 0.5 * squares.sum(axis=(1, 2, 3)).mean()
    terms = evaluated(method, images)
    assert terms["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)
    kl = kl_of(found["mean"], found["logvar"])
    assert terms["loss"] == pytest.approx(reconstruction + kl, rel=1e-5)


def test_reconstruction_is_summed_over_pixels_not_averaged():
    small, large = (zoo.VAE.for_images((side, side, 1), latent_size=2) for side in (16, 32))
    for method, pixels in ((small, 256), (large, 1024)):
        method.compile(run_eagerly=True)
        side = int(pixels**0.5)
        terms = evaluated(method, parts.images(4, 0, (side, side, 1)))
        assert terms["reconstruction"] == pytest.approx(pixels * np.log(2), rel=0.05)


def test_z_is_drawn_from_the_posterior():
    method = compiled()
    images = np.repeat(parts.images(1), 4000, axis=0)
    found = method.forward(ops.convert_to_tensor(images), training=True)
    z, mean = np.asarray(found["z"]), np.asarray(found["mean"])[0]
    deviation = np.exp(np.asarray(found["logvar"])[0] / 2)
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=5 * deviation.max() / 4000**0.5)
    np.testing.assert_allclose(z.std(axis=0), deviation, rtol=0.05)
    correlation = np.corrcoef(z.T) - np.eye(parts.LATENTS)
    assert np.abs(correlation).max() < 0.1


# Noise


def test_training_draws_new_noise_each_step():
    method, images = compiled(), ops.convert_to_tensor(parts.images())
    first, second = (np.asarray(method.forward(images, training=True)["z"]) for _ in range(2))
    assert not np.isclose(first, second).any()


def test_evaluation_noise_is_fixed_and_moves_nothing():
    method, images = compiled(), parts.images()
    before = method.noise.state.numpy()
    first, second = outputs(method, images), outputs(method, images)
    np.testing.assert_array_equal(first["z"], second["z"])
    assert not np.array_equal(first["z"], first["mean"])
    np.testing.assert_array_equal(method.noise.state.numpy(), before)
    other_seed = outputs(compiled(seed=7), images)
    np.testing.assert_array_equal(first["z"], other_seed["z"])


def test_another_seed_draws_other_noise():
    images = ops.convert_to_tensor(parts.images())
    draws = [compiled(seed=seed).forward(images, training=True)["z"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.isclose(draws[0], draws[2]).any()


# Batches


def test_pixels_may_be_bytes_or_fractions():
    method, images = compiled(), parts.images()
    codes = method.predict(images, verbose=0)
    for fractions in ((images / 255).astype("float32"), images / 255):
        np.testing.assert_allclose(method.predict(fractions, verbose=0), codes, atol=1e-6)
        assert evaluated(method, fractions) == pytest.approx(evaluated(method, images), rel=1e-5)


def test_what_stands_beside_the_images_is_ignored():
    images = parts.images()
    alone, pair, dataset = compiled(), compiled(), compiled()
    alone.fit(images, verbose=0, shuffle=False)
    pair.fit(images, np.arange(6), verbose=0, shuffle=False)
    dataset.fit(tf.data.Dataset.from_tensors((images, {"label": np.arange(6)})), verbose=0)
    for method in (pair, dataset):
        for got, expected in zip(method.get_weights(), alone.get_weights(), strict=True):
            np.testing.assert_array_equal(got, expected)
    labelled = alone.evaluate(images, np.arange(6), verbose=0, return_dict=True)
    assert labelled == evaluated(alone, images)


@pytest.mark.parametrize(
    "batch",
    [{"image": parts.images()}, ({"image": parts.images()}, np.arange(6))],
    ids=["alone", "in a pair"],
)
def test_a_dictionary_is_refused(batch):
    for data in (batch, tf.data.Dataset.from_tensors(batch)):
        for verb in ("fit", "evaluate", "predict"):
            with pytest.raises(ValueError, match=r"Expected images.*: a dictionary .*image"):
                getattr(compiled(), verb)(data, verbose=0)


def test_evaluation_averages_over_samples_with_a_short_last_batch():
    method, images = compiled(), parts.images(7)
    batches = [images[:3], images[3:6], images[6:]]
    each = [evaluated(method, batch) for batch in batches]
    finite = tf.data.Dataset.from_tensor_slices(images).batch(3)
    for terms in (evaluated(method, finite), evaluated(method, images, batch_size=3)):
        for name, value in terms.items():
            expected = (3 * each[0][name] + 3 * each[1][name] + each[2][name]) / 7
            assert value == pytest.approx(expected, rel=1e-5)
        whole = outputs(method, images)
        assert terms["kl"] == pytest.approx(kl_of(whole["mean"], whole["logvar"]), rel=1e-5)


# Codes and images


def test_codes_are_the_posterior_means():
    method, images = compiled(), parts.images()
    mean, logvar = method.encode(images)
    codes = method.predict(images, verbose=0)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, mean, atol=1e-6)
    assert logvar.shape == mean.shape == (6, parts.LATENTS)
    assert method.latent_size == parts.LATENTS


@pytest.mark.parametrize("reconstruction", ["bernoulli", "gaussian"])
def test_decoded_images_are_bytes(reconstruction):
    method = compiled(reconstruction=reconstruction)
    codes = np.random.default_rng(0).normal(0, 3, (5, parts.LATENTS)).astype("float32")
    raw = np.asarray(method.decoder(codes), "float64")
    fractions = 1 / (1 + np.exp(-raw)) if reconstruction == "bernoulli" else np.clip(raw, 0, 1)
    decoded = np.asarray(method.decode(codes))
    assert decoded.dtype == np.uint8
    assert decoded.shape == (5, *parts.IMAGE_SHAPE)
    assert np.abs(decoded - 255 * fractions).max() <= 0.501  # rounded


def test_decoded_extremes_are_black_and_white():
    method = compiled()
    dense = method.decoder.layers[-2]
    for bias, byte in ((-100.0, 0), (100.0, 255)):
        dense.set_weights([0 * dense.kernel.numpy(), np.full(64, bias)])
        assert (np.asarray(method.decode(np.zeros((1, 3), "float32"))) == byte).all()


def test_reconstruction_is_encode_then_decode():
    method, images = compiled(), parts.images()
    again = method.decode(method.predict(images, verbose=0))
    np.testing.assert_array_equal(method.reconstruct(images), again)


# Ways to run


@pytest.mark.slow
def test_it_learns_in_mixed_float16(mixed_float16):
    method = zoo.VAE.for_images((16, 16, 1), latent_size=2)
    method.compile(keras.optimizers.Adam(3e-3), jit_compile=False)
    images = np.zeros((32, 16, 16, 1), "uint8")
    images[:, 4:12, 4:12] = 255
    losses = method.fit(images, epochs=12, batch_size=8, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0] / 2
    assert method.predict(images, verbose=0).dtype == np.float32


def test_several_steps_under_xla_equal_steps_in_a_graph():
    images = np.concatenate([parts.images(6, seed) for seed in range(4)])
    runs = []
    for jit_compile in (False, True):
        method = compiled(zoo.VAE, eager=False)
        method.encoder.layers[-1].bias.assign([-60.0] * 3)  # XLA has noise of its own: next to none
        method.compile(keras.optimizers.SGD(1e-4), jit_compile=jit_compile, steps_per_execution=2)
        history = method.fit(images, batch_size=6, shuffle=False, verbose=0).history
        assert int(method.step) == 4
        runs.append([*method.get_weights(), history["loss"]])
    for got, expected in zip(*runs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


# Refusals


@pytest.mark.parametrize("name", ["bernouli", "BERNOULLI", "", None, 3])
def test_an_unknown_reconstruction_is_refused(name):
    with pytest.raises(ValueError, match=r"reconstruction .*Expected one of: bernoulli, gaussian"):
        compiled(reconstruction=name)


def test_a_misspelt_reconstruction_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"'gausian'\. Did you mean 'gaussian'\?"):
        compiled(reconstruction="gausian")


@pytest.mark.parametrize("seed", [-1, 0.5, True, None])
def test_a_strange_seed_is_refused(seed):
    with pytest.raises(ValueError, match=r"Expected seed to be an integer of at least 0\."):
        compiled(seed=seed)


def test_networks_that_do_not_fit_are_refused():
    encoder, decoder = parts.gaussian_encoder(), parts.decoder()
    with pytest.raises(ValueError, match=r"two outputs \(N, L\), mean and logvar\. Received"):
        zoo.VAE(parts.encoder(), decoder)
    with pytest.raises(ValueError, match=r"takes codes of shape \(None, 3\).*\(None, 5\)\."):
        zoo.VAE(encoder, parts.decoder(latents=5))
    with pytest.raises(ValueError, match=r"gives images of shape \(None, 8, 8, 1\).*8, 8, 3\)\."):
        zoo.VAE(encoder, parts.decoder((8, 8, 3)))


def test_an_argument_that_for_images_does_not_know_is_refused():
    with pytest.raises(ValueError, match="latents"):
        zoo.VAE.for_images((16, 16, 1), latents=2)
