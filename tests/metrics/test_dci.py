"""DCI against disentanglement_lib, its equations, and extremes with known scores."""

import re

import numpy as np
import pytest

from zoo.metrics import dci
from zoo.metrics.dci import DCI, _purity


@pytest.fixture
def factors(rng):
    """(400, 3) factors of 2, 3 and 4 values, independent of one another."""
    return rng.integers(0, [2, 3, 4], (400, 3))


def few(*arrays, **options):
    return dci(*arrays, predictor="few_trees", **options)


@pytest.mark.parametrize(("predictor", "near"), [("trees", 0.03), ("few_trees", 0.03)])
def test_agrees_with_disentanglement_lib(small_reference, predictor, near):
    published = small_reference.scores["dci"]
    score = dci(*small_reference.arrays, predictor=predictor)
    assert score == pytest.approx(
        (
            published["disentanglement"],
            published["completeness"],
            published["informativeness_test"],
        ),
        abs=near,
    )


@pytest.mark.parametrize("predictor", ["trees", "few_trees"])
def test_identity_and_permuted_codes_score_one(factors, predictor):
    assert dci(factors, factors, predictor=predictor) == pytest.approx((1, 1, 1), abs=0.01)
    permuted = factors[:, [2, 0, 1]] * [1.0, -2.0, 0.5]
    assert dci(permuted, factors, predictor=predictor) == pytest.approx((1, 1, 1), abs=0.01)


def test_dead_codes_score_zero_and_predict_the_most_frequent_value(factors):
    dead = np.full((len(factors), 4), 0.1, np.float32)
    chance = np.mean([np.bincount(v).max() / len(v) for v in factors.T])
    assert few(dead, factors, dead, factors) == pytest.approx((0, 0, chance))


def test_dead_codes_weigh_nothing(factors):
    codes = np.hstack([factors, 0 * factors])
    assert few(codes, factors) == pytest.approx((1, 1, 1), abs=0.01)


def test_noise_scores_low(factors, rng):
    scores = few(rng.normal(size=(len(factors), 8)), factors)
    assert scores.disentanglement < 0.2
    assert scores.completeness < 0.2
    assert scores.informativeness < 0.5


def test_a_code_of_two_factors_merged_costs_disentanglement(factors):
    """Completeness is kept: each factor is known to one code."""
    merged = np.stack([factors[:, 0] + 2 * factors[:, 1], factors[:, 2]], axis=1)
    scores = few(merged, factors)
    assert scores.completeness > 0.95
    # Two thirds of the importance is shared by two of three factors.
    expected = 1 / 3 + 2 / 3 * (1 - np.log(2) / np.log(3))
    assert scores.disentanglement == pytest.approx(expected, abs=0.03)


def test_a_factor_over_two_codes_costs_completeness(rng):
    """The sum of two codes, about equally important; disentanglement is kept."""
    codes = rng.integers(0, 2, (800, 3))
    factors = np.stack([codes[:, 0] + codes[:, 1], codes[:, 2]], axis=1)
    scores = few(codes, factors)
    assert scores.disentanglement > 0.95
    assert scores.informativeness == 1
    expected = (1 + 1 - np.log(2) / np.log(3)) / 2
    assert scores.completeness == pytest.approx(expected, abs=0.06)


def test_purity_by_its_equation():
    assert _purity(np.eye(3)) == 1
    assert _purity(np.ones((3, 4))) == 0
    assert _purity(np.zeros((3, 4))) == 0
    H = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(2)
    assert _purity(np.array([[3.0, 1.0], [0.0, 4.0]])) == pytest.approx(0.5 * (1 - H) + 0.5)
    assert _purity(np.array([[3.0, 1.0], [0.0, 0.0]])) == pytest.approx(1 - H)


def test_factors_of_one_value_are_left_out(factors):
    constant = np.full((len(factors), 1), 3)
    assert few(factors, np.hstack([constant, factors])) == few(factors, factors)


def test_order_scale_and_shift_do_not_matter(factors, rng):
    codes = factors + rng.normal(size=factors.shape)
    moved = few(8 * codes[:, [2, 0, 1]] + 16, factors[:, ::-1])
    assert moved == pytest.approx(few(codes, factors), abs=0.02)  # equally good splits are few


def test_the_split_follows_the_seed(factors, rng):
    codes = factors + rng.normal(size=factors.shape)
    first = few(codes, factors, seed=3)
    assert isinstance(first, DCI)
    assert few(codes, factors, seed=3) == first != few(codes, factors, seed=4)
    assert few(codes, factors, codes, factors, seed=3) == few(codes, factors, codes, factors)


def test_values_that_training_lacks_count_as_errors(factors):
    unseen = factors.copy()
    unseen[:200] = 9
    assert few(factors, factors, factors, unseen).informativeness == pytest.approx(0.5, abs=0.01)


def test_float_factors_are_binned_by_the_edges_of_training(rng):
    v = rng.uniform(size=(300, 2))
    scores = few(v, v, v, v)
    bins = [np.digitize(column, np.histogram(column, 20)[1][:-1]) for column in v.T]
    assert scores == few(v, np.stack(bins, axis=1), v, np.stack(bins, axis=1))
    assert scores.disentanglement > 0.9


def test_an_unknown_predictor_is_refused(factors):
    message = (
        "Unknown predictor 'tree'. Did you mean 'trees' or 'few_trees'? "
        "Expected one of: few_trees, trees."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dci(factors, factors, predictor="tree")


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="codes of at least 2 dimensions"):
        dci(factors[:, :1], factors)
    with pytest.raises(ValueError, match="at least 2 factors with more than one value"):
        dci(factors, factors * [1, 0, 0])
    with pytest.raises(ValueError, match="finite codes"):
        dci(np.full(factors.shape, np.nan), factors)
    with pytest.raises(ValueError, match=r"seed to be an integer of at least 0"):
        dci(factors, factors, seed=-1)
    with pytest.raises(ValueError, match="no test_factors"):
        dci(factors, factors, factors)
    with pytest.raises(ValueError, match="at least 5 samples"):
        dci(factors[:4], factors[:4])
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        dci(factors[:20], factors[:20] / 2)
