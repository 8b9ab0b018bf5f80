"""Which code holds which factor, in numbers and in a sentence for each code.

With I the mutual information of a code's histogram and a factor (Chen et al. 2018, as
`zoo.metrics.mutual_information` has it), H the factor's entropy, and C the mean of I over samples
that were shuffled, which is what so many bins count of things that are independent,

    A_jk = (I(z_j; v_k) - C_jk) / (H(v_k) - C_jk)    what code j knows, as a share of factor k  (1)
    S_jk = A_jk H(v_k) / sum_k A_jk H(v_k)           and as a share of all that it knows.       (2)

(1) is adjusted for chance as Vinh, Epps and Bailey adjust what clusterings share ("Information
Theoretic Measures for Clusterings Comparison", JMLR 2010): 0 of independent ones, 1 of a code that
knows all.
Each code is asked alone: importances of classifiers of all codes together (as DCI has them) share
one factor out among codes that know the same, and say less of each.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from applications.saved_model import SavedModel
from zoo import checks
from zoo.messages import unknown
from zoo.metrics.arrays import (
    BINS,
    checked,
    checked_bins,
    checked_codes,
    labels,
    rank_correlation,
    standardised,
)
from zoo.metrics.mutual_information import information_and_entropy
from zoo.reporting.latents import NO_FACTOR, percent
from zoo.reporting.sheet import MINUS

SHUFFLES = 5
CERTAIN = 5  # standard deviations above what shuffled samples have: of thousands, none by chance
PURE = 0.9  # share of a code's information from which it follows one factor
TOLD = 0.05  # share from which a factor is named among those of a mixed code
MONOTONE = 0.5  # rank correlation from which a code is said to rise or fall with a factor
ALIKE = 0.9  # rank correlation from which two codes are said to be alike
RELATED = 0.05  # share of a factor that another tells, from which that is said
KINDS = ("ordered", "circular", "categories")

KNOWN_KINDS: Mapping[str, Mapping[str, str]] = {
    "dsprites": {"shape": "categories", "orientation": "circular"},
    "coloured_sprites": {
        "shape": "categories",
        "orientation": "circular",
        "colour": "categories",
        "background": "categories",
    },
}
"""Which factors of which data are not ordered."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """What there is to say of one code.

    Attributes:
        code: Its number.
        verdict: "follows" one factor, "mixed" of several, "nothing" of any, or "unknown" where no
            factors are.
        factor: The factor it knows most of; "" for "nothing" and "unknown".
        share: Equation (2) of that factor, 0..1; NaN without one.
        of_factor: Equation (1) of it.
        rank_correlation: With that factor, -1..1; NaN of one that is not ordered.
        explained: The share of the code's variance that the factor's values explain.
        sentence: All of that in words.
    """

    code: int
    verdict: str
    factor: str
    share: float
    of_factor: float
    rank_correlation: float
    explained: float
    sentence: str


@dataclasses.dataclass(frozen=True)
class Interpretation:
    """What codes hold.

    Attributes:
        readings: One for each code.
        factor_names: F names, none where nothing is known of the images.
        of_factor: (L, F), equation (1), 0 where it may be chance; NaN of a factor of one value.
        of_code: (L, F), equation (2), likewise; 0 of a code that holds nothing, of which it would
            be shares of next to nothing.
        notes: What is to be known with it, a sentence each.
    """

    readings: tuple[Reading, ...]
    factor_names: tuple[str, ...]
    of_factor: NDArray[np.float64]
    of_code: NDArray[np.float64]
    notes: tuple[str, ...]


def read_codes(
    codes: ArrayLike,
    factors: ArrayLike | None = None,
    factor_names: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    value_names: Mapping[str, Sequence[str]] | None = None,
    subspaces: Mapping[str, slice] | None = None,
    seed: int = 0,
) -> Interpretation:
    """Says of each code which factor it follows, that it is mixed, or that it holds nothing.

    A code follows a factor if 90 % of all it knows is of that one; it holds nothing if it knows
    less than 1 % of every factor, or no more than five standard deviations above what it knows of
    shuffled samples. A factor that tells of another (they are not drawn independently) has its
    codes tell of it too; a note says which do.

    Args:
        codes: (N, L) real numbers, N at least 20.
        factors: (N, F) whole numbers or floats, or labels (N,). None: nothing is known, and codes
            are told by how much they vary, and by one another.
        factor_names: F names. Default: "factor 0" and so on, "class" of labels.
        kinds: Of factors by name: "ordered" (the default), "circular", or "categories", which have
            no order and so no rank correlation.
        value_names: Of categories by the factor's name: the names of its values from 0 on.
        subspaces: Which codes each subspace is, for their names.
        seed: Shuffles the samples.

    Returns:
        The interpretation.

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, fewer than 20 samples, names that
            are not one for each factor, a kind or a name that is unknown, factors of which none has
            more than one value.

    Example:
        >>> factors = np.stack(np.meshgrid(range(5), range(5)), axis=-1).reshape(-1, 2).repeat(9, 0)
        >>> found = read_codes(factors[:, ::-1], factors, ["x", "y"])
        >>> found.readings[0].sentence
        'code 0 follows y, 100 % of its information, rank correlation 1.00. It knows 100 % of y.'
    """
    seed = checks.integer("seed", seed, low=0)
    if factors is None:
        z = checked_codes(codes)
        checked_bins(BINS, len(z))
        return _of_codes_alone(z, _code_names(z.shape[1], subspaces))
    table = np.asarray(factors)
    one = table.ndim == 1
    z, v = checked(codes, table[:, None] if one else table)
    names = _names(factor_names, v.shape[1], one)
    told = {**dict.fromkeys(names, "categories" if one else "ordered"), **(kinds or {})}
    for name, kind in told.items():
        checks.one_of("factor", name, names)
        checks.one_of(f"kind of {name!r}", kind, KINDS)
    for name in value_names or {}:
        checks.one_of("factor", name, names)
    several = np.any(v != v[0], axis=0)
    if not several.any():
        kind = "class" if one else "value of some factor"
        raise ValueError(f"Expected more than one {kind}. Received: one alone.")
    of_factor, entropy = _knowledge(z, v, seed)
    nothing = of_factor.max(axis=1) < NO_FACTOR
    known = np.where(nothing[:, None], 0, of_factor * entropy)
    total = known.sum(axis=1, keepdims=True)
    of_code = np.divide(known, total, out=np.zeros_like(known), where=total > 0)
    of_factor[:, ~several] = of_code[:, ~several] = np.nan

    ranks = rank_correlation(z, v)
    explained = _explained(z, v)
    called = _code_names(z.shape[1], subspaces)
    readings = []
    for j in range(z.shape[1]):
        k = int(np.nan_to_num(of_code[j]).argmax())
        name = names[k]
        constant = bool(np.all(z[:, j] == z[0, j]))
        if nothing[j]:
            why = "it is constant" if constant else f"it tells of {_either(names, several)}"
            words = f"{called[j]} holds nothing: {why}."
            readings.append(Reading(j, "nothing", "", np.nan, 0.0, np.nan, np.nan, words))
            continue
        ordered = told[name] == "ordered"
        reading = Reading(
            code=j,
            verdict="follows" if of_code[j, k] >= PURE else "mixed",
            factor=name,
            share=float(of_code[j, k]),
            of_factor=float(of_factor[j, k]),
            rank_correlation=float(ranks[j, k]) if ordered else np.nan,
            explained=float(explained[j, k]),
            sentence="",
        )
        words = (
            _follows(reading, told[name], _ends(z[:, j], v[:, k], (value_names or {}).get(name)),
                     alone=several.sum() == 1)
            if reading.verdict == "follows"
            else _mixed(of_code[j], of_factor[j], names)
        )  # fmt: skip
        readings.append(dataclasses.replace(reading, sentence=f"{called[j]} {words}"))
    return Interpretation(
        tuple(readings), names, of_factor, of_code, _related(v, names, several, seed)
    )


def _names(factor_names: Sequence[str] | None, count: int, one: bool) -> tuple[str, ...]:
    if factor_names is None:
        return ("class",) if one else tuple(f"factor {k}" for k in range(count))
    names = () if isinstance(factor_names, str) else tuple(factor_names)
    if len(names) != count or len(set(names)) != count:
        raise ValueError(
            f"Expected factor_names: {count}, one for each column of factors. "
            f"Received: {factor_names!r}."
        )
    return names


def _code_names(count: int, subspaces: Mapping[str, slice] | None) -> list[str]:
    """What codes are called: "code 3", or "code 3 (shape)" where there are subspaces."""
    names = [f"code {j}" for j in range(count)]
    for subspace, part in (subspaces or {}).items():
        for j in range(count)[part]:
            names[j] += f" ({subspace})"
    return names


def _knowledge(
    z: NDArray[Any], v: NDArray[Any], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Equation (1), (L, F), 0 where it may be chance or a factor has one value; (F,) entropies.

    2 N I of independent ones is distributed as chi squared, of (bins - 1) (values - 1) degrees of
    freedom D, whose standard deviation is sqrt(2 D); its mean is taken from shuffled samples, as D
    is not where samples are few.
    """
    N = len(z)
    rng = np.random.default_rng(seed)
    information, entropy = information_and_entropy(z, v, checked_bins(BINS, N))
    shuffled = [information_and_entropy(z, v[rng.permutation(N)], BINS)[0] for _ in range(SHUFFLES)]
    chance = np.mean(shuffled, axis=0)
    bins, values = (np.array([labels(column, BINS)[1] for column in table.T]) for table in (z, v))
    deviation = np.sqrt(2 * np.outer(bins - 1, values - 1)) / (2 * N)
    above = information - chance
    certain = (above > CERTAIN * deviation) & (entropy > chance)
    share = np.divide(above, entropy - chance, out=np.zeros_like(above), where=certain)
    return np.clip(share, 0, 1), entropy


