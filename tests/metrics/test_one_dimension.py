"""The one-dimensional classifiers find the minima that scikit-learn's liblinear approaches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from zoo.metrics.one_dimension import fit_logistic, fit_svm


def liblinear_svm(x, y, C):
    machine = LinearSVC(C=C, class_weight="balanced", dual=False, tol=1e-8, max_iter=10_000)
    machine.fit(x[:, None], y)
    return machine, machine.coef_.ravel(), machine.intercept_


def liblinear_logistic(x, y, C):
    machine = OneVsRestClassifier(LogisticRegression(solver="liblinear", C=C, tol=1e-8))
    machine.fit(x[:, None], y)
    w, b = zip(*[(m.coef_.item(), m.intercept_.item()) for m in machine.estimators_], strict=True)
    return machine, np.array(w), np.array(b)


CLASSIFIERS = [(fit_svm, liblinear_svm), (fit_logistic, liblinear_logistic)]


@pytest.mark.parametrize(("fit", "liblinear"), CLASSIFIERS)
@pytest.mark.parametrize("K", [2, 3, 7])
@pytest.mark.parametrize("C", [0.01, 1.0])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_agrees_with_liblinear(fit, liblinear, K, C, scale):
    rng = np.random.default_rng(K)
    y = rng.choice(K, 600, p=np.arange(1, K + 1) / np.arange(1, K + 1).sum())  # unequal classes
    x = scale * (y + rng.normal(size=600))
    machines = fit(x, y, K, C)
    theirs, w, b = liblinear(x, y, C)
    own = slice(1, 2) if K == 2 else slice(None)  # of two classes liblinear fits the second
    np.testing.assert_allclose(machines.slope[own], w, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(machines.bias[own], b, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(machines.predict(x), theirs.predict(x[:, None]))


@pytest.mark.parametrize("fit", [fit_svm, fit_logistic])
def test_the_two_machines_of_two_classes_mirror_each_other(fit, rng):
    y = rng.integers(0, 2, 100)
    machines = fit(y + rng.normal(size=100), y, 2)
    np.testing.assert_allclose(machines.slope[0], -machines.slope[1], atol=1e-9)
    np.testing.assert_allclose(machines.bias[0], -machines.bias[1], atol=1e-9)


@pytest.mark.parametrize("fit", [fit_svm, fit_logistic])
@pytest.mark.parametrize("value", [0.0, 4.0])
def test_a_constant_input_predicts_one_class(fit, value):
    y = np.repeat(np.arange(3), [10, 30, 20])
    assert set(fit(np.full(60, value), y, 3).predict(np.full(60, value))) == {1}


def svm_gradient(machines, x, y, K, C):
    """The gradient at the machines found, by a plain loop over classes: zero at the minimum."""
    for k in range(K):
        s = np.where(y == k, 1, -1)
        balance = len(y) / (K * np.bincount(y))
        weight = np.where(y == k, balance[k], balance[1 - k] if K == 2 else 1)
        slack = np.maximum(0, 1 - s * (machines.slope[k] * x + machines.bias[k]))
        pull = 2 * C * weight * s * slack
        yield machines.slope[k] - np.sum(pull * x)
        yield machines.bias[k] - np.sum(pull)


@given(seed=st.integers(0, 10_000), K=st.integers(2, 6), spread=st.sampled_from([1e-4, 1, 1e3]))
@settings(max_examples=30, deadline=None)
def test_the_gradient_vanishes_with_ties_offsets_and_any_scale(seed, K, spread):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(K), rng.integers(0, K, 50)])
    x = spread * (np.round(rng.normal(size=len(y)), 1) + rng.normal())  # rounded: many ties
    machines = fit_svm(x, y, K, C=0.5)
    gradient = list(svm_gradient(machines, x, y, K, C=0.5))
    np.testing.assert_allclose(gradient, 0, atol=1e-5 * max(1, np.abs(x).max()))
