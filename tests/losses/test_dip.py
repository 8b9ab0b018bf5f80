"""The penalties of DIP-VAE against references and covariances known by hand."""

import inspect
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from zoo import losses
from zoo.disentangled.dip_vae_i import DIPVAEI
from zoo.disentangled.dip_vae_ii import DIPVAEII

REFERENCE = pathlib.Path(__file__).parent / "reference"
WEIGHTS = ("off_diagonal_weight", "diagonal_weight")
DIP_I, DIP_II = 23.328224454166662, 20.385000056879306  # see reference/README.md


@pytest.fixture(scope="module")
def posterior():
    with np.load(REFERENCE / "gaussian.npz") as file:
        return file["mean"], file["logvar"]


def test_dip_i_is_the_reference(posterior):
    value = losses.dip(posterior[0], off_diagonal_weight=10.0, diagonal_weight=100.0)
    assert float(value) == pytest.approx(DIP_I, rel=1e-5)


def test_dip_ii_is_the_reference(posterior):
    value = losses.dip(*posterior, off_diagonal_weight=10.0, diagonal_weight=10.0)
    assert float(value) == pytest.approx(DIP_II, rel=1e-5)


def test_the_weights_are_by_default_those_of_the_methods(posterior):
    for given, expected in ((posterior[:1], DIP_I), (posterior, DIP_II)):
        assert float(losses.dip(*given)) == pytest.approx(expected, rel=1e-5)
    for method, given in ((DIPVAEI, posterior[:1]), (DIPVAEII, posterior)):
        defaults = inspect.signature(method).parameters
        weights = {name: defaults[name].default for name in WEIGHTS}
        assert float(losses.dip(*given, **weights)) == float(losses.dip(*given))


def test_the_references_here_are_the_published_ones(test_data):
    values = json.loads((test_data / "reference" / "losses" / "values.json").read_text())
    assert values["dip_vae_i_od10_d100"] == DIP_I
    assert values["dip_vae_ii_od10_d10"] == DIP_II


def test_the_penalties_are_numpys_covariance(posterior):
    covariance = np.cov(posterior[0].astype("f8"), rowvar=False, bias=True)
    variances = np.diag(covariance)
    off_diagonal, diagonal = losses.dip_penalties(posterior[0])
    expected = (covariance**2).sum() - (variances**2).sum()
    assert float(off_diagonal) == pytest.approx(expected, rel=1e-5)
    assert float(diagonal) == pytest.approx(((variances - 1) ** 2).sum(), rel=1e-5)


def test_white_codes_are_not_penalised():
    mean = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "f4")
    assert [float(p) for p in losses.dip_penalties(mean)] == [0, 0]
    noise = np.log(np.full_like(mean, 0.25))
    off_diagonal, diagonal = losses.dip_penalties(np.float32(0.75**0.5) * mean, noise)
    assert float(off_diagonal) == pytest.approx(0, abs=1e-6)
    assert float(diagonal) == pytest.approx(0, abs=1e-6)


def test_the_posterior_of_the_prior_is_penalised_by_the_first_alone():
    mean = logvar = np.zeros((4, 3), "f4")
    assert [float(p) for p in losses.dip_penalties(mean)] == [0, 3]
    assert [float(p) for p in losses.dip_penalties(mean, logvar)] == [0, 0]


def test_each_weight_is_its_own(posterior):
    off_diagonal, diagonal = map(float, losses.dip_penalties(*posterior))
    weights = {"off_diagonal_weight": 3.0, "diagonal_weight": 0.5}
    expected = 3 * off_diagonal + 0.5 * diagonal
    assert float(losses.dip(*posterior, **weights)) == pytest.approx(expected, rel=1e-6)


def test_where_the_codes_lie_does_not_matter(posterior):
    for found, expected in zip(
        losses.dip_penalties(posterior[0] + np.float32(1000)),
        losses.dip_penalties(posterior[0]),
        strict=True,
    ):
        assert float(found) == pytest.approx(float(expected), rel=1e-3)  # 1000 costs digits


def test_a_graph_takes_batches_of_any_size(posterior):
    @tf.function(input_signature=[tf.TensorSpec((None, 8))] * 2)
    def graph(mean, logvar):
        return losses.dip(mean, logvar)

    for n in (2, 64):
        part = [x[:n] for x in posterior]
        assert float(graph(*part)) == pytest.approx(float(losses.dip(*part)), rel=1e-5)


def test_a_batch_of_one_is_refused(posterior):
    message = r"Expected mean of shape \(N, L\), N at least 2\. Received shape: \(1, 8\)\."
    for function in (losses.dip, losses.dip_penalties):
        with pytest.raises(ValueError, match=message):
            function(posterior[0][:1])


def test_shapes_that_differ_are_refused(posterior):
    with pytest.raises(ValueError, match=r"mean and logvar of one shape.*\(64, 8\) and \(64, 7\)"):
        losses.dip(posterior[0], posterior[1][:, :7])


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("weight", [-1, float("nan"), "1"])
def test_a_strange_weight_is_refused(posterior, name, weight):
    with pytest.raises(ValueError, match=f"Expected {name} to be a number of at least 0"):
        losses.dip(posterior[0], **{name: weight})