def _explained(z: NDArray[Any], v: NDArray[Any]) -> NDArray[np.float64]:
    """The share of each code's variance that each factor's values explain, (L, F).

    The squared correlation ratio, less what as many values explain of noise: it needs no order of
    the values.
    """
    (x,) = standardised(z)
    shares = []
    for column in v.T:
        y, K = labels(column, BINS)
        sizes = np.bincount(y)[:, None]
        means = np.stack([np.bincount(y, column) for column in x.T], axis=1) / sizes
        within = np.mean((x - means[y]) ** 2, axis=0)
        spare = max(1, len(x) - K)
        shares.append(np.clip(1 - within * (len(x) - 1) / spare, 0, 1))
    return np.where(np.ptp(z, axis=0)[:, None] > 0, np.stack(shares, axis=1), 0)


def _ends(z: NDArray[Any], values: NDArray[Any], named: Sequence[str] | None) -> tuple[str, str]:
    """The values of a factor for which a code is lowest and highest on average."""
    y, K = labels(values, BINS)
    present = np.unique(values)
    means = np.bincount(y, z) / np.bincount(y)
    ends = []
    for place in (int(means.argmin()), int(means.argmax())):
        value = present[place] if len(present) == K else place
        inside = named is not None and 0 <= int(value) < len(named)
        ends.append(str(named[int(value)]) if named is not None and inside else f"value {value}")
    return ends[0], ends[1]


