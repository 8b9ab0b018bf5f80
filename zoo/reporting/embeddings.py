"""Codes as points in a plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo import checks as arguments
from zoo.reporting import checks, sheet
from zoo.reporting.plots import number

METHODS = ("pca", "tsne", "umap")
_MARKERS = ("o", "^", "s", "D")
_TOLD = len(_MARKERS) * 6  # classes that colour and shape tell apart
_SIDE, _GAP = 540, 30  # pixels of a plot alone on its page; between several

_HOW = {
    "pca": "Principal components: distances are as in the code, as far as two axes can show them.",
    "tsne": "t-SNE: neighbours stay together; distances between clusters mean little.",
    "umap": "UMAP: neighbours stay together; distances between clusters mean little.",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """Codes in two dimensions.

    Attributes:
        points: (N, 2) float64.
        explained: (2,) which part of the codes' variance each axis explains, 0..1; None where
            axes mean nothing.
    """

    points: np.ndarray
    explained: np.ndarray | None = None


def plane(codes: Any, method: str = "pca", seed: int = 0) -> Plane:
    """Codes in two dimensions.

    Args:
        codes: (N, L) finite numbers.
        method: "pca": the two directions of largest variance, at once; distances are honest.
            "tsne" (scikit-learn's; van der Maaten and Hinton 2008, perplexity 30) and "umap"
            (McInnes et al. 2018, where umap-learn is installed) keep neighbours together; sizes of
            clusters and distances between them mean little.
        seed: Of "tsne" and "umap".

    Raises:
        ValueError: Codes that are not finite numbers (N, L), or an unknown method.
        ModuleNotFoundError: "umap" without umap-learn.

    Example:
        >>> plane(np.array([[0.0, 3.0], [0.0, -3.0], [1.0, 0.0], [-1.0, 0.0]])).explained
        array([0.9, 0.1])
    """
    codes = checks.codes("codes", codes)
    arguments.one_of("method", method, METHODS)
    if method == "pca":
        return _pca(codes)
    points = _tsne(codes, seed) if method == "tsne" else _umap(codes, seed)
    return Plane(np.asarray(points, np.float64))


def _pca(codes: np.ndarray) -> Plane:
    centred = codes - codes.mean(axis=0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(codes), 2))
    explained = np.zeros(2)
    for axis in range(min(2, len(sizes))):
        sign = np.sign(right[axis][np.abs(right[axis]).argmax()]) or 1.0  # else arbitrary
        points[:, axis] = sign * left[:, axis] * sizes[axis]
        explained[axis] = sizes[axis] ** 2 / (sizes @ sizes) if sizes.any() else 0.0
    return Plane(points, explained)


def _tsne(codes: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(codes) < 5:
        raise ValueError(f"Expected at least 5 codes for 'tsne'. Received: {len(codes)}.")
    perplexity = min(30.0, (len(codes) - 1) / 3)
    start = _pca(codes).points
    start *= 1e-4 / (start[:, 0].std() or 1.0)  # as scikit-learn's init="pca" scales it
    threads = None if len(codes) >= 1_000 else 1  # several wait longer than they work on few codes
    with threadpool_limits(threads, user_api="openmp"):
        return TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(codes)


def _umap(codes: np.ndarray, seed: int) -> np.ndarray:
    try:
        from umap import UMAP
    except ModuleNotFoundError as error:
        if error.name != "umap":
            raise
        raise ModuleNotFoundError(
            "method='umap' needs umap-learn: pip install umap-learn. "
            "'pca' and 'tsne' need nothing more."
        ) from None
    return UMAP(n_components=2, random_state=seed).fit_transform(codes)


@sheet.look()
def embedding(
    codes: Any,
    labels: Any = None,
    names: Sequence[str] | None = None,
    method: str = "pca",
    seed: int = 0,
    protocol: str | None = None,
) -> Figure:
    """Codes as points in a plane, coloured by what is known of their images.

    Args:
        codes: (N, L) finite numbers.
        labels: Integers: (N,) classes, told apart by colour and shape; or (N, F) values of F
            factors or attributes, each with a plot of its own, from pale (its lowest value) to
            dark. Default: nothing is known.
        names: The name of each class, or of each factor. Default: numbers.
        method: "pca", "tsne" or "umap", as for `plane`.
        seed: Of the latter two.
        protocol: What was embedded, beneath the picture.

    Returns:
        The figure. With "pca" each axis says which part of the variance it explains, and both
        have one scale. Of more than 24 classes those of most points are told apart.

    Raises:
        ValueError: If an argument has the wrong rank, dtype, length or range.
        ModuleNotFoundError: "umap" without umap-learn.

    Example:
        >>> save(embedding(codes, labels, data.class_names), "embedding.png")
    """
    return plotted(plane(codes, method, seed), labels, names, method, protocol)


@sheet.look()
def plotted(
    found: Plane,
    labels: Any = None,
    names: Sequence[str] | None = None,
    method: str = "pca",
    protocol: str | None = None,
    title: str = "The codes in a plane",
) -> Figure:
    """`embedding` of codes that are in a plane already; the title "" leaves all words out."""
    panels = _panels(len(found.points), labels, names)
    subtitle = f"{_HOW[method]} {_WHAT[type(panels[0])]}" if title else ""
    columns = min(3, len(panels))
    alone = not isinstance(panels[0], _Values)
    side = _SIDE if alone else (sheet.WIDTH - 2 * sheet.MARGIN - 2 * _GAP) // 3
    head, foot = (0 if alone else 24), (26 if found.explained is not None else 6)
    rise = head + side + foot + (0 if alone else 44)
    lines = -(-len(panels) // columns)
    beside = panels[0].width if alone else 0
    page = sheet.Sheet(
        2 * sheet.MARGIN + columns * side + _GAP * (columns - 1) + beside + 18,
        lines * rise,
        title,
        subtitle,
        protocol,
    )
    for place, panel in enumerate(panels):
        left = page.left + 18 + place % columns * (side + _GAP - 6)
        top = page.top + head + place // columns * rise
        plot = page.plot(left, top, side, side)
        _frame(plot, found, first=place % columns == 0)
        panel.scatter(plot, found.points, 5.5 if alone else 4)
        if alone:
            panel.legend(page, left + side + 20, top)
        else:
            panel.legend(page, left, top + side + foot)
            name = sheet.shorten(panel.name, side, sheet.BODY * 1.1)  # bold is wider
            page.text(left, top - 8, name, bold=True)
    return page.figure


def _frame(plot: Axes, found: Plane, first: bool) -> None:
    """The plot's axes: one scale for both, no ticks (codes have no unit), what they explain."""
    points = found.points
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    reach = 0.53 * float(np.ptp(points, axis=0).max()) or 1.0
    plot.set(
        xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach)
    )
    plot.set(xticks=[], yticks=[])
    for spine in plot.spines.values():
        spine.set(color=sheet.FAINT, linewidth=sheet.points(1))
    if found.explained is not None:
        style: dict[str, Any] = {"fontsize": sheet.points(sheet.SMALL), "color": sheet.GREY}
        x, y = (f"{100 * part:.1f} % of the variance" for part in found.explained)
        plot.set_xlabel(f"PC 1: {x}", labelpad=4, **style)
        if first:  # of several side by side
            plot.set_ylabel(f"PC 2: {y}", labelpad=4, **style)


