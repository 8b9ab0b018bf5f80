"""What contrastive codes do on the unit sphere: alignment, uniformity, deviation, rank."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.metrics import alignment, effective_rank, feature_deviation, score_codes, uniformity
from zoo.metrics.scoring import chosen

HERE = Path(__file__).parents[1] / "losses" / "reference"  # its README.md says where it is from
ALIGNMENT, UNIFORMITY = 0.35602909326553345, -3.735485553741455
ONE_TABLE = (uniformity, effective_rank, feature_deviation)


@pytest.fixture(scope="module")
def views():
    with np.load(HERE / "projections.npz") as file:
        return file["z1"], file["z2"]


def rotation(rng, size):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def test_published_values(views):
    assert alignment(*views) == pytest.approx(ALIGNMENT, rel=1e-5)
    assert uniformity(views[0]) == pytest.approx(UNIFORMITY, rel=1e-5)


def test_the_values_here_are_the_published_ones(test_data):
    published = json.loads((test_data / "reference" / "losses" / "values.json").read_text())
    assert (published["alignment"], published["uniformity"]) == (ALIGNMENT, UNIFORMITY)


# Known answers


def test_alignment_of_known_angles():
    a = np.array([[1.0, 0], [1, 0], [1, 0]])
    b = np.array([[3.0, 0], [0, 2], [-1, 0]])  # distances 0, sqrt 2, 2
    assert alignment(a, b) == pytest.approx((0 + 2 + 4) / 3)
    assert alignment(a, b, alpha=1.0) == pytest.approx((0 + np.sqrt(2) + 2) / 3)
    assert alignment(a, np.zeros_like(a)) == pytest.approx(1)  # a zero is the sphere's centre


def test_alignment_is_two_less_two_cosines(views):
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in views)
    assert alignment(*views) == pytest.approx(2 - 2 * np.mean(np.sum(a * b, axis=1)), rel=1e-5)


def test_uniformity_is_the_papers_double_sum(rng):
    z = rng.normal(size=(30, 4))
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    pairs = [np.sum((u[i] - u[j]) ** 2) for i in range(30) for j in range(i)]
    for t in (0.5, 2.0, 7.0):
        expected = np.log(np.mean(np.exp(-t * np.array(pairs))))
        assert uniformity(z, t=t) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("t", [20, 50, 1000])
def test_potentials_too_small_for_numbers_have_a_logarithm(t, monkeypatch):
    assert uniformity([[1, 0], [-1, 0]], t=t) == pytest.approx(-4 * t)
    square = [[1, 0], [-1, 0], [0, 1], [0, -1]]  # of 12 pairs 8 at sqrt 2, the rest at 2
    monkeypatch.setattr(sys.modules["zoo.metrics.uniformity"], "PRODUCTS", 1)  # row by row
    assert uniformity(square, t=t) == pytest.approx(-2 * t + np.log(8 / 12))


def test_uniformity_of_many_dimensions_comes_near_its_limit(rng):
    """Independent directions are orthogonal: all distances are sqrt 2."""
    assert uniformity(rng.normal(size=(200, 4000))) == pytest.approx(-4, abs=0.01)


def test_uniformity_in_pieces_is_that_of_the_whole(rng, monkeypatch):
    z = rng.normal(size=(50, 3))
    expected = uniformity(z)
    monkeypatch.setattr(sys.modules["zoo.metrics.uniformity"], "PRODUCTS", 7 * 50)
    assert uniformity(z) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [1, 3, 16])
def test_codes_that_vary_in_all_directions_have_full_rank(rng, size):
    equally = np.concatenate([np.eye(size), -np.eye(size)])
    assert effective_rank(5 * equally + 100) == pytest.approx(size)
    assert effective_rank(rng.normal(size=(20_000, size))) == pytest.approx(size, rel=1e-3)


def test_rank_is_the_entropy_of_the_spectrum(rng):
    z = rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6))
    for centred in (True, False):
        s = np.linalg.svd(z - centred * z.mean(axis=0), compute_uv=False)
        p = s / s.sum()
        expected = np.exp(-np.sum(p * np.log(p)))
        assert effective_rank(z, centred=centred) == pytest.approx(expected)


def test_copies_add_no_rank(rng):
    z = rng.normal(size=(500, 3))
    assert effective_rank(np.hstack([z, z, z])) == pytest.approx(effective_rank(z), rel=1e-6)
    assert effective_rank(np.hstack([z, 0 * z + 7])) == pytest.approx(effective_rank(z))


def test_fewer_samples_than_dimensions_bound_the_rank(rng):
    assert effective_rank(rng.normal(size=(5, 100)), centred=False) <= 5


def test_a_large_mean_hides_what_varies_from_what_is_not_centred(rng):
    z = rng.normal(size=(500, 8)) + 100
    assert effective_rank(z) > 7.9
    assert effective_rank(z, centred=False) < 2


def test_deviation_of_all_directions_is_one(rng):
    assert feature_deviation(rng.normal(size=(5000, 32))) == pytest.approx(1, abs=0.02)
    relu = np.abs(rng.normal(size=(5000, 256)))  # half-normal: a deviation of sqrt(1 - 2/pi)
    assert feature_deviation(relu) == pytest.approx(np.sqrt(1 - 2 / np.pi), abs=0.02)


# Collapse


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_collapsed_codes_score_as_such(value, dtype):
    same = np.full((50, 7), value, dtype)
    assert feature_deviation(same) == 0
    assert effective_rank(same) == 0
    assert effective_rank(same, centred=False) == pytest.approx(float(value != 0))
    assert alignment(same, same) == 0
    assert uniformity(same) == pytest.approx(0, abs=1e-6)


def test_one_sample_does_not_vary():
    assert feature_deviation([[1.0, 2.0]]) == 0
    assert effective_rank([[1.0, 2.0]]) == 0


# Invariances


@pytest.mark.parametrize("metric", ONE_TABLE)
def test_the_order_of_samples_and_dimensions_does_not_matter(metric, rng):
    z = rng.normal(size=(60, 5)) + 1
    shuffled = z[rng.permutation(60)][:, rng.permutation(5)]
    assert metric(shuffled) == pytest.approx(metric(z), rel=1e-5)


@pytest.mark.parametrize("metric", ONE_TABLE)
@pytest.mark.parametrize("scale", [1e-20, 3.0, 1e20])
def test_a_common_scale_does_not_matter(metric, scale, rng):
    z = rng.normal(size=(60, 5)).astype(np.float32)
    assert metric(z * np.float32(scale)) == pytest.approx(metric(z), rel=1e-5)


def test_lengths_do_not_matter_on_the_sphere(rng, views):
    lengths = rng.uniform(0.1, 10, (64, 1))
    assert alignment(views[0] * lengths, views[1]) == pytest.approx(ALIGNMENT, rel=1e-5)
    assert uniformity(views[0] * lengths) == pytest.approx(UNIFORMITY, rel=1e-5)
    deviation = feature_deviation(views[0])
    assert feature_deviation(views[0] * lengths) == pytest.approx(deviation, rel=1e-5)


def test_rotation_does_not_matter(rng, views):
    turn = rotation(rng, 32)
    assert alignment(views[0] @ turn, views[1] @ turn) == pytest.approx(ALIGNMENT, rel=1e-5)
    assert uniformity(views[0] @ turn) == pytest.approx(UNIFORMITY, rel=1e-5)
    assert effective_rank(views[0] @ turn) == pytest.approx(effective_rank(views[0]), rel=1e-5)


# As scores


def test_two_views_are_no_score_of_one_model():
    with pytest.raises(ValueError, match="Unknown metric 'alignment'"):
        chosen("alignment")


def test_they_need_neither_factors_nor_labels(rng):
    names = [metric.__name__ for metric in ONE_TABLE]
    scores = score_codes(names, rng.normal(size=(50, 4)))
    assert list(scores) == names
    assert scores["effective_rank"].protocol == {"samples": 50, "centred": True, "seed": 0}


# Refusals


def test_bad_input_is_refused(rng):
    z = rng.normal(size=(10, 3))
    for metric in ONE_TABLE:
        with pytest.raises(ValueError, match="finite codes"):
            metric(np.nan * z)
        with pytest.raises(ValueError, match=r"codes of shape \(N, L\)"):
            metric(z[0])
    with pytest.raises(ValueError, match=r"^Expected finite zb\. "):
        alignment(z, np.inf * z)
    with pytest.raises(ValueError, match=r"^Expected za of shape"):
        alignment(z[0], z)
    with pytest.raises(ValueError, match=r"^Expected za and zb of one shape\. Received: "):
        alignment(z, z[:5])
    for alpha in (0, -1, float("nan"), "2"):
        with pytest.raises(ValueError, match="Expected alpha to be a number above 0"):
            alignment(z, z, alpha=alpha)
    for t in (0, -1, float("inf"), True):
        with pytest.raises(ValueError, match="Expected t to be a number above 0"):
            uniformity(z, t=t)
    with pytest.raises(ValueError, match=r"^Expected codes of at least 2 samples\. Received: 1\.$"):
        uniformity(z[:1])
    with pytest.raises(ValueError, match=r"^Expected centred to be True or False\. Received: 1\.$"):
        effective_rank(z, centred=1)
