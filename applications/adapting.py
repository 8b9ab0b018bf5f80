"""Domain adaptation: labels of a source domain, used in a target domain that has none.

A linear classifier of codes is fitted to source labels alone. What it is given differs: all codes;
the codes that tell least of the domain; codes under their domain as a condition; or all codes after
CORAL (Sun, Feng and Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016, algorithm
1), which whitens the source's codes and colours them as the target's. With D_S and D_T codes whose
columns have mean 0 and variance 1 in their own domain, and a ridge r, which the paper has as 1,

    C = cov(D) + r I,        D_S* = D_S C_S^(-1/2) C_T^(1/2)                                 (1)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from applications.domains import Drawn
from applications.saved_model import SavedModel
from zoo import checks
from zoo.messages import counted
from zoo.metrics.arrays import checked_codes, checked_labels, standardised
from zoo.metrics.boosting import boost
from zoo.metrics.linear_probe import probed
from zoo.reporting import checks as report_checks
from zoo.reporting import sheet
from zoo.splits import stratified

ALL, CHOSEN, CORAL = "all codes", "chosen codes", "CORAL of all codes"
CONDITIONED, LABELLED = "conditional normalisation", "target labels too"
TOLERANCE = 0.02  # of source accuracy, that leaving codes out may cost
COUNTS = 16  # sets of codes that are tried at most, about
STAGES, RATE = 20, 0.5  # of trees: a quick look, as DCI's "few_trees"
Floats = NDArray[np.float64]
Codes = NDArray[np.floating]


class Coded(NamedTuple):
    """Codes and labels of one domain.

    Attributes:
        codes: (N, L) to learn from.
        labels: (N,) integers; of a target they are used for "target labels too" alone.
        test_codes: (M, L) of other images.
        test_labels: (M,), to score by.
    """

    codes: Codes
    labels: NDArray[np.integer]
    test_codes: Codes
    test_labels: NDArray[np.integer]


class Unit(NamedTuple):
    """A subspace or a single code.

    Attributes:
        name: What it is called.
        columns: Its codes.
        domain: How often a classifier names the domain of images that it has not seen by it alone,
            0..1; half is chance.
        chosen: Whether it is among the chosen codes.
    """

    name: str
    columns: slice
    domain: float
    chosen: bool


class Way(NamedTuple):
    """How well labels are named in one way.

    Attributes:
        name: "all codes", "chosen codes", ...
        codes: How many codes its classifier sees.
        source: Accuracy on test images of the source, 0..1.
        target: The same of the target.
    """

    name: str
    codes: int
    source: float
    target: float


@dataclasses.dataclass(frozen=True)
class Adaptation:
    """What each way comes to.

    Attributes:
        ways: All codes first.
        units: The subspaces or codes, those that tell least of the domain first.
        tolerance: What the choice might lose on the source.
    """

    ways: tuple[Way, ...]
    units: tuple[Unit, ...]
    tolerance: float

    def way(self, name: str) -> Way:
        """One of the ways by its name."""
        return next(way for way in self.ways if way.name == name)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the chosen units."""
        return tuple(unit.name for unit in self.units if unit.chosen)

    @property
    def choice(self) -> str:
        """Which codes were chosen, in a sentence."""
        if len(self.units) == 1:
            return "There is one part of the codes, and nothing to choose from."
        price = f"{100 * self.tolerance:g} points of accuracy on the source"
        if len(self.chosen) == len(self.units):
            return f"All codes are chosen: without the first to be left out, over {price} are lost."
        return (
            f"Chosen, as they tell least of the domain, and lose no more than {price}: "
            f"{_listed(self.chosen)}."
        )


