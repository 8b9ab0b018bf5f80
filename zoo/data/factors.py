"""Images whose generating factors are known."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zoo.data.images import Images
from zoo.data.pixels import Pixels
from zoo.messages import unknown


class FactorData(Images):
    """Images with ground-truth factors, each an integer from 0 to its size - 1.

    Args:
        name: What it is called in messages and reports.
        pixels: Where the images come from, a row for each row of `factors`: an array uint8
            (N, H, W, C), or what reads them by row.
        factors: Integers (N, F).
        factor_names: F names.
        factor_sizes: How many values each factor has. Default: its largest value + 1.
        rows: The rows of `pixels` that belong to this dataset, in order. Default: all.
        settings: What `zoo.data.load` needs to make this dataset again.

    Attributes:
        image_shape: (H, W, C).
        factors: int64 (N, F), a row for each image.
        factor_names: F names, in the order of the columns.
        factor_sizes: How many values each factor has.

    Raises:
        ValueError: If lengths or values do not fit together.

    Example:
        >>> data = zoo.data.load("dsprites").subset(orientation=0).resized(32)
        >>> images, factors = data.sample(100, seed=0)
        >>> images.shape, factors.shape
        ((100, 32, 32, 1), (100, 5))
    """

    def __init__(
        self,
        name: str,
        pixels: Pixels | np.ndarray,
        factors: np.ndarray,
        factor_names: Sequence[str],
        factor_sizes: Sequence[int] | None = None,
        rows: np.ndarray | None = None,
        settings: dict[str, Any] | None = None,
    ):
        super().__init__(name, pixels, rows, settings)
        factors = np.asarray(factors)
        if factors.shape != (len(self), len(factor_names)) or factors.dtype.kind not in "iu":
            raise ValueError(
                f"Expected factors of shape ({len(self)}, {len(factor_names)}), integers. "
                f"Received: shape {factors.shape}, dtype {factors.dtype}."
            )
        self._refuse_empty()
        largest = factors.max(axis=0)
        sizes = largest + 1 if factor_sizes is None else np.asarray(factor_sizes)
        if (
            sizes.shape != largest.shape
            or (factors.min(axis=0) < 0).any()
            or (largest >= sizes).any()
        ):
            raise ValueError(
                f"Expected factor values from 0 to below {sizes.tolist()}. "
                f"Received: {factors.min(axis=0).tolist()} to {largest.tolist()}."
            )
        self.factors = factors.astype(np.int64)
        self.factors.flags.writeable = False  # shared with every subset and resized version
        self.factor_names = tuple(factor_names)
        self.factor_sizes = tuple(int(size) for size in sizes)
        # Which original values are left of a thinned factor; new value -> original value.
        self._kept: dict[str, list[int]] = {}

    @property
    def factor_values(self) -> tuple[tuple[int, ...], ...]:
        """Of each factor what its values 0, 1, ... were before any `subset` renumbered them."""
        both = zip(self.factor_names, self.factor_sizes, strict=True)
        return tuple(tuple(self._kept.get(name, range(size))) for name, size in both)

    def images(self, factors: np.ndarray) -> np.ndarray:
        """The images of given factor values. Where several have the same, the first.

        Args:
            factors: Integers (n, F).

        Returns:
            uint8 (n, H, W, C).

        Raises:
            ValueError: If a value is outside its factor's range, or a combination is not in
                this dataset.
        """
        return self.read(self.rows_of(factors))

    def rows_of(self, factors: np.ndarray) -> np.ndarray:
        """The rows of given factor values, int64 (n,). Refuses what `images` refuses."""
        factors = np.asarray(factors)
        if (
            factors.ndim != 2
            or factors.shape[1] != len(self.factor_names)
            or factors.dtype.kind not in "iu"
        ):
            raise ValueError(
                f"Expected factors of shape (n, {len(self.factor_names)}), integers for "
                f"{', '.join(self.factor_names)}. "
                f"Received: shape {factors.shape}, dtype {factors.dtype}."
            )
        outside = (factors < 0) | (factors >= self.factor_sizes)
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise ValueError(
                f"Expected {self.factor_names[column]} from 0 to {self.factor_sizes[column] - 1}. "
                f"Received: {factors[row, column]} (row {row})."
            )
        keys, order = self._lookup
        wanted = self._keys(factors)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        absent = keys[place] != wanted
        if absent.any():
            combination = dict(zip(self.factor_names, factors[absent][0].tolist(), strict=True))
            raise ValueError(
                f"Expected combinations of factors that {self.name!r} has. "
                f"Received: {combination}, of which it has no image."
            )
        return order[place]

    def sample(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Random images with their factors: all different while `n <= len`.

        Args:
            n: How many, at least 1.
            seed: The same seed gives the same sample.

        Returns:
            Images uint8 (n, H, W, C) and factors int64 (n, F).
        """
        rows = self.sample_rows(n, seed)
        return self.read(rows), self.factors[rows]

    def subset(self, **values: int | Iterable[int]) -> FactorData:
        """The images in which factors have the given values.

        Args:
            **values: For each factor to restrict, one value (the factor stays, with size 1) or
                several. The values left are renumbered from 0, in ascending order.

        Raises:
            ValueError: If a factor is unknown, a value outside its range or given twice, or no
                image is left.

        Example:
            >>> data = zoo.data.load("dsprites").subset(orientation=0, scale=[0, 3, 5])
            >>> data.factor_sizes
            (3, 3, 1, 32, 32)
        """
        keep = np.ones(len(self), dtype=bool)
        sizes = list(self.factor_sizes)
        renumber, kept = {}, dict(self._kept)
        for name, wanted in values.items():
            if name not in self.factor_names:
                raise ValueError(unknown("factor", name, self.factor_names))
            column = self.factor_names.index(name)
            chosen = _chosen(name, wanted, sizes[column])
            table = np.full(sizes[column], -1)
            table[chosen] = np.arange(len(chosen))
            renumber[column] = table
            keep &= table[self.factors[:, column]] >= 0
            original = kept.get(name, range(sizes[column]))
            kept[name] = [original[value] for value in chosen]
            sizes[column] = len(chosen)
        rows = np.flatnonzero(keep)
        if not len(rows):
            raise ValueError(
                f"Expected factor values that {self.name!r} has images of. Received: {values}."
            )
        factors = self.factors[rows]
        for column, table in renumber.items():
            factors[:, column] = table[factors[:, column]]
        other = FactorData(
            self.name,
            self._original,
            factors,
            self.factor_names,
            sizes,
            rows if self._rows is None else self._rows[rows],
            {**self.settings, "subset": kept} if kept else self.settings,
        )
        other._pixels = self._pixels  # at the size this one has
        other._kept = kept
        return other

    @functools.cached_property
    def combinations(self) -> int:
        """How many different combinations of factor values there are images of."""
        keys, _ = self._lookup
        return 1 + int(np.count_nonzero(np.diff(keys)))

    @functools.cached_property
    def _lookup(self) -> tuple[np.ndarray, np.ndarray]:
        """Every image's factors as one number, sorted, and the rows in that order."""
        keys = self._keys(self.factors)
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def _keys(self, factors: np.ndarray) -> np.ndarray:
        return np.ravel_multi_index(tuple(factors.T), self.factor_sizes)


def _chosen(name: str, wanted: int | Iterable[int], size: int) -> list[int]:
    try:
        chosen = [operator.index(v) for v in (wanted if isinstance(wanted, Iterable) else [wanted])]
    except TypeError:
        chosen = []
    if not chosen or len(set(chosen)) < len(chosen) or min(chosen) < 0 or max(chosen) >= size:
        raise ValueError(
            f"Expected {name} to be one or several different values from 0 to {size - 1}. "
            f"Received: {wanted!r}."
        )
    return sorted(chosen)
