"""Codes of several subspaces as pictures: what each holds, who is alike in it, what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from zoo.reporting import checks, sheet
from zoo.reporting.edits import edits
from zoo.reporting.figures import Headings, ink_on, nearness
from zoo.reporting.latents import decimals, percent

CHANCE = "chance"  # what the last row of the matrix is called
WHOLE = "all together"  # and the one above it
_GAP = 4  # between images


@sheet.look()
def subspace_factors(
    accuracy: Any,
    whole: Any,
    chance: Any,
    subspaces: Sequence[str],
    factor_names: Sequence[str],
    held: Any = None,
    protocol: str | None = None,
) -> Figure:
    """The subspace x factor matrix: how well each factor is read off each subspace.

    Args:
        accuracy: (S, F), 0..1, of a probe of each subspace; NaN for a factor with a single value.
        whole: (F,) of a probe of all subspaces together.
        chance: (F,) what is reached without looking at the codes.
        subspaces: S names.
        factor_names: F names, the column headings.
        held: (S, F) booleans: which factors each subspace is to hold. They are framed.
        protocol: How it was measured.

    Returns:
        The figure. Colours start at chance, so that what is pale knows nothing; the last row is
        chance itself.

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range.

    Example:
        >>> found = zoo.metrics.probed_subspaces(codes, factors, method.subspaces)
        >>> figure = subspace_factors(
        ...     found.accuracy, found.whole, found.chance, [*method.subspaces], data.factor_names
        ... )
    """
    named = checks.names("factor_names", factor_names, None, "column of the matrix")
    rows = checks.names("subspaces", subspaces, None, "row of the matrix")
    shares = checks.shares("accuracy", accuracy, (len(rows), len(named)))
    whole = checks.shares("whole", whole, (len(named),))
    chance = checks.shares("chance", chance, (len(named),))
    marked = np.zeros(shares.shape, bool) if held is None else np.asarray(held)
    if marked.dtype != bool or marked.shape != shares.shape:
        raise ValueError(
            f"Expected held: booleans of shape {shares.shape}. "
            f"Received: {marked.dtype} of shape {marked.shape}."
        )
    lines = [*rows, WHOLE, CHANCE]
    table = np.vstack([shares, whole, chance])
    gutter = 16 + min(200, max(sheet.text_width(line, sheet.BODY) for line in lines))
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    cell, rise, space = int(np.clip(room // len(named), 52, 104)), 32, 8
    headings = Headings(named, cell)
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + len(named) * cell + headings.overhang,
        headings.height + len(lines) * rise + 2 * space,
        "Which factor is in which subspace",
        "How often a linear probe of the subspace names the factor's value. Colours start at "
        "chance." + (" Framed: what a subspace is to hold." if marked.any() else ""),
        protocol,
    )
    left, top = page.left + gutter, page.top + headings.height
    headings.write(page, left, top)
    levels = above_chance(table, chance)
    for row, line in enumerate(lines):
        y = top + rise * row + space * max(0, row - len(rows) + 1)
        grey = sheet.GREY if line == CHANCE and row == len(lines) - 1 else sheet.INK
        page.text(
            page.left, y + rise / 2 + 4, sheet.shorten(line, gutter - 16, sheet.BODY), color=grey
        )
        for column, value in enumerate(table[row]):
            x = left + cell * column
            if np.isnan(value):
                page.text(x + cell / 2, y + rise / 2 + 4, "\N{EN DASH}", sheet.SMALL, sheet.PALE,
                          align="center")  # fmt: skip
                continue
            level = float(levels[row, column])
            is_held = row < len(rows) and bool(marked[row, column])
            color = sheet.GREY
            if row < len(lines) - 1:
                page.box(x + 1, y + 1, cell - 2, rise - 2, to_hex(sheet.SEQUENTIAL(level)))
                color = ink_on(level)
            if is_held:
                page.frame(x + 2.5, y + 2.5, cell - 5, rise - 5, sheet.VERMILLION)
            words = percent(float(value))
            page.text(x + cell / 2, y + rise / 2 + 4, words, sheet.SMALL, color, bold=is_held,
                      align="center")  # fmt: skip
    return page.figure


def above_chance(accuracy: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Accuracies (..., F) from chance, 0, to all, 1; what is below chance is 0.

    Example:
        >>> above_chance(np.array([0.25, 0.625, 1.0]), np.array([0.25, 0.25, 0.25]))
        array([0. , 0.5, 1. ])
    """
    return np.clip((accuracy - chance) / np.maximum(1 - chance, 1e-9), 0, 1)