def adaptation(
    source: Coded,
    target: Coded,
    subspaces: Mapping[str, slice] | None = None,
    conditioned: tuple[Coded, Coded] | None = None,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Adaptation:
    """Compares the ways to use source labels on a target.

    The codes are chosen without any label of the target. Each unit, a subspace where there are any
    and else a single code, is asked by boosted trees which domain an image is of. Then units are
    left out, those that tell most of it first, as long as a classifier of labels, fitted to four
    fifths of the source's codes, loses at most `tolerance` of all codes' accuracy on the fifth; of
    hundreds of codes several at once. What tells labels and domain alike is lost with the domain. A
    spurious cue that is drawn from the same values in both domains does not tell them apart, and
    stays: only target labels would show it.

    Args:
        source: Codes and labels of the source.
        target: The same of the target.
        subspaces: Which codes each subspace is.
        conditioned: Codes of both under their domain as a condition, where the encoder takes one.
        tolerance: Of source accuracy, 0 to 1.
        seed: Draws the splits.

    Returns:
        What each way comes to on test images of both domains.

    Raises:
        ValueError: Wrong ranks, unequal lengths or widths, NaN or infinity, one class only, fewer
            than ten samples of a domain, subspaces beyond the codes; domains that are the same.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> y = rng.integers(0, 2, 400)
        >>> shape, cue = y + rng.normal(0, 0.1, 400), 9.0 * y
        >>> def coded(codes):
        ...     return Coded(codes[:200], y[:200], codes[200:], y[200:])
        >>> source, target = (np.stack([shape, c], axis=1) for c in (cue, -1 - cue))
        >>> found = adaptation(coded(source), coded(target))
        >>> found.chosen, [way.target > 0.9 for way in found.ways[:2]]
        (('code 0',), [False, True])
    """
    tolerance = checks.number("tolerance", tolerance, low=0, high=1)
    seed = checks.integer("seed", seed, low=0)
    source, target = _checked(source, "source "), _checked(target, "target ")
    width = source.codes.shape[1]
    for part in (target.codes, source.test_codes, target.test_codes):
        if part.shape[1] != width:
            raise ValueError(
                f"Expected as many codes in both domains ({width}). Received: {part.shape[1]}."
            )
    _check_classes(source, target)
    if source.codes.shape == target.codes.shape and np.array_equal(source.codes, target.codes):
        raise ValueError("Expected two domains. Received: the same codes for both.")
    units = _by_domain(source.codes, target.codes, _units(width, subspaces), seed)
    count = _fewest(source, units, tolerance, seed)
    units = [unit._replace(chosen=place < count) for place, unit in enumerate(units)]
    chosen = columns_of(units[:count], width)

    ways = [
        _tried(ALL, source, target, seed),
        _tried(CHOSEN, _part(source, chosen), _part(target, chosen), seed),
        _tried(CORAL, *_aligned(source, target), seed),
    ]
    if conditioned is not None:
        of_source, of_target = conditioned
        ways.append(
            _tried(
                CONDITIONED, _checked(of_source, "source "), _checked(of_target, "target "), seed
            )
        )
    both = source._replace(
        codes=np.concatenate([source.codes, target.codes]),
        labels=np.concatenate([source.labels, target.labels]),
    )
    ways.append(_tried(LABELLED, both, target, seed))
    return Adaptation(tuple(ways), tuple(units), tolerance)


def adapt(
    saved_model: SavedModel,
    source: Drawn,
    target: Drawn,
    conditions: tuple[int, int] = (0, 1),
    tolerance: float = TOLERANCE,
    seed: int = 0,
    progress: bool = False,
) -> Adaptation:
    """`adaptation` of images, by a model's codes.

    Args:
        saved_model: The model. Where it has "encode_conditioned", its codes under the domain's
            condition are one more way.
        source: Images and labels of the source.
        target: The same of the target.
        conditions: Of source and target, as the encoder learned them; -1 is a missing one.
        tolerance: As for `adaptation`.
        seed: Likewise.
        progress: Whether bars are drawn.

    Raises:
        ValueError: As `adaptation`, or images that the model does not take.
    """

    def coded(encode: Callable[[NDArray[np.uint8]], NDArray[np.float32]], part: Drawn) -> Coded:
        codes, test_codes = encode(part.images), encode(part.test_images)
        return Coded(codes, part.labels, test_codes, part.test_labels)

    def plain(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return saved_model.encode(images, progress=progress)

    conditioned = None
    if saved_model.has("encode_conditioned"):
        first, second = (
            coded(lambda images, k=k: saved_model.encode_conditioned(images, k), part)  # type: ignore[misc]
            for k, part in zip(conditions, (source, target), strict=True)
        )
        conditioned = first, second
    of_source, of_target = (coded(plain, part) for part in (source, target))
    return adaptation(of_source, of_target, saved_model.subspaces, conditioned, tolerance, seed)


def coral(
    source: ArrayLike, target: ArrayLike, ridge: float = 1.0
) -> tuple[Callable[[ArrayLike], Floats], Callable[[ArrayLike], Floats]]:
    """Correlation alignment, equation (1): the maps of source codes and of target codes.

    Args:
        source: (N, L) codes of the source.
        target: (M, L) codes of the target, without labels.
        ridge: r, above 0.

    Returns:
        A function of codes (n, L) of the source, which standardises, whitens and colours them, and
        one of codes of the target, which standardises them.

    Raises:
        ValueError: Wrong ranks, other widths, NaN or infinity, a ridge of 0 or less.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(500, 2)) @ [[1, 2], [0, 1]], rng.normal(size=(500, 2))
        >>> of_source, of_target = coral(a, b, ridge=1e-9)
        >>> bool(np.allclose(np.cov(of_source(a).T), np.cov(of_target(b).T)))
        True
    """
    ridge = checks.positive("ridge", ridge)
    a, b = checked_codes(source, "source "), checked_codes(target, "target ")
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"Expected as many codes in both domains ({a.shape[1]}). Received: {b.shape[1]}."
        )
    (a_standard,), (b_standard,) = standardised(a), standardised(b)
    C_S, C_T = (_covariance(z) + ridge * np.eye(z.shape[1]) for z in (a_standard, b_standard))
    A = _power(C_S, -0.5) @ _power(C_T, 0.5)

    def of_source(codes: ArrayLike) -> Floats:
        return standardised(a, checked_codes(codes))[1] @ A

    def of_target(codes: ArrayLike) -> Floats:
        return standardised(b, checked_codes(codes))[1]

    return of_source, of_target


def columns_of(units: Sequence[Unit], width: int) -> NDArray[np.intp]:
    """The codes of some units, ascending."""
    return np.sort(np.concatenate([np.arange(width)[unit.columns] for unit in units]))


def _checked(coded: Coded, prefix: str) -> Coded:
    codes, y = checked_labels(coded.codes, coded.labels, prefix)
    test_codes, test_y = checked_labels(coded.test_codes, coded.test_labels, f"{prefix}test ")
    if len(codes) < 10:
        raise ValueError(f"Expected at least 10 {prefix}codes. Received: {len(codes)}.")
    return Coded(codes, y, test_codes, test_y)


def _check_classes(source: Coded, target: Coded) -> None:
    known = np.unique(source.labels)
    if len(known) < 2:
        raise ValueError(f"Expected source labels of at least two classes. Received: {known[0]}.")
    others = np.setdiff1d(np.concatenate([target.labels, target.test_labels]), known)
    if len(others):
        raise ValueError(
            f"Expected target labels that the source has, {', '.join(map(str, known))}. "
            f"Received: {', '.join(map(str, others))}."
        )


def _units(width: int, subspaces: Mapping[str, slice] | None) -> dict[str, slice]:
    if not subspaces:
        return {f"code {j}": slice(j, j + 1) for j in range(width)}
    for name, part in subspaces.items():
        if not 0 <= part.start < part.stop <= width:
            raise ValueError(
                f"Expected subspaces of codes 0 to {width - 1}. "
                f"Received: {name!r}, {part.start} to {part.stop - 1}."
            )
    return dict(subspaces)


def _by_domain(source: Codes, target: Codes, units: Mapping[str, slice], seed: int) -> list[Unit]:
    """The units, those that tell least of the domain first."""
    n = min(len(source), len(target))
    rng = np.random.default_rng(seed)
    z = np.concatenate([part[rng.permutation(len(part))[:n]] for part in (source, target)])
    y = np.repeat([0, 1], n)
    train, test = stratified(y, 1 / 5, seed)
    found = []
    for name, columns in units.items():
        part = z[:, columns].astype(np.float64)
        predicted = boost(part[train], y[train], part[test], STAGES, RATE).predicted
        found.append(Unit(name, columns, float(np.mean(predicted == y[test])), False))
    return sorted(found, key=lambda unit: unit.domain)


def _fewest(source: Coded, units: Sequence[Unit], tolerance: float, seed: int) -> int:
    """How many units, of those that tell least of the domain, are as good as all on the source."""
    train, kept = stratified(source.labels, 1 / 5, seed)

    def accuracy(count: int) -> float:
        codes = source.codes[:, columns_of(units[:count], source.codes.shape[1])]
        predicted, truth = probed(
            codes[train], source.labels[train], codes[kept], source.labels[kept], seed=seed
        )
        return float(np.mean(predicted == truth))

    fewest = len(units)
    needed = accuracy(fewest) - tolerance
    step = math.ceil(len(units) / COUNTS)
    for count in reversed(range(step, len(units), step)):
        if accuracy(count) < needed:
            break
        fewest = count
    return fewest


def _part(coded: Coded, columns: NDArray[np.intp]) -> Coded:
    return coded._replace(codes=coded.codes[:, columns], test_codes=coded.test_codes[:, columns])


def _aligned(source: Coded, target: Coded) -> tuple[Coded, Coded]:
    of_source, of_target = coral(source.codes, target.codes)
    return (
        source._replace(codes=of_source(source.codes), test_codes=of_source(source.test_codes)),
        target._replace(codes=of_target(target.codes), test_codes=of_target(target.test_codes)),
    )


def _tried(name: str, source: Coded, target: Coded, seed: int) -> Way:
    """One classifier, fitted to the source's codes and labels, on test images of both."""
    tests = np.concatenate([source.test_codes, target.test_codes])
    truth = np.concatenate([source.test_labels, target.test_labels])
    predicted, _ = probed(source.codes, source.labels, tests, truth, seed=seed)
    right, M = predicted == truth, len(source.test_labels)
    return Way(name, source.codes.shape[1], float(right[:M].mean()), float(right[M:].mean()))


def _covariance(z: Floats) -> Floats:
    return z.T @ z / max(1, len(z) - 1)


def _power(matrix: Floats, exponent: float) -> Floats:
    """A power of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


# The picture


@sheet.look()
def compared(
    found: Adaptation,
    source: NDArray[np.uint8],
    target: NDArray[np.uint8],
    names: tuple[str, str] = ("source", "target"),
    protocol: str | None = None,
) -> Figure:
    """Images of both domains over a bar for each way and domain.

    Args:
        found: What each way comes to.
        source: uint8 (n, H, W, C), some images of the source.
        target: As many of the target.
        names: What the domains are called.
        protocol: How it was measured, beneath the picture.

    Returns:
        The figure.

    Raises:
        ValueError: Images of other shapes, or not as many of both.
    """
    both = [report_checks.images("images", part, "n") for part in (source, target)]
    if both[0].shape != both[1].shape:
        raise ValueError(
            "Expected images of both domains of one shape. "
            f"Received: {both[0].shape} and {both[1].shape}."
        )
    shown = [sheet.reduced(part) for part in both]
    count, height, width, _ = shown[0].shape
    gutter = 200
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    scale = sheet.scaling(shown[0].shape[1:], count, room, 4, largest=64)
    rise, line = height * scale + 6, 44
    page = sheet.Sheet(
        sheet.WIDTH,
        2 * rise + 24 + line * len(found.ways),
        "Labels of one domain, used in another",
        f"Grey: of the source, blue: of the target. {found.choice}",
        protocol,
    )
    words = [f"{which}: {name}" for which, name in zip(("source", "target"), names, strict=True)]
    for row, (text, images) in enumerate(zip(words, shown, strict=True)):
        y = page.top + row * rise
        short = sheet.shorten(text, gutter - 12, sheet.SMALL)
        page.text(page.left, y + height * scale / 2 + 4, short, sheet.SMALL, sheet.GREY)
        for column, image in enumerate(images):
            x = page.left + gutter + column * (width * scale + 4)
            if x + width * scale <= page.width - sheet.MARGIN:
                page.image(image, x, y, scale)
    top, across = page.top + 2 * rise + 24, room - 60
    for row, way in enumerate(found.ways):
        y = top + row * line
        page.text(page.left, y + 14, way.name, sheet.BODY)
        page.text(page.left, y + 30, counted(way.codes, "code"), sheet.SMALL, sheet.GREY)
        for place, (share, colour) in enumerate(
            ((way.source, sheet.PALE), (way.target, sheet.BLUE))
        ):
            bar = y + 4 + 15 * place
            page.box(page.left + gutter, bar, across, 12, sheet.FAINT)
            page.box(page.left + gutter, bar, across * share, 12, colour)
            text = f"{100 * share:.1f} %"
            page.text(page.left + gutter + across + 8, bar + 10, text, sheet.SMALL, sheet.GREY)
    return page.figure


def _listed(names: Sequence[str], most: int = 8) -> str:
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")
