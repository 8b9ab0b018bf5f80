"""Explicitness: can each factor be read off the codes by a linear classifier?

Ridgeway and Mozer, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", NeurIPS 2018
(https://arxiv.org/abs/1802.05312), section 3. With a logistic regression that predicts the value of
factor k from all codes, and AUC_kv the area under the ROC curve of its probability of value v,

    explicitness = mean_k mean_v AUC_kv                                                         (1)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo.metrics.arrays import classes, standardised, train_and_test, varied
from zoo.metrics.logistic import log_probabilities


def explicitness(
    codes: ArrayLike,
    factors: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_factors: ArrayLike | None = None,
    seed: int = 0,
) -> float:
    """How well a linear classifier on all codes tells each value of a factor from the others.

    1 where each value's probability ranks all its samples first; 0.5 is chance, and what dead
    (constant) codes score. The paper and disentanglement_lib agree on the area itself; it is not
    stretched to [0, 1] here either. As in disentanglement_lib the classifier is scikit-learn's
    multinomial logistic regression, C = 1, on codes standardised as in training.

    The probabilities of several values depend on one another, so that a middle value of an ordered
    factor is recognised too, which a classifier for that value alone could not do.

    Args:
        codes: (N, L) real numbers, to fit the classifiers on.
        factors: (N, F) whole numbers (discrete) or floats (continuous, sorted into 20 bins of equal
            width). Factors with one value are left out.
        test_codes: (M, L) codes for the ROC curves. Without them a fifth of the samples, drawn by
            `seed`, is kept out of fitting for it.
        test_factors: (M, F) their factors. A value with no test sample, or with all of them, has
            no ROC curve and is left out; one that `factors` lacks is no class, but its samples
            count among those to be told apart from.
        seed: Draws the split.

    Returns:
        Equation (1), in [0, 1].

    Raises:
        ValueError: A negative seed, wrong ranks, unequal lengths or widths, NaN or infinity, test
            codes without test factors or the reverse, too few samples to split or to bin, no
            factor with more than one value, or none of which the test has two.

    Example:
        >>> factors = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (25, 1))
        >>> explicitness(codes=factors, factors=factors)
        1.0
        >>> explicitness(codes=0 * factors, factors=factors)
        0.5
    """
    (z, v), (test_z, test_v) = train_and_test(codes, factors, test_codes, test_factors, seed)
    kept = varied(v)
    z, test_z = standardised(z, test_z)
    areas = []
    for values, test_values in zip(v[:, kept].T, test_v[:, kept].T, strict=True):
        y, test_y, _ = classes(values, test_values)
        areas.append(_areas(log_probabilities(z, y, test_z), test_y))
    means = [AUC.mean() for AUC in areas if len(AUC)]
    if not means:
        raise ValueError(
            "Expected test_factors with at least two values of one factor, at least one of them "
            "seen in training. Received: none."
        )
    return float(np.mean(means))


def _areas(evidence: NDArray[np.float64], y: NDArray[Any]) -> NDArray[np.float64]:
    """Areas under the ROC curves of (M, K) evidence for (M,) classes, where there is a curve.

    The area is the share of pairs, one sample of the class and one of the rest, in which the first
    has more evidence (ties count half): the Mann-Whitney statistic, from the ranks of the samples.
    """
    from scipy.stats import rankdata  # half a second

    M, K = evidence.shape
    is_class = y[:, None] == np.arange(K)
    n = is_class.sum(axis=0)
    curved = (n > 0) & (n < M)
    rank_sums = np.sum(rankdata(evidence, axis=0), axis=0, where=is_class)
    n = n[curved]
    return (rank_sums[curved] - n * (n + 1) / 2) / (n * (M - n))
