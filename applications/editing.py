"""Edits images of a data set, shows them, and measures on many what the edit did.

Images that are edited are kept from all that is learned here. Of data in two halves they are of
the test half. Codes of other images say how far a latent goes, which latent holds a factor, and
where an attribute leads; a reader (`applications.reader`) learns from further images, without
their codes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from applications import edits
from applications.interpreting import WEAK, unseen_codes
from applications.reader import STEPS, TOLERANCE, Known, Reader, known, learned_reader
from applications.saved_model import SavedModel, as_data
from zoo import checks, reporting
from zoo.data import FactorData
from zoo.reporting.latents import percent

CODES = 10_000  # images whose codes are looked at
HELD = 1 / 3  # share of a factor's entropy from which on a code holds it
ENDS = (0.01, 0.99)  # quantiles of a latent between which it moves
SHOWN = 6  # images in the pictures
WAYS = ("latent", "factor", "swap", "attribute", "between")


@dataclasses.dataclass(frozen=True, eq=False)
class Edited:
    """Images of a data set, edited, and what that did.

    Attributes:
        edit: Of the images that the pictures show.
        title: What was done.
        found: What it did: `Moves` or `Matches`; None where the data know no factors or where there
            is nothing to measure, as between two images.
        target: The factors that were to change.
        reads: (F,) how often the reader names each factor of real images right, as `edits.Matches`
            tells it; empty where there is no reader.
        data: What the images are called.
        protocol: How it was measured, for `result.json`.
    """

    edit: edits.Edit
    title: str
    found: edits.Moves | edits.Matches | None
    target: tuple[str, ...]
    reads: NDArray[np.float64]
    data: str
    protocol: dict[str, Any]

    @property
    def table(self) -> tuple[tuple[str, ...], ...]:
        """What was found as a table: a header, and a row a factor; empty where nothing was."""
        found = self.found
        if found is None:
            return ()
        rows = [(name, "yes" if name in self.target else "no") for name in found.names]
        read = [percent(share) for share in self.reads]
        if isinstance(found, edits.Moves):
            header = ("factor", "to change", "moved", "stays put", "reader")
            columns = (found.moved, found.stays)
        else:
            header = ("factor", "to change", "as it should be", "before", "reader")
            columns = (found.matched, found.before)
        told = [[percent(value) for value in column] for column in columns]
        return header, *((*row, *cells) for row, *cells in zip(rows, *told, read, strict=True))

    @property
    def sentence(self) -> str:
        """What was found in a sentence; empty where nothing was."""
        found = self.found
        if found is None:
            return ""
        if isinstance(found, edits.Matches):
            return (
                f"Share of {found.samples:,} edited images in which a reader of images sees what "
                "should be there, and of the same before the edit. Reader: how often it is right "
                f"on real images.{self._learned}"
            )
        words = (
            f"Moved: from the first step to the last, of the factor's range. Stays put: share of "
            f"{found.samples:,} images in which no step moves it by more than "
            f"{percent(TOLERANCE)} of its range. Reader: how often it is right on real images."
            f"{self._learned}"
        )
        for kind, of in (
            ("circular", "half of the circle"),
            ("categories", "probability, as far as it goes to other values"),
        ):
            names = [name for name in found.names if self.protocol["kinds"][name] == kind]
            if names:
                words += f" Of {', '.join(names)} the range is {of}."
        columns = [k for k, name in enumerate(found.names) if name in self.target]
        if columns and len(found.names) > 1:
            words += f" All others at once stay put in {percent(found.others[columns[0]])}."
        return words

    @property
    def _learned(self) -> str:
        """What the reader can do that the eye may not, in a sentence."""
        if not self.protocol["averaged"]:
            return ""
        return (
            " It has learned from means of real images too, and may see in a blurred one what the "
            "eye does not; --sharp does without."
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What was found and how, for `result.json`."""
        found = {} if self.found is None else dataclasses.asdict(self.found)
        return {**self.protocol, "target": self.target, "found": found, "reads": self.reads}

    def save(self, folder: Path) -> list[Path]:
        """Writes the sheet, edit.png, and its motion, edit.gif, where there are several steps."""
        edit = self.edit
        ends = (edit.headings[0], edit.headings[-1])
        by_example = edit.examples is not None
        steps, headings = edit.images, [*edit.headings]
        how = "On the left, the image and what the decoder makes of its code unedited."
        if self.protocol["way"] == "swap":
            steps, headings = steps[:, -1:], [f"{self.protocol['argument']} of B"]
            ends = ("A", "B")
            how = "Only what that part of the code holds should change."
        how += " What no code holds the decoder shows as a mean."
        first = [edit.originals, *([edit.examples] if by_example else []), edit.decoded]
        names = ["A", "B", "A decoded"] if by_example else ["original", "decoded"]
        columns = np.concatenate([np.stack(first, axis=1), steps], axis=1)  # type: ignore[arg-type]
        told = f"Images of {self.data}, seed {self.protocol['seed']}."
        figure = reporting.edits(
            columns,
            [*names, *headings],
            self.title,
            how,
            apart=(len(names) - 1, len(names)),
            protocol=told,
        )
        paths = [reporting.save(figure, folder / "edit.png")]
        if edit.images.shape[1] > 1:
            gif = folder / "edit.gif"
            paths.append(reporting.edits_gif(edit.images, gif, self.title, "", ends, told))
        return paths


