"""The page of `zoo apply interpret`: a sentence for each code, the matrix, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from applications.interpreting import Interpretation, Looks
from zoo.reporting.latents import NO_FACTOR, TOLD, telling
from zoo.reporting.pages import LIMIT, Room, share_cell, shown_at, strip, template
from zoo.reporting.sheet import MINUS

WORDS = 2 * 2**20  # bytes of the page that are kept for all but the images


def worth_showing(found: Interpretation, most: int = TOLD) -> list[int]:
    """The codes that hold something: those that follow a factor first, then by what they know.

    Args:
        found: What codes hold.
        most: So many at most: those that tell most of some factor; where nothing is known of the
            images, those that vary most.

    Example:
        >>> from applications.interpreting import read_codes
        >>> factors = np.arange(100)[:, None] % 5
        >>> worth_showing(read_codes(np.hstack([factors, 0 * factors]), factors))
        [0]
    """
    held = [reading for reading in found.readings if reading.verdict != "nothing"]
    if not found.factor_names:
        held.sort(key=lambda reading: -reading.variance)
        return [reading.code for reading in held[:most]]
    codes = [reading.code for reading in held]
    kept = [held[row] for row in telling(found.of_factor[codes], most)] if held else []
    kept.sort(key=lambda reading: (reading.verdict != "follows", -reading.of_factor))
    return [reading.code for reading in kept]


def page(
    found: Interpretation, looks: Looks, title: str, protocol: str, most: int = LIMIT - WORDS
) -> str:
    """One HTML page that needs no other file and no network.

    Args:
        found: What codes hold.
        looks: Pictures of those that are shown.
        title: What was interpreted.
        protocol: With what data, and how.
        most: Bytes that images may take.
    """
    room = Room(most)
    tiles = [_tile(found, looks, place, room) for place in range(len(looks.shown))]
    rows = [reading.code for reading in found.readings]
    if len(rows) > TOLD:
        rows = sorted(looks.shown.tolist())
    return template("interpret.html.j2").render(
        title=title,
        protocol=protocol,
        readings=found.readings,
        notes=found.notes,
        factors=found.factor_names,
        matrix=[(f"code {code}", _cells(found, code)) for code in rows],
        left_out=len(found.readings) - len(rows),
        decoded=looks.decoded,
        tiles=tiles,
        limit=LIMIT // 2**20,
    )


def _cells(found: Interpretation, code: int) -> list[dict[str, Any] | None]:
    """A row of the matrix; None for a factor of one value."""
    best = np.nan_to_num(found.of_factor, nan=-1).argmax(axis=0)
    return [
        None
        if np.isnan(share)
        else share_cell(share, share, bool(best[k] == code and share >= NO_FACTOR))
        for k, share in enumerate(found.of_factor[code].tolist())
    ]


def _tile(found: Interpretation, looks: Looks, place: int, room: Room) -> dict[str, Any]:
    """A code's pictures as strips, and what is written beside them."""
    reading = found.readings[looks.shown[place]]
    parts: Sequence[np.ndarray] = (looks.moved[place], looks.most[place], looks.least[place])
    _, height, width, _ = parts[0].shape
    across = shown_at(width, height)[0]
    low, high = looks.values[place, [0, -1]]
    return {
        "code": reading.code,
        "reading": reading,
        "ends": tuple(f"{value:.2f}".replace("-", MINUS) for value in (low, high)),
        "strips": room.take(map(strip, parts)),
        "widths": [across * len(part) for part in parts],
    }
