"""Pairs of images: those that share some of their factors, and those of one class or of two.

With known factors, the weak supervision of Locatello et al., Weakly-Supervised Disentanglement
Without Compromises, ICML 2020 (section 2): the second image of a pair differs from the first in k
factors, and nothing says in which. With class labels, that of Hadsell et al., Dimensionality
Reduction by Learning an Invariant Mapping, CVPR 2006: pairs are similar or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import checks
from zoo.data.factors import FactorData
from zoo.data.labels import LabelledData, LabelledImages
from zoo.data.order import shuffled_rows

if TYPE_CHECKING:
    import tensorflow as tf

Partners = Callable[[np.ndarray, int], tuple[np.ndarray, ...]]
"""The second parts of a batch's pairs, of the rows of the first and the batch's number."""


def pairs(
    data: FactorData | LabelledData | LabelledImages,
    batch_size: int,
    seed: int = 0,
    start: int = 0,
    changed: int | None = None,
) -> tf.data.Dataset:
    """An endless stream of batches of pairs, as the data can tell what belongs together.

    With known factors a batch is (a, b): b has some factors of a and other values of the rest.
    With class labels it is (a, b, similar): b is another image of the class of a in half of the
    pairs, which are similar, and an image of another class in the rest.

    The first images come in the order of `data.batches`. What becomes of each is drawn from
    (seed, batch) alone, so `start=n` resumes a run where it was.

    Args:
        data: Images with known factors, one for each combination of their values; or with class
            labels: of two halves, the training half.
        batch_size: Pairs in a batch. Of an odd number, one pair more is similar in every second
            batch.
        seed: Draws the order and the partners.
        start: The number of the first batch, from 0.
        changed: k, how many factors change; drawn anew for each pair, from 1 to all but one, by
            default. Factors with a single value never change and do not count.

    Returns:
        A tf.data.Dataset of two uint8 (batch_size, H, W, C), and of similar, int64
        (batch_size,), 1 or 0: distribution strategies take no booleans.

    Raises:
        ValueError: Data without known factors or class labels; with fewer than two factors that
            vary, or in which combinations are missing or repeated; of fewer than two classes, or
            with a class of one image; a `changed` that leaves no factor shared, or of labelled
            data; a `batch_size` below 1, a `seed` or a `start` below 0.

    Example:
        >>> data = zoo.data.load("dsprites")
        >>> a, b = next(iter(zoo.data.pairs(data, batch_size=64)))
        >>> a.shape, b.shape
        (TensorShape([64, 64, 64, 1]), TensorShape([64, 64, 64, 1]))
        >>> a, b, similar = next(iter(zoo.data.pairs(zoo.data.load("digits"), batch_size=64)))
        >>> print(int(np.sum(similar)))
        32
    """
    import tensorflow as tf

    batch_size = checks.integer("batch_size", batch_size, low=1)
    seed = checks.integer("seed", seed, low=0)
    data = data.train if isinstance(data, LabelledData) else data
    dtypes = [tf.uint8, tf.uint8]
    if isinstance(data, FactorData):
        partners = _of_factors(data, seed, changed)
    else:
        partners = _of_classes(data, seed, changed)
        dtypes.append(tf.int64)

    def images(rows: tf.Tensor, batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        shape = (batch_size, *data.image_shape)
        a, b, *similar = tf.numpy_function(
            lambda rows, batch: (data.read(rows), *partners(rows, int(batch))),
            [rows, batch],
            dtypes,
        )
        return (
            tf.ensure_shape(a, shape),
            tf.ensure_shape(b, shape),
            *(tf.ensure_shape(part, (batch_size,)) for part in similar),
        )

    order = shuffled_rows(len(data), batch_size, seed, start)
    numbered = tf.data.Dataset.zip(order, tf.data.Dataset.counter(start, dtype=tf.int64))
    return numbered.map(tf.autograph.experimental.do_not_convert(images)).prefetch(8)


def _of_factors(data: FactorData, seed: int, changed: int | None) -> Partners:
    """Images that share some factors with those of given rows."""
    check_factors(data)
    several = int(np.sum(np.asarray(data.factor_sizes) > 1))
    if changed is not None:
        changed = checks.integer("changed", changed, low=1, high=several - 1)

    def partners(rows: np.ndarray, batch: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng((seed, batch))
        return (data.images(change(data.factors[rows], data.factor_sizes, rng, changed)),)

    return partners


def _of_classes(data: LabelledImages, seed: int, changed: int | None) -> Partners:
    """Images of the class of given rows or of another, and which."""
    check_labels(data, "known factors or class labels")
    if changed is not None:
        raise ValueError(
            f"Expected changed to be None: {data.name} has class labels, no factors that could "
            f"change. Received: {changed!r}."
        )
    classes = Classes(np.asarray(data.labels))

    def partners(rows: np.ndarray, batch: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng((seed, batch))
        similar = rng.permutation((np.arange(len(rows)) + batch) % 2 == 0)
        return data.read(classes.partners(rows, similar, rng)), similar.astype(np.int64)

    return partners


class Classes:
    """The rows of every class, sorted once, to draw any number of partners from.

    Args:
        labels: int64 (M,), the class of every row: at least two classes of at least two rows.

    Example:
        >>> rows, similar = np.array([0, 1, 3]), np.array([True, True, True])
        >>> Classes(np.array([0, 1, 0, 1])).partners(rows, similar, np.random.default_rng(0))
        array([2, 3, 1])
    """

    def __init__(self, labels: np.ndarray) -> None:
        self._rows = np.argsort(labels, kind="stable")  # by class
        self._place = np.empty_like(self._rows)  # of each row in that order
        self._place[self._rows] = np.arange(len(labels))
        _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        self._size = sizes[classes]  # of each row's class
        self._first = (np.cumsum(sizes) - sizes)[classes]  # the place where that class begins

    def partners(
        self, rows: np.ndarray, similar: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A random other row for each row, of its class or of another; all that fit as likely.

        Args:
            rows: int64 (N,).
            similar: bool (N,): whether the partner is of the same class.
            rng: What draws.

        Returns:
            int64 (N,).
        """
        size, first = self._size[rows], self._first[rows]
        same = first + (self._place[rows] - first + rng.integers(1, size)) % size
        other = rng.integers(0, len(self._rows) - size)
        other += np.where(other < first, 0, size)  # steps over the row's own class
        return self._rows[np.where(similar, same, other)]


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


def check_factors(data: Any) -> None:
    """Refuses data whose factors make no pairs."""
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


def check_labels(data: Any, wanted: str = "class labels") -> None:
    """Refuses data whose labels make no pairs; `wanted` is what the message asks for."""
    labels = getattr(data, "labels", None)
    if labels is None:
        raise ValueError(
            f"Expected data with {wanted} to make pairs of, such as digits. Received: "
            f"{getattr(data, 'name', type(data).__name__)}, which has none."
        )
    if labels.ndim != 1:
        raise ValueError(
            f"Expected one class label for each image of {data.name} to make pairs of. Received "
            f"labels of shape {labels.shape}."
        )
    classes, sizes = np.unique(labels, return_counts=True)
    if len(classes) < 2 or sizes.min() < 2:
        raise ValueError(
            "Expected at least two classes of at least two images each to make pairs of. Received: "
            f"{dict(zip(classes.tolist(), sizes.tolist(), strict=True))} images in {data.name}."
        )