def _follows(reading: Reading, kind: str, ends: tuple[str, str], alone: bool) -> str:
    """Of a code that follows one factor: what its sentence says after its name."""
    name = reading.factor
    told = f"follows {name}" + ("" if alone else f", {percent(reading.share)} of its information")
    known = f"It knows {percent(reading.of_factor)} of {name}."
    if kind == "ordered" and abs(reading.rank_correlation) >= MONOTONE:
        rank = f"{reading.rank_correlation:.2f}".replace("-", MINUS)
        return f"{told}, rank correlation {rank}. {known}"
    explains = f"{name} explains {percent(reading.explained)} of its variance"
    if kind == "categories":
        return f"{told}; {explains}, lowest for {ends[0]}, highest for {ends[1]}. {known}"
    why = "goes round" if kind == "circular" else "does not rise or fall with it"
    who = "which" if kind == "circular" else "but"
    return f"{told}, {who} {why}; {explains}. {known}"


def _mixed(of_code: NDArray[np.float64], of_factor: NDArray[np.float64], names: Any) -> str:
    """Of a code that knows of several factors: what its sentence says after its name."""
    shares = np.nan_to_num(of_code)
    order = [k for k in np.argsort(-shares, kind="stable").tolist() if shares[k] >= TOLD]
    listed = ", ".join(f"{names[k]} {percent(shares[k])}" for k in order)
    first = order[0]
    return (
        f"is mixed: {listed} of its information. "
        f"It knows {percent(of_factor[first])} of {names[first]}."
    )


