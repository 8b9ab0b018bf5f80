"""The terms of the evidence lower bound against closed forms, NumPy in float64 and a reference."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from zoo import losses

REFERENCE = pathlib.Path(__file__).parent / "reference"
REFERENCE_KL = 5.552258669363447  # reference/README.md says where it is from


@pytest.fixture(scope="module")
def posterior():
    with np.load(REFERENCE / "gaussian.npz") as file:
        return file["mean"], file["logvar"]


def pixels(n=4, shape=(5, 3, 2), seed=0, scale=3.0):
    """Images in 0..1 and logits, float32."""
    rng = np.random.default_rng(seed)
    images = rng.random((n, *shape), "float32")
    return images, rng.normal(0, scale, (n, *shape)).astype("float32")


def cross_entropy(images, logits):
    """Binary cross-entropy summed over pixels, averaged over the batch, by its definition."""
    images, logits = images.astype("float64"), logits.astype("float64")
    p = 1 / (1 + np.exp(-logits))
    terms = images * np.log(p) + (1 - images) * np.log(1 - p)
    return -terms.sum(axis=(1, 2, 3)).mean()


# KL


def test_kl_equals_the_reference(posterior):
    assert float(losses.gaussian_kl(*posterior)) == pytest.approx(REFERENCE_KL, rel=1e-5)


def test_the_reference_here_is_the_published_one(test_data, posterior):
    folder = test_data / "reference" / "losses"
    with np.load(folder / "inputs.npz") as file:
        np.testing.assert_array_equal(posterior, [file["mu"], file["log_var"]])
    values = json.loads((folder / "values.json").read_text())
    assert values["gaussian_kl_sum_mean"] == REFERENCE_KL


def test_kl_of_the_prior_is_zero():
    assert float(losses.gaussian_kl(np.zeros((3, 2), "f4"), np.zeros((3, 2), "f4"))) == 0


@pytest.mark.parametrize(
    ("mean", "variance", "expected"),
    [
        (2.0, 1.0, 2.0),  # mean^2 / 2
        (0.0, np.e, (np.e - 2) / 2),  # (v - log v - 1) / 2
        (0.0, np.exp(-4), (np.exp(-4) + 3) / 2),
        (3.0, 0.25, (9 + 0.25 + np.log(4) - 1) / 2),
    ],
)
def test_kl_of_one_latent(mean, variance, expected):
    mean, logvar = np.full((1, 1), mean, "f4"), np.full((1, 1), np.log(variance), "f4")
    assert float(losses.gaussian_kl(mean, logvar)) == pytest.approx(expected, rel=1e-6)


def test_kl_is_what_sampling_estimates():
    rng = np.random.default_rng(0)
    mean, logvar = np.array([[0.7, -1.2]]), np.array([[-0.5, 0.3]])
    z = mean + np.exp(logvar / 2) * rng.normal(size=(400_000, 2))
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(logvar) + logvar)
    estimate = (log_q + 0.5 * z**2).sum(axis=1).mean()
    assert float(losses.gaussian_kl(mean, logvar)) == pytest.approx(estimate, rel=0.01)


def test_kl_is_never_negative(posterior):
    assert (np.asarray(losses.gaussian_kl_per_latent(*posterior)) >= 0).all()


def test_the_latents_sum_to_the_whole(posterior):
    each = np.asarray(losses.gaussian_kl_per_latent(*posterior))
    assert each.shape == (8,)
    assert each.sum() == pytest.approx(float(losses.gaussian_kl(*posterior)), rel=1e-6)


def test_each_latent_has_its_own_kl(posterior):
    mean, logvar = posterior
    each = losses.gaussian_kl_per_latent(mean, logvar)
    for latent in range(mean.shape[1]):
        alone = losses.gaussian_kl(mean[:, [latent]], logvar[:, [latent]])
        assert float(each[latent]) == pytest.approx(float(alone), rel=1e-6)


# Bernoulli


@pytest.mark.parametrize("scale", [0.1, 3.0, 8.0])
def test_bernoulli_is_binary_cross_entropy(scale):
    images, logits = pixels(scale=scale)
    value = float(losses.bernoulli_reconstruction(images, logits))
    assert value == pytest.approx(cross_entropy(images, logits), rel=1e-5)


def test_bernoulli_without_an_opinion_is_a_bit_a_pixel():
    images, _ = pixels()
    value = losses.bernoulli_reconstruction(images, np.zeros_like(images))
    assert float(value) == pytest.approx(30 * np.log(2), rel=1e-6)


def test_bernoulli_is_least_where_the_logits_are_the_images_log_odds():
    images, _ = pixels(n=1)
    images = np.clip(images, 0.01, 0.99)
    logits = tf.Variable(np.log(images / (1 - images)))
    with tf.GradientTape() as tape:
        loss = losses.bernoulli_reconstruction(images, logits)
    np.testing.assert_allclose(tape.gradient(loss, logits), 0, atol=1e-6)


@pytest.mark.parametrize("size", [50.0, 1e4, 1e30])
def test_extreme_logits_give_finite_losses_and_gradients(size):
    images = np.array([0, 0, 1, 1], "f4").reshape(1, 2, 2, 1)
    logits = tf.Variable(np.array([-size, size, -size, size], "f4").reshape(1, 2, 2, 1))
    with tf.GradientTape() as tape:
        loss = losses.bernoulli_reconstruction(images, logits)
    assert float(loss) == pytest.approx(2 * size)  # the two pixels that are wrong
    gradient = np.ravel(tape.gradient(loss, logits))
    np.testing.assert_allclose(gradient, [0, 1, -1, 0], atol=1e-6)


# Gaussian


def test_gaussian_is_half_the_squared_distance():
    images, predictions = pixels()
    expected = 0.5 * ((images.astype("f8") - predictions) ** 2).sum(axis=(1, 2, 3)).mean()
    value = losses.gaussian_reconstruction(images, predictions)
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_gaussian_of_a_perfect_prediction_is_zero():
    images, _ = pixels()
    assert float(losses.gaussian_reconstruction(images, images)) == 0


def test_gaussian_is_the_likelihood_up_to_its_constant():
    images, predictions = pixels()
    squares = (images.astype("f8") - predictions) ** 2
    log_p = (-0.5 * squares - 0.5 * np.log(2 * np.pi)).sum(axis=(1, 2, 3)).mean()
    value = float(losses.gaussian_reconstruction(images, predictions))
    assert value + 15 * np.log(2 * np.pi) == pytest.approx(-log_p, rel=1e-6)


# Both

RECONSTRUCTIONS = [losses.bernoulli_reconstruction, losses.gaussian_reconstruction]


@pytest.mark.parametrize("loss", RECONSTRUCTIONS)
def test_a_batch_twice_over_has_the_same_loss(loss):
    images, predictions = pixels()
    twice = loss(np.concatenate([images, images]), np.concatenate([predictions, predictions]))
    assert float(twice) == pytest.approx(float(loss(images, predictions)), rel=1e-6)


@pytest.mark.parametrize("loss", RECONSTRUCTIONS)
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_twice_the_pixels_have_twice_the_loss(loss, axis):
    images, predictions = pixels()
    larger = [np.concatenate([x, x], axis=axis) for x in (images, predictions)]
    assert float(loss(*larger)) == pytest.approx(2 * float(loss(images, predictions)), rel=1e-6)


@pytest.mark.parametrize("loss", [*RECONSTRUCTIONS, losses.gaussian_kl])
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(ValueError, match=r"Expected .* of one shape\. Received: \(4, 3, 1\) and"):
        loss(np.zeros((4, 3, 1), "f4"), np.zeros((4, 3), "f4"))
    with pytest.raises(ValueError, match=r"Received: \(4, 3\) and \(4, 1\)"):
        loss(np.zeros((4, 3), "f4"), np.zeros((4, 1), "f4"))


def test_a_batch_of_any_size_is_taken_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec((None, 5, 3, 2))] * 2)
    def graph(images, logits):
        return losses.bernoulli_reconstruction(images, logits)

    for n in (1, 4):
        images, logits = pixels(n)
        assert float(graph(images, logits)) == pytest.approx(
            cross_entropy(images, logits), rel=1e-5
        )
