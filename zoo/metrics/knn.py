"""k-NN: are an image's nearest neighbours of its class?

Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", CVPR 2018
(https://arxiv.org/abs/1805.01978), section 3.4. With s_i the cosine of a query's code and that of
image i of the bank, and N_k the k images with the largest cosines, class c gets

    w_c = sum_(i in N_k) exp(s_i / T) [ label_i = c ],   k = 200, T = 0.1                       (1)

and the class with most votes is predicted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo import checks
from zoo.metrics.arrays import classes, train_and_test_labels, unit

PRODUCTS = 2**22  # cosines that are held at once: 16 MB
FINENESS = 2**20  # cosines are told apart by 1e-6, which is what float32 knows of them


def knn(
    codes: ArrayLike,
    labels: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    k: int = 200,
    temperature: float = 0.1,
    seed: int = 0,
) -> float:
    """The share of test codes whose class a weighted vote of their nearest neighbours finds.

    Nothing is fitted, so it shows what the codes hold as they are. The result depends on the size
    of the bank, `codes`: name it beside the score.

    The order of the bank does not matter: images as far away as the k-th share the places that
    are left. Between classes with as many votes the smallest label is predicted. Codes that are
    all equal or all 0 know only which class is the most frequent.

    Args:
        codes: (N, L) real numbers: the bank. The length of a row does not matter; a row of zeros
            stays one, and has cosine 0 with all others.
        labels: (N,) integers, of at least two classes.
        test_codes: (M, L) codes of the queries. Without them a fifth of each class is kept out of
            the bank for it.
        test_labels: (M,). A class that the bank lacks is never predicted.
        k: Neighbours that vote; no more than the bank holds.
        temperature: T, above 0. The lower, the more the nearest weigh.
        seed: Draws the fifth.

    Returns:
        Accuracy in [0, 1].

    Raises:
        ValueError: `k` below 1, a temperature of 0 or less, a negative seed, wrong ranks, labels
            that are attributes, unequal lengths or widths, NaN or infinity, a single class, fewer
            codes than classes, test codes without test labels or the reverse.

    Example:
        >>> labels = np.arange(100) % 5
        >>> knn(codes=np.eye(5)[labels], labels=labels, k=10)
        1.0
    """
    k = checks.integer("k", k, low=1)
    temperature = checks.positive("temperature", temperature)
    train, test = train_and_test_labels(codes, labels, test_codes, test_labels, seed)
    y, test_y, K = classes(train[1], test[1])
    predicted = np.argmax(_votes(train[0], y, K, test[0], min(k, len(y)), temperature), axis=1)
    return float(np.mean(predicted == test_y))


def _votes(
    bank: NDArray[np.floating],
    y: NDArray[np.intp],
    K: int,
    queries: NDArray[np.floating],
    k: int,
    T: float,
) -> NDArray[np.float64]:
    """(M, K): equation (1), each query's by a factor of its own."""
    bank, queries = (unit(codes).astype(np.float32) for codes in (bank, queries))
    N, M = len(bank), len(queries)
    votes = np.empty((M, K))
    size = max(1, PRODUCTS // N)
    for start in range(0, M, size):
        s = queries[start : start + size] @ bank.T
        np.rint(s * FINENESS, out=s)
        kth = np.partition(s, N - k, axis=1)[:, N - k]
        query, neighbour = np.nonzero(s >= kth[:, None])
        cosines = s[query, neighbour].astype(np.float64)
        shared = cosines == kth[query]
        beyond = np.bincount(query, ~shared, minlength=len(s))  # the k-th, no place to share
        places = (k - beyond) / np.bincount(query, shared, minlength=len(s))
        weights = np.exp((cosines - s.max(axis=1)[query]) / FINENESS / T)  # at most 1
        weights = np.where(shared, weights * places[query], weights)
        table = np.bincount(query * K + y[neighbour], weights, minlength=len(s) * K)
        votes[start : start + size] = table.reshape(-1, K)
    return votes
