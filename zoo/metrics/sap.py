"""SAP, the separated attribute predictability score.

Kumar, Sattigeri and Balakrishnan, "Variational Inference of Disentangled Latent Concepts from
Unlabeled Observations", ICLR 2018 (https://arxiv.org/abs/1711.00848), section 3. With S_jk the
score of predicting factor k from code dimension j alone,

    SAP = 1/K sum_k ( S_j(k)k - max_{j != j(k)} S_jk ),    j(k) = argmax_j S_jk

Three predictors are in use, and their scores do not compare: say which.

    svm       S = test accuracy of a linear SVM, C = 0.01, balanced classes    (disentanglement_lib)
    logistic  S = test accuracy of a logistic regression, C = 0.1, on standardised codes
    r2        S = Cov[z_j, v_k]^2 / (Var[z_j] Var[v_k])    (the paper, for continuous factors)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo import checks
from zoo.metrics.arrays import checked, checked_test, classes, split, standardised, varied
from zoo.metrics.one_dimension import fit_logistic, fit_svm

Array = NDArray[Any]
Classifier = Callable[[Array, Array, NDArray[np.intp], int], NDArray[np.intp]]


def sap(
    codes: ArrayLike,
    factors: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_factors: ArrayLike | None = None,
    predictor: str = "svm",
    seed: int = 0,
) -> float:
    """How much better the best code dimension predicts a factor than the second best.

    Near 1 where each factor can be predicted from one code dimension and from no other; 0 where
    any two predict the same. Factors with one value are left out; a dead (constant) code predicts
    no better than chance, and has a squared correlation of 0.

    Args:
        codes: (N, L) real numbers, L at least 2, to fit the predictors on.
        factors: (N, F) whole numbers (discrete) or floats (continuous). The classifiers sort
            continuous factors into 20 bins of equal width, like codes in `mig`.
        test_codes: (M, L) codes for the test accuracy. Without them a fifth of the samples, drawn
            by `seed`, is kept out of fitting for it. "r2" needs and uses none.
        test_factors: (M, F) their factors. A value that `factors` lacks counts as an error.
        predictor: "svm", "logistic" or "r2", as above. "logistic" takes some
            twenty times as long as "svm": seconds on 10,000 samples of dSprites.
        seed: Draws the split.

    Returns:
        The gap, averaged over factors, in [0, 1].

    Raises:
        ValueError: An unknown predictor, a negative seed, wrong ranks, unequal lengths or widths,
            NaN or infinity, one code dimension, test codes without test factors or the reverse,
            too few samples to split or to bin, no factor with more than one value.

    Example:
        >>> factors = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (25, 1))
        >>> round(sap(codes=factors, factors=factors, predictor="r2"), 3)
        1.0
        >>> round(sap(10 * factors - 5, factors, 10 * factors - 5, factors), 3)
        0.5
    """
    checks.one_of("predictor", predictor, ("r2", *CLASSIFIERS))
    checks.integer("seed", seed, low=0)
    train = checked(codes, factors, least_codes=2)
    test = checked_test(train, test_codes, test_factors)
    if predictor == "r2":
        z, v = train
        S = _squared_correlations(z, v[:, varied(v)])
    else:
        (z, v), (test_z, test_v) = (train, test) if test else split(*train, seed)
        kept = varied(v)
        S = _accuracies(CLASSIFIERS[predictor], z, v[:, kept], test_z, test_v[:, kept])
    second, first = np.sort(S, axis=0)[-2:]
    return float(np.mean(first - second))


def _squared_correlations(z: Array, v: Array) -> NDArray[np.float64]:
    """(L, F) squared correlations of (N, L) codes and (N, F) factors; dead codes have none."""
    dead = np.all(z == z[0], axis=0)
    z = z - z.mean(axis=0, dtype=np.float64)
    v = v - v.mean(axis=0, dtype=np.float64)
    variances = np.outer(np.sum(z**2, axis=0), np.sum(v**2, axis=0))
    # A dead code's variance can be a rounding error, and a live one's can underflow to 0.
    alive = ~dead[:, None] & (variances > 0)
    return np.divide((z.T @ v) ** 2, variances, out=np.zeros_like(variances), where=alive)


def _accuracies(
    fit: Classifier, z: Array, v: Array, test_z: Array, test_v: Array
) -> NDArray[np.float64]:
    """(L, F) test accuracies of predicting each factor from each code dimension alone."""
    S = np.empty((z.shape[1], v.shape[1]))
    for k, (values, test_values) in enumerate(zip(v.T, test_v.T, strict=True)):
        y, test_y, K = classes(values, test_values)
        for j, (z_j, test_z_j) in enumerate(zip(z.T, test_z.T, strict=True)):
            S[j, k] = np.mean(fit(z_j, test_z_j, y, K) == test_y)
    return S


def _svm(z: Array, test_z: Array, y: NDArray[np.intp], K: int) -> NDArray[np.intp]:
    """(M,) classes predicted for the test codes of one dimension."""
    return fit_svm(z, y, K, C=0.01).predict(test_z)


def _logistic(z: Array, test_z: Array, y: NDArray[np.intp], K: int) -> NDArray[np.intp]:
    """(M,) classes predicted for the test codes of one dimension, standardised as in training."""
    z, test_z = standardised(z, test_z)
    return fit_logistic(z, y, K, C=0.1).predict(test_z)


CLASSIFIERS: dict[str, Classifier] = {"svm": _svm, "logistic": _logistic}
