"""What every metric does with its arrays first: check them, and sort them into bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo import checks
from zoo.splits import stratified

# Bins a code, as in disentanglement_lib: the scores in the literature depend on it.
BINS = 20

Pair = tuple[NDArray[Any], NDArray[Any]]  # codes and factors


def checked(
    codes: ArrayLike, factors: ArrayLike, least_codes: int = 1, prefix: str = ""
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Codes and factors as arrays, or a refusal that says what is wrong with them.

    Args:
        codes: (N, L) real numbers, all finite. float32 and float64 are kept as they are;
            float16 and bfloat16, which are too coarse for bins, become float32.
        factors: (N, F) factor values: whole numbers (discrete) or floats (continuous).
        least_codes: The fewest code dimensions that the metric makes sense for.
        prefix: What stands before "codes" and "factors" in messages, such as "test_".

    Returns:
        The two arrays.

    Raises:
        ValueError: A wrong rank, an empty array, unequal lengths, a dtype that is not real
            numbers, NaN or infinity, or fewer code dimensions than `least_codes`.

    Example:
        >>> codes, factors = checked([[0.0], [1.0]], [[0], [1]])
        >>> codes.shape, factors.shape
        ((2, 1), (2, 1))
    """
    codes = checked_codes(codes, prefix)
    factors = _real_table(factors, f"{prefix}factors", "(N, F)")
    if len(codes) != len(factors):
        raise ValueError(
            f"Expected as many rows of {prefix}factors as of {prefix}codes ({len(codes)}). "
            f"Received: {len(factors)}."
        )
    if codes.shape[1] < least_codes:
        raise ValueError(
            f"Expected {prefix}codes of at least {least_codes} dimensions, as the score compares "
            f"them with one another. Received: {codes.shape[1]}."
        )
    if is_continuous(factors):
        factors = _at_least_float32(factors)
    return codes, factors


def checked_codes(codes: ArrayLike, prefix: str = "", name: str = "codes") -> NDArray[Any]:
    """Codes alone, as `checked` gives and refuses them.

    Example:
        >>> checked_codes([[0], [1]]).dtype
        dtype('float64')
    """
    return _at_least_float32(_real_table(codes, prefix + name, "(N, L)"))


