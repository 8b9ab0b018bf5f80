"""Pairs of images that share some of their factors, without saying which.

The weak supervision of Locatello et al., Weakly-Supervised Disentanglement Without Compromises,
ICML 2020 (section 2): the second image of a pair differs from the first in k factors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zoo import checks
from zoo.data.factors import FactorData
from zoo.data.order import shuffled_rows

if TYPE_CHECKING:
    import tensorflow as tf


def pairs(
    data: FactorData,
    batch_size: int,
    seed: int = 0,
    start: int = 0,
    changed: int | None = None,
) -> tf.data.Dataset:
    """An endless stream of batches (a, b): b has some factors of a and other values of the rest.

    The first images come in the order of `data.batches`. Which factors change, and to what, is
    drawn for each pair from (seed, batch) alone, so `start=n` resumes a run where it was.

    Args:
        data: Images with known factors, one for each combination of their values.
        batch_size: Pairs in a batch.
        seed: Draws the order and the changes.
        start: The number of the first batch, from 0.
        changed: k, how many factors change; drawn anew for each pair, from 1 to all but one, by
            default. Factors with a single value never change and do not count.

    Returns:
        A tf.data.Dataset of two uint8 (batch_size, H, W, C).

    Raises:
        ValueError: Data without known factors, with fewer than two that vary, or in which
            combinations are missing or repeated; a `changed` that leaves no factor shared; a
            `batch_size` below 1 or a `start` below 0.

    Example:
        >>> data = zoo.data.load("dsprites")
        >>> a, b = next(iter(zoo.data.pairs(data, batch_size=64)))
        >>> a.shape, b.shape
        (TensorShape([64, 64, 64, 1]), TensorShape([64, 64, 64, 1]))
    """
    import tensorflow as tf

    batch_size = checks.integer("batch_size", batch_size, low=1)
    seed = checks.integer("seed", seed, low=0)
    _check_factors(data)
    several = int(np.sum(np.asarray(data.factor_sizes) > 1))
    if changed is not None:
        changed = checks.integer("changed", changed, low=1, high=several - 1)

    def read(rows: np.ndarray, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((seed, int(batch)))
        others = change(data.factors[rows], data.factor_sizes, rng, changed)
        return data.read(rows), data.images(others)

    def images(rows: tf.Tensor, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        shape = (batch_size, *data.image_shape)
        a, b = tf.numpy_function(read, [rows, batch], (tf.uint8, tf.uint8))
        return tf.ensure_shape(a, shape), tf.ensure_shape(b, shape)

    order = shuffled_rows(len(data), batch_size, seed, start)
    numbered = tf.data.Dataset.zip(order, tf.data.Dataset.counter(start, dtype=tf.int64))
    return numbered.map(tf.autograph.experimental.do_not_convert(images)).prefetch(8)


def change(
    factors: np.ndarray,
    factor_sizes: tuple[int, ...],
    rng: np.random.Generator,
    changed: int | None = None,
) -> np.ndarray:
    """Other values for k random factors of each row, never the ones they had.

    Args:
        factors: int64 (N, F).
        factor_sizes: How many values each factor has.
        rng: What draws the factors and their values.
        changed: k; None draws it for each row, from 1 to all but one of the factors that vary.

    Returns:
        int64 (N, F).

    Example:
        >>> factors = np.zeros((2, 3), int)
        >>> other = change(factors, (2, 5, 9), np.random.default_rng(0), changed=2)
        >>> np.count_nonzero(other, axis=1)
        array([2, 2])
    """
    sizes = np.asarray(factor_sizes)
    several = np.flatnonzero(sizes > 1)
    n = len(factors)
    k = rng.integers(1, len(several), n) if changed is None else np.full(n, changed)
    ranks = rng.permuted(np.tile(np.arange(len(several)), (n, 1)), axis=1)
    steps = rng.integers(1, sizes[several], (n, len(several)))  # 1 to size - 1: another value
    other = factors.copy()
    other[:, several] += np.where(ranks < k[:, None], steps, 0)
    return other % sizes


def _check_factors(data: FactorData) -> None:
    if not isinstance(data, FactorData):
        raise ValueError(
            "Expected data with known factors to make pairs of, such as dsprites. Received: "
            f"{getattr(data, 'name', type(data).__name__)}, which has none."
        )
    combinations = math.prod(data.factor_sizes)
    distinct = data.combinations
    if len(data) != combinations or distinct != combinations:
        raise ValueError(
            f"Expected an image for each of the {combinations:,} combinations of factors, to find "
            f"partners among. Received: {len(data):,} images of {distinct:,} combinations in "
            f"{data.name}. data.subset(FACTOR=[...]) leaves out values that it lacks."
        )
    if sum(size > 1 for size in data.factor_sizes) < 2:
        raise ValueError(
            "Expected at least two factors with more than one value: one to share, one to change. "
            f"Received: {dict(zip(data.factor_names, data.factor_sizes, strict=True))}."
        )
