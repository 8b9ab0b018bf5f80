"""The parts of the KL against references, NumPy in float64 and aggregate posteriors of known parts.

Where every image of a data set is in the batch, stratified sampling knows nearly all of q(z), and
the parts are near those of its density.
"""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import losses

REFERENCE = pathlib.Path(__file__).parent / "reference"
NO_DATASET_SIZE, WEIGHTED = -27.65750040903122, 96.02974229775336  # see reference/README.md
SCHEMES = [{"dataset_size": 737280}, {"dataset_size": 737280, "stratified": True}]


@pytest.fixture(scope="module")
def posterior():
    with np.load(REFERENCE / "gaussian.npz") as file:
        return file["z"], file["mean"], file["logvar"]


def sampled(mean, logvar, seed=7):
    """A sample of each posterior, beside them, float32."""
    noise = np.random.default_rng(seed).normal(size=mean.shape)
    z = mean + np.exp(logvar / 2) * noise
    return z.astype("f4"), mean.astype("f4"), logvar.astype("f4")


# References


def test_without_a_number_of_images_it_is_the_reference(posterior):
    value = float(losses.total_correlation(*posterior))
    assert value == pytest.approx(NO_DATASET_SIZE, rel=1e-5)


def test_weighted_sampling_is_the_reference(posterior):
    value = float(losses.total_correlation(*posterior, dataset_size=737280))
    assert value == pytest.approx(WEIGHTED, rel=1e-5)


def test_the_references_here_are_the_published_ones(test_data, posterior):
    folder = test_data / "reference" / "losses"
    with np.load(folder / "inputs.npz") as file:
        np.testing.assert_array_equal(posterior, [file[k] for k in ("z", "mu", "log_var")])
    values = json.loads((folder / "values.json").read_text())
    assert values["beta_tcvae_tc_no_dataset_size"] == NO_DATASET_SIZE
    assert values["beta_tcvae_tc_mws_N737280"] == WEIGHTED


def test_stratified_sampling_is_the_equation(posterior):
    z, mean, logvar = (x.astype("f8") for x in posterior)
    m, n = 64, 1000
    weights = np.full((m, m), 1 / (m - 1))
    for i in range(m):
        weights[i, i] = 1 / n
        weights[i, (i + 1) % m] = (n - (m - 1)) / (n * (m - 1))
    q = np.exp(-0.5 * (z[:, None] - mean) ** 2 / np.exp(logvar)) / np.sqrt(
        2 * np.pi * np.exp(logvar)
    )
    log_qz = np.log((weights * q.prod(axis=2)).sum(axis=1))
    log_qz_l = np.log((weights[:, :, None] * q).sum(axis=1)).sum(axis=1)
    log_qzx = np.log(np.einsum("iil->il", q)).sum(axis=1)
    terms = losses.kl_terms(*posterior, dataset_size=n, stratified=True)
    assert float(terms.mutual_information) == pytest.approx((log_qzx - log_qz).mean(), rel=1e-5)
    assert float(terms.total_correlation) == pytest.approx((log_qz - log_qz_l).mean(), rel=1e-5)


# The stratified weights


@settings(max_examples=50, deadline=None)
@given(batch_size=st.integers(2, 70), more=st.integers(0, 10**7))
def test_every_row_of_the_stratified_weights_sums_to_one(batch_size, more):
    weights = np.asarray(losses.stratified_weights(batch_size, batch_size + more), "f8")
    assert weights.shape == (batch_size, batch_size)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-6)  # no image counts for more
    np.testing.assert_allclose(np.diag(weights), 1 / (batch_size + more), rtol=1e-6)


