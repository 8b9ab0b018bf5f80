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
WEAK = 0.1  # share of a factor; a code that knows less of each knows little
PURE = 0.9  # share of a code's information from which it follows one factor
TOLD = 0.05  # share from which a factor is named among those of a mixed code
MONOTONE = 0.5  # rank correlation from which a code is said to rise or fall with a factor
ALIKE = 0.9  # rank correlation from which two codes are said to be alike
RELATED = 0.05  # share of a factor that another tells, from which that is said
STILL = 0.05  # of the largest deviation: codes that vary less hardly vary
VISIBLE = 0.02  # of white, by which one pixel at least has to change for an eye to see it
TRIED = 16  # images in which that is tried
QUANTILES = (0.01, 0.99)  # of a code, between which it moves
KINDS = ("ordered", "circular", "categories")

IGNORED = " The decoder takes no notice of it."
DEAD = "it hardly varies, and the decoder takes no notice of it"
NOTICED = (
    f"Of a code the decoder takes no notice if in {TRIED} images no pixel changes by "
    f"{percent(VISIBLE)} of white while it goes from its 1 % to its 99 % quantile."
)
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
        verdict: "follows" one factor, "mixed" of several, "nothing" where it holds none, or
            "unknown" where no factors are.
        factor: The factor it knows most of; "" for "nothing" and "unknown".
        share: Equation (2) of that factor, 0..1; NaN without one.
        of_factor: Equation (1) of it.
        rank_correlation: With that factor, -1..1; NaN of one that is not ordered.
        explained: The share of the code's variance that the factor's values explain.
        variance: The code's share of all codes' variance.
        sentence: All of that in words.
    """

    code: int
    verdict: str
    factor: str
    share: float
    of_factor: float
    rank_correlation: float
    explained: float
    variance: float
    sentence: str


@dataclasses.dataclass(frozen=True)
class Interpretation:
    """What codes hold.

    Attributes:
        readings: One for each code.
        factor_names: F names, none where nothing is known of the images.
        of_factor: (L, F), equation (1), 0 where it may be chance; NaN of a factor of one value.
        of_code: (L, F), equation (2), likewise; its sum counts what may be chance, so that few
            samples do not make a code look purer. 0 of a code that holds nothing, of which it would
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
    unseen: Sequence[int] = (),
    seed: int = 0,
) -> Interpretation:
    """Says of each code which factor it follows, that it is mixed, or that it holds nothing.

    A code holds nothing if it knows less than 1 % of every factor, or no more than five standard
    deviations above what it knows of shuffled samples; and whatever it knows, if it hardly varies
    (by less than a twentieth of the code that varies most) and a decoder takes no notice of it:
    means of codes that a VAE does not use tell a little of several factors, as rotated codes do
    that it does use. Of the others, it follows a factor if 90 % of all it knows is of that one. A
    factor that tells of another (they are not drawn independently) has its codes tell of it too; a
    note says which do.

    Args:
        codes: (N, L) real numbers, N at least 20.
        factors: (N, F) whole numbers or floats, or labels (N,). None: nothing is known, and codes
            are told by how much they vary, and by one another.
        factor_names: F names. Default: "factor 0" and so on, "class" of labels.
        kinds: Of factors by name: "ordered" (the default), "circular", or "categories", which have
            no order and so no rank correlation.
        value_names: Of categories by the factor's name: the names of its values from 0 on.
        subspaces: Which codes each subspace is, for their names.
        unseen: Codes of which a decoder takes no notice, as `unseen_codes` finds them.
        seed: Shuffles the samples.

    Returns:
        The interpretation.

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, fewer than 20 samples, names that
            are not one for each factor, a kind or a name that is unknown, factors of which none has
            more than one value, an unseen code that is not there.

    Example:
        >>> factors = np.stack(np.meshgrid(range(5), range(5)), axis=-1).reshape(-1, 2).repeat(9, 0)
        >>> found = read_codes(factors[:, ::-1], factors, ["x", "y"])
        >>> found.readings[0].sentence.partition(", rank")[0]
        'code 0 follows y, 100 % of its information'
    """
    seed = checks.integer("seed", seed, low=0)
    if factors is None:
        z = checked_codes(codes)
        checked_bins(BINS, len(z))
        return _of_codes_alone(z, _code_names(z.shape[1], subspaces), _deaf(z, unseen))
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
    of_factor, likely = _knowledge(z, v, seed)
    deaf = _deaf(z, unseen)
    dead = deaf & still(z)
    nothing = dead | (of_factor.max(axis=1) < NO_FACTOR)
    total = likely.sum(axis=1, keepdims=True)
    of_code = np.divide(likely, total, out=np.zeros_like(likely), where=~nothing[:, None])
    of_code = np.where(of_factor > 0, np.clip(of_code, 0, 1), 0)
    of_factor[:, ~several] = of_code[:, ~several] = np.nan

    ranks = rank_correlation(z, v)
    explained, variance = _explained(z, v), _shares_of_variance(z)
    called = _code_names(z.shape[1], subspaces)
    readings = []
    for j in range(z.shape[1]):
        if nothing[j]:
            constant = bool(np.all(z[:, j] == z[0, j]))
            words = "it is constant" if constant else _little(of_factor[j], names, bool(dead[j]))
            readings.append(
                _empty("nothing", j, variance[j], f"{called[j]} holds nothing: {words}.")
            )
            continue
        k = int(np.nan_to_num(of_code[j]).argmax())
        name = names[k]
        ordered = told[name] == "ordered"
        reading = Reading(
            code=j,
            verdict="follows" if of_code[j, k] >= PURE else "mixed",
            factor=name,
            share=float(of_code[j, k]),
            of_factor=float(of_factor[j, k]),
            rank_correlation=float(ranks[j, k]) if ordered else np.nan,
            explained=float(explained[j, k]),
            variance=float(variance[j]),
            sentence="",
        )
        words = (
            _follows(reading, told[name], _ends(z[:, j], v[:, k], (value_names or {}).get(name)),
                     alone=several.sum() == 1)
            if reading.verdict == "follows"
            else _mixed(of_code[j], of_factor[j], names)
        )  # fmt: skip
        words = f"{called[j]} {words}" + (IGNORED if deaf[j] else "")
        readings.append(dataclasses.replace(reading, sentence=words))
    notes = _related(v, names, several, seed) + ((NOTICED,) if deaf.any() else ())
    return Interpretation(tuple(readings), names, of_factor, of_code, notes)


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


