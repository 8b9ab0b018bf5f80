"""What keeps the subspaces of a code apart: directions that are orthogonal, values that separate.

Everything is computed in float32; results are scalars, to be minimised. How much subspaces tell of
one another is in `zoo.losses.independence`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo import checks
from zoo.losses.contrastive import unit

TINY = 1e-8  # the variance at which codes have collapsed


def head_orthogonality(kernels: Sequence[Any]) -> Any:
    """The squared cosines of the directions that different heads read: sum_(i<j) |W_i W_j^T|^2.

    W_i holds a head's directions as rows, each at length 1: its weights could otherwise shrink
    instead of turning, and the codes with them, of which a contrastive loss sees only directions.
    Two heads that read the same dimension cost 1.

    Args:
        kernels: Of at least two linear heads on one trunk of F features, (F, D_i) each, as
            `keras.layers.Dense` holds them; the widths D_i may differ.

    Returns:
        A scalar, at least 0: 0 where no head reads what another reads.

    Raises:
        ValueError: Fewer than two kernels, no tables, or of several numbers of features.

    Example:
        >>> first, second = ops.array([[1.0], [0.0]]), ops.array([[3.0], [3.0]])
        >>> print(f"{float(head_orthogonality([first, second])):.3f}")  # cos(45 degrees)^2
        0.500
    """
    heads = _several("kernels", kernels, "head")
    if len({head.shape[0] for head in heads}) > 1:
        raise ValueError(
            "Expected kernels of shape (F, D), of one trunk with F features. Received shapes: "
            f"{_shapes(heads)}."
        )
    rows = [unit(ops.transpose(head)) for head in heads]
    return sum(
        ops.sum(ops.square(ops.matmul(a, ops.transpose(b))))
        for a, b in itertools.combinations(rows, 2)
    )


def vector_orthogonality(subspaces: Sequence[Any]) -> Any:
    """The squared cosines of each sample's subspace vectors: mean_n sum_(i<j) cos(z_ni, z_nj)^2.

    Args:
        subspaces: The codes of at least two subspaces of equal width, (N, D) each.

    Returns:
        A scalar, at least 0: the mean over the batch.

    Raises:
        ValueError: Fewer than two subspaces, no tables, or of several shapes.

    Example:
        >>> first, second = ops.array([[1.0, 0.0], [2.0, 0.0]]), ops.array([[5.0, 0.0], [0.0, 1.0]])
        >>> print(f"{float(vector_orthogonality([first, second])):.3f}")  # 0 and 90 degrees
        0.500
    """
    codes = _several("subspaces", subspaces, "subspace")
    if len({part.shape[1] for part in codes}) > 1 or len({part.shape[0] for part in codes}) > 1:
        raise ValueError(
            "Expected subspaces of one shape (N, D): vectors of several widths have no angle. "
            f"Received shapes: {_shapes(codes)}."
        )
    rows = [unit(part) for part in codes]
    return sum(
        ops.mean(ops.square(ops.sum(a * b, axis=1))) for a, b in itertools.combinations(rows, 2)
    )


def variance_separation(codes: Any, values: Any) -> Any:
    """How little a factor's values separate in its subspace: mean of within / (within + between).

        within(v, w) = (s_v + s_w) / 2,   between(v, w) = |m_v - m_w|^2 / 4,

    where m_v is the mean code of the samples of value v and s_v their mean squared distance from
    it; the mean is over all pairs of samples of different values v and w. So it falls as the ratio
    of the variance between two values to the variance within them rises, but has no pole and knows
    no scale: it is 1 / (1 + between / within). Of all values at once, that ratio would be as high
    where one value lies far from others that are mixed; so each pair of values counts by itself. A
    value that occurs once says nothing of the variance within; its sample is left out.

    Args:
        codes: (N, D): of the subspace.
        values: (N,) integers, the factor of the subspace; or (N, F), several: a value is then a
            combination of theirs.

    Returns:
        A scalar in [0, 1]: 0 where all samples of a value have one code and values differ, 1
        where values have equal means or all codes are one. 0, without a gradient, where fewer
        than two values occur twice: nothing can be said.

    Raises:
        ValueError: Codes that are no table; values that are not as many, or are no integers.

    Example:
        >>> codes = ops.array([[0.0], [2.0], [10.0], [12.0]])  # within 1, between 25
        >>> print(f"{float(variance_separation(codes, ops.array([0, 0, 1, 1]))):.4f}")
        0.0385
    """
    codes, values = ops.convert_to_tensor(codes), ops.convert_to_tensor(values)
    checks.rows("codes", codes, low=1)
    codes = ops.cast(codes, "float32")
    same = ops.cast(_same(values, codes), "float32")
    count = ops.sum(same, axis=1)
    means = ops.matmul(same, codes) / count[:, None]
    spread = ops.matmul(same, ops.sum(ops.square(codes - means), axis=1)[:, None])[:, 0] / count
    within = (spread[:, None] + spread[None]) / 2
    between = ops.sum(ops.square(means[:, None] - means[None]), axis=2) / 4
    several = ops.cast(count > 1, "float32")
    pairs = several[:, None] * several[None] * (1 - same)
    unseparated = (within + TINY) / (within + between + TINY)
    return ops.sum(pairs * unseparated) / ops.maximum(ops.sum(pairs), 1)


def _same(values: Any, codes: Any) -> Any:
    """(N, N) booleans: which samples have the same values."""
    shape, n = tuple(values.shape), codes.shape[0]
    dtype = keras.backend.standardize_dtype(values.dtype)
    if len(shape) == 1:
        values = values[:, None]
    fits = len(shape) in (1, 2) and (None in (shape[0], n) or shape[0] == n)
    if not fits or "int" not in dtype:
        raise ValueError(
            f"Expected values of shape (N,) or (N, F), integers, N = {n} as in codes. "
            f"Received shape: {shape}, dtype: {dtype}."
        )
    return equal_rows(values)


def equal_rows(values: Any) -> Any:
    """Which rows are the same: (N, N) booleans of integers (N, f)."""
    return ops.all(values[:, None] == values[None], axis=2)


def _several(name: str, tables: Sequence[Any], one: str) -> list[Any]:
    """At least two tables, in float32."""
    made = [ops.convert_to_tensor(table) for table in tables]
    if len(made) < 2:
        raise ValueError(f"Expected {name} of at least two {one}s. Received: {len(made)}.")
    for i, table in enumerate(made):
        checks.rows(f"{name}[{i}]", table, low=1)
    return [ops.cast(table, "float32") for table in made]


def _shapes(tables: Sequence[Any]) -> str:
    return ", ".join(str(tuple(table.shape)) for table in tables)
