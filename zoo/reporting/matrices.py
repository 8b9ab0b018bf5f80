"""Square matrices as pictures: which classes are mistaken or alike, which dimensions the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from zoo.reporting import checks, sheet
from zoo.reporting.figures import Headings, ink_on, ink_on_color
from zoo.reporting.latents import percent

ROWS = "Rows: the true class. Columns: the answer."  # how a confusion matrix is read
_SIDE = 512  # pixels of a correlation matrix, about
NUMBERED = 20  # classes up to which each cell has its number, and each row its name
_CORNER = 32  # dimensions of the corner that is enlarged beside a large matrix


@sheet.look()
def confusion_matrix(
    matrix: Any,
    class_names: Sequence[str] | None = None,
    protocol: str | None = None,
    title: str = "Which class is taken for which",
) -> Figure:
    """Which class is taken for which: a row for each true class, a column for each answer.

    Args:
        matrix: (K, K) whole numbers, 0 or more: how many images of class row were taken for class
            column.
        class_names: K names. Default: 0..K-1.
        protocol: How the answers were obtained, beneath the picture.
        title: Above the picture; "" leaves it and how to read it out.

    Returns:
        The figure. Each row's colours are shares of the row's images, up to 20 classes with numbers
        and names; a row without images is empty.

    Raises:
        ValueError: If the matrix is not square, counts nothing, or has not a name for each row.

    Example:
        >>> counts = sklearn.metrics.confusion_matrix(labels, answers)
        >>> save(confusion_matrix(counts, data.class_names, "k-NN, k = 200"), "confusion.png")
    """
    matrix = checks.counts("matrix", matrix)
    grid = _Grid(class_names, len(matrix))
    shares = shares_of(matrix)
    largest = 1.0 if grid.numbered else float(np.nanmax(shares))
    how = "Per cent of the row's images." if grid.numbered else f"The darkest: {percent(largest)}."
    page = grid.page(
        title, f"{ROWS} {how} {verdict(matrix, grid.names)}" if title else "", protocol
    )
    grid.fill(page, shares, sheet.SEQUENTIAL, 0, largest)
    if not grid.numbered:
        grid.name_sides(page, "true class", "answer")
        return page.figure

    def written(share: float, bold: bool) -> tuple[str, str]:
        return f"{100 * share:.0f}" if bold or share >= 0.005 else "", ink_on(share)

    grid.write(page, shares, written)
    return page.figure


@sheet.look()
def class_similarities(
    matrix: Any,
    class_names: Sequence[str] | None = None,
    protocol: str | None = None,
    title: str = "How alike classes are",
) -> Figure:
    """How alike a method takes its classes to be: the cosines of what stands for each.

    Args:
        matrix: (K, K), -1..1: of the class of the row with that of the column; NaN is left blank.
        class_names: K names. Default: 0..K-1.
        protocol: Of what the matrix is, beneath the picture.
        title: Above the picture; "" leaves it and what it says out.

    Returns:
        The figure: blue for alike, orange for opposite; up to 20 classes with numbers and names.

    Raises:
        ValueError: If the matrix is not square, has values beyond -1..1, or not a name for each
            row.

    Example:
        >>> save(class_similarities(method.class_similarity(), data.class_names), "classes.png")
    """
    matrix = square("matrix", matrix)
    grid = _Grid(class_names, len(matrix))
    page = grid.page(title, most_alike(matrix, grid.names) if title else "", protocol)
    grid.fill(page, matrix, sheet.DIVERGING, -1, 1)
    if not grid.numbered:
        grid.name_sides(page, "class", "class")
        return page.figure

    def written(value: float, bold: bool) -> tuple[str, str]:
        return f"{value:.2f}".replace("-", sheet.MINUS), ink_on_color(
            sheet.DIVERGING((value + 1) / 2)
        )

    grid.write(page, matrix, written)
    return page.figure


def most_alike(matrix: np.ndarray, named: Sequence[str]) -> str:
    """The three pairs of classes that are most alike, in words."""
    upper = np.where(np.triu(np.ones(matrix.shape, bool), 1) & ~np.isnan(matrix), matrix, -np.inf)
    pairs = np.argsort(-upper, axis=None, kind="stable")[:3]
    told = [
        f"{named[row]} and {named[column]} ({upper[row, column]:.2f})".replace("-", sheet.MINUS)
        for row, column in zip(*np.unravel_index(pairs, matrix.shape), strict=True)
        if np.isfinite(upper[row, column])
    ]
    return (
        f"Most alike, by cosine: {', '.join(told)}."
        if told
        else "There are no two classes to compare."
    )


class _Grid:
    """A page with a cell for each two of K classes; up to 20 of them with names and numbers.

    Args:
        class_names: K names, or None.
        size: K.
    """

    def __init__(self, class_names: Sequence[str] | None, size: int) -> None:
        named = list(map(str, range(size))) if class_names is None else class_names
        self.names = checks.names("class_names", named, size, "row of the matrix")
        self.size = size
        self.numbered = size <= NUMBERED
        gutter = min(150, 14 + max(sheet.text_width(name, sheet.SMALL) for name in self.names))
        self.gutter = gutter if self.numbered else 14
        room = sheet.WIDTH - 2 * sheet.MARGIN - self.gutter
        self.cell = int(np.clip(room // size, 34, 64)) if self.numbered else max(2, 560 // size)
        self.rise = min(self.cell, 34) if self.numbered else self.cell
        self.headings = Headings(self.names, self.cell) if self.numbered else None
        self.head = self.headings.height if self.headings else 20
        self.left = self.top = 0

    def page(self, title: str, subtitle: str, protocol: str | None) -> sheet.Sheet:
        """The page, with room for the cells and for the names of columns."""
        overhang = self.headings.overhang if self.headings else 0
        page = sheet.Sheet(
            2 * sheet.MARGIN + self.gutter + self.size * self.cell + overhang,
            self.head + self.size * self.rise,
            title,
            subtitle,
            protocol,
        )
        self.left, self.top = page.left + self.gutter, page.top + self.head
        return page

    def fill(
        self, page: sheet.Sheet, values: np.ndarray, colors: Colormap, low: float, high: float
    ) -> None:
        """Colours the cells; those of NaN stay blank."""
        page.axes.pcolormesh(
            self.left + self.cell * np.arange(self.size + 1),
            self.top + self.rise * np.arange(self.size + 1),
            np.ma.masked_invalid(values),
            cmap=colors,
            vmin=low,
            vmax=high,
            edgecolors=sheet.PAPER if self.cell > 6 else "none",
            linewidth=sheet.points(2 if self.numbered else 1) if self.cell > 6 else 0,
        )

    def name_sides(self, page: sheet.Sheet, rows: str, columns: str) -> None:
        """Says what rows and columns are, where there are too many to name each."""
        words = f"{columns}, 0 to {self.size - 1}"
        page.text(self.left, self.top - 8, words, sheet.SMALL, sheet.GREY)
        y = self.top + self.size * self.rise / 2
        page.text(self.left - 8, y, rows, sheet.SMALL, sheet.GREY, rotation=90, align="center")

    def write(
        self,
        page: sheet.Sheet,
        values: np.ndarray,
        written: Callable[[float, bool], tuple[str, str]],
    ) -> None:
        """Names rows and columns, and writes into each cell.

        Args:
            page: The page.
            values: (K, K); of NaN a dash is written.
            written: A value, and whether it is on the diagonal -> its text and its colour.
        """
        if self.headings is not None:
            self.headings.write(page, self.left, self.top)
        for row, name in enumerate(self.names):
            y = self.top + self.rise * (row + 0.5) + 4
            page.text(page.left, y, sheet.shorten(name, self.gutter - 10, sheet.SMALL), sheet.SMALL)
            for column, value in enumerate(values[row]):
                bold = row == column
                text, color = "\N{EN DASH}", sheet.PALE
                if not np.isnan(value):
                    text, color = written(value, bold)
                x = self.left + self.cell * (column + 0.5)
                if text:
                    page.text(x, y, text, sheet.SMALL, color, bold=bold, align="center")


def shares_of(matrix: np.ndarray) -> np.ndarray:
    """Each row's counts as shares of it; NaN in a row of none."""
    images = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, images, out=np.full(matrix.shape, np.nan), where=images > 0)