class _Source(NamedTuple):
    """Where images come from, and what is known of them.

    Attributes:
        data: The data set.
        images: Those that are edited are read from here.
        rows: (n,) of `images`, in the order in which they are edited.
        values: (n, F) of these rows; F is 0 where nothing is known.
        codes: (m, L) of other images.
        code_values: (m, F) of these.
        known: What is known of the images that the reader learns from; None: nothing.
        pool: The rows of `known` that it learns from.
    """

    data: Any
    images: Any
    rows: NDArray[np.int64]
    values: NDArray[np.int64]
    codes: NDArray[np.float32]
    code_values: NDArray[np.int64]
    known: Known | None
    pool: NDArray[np.int64]

    def factors(self, way: str) -> Known:
        """What is known; refuses data of which nothing is, for a way that needs it."""
        if self.known is None:
            raise ValueError(
                f"Expected data with factors or labels, to edit by {way}. "
                f"Received: {self.data.name!r}, of which none are known."
            )
        return self.known


class _Plan(NamedTuple):
    """What one way of editing does.

    Attributes:
        title: In words.
        argument: What it was told, in one word.
        latent: The latent that moves, where it is one.
        target: The factors that are to change; None where none in particular are.
        most: How many images there are to edit.
        make: Edits the first so many images in so many steps.
        wanted: (most, F) the values after the edit; None where it goes all the way.
    """

    title: str
    argument: str
    latent: int | None
    target: tuple[str, ...] | None
    most: int
    make: Callable[[int, int], edits.Edit]
    wanted: NDArray[np.int64] | None = None