def test_the_misplaced_weights_seen_elsewhere_are_told_apart():
    def row_sums(own, one, rest):
        weights = np.full((4, 4), rest)
        weights.ravel()[::4] = own  # a column where the diagonal should be
        weights.ravel()[1::4] = one
        weights[2, 0] = one
        return weights.sum(axis=1)

    assert row_sums(0.01, 0.97 / 3, 1 / 3).max() == pytest.approx(1.31, abs=0.01)
    weights = np.asarray(losses.stratified_weights(4, 100))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(weights[0], [0.01, 0.97 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    for shift in range(1, 4):
        np.testing.assert_allclose(np.roll(weights[0], shift), weights[shift], rtol=1e-6)


def test_the_stratified_weights_are_right_on_average():
    """Over all batches of 3 of 5 images, q(z) of the first image's sample is that of all 5."""
    import itertools

    q = np.array([0.7, 0.1, 0.2, 0.4, 0.05])  # q(z|x_n) of a z drawn from the first
    row = np.asarray(losses.stratified_weights(3, 5), "f8")[0]
    batches = [(0, *others) for others in itertools.permutations(range(1, 5), 2)]
    assert np.mean([row @ q[list(batch)] for batch in batches]) == pytest.approx(q.mean())


# Known parts


def test_posteriors_that_are_all_alike_tell_nothing():
    mean, logvar = np.tile([0.3, -1.0, 0.0], (40, 1)), np.tile([-1.0, 0.5, 0.0], (40, 1))
    terms = losses.kl_terms(*sampled(mean, logvar), dataset_size=1000, stratified=True)
    assert float(terms.mutual_information) == pytest.approx(0, abs=1e-5)
    assert float(terms.total_correlation) == pytest.approx(0, abs=1e-5)
    kl = float(losses.gaussian_kl(mean, logvar))
    assert float(terms.dimension_kl) == pytest.approx(kl, rel=1e-5)


def test_weighted_sampling_is_off_by_what_its_file_says_and_the_terms_are_not():
    mean = logvar = np.zeros((40, 3))
    alone = losses.total_correlation(*sampled(mean, logvar), dataset_size=1000)
    assert float(alone) == pytest.approx(2 * np.log(1000), rel=1e-5)
    terms = losses.kl_terms(*sampled(mean, logvar), dataset_size=1000)
    assert [float(term) for term in terms] == pytest.approx([0, 0, 0], abs=1e-4)


def test_a_batch_of_posteriors_far_apart_shows_log_m():
    mean = np.arange(32)[:, None] * [100.0, 100.0]
    terms = losses.kl_terms(*sampled(mean, np.zeros((32, 2))), dataset_size=1000)
    assert float(terms.mutual_information) == pytest.approx(np.log(32), rel=1e-4)
    assert float(terms.total_correlation) == pytest.approx(np.log(32), rel=1e-4)


@pytest.mark.parametrize("dataset_size", [32, 1000])
def test_posteriors_far_apart_tell_the_image(dataset_size):
    mean = np.arange(32)[:, None] * [100.0, 100.0]  # and each latent tells it: TC = log N too
    terms = losses.kl_terms(*sampled(mean, np.zeros((32, 2))), dataset_size, stratified=True)
    assert float(terms.mutual_information) == pytest.approx(np.log(dataset_size), rel=1e-5)
    assert float(terms.total_correlation) == pytest.approx(np.log(dataset_size), rel=1e-5)


def grid(side, latents):
    """Means on every point of a grid: an aggregate posterior whose latents are independent."""
    axes = np.meshgrid(*[np.linspace(-3, 3, side)] * latents, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def test_a_factorised_aggregate_posterior_has_no_total_correlation():
    mean = grid(24, 2)
    posterior = sampled(mean, np.full_like(mean, -1.0))
    value = losses.total_correlation(*posterior, dataset_size=len(mean), stratified=True)
    assert float(value) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_a_correlated_gaussian_has_its_total_correlation(correlation):
    """Means N(0, S) under noise of 0.1: q(z) = N(0, S + 0.1), whose TC is in closed form."""
    covariance = np.array([[1, correlation], [correlation, 1]])
    rng = np.random.default_rng(0)
    mean = rng.multivariate_normal([0, 0], covariance, 1500)
    posterior = sampled(mean, np.full_like(mean, np.log(0.1)))
    terms = losses.kl_terms(*posterior, dataset_size=len(mean), stratified=True)
    whole = covariance + 0.1 * np.eye(2)
    expected = -0.5 * np.log(np.linalg.det(whole) / 1.1**2)
    assert float(terms.total_correlation) == pytest.approx(expected, abs=0.05)
    information = 0.5 * np.log(np.linalg.det(whole) / 0.1**2)
    assert float(terms.mutual_information) == pytest.approx(information, rel=0.05)
    dimension_kl = 2 * 0.5 * (1.1 - np.log(1.1) - 1)
    assert float(terms.dimension_kl) == pytest.approx(dimension_kl, abs=0.1)


# What holds for all


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_parts_sum_to_the_kl(posterior, scheme):
    terms = losses.kl_terms(*posterior, **scheme)
    kl = float(losses.gaussian_kl(*posterior[1:]))
    assert sum(map(float, terms)) == pytest.approx(kl, rel=1e-5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_functions_estimate_one_total_correlation(posterior, scheme):
    terms = losses.kl_terms(*posterior, **scheme)
    alone = float(losses.total_correlation(*posterior, **scheme))
    if not scheme.get("stratified"):
        alone -= 7 * np.log(scheme["dataset_size"])  # the constant of eight latents
    assert float(terms.total_correlation) == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_latent_has_no_total_correlation(posterior, scheme):
    one = [x[:, :1] for x in posterior]
    assert float(losses.total_correlation(*one, **scheme)) == 0


@pytest.mark.parametrize("scheme", [{}, *SCHEMES])
def test_the_order_of_the_latents_does_not_matter(posterior, scheme):
    turned = [x[:, ::-1] for x in posterior]
    expected = float(losses.total_correlation(*posterior, **scheme))
    assert float(losses.total_correlation(*turned, **scheme)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("scheme", [{}, *SCHEMES])
def test_a_common_scale_of_a_latent_does_not_matter(posterior, scheme):
    z, mean, logvar = posterior
    shift = 2 * np.log(np.arange(1, 9, dtype="f4"))
    scale = np.exp(shift / 2)
    expected = float(losses.total_correlation(*posterior, **scheme))
    scaled = losses.total_correlation(scale * z, scale * mean, logvar + shift, **scheme)
    assert float(scaled) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_number_of_images_shifts_weighted_sampling_by_a_constant(posterior):
    gradients = []
    for dataset_size in (None, 64, 10**6):
        mean = tf.Variable(posterior[1])
        with tf.GradientTape() as tape:
            value = losses.total_correlation(posterior[0], mean, posterior[2], dataset_size)
        gradients.append(tape.gradient(value, mean))
        if dataset_size:
            shifted = NO_DATASET_SIZE + 7 * np.log(dataset_size * 64)
            assert float(value) == pytest.approx(shifted, rel=1e-4)
    np.testing.assert_allclose(gradients[1], gradients[0], atol=1e-6)
    np.testing.assert_allclose(gradients[2], gradients[0], atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("deviation", [1e-6, 1e-3, 1e3])
def test_narrow_and_wide_posteriors_give_finite_values_and_gradients(scheme, deviation):
    mean = np.random.default_rng(0).normal(size=(16, 10))
    z, mean, logvar = sampled(mean, np.full((16, 10), 2 * np.log(deviation)))
    mean, logvar = tf.Variable(mean), tf.Variable(logvar)
    with tf.GradientTape() as tape:
        terms = losses.kl_terms(z, mean, logvar, **scheme)
        total = sum(terms[:2])
    assert np.isfinite([float(term) for term in terms]).all()
    assert all(np.isfinite(g).all() for g in tape.gradient(total, [mean, logvar]))


@pytest.mark.parametrize("stratified", [False, True])
def test_a_graph_takes_batches_of_any_size(posterior, stratified):
    @tf.function(input_signature=[tf.TensorSpec((None, 8))] * 3)
    def graph(z, mean, logvar):
        return losses.kl_terms(z, mean, logvar, 1000, stratified)

    for n in (2, 5, 64):
        part = [x[:n] for x in posterior]
        np.testing.assert_allclose(
            graph(*part), losses.kl_terms(*part, 1000, stratified), rtol=1e-5, atol=1e-5
        )


# Refusals


def test_a_batch_of_one_is_refused(posterior):
    for function in (losses.total_correlation, losses.kl_terms):
        message = r"Expected z of shape \(N, L\), N at least 2\. Received shape: \(1, 8\)\."
        with pytest.raises(ValueError, match=message):
            function(*(x[:1] for x in posterior), dataset_size=100)


@pytest.mark.parametrize("stratified", [False, True])
def test_fewer_images_than_the_batch_are_refused(posterior, stratified):
    message = r"dataset_size to be at least the size of the batch, 64\. Received: 63\."
    with pytest.raises(ValueError, match=message):
        losses.total_correlation(*posterior, dataset_size=63, stratified=stratified)
    assert np.isfinite(float(losses.total_correlation(*posterior, 64, stratified)))


@pytest.mark.parametrize("dataset_size", [0, -1, 1, 1e3, True, "9"])
def test_a_strange_number_of_images_is_refused(posterior, dataset_size):
    with pytest.raises(ValueError, match="Expected dataset_size to be an integer of at least 2"):
        losses.total_correlation(*posterior, dataset_size=dataset_size)


def test_stratified_sampling_without_a_number_of_images_is_refused(posterior):
    with pytest.raises(ValueError, match=r"dataset_size for stratified sampling\. Received: None"):
        losses.total_correlation(*posterior, stratified=True)


def test_shapes_that_differ_are_refused(posterior):
    z, mean, logvar = posterior
    message = r"z, mean and logvar of one shape\. Received: \(64, 8\), \(64, 7\) and \(64, 8\)\."
    with pytest.raises(ValueError, match=message):
        losses.total_correlation(z, mean[:, :7], logvar)
    with pytest.raises(ValueError, match=r"of shape \(N, L\).*Received shape: \(8,\)\."):
        losses.total_correlation(z[0], mean[0], logvar[0])
