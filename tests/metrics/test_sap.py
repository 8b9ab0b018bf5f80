"""SAP against disentanglement_lib and scikit-learn, extremes with known scores, invariances."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zoo.metrics import sap

PREDICTORS = ["svm", "logistic", "r2"]


def test_svm_agrees_with_disentanglement_lib(reference):
    """The bar is 0.01; what remains is liblinear's tolerance, a sample or two of 25,000."""
    assert sap(*reference.arrays) == pytest.approx(reference.scores["sap_discrete"], abs=2e-4)


def test_r2_agrees_with_disentanglement_lib(reference):
    score = sap(*reference.train, predictor="r2")
    assert score == pytest.approx(reference.scores["sap_continuous"], abs=1e-6)


def test_logistic_agrees_with_scikit_learn(small_reference):
    z, v, test_z, test_v = small_reference.arrays
    S = np.empty((z.shape[1], v.shape[1]))
    for j, k in np.ndindex(S.shape):
        machine = OneVsRestClassifier(LogisticRegression(solver="liblinear", C=0.1))
        machine = make_pipeline(StandardScaler(), machine).fit(z[:, [j]], v[:, k])
        S[j, k] = machine.score(test_z[:, [j]], test_v[:, k])
    second, first = np.sort(S, axis=0)[-2:]
    score = sap(*small_reference.arrays, predictor="logistic")
    assert score == pytest.approx(np.mean(first - second), abs=2e-3)


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_dead_codes_score_zero(factors, predictor):
    assert sap(np.full((len(factors), 4), 0.1), factors, predictor=predictor) == 0


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_noise_scores_low(factors, rng, predictor):
    assert sap(rng.normal(size=factors.shape), factors, predictor=predictor) < 0.1


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_duplicated_codes_score_zero(factors, predictor):
    codes = np.hstack([factors, factors])
    assert sap(codes, factors, predictor=predictor) == pytest.approx(0, abs=1e-12)


def test_identity_codes_score_high_by_r2(factors):
    assert sap(factors, factors, predictor="r2") > 0.9


def test_identity_codes_reach_one_less_chance_with_two_values():
    """One threshold a factor separates two values; the other code is right half of the time."""
    factors = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (50, 1))
    codes = 10 * factors - 5
    for predictor in ("svm", "logistic"):
        assert sap(codes, factors, codes, factors, predictor=predictor) == 0.5


def test_r2_is_the_squared_correlation(rng):
    """Against the closed form: of z = v + noise of the same variance, 1/2."""
    v = rng.normal(size=(100_000, 1))
    z = np.hstack([v + rng.normal(size=v.shape), rng.normal(size=v.shape)])
    assert sap(z, v, predictor="r2") == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_factors_of_one_value_are_left_out(factors, predictor):
    constant = np.full((len(factors), 1), 3)
    both = np.hstack([constant, factors])
    assert sap(factors, both, predictor=predictor) == sap(factors, factors, predictor=predictor)
    with pytest.raises(ValueError, match="at least one factor with more than one value"):
        sap(factors, constant, predictor=predictor)


@pytest.mark.parametrize("predictor", ["svm", "logistic"])
def test_a_test_value_never_seen_counts_as_an_error(predictor):
    factors = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (50, 1))
    codes = 10 * factors - 5
    test_factors = np.where(np.arange(200)[:, None] < 100, factors, 9)
    score = sap(codes, factors, codes, test_factors, predictor=predictor)
    assert score == pytest.approx(0.25)  # half of the accuracy is gone, and half of the gap


@pytest.mark.parametrize("predictor", ["svm", "logistic"])
def test_float_factors_are_binned_by_the_edges_of_training(rng, predictor):
    v = rng.uniform(size=(400, 2))
    edges = [np.histogram(column, 20)[1][:-1] for column in v.T]
    test_v = rng.uniform(-0.5, 1.5, size=(300, 2))

    def whole(values):
        bins = [np.digitize(column, edge) for column, edge in zip(values.T, edges, strict=True)]
        return np.maximum(np.stack(bins, axis=1), 1)  # below the least value: the first bin

    score = sap(v, v, test_v, test_v, predictor=predictor)
    assert score == sap(v, whole(v), test_v, whole(test_v), predictor=predictor)


def test_the_split_follows_the_seed(factors, rng):
    codes = factors + rng.normal(size=factors.shape)
    assert sap(codes, factors, seed=3) == sap(codes, factors, seed=3)
    assert len({sap(codes, factors, seed=seed) for seed in range(5)}) > 1
    given_test = {sap(codes, factors, codes, factors, seed=seed) for seed in range(5)}
    assert len(given_test) == 1


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
@settings(max_examples=10, deadline=None)
def test_order_scale_and_shift_of_codes_do_not_matter(seed, scale, shift):
    """The SVM is left out of scale and shift: its regulariser depends on both, by design."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 4, (200, 2))
    codes = np.hstack([factors, factors]) + rng.normal(size=(200, 4))
    order = rng.permutation(4)
    for predictor in PREDICTORS:
        score = sap(codes, factors, predictor=predictor)
        assert 0 <= score <= 1
        assert sap(codes[:, order], factors, predictor=predictor) == pytest.approx(score)
    for predictor in ("logistic", "r2"):
        moved = sap(scale * codes + shift, factors, predictor=predictor)
        assert moved == pytest.approx(sap(codes, factors, predictor=predictor), abs=1e-6)


def test_an_unknown_predictor_is_refused(factors):
    message = (
        "Unknown predictor 'logistics'. Did you mean 'logistic'? "
        "Expected one of: logistic, r2, svm."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sap(factors, factors, predictor="logistics")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_codes": 1}, "Expected test_codes and test_factors together. Received: no "),
        ({"test_factors": 1}, "together. Received: no test_codes."),
        (
            {"test_codes": np.zeros((9, 2)), "test_factors": np.zeros((9, 3))},
            "Expected as many columns in test_codes as in codes (3). Received: 2.",
        ),
        (
            {"test_codes": np.zeros((9, 3)), "test_factors": np.zeros((9, 2))},
            "Expected as many columns in test_factors as in factors (3). Received: 2.",
        ),
        (
            {"test_codes": np.zeros((9, 3)), "test_factors": np.zeros((8, 3))},
            "Expected as many rows of test_factors as of test_codes (9). Received: 8.",
        ),
    ],
)
def test_bad_test_arrays_are_refused(factors, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sap(factors, factors, **arguments)


def test_bad_input_is_refused(factors):
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        sap(factors[:, :1], factors)
    with pytest.raises(ValueError, match="finite codes"):
        sap(np.full((9, 2), np.inf), np.zeros((9, 2)))
    with pytest.raises(ValueError, match=r"at least 5 samples.*Received: 4 samples"):
        sap(factors[:4], factors[:4])
    with pytest.raises(ValueError, match="at least as many samples as bins"):
        sap(factors[:20], factors[:20] / 2)  # 16 are left after the split
