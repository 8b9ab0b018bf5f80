"""Linear probe: can the class be read off the frozen codes by a linear classifier?

The protocol by which self-supervised encoders are compared (Oord et al. 2018; Chen et al. 2020,
appendix B.6): a multinomial logistic regression on codes that training no longer moves,

    minimise  1/N sum_i -log p(y_i | z_i)  +  lambda/2 |W|^2

with lambda searched on a fifth of the training codes, and the classifier fitted again to all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo import checks
from zoo.metrics.arrays import standardised, train_and_test_labels
from zoo.metrics.logistic import quiet
from zoo.splits import stratified

# Lambda, strongest first. Where a search has nothing to go by, as with one label a class, it is
# the second: with ten samples scikit-learn's C of 1.
STRENGTHS = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
UNSEARCHED = 0.1
SHARED_OUT = 2**20  # numbers that are enough work for several threads
STEPS = 500  # of L-BFGS at most; some twenty are usual


def linear_probe(
    codes: ArrayLike,
    labels: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    label_share: float = 1.0,
    seed: int = 0,
) -> float:
    """The share of test codes whose class a linear classifier predicts, fitted to other codes.

    Codes are standardised as in training. The strength of the L2 penalty is the one of 1, 0.1 ...
    1e-5 with the lowest cross-entropy on a fifth of the labelled training codes, drawn by `seed`;
    the test has no part in it. L-BFGS starts each fit at the one before.

    Args:
        codes: (N, L) real numbers, to fit the classifier to.
        labels: (N,) integers, of at least two classes.
        test_codes: (M, L). Without them a fifth of each class is kept out of fitting for it.
        test_labels: (M,). A class that `labels` lacks is never predicted.
        label_share: The share of the labels of each class that the classifier sees, rounded down
            but one at least: how much does it take to read the codes? All codes are standardised
            by.
        seed: Draws the splits, and the labels that are seen.

    Returns:
        Accuracy in [0, 1].

    Raises:
        ValueError: A share of labels outside (0, 1], a negative seed, wrong ranks, labels that
            are attributes, unequal lengths or widths, NaN or infinity, a single class, fewer
            codes than classes, test codes without test labels or the reverse.

    Example:
        >>> labels = np.arange(100) % 5
        >>> linear_probe(codes=np.eye(5)[labels], labels=labels)
        1.0
    """
    predicted, truth = probed(codes, labels, test_codes, test_labels, label_share, seed)
    return float(np.mean(predicted == truth))


def probed(
    codes: ArrayLike,
    labels: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    label_share: float = 1.0,
    seed: int = 0,
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """The predictions behind `linear_probe`: labels that are predicted, and the true ones, (M,).

    Example:
        >>> predicted, truth = probed(np.eye(2).repeat(9, axis=0), np.repeat([3, 5], 9))
        >>> predicted.tolist(), truth.tolist()
        ([3, 3, 5, 5], [3, 3, 5, 5])
    """
    label_share = checked_share(label_share)
    train, test = train_and_test_labels(codes, labels, test_codes, test_labels, seed)
    present, y = np.unique(train[1], return_inverse=True)
    z, test_z = (table.astype(np.float32) for table in standardised(train[0], test[0]))
    if label_share < 1:
        seen = seen_labels(y, label_share, seed)
        z, y = z[seen], y[seen]
    chosen = classifier(z, y, seed).predict(test_z)
    return present[chosen], test[1]


def seen_labels(labels: NDArray[np.integer], label_share: float, seed: int = 0) -> NDArray[np.intp]:
    """The rows whose labels a probe sees: of each class its share, rounded down, one at least.

    Example:
        >>> len(seen_labels(np.arange(100) % 5, label_share=0.1))
        10
    """
    if label_share == 1:
        return np.arange(len(labels))
    return stratified(labels, 1 - label_share, seed)[0]


def checked_share(label_share: float) -> float:
    """A share of labels above 0 and up to 1, or a refusal."""
    if not 0 < checks.number("label_share", label_share) <= 1:
        raise ValueError(
            f"Expected label_share to be a number above 0 and up to 1. Received: {label_share!r}."
        )
    return float(label_share)


def classifier(z: NDArray[np.float32], y: NDArray[np.intp], seed: int = 0) -> Any:
    """scikit-learn's logistic regression, fitted to standardised codes, its strength searched.

    Args:
        z: (N, L) standardised codes.
        y: (N,) classes 0 to K - 1, each of them present, K at least 2.
        seed: Draws the fifth that the strength is searched on.
    """
    # Imported here: half a second, which `zoo --help` must not take.
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    rest, held_out = stratified(y, 1 / 5, seed)
    machine = LogisticRegression(warm_start=True, max_iter=STEPS)

    def fit(strength: float, rows: NDArray[np.intp]) -> None:
        machine.set_params(C=1 / (strength * len(rows))).fit(z[rows], y[rows])

    def entropy(strength: float) -> float:
        fit(strength, rest)
        p = machine.predict_proba(z[held_out])[np.arange(len(held_out)), y[held_out]]
        return -float(np.mean(np.log(np.maximum(p, np.finfo(np.float32).tiny))))

    # Threads that share out small products spend their time waiting for one another.
    with quiet(), threadpool_limits(1 if z.size < SHARED_OUT else None, user_api="blas"):
        best = min(STRENGTHS, key=entropy) if len(held_out) else UNSEARCHED
        fit(best, np.arange(len(y)))
    return machine