def checked_labels(
    codes: ArrayLike, labels: ArrayLike, prefix: str = ""
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Codes and their class labels as arrays, or a refusal that says what is wrong with them.

    Args:
        codes: (N, L) real numbers, all finite, as `checked` takes them.
        labels: (N,) integers.
        prefix: What stands before "codes" and "labels" in messages, such as "test_".

    Raises:
        ValueError: As `checked`; labels that are attributes (N, A), or no integers.

    Example:
        >>> checked_labels([[0.0], [1.0]], [3, 5])[1]
        array([3, 5])
    """
    codes, y = checked_codes(codes, prefix), np.asarray(labels)
    if y.ndim == 2:
        raise ValueError(
            f"Expected {prefix}labels of shape (N,), a class each. Received: shape {y.shape}, "
            "attributes, of which one column at a time can be scored."
        )
    if y.ndim != 1 or y.dtype.kind not in "iub":
        raise ValueError(
            f"Expected {prefix}labels of shape (N,), integers. Received: shape {y.shape}, dtype "
            f"{y.dtype}."
        )
    if len(codes) != len(y):
        raise ValueError(
            f"Expected as many {prefix}labels as {prefix}codes ({len(codes)}). Received: {len(y)}."
        )
    return codes, y


def checked_candidates(
    probabilities: ArrayLike, candidates: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities of classes and candidate sets as arrays, or a refusal of what they are not.

    Args:
        probabilities: (N, C) real numbers, all finite.
        candidates: (N, C) of 0 and 1, or of truth values.

    Raises:
        ValueError: A wrong rank or dtype, no rows, NaN or infinity, unequal shapes, other values.

    Example:
        >>> checked_candidates([[0.9, 0.1]], [[1, 0]])[1]
        array([[ True, False]])
    """
    p = _real_table(probabilities, "probabilities", "(N, C)").astype(np.float64)
    sets = np.asarray(candidates)
    if sets.shape != p.shape or not ((sets == 0) | (sets == 1)).all():
        received = f"shape {sets.shape}" + (", other values" if sets.shape == p.shape else "")
        raise ValueError(
            f"Expected candidates of shape {p.shape}, 0 or 1 each. Received: {received}."
        )
    return p, sets.astype(bool)


def train_and_test_labels(
    codes: ArrayLike,
    labels: ArrayLike,
    test_codes: ArrayLike | None,
    test_labels: ArrayLike | None,
    seed: int,
) -> tuple[Pair, Pair]:
    """What to fit a classifier on and what to test it on, each as checked codes and labels.

    Args:
        codes: (N, L) real numbers.
        labels: (N,) integers.
        test_codes: (M, L), or None: then a fifth of each class is kept out of fitting.
        test_labels: (M,), or None.
        seed: Draws that fifth.

    Returns:
        (codes, labels) to fit on and (codes, labels) to test on.

    Raises:
        ValueError: As `checked_labels`; test codes without test labels or the reverse, another
            width than in training, a negative seed, a single class, fewer codes than classes,
            nothing to test on.

    Example:
        >>> z = np.arange(10.0)[:, None]
        >>> parts = train_and_test_labels(z, np.arange(10) // 5, None, None, seed=0)
        >>> [labels.tolist() for codes, labels in parts]
        [[0, 0, 0, 0, 1, 1, 1, 1], [0, 1]]
    """
    checks.integer("seed", seed, low=0)
    z, y = checked_labels(codes, labels)
    test = checked_test_labels(z, test_codes, test_labels)
    known = np.unique(y if test is None else np.concatenate([y, test[1]]))
    if len(z) < len(known):
        raise ValueError(
            f"Expected at least as many codes as classes ({len(known)}). Received: {len(z)}."
        )
    if np.all(y == y[0]):
        raise ValueError(f"Expected labels of at least two classes. Received: {y[0]} alone.")
    if test is not None:
        return (z, y), test
    train, kept = stratified(y, 1 / 5, seed)
    if not len(kept):
        raise ValueError(
            "Expected test_codes and test_labels, or several samples of a class, of which a fifth "
            f"is kept for the test. Received: {len(z)} samples of as many classes."
        )
    return (z[train], y[train]), (z[kept], y[kept])


def checked_test_labels(
    train_codes: NDArray[Any], codes: ArrayLike | None, labels: ArrayLike | None
) -> Pair | None:
    """The test codes and labels, which must come together, the codes as wide as in training."""
    if codes is None and labels is None:
        return None
    if codes is None or labels is None:
        lacking = "test_codes" if codes is None else "test_labels"
        raise ValueError(f"Expected test_codes and test_labels together. Received: no {lacking}.")
    test = checked_labels(codes, labels, prefix="test_")
    _same_width("codes", train_codes, test[0])
    return test


def train_and_test(
    codes: ArrayLike,
    factors: ArrayLike,
    test_codes: ArrayLike | None,
    test_factors: ArrayLike | None,
    seed: int,
    least_codes: int = 1,
) -> tuple[Pair, Pair]:
    """What to fit a predictor on and what to test it on, each as checked codes and factors.

    Args:
        codes: (N, L) real numbers.
        factors: (N, F) whole numbers or floats.
        test_codes: (M, L), or None: then a fifth of the samples is kept out of fitting.
        test_factors: (M, F), or None.
        seed: Draws that fifth.
        least_codes: The fewest code dimensions that the metric makes sense for.

    Returns:
        (codes, factors) to fit on and (codes, factors) to test on.

    Raises:
        ValueError: As `checked`; test codes without test factors or the reverse, other widths
            than in training, a negative seed, fewer than 5 samples to split.

    Example:
        >>> z = np.arange(10.0)[:, None]
        >>> [len(codes) for codes, factors in train_and_test(z, z, None, None, seed=0)]
        [8, 2]
    """
    checks.integer("seed", seed, low=0)
    train = checked(codes, factors, least_codes)
    test = checked_test(train, test_codes, test_factors)
    return (train, test) if test else split(*train, seed)


def checked_test(train: Pair, codes: ArrayLike | None, factors: ArrayLike | None) -> Pair | None:
    """The test codes and factors, which must come together and be as wide as those of `train`."""
    if codes is None and factors is None:
        return None
    if codes is None or factors is None:
        lacking = "test_codes" if codes is None else "test_factors"
        raise ValueError(f"Expected test_codes and test_factors together. Received: no {lacking}.")
    test = checked(codes, factors, prefix="test_")
    for name, part, test_part in zip(("codes", "factors"), train, test, strict=True):
        _same_width(name, part, test_part)
    return test


def _same_width(name: str, part: NDArray[Any], test_part: NDArray[Any]) -> None:
    if test_part.shape[1] != part.shape[1]:
        raise ValueError(
            f"Expected as many columns in test_{name} as in {name} ({part.shape[1]}). "
            f"Received: {test_part.shape[1]}."
        )


def split(z: NDArray[Any], v: NDArray[Any], seed: int) -> tuple[Pair, Pair]:
    """Four fifths of the samples to fit on and one fifth to test on, drawn by `seed`."""
    if len(z) < 5:
        raise ValueError(
            f"Expected test_codes and test_factors, or at least 5 samples, of which a fifth is "
            f"kept for the test. Received: {len(z)} samples."
        )
    test, train = np.split(np.random.default_rng(seed).permutation(len(z)), [len(z) // 5])
    return (z[train], v[train]), (z[test], v[test])


def _at_least_float32(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.result_type(values.dtype, np.float32), copy=False)


def _real_table(values: ArrayLike, name: str, shape: str) -> NDArray[Any]:
    table = np.asarray(values)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"Expected {name} of shape {shape}, not empty. Received: shape {table.shape}."
        )
    if not np.can_cast(table.dtype, np.float64):
        raise ValueError(f"Expected {name} that are real numbers. Received: dtype {table.dtype}.")
    if is_continuous(table):
        bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
        if len(bad):
            raise ValueError(
                f"Expected finite {name}. Received: NaN or infinity in {len(bad)} of {len(table)} "
                f"rows, the first of them row {bad[0]}."
            )
    return table


def checked_bins(bins: int, samples: int) -> int:
    """The number of bins, or a refusal where so few samples cannot fill them.

    Raises:
        ValueError: `bins` is not an integer of at least 2, or exceeds `samples`.

    Example:
        >>> checked_bins(20, samples=10_000)
        20
    """
    bins = checks.integer("bins", bins, low=2)
    if samples < bins:
        raise ValueError(
            f"Expected at least as many samples as bins ({bins}). Received: {samples}."
        )
    return bins


def is_continuous(factors: NDArray[Any]) -> bool:
    """Whether factors are floats, which are binned like codes, and not whole numbers."""
    return factors.dtype.kind not in "iub"


def bin_edges(values: NDArray[Any], bins: int) -> NDArray[Any]:
    """The left edges of `bins` equal-width bins over the range of `values`, shape (bins,).

    Equal to `np.histogram(values, bins)[1][:-1]`, which disentanglement_lib uses, to the last
    bit: the edges keep the dtype of the values. Where numpy gives up, on a range so narrow that
    neighbouring edges coincide, this goes on: each distinct value has a bin of its own.
    """
    return np.linspace(values.min(), values.max(), bins + 1, dtype=values.dtype)[:-1]


def binned(values: NDArray[Any], edges: NDArray[Any]) -> NDArray[np.intp]:
    """The bin of each value, 0 to len(edges) - 1; values beyond the edges join the outer bins.

    Example:
        >>> values = np.array([0.0, 0.4, 0.6, 1.0])
        >>> binned(values, bin_edges(values, bins=2))
        array([0, 0, 1, 1])
    """
    # A value's bin is the number of left edges, but for the first, that it has reached.
    if len(edges) <= np.iinfo(np.uint8).max:
        # Comparing with every edge takes a sixth of the time of a search, whose branches no
        # processor can predict.
        reached = np.ascontiguousarray(values) >= edges[1:, None]
        return np.asarray(reached.sum(axis=0, dtype=np.uint8), np.intp)
    return np.searchsorted(edges[1:], values, side="right")


def labels(values: NDArray[Any], bins: int) -> tuple[NDArray[np.intp], int]:
    """One factor's values as classes 0 to K - 1, and K: discrete by value, continuous by bin.

    Args:
        values: (N,) whole numbers or floats.
        bins: How many bins a continuous factor is sorted into, so that K <= bins.

    Returns:
        (N,) classes, each of them present, and their number.

    Example:
        >>> labels(np.array([7, 3, 7]), bins=20)
        (array([1, 0, 1]), 2)
    """
    if is_continuous(values):
        values = binned(values, bin_edges(values, bins))
    present, classes = np.unique(values, return_inverse=True)
    return classes, len(present)


def repeated(values: NDArray[Any], k: int) -> NDArray[np.intp]:
    """The classes of factor k, or a refusal where no two samples share one: none has neighbours."""
    y, K = labels(values, BINS)
    if len(y) == K:
        raise ValueError(
            f"Expected factors with values that repeat. Received: {K:,} values of factor {k} in "
            f"{len(y):,} samples."
        )
    return y


def classes(
    values: NDArray[Any], test_values: NDArray[Any]
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """One factor's values in training and test as classes, and how many there are in training.

    As `labels`, with `BINS` bins whose edges are those of training.

    Returns:
        (N,) classes 0 to K - 1, (M,) classes with -1 for values that training lacks, and K.

    Raises:
        ValueError: A continuous factor of fewer samples than bins.

    Example:
        >>> classes(np.array([7, 3, 7]), np.array([3, 5]))
        (array([1, 0, 1]), array([ 0, -1]), 2)
    """
    if is_continuous(values):
        edges = bin_edges(values, checked_bins(BINS, len(values)))
        values, test_values = binned(values, edges), binned(test_values, edges)
    present, y = np.unique(values, return_inverse=True)
    place = np.minimum(np.searchsorted(present, test_values), len(present) - 1)
    return y, np.where(present[place] == test_values, place, -1), len(present)


def standardised(values: NDArray[Any], *others: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Each column of `values` less its mean and divided by its standard deviation.

    A constant column, whose deviation is 0 or a rounding error, becomes 0.

    Args:
        values: (N,) or (N, L) real numbers.
        others: Arrays to be moved and scaled as `values` are, such as test codes.

    Returns:
        All of them, in float64.

    Example:
        >>> standardised(np.array([1.0, 3.0]), np.array([5.0]))
        [array([-1.,  1.]), array([3.])]
    """
    mean, deviation = mean_and_deviation(values)
    return [(array - mean) / deviation for array in (values, *others)]


def mean_and_deviation(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What `standardised` takes off each column of `values`, and divides it by.

    Example:
        >>> mean_and_deviation(np.array([[1.0, 5.0], [3.0, 5.0]]))
        (array([2., 5.]), array([1., 1.]))
    """
    mean = values[0] + np.mean(values - values[0], axis=0, dtype=np.float64)
    deviation = np.std(values, axis=0, dtype=np.float64)
    return mean, np.where(np.all(values == values[0], axis=0), 1.0, deviation)


def unit(codes: NDArray[Any]) -> NDArray[Any]:
    """Rows at length 1, in their own dtype; a row of zeros stays one.

    Rows are scaled by their largest number first, so that no square of one overflows or vanishes.

    Example:
        >>> unit(np.array([[3e30, 4e30], [0, 0]], np.float32)).round(1).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    largest = np.abs(codes).max(axis=1, keepdims=True)
    codes = codes / np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return codes / np.where(lengths > 0, lengths, 1)


def varied(factors: NDArray[Any], least: int = 1) -> NDArray[np.bool_]:
    """Which factors have more than one value, (F,) booleans: the others are left out of scores.

    Args:
        factors: (N, F) factor values.
        least: How many of them the metric needs.

    Raises:
        ValueError: Fewer have.

    Example:
        >>> varied(np.array([[0, 1], [0, 2]]))
        array([False,  True])
    """
    several = np.any(factors != factors[0], axis=0)
    if several.sum() < least:
        count = "one factor" if least == 1 else f"{least} factors"
        raise ValueError(
            f"Expected at least {count} with more than one value. "
            f"Received: {several.sum()} of {len(several)}."
        )
    return several


def rank_correlation(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Spearman's rank correlation of each column of `a` with each of `b`; ties share a mean rank.

    Args:
        a: (N, K) real numbers.
        b: (N, M) real numbers.

    Returns:
        (K, M) in -1..1; NaN where a column holds one value only.

    Example:
        >>> table = np.array([[1, 10, 3], [2, 30, 2], [3, 90, 1]])
        >>> rank_correlation(table, table[:, :2]).tolist()
        [[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]]
    """
    from scipy.stats import rankdata  # half a second

    first, second = (rankdata(table, axis=0) - (len(table) + 1) / 2 for table in (a, b))
    sizes = np.sqrt(np.outer((first**2).sum(axis=0), (second**2).sum(axis=0)))
    products = first.T @ second
    shares = np.divide(products, sizes, out=np.full_like(products, np.nan), where=sizes > 0)
    return np.clip(shares, -1, 1)


def checked_subspaces(subspaces: Mapping[str, int], width: int, least: int = 1) -> dict[str, slice]:
    """Which columns of the codes each subspace is: they stand side by side, in their order.

    Args:
        subspaces: The name of each subspace, and how many dimensions it has.
        width: How many dimensions the codes have.
        least: How many subspaces the metric makes sense for.

    Raises:
        ValueError: Fewer subspaces, one without a name or without dimensions, or dimensions that
            do not add up to those of the codes.

    Example:
        >>> checked_subspaces({"shape": 8, "colour": 4}, width=12)
        {'shape': slice(0, 8, None), 'colour': slice(8, 12, None)}
    """
    named = isinstance(subspaces, Mapping) and all(isinstance(n, str) and n for n in subspaces)
    if not named or len(subspaces) < least:
        several = "one or several" if least == 1 else f"at least {least}"
        raise ValueError(
            f'Expected {several} subspaces, each a name and its dimensions: {{"shape": 8, '
            f'"colour": 4}}. Received: {subspaces!r}.'
        )
    columns, end = {}, 0
    for name, size in subspaces.items():
        start, end = end, end + checks.integer(f"the dimensions of {name!r}", size, low=1)
        columns[name] = slice(start, end)
    if end != width:
        raise ValueError(
            f"Expected subspaces of {width} dimensions in all, as codes have. Received: {end}, of "
            f"{', '.join(f'{name} {size}' for name, size in subspaces.items())}."
        )
    return columns
