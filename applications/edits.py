"""Edits images: changes one thing by its code, and leaves the rest.

By latent: one code moves. By example: a part of the code is another image's. By direction: the
code moves from the mean of some images to that of others, or across the boundary between them.
Between two images: along the straight line between their codes, or, where codes have unit length,
along the arc (Shoemake, Animating Rotation with Quaternion Curves, SIGGRAPH 1985):

    z(t) = (sin((1 - t) w) a + sin(t w) b) / sin w,    cos w = a . b                           (1)

What an edit did is measured on the decoded images by a reader of factors, see
`applications.reader`, against what it reads in the images decoded from the codes as they were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from applications.interpreting import read_codes
from applications.reader import TOLERANCE, Reader, apart
from applications.saved_model import SavedModel
from zoo import checks
from zoo.messages import unknown
from zoo.metrics.arrays import BINS, standardised
from zoo.reporting.latents import percent, values_text

WAYS = ("means", "probe")
UNIT = 1e-3  # how far lengths may be from 1 for codes that have unit length


@dataclasses.dataclass(frozen=True, eq=False)
class Edit:
    """Images, and what became of them.

    Attributes:
        originals: uint8 (N, H, W, C).
        decoded: uint8 (N, H, W, C): their codes as they were, decoded.
        codes: float32 (N, S, L): those of S steps.
        images: uint8 (N, S, H, W, C): these decoded.
        headings: S words, one a step.
        examples: uint8 (N, H, W, C): the other image of each; None where there is none.
    """

    originals: NDArray[np.uint8]
    decoded: NDArray[np.uint8]
    codes: NDArray[np.float32]
    images: NDArray[np.uint8]
    headings: tuple[str, ...]
    examples: NDArray[np.uint8] | None = None


# Codes


def moved(codes: Any, latent: int, values: Any) -> NDArray[np.float32]:
    """Codes with one latent at each of some values.

    Args:
        codes: (N, L).
        latent: Which, 0 to L - 1.
        values: (S,), or one number.

    Returns:
        (N, S, L).

    Raises:
        ValueError: No such latent, or values that are no numbers.

    Example:
        >>> moved(np.zeros((1, 2)), 1, [3, 4]).tolist()
        [[[0.0, 3.0], [0.0, 4.0]]]
    """
    codes = _codes("codes", codes)
    latent = checks.integer("latent", latent, 0, codes.shape[1] - 1)
    values = _numbers("values", values)
    steps = np.repeat(codes[:, None], len(values), axis=1)
    steps[:, :, latent] = values
    return steps


def swapped(codes: Any, others: Any, columns: Sequence[int], steps: int = 1) -> Any:
    """Codes of which some columns go to those of others in so many steps.

    Args:
        codes: (N, L).
        others: (N, L), one for each.
        columns: Which, 0 to L - 1.
        steps: 1: they are the others' at once. More: from their own, evenly, to the others'.

    Returns:
        (N, S, L).

    Raises:
        ValueError: Other shapes, or no such columns.

    Example:
        >>> swapped(np.zeros((1, 3)), np.ones((1, 3)), [0, 2]).tolist()
        [[[1.0, 0.0, 1.0]]]
    """
    codes, others = _pairs(codes, others)
    columns = _columns(columns, codes.shape[1])
    shares = _shares(steps)[:, None]
    result = np.repeat(codes[:, None], len(shares), axis=1)
    own, wanted = codes[:, None, columns], others[:, None, columns]
    result[:, :, columns] = (1 - shares) * own + shares * wanted
    return result


def steered(codes: Any, direction: Any, amounts: Any) -> NDArray[np.float32]:
    """Codes that move along a direction.

    Args:
        codes: (N, L).
        direction: (L,), such as `direction_between` gives.
        amounts: (S,), or one number: how many times the direction is added.

    Returns:
        (N, S, L).

    Raises:
        ValueError: A direction of another length.

    Example:
        >>> steered(np.zeros((1, 2)), [1, 2], [0, 0.5]).tolist()
        [[[0.0, 0.0], [0.5, 1.0]]]
    """
    codes = _codes("codes", codes)
    along, amounts = _numbers("direction", direction), _numbers("amounts", amounts)
    if along.shape != codes.shape[1:]:
        raise ValueError(
            f"Expected direction: {codes.shape[1]} numbers, one for each code. "
            f"Received: {len(along)}."
        )
    return (codes[:, None] + amounts[:, None] * along).astype(np.float32)


def interpolated(
    codes: Any, others: Any, steps: int = 9, spherical: bool | None = None
) -> NDArray[np.float32]:
    """Codes on the way from some to others, both ends among them.

    Args:
        codes: (N, L).
        others: (N, L), one for each.
        steps: S, at least 2.
        spherical: Whether the way is the arc of Eq. 1, for codes of unit length, and not the line.
            Default: where all codes have unit length.

    Returns:
        (N, S, L). Opposite points, between which no arc is the shortest, go along the line.

    Raises:
        ValueError: Other shapes; an arc between codes that have no unit length.

    Example:
        >>> interpolated([[1.0, 0.0]], [[0.0, 1.0]], steps=3)[0, 1].round(3)
        array([0.707, 0.707], dtype=float32)
    """
    a, b = _pairs(codes, others)
    steps = checks.integer("steps", steps, low=2)
    lengths = np.linalg.norm(np.concatenate([a, b]), axis=1)
    unit = bool((np.abs(lengths - 1) < UNIT).all())
    if spherical and not unit:
        raise ValueError(
            "Expected codes of unit length, for an arc between them. "
            f"Received: lengths from {lengths.min():.3g} to {lengths.max():.3g}."
        )
    t = np.linspace(0, 1, steps)[:, None]
    weights = np.stack([1 - t, t])  # (2, S, 1)
    if unit if spherical is None else spherical:
        angle = np.arccos(np.clip((a * b).sum(axis=1), -1, 1))[:, None, None]
        arc = np.sin(np.stack([1 - t, t])[:, None] * angle) / np.maximum(np.sin(angle), 1e-12)
        bent = np.sin(angle) > UNIT
        shares = np.where(bent, arc, weights[:, None])
    else:
        shares = weights[:, None]
    return (shares[0] * a[:, None] + shares[1] * b[:, None]).astype(np.float32)


def direction_between(codes: Any, there: Any, way: str = "means") -> NDArray[np.float64]:
    """The direction from codes without something to codes with it.

    Args:
        codes: (N, L).
        there: (N,) booleans: which have it.
        way: "means": the difference of the two means. "probe": across the boundary of a logistic
            regression, so far that the probe's log-odds change as between the means.

    Returns:
        (L,): added to a code without it, it makes one with it.

    Raises:
        ValueError: None or all have it; an unknown way; codes that are all the same.

    Example:
        >>> direction_between([[0, 1], [0, 3], [2, 1], [2, 3]], [False, False, True, True])
        array([2., 0.])
    """
    codes = _codes("codes", codes).astype(np.float64)
    there = np.asarray(there)
    checks.one_of("way", way, WAYS)
    if there.dtype != bool or there.shape != codes.shape[:1]:
        raise ValueError(
            f"Expected there: {len(codes)} booleans, one for each code. "
            f"Received: {there.dtype} of shape {there.shape}."
        )
    if there.all() or not there.any():
        raise ValueError(
            "Expected codes with and codes without what the direction leads to. Received: "
            f"{there.sum()} of {len(there)} with it."
        )
    (scaled,) = standardised(codes)
    if not scaled.any():
        raise ValueError(
            f"Expected codes that vary, for a direction. Received: {len(codes):,} that are the "
            "same; such an encoder has collapsed."
        )
    difference = codes[there].mean(axis=0) - codes[~there].mean(axis=0)
    if way == "means":
        return difference
    from sklearn.linear_model import LogisticRegression

    deviation = codes.std(axis=0)
    slope = LogisticRegression(max_iter=500).fit(scaled, there).coef_[0]
    normal = slope * deviation  # of steps that cost as much in every code's deviations
    gain = slope @ np.divide(
        difference, deviation, out=np.zeros_like(difference), where=deviation > 0
    )
    return normal * gain / (slope @ slope)


def columns_of(model: SavedModel, part: str | Sequence[int]) -> list[int]:
    """The codes that a part means: a subspace by its name, or latents by their numbers.

    Args:
        model: Whose subspaces and codes.
        part: "colour"; [0, 3], or "0,3".

    Raises:
        ValueError: No such subspace or latent.
    """
    if isinstance(part, str):
        if part in model.subspaces:
            place = model.subspaces[part]
            return [*range(place.start, place.stop)]
        try:
            part = [int(number) for number in part.split(",")]
        except ValueError:
            if model.subspaces:
                raise ValueError(unknown("subspace", str(part), model.subspaces)) from None
            raise ValueError(
                f"Expected numbers of latents, such as 0,3: the card of {model.path} names no "
                f"subspaces. Received: {part!r}."
            ) from None
    return _columns(part, model.code_size)


def information_shares(codes: Any, values: Any, unseen: Sequence[int] = ()) -> NDArray[np.float64]:
    """(L, F) the share of each factor's entropy that each code holds, as `read_codes` has it.

    0 of a code that holds nothing, for a factor with one value, and where there are too few codes
    to tell.

    Args:
        codes: (N, L).
        values: (N, F) integers.
        unseen: As for `read_codes`.
    """
    codes, values = np.asarray(codes), np.asarray(values)
    if len(codes) < BINS or not (values != values[:1]).any():
        return np.zeros((codes.shape[1], values.shape[1]))
    found = read_codes(codes, values, unseen=unseen)
    nothing = [reading.verdict == "nothing" for reading in found.readings]
    return np.where(np.array(nothing)[:, None], 0, np.nan_to_num(found.of_factor))


# Images


def by_latent(model: SavedModel, images: Any, latent: int, values: Any) -> Edit:
    """Moves one latent of images to each of some values.

    Args:
        model: One that encodes and decodes.
        images: uint8 (N, H, W, C).
        latent: Which, 0 to L - 1.
        values: (S,), or one number.

    Raises:
        ValueError: As `moved`, or images that the model does not take.

    Example:
        >>> edit = by_latent(model, images, latent=3, values=[-2, 0, 2])  # doctest: +SKIP
        >>> edit.images.shape  # doctest: +SKIP
        (10, 3, 32, 32, 1)
    """
    codes = model.encode(images)
    steps = moved(codes, latent, values)
    return _edited(model, images, codes, steps, values_text(_numbers("values", values)))


def by_example(
    model: SavedModel, images: Any, examples: Any, part: str | Sequence[int], steps: int = 1
) -> Edit:
    """Gives images a part of the code of others: a subspace, or some latents.

    Args:
        model: One that encodes and decodes.
        images: uint8 (N, H, W, C).
        examples: uint8 (N, H, W, C), one for each image.
        part: As for `columns_of`.
        steps: As for `swapped`.

    Raises:
        ValueError: As `columns_of` and `swapped`, or images that the model does not take.

    Example:
        >>> edit = by_example(model, images, others, "colour")  # doctest: +SKIP
    """
    columns = columns_of(model, part)
    codes = model.encode(images)
    edited = swapped(codes, model.encode(examples), columns, steps)
    named = part if isinstance(part, str) and part in model.subspaces else _listed(columns)
    words = [f"{named} of B"] if steps == 1 else [percent(share) for share in _shares(steps)]
    return _edited(model, images, codes, edited, words, examples)


def by_direction(model: SavedModel, images: Any, direction: Any, amounts: Any) -> Edit:
    """Moves the codes of images along a direction.

    Args:
        model: One that encodes and decodes.
        images: uint8 (N, H, W, C).
        direction: (L,), such as `direction_between` gives.
        amounts: (S,), or one number: how many times it is added.

    Raises:
        ValueError: As `steered`, or images that the model does not take.

    Example:
        >>> direction = direction_between(codes, labels == 1)  # doctest: +SKIP
        >>> edit = by_direction(model, images, direction, [0, 0.5, 1])  # doctest: +SKIP
    """
    codes = model.encode(images)
    steps = steered(codes, direction, amounts)
    words = [percent(amount) for amount in _numbers("amounts", amounts)]
    return _edited(model, images, codes, steps, words)


def between(
    model: SavedModel, images: Any, others: Any, steps: int = 9, spherical: bool | None = None
) -> Edit:
    """Goes from images to others.

    Args:
        model: One that encodes and decodes.
        images: uint8 (N, H, W, C).
        others: uint8 (N, H, W, C), one for each image.
        steps: As for `interpolated`.
        spherical: As for `interpolated`.

    Raises:
        ValueError: As `interpolated`, or images that the model does not take.

    Example:
        >>> edit = between(model, images, others, steps=9)  # doctest: +SKIP
    """
    codes = model.encode(images)
    edited = interpolated(codes, model.encode(others), steps, spherical)
    words = [percent(share) for share in _shares(steps)]
    return _edited(model, images, codes, edited, words, others)


def _edited(
    model: SavedModel,
    images: Any,
    codes: NDArray[np.float32],
    edited: NDArray[np.float32],
    headings: Sequence[str],
    examples: Any = None,
) -> Edit:
    """The edit whose codes are known."""
    decoded = model.decode(edited.reshape(-1, edited.shape[2]), progress=True)
    return Edit(
        originals=np.asarray(images),
        decoded=model.decode(codes),
        codes=edited,
        images=decoded.reshape(*edited.shape[:2], *decoded.shape[1:]),
        headings=tuple(headings),
        examples=None if examples is None else np.asarray(examples),
    )


# What an edit did


@dataclasses.dataclass(frozen=True, eq=False)
class Moves:
    """How far factors went in an edit of several steps, as a reader sees it.

    Attributes:
        names: F factors.
        moved: (F,) how far each went from the first step to the last, as `reader.apart` tells it,
            averaged over images: of an ordered factor, as a share of its range.
        stays: (F,) the share of images in which it stays put: in no step is it read further than a
            tenth from what is read in the image decoded from the code as it was.
        others: For each factor, the share of images in which all others stay put at once.
        samples: N, the images.
    """

    names: tuple[str, ...]
    moved: NDArray[np.float64]
    stays: NDArray[np.float64]
    others: NDArray[np.float64]
    samples: int


@dataclasses.dataclass(frozen=True, eq=False)
class Matches:
    """How often factors are read in an edit's last step as they should be.

    Attributes:
        names: F factors.
        matched: (F,) the share of images in which each is read as it should be: of an ordered
            factor to a tenth of its range, of a circular one of half the circle.
        before: (F,) the same of the images decoded from the codes as they were.
        samples: N, the images.
    """

    names: tuple[str, ...]
    matched: NDArray[np.float64]
    before: NDArray[np.float64]
    samples: int


def measured_moves(edit: Edit, reader: Reader) -> Moves:
    """How far each factor that a reader reads went, and how often it stayed put.

    Args:
        edit: Of at least 2 steps.
        reader: One that has learned.

    Raises:
        ValueError: An edit of one step.
    """
    count, steps = edit.images.shape[:2]
    if steps < 2:
        raise ValueError(f"Expected an edit of at least 2 steps. Received: {steps}.")
    of_steps = reader.read(edit.images.reshape(-1, *edit.images.shape[2:])).probabilities
    still = reader.read(edit.decoded).probabilities
    stays, went = [], []
    for kind, flat, before in zip(reader.kinds, of_steps, still, strict=True):
        read = flat.reshape(count, steps, -1)
        stays.append((apart(kind, read, before[:, None]) <= TOLERANCE).all(axis=1))
        went.append(apart(kind, read[:, -1], read[:, 0]))
    near = np.stack(stays, axis=1)
    everything = np.arange(len(reader.names))
    others = [near[:, everything != k].all(axis=1).mean() for k in everything]
    return Moves(
        names=reader.names,
        moved=np.mean(went, axis=1),
        stays=near.mean(axis=0),
        others=np.array(others),
        samples=count,
    )


def measured_matches(edit: Edit, reader: Reader, wanted: Any) -> Matches:
    """How often each factor that a reader reads is what it should be after an edit.

    Args:
        edit: Any.
        reader: One that has learned.
        wanted: (N, F) integers: the values that the last step should have.

    Raises:
        ValueError: Other shapes.
    """
    wanted = np.asarray(wanted)
    if wanted.shape != (len(edit.images), len(reader.names)):
        raise ValueError(
            f"Expected wanted: integers of shape ({len(edit.images)}, {len(reader.names)}), of "
            f"{', '.join(reader.names)}. Received shape: {wanted.shape}."
        )
    after, before = (
        agreement(reader, images, wanted) for images in (edit.images[:, -1], edit.decoded)
    )
    return Matches(reader.names, after, before, len(edit.images))


def agreement(reader: Reader, images: Any, values: Any) -> NDArray[np.float64]:
    """(F,) the share of images in which each factor is read as it is; see `Matches`."""
    read = reader.read(images).values
    away = [
        apart(kind, np.eye(size)[seen], np.eye(size)[wanted])
        for kind, size, seen, wanted in zip(
            reader.kinds, reader.sizes, read.T, np.asarray(values).T, strict=True
        )
    ]
    return (np.stack(away) <= TOLERANCE).mean(axis=1)


def _codes(name: str, value: Any) -> NDArray[np.float32]:
    codes = np.asarray(value)
    if codes.ndim != 2 or codes.dtype.kind not in "iuf" or not codes.size:
        raise ValueError(
            f"Expected {name}: numbers of shape (N, L), none of them 0. "
            f"Received: {codes.dtype} of shape {codes.shape}."
        )
    return codes.astype(np.float32)


def _pairs(codes: Any, others: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    a, b = _codes("codes", codes), _codes("others", others)
    checks.alike(codes=a, others=b)
    return a, b


def _numbers(name: str, value: Any) -> NDArray[np.float64]:
    numbers = np.atleast_1d(np.asarray(value))
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf" or not len(numbers):
        raise ValueError(f"Expected {name}: one number or several. Received: {value!r}.")
    if not np.isfinite(numbers).all():
        raise ValueError(f"Expected {name}: finite numbers. Received: {value!r}.")
    return numbers.astype(np.float64)


def _columns(columns: Any, size: int) -> list[int]:
    """Numbers of latents that there are, each once."""
    numbers = list(columns) if isinstance(columns, Sequence | np.ndarray) else []
    numbers = [checks.integer("latent", number, 0, size - 1) for number in numbers]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"Expected numbers of latents, each once. Received: {columns!r}.")
    return numbers


def _shares(steps: int) -> NDArray[np.float64]:
    steps = checks.integer("steps", steps, low=1)
    return np.linspace(0, 1, steps) if steps > 1 else np.ones(1)


def _listed(columns: Sequence[int]) -> str:
    return ", ".join(f"z{column}" for column in columns)
