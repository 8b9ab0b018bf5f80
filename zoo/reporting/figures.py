"""Pictures of what a model has learnt: pure functions from NumPy arrays to matplotlib figures.

Nothing here needs a display, pyplot or TensorFlow. `zoo.reporting.save` writes a figure and
`zoo.reporting.to_array` turns it into an image for TensorBoard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.reporting import checks, sheet
from zoo.reporting.latents import NO_FACTOR, Latent, ordered, percent, values_text

_GAP = 2  # pixels between two images


@sheet.look()
def reconstructions(originals: Any, decoded: Any, protocol: str | None = None) -> Figure:
    """Originals over their reconstructions, as many side by side as fit, in as many bands.

    Args:
        originals: uint8 (n, H, W, C), C = 1 or 3.
        decoded: uint8 (n, H, W, C): what the decoder makes of their codes, in the same order.
        protocol: What was shown and how it was chosen, beneath the picture.

    Returns:
        The figure; 2 n images, enlarged by a whole number without smoothing (images over 128
        pixels a side are averaged down).

    Raises:
        ValueError: If either is not uint8 (n, H, W, 1 or 3), or if their shapes differ.

    Example:
        >>> save(reconstructions(images[:10], decoded[:10]), "reconstructions.png")
    """
    originals = checks.images("originals", originals, "n")
    decoded = checks.images("decoded", decoded, "n")
    if originals.shape != decoded.shape:
        raise ValueError(
            "Expected originals and decoded of one shape. "
            f"Received: {originals.shape} and {decoded.shape}."
        )
    originals, decoded = sheet.reduced(originals), sheet.reduced(decoded)
    count, height, width, _ = originals.shape
    gutter = 112
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    scale = sheet.scaling(originals.shape[1:], min(count, 8), room, _GAP)
    pitch, rise = width * scale + _GAP, height * scale + _GAP
    bands = -(-count // max(1, (room + _GAP) // pitch))
    columns = -(-count // bands)
    band = 2 * rise + 14
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + columns * pitch - _GAP,
        bands * band - 14 - _GAP,
        "Originals and reconstructions",
        "Below each original, what the decoder makes of its code.",
        protocol,
    )
    for start in range(0, count, columns):
        top = page.top + start // columns * band
        for line, (label, images) in enumerate(
            (("originals", originals), ("reconstructions", decoded))
        ):
            y = top + line * rise
            page.text(page.left, y + height * scale / 2 + 4, label, sheet.SMALL, sheet.GREY)
            for column, image in enumerate(images[start : start + columns]):
                page.image(image, page.left + gutter + column * pitch, y, scale)
    return page.figure


@sheet.look()
def traversal(
    images: Any,
    values: Any,
    kl: Any = None,
    factors: Sequence[str] | None = None,
    information: Any = None,
    latents: Any = None,
    protocol: str | None = None,
) -> Figure:
    """What each latent changes: a row a latent, a column for each of its values.

    Args:
        images: uint8 (L, S, H, W, C): row l decodes S codes that differ in one latent only.
        values: (S,): that latent's values, the column headings.
        kl: (L,), nats: each latent's KL to its prior, averaged over images. When given, rows are
            sorted by it, the largest first and NaN last (everything that belongs to a row moves
            with it), and latents of 0.02 nats or less are marked as unused. When not, rows stay as
            they come.
        factors: The names of F factors. Each row names the one of which it carries the largest
            share.
        information: (L, F): the share of each factor's entropy that each latent holds (mutual
            information / entropy of the factor), 0..1; NaN for a factor with a single value.
        latents: (L,) integers: which latent each row is. Default 0..L-1.
        protocol: How it was made, beneath the picture.

    Returns:
        The figure; L x S images, enlarged by a whole number without smoothing (images over 128
        pixels a side are averaged down).

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range, or if only one of
            `factors` and `information` is given.

    Example:
        >>> shares = mutual_information / entropies
        >>> save(traversal(images, values, kl, data.factor_names, shares), "traversal.png")
    """
    images = checks.images("images", images, "latents, steps")
    rows, steps = images.shape[:2]
    values = checks.vector("values", values, steps, "step")
    shown = ordered(rows, kl, factors, information, latents)
    images = sheet.reduced(images)
    height, width = images.shape[2:4]
    gutter = _gutter(shown)
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    scale = sheet.scaling(images.shape[2:], steps, room, _GAP)
    pitch = width * scale + _GAP
    rise = max(height * scale + _GAP, 46)
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + steps * pitch - _GAP,
        22 + rows * rise - _GAP,
        "What each latent changes",
        "In each row one latent moves and the others stay."
        + explanation(kl is not None, factors is not None),
        protocol,
    )
    for column, text in enumerate(values_text(values)):
        x = page.left + gutter + column * pitch + width * scale / 2
        page.text(x, page.top + 12, text, sheet.SMALL, sheet.GREY, align="center")
    for line, latent in enumerate(shown):
        y = page.top + 22 + line * rise
        middle = y + height * scale / 2
        latent.write(page, page.left, middle + (-7 if latent.detail(gutter) else 5), gutter - 16)
        for column, image in enumerate(images[latent.row]):
            page.image(image, page.left + gutter + column * pitch, y, scale)
    return page.figure


def _gutter(shown: list[Latent]) -> int:
    """Pixels that the labels need: what the longest takes, within reason."""
    names = max(sheet.text_width(latent.name, sheet.BODY) for latent in shown)
    details = max(sheet.text_width(latent.detail(200), sheet.SMALL) for latent in shown)
    return 16 + max(names, details)


def explanation(kl: bool, factors: bool) -> str:
    """The end of a traversal's subtitle: how to read the labels there are."""
    text = " KL in nats." if kl else ""
    return text + (" Per cent: the latent's share of the factor's information." if factors else "")