def edit(
    model: SavedModel,
    data: Any,
    way: str,
    argument: Any = None,
    samples: int = 500,
    steps: int = 9,
    read: Sequence[str] | None = None,
    direction: str = "means",
    averaged: bool = True,
    reader: Reader | None = None,
    reader_steps: int | None = None,
    kinds: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Edited:
    """Edits images of a data set in one way, and measures what that did.

    Args:
        model: One that encodes and decodes.
        data: Images uint8 (N, H, W, C) that the model takes, or any `zoo.data` set of such.
        way: "latent": one latent moves, from the 1 % to the 99 % quantile of its codes. "factor":
            that of the latent which holds a factor most, a tenth of it at least. "swap": a part of
            the code is another image's, which differs in the factors that this part holds.
            "attribute": the code moves from one value of a factor, or from one class, to another.
            "between": from one image to another.
        argument: Of "latent" its number; of "factor" its name; of "swap" a subspace's name or
            latents, as `edits.columns_of` takes them; of "attribute" "NAME", "NAME=FROM:TO", or,
            of classes, "FROM:TO".
        samples: Images that are edited for the measurement, at most half of those there are.
        steps: Steps in the pictures.
        read: The factors that are measured. Default: those that the model's card says subspaces
            hold; where it says nothing, those of which one code holds a third; and always what is
            to change.
        direction: Of an attribute: "means" or "probe", as `edits.direction_between` takes it.
        averaged: Whether the reader learns from means of images too, see `applications.reader`. It
            does only where factors are known.
        reader: One that has learned to read factors, the target's among them, from images that are
            not edited here. Default: one learns.
        reader_steps: Steps of the reader's training. Default: 2,000.
        kinds: Of factors by name, as `reader.known` takes them; of a reader that is given, its own
            are taken.
        seed: Of all that is drawn.

    Raises:
        ValueError: Unknown ways, latents, subspaces, factors or values, with the nearest; a way
            that needs factors where the data know none; too few images.

    Example:
        >>> from applications import SavedModel, load_data
        >>> model = SavedModel.open("run", needs=("encode", "decode"))  # doctest: +SKIP
        >>> result = edit(model, load_data(model), "factor", "scale")  # doctest: +SKIP
        >>> result.found.moved  # doctest: +SKIP
        array([0.9 , 0.01, 0.01])
    """
    checks.one_of("way", way, WAYS)
    checks.integer("steps", steps, low=2)
    reader_steps = STEPS if reader_steps is None else reader_steps
    data = as_data(data)
    facts = known(data, kinds)
    source = _source(model, data, facts, checks.integer("samples", samples, low=1), seed)
    unseen = unseen_codes(model, source.codes)
    shares = edits.information_shares(source.codes, source.code_values, unseen)
    match way:
        case "latent":
            plan = _latent(model, source, shares, argument)
        case "factor":
            column = source.factors(way).column(argument)
            plan = _latent(model, source, shares, _holder(shares, source, column), argument)
        case "swap":
            plan = _swap(model, source, shares, argument)
        case "attribute":
            plan = _attribute(model, source, argument, direction)
        case _:
            plan = _between(model, source)
    protocol: dict[str, Any] = {
        "saved_model": model.path,
        "data": data.describe(),
        "way": way,
        "argument": plan.argument,
        "seed": seed,
    }
    if way == "attribute":
        protocol["direction"] = direction
    if plan.latent is not None:
        protocol["latent"] = plan.latent
    found: edits.Moves | edits.Matches | None = None
    reads = np.zeros(0)
    if source.known is not None and plan.target:
        learned, means = "given", False
        if reader is None:
            names = _measured(model, source.known, shares, read, plan.target)
            means = averaged and isinstance(data, FactorData)
            reader = learned_reader(
                source.known, names, source.pool, averaged=means, steps=reader_steps, seed=seed
            )
            learned = f"convolutional network, {reader_steps} steps on real images that are not "
            learned += "edited"
            learned += ", and means of 8 and 32 of them that agree in what is read" * means
        columns = [source.known.column(name) for name in reader.names]
        real = source.images.read(source.rows)
        reads = edits.agreement(reader, real, source.values[:, columns])
        trial = plan.make(plan.most, 2)
        if plan.wanted is None:
            found = edits.measured_moves(trial, reader)
        else:
            found = edits.measured_matches(trial, reader, plan.wanted[:, columns])
        protocol |= {
            "samples": found.samples,
            "read": reader.names,
            "kinds": dict(zip(reader.names, reader.kinds, strict=True)),
            "reader": learned,
            "averaged": means,
            "tolerance": TOLERANCE,
        }
    shown = plan.make(min(SHOWN, plan.most), steps)
    return Edited(shown, plan.title, found, plan.target or (), reads, data.name, protocol)


def _source(model: SavedModel, data: Any, facts: Known | None, samples: int, seed: int) -> _Source:
    """Images to edit, and codes of others."""
    learned = facts.images if facts else getattr(data, "train", data)
    test: Any = getattr(data, "test", ())
    images = test if len(test) else learned
    if len(images) < 4:
        raise ValueError(f"Expected at least 4 images in {images.name!r}. Received: {len(images)}.")
    order = np.random.default_rng(seed).permutation(len(images))
    rows = order[: min(samples, len(images) // 2)]
    pool = np.arange(len(learned)) if len(test) else np.sort(order[len(rows) :])
    looked = np.random.default_rng(seed).permutation(pool)[:CODES]
    codes = model.encode(learned.read(looked), progress=True)
    return _Source(
        data, images, rows, _values(images, rows), codes, _values(learned, looked), facts, pool
    )


def _values(images: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, F) what is known of some images; F is 0 where nothing is."""
    facts = known(images)
    return np.zeros((len(rows), 0), np.int64) if facts is None else facts.values[rows]


def _latent(
    model: SavedModel,
    source: _Source,
    shares: NDArray[np.float64],
    argument: Any,
    factor: str | None = None,
) -> _Plan:
    """One latent moves."""
    latent = checks.integer("latent", argument, 0, model.code_size - 1)
    low, high = np.quantile(source.codes[:, latent], ENDS)
    target, instead = factor, ""
    if factor is not None and source.known is not None:
        most = int(shares[latent].argmax())
        if source.known.names[most] != factor:
            instead = f"more of {source.known.names[most]} than of "
    if factor is None and source.known is not None and shares[latent].max(initial=0) >= HELD:
        target = source.known.names[int(shares[latent].argmax())]
    what = f"z{latent}" + (f", which holds {instead}{target}" if target else "")
    return _Plan(
        f"One code moves: {what}",
        factor or str(latent),
        latent,
        (target,) if target else None,
        len(source.rows),
        lambda count, steps: edits.by_latent(
            model, source.images.read(source.rows[:count]), latent, np.linspace(low, high, steps)
        ),
    )


def _holder(shares: NDArray[np.float64], source: _Source, column: int) -> int:
    """The latent that holds a factor most; refuses a factor of which none holds a tenth."""
    latent = int(shares[:, column].argmax())
    if shares[latent, column] < WEAK:
        names = source.factors("factor").names
        best = shares.max(axis=0)
        held = [f"{n} ({percent(b)})" for n, b in zip(names, best, strict=True) if b >= WEAK]
        raise ValueError(
            f"Expected a factor of which one code holds {percent(WEAK)} or more: "
            f"{', '.join(held) or 'none does'}. Received: {names[column]!r}, of which none holds "
            f"more than {percent(best[column])}; see zoo apply interpret."
        )
    return latent


def _swap(model: SavedModel, source: _Source, shares: NDArray[np.float64], argument: Any) -> _Plan:
    """Images take a part of the code of others."""
    columns = edits.columns_of(model, argument)
    part = argument if isinstance(argument, str) else ",".join(map(str, columns))
    half = len(source.rows) // 2
    first, second = source.rows[:half], source.rows[half : 2 * half]
    values = source.values[half : 2 * half]
    target: tuple[str, ...] | None = None
    wanted = None
    if source.known is not None:
        names = source.known.names
        stated = _held(model).get(part)
        holds = (
            [stated and name in stated for name in names]
            if stated
            else [bool(share.max() >= 0.01 and share.argmax() in columns) for share in shares.T]
        )
        target = tuple(name for name, does in zip(names, holds, strict=True) if does) or None
        swaps = np.array(holds, bool)
        mates = _other(source.values[:half][:, swaps], values[:, swaps])
        second, values = second[mates], values[mates]
        wanted = np.where(holds, values, source.values[:half])
    return _Plan(
        f"A with {part} of B",
        part,
        None,
        target,
        half,
        lambda count, steps: edits.by_example(
            model,
            source.images.read(first[:count]),
            source.images.read(second[:count]),
            argument,
            steps,
        ),
        wanted,
    )


def _other(values: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.intp]:
    """For each row the first from its own place on, round, that differs in most columns."""
    rows = np.arange(len(values))
    best = rows.copy()
    most = (values != others).sum(axis=1)
    for shift in range(1, len(values)):
        if (most == values.shape[1]).all():
            break
        mates = (rows + shift) % len(rows)
        differ = (values != others[mates]).sum(axis=1)
        best = np.where(differ > most, mates, best)
        most = np.maximum(differ, most)
    return best


def _attribute(model: SavedModel, source: _Source, argument: Any, direction: str) -> _Plan:
    """Codes go from one value of a factor to another."""
    facts = source.factors("attribute")
    column, start, end = _parsed(facts, str(argument))
    values = source.code_values[:, column]
    for value in (start, end):
        if not (values == value).any():
            raise ValueError(
                f"Expected images of {facts.names[column]} {facts.value_names[column][value]} "
                f"among {len(values):,} of {source.data.name}. Received: none."
            )
    among = np.isin(values, (start, end))
    along = edits.direction_between(source.codes[among], values[among] == end, direction)
    places = np.flatnonzero(source.values[:, column] == start)
    named = facts.value_names[column]
    if not len(places):
        raise ValueError(
            f"Expected images of {facts.names[column]} {named[start]} among the "
            f"{len(source.rows):,} to edit. Received: none; more samples may have some."
        )
    wanted = source.values[places].copy()
    wanted[:, column] = end
    rows = source.rows[places]
    return _Plan(
        f"{facts.names[column]} from {named[start]} to {named[end]}",
        f"{facts.names[column]}={named[start]}:{named[end]}",
        None,
        (facts.names[column],),
        len(rows),
        lambda count, steps: edits.by_direction(
            model, source.images.read(rows[:count]), along, np.linspace(0, 1, steps)
        ),
        wanted,
    )


def _parsed(facts: Known, text: str) -> tuple[int, int, int]:
    """The column and the two values that "NAME", "NAME=FROM:TO" or "FROM:TO" mean."""
    name, equals, values = text.partition("=")
    if not equals and facts.names == ("class",) and name != "class":
        name, values = "class", name
    column = facts.column(name)
    if not values and facts.names != ("class",):
        return column, 0, facts.sizes[column] - 1
    start, colon, end = values.partition(":")
    if not colon:
        wanted = "FROM:TO" if facts.names == ("class",) else "NAME or NAME=FROM:TO"
        raise ValueError(
            f"Expected an attribute as {wanted}, values by their names or numbers. "
            f"Received: {text!r}."
        )
    return column, facts.value(column, start), facts.value(column, end)


def _between(model: SavedModel, source: _Source) -> _Plan:
    """Codes go from one image to another."""
    half = len(source.rows) // 2
    first, second = source.rows[:half], source.rows[half : 2 * half]
    return _Plan(
        "From A to B",
        "",
        None,
        None,
        half,
        lambda count, steps: edits.between(
            model, source.images.read(first[:count]), source.images.read(second[:count]), steps
        ),
    )


def _held(model: SavedModel) -> dict[str, tuple[str, ...]]:
    """The factors that each subspace is to hold, as far as the card says."""
    stated = (model.card.get("hyperparameters") or {}).get("held") or {}
    return {name: tuple(factors) for name, factors in stated.items()}


def _measured(
    model: SavedModel,
    facts: Known,
    shares: NDArray[np.float64],
    read: Sequence[str] | None,
    target: Sequence[str],
) -> list[str]:
    """The factors that are measured, in the order of the data's."""
    if read is not None:
        chosen = {facts.names[facts.column(name)] for name in read}
    else:
        stated = {name for names in _held(model).values() for name in names}
        held = {n for n, share in zip(facts.names, shares.T, strict=True) if share.max() >= HELD}
        chosen = stated & {*facts.names} or held
    return [name for name in facts.names if name in chosen or name in target]