def _empty(verdict: str, code: int, variance: float, sentence: str) -> Reading:
    """Of a code of which no factor is named."""
    known = 0.0 if verdict == "nothing" else np.nan
    return Reading(code, verdict, "", np.nan, known, np.nan, np.nan, float(variance), sentence)


def _deaf(z: NDArray[Any], unseen: Sequence[int]) -> NDArray[np.bool_]:
    """(L,) of which codes a decoder takes no notice."""
    deaf = np.zeros(z.shape[1], bool)
    deaf[[checks.integer("unseen", j, low=0, high=len(deaf) - 1) for j in unseen]] = True
    return deaf


def still(codes: NDArray[Any]) -> NDArray[np.bool_]:
    """(L,) which of codes (N, L) hardly vary, by less than a twentieth of the one that does most.

    Example:
        >>> still(np.array([[0.0, 0.0], [0.01, 1.0]]))
        array([ True, False])
    """
    deviations = codes.std(axis=0, dtype=np.float64)
    return np.asarray(deviations < STILL * deviations.max())


def _shares_of_variance(z: NDArray[Any]) -> NDArray[np.float64]:
    variance = np.var(z, axis=0, dtype=np.float64)
    return variance / max(float(variance.sum()), np.finfo(np.float64).tiny)


def _knowledge(
    z: NDArray[Any], v: NDArray[Any], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Equation (1), (L, F), 0 where it may be chance or a factor has one value; and in nats.

    In nats it is of all, also below 0, so that what is chance adds up to nothing.

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
    room = entropy - chance
    share = np.divide(above, room, out=np.zeros_like(above), where=room > 0)
    certain = np.where(above > CERTAIN * deviation, np.clip(share, 0, 1), 0)
    return certain, share * entropy


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
    told = f"follows {name}" + (
        "" if alone else f", {percent(reading.share)} of {_what(reading.of_factor)}"
    )
    known = _told(name, reading.of_factor)
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
    what = _what(float(np.nan_to_num(of_factor).max()))
    return f"is mixed: {listed} of {what}. {_told(names[first], of_factor[first])}"


def _what(most: float) -> str:
    return "its information" if most >= WEAK else "the little it knows"


def _told(name: str, share: float) -> str:
    return f"{percent(share)} of {name} can be told from it."


def _little(of_factor: NDArray[np.float64], names: Sequence[str], dead: bool) -> str:
    """Why a code that is not constant holds nothing."""
    shares = np.nan_to_num(of_factor)
    k = int(shares.argmax())
    most = f"{percent(shares[k])} of {names[k]}"
    if dead:
        return DEAD + (f", though {most} can be told from it" if shares[k] >= WEAK else "")
    return f"it tells of {_either(names, ~np.isnan(of_factor))}"


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


def _of_codes_alone(
    z: NDArray[Any], called: Sequence[str], deaf: NDArray[np.bool_]
) -> Interpretation:
    """Of codes of images of which nothing is known: how much each varies, and which are alike."""
    shares, dead = _shares_of_variance(z), deaf & still(z)
    ranks = np.nan_to_num(rank_correlation(z, z))
    np.fill_diagonal(ranks, 0)
    readings = []
    for j, name in enumerate(called):
        if shares[j] == 0 or dead[j]:
            words = DEAD if dead[j] else "it is constant"
            readings.append(_empty("nothing", j, shares[j], f"{name} holds nothing: {words}."))
            continue
        words = f"{name} has {percent(shares[j])} of all variance"
        other = int(np.abs(ranks[j]).argmax())
        if abs(ranks[j, other]) >= ALIKE:
            rank = f"{ranks[j, other]:.2f}".replace("-", MINUS)
            words += f", and says the same as {called[other]} (rank correlation {rank})"
        readings.append(_empty("unknown", j, shares[j], f"{words}." + (IGNORED if deaf[j] else "")))
    nothing = np.zeros((len(called), 0))
    notes = ["Nothing is known of the images: look at what moves in the pictures of each code."]
    if deaf.any():
        notes.append(NOTICED)
    return Interpretation(tuple(readings), (), nothing, nothing, tuple(notes))


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
    """

    shown: NDArray[np.intp]
    moved: NDArray[np.uint8]
    values: NDArray[np.float64]
    most: NDArray[np.uint8]
    least: NDArray[np.uint8]
    decoded: bool


def unseen_codes(saved_model: SavedModel, codes: NDArray[Any]) -> list[int]:
    """The codes of which a model's decoder takes no notice; none where it does not decode.

    From its 1 % to its 99 % quantile, such a code changes no pixel by as much as 2 % of white, in
    none of the first 16 images.

    Args:
        saved_model: The model, to decode with.
        codes: (N, L) of images.
    """
    z = checked_codes(codes)
    if not saved_model.has("decode"):
        return []
    ends = np.quantile(z, QUANTILES, axis=0)
    unseen = []
    for j in range(z.shape[1]):
        moved = np.repeat(z[None, :TRIED], 2, axis=0)
        moved[:, :, j] = ends[:, j, None]
        low, high = np.split(saved_model.decode(moved.reshape(-1, z.shape[1])).astype(int), 2)
        if np.abs(high - low).max() < VISIBLE * 255:
            unseen.append(j)
    return unseen


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
    low, high = np.quantile(z[:, rows], QUANTILES, axis=0)
    values = np.linspace(low, high, steps, axis=1)
    order = [np.argsort(z[:, j], kind="stable") for j in rows]
    decoded = saved_model.has("decode")
    if not len(rows):
        none = np.zeros((0, count, *images.shape[1:]), np.uint8)
        return Looks(rows, none, np.zeros((0, steps)), none, none, decoded)
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
    return Looks(
        shown=rows,
        moved=moved,
        values=values,
        most=np.stack([images[of[::-1][:count]] for of in order]),
        least=np.stack([images[of[:count]] for of in order]),
        decoded=decoded,
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
    codes = saved_model.encode(images)
    return read_codes(
        codes,
        factors,
        factor_names,
        kinds,
        value_names,
        subspaces=saved_model.subspaces,
        unseen=unseen_codes(saved_model, codes),
        seed=seed,
    )
