"""Latents as rows of a picture: their order, and the words that label them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.reporting import checks, sheet

UNUSED = 0.025  # nats of KL under which a latent holds nothing worth a look; shown as 0.02
TOLD = 32  # latents up to which an information map shows all
NO_FACTOR = 0.01  # share of a factor's entropy under which a latent does not count as carrying it


@dataclasses.dataclass(frozen=True)
class Latent:
    """One row: which row of the caller's arrays it is, and what its label says."""

    row: int
    name: str  # "z3 · KL 2.41"
    factor: str  # "x-position", or "" where none is known
    share: float  # of the factor's entropy, 0..1
    color: str  # the factor's
    unused: bool

    def detail(self, room: float) -> str:
        """The label's second line in at most `room` pixels: "x-position 62 %", or "unused"."""
        if self.unused or not self.factor:
            return "unused" if self.unused else ""
        if self.share < NO_FACTOR:
            return "no factor"
        return sheet.shorten(self.factor, room, sheet.SMALL, f" {percent(self.share)}")

    def write(self, page: sheet.Sheet, x: float, y: float, room: float) -> None:
        """Writes the label, its first line's baseline at `y`; a bar beneath shows the share."""
        color = sheet.PALE if self.unused else sheet.INK
        page.text(x, y, self.name, sheet.BODY, color)
        detail = self.detail(room)
        if detail:
            quiet = self.unused or detail == "no factor"
            page.text(x, y + 16, detail, sheet.SMALL, sheet.PALE if quiet else sheet.GREY)
            if not quiet:
                page.box(x, y + 22, room, 3, sheet.FAINT)
                page.box(x, y + 22, room * self.share, 3, self.color)


def telling(information: np.ndarray, most: int = TOLD) -> np.ndarray:
    """The rows (latents, factors) that stand highest in any factor's order: at most so many.

    Example:
        >>> telling(np.array([[0.3, 0.1], [0.0, 0.2], [0.9, 0.0]]), most=2)
        array([1, 2])
    """
    known = information[:, ~np.isnan(information).all(axis=0)]
    places = np.argsort(np.argsort(-known, axis=0, kind="stable"), axis=0)
    return np.sort(np.argsort(places.min(axis=1, initial=len(places)), kind="stable")[:most])


def left_out(information: np.ndarray) -> str:
    """What to say of an information map that shows only the rows which tell most."""
    rows = len(information)
    return f"; of {rows} dimensions the {TOLD} that hold most" if rows > TOLD else ""


def percent(share: float) -> str:
    """A share as people read it: 0.62 -> "62 %"."""
    return f"{100 * share:.0f} %"


def decimals(values: np.ndarray, least: int = 2, most: int = 5) -> int:
    """How many decimals it takes to tell most values of a row from the next in it.

    Args:
        values: (..., K), such as the cosines of K neighbours, which may all be nearly 1.
        least: So many at least.
        most: So many at most; what these do not tell apart counts as the same.

    Example:
        >>> decimals(np.array([0.93, 0.71, 0.7])), decimals(np.array([0.9994, 0.9991, 0.9982]))
        (2, 4)
    """

    def told(digits: int) -> np.ndarray:
        return np.diff(np.round(values, digits)) != 0

    needed = 3 / 4 * told(most).sum()
    return next((d for d in range(least, most) if told(d).sum() >= needed), most)


def values_text(values: np.ndarray) -> list[str]:
    """A latent's values with their signs and as few decimals, at most two, as tell them.

    Example:
        >>> values_text(np.array([0.0, 1.5, 3.0]))
        ['0', '+1.5', '+3.0']
    """
    digits = next((d for d in (0, 1) if np.allclose(values, np.round(values, d), atol=5e-3)), 2)
    texts = [f"{value:+.{digits}f}" for value in values]
    return ["0" if float(text) == 0 else text.replace("-", sheet.MINUS) for text in texts]


def ordered(
    rows: int,
    kl: Any = None,
    factors: Sequence[str] | None = None,
    information: Any = None,
    latents: Any = None,
) -> list[Latent]:
    """The rows in the order in which they are shown, labelled. See `traversal` for arguments."""
    numbers = checks.indices(latents, rows)
    if (factors is None) != (information is None):
        given = "factors" if information is None else "information"
        raise ValueError(
            f"Expected factors and information together, or neither. Received: only {given}."
        )
    shares, named = np.zeros((rows, 0)), []
    if factors is not None:
        named = checks.names("factors", factors, None, "column of information")
        shares = checks.information(information, (rows, len(named)), normalised=True)
        shares = np.nan_to_num(shares)
    order = np.arange(rows)
    if kl is not None:
        kl = checks.vector("kl", kl, rows, "row")
        order = np.argsort(np.where(np.isnan(kl), np.inf, -kl), kind="stable")
    found = []
    for row in order.tolist():
        best = int(shares[row].argmax()) if named else 0
        found.append(
            Latent(
                row=row,
                name=f"z{numbers[row]}" + ("" if kl is None else f" · KL {kl[row]:.2f}"),
                factor=named[best] if named else "",
                share=float(shares[row, best]) if named else 0.0,
                color=sheet.COLOURS[best % len(sheet.COLOURS)],
                unused=kl is not None and bool(kl[row] < UNUSED),
            )
        )
    return found