def verdict(matrix: np.ndarray, named: Sequence[str]) -> str:
    """How many answers are right, and the three mistakes made most, as shares of their class."""
    mistakes = np.nan_to_num(shares_of(matrix))
    np.fill_diagonal(mistakes, 0)
    worst = np.argsort(-mistakes, axis=None, kind="stable")[:3]
    told = [
        f"{named[row]} for {named[column]} ({percent(mistakes[row, column])})"
        for row, column in zip(*np.unravel_index(worst, matrix.shape), strict=True)
        if mistakes[row, column] > 0
    ]
    right = f"Right: {100 * np.trace(matrix) / matrix.sum():.1f} % of {matrix.sum():,}."
    return f"{right} Mistaken most: {', '.join(told)}." if told else right


@sheet.look()
def correlation_matrix(matrix: Any, protocol: str | None = None) -> Figure:
    """Correlations of D dimensions with D dimensions: blue for the same, orange for opposites.

    Args:
        matrix: (D, D), -1..1, such as Barlow Twins' cross-correlation; NaN is left blank.
        protocol: Of what it was taken, beneath the picture.

    Returns:
        The figure. Of more than 512 dimensions a cell shows the strongest correlation of a block
        of dimensions, and on the diagonal that of the diagonal, so that neither a redundant pair
        nor the diagonal is lost; the first 32 dimensions stand beside it, enlarged.

    Raises:
        ValueError: If the matrix is not square, holds nothing, or values beyond -1..1.

    Example:
        >>> save(correlation_matrix(method.correlation(batch)), "correlation.png")
    """
    matrix = square("matrix", matrix)
    size = len(matrix)
    shown = pooled(matrix, _SIDE)
    corner = matrix[:_CORNER, :_CORNER] if size > 2 * _CORNER else None
    cell = max(1, _SIDE // len(shown))
    side = cell * len(shown)
    beside = 0 if corner is None else 24 + 9 * _CORNER
    page = sheet.Sheet(
        2 * sheet.MARGIN + side + beside,
        22 + side + 34,
        "Which dimensions say the same",
        described(matrix),
        protocol,
    )
    top = page.top + 22
    page.text(page.left, top - 8, f"{size} x {size} dimensions", sheet.SMALL, sheet.GREY)
    _heat(page, shown, page.left, top, side)
    if corner is not None:
        x = page.left + side + 24
        page.text(x, top - 8, f"the first {_CORNER} of them", sheet.SMALL, sheet.GREY)
        _heat(page, corner, x, top, 9 * _CORNER)
    y = top + side + 18
    page.text(page.left, y + 10, sheet.MINUS + "1", sheet.SMALL, sheet.GREY)
    ramp = np.linspace(-1, 1, 257)[None]
    extent = (page.left + 26, page.left + 166, y + 10, y)
    page.axes.imshow(ramp, cmap=sheet.DIVERGING, extent=extent, aspect="auto")
    page.text(page.left + 174, y + 10, "1", sheet.SMALL, sheet.GREY)
    return page.figure


def _heat(page: sheet.Sheet, matrix: np.ndarray, x: float, y: float, side: int) -> None:
    page.axes.imshow(
        np.ma.masked_invalid(matrix),
        cmap=sheet.DIVERGING,
        vmin=-1,
        vmax=1,
        extent=(x, x + side, y + side, y),
        aspect="auto",
    )


def square(name: str, value: Any) -> np.ndarray:
    """A float64 matrix (D, D) of correlations, or a refusal."""
    matrix = checks.correlations(name, value, (None, None))
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"Expected {name}: as many rows as columns. Received: {matrix.shape}.")
    return matrix


