"""Approximated accuracy: the expected accuracy, if the model's own probabilities were true.

Wang et al., "Realistic Evaluation of Deep Partial-Label Learning Algorithms" (PLENCH), ICLR 2025
(https://arxiv.org/abs/2502.10184). With S_i the candidate labels of image i, p_i the probabilities
that a model gives its classes, and p_i(j | S_i) = p_ij / sum_(k in S_i) p_ik for j in S_i, else 0,

    AA = 1/N sum_i p_i(argmax_j p_ij | S_i).

Like the covering rate it takes no true label, and never exceeds it. A model that is too sure of
itself comes close to it, right or wrong; so the zoo chooses by the covering rate, and logs this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo.metrics.arrays import checked_candidates


def approximated_accuracy(probabilities: ArrayLike, candidates: ArrayLike) -> float:
    """The mean probability, within the candidates, of the class that is predicted.

    Args:
        probabilities: (N, C) of 0 or more; the predicted class is that of the largest in a row,
            of equal ones the first.
        candidates: (N, C) of 0 and 1, or of truth values.

    Returns:
        In [0, 1]; where every set is a single label, the accuracy.

    Raises:
        ValueError: Other shapes, no rows, NaN, infinity or negative probabilities, or candidates of
            other values.

    Example:
        >>> approximated_accuracy([[0.6, 0.2, 0.2], [0.2, 0.5, 0.3]], [[0, 1, 1], [0, 1, 0]])
        0.5
    """
    p, sets = checked_candidates(probabilities, candidates)
    return float(within(p, sets)[np.arange(len(p)), p.argmax(axis=1)].mean())


def within(probabilities: ArrayLike, candidates: ArrayLike) -> NDArray[np.float64]:
    """Probabilities given that the label is among the candidates: 0 elsewhere, of sum 1.

    Args:
        probabilities: (N, C) of 0 or more.
        candidates: (N, C) of 0 and 1, or of truth values, one or more in each row.

    Returns:
        float64 (N, C). Candidates that all have probability 0 are equally probable.

    Raises:
        ValueError: As `approximated_accuracy`; a row without candidates.

    Example:
        >>> within([[0.6, 0.2, 0.2]], [[1, 1, 0]])
        array([[0.75, 0.25, 0.  ]])
    """
    p, sets = checked_candidates(probabilities, candidates)
    if (p < 0).any():
        raise ValueError(f"Expected probabilities of 0 or more. Received: {p.min():g}.")
    if not sets.any(axis=1).all():
        raise ValueError("Expected a candidate in every row. Received: a row without.")
    kept = p * sets
    kept = np.where(kept.sum(axis=1, keepdims=True) > 0, kept, sets)
    kept = kept / kept.max(axis=1, keepdims=True)  # so that tiny ones are divided as any others
    return kept / kept.sum(axis=1, keepdims=True)
