"""The table of a sweep, a row a run: as CSV, and as a page that holds the pictures too."""

from __future__ import annotations

import base64
import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from zoo.files import replacing
from zoo.messages import short
from zoo.reporting.pages import template
from zoo.reporting.plots import number
from zoo.reporting.sweeps import Entry, groups_of


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """The runs by value (or method, as they come), then by seed."""
    places = {group: place for place, group in enumerate(groups_of(entries))}
    return sorted(entries, key=lambda entry: (places[entry.group], entry.seed))


def measured(entries: Sequence[Entry]) -> list[str]:
    """The names of all numbers that some run has, in the order in which they come."""
    return list(dict.fromkeys(name for entry in entries for name in entry.scores))


def write_csv(path: str | os.PathLike[str], entries: Sequence[Entry], parameter: str) -> Path:
    """Writes the table as CSV, whole or not at all: full precision, empty where nothing is known.

    Infinity is "inf" in it.

    Args:
        path: Where to.
        entries: The runs.
        parameter: What is swept: the name of the first column.

    Returns:
        The path.
    """
    names = measured(entries)
    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([parameter, "seed", "status", *names, "seconds", "run", "reason"])
        for entry in ordered(entries):
            group = entry.group if isinstance(entry.group, str) else short(entry.group)
            found = [entry.scores.get(name, math.nan) for name in names]
            numbers = ["" if math.isnan(value) else value for value in found]
            seconds = "" if entry.seconds is None else entry.seconds
            told = [*numbers, seconds, entry.name, entry.failed]
            writer.writerow([group, entry.seed, entry.status, *told])
    return Path(path)


def write_html(
    path: str | os.PathLike[str],
    entries: Sequence[Entry],
    parameter: str,
    title: str,
    settings: Mapping[str, Any],
    notes: Sequence[str] = (),
    pictures: Mapping[str, str | os.PathLike[str]] | None = None,
) -> Path:
    """Writes the table as one page that needs no other file and no network.

    Args:
        path: Where to; whole or not at all.
        entries: The runs.
        parameter: What is swept: the heading of the first column.
        title: Of the page.
        settings: Name -> value, what all runs have in common.
        notes: How the numbers were measured, a sentence each.
        pictures: Words for each -> its PNG file, whose bytes the page holds.

    Returns:
        The path.
    """
    names = measured(entries)
    rows = [
        {
            "group": entry.group if isinstance(entry.group, str) else short(entry.group),
            "seed": entry.seed,
            "status": entry.status,
            "numbers": [_cell(entry, name) for name in names],
            "seconds": "" if entry.seconds is None else f"{entry.seconds:,.0f}",
            "reason": entry.failed,
            "run": entry.name,
            "first": place == 0 or before.group != entry.group,
        }
        for place, (before, entry) in enumerate(_with_former(ordered(entries)))
    ]
    inlined = [_inlined(words, Path(file)) for words, file in (pictures or {}).items()]
    text = template("sweep.html.j2").render(
        title=title,
        parameter=parameter,
        names=names,
        rows=rows,
        settings=settings,
        notes=notes,
        pictures=inlined,
    )
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return Path(path)


def _inlined(words: str, file: Path) -> dict[str, Any]:
    """A picture as the page holds it, at the size that it was laid out in: `save` doubles it."""
    with Image.open(file) as picture:
        width = picture.width // 2
    return {"words": words, "width": width, "bytes": base64.b64encode(file.read_bytes()).decode()}


def _with_former(entries: list[Entry]) -> list[tuple[Entry, Entry]]:
    """Each with the one before it; the first with itself."""
    return list(zip([*entries[:1], *entries[:-1]], entries, strict=True))


def _cell(entry: Entry, name: str) -> str:
    value = entry.scores.get(name, math.nan)
    return "" if math.isnan(value) else number(value, score=abs(value) < 1)
