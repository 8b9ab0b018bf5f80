"""Batches in which one factor is fixed, drawn from a pool of samples.

The scores of b-VAE and FactorVAE are defined on batches of fresh images that share the value of
one factor: 15,000 batches of 64, a million encodings. Here the samples are encoded once, and the
batches are drawn from those of them that share the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.metrics.arrays import BINS, labels

Rows = NDArray[np.intp]

LEAST = 10  # samples of each value of a factor, on average
MOST = 2**22  # numbers in a chunk of batches: 32 MiB of float64


class Groups:
    """The rows of a table, grouped by the value of each factor.

    Args:
        factors: (N, F), checked; continuous ones are sorted into 20 bins of equal width.
        width: L, the numbers that a row has: chunks are cut so that they fit into memory.

    Raises:
        ValueError: A factor whose values hardly repeat.

    Example:
        >>> groups = Groups(np.arange(40)[:, None] % 2, width=1)
        >>> k, rows = next(groups.batches(3, size=5, rng=np.random.default_rng(0)))
        >>> rows.shape, np.unique(rows[0] % 2).size
        ((3, 5), 1)
    """

    def __init__(self, factors: NDArray[Any], width: int) -> None:
        N, F = factors.shape
        self.width = width
        # For each factor: the rows, value by value; where in it each row stands; where the group
        # of its value starts, and how many it holds.
        self.order, self.place, self.start, self.count = np.empty((4, F, N), np.intp)
        self.repeated = []  # for each factor, the rows whose value others have too
        for k, values in enumerate(factors.T):
            v, K = labels(values, BINS)
            if N < LEAST * K:
                raise ValueError(
                    f"Expected at least {LEAST} samples of each value of a factor, on average. "
                    f"Received: {N:,} samples, {K:,} values of factor {k}."
                )
            n_v = np.bincount(v)
            self.order[k] = np.argsort(v, kind="stable")
            self.place[k, self.order[k]] = np.arange(N)
            self.start[k] = (np.cumsum(n_v) - n_v)[v]
            self.count[k] = n_v[v]
            self.repeated.append(np.flatnonzero(self.count[k] > 1))

    def batches(
        self, count: int, size: int, rng: np.random.Generator
    ) -> Iterator[tuple[Rows, Rows]]:
        """Draws batches in which all rows share the value of one factor.

        The factor is drawn evenly, the value as often as it occurs, the rows independently.

        Args:
            count: How many batches.
            size: Rows a batch.
            rng: What draws.

        Yields:
            The factors (n,) and rows (n, size) of some batches after the other.
        """
        for k in self._factors(count, size, rng):
            first = np.empty(len(k), np.intp)
            for factor, repeated in enumerate(self.repeated):
                mine = np.flatnonzero(k == factor)
                first[mine] = rng.choice(repeated, len(mine))
            start, members = self.start[k, first][:, None], self.count[k, first][:, None]
            yield k, self.order[k[:, None], start + rng.integers(members, size=(len(k), size))]

    def pairs(
        self, count: int, size: int, rng: np.random.Generator
    ) -> Iterator[tuple[Rows, Rows, Rows]]:
        """Draws batches of pairs; the two rows of a pair share the value of the batch's factor.

        Values are drawn as often as they occur. No row is paired with itself.

        Args:
            count: How many batches.
            size: Pairs a batch.
            rng: What draws.

        Yields:
            The factors (n,), and the rows (n, size) on either side of the pairs.
        """
        for k in self._factors(count, size, rng):
            one = np.empty((len(k), size), np.intp)
            for factor, repeated in enumerate(self.repeated):
                mine = np.flatnonzero(k == factor)
                one[mine] = rng.choice(repeated, (len(mine), size))
            k_row = k[:, None]
            start, members = self.start[k_row, one], self.count[k_row, one]
            further = rng.integers(1, members)  # round the group, short of coming back
            other = start + (self.place[k_row, one] - start + further) % members
            yield k, one, self.order[k_row, other]

    def _factors(self, count: int, size: int, rng: np.random.Generator) -> Iterator[Rows]:
        """The factor of each batch, as many at a time as fit into memory."""
        most = max(1, MOST // (size * self.width))
        for done in range(0, count, most):
            yield rng.integers(len(self.order), size=min(most, count - done))
