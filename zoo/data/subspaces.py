"""Batches for codes of several subspaces, each of which is to hold one part of what varies.

A subspace learns by comparison: its positive shares with an image what the subspace is to hold and
nothing else, its hard negative shares all else and not that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import checks
from zoo.data.factors import FactorData
from zoo.data.order import shuffled_rows
from zoo.data.pairing import check_factors
from zoo.messages import unknown

if TYPE_CHECKING:
    import tensorflow as tf


def factor_pairs(
    data: FactorData,
    subspaces: Mapping[str, str | Sequence[str]],
    batch_size: int,
    seed: int = 0,
    start: int = 0,
    hard_negatives: bool = True,
) -> tf.data.Dataset:
    """An endless stream of images, each with relatives in every subspace, by known factors.

    For each subspace an image has a positive, which has the same values of the subspace's factors
    and another value of every other factor that varies, and a hard negative, which has the same
    values of all other factors and another value of the subspace's; of several, another
    combination, each as likely as the next.

    Images come in the order of `data.batches`. What becomes of each is drawn from (seed, batch)
    alone, so `start=n` resumes a run where it was.

    Args:
        data: Images with known factors, one for each combination of their values.
        subspaces: The factors that each subspace is to hold, one or several; a factor in at most
            one of them. Factors in none are what every subspace is to ignore.
        batch_size: Images a batch.
        seed: Draws the order and the relatives.
        start: The number of the first batch, from 0.
        hard_negatives: Whether there are any. Without, "negatives" is an empty dictionary, and
            the rest is the same.

    Returns:
        A tf.data.Dataset of {"image": uint8 (batch_size, H, W, C), "positives": {subspace: such
        images}, "negatives": {subspace: such images}, "factors": int64 (batch_size, F), of
        "image"}.

    Raises:
        ValueError: Data without known factors, or in which combinations are missing or repeated;
            subspaces without a name or a factor, of unknown factors, of factors that have one
            value, of a factor twice, or of all that vary; a `batch_size` below 1, a `seed` or a
            `start` below 0.

    Example:
        >>> data = zoo.data.load("coloured_sprites", size=32)
        >>> subspaces = {"shape": "shape", "position": ("x_position", "y_position")}
        >>> batch = next(iter(zoo.data.factor_pairs(data, subspaces, batch_size=64)))
        >>> list(batch), list(batch["positives"])
        (['image', 'positives', 'negatives', 'factors'], ['shape', 'position'])
        >>> batch["negatives"]["position"].shape, batch["factors"].shape
        (TensorShape([64, 32, 32, 3]), TensorShape([64, 7]))
    """
    import tensorflow as tf

    batch_size = checks.integer("batch_size", batch_size, low=1)
    seed = checks.integer("seed", seed, low=0)
    start = checks.integer("start", start, low=0)
    hard_negatives = checks.truth("hard_negatives", hard_negatives)
    check_factors(data)
    columns = columns_of(data, subspaces)

    def related(rows: np.ndarray, batch: int) -> list[np.ndarray]:
        """The images, every subspace's positives, its negatives, and the images' factors."""
        rng = np.random.default_rng((seed, int(batch)))
        factors = data.factors[rows]
        wanted = [factors]
        wanted += [positives(factors, data.factor_sizes, of, rng) for of in columns.values()]
        if hard_negatives:
            wanted += [negatives(factors, data.factor_sizes, of, rng) for of in columns.values()]
        images = data.images(np.concatenate(wanted))
        return [*images.reshape(len(wanted), len(rows), *data.image_shape), factors]

    count = 1 + len(columns) * (2 if hard_negatives else 1)

    def batch(rows: tf.Tensor, number: tf.Tensor) -> dict[str, Any]:
        *found, factors = tf.numpy_function(
            related, [rows, number], [tf.uint8] * count + [tf.int64]
        )
        images = [tf.ensure_shape(part, (batch_size, *data.image_shape)) for part in found]
        image, others = images[0], images[1:]
        return {
            "image": image,
            "positives": dict(zip(columns, others, strict=False)),
            "negatives": dict(zip(columns, others[len(columns) :], strict=False)),
            "factors": tf.ensure_shape(factors, (batch_size, len(data.factor_names))),
        }

    order = shuffled_rows(len(data), batch_size, seed, start)
    numbered = tf.data.Dataset.zip(order, tf.data.Dataset.counter(start, dtype=tf.int64))
    return numbered.map(tf.autograph.experimental.do_not_convert(batch)).prefetch(2)


def columns_of(
    data: FactorData, subspaces: Mapping[str, str | Sequence[str]]
) -> dict[str, list[int]]:
    """The columns of `data.factors` that each subspace is to hold.

    Args:
        data: Images with known factors.
        subspaces: The names of each subspace's factors.

    Raises:
        ValueError: As `factor_pairs`.

    Example:
        >>> data = zoo.data.load("coloured_sprites")
        >>> columns_of(data, {"place": ("x_position", "y_position"), "colour": "colour"})
        {'place': [3, 4], 'colour': [5]}
    """
    if not isinstance(subspaces, Mapping) or not subspaces:
        raise ValueError(
            'Expected subspaces as a dictionary of their factors, such as {"form": ("shape", '
            f'"scale")}}. Received: {subspaces!r}.'
        )
    sizes = zip(data.factor_names, data.factor_sizes, strict=True)
    varying = {name for name, size in sizes if size > 1}
    holder: dict[str, str] = {}
    columns = {}
    for subspace, named in subspaces.items():
        factors = [named] if isinstance(named, str) else list(named)
        if not isinstance(subspace, str) or not subspace or not factors:
            raise ValueError(
                "Expected a name and at least one factor for every subspace. "
                f"Received: {{{subspace!r}: {named!r}}}."
            )
        for factor in factors:
            if factor not in data.factor_names:
                raise ValueError(unknown("factor", str(factor), data.factor_names))
            if factor not in varying:
                raise ValueError(
                    f"Expected factors that vary. Received: {factor!r} of subspace {subspace!r}, "
                    f"which has one value in {data.name}."
                )
            if factor in holder:
                raise ValueError(
                    f"Expected each factor once. Received: {factor!r} in subspaces "
                    f"{holder[factor]!r} and {subspace!r}."
                )
            holder[factor] = subspace
        if varying == set(factors):
            raise ValueError(
                f"Expected a factor that varies and is not in subspace {subspace!r}, for its "
                f"positives to differ in. Received: {', '.join(factors)}, all that vary in "
                f"{data.name}."
            )
        columns[subspace] = [data.factor_names.index(factor) for factor in factors]
    return columns


def positives(
    factors: np.ndarray, factor_sizes: Sequence[int], held: list[int], rng: np.random.Generator
) -> np.ndarray:
    """Factors that share the held ones, and have another value of each of the rest that varies.

    Args:
        factors: int64 (N, F).
        factor_sizes: How many values each factor has.
        held: The columns that stay.
        rng: What draws; all other values are as likely.

    Returns:
        int64 (N, F).

    Example:
        >>> positives(np.zeros((2, 3), int), (2, 2, 1), [0], np.random.default_rng(0))
        array([[0, 1, 0],
               [0, 1, 0]])
    """
    sizes = np.asarray(factor_sizes)
    steps = rng.integers(1, np.maximum(sizes, 2), factors.shape)  # 1 to size - 1: another value
    steps[:, held] = 0
    return (factors + steps) % sizes


def negatives(
    factors: np.ndarray, factor_sizes: Sequence[int], held: list[int], rng: np.random.Generator
) -> np.ndarray:
    """Factors with another combination of the held ones, and the same values of all the rest.

    Args:
        factors: int64 (N, F).
        factor_sizes: How many values each factor has.
        held: The columns that change, at least one of them in each row.
        rng: What draws; all other combinations are as likely.

    Returns:
        int64 (N, F).

    Example:
        >>> negatives(np.zeros((2, 3), int), (2, 2, 9), [0], np.random.default_rng(0))
        array([[1, 0, 0],
               [1, 0, 0]])
    """
    sizes = [factor_sizes[column] for column in held]
    combinations = int(np.prod(sizes))
    own = np.ravel_multi_index(tuple(factors[:, held].T), sizes)
    drawn = (own + rng.integers(1, combinations, len(factors))) % combinations
    other = factors.copy()
    other[:, held] = np.stack(np.unravel_index(drawn, sizes), axis=1)
    return other