@dataclasses.dataclass(frozen=True, eq=False)
class _Classes:
    """Points told apart by class: in the order of the classes, those beyond the last are grey."""

    labels: np.ndarray
    names: Sequence[str]

    name = ""

    @property
    def told(self) -> list[int]:
        """The classes that are told apart: those that occur; of too many the largest."""
        values, counts = np.unique(self.labels, return_counts=True)
        largest = values[np.argsort(-counts, kind="stable")[:_TOLD]]
        return sorted(largest.tolist())

    @property
    def width(self) -> int:
        """Pixels that the legend takes."""
        return 40 + max(sheet.text_width(text, sheet.SMALL) for text, _, _ in self.entries)

    @property
    def entries(self) -> list[tuple[str, str, str]]:
        """(name, colour, marker) of the legend."""
        told = self.told
        listed = [
            (sheet.shorten(self.names[v], 150, sheet.SMALL), *_style(i)) for i, v in enumerate(told)
        ]
        others = len(np.unique(self.labels)) - len(told)
        return listed + ([(f"{others:,} others", sheet.FAINT, "o")] if others else [])

    def scatter(self, plot: Axes, points: np.ndarray, size: float) -> None:
        styles = {v: _style(i) for i, v in enumerate(self.told)}
        chosen = [styles.get(int(v), (sheet.FAINT, "o")) for v in self.labels]
        for marker in _MARKERS:  # in the order of the points: no class covers all others
            rows = [i for i, (_, shape) in enumerate(chosen) if shape == marker]
            if rows:
                colors = [chosen[i][0] for i in rows]
                _dots(plot, points[rows], size, c=colors, marker=marker)

    def legend(self, page: sheet.Sheet, x: float, y: float) -> None:
        for place, (text, color, marker) in enumerate(self.entries):
            page.axes.plot(
                x + 5, y + 10 + 22 * place, marker, color=color, markersize=sheet.points(8)
            )
            page.text(x + 18, y + 14 + 22 * place, text, sheet.SMALL)