@sheet.look()
def information(
    matrix: Any,
    factor_names: Sequence[str],
    latents: Any = None,
    normalised: bool = False,
    protocol: str | None = None,
) -> Figure:
    """The code x factor mutual-information heat map, each cell with its number.

    Args:
        matrix: (L, F): what each latent knows of each factor, in nats; NaN (an empty cell) where
            a factor has a single value.
        factor_names: F names, the column headings.
        latents: (L,) integers: which latent each row is. Default 0..L-1. Rows stay as they come.
        normalised: Whether the matrix holds shares of each factor's entropy, 0..1; they are
            shown in per cent, and the colours span 0..100 %.
        protocol: How it was measured: "10,000 samples, 20 bins, seed 0".

    Returns:
        The figure. A factor's largest cell is set in bold.

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range.

    Example:
        >>> matrix = zoo.metrics.mutual_information(codes, factors)
        >>> figure = information(matrix, data.factor_names, protocol="10,000 samples, 20 bins")
    """
    named = checks.names("factor_names", factor_names, None, "column of the matrix")
    matrix = checks.information(matrix, (None, len(named)), normalised=normalised)
    rows, columns = matrix.shape
    numbers = checks.indices(latents, rows)
    gutter = 44
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    cell, rise = int(np.clip(room // columns, 52, 104)), 30
    headings = [sheet.shorten(name, 160, sheet.SMALL) for name in named]
    widths = [sheet.text_width(heading, sheet.SMALL) for heading in headings]
    slanted = max(widths) > cell - 8
    head = 12 + int(max(widths) * 0.71) if slanted else 22
    overhang = max(0, int(widths[-1] * 0.71) + 16 - cell // 2) if slanted else 0
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + columns * cell + overhang,
        head + rows * rise + 34,
        "What each latent knows of each factor",
        "Mutual information as a share of the factor's entropy. Bold: where a factor is held most."
        if normalised
        else "Mutual information in nats. Bold: the latent that holds a factor most.",
        protocol,
    )
    left, top = page.left + gutter, page.top + head
    largest = 1.0 if normalised or not np.nanmax(matrix, initial=0) else float(np.nanmax(matrix))
    page.axes.pcolormesh(
        left + cell * np.arange(columns + 1),
        top + rise * np.arange(rows + 1),
        np.ma.masked_invalid(matrix),
        cmap=sheet.SEQUENTIAL,
        vmin=0,
        vmax=largest,
        edgecolors=sheet.PAPER,
        linewidth=sheet.points(2),
    )
    for column, heading in enumerate(headings):
        x = left + cell * (column + 0.5)
        if slanted:
            page.text(x, top - 8, heading, sheet.SMALL, sheet.GREY, rotation=45)
        else:
            page.text(x, top - 8, heading, sheet.SMALL, sheet.GREY, align="center")
    best = np.nan_to_num(matrix, nan=-1).argmax(axis=0)
    for row in range(rows):
        y = top + rise * (row + 0.5) + 4
        page.text(page.left, y, f"z{numbers[row]}", sheet.BODY)
        for column in range(columns):
            value = matrix[row, column]
            if np.isnan(value):
                text, color = "\N{EN DASH}", sheet.PALE
            else:
                text = percent(value) if normalised else f"{value:.2f}"
                color = ink_on(value / largest)
            bold = row == best[column] and value > NO_FACTOR
            x = left + cell * (column + 0.5)
            page.text(x, y, text, sheet.SMALL, color, bold=bool(bold), align="center")
    _legend(page, left, top + rows * rise + 18, "100 %" if normalised else f"{largest:.2f} nats")
    return page.figure


def ink_on(level: float) -> str:
    """The text colour, dark or white, that reads better on the heat map's colour at 0..1."""
    return ink_on_color(sheet.SEQUENTIAL(level))


def ink_on_color(color: Sequence[float]) -> str:
    """The text colour, dark or white, that reads better on a colour: (red, green, blue), 0..1."""
    linear = np.array(color[:3]) ** 2.2
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    # White from a contrast (as WCAG defines it) of 3.5 on: on blues of middle lightness, where
    # dark ink scores no better than 4, eyes prefer it.
    return sheet.PAPER if 1.05 / (luminance + 0.05) >= 3.5 else sheet.INK


def _legend(page: sheet.Sheet, x: float, y: float, end: str) -> None:
    """The colour scale: 0, a bar, and what its dark end stands for."""
    page.text(x, y + 10, "0", sheet.SMALL, sheet.GREY)
    page.axes.imshow(
        np.linspace(0, 1, 256)[None],
        cmap=sheet.SEQUENTIAL,
        extent=(x + 16, x + 156, y + 10, y),
        aspect="auto",
    )
    page.text(x + 164, y + 10, end, sheet.SMALL, sheet.GREY)