def _either(names: Sequence[str], several: NDArray[np.bool_]) -> str:
    varied = [name for name, varies in zip(names, several, strict=True) if varies]
    return f"no {varied[0]}" if len(varied) == 1 else f"none of {', '.join(varied)}"


def _related(
    v: NDArray[Any], names: Sequence[str], several: NDArray[np.bool_], seed: int
) -> tuple[str, ...]:
    """A note for each two factors of which one tells much of the other."""
    table = np.stack([labels(column, BINS)[0] for column in v.T], axis=1)
    # As codes, factors are sorted into bins: the information is a lower bound.
    share, _ = _knowledge(table.astype(np.float64), v, seed)
    notes = []
    for a, b in itertools.combinations(range(len(names)), 2):
        if not (several[a] and several[b]):
            continue
        most = max(share[a, b], share[b, a])
        if most >= RELATED:
            notes.append(
                f"{names[a]} and {names[b]} tell {percent(most)} of one another in these data: "
                "what follows one knows of the other too."
            )
    return tuple(notes)


def _of_codes_alone(z: NDArray[Any], called: Sequence[str]) -> Interpretation:
    """Of codes of images of which nothing is known: how much each varies, and which are alike."""
    variance = np.var(z, axis=0, dtype=np.float64)
    shares = variance / max(float(variance.sum()), np.finfo(np.float64).tiny)
    ranks = np.nan_to_num(rank_correlation(z, z))
    np.fill_diagonal(ranks, 0)
    readings = []
    for j, name in enumerate(called):
        if variance[j] == 0:
            words = f"{name} holds nothing: it is constant."
            readings.append(Reading(j, "nothing", "", np.nan, np.nan, np.nan, np.nan, words))
            continue
        words = f"{name} has {percent(shares[j])} of all variance"
        other = int(np.abs(ranks[j]).argmax())
        if abs(ranks[j, other]) >= ALIKE:
            rank = f"{ranks[j, other]:.2f}".replace("-", MINUS)
            words += f", and says the same as {called[other]} (rank correlation {rank})"
        readings.append(Reading(j, "unknown", "", np.nan, np.nan, np.nan, np.nan, f"{words}."))
    nothing = np.zeros((len(called), 0))
    notes = ("Nothing is known of the images: look at what moves in the pictures of each code.",)
    return Interpretation(tuple(readings), (), nothing, nothing, notes)


def kinds_of(data: str, factor_names: Sequence[str], told: Mapping[str, str]) -> dict[str, str]:
    """The kind of each factor: what the user told, else what is known of the data, else ordered.

    Args:
        data: The name of the data set.
        factor_names: F names.
        told: Kinds by names, which count most.

    Raises:
        ValueError: A factor that is not there.

    Example:
        >>> kinds_of("dsprites", ["shape", "scale"], {})
        {'shape': 'categories', 'scale': 'ordered'}
    """
    for name in told:
        if name not in factor_names:
            raise ValueError(unknown("factor", name, factor_names))
    known = {name: kind for name, kind in KNOWN_KINDS.get(data, {}).items() if name in factor_names}
    return {**dict.fromkeys(factor_names, "ordered"), **known, **told}


# What codes look like


@dataclasses.dataclass(frozen=True)
class Looks:
    """Pictures of codes.

    Attributes:
        shown: (M,) which codes.
        moved: (M, S, H, W, C) uint8: images in which one code moves from its lowest to its highest
            usual value, and the others stay.
        values: (M, S) the values of that code.
        most: (M, K, H, W, C) uint8: the images with the largest values, the largest first.
        least: (M, K, H, W, C) uint8: the images with the smallest, the smallest first.
        decoded: Whether `moved` are decoded; else they are images of the data, each of those near
            a value the one whose other codes are nearest to the typical image's.
        change: (M,) how much `moved` changes from its first image to its last: the mean difference
            of pixels, 0..1.
    """

    shown: NDArray[np.intp]
    moved: NDArray[np.uint8]
    values: NDArray[np.float64]
    most: NDArray[np.uint8]
    least: NDArray[np.uint8]
    decoded: bool
    change: NDArray[np.float64]


