"""UDR: models that find the same latents agree, those that rotate them do not."""

import re

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso

from zoo.metrics import udr

both = pytest.mark.parametrize("relation", ["lasso", "spearman"])


@pytest.fixture
def latents(rng):
    return rng.normal(size=(5000, 4))


def rotated(latents, rng):
    return latents @ np.linalg.qr(rng.normal(size=(4, 4)))[0]


def equals(latents, rng):
    """The same latents in another order, with other signs and scales."""
    order, scale = rng.permutation(4), rng.choice([-3, -1, 0.5, 2], 4)
    return latents[:, order] * scale + 1


@pytest.mark.parametrize(
    ("relation", "least", "most"), [("lasso", 0.89, 0.91), ("spearman", 0.93, 1)]
)
def test_equal_models_agree(latents, rng, relation, least, most):
    values = udr([equals(latents, rng) for _ in range(3)], relation=relation)
    assert values.shape == (3,)
    assert (least < values).all()
    assert (values <= most).all()


@both
def test_order_sign_and_scale_do_not_matter(latents, rng, relation):
    models = [latents + 0.5 * rng.normal(size=latents.shape) for _ in range(3)]
    moved = [equals(z, rng) for z in models]
    np.testing.assert_allclose(udr(moved, relation=relation), udr(models, relation=relation))


@both
def test_rotated_models_agree_less(latents, rng, relation):
    turned = udr([rotated(latents, rng) for _ in range(4)], relation=relation)
    assert turned.max() < 0.7


@both
def test_models_of_noise_do_not_agree(rng, relation):
    assert udr(rng.normal(size=(3, 5000, 4)), relation=relation).max() < 0.03


@both
def test_the_odd_one_out_is_ranked_last(latents, rng, relation):
    models = [equals(latents, rng) for _ in range(4)]
    models[2] = rotated(latents, rng)
    values = udr(models, relation=relation)
    assert values.argmin() == 2
    assert np.delete(values, 2).min() > 0.85  # the median of the others


@both
def test_uninformative_latents_are_left_out(latents, rng, relation):
    models = [equals(latents, rng) for _ in range(3)]
    plain = udr(models, relation=relation)
    with_noise = [np.hstack([z, 1e-3 * rng.normal(size=(5000, 6))]) for z in models]
    kl = [[2.0, 1.0, 0.5, 0.011, 0.01, 0, 0, 0, 0, 0]] * 3
    np.testing.assert_allclose(udr(with_noise, kl, relation), plain)
    assert udr(with_noise, relation=relation).max() < plain.min() - 0.2
    with_dead = [np.insert(z, 1, index, axis=1) for index, z in enumerate(models)]
    np.testing.assert_allclose(udr(with_dead, relation=relation), plain)


@both
def test_widths_may_differ(latents, relation):
    """Three latents found by both and one by one alone: of 7 informative, 6 are shared."""
    values = udr([latents, latents[:, :3]], relation=relation)
    assert values == pytest.approx(6 / 7 * (0.9 if relation == "lasso" else 1), abs=0.06)


@both
def test_a_model_without_latents_scores_zero(latents, relation):
    values = udr([latents, latents, latents, np.ones((5000, 4))], relation=relation)
    assert values[3] == 0
    assert values[:3].min() > 0.85


def matrix(first, second, relation):
    """R as disentanglement_lib computes it: rows are the first model's latents."""
    if relation == "lasso":
        return np.abs(Lasso(alpha=0.1).fit(first, second).coef_).T
    return np.array([[abs(spearmanr(a, b)[0]) for b in second.T] for a in first.T])


@both
def test_equals_disentanglement_lib_where_all_latents_are_informative(latents, rng, relation):
    models = [rotated(latents, rng) + 0.3 * rng.normal(size=latents.shape) for _ in range(4)]
    scaled = [(z - z.mean(axis=0)) / z.std(axis=0) for z in models]
    expected = []
    for i in range(4):
        pairs = []
        for j in {0, 1, 2, 3} - {i}:
            R = matrix(scaled[j], scaled[i], relation)
            halves = [np.mean(R.max(axis=axis) ** 2 / R.sum(axis=axis)) for axis in (0, 1)]
            pairs.append(np.mean(halves))
        expected.append(np.median(pairs))
    np.testing.assert_allclose(udr(models, relation=relation), expected, rtol=1e-4)


# Refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: {"models_codes": [z]}, "Expected codes of at least two models. Received: 1."),
        (
            lambda z: {"models_codes": [z, z[1:]]},
            "Expected codes of the same images, 5000 by model 0. Received: 4999 by model 1.",
        ),
        (
            lambda z: {"models_codes": [z, z[0]]},
            "Expected model 1's codes of shape (N, L), not empty. Received: shape (4,).",
        ),
        (lambda z: {"models_codes": [np.nan * z, z]}, "Expected finite model 0's codes."),
        (
            lambda z: {"kl": [np.ones(4)]},
            "Expected the KLs of as many models as codes (2). Received: 1.",
        ),
        (
            lambda z: {"kl": [np.ones(4), [1.0, 2.0]]},
            "Expected model 1's KL as 4 numbers of at least 0, one a latent. Received: [1.0, 2.0].",
        ),
        (lambda z: {"kl": [[1, 2, 3, -1], np.ones(4)]}, "Expected model 0's KL as 4 numbers"),
        (lambda z: {"kl": [[1, 2, 3, np.nan], np.ones(4)]}, "Expected model 0's KL as 4 numbers"),
        (lambda z: {"relation": "laso"}, "Unknown relation 'laso'. Did you mean 'lasso'?"),
    ],
)
def test_what_cannot_be_compared_is_refused(latents, change, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        udr(**{"models_codes": [latents, latents], **change(latents)})