def pooled(matrix: np.ndarray, most: int) -> np.ndarray:
    """A matrix (D, D) of correlations as one of at most `most` rows.

    A cell holds the strongest correlation of its block; on the diagonal, that of the diagonal
    which is farthest from 1.
    """
    size = len(matrix)
    block = -(-size // most)
    if block == 1:
        return matrix
    rows = -(-size // block)
    padded = np.full((rows * block, rows * block), np.nan)
    padded[:size, :size] = matrix
    blocks = padded.reshape(rows, block, rows, block).swapaxes(1, 2).reshape(rows, rows, -1)
    strength = np.where(np.isnan(blocks), -1, np.abs(blocks))
    strongest = np.take_along_axis(blocks, strength.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    diagonal = np.diag(padded).reshape(rows, block)
    low = np.where(np.isnan(diagonal), np.inf, diagonal).min(axis=1)
    np.fill_diagonal(strongest, np.where(np.isinf(low), np.nan, low))
    return strongest


def described(matrix: np.ndarray) -> str:
    """What there is to say of a matrix (D, D) of correlations: its diagonal, and the rest."""
    diagonal = np.diag(matrix)
    rest = matrix[~np.eye(len(matrix), dtype=bool)]
    if np.isnan(diagonal).all():
        return "There is no correlation on the diagonal."
    text = f"Diagonal: {np.nanmean(diagonal):.2f} on average, {np.nanmin(diagonal):.2f} at least."
    if len(rest) and not np.isnan(rest).all():
        square_mean = float(np.sqrt(np.nanmean(rest**2)))
        strongest = rest[np.nanargmax(np.abs(rest))]
        text += (
            f" Off it: {square_mean:.3f} in the root mean square, the strongest {strongest:.2f}."
        )
    return text.replace("-", sheet.MINUS)