def look_at_codes(
    saved_model: SavedModel,
    images: NDArray[np.uint8],
    codes: NDArray[Any],
    shown: Sequence[int],
    steps: int = 9,
    count: int = 8,
) -> Looks:
    """What each code changes, and which images excite it most and least.

    Where the model decodes, one code of a typical image (the one whose code is nearest to all
    codes' medians) moves evenly from its 1 % to its 99 % quantile. Where it does not, the images
    themselves stand for that: of the twentieth of them that are nearest to each value, the one
    whose other codes are nearest to the typical image's.

    Args:
        saved_model: The model, to decode with.
        images: uint8 (N, H, W, C).
        codes: (N, L) of these images.
        shown: Which codes.
        steps: S, the values of a code, at least 2.
        count: K, the images that excite a code most, and least.

    Raises:
        ValueError: Fewer images than `count`, other lengths, a code that is not there.
    """
    z = checked_codes(codes)
    steps, count = checks.integer("steps", steps, low=2), checks.integer("count", count, low=1)
    rows = np.array([checks.integer("code", j, low=0, high=z.shape[1] - 1) for j in shown], np.intp)
    if len(images) != len(z):
        raise ValueError(f"Expected as many images as codes ({len(z)}). Received: {len(images)}.")
    if len(images) < count:
        raise ValueError(
            f"Expected at least {count} images, which excite a code most. Received: {len(images)}."
        )
    (x,) = standardised(z)
    start = int(np.linalg.norm(x - np.median(x, axis=0), axis=1).argmin())
    low, high = np.quantile(z[:, rows], (0.01, 0.99), axis=0)
    values = np.linspace(low, high, steps, axis=1)
    order = [np.argsort(z[:, j], kind="stable") for j in rows]
    decoded = saved_model.has("decode")
    if not len(rows):
        none = np.zeros((0, count, *images.shape[1:]), np.uint8)
        return Looks(rows, none, np.zeros((0, steps)), none, none, decoded, np.zeros(0))
    if decoded:
        moved_codes = np.repeat(z[start][None], len(rows) * steps, axis=0)
        moved_codes[np.arange(len(moved_codes)), rows.repeat(steps)] = values.ravel()
        moved = saved_model.decode(moved_codes)
    else:
        found = [
            _nearest(x, start, j, z[:, j] - value)
            for j, row in zip(rows, values, strict=True)
            for value in row
        ]
        moved = images[found]
    moved = moved.reshape(len(rows), steps, *moved.shape[1:])
    ends = moved[:, [0, -1]].astype(np.float64) / 255
    return Looks(
        shown=rows,
        moved=moved,
        values=values,
        most=np.stack([images[of[::-1][:count]] for of in order]),
        least=np.stack([images[of[:count]] for of in order]),
        decoded=decoded,
        change=np.abs(ends[:, 1] - ends[:, 0]).mean(axis=(1, 2, 3)),
    )


def _nearest(x: NDArray[np.float64], start: int, code: int, distance: NDArray[Any]) -> int:
    """Of the images nearest to a value of a code, the one whose other codes are as the first's."""
    near = np.argsort(np.abs(distance), kind="stable")[: max(1, len(x) // 20)]
    others = np.delete(x[near] - x[start], code, axis=1)
    return int(near[np.square(others).sum(axis=1).argmin()])


def interpret(
    saved_model: SavedModel,
    images: NDArray[np.uint8],
    factors: ArrayLike | None = None,
    factor_names: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    value_names: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> Interpretation:
    """What the codes of images hold: `read_codes` of what a model makes of them.

    Args:
        saved_model: A model that encodes. Its subspaces are named with its codes.
        images: uint8 (N, H, W, C), N at least 20.
        factors: As for `read_codes`, and so are all others.
        factor_names: Likewise.
        kinds: Likewise.
        value_names: Likewise.
        seed: Likewise.

    Raises:
        ValueError: As `read_codes`, or images that the model does not take.

    Example:
        >>> found = interpret(model, images, labels)  # doctest: +SKIP
        >>> print(found.readings[3].sentence)  # doctest: +SKIP
        code 3 follows class; class explains 91 % of its variance, lowest for value 0, ...
    """
    return read_codes(
        saved_model.encode(images),
        factors,
        factor_names,
        kinds,
        value_names,
        subspaces=saved_model.subspaces,
        seed=seed,
    )
