"""Splits in which every class keeps its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo import checks

Rows = NDArray[np.intp]


def stratified(labels: NDArray[np.integer], share: float, seed: int = 0) -> tuple[Rows, Rows]:
    """Divides rows in two, class by class: the rest, and a part with its share of each class.

    The part gets its share of a class rounded up, but never all of it: a class of one sample
    stays with the rest, and one of several is in both.

    Args:
        labels: (N,) integers.
        share: Of the part, above 0 and below 1.
        seed: The same seed gives the same split.

    Returns:
        Ascending rows of the rest and of the part.

    Raises:
        ValueError: A share outside, a negative seed.

    Example:
        >>> rest, part = stratified(np.array([7, 7, 7, 7, 9, 9, 5]), share=0.25)
        >>> len(rest), len(part)
        (5, 2)
    """
    if not 0 < checks.number("share", share) < 1:
        raise ValueError(f"Expected share to be a number between 0 and 1. Received: {share!r}.")
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    in_part = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = int(np.ceil(round(share * len(rows), 6)))  # 0.07 * 100 is a little more than 7
        in_part[rng.permutation(rows)[: min(count, len(rows) - 1)]] = True
    return np.flatnonzero(~in_part), np.flatnonzero(in_part)