@sheet.look()
def subspace_neighbours(
    images: Any,
    similarities: Any,
    subspaces: Sequence[str],
    wrong: Any = None,
    protocol: str | None = None,
    title: str = "Nearest neighbours in each subspace",
    distances: bool = False,
) -> Figure:
    """Images, and beside each, a row a subspace, those that are nearest to it there.

    Args:
        images: uint8 (Q, S, 1 + K, H, W, C), C = 1 or 3: of each query and subspace the query,
            then its K neighbours.
        similarities: (Q, S, K), -1..1: the cosine of each neighbour's subspace with the query's;
            or, if `distances`, 0 and more: its Euclidean distance from it.
        subspaces: S names.
        wrong: (Q, S, 1 + K) booleans: which images differ from their query in what the subspace is
            to hold. They are framed in orange.
        protocol: Of what the neighbours were found, beneath the picture.
        title: Above the picture; "" leaves all words but the names out.
        distances: Whether the nearest are those of the smallest distance.

    Returns:
        The figure. What all neighbours in a row share is what the subspace holds.

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range.

    Example:
        >>> save(subspace_neighbours(images, cosines, [*method.subspaces]), "apart.png")
    """
    images = checks.images("images", images, "queries, subspaces, 1 + neighbours")
    queries, count, across = images.shape[:3]
    names = checks.names("subspaces", subspaces, count, "subspace of the images")
    check = checks.distances if distances else checks.correlations
    similarities = check("similarities", similarities, (queries, count, across - 1))
    digits = decimals(similarities)
    other = np.zeros(images.shape[:3], bool) if wrong is None else np.asarray(wrong)
    if other.dtype != bool or other.shape != images.shape[:3]:
        raise ValueError(
            f"Expected wrong: booleans of shape {images.shape[:3]}. "
            f"Received: {other.dtype} of shape {other.shape}."
        )
    images = sheet.reduced(images)
    height, width = images.shape[3:5]
    gutter = 16 + min(160, max(sheet.text_width(name, sheet.SMALL) for name in names))
    space = 14  # between query and neighbours, and between queries
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter - space
    scale = sheet.scaling(images.shape[3:], across, room, _GAP)
    pitch, rise = width * scale + _GAP, height * scale + 20
    band = count * rise + space
    how = (
        f"In each row the images whose part of the code has {nearness(distances)} the query's, "
        "the nearest first: what they share is what the subspace holds."
    )
    if wrong is not None:
        how += (
            " Orange: it differs in what the subspace is to hold, "
            f"{percent(other[:, :, 1:].mean())} of them."
        )
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + across * pitch - _GAP + space,
        queries * band - space,
        title,
        how if title else "",
        protocol,
    )
    for query in range(queries):
        for row, name in enumerate(names):
            y = page.top + query * band + row * rise
            words = sheet.shorten(name, gutter - 12, sheet.SMALL)
            page.text(page.left, y + height * scale / 2 + 4, words, sheet.SMALL, sheet.GREY)
            for column, image in enumerate(images[query, row]):
                if column == 0 and row:
                    continue  # the query stands in the first row alone
                x = page.left + gutter + column * pitch + (space if column else 0)
                page.image(image, x, y, scale)
                color = sheet.VERMILLION if other[query, row, column] else sheet.GREY
                if other[query, row, column]:
                    page.frame(x, y, width * scale, height * scale, color)
                text = "query"
                if column:
                    value = similarities[query, row, column - 1]
                    text = f"{value:.{digits}f}".replace("-", sheet.MINUS)
                page.text(x, y + height * scale + 13, text, sheet.SMALL - 1, color)
    return page.figure


def swaps(
    images: Any,
    subspaces: Sequence[str],
    protocol: str | None = None,
    title: str = "What each subspace changes",
) -> Figure:
    """Pairs of images A and B, and what becomes of A with one subspace of B's code.

    Args:
        images: uint8 (P, 3 + S, H, W, C), C = 1 or 3: of each pair A, B, what the decoder makes of
            A's code, and of A's code with each of the S subspaces in turn taken from B's.
        subspaces: S names.
        protocol: Of what images, beneath the picture.
        title: Above the picture; "" leaves all words but the headings out.

    Returns:
        The figure, a row a pair.

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range.

    Example:
        >>> save(swaps(images, [*method.subspaces]), "swaps.png")
    """
    images = checks.images("images", images, "pairs, 3 + subspaces")
    names = checks.names("subspaces", subspaces, images.shape[1] - 3, "subspace of the images")
    return edits(
        images,
        ["A", "B", "A decoded", *(f"{name} of B" for name in names)],
        title,
        "A's code, in which one subspace at a time is B's, decoded. Only what the subspace holds "
        "should change.",
        apart=(2, 3),
        protocol=protocol,
    )