@dataclasses.dataclass(frozen=True, eq=False)
class _Values:
    """Points from pale to dark by the value of a factor."""

    labels: np.ndarray
    name: str

    width = 0

    def scatter(self, plot: Axes, points: np.ndarray, size: float) -> None:
        low, high = int(self.labels.min()), int(self.labels.max())
        level = (self.labels - low) / max(1, high - low)
        _dots(plot, points, size, c=sheet.SEQUENTIAL(0.2 + 0.8 * level))

    def legend(self, page: sheet.Sheet, x: float, y: float) -> None:
        """The scale: the lowest value, a bar, the highest."""
        low, high = (number(float(v)) for v in (self.labels.min(), self.labels.max()))
        start = x + sheet.text_width(low, sheet.SMALL) + 6
        page.text(x, y + 10, low, sheet.SMALL, sheet.GREY)
        ramp = np.linspace(0.2, 1, 256)[None]
        extent = (start, start + 100, y + 10, y)
        page.axes.imshow(ramp, cmap=sheet.SEQUENTIAL, vmin=0, vmax=1, extent=extent, aspect="auto")
        page.text(start + 106, y + 10, high, sheet.SMALL, sheet.GREY)


@dataclasses.dataclass(frozen=True, eq=False)
class _Unknown:
    """Points of which nothing is known."""

    name = ""
    width = 0

    def scatter(self, plot: Axes, points: np.ndarray, size: float) -> None:
        _dots(plot, points, size, c=sheet.BLUE)

    def legend(self, page: sheet.Sheet, x: float, y: float) -> None:
        """None is needed."""


_WHAT: dict[type, str] = {
    _Classes: "Each point is an image, coloured by its class.",
    _Values: "Each point is an image, the darker the higher the value.",
    _Unknown: "Each point is an image.",
}


def _panels(count: int, labels: Any, names: Sequence[str] | None) -> list[Any]:
    if labels is None:
        return [_Unknown()]
    labels = np.asarray(labels)
    if labels.ndim == 1:
        if names is None:
            names = list(map(str, range(int(labels.max(initial=0)) + 1)))
        return [_Classes(checks.labels("labels", labels, (count,), names), names)]
    width = labels.shape[1] if labels.ndim == 2 else 1
    labels = checks.labels("labels", labels, (count, width), None)
    named = list(map(str, range(width))) if names is None else names
    named = checks.names("names", named, width, "column of labels")
    return [_Values(column, name) for column, name in zip(labels.T, named, strict=True)]


def _style(place: int) -> tuple[str, str]:
    """Colour and marker of the class at a place."""
    return sheet.COLOURS[place % 6], _MARKERS[place // 6]


def _dots(plot: Axes, points: np.ndarray, size: float, **style: Any) -> None:
    style = {"s": sheet.points(size) ** 2, "linewidths": 0, "alpha": 0.8, **style}
    plot.scatter(*points.T, rasterized=True, **style)  # within an SVG one image, not thousands
