"""Pictures of what a model has learnt: pure functions from NumPy arrays to matplotlib figures.

Nothing here needs a display, pyplot or TensorFlow. `zoo.reporting.save` writes a figure and
`zoo.reporting.to_array` turns it into an image for TensorBoard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.reporting import checks, sheet
from zoo.reporting.latents import NO_FACTOR, Latent, decimals, ordered, percent, values_text

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
    return _bands(
        {"originals": originals, "reconstructions": decoded},
        "Originals and reconstructions",
        "Below each original, what the decoder makes of its code.",
        protocol,
    )


@sheet.look()
def views(originals: Any, first: Any, second: Any, protocol: str | None = None) -> Figure:
    """Originals over their two views, as training sees them.

    Args:
        originals: uint8 (n, H, W, C), C = 1 or 3.
        first: uint8 (n, H, W, C): a view of each, in the same order.
        second: uint8 (n, H, W, C): another.
        protocol: How the views were made, beneath the picture.

    Returns:
        The figure; 3 n images, enlarged by a whole number without smoothing (images over 128
        pixels a side are averaged down).

    Raises:
        ValueError: If any is not uint8 (n, H, W, 1 or 3), or if their shapes differ.

    Example:
        >>> save(views(images, a, b, "preset simclr_small"), "views.png")
    """
    rows = {"originals": originals, "first view": first, "second view": second}
    rows = {name: checks.images(name, value, "n") for name, value in rows.items()}
    shapes = [array.shape for array in rows.values()]
    if len(set(shapes)) > 1:
        raise ValueError(
            f"Expected originals and views of one shape. Received: {', '.join(map(str, shapes))}."
        )
    return _bands(
        rows,
        "Images and their two views",
        "Training sees views of an image, and never the image itself.",
        protocol,
    )


def _bands(
    rows: Mapping[str, np.ndarray], title: str, subtitle: str, protocol: str | None
) -> Figure:
    """Images in labelled rows (n, H, W, C), in as many bands as it takes."""
    rows = {name: sheet.reduced(images) for name, images in rows.items()}
    count, height, width, channels = next(iter(rows.values())).shape
    gutter = 112
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    scale = sheet.scaling((height, width, channels), min(count, 8), room, _GAP)
    pitch, rise = width * scale + _GAP, height * scale + _GAP
    bands = -(-count // max(1, (room + _GAP) // pitch))
    columns = -(-count // bands)
    band = len(rows) * rise + 14
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + columns * pitch - _GAP,
        bands * band - 14 - _GAP,
        title,
        subtitle,
        protocol,
    )
    for start in range(0, count, columns):
        top = page.top + start // columns * band
        for line, (label, images) in enumerate(rows.items()):
            y = top + line * rise
            page.text(page.left, y + height * scale / 2 + 4, label, sheet.SMALL, sheet.GREY)
            for column, image in enumerate(images[start : start + columns]):
                page.image(image, page.left + gutter + column * pitch, y, scale)
    return page.figure


@sheet.look()
def neighbours(
    images: Any,
    similarities: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    protocol: str | None = None,
    distances: bool = False,
) -> Figure:
    """Images, and beside each those whose codes are nearest to its code, the nearest first.

    Args:
        images: uint8 (Q, 1 + K, H, W, C), C = 1 or 3: in each row the query, then its K neighbours.
        similarities: (Q, K), -1..1: the cosine of each neighbour's code with the query's; or, if
            `distances`, 0 and more: its Euclidean distance from it.
        labels: (Q, 1 + K) integers, of the same images. When given, each image says its class, and
            neighbours of another class than the query's are framed and written in orange.
        class_names: The name of each label. Default: the labels themselves.
        protocol: Of what the neighbours were found, beneath the picture.
        distances: Whether the nearest are those of the smallest distance.

    Returns:
        The figure; Q (1 + K) images, enlarged by a whole number without smoothing (images over 128
        pixels a side are averaged down). Without labels each neighbour says its cosine
        or distance.

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range.

    Example:
        >>> save(neighbours(images, cosines, labels, data.class_names), "neighbours.png")
    """
    images = checks.images("images", images, "queries, 1 + neighbours")
    queries, count = images.shape[:2]
    check = checks.distances if distances else checks.correlations
    similarities = check("similarities", similarities, (queries, count - 1))
    words, wrong = captions(similarities, labels, class_names)
    images = sheet.reduced(images)
    height, width = images.shape[2:4]
    gap, space = 8, 14  # between images; between query and neighbours
    room = sheet.WIDTH - 2 * sheet.MARGIN - space
    scale = sheet.scaling(images.shape[2:], count, room, gap)
    pitch, rise = width * scale + gap, height * scale + 26
    page = sheet.Sheet(
        2 * sheet.MARGIN + count * pitch - gap + space,
        24 + queries * rise - 8,
        "Nearest neighbours",
        f"The images whose codes have {nearness(distances)} the query's, the nearest first."
        + ("" if labels is None else f" {agreement(wrong)}"),
        protocol,
    )
    page.text(page.left, page.top + 12, "query", sheet.SMALL, sheet.GREY)
    page.text(page.left + pitch + space, page.top + 12, "neighbours", sheet.SMALL, sheet.GREY)
    for row in range(queries):
        y = page.top + 24 + row * rise
        for column, image in enumerate(images[row]):
            x = page.left + column * pitch + (space if column else 0)
            color = sheet.VERMILLION if wrong[row, column] else sheet.GREY
            page.image(image, x, y, scale)
            if wrong[row, column]:
                page.frame(x, y, width * scale, height * scale, color)
            text = sheet.shorten(words[row][column], pitch - 2, sheet.SMALL - 1)
            page.text(x, y + height * scale + 14, text, sheet.SMALL - 1, color)
    return page.figure


def nearness(distances: bool) -> str:
    """How the nearest are found, as the middle of a sentence."""
    return "the smallest distance from" if distances else "the largest cosine with"


def captions(
    similarities: np.ndarray, labels: Any, class_names: Sequence[str] | None
) -> tuple[list[list[str]], np.ndarray]:
    """What stands beneath each image, and whether it is of another class than its query."""
    queries, count = similarities.shape
    if labels is None:
        digits = decimals(similarities)
        cosines = [["", *(f"{value:.{digits}f}" for value in row)] for row in similarities]
        words = [[text.replace("-", sheet.MINUS) for text in row] for row in cosines]
        return words, np.zeros((queries, count + 1), bool)
    labels = checks.labels("labels", labels, (queries, count + 1), class_names)
    named = [[str(v) if class_names is None else class_names[v] for v in row] for row in labels]
    return named, labels != labels[:, :1]


def agreement(wrong: np.ndarray) -> str:
    """How many neighbours are of another class than their query, in words."""
    neighbours = wrong[:, 1:]
    return f"Orange: of another class, {percent(neighbours.mean())} of them."


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
    headings = Headings(named, cell)
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + columns * cell + headings.overhang,
        headings.height + rows * rise + 34,
        "What each latent knows of each factor",
        "Mutual information as a share of the factor's entropy. Bold: where a factor is held most."
        if normalised
        else "Mutual information in nats. Bold: the latent that holds a factor most.",
        protocol,
    )
    left, top = page.left + gutter, page.top + headings.height
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
    headings.write(page, left, top)
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


class Headings:
    """The names of a matrix's columns, slanted where they are wider than a column.

    Args:
        names: A name for each column.
        cell: The width of a column in pixels.

    Attributes:
        height: Pixels above the matrix that they take.
        overhang: Pixels that the last one reaches beyond the matrix.
    """

    def __init__(self, names: Sequence[str], cell: int) -> None:
        self.names = [sheet.shorten(name, 160, sheet.SMALL) for name in names]
        self.cell = cell
        widths = [sheet.text_width(name, sheet.SMALL) for name in self.names]
        self.slanted = max(widths) > cell - 8
        self.height = 12 + int(max(widths) * 0.71) if self.slanted else 22
        reach = int(widths[-1] * 0.71) + 16 - cell // 2
        self.overhang = max(0, reach) if self.slanted else 0

    def write(self, page: sheet.Sheet, left: float, top: float) -> None:
        """Writes them above a matrix whose corner is at (left, top)."""
        for column in range(len(self.names)):
            self.write_one(page, column, left + self.cell * (column + 0.5), top)

    def write_one(self, page: sheet.Sheet, column: int, middle: float, top: float) -> None:
        """Writes the name of one column above its middle."""
        style: dict[str, Any] = {"rotation": 45} if self.slanted else {"align": "center"}
        page.text(middle, top - 8, self.names[column], sheet.SMALL, sheet.GREY, **style)


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
