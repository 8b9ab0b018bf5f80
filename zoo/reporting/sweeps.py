"""Pictures of a sweep: scores over its values or methods, trade-off, traversals, agreement.

Pure functions from records of its runs to matplotlib figures. What is swept may be a number (its
values lie on an axis) or the method itself (each has a row).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from zoo import checks as values_checks
from zoo.messages import short
from zoo.metrics.arrays import rank_correlation
from zoo.reporting import checks, sheet
from zoo.reporting.figures import ink_on_color
from zoo.reporting.latents import percent, values_text
from zoo.reporting.plots import round_ticks, span, tick_texts

Group = float | str

# What the numbers are counted in; the scores of the literature have no unit.
UNITS = {
    "reconstruction": "nats per image",
    "kl": "nats per image",
    "gaussian_total_correlation": "nats",
    "subspace_information": "nats",
    "active_units": "latents",
}
FEWEST = 3  # runs that a rank correlation needs
MARKERS = "osD^vP*X"
# From one colour to another over paper, whose lightness tells how strong, whose hue which way.
DIVERGING = LinearSegmentedColormap.from_list(
    "zoo_diverging", ["#8f3800", "#d55e00", "#f2c29b", "#f3f5f7", "#9cc7e3", "#0072b2", "#0a3a5f"]
)
_GAP, _LEFT, _HEIGHT = 36, 46, 170  # between panels; for a plot's tick labels; of a plot
_HEAD, _FOOT = 30, 52  # above a plot: its name; below it: ticks and what they are of


@dataclasses.dataclass(frozen=True)
class Entry:
    """One run of a sweep.

    Attributes:
        group: The value of the number that is swept, or the method.
        seed: Of the run.
        scores: Name -> number, of a finished run; NaN and infinity are not drawn.
        failed: Why it failed; empty of one that did not.
        seconds: What it took, None while it is still to be trained.
        name: Of its folder.
    """

    group: Group
    seed: int
    scores: Mapping[str, float] = dataclasses.field(default_factory=dict)
    failed: str = ""
    seconds: float | None = None
    name: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has numbers to show."""
        return bool(self.scores) and not self.failed

    @property
    def status(self) -> str:
        """'finished', 'failed' or 'to do'."""
        return "failed" if self.failed else "finished" if self.scores else "to do"


@dataclasses.dataclass(frozen=True)
class Panel:
    """The traversal of one run, to be shown beside those of others.

    Attributes:
        label: What stands above it: "beta 4, seed 0".
        images: uint8 (L, S, H, W, C): row l decodes S codes that differ in latent l only.
        kl: (L,) nats.
        information: (L, F) share of each factor's entropy that each latent holds, or None.
    """

    label: str
    images: np.ndarray
    kl: np.ndarray
    information: np.ndarray | None = None


def groups_of(entries: Sequence[Entry]) -> list[Group]:
    """What is compared, once each: numbers rising, names in the order in which they come.

    Raises:
        ValueError: No run, or numbers among names.
    """
    found = list(dict.fromkeys(entry.group for entry in entries))
    named = [isinstance(group, str) for group in found]
    if not found or any(named) != all(named):
        raise ValueError(
            "Expected runs: one or more, each of a number or each of a name. "
            f"Received: {', '.join(map(repr, found)) or 'none'}."
        )
    return found if any(named) else sorted(found)


def values_of(entries: Sequence[Entry], name: str) -> dict[Group, np.ndarray]:
    """Group -> what its finished runs scored, finite numbers alone."""
    return {
        group: np.array(
            [
                entry.scores[name]
                for entry in entries
                if entry.group == group and entry.finished and _is_number(entry, name)
            ],
            dtype=np.float64,
        )
        for group in groups_of(entries)
    }


def _is_number(entry: Entry, name: str) -> bool:
    return name in entry.scores and math.isfinite(entry.scores[name])


@sheet.look()
def scores_over(
    entries: Sequence[Entry],
    parameter: str,
    scores: Sequence[str],
    scale: str = "log",
    errors: Sequence[str] = ("reconstruction", "kl"),
    protocol: str | None = None,
) -> Figure:
    """Errors and scores over the values of a number, or beside the names of methods.

    Every run is a dot. Over numbers a line joins the medians of the seeds and a band reaches from
    the least to the greatest; beside names a bar and a rule do. A run that failed is a cross at
    the edge. On a logarithmic axis zero and what is below it keep a linear part of their own.

    Args:
        entries: The runs.
        parameter: What is swept: "beta", or "method".
        scores: Names of scores: a panel each, from 0 to a round number where they are at most 1.
        scale: Of the values: "log" or "linear".
        errors: Names of the loss's terms: a panel each, before the scores.
        protocol: How it was trained and measured, beneath the panels.

    Returns:
        The figure.

    Raises:
        ValueError: No run, none of the names in any run, or an unknown scale.

    Example:
        >>> runs = [Entry(beta, 0, {"reconstruction": 40 + beta, "mig": 0.1}) for beta in (1, 4)]
        >>> figure = scores_over(runs, "beta", ["mig"])
    """
    values_checks.one_of("scale", scale, ("log", "linear"))
    groups = groups_of(entries)
    known = {name for entry in entries for name in entry.scores}
    lines = [[name for name in names if name in known] for names in (errors, scores)]
    lines = [names[i : i + 3] for names in lines for i in range(0, len(names), 3)]
    if not lines:
        raise ValueError(
            f"Expected runs with {', '.join([*errors, *scores])}. Received: none that has any."
        )
    named = isinstance(groups[0], str)
    gutter = 0
    if named:
        gutter = 12 + max(sheet.text_width(str(group), sheet.SMALL) for group in groups)
    height = 26 * len(groups) + 10 if named else _HEIGHT
    rise = _HEAD + height + _FOOT
    columns = max(len(names) for names in lines)
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    width = (room - _GAP * (columns - 1)) / columns
    seeds = len({entry.seed for entry in entries})
    what = "Errors and scores" if known.intersection(errors) else "Scores"
    page = sheet.Sheet(
        sheet.WIDTH,
        rise * len(lines) - 14,
        f"{what} of the methods" if named else f"{what} over {parameter}",
        _how_to_read(named, seeds, any(entry.failed for entry in entries)),
        _with_failures(protocol, entries, parameter),
    )
    for line, names in enumerate(lines):
        for column, name in enumerate(names):
            left = page.left + gutter + column * (width + _GAP)
            top = page.top + line * rise
            page.text(left, top + 12, name, bold=True)
            unit = UNITS.get(name, "")
            page.text(left + width, top + 12, unit, sheet.SMALL, sheet.GREY, align="right")
            if named:
                plot = page.plot(left, top + _HEAD, width - 6, height)
                _beside_names(plot, entries, name, name in scores)
                if column == 0:
                    for row, group in enumerate(groups):
                        y = top + _HEAD + height * (row + 0.5) / len(groups) + 4
                        page.text(left - 12, y, str(group), sheet.SMALL, align="right")
            else:
                plot = page.plot(left + _LEFT, top + _HEAD, width - _LEFT - 6, height)
                _over_numbers(plot, entries, name, name in scores, scale)
                _value_ticks(plot, groups, width - _LEFT - 6)
                kind = {"log": " (logarithmic)", "symlog": " (logarithmic, linear around 0)"}
                words = parameter + kind.get(plot.get_xscale(), "")
                plot.set_xlabel(words, fontsize=_SMALL, color=sheet.GREY, labelpad=2)
    return page.figure


_SMALL = sheet.points(sheet.SMALL)


def _how_to_read(named: bool, seeds: int, failed: bool) -> str:
    """The line beneath the title."""
    text = "Each dot is a run."
    if seeds > 1:
        text = f"Each dot is a run, {seeds} seeds each. " + (
            "Bar: their median; rule: from the least to the greatest."
            if named
            else "Line: their median; band: from the least to the greatest."
        )
    return text + (" Cross: a run that failed." if failed else "")


def _with_failures(protocol: str | None, entries: Sequence[Entry], parameter: str) -> str:
    """The protocol, and which runs failed and why."""
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        if entry.failed:
            reasons.setdefault(entry.failed.rstrip("."), []).append(label_of(entry, parameter))
    words = "".join(f" Failed: {'; '.join(runs)}: {why}." for why, runs in reasons.items())
    return ((protocol or "") + words).strip()


def label_of(entry: Entry, parameter: str) -> str:
    """What a run is called: "beta 4, seed 0"; "factor_vae, seed 1"."""
    if isinstance(entry.group, str):
        return f"{entry.group}, seed {entry.seed}"
    return f"{parameter} {short(entry.group)}, seed {entry.seed}"


def _over_numbers(plot: Axes, entries: Sequence[Entry], name: str, score: bool, scale: str) -> None:
    """Dots, the line of medians and the band, over numbers."""
    found = {x: y for x, y in values_of(entries, name).items() if len(y)}
    x = np.array([*found], dtype=np.float64)
    number_axis(plot, [float(group) for group in groups_of(entries)], scale)
    if len(x):
        least, middle, most = (np.array([f(y) for y in found.values()]) for f in _SPREAD)
        plot.fill_between(x, least, most, color=sheet.BLUE, alpha=0.15, linewidth=0)
        plot.plot(x, middle, color=sheet.BLUE, linewidth=sheet.points(2), zorder=3)
    for value, results in found.items():
        _dots(plot, np.full(len(results), value), results)
    low, high = _span(np.concatenate([*found.values()]) if found else np.zeros(0), score)
    plot.set_ylim(low, high)
    _ticks(plot, "y", low, high)
    failures = [entry.group for entry in entries if entry.failed]
    _crosses(plot, failures, [low] * len(failures))
    dress(plot, "y")


_SPREAD = (np.min, np.median, np.max)


def _beside_names(plot: Axes, entries: Sequence[Entry], name: str, score: bool) -> None:
    """A row a method: its dots, the median as a bar, a rule from the least to the greatest."""
    rows = {group: row for row, group in enumerate(groups_of(entries))}
    found = {rows[group]: y for group, y in values_of(entries, name).items() if len(y)}
    low, high = _span(np.concatenate([*found.values()]) if found else np.zeros(0), score)
    for row, results in found.items():
        least, middle, most = (f(results) for f in _SPREAD)
        plot.hlines(row, least, most, color=sheet.BLUE, alpha=0.3, linewidth=sheet.points(5))
        bar = (row - 0.28, row + 0.28)
        plot.vlines(middle, *bar, color=sheet.BLUE, linewidth=sheet.points(2.5), zorder=3)
        _dots(plot, results, np.full(len(results), row))
    plot.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5))
    _ticks(plot, "x", low, high)
    plot.set_yticks([])
    failures = [rows[entry.group] for entry in entries if entry.failed]
    _crosses(plot, [low] * len(failures), failures)
    dress(plot, "x")


def _dots(plot: Axes, x: np.ndarray, y: np.ndarray) -> None:
    style: dict[str, Any] = {"color": sheet.BLUE, "markeredgecolor": sheet.PAPER}
    style |= {"markersize": sheet.points(7), "markeredgewidth": sheet.points(1)}
    plot.plot(x, y, "o", **style, zorder=4, clip_on=False)


def _crosses(plot: Axes, x: Sequence[Any], y: Sequence[Any]) -> None:
    """The runs that failed: their numbers are not known, so they stand at the edge."""
    size: dict[str, Any] = {"markersize": sheet.points(8), "markeredgewidth": sheet.points(2)}
    plot.plot(x, y, "x", color=sheet.VERMILLION, **size, zorder=5, clip_on=False, label="failed")


def _span(values: np.ndarray, score: bool) -> tuple[float, float]:
    """Where the axis of values, or of none, starts and ends."""
    if not len(values):
        return 0.0, 1.0
    return span(float(values.min()), float(values.max()), score)


def number_axis(plot: Axes, values: Sequence[float], scale: str) -> None:
    """The x axis of the values: its scale, and a margin at either end."""
    low, high = min(values), max(values)
    if scale == "linear":
        pad = 0.05 * (high - low) or 1.0
        plot.set_xlim(low - pad, high + pad)
        return
    sizes = [abs(value) for value in values if value] or [1.0]
    smallest = min(sizes)
    if low > 0:
        plot.set_xscale("log")
        pad = (high / low) ** 0.05 if high > low else 2.0
        plot.set_xlim(low / pad, high * pad)
    else:
        plot.set_xscale("symlog", linthresh=smallest, linscale=0.5)
        ends = plot.transData.transform([(low, 0), (high, 0)])[:, 0]
        pad = 0.05 * (ends[1] - ends[0]) or 1.0
        inverse = plot.transData.inverted()
        plot.set_xlim(
            inverse.transform((ends[0] - pad, 0))[0], inverse.transform((ends[1] + pad, 0))[0]
        )


def _value_ticks(plot: Axes, values: Sequence[Any], width: float) -> None:
    """A tick at each value; a label where it does not run into the one before."""
    plot.xaxis.set_minor_locator(NullLocator())
    low, high = plot.transScale.transform([(x, 0) for x in plot.get_xlim()])[:, 0]
    labels, end = [], -math.inf
    for value in values:
        place = plot.transScale.transform((value, 0))[0]
        middle = width * (place - low) / (high - low)
        text = short(value).replace("-", sheet.MINUS)
        half = sheet.text_width(text, sheet.SMALL) / 2
        fits = middle - half > end + 4
        labels.append(text if fits else "")
        end = middle + half if fits else end
    plot.set_xticks(list(values), labels)


def _ticks(plot: Axes, axis: str, low: float, high: float) -> None:
    """A few round ticks from `low` to `high`."""
    ticks = round_ticks(low, high, 4)
    setter = plot.set_yticks if axis == "y" else plot.set_xticks
    setter(ticks, tick_texts(ticks))


def dress(plot: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Light rules, small grey labels, no frame but the base line."""
    plot.tick_params(
        length=0, pad=4, labelsize=sheet.points(sheet.SMALL - 0.5), labelcolor=sheet.GREY
    )
    plot.tick_params(axis="x", which="major", length=3, color=sheet.PALE)
    plot.grid(axis=grid, color=sheet.FAINT, linewidth=sheet.points(1))
    plot.set_axisbelow(True)
    plot.spines[["left", "top", "right"]].set_visible(False)


@sheet.look()
def trade_off(
    entries: Sequence[Entry],
    parameter: str,
    score: str = "mig",
    error: str = "reconstruction",
    protocol: str | None = None,
    higher: bool = False,
) -> Figure:
    """What a score costs in reconstruction, or in another score: one point a run.

    Args:
        entries: The runs.
        parameter: What is swept: "beta", or "method".
        score: What grows upwards, the higher the better.
        error: What grows to the right, the lower the better.
        protocol: How it was trained and measured, beneath the plot.
        higher: Whether `error` is a score too, the higher the better.

    Returns:
        The figure. Values are told apart by lightness and marker, methods by colour and marker;
        over numbers a line joins the medians of the seeds.

    Raises:
        ValueError: No finished run that has both.
    """
    groups = groups_of(entries)
    both = [e for e in entries if e.finished and _is_number(e, score) and _is_number(e, error)]
    if not both:
        raise ValueError(f"Expected a finished run with {error} and {score}. Received: none.")
    named = isinstance(groups[0], str)
    texts = [g if isinstance(g, str) else f"{parameter} {short(g)}" for g in groups]
    legend = 40 + max(sheet.text_width(text, sheet.SMALL) for text in texts)
    height = max(360, 24 * len(groups) + 20)
    read = f"Each point is a run; better is up and to the {'right' if higher else 'left'}."
    page = sheet.Sheet(
        sheet.WIDTH,
        height + 92,
        f"What {score} costs in {error}",
        read if named else read + f" The line joins the medians as {parameter} grows.",
        _with_failures(protocol, entries, parameter),
    )
    left, top = page.left + _LEFT, page.top + 30
    width = sheet.WIDTH - 2 * sheet.MARGIN - _LEFT - legend
    page.text(page.left, page.top + 12, f"{score}, higher is better", bold=True)
    unit = UNITS.get(error, "")
    better = "higher" if higher else "lower"
    words = f"{error}{', ' if unit else ''}{unit}, {better} is better"
    page.text(left + width, top + height + 38, words, bold=True, align="right")
    plot = page.plot(left, top, width, height)
    if not named:
        points = [
            [np.median([e.scores[n] for e in both if e.group == group]) for n in (error, score)]
            for group in groups
            if any(e.group == group for e in both)
        ]
        plot.plot(*np.transpose(points), color=sheet.PALE, linewidth=sheet.points(1.5), zorder=2)
    for place, (group, text) in enumerate(zip(groups, texts, strict=True)):
        style = _point_style(place, len(groups), named)
        runs = [e for e in both if e.group == group]
        x, y = ([e.scores[n] for e in runs] for n in (error, score))
        plot.plot(x, y, **style, zorder=3, clip_on=False)
        mark = page.axes.plot(left + width + 22, top + 10 + 24 * place, **style)
        ink = sheet.INK if runs else sheet.PALE
        page.text(left + width + 36, top + 14 + 24 * place, text, sheet.SMALL, ink)
        mark[0].set_clip_on(False)
    low, high = _span(np.array([e.scores[score] for e in both]), True)
    start, end = _span(np.array([e.scores[error] for e in both]), higher)
    plot.set(xlim=(start, end), ylim=(low, high))
    _ticks(plot, "y", low, high)
    _ticks(plot, "x", start, end)
    dress(plot, "both")
    return page.figure


def _point_style(place: int, count: int, named: bool) -> dict[str, Any]:
    """How the runs of one group are marked."""
    if named:
        color: Any = sheet.COLOURS[place % len(sheet.COLOURS)]
    else:
        color = sheet.SEQUENTIAL(0.35 + 0.65 * place / max(count - 1, 1))
    return {
        "marker": MARKERS[place % len(MARKERS)],
        "color": color,
        "linestyle": "none",
        "markersize": sheet.points(10),
        "markeredgecolor": sheet.INK,
        "markeredgewidth": sheet.points(0.8),
    }


@sheet.look()
def traversals(
    panels: Sequence[Panel],
    values: Any,
    factors: Sequence[str] | None = None,
    rows: int = 6,
    protocol: str | None = None,
) -> Figure:
    """Traversals of several runs side by side, their rows aligned.

    Where factors are known, a row is a factor, and shows of each run the latent that holds the
    largest share of it. Else a row is a place in the order of KL: the first is the latent that
    holds most.

    Args:
        panels: A run each; images of one size, the same steps.
        values: (S,) what the moving latent is set to, left to right.
        factors: The names of the F factors, where the panels have information.
        rows: Latents shown of each run where factors are not known.
        protocol: How it was made, beneath the picture.

    Returns:
        The figure; images over 48 pixels a side are averaged down.

    Raises:
        ValueError: No panel, or panels and values that do not fit one another.
    """
    if not panels:
        raise ValueError("Expected at least one traversal. Received: none.")
    images = [checks.images("images", panel.images, "latents, steps") for panel in panels]
    steps = images[0].shape[1]
    if len({array.shape[1:] for array in images}) != 1:
        raise ValueError(
            "Expected traversals of the same steps and image size. "
            f"Received: {', '.join(str(array.shape) for array in images)}."
        )
    values = checks.vector("values", values, steps, "step")
    latents = [_latents(panel, factors, rows) for panel in panels]
    images = [sheet.reduced(array, 48) for array in images]
    height, width = images[0].shape[2:4]
    gutter = 0
    if factors is not None:
        gutter = 10 + max(sheet.text_width(factor, sheet.SMALL) for factor in factors)
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    label = 54
    scale = max(1, 32 // max(height, width))
    pitch = width * scale + 1
    across = label + steps * pitch
    columns = min(len(panels), max(1, (room + 24) // (across + 24)))
    columns = -(-len(panels) // -(-len(panels) // columns))  # as many bands, evenly filled
    lines = max(len(shown) for shown in latents)
    rise = max(height * scale + 2, 34)
    band = 30 + lines * rise + 22
    bands = -(-len(panels) // columns)
    ends = values_text(values)
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + columns * (across + 24) - 24,
        bands * band - 22,
        "What the latents change, side by side",
        f"One image; in each row one latent moves from {ends[0]} to {ends[-1]}. "
        + (
            "The latent that holds most of each factor, and its share."
            if factors is not None
            else "The latents that hold most, and their KL in nats."
        ),
        protocol,
    )
    for place, (panel, array, shown) in enumerate(zip(panels, images, latents, strict=True)):
        x = page.left + gutter + place % columns * (across + 24)
        y = page.top + place // columns * band
        page.text(x, y + 12, sheet.shorten(panel.label, across, sheet.BODY * 1.1), bold=True)
        for line, (latent, detail) in enumerate(shown):
            top = y + 26 + line * rise
            middle = top + height * scale / 2
            if factors is not None and place % columns == 0:
                page.text(page.left, middle + 4, factors[line], sheet.SMALL, sheet.GREY)
            page.text(x, middle - 2, f"z{latent}", sheet.SMALL)
            page.text(x, middle + 12, detail, sheet.SMALL, sheet.GREY)
            for step in range(steps):
                page.image(array[latent, step], x + label + step * pitch, int(top), scale)
    return page.figure


def _latents(panel: Panel, factors: Sequence[str] | None, rows: int) -> list[tuple[int, str]]:
    """Which latents of a run are shown, in their order, each with what its label adds."""
    count = len(panel.images)
    kl = checks.vector("kl", panel.kl, count, "latent")
    if factors is not None:
        shares = checks.information(panel.information, (count, len(factors)), normalised=True)
        shares = np.nan_to_num(shares)
        return [(int(best), percent(shares[best, f])) for f, best in enumerate(shares.argmax(0))]
    order = np.argsort(np.where(np.isnan(kl), np.inf, -kl), kind="stable")[:rows]
    return [(int(latent), f"{kl[latent]:.2f}") for latent in order]


@sheet.look()
def agreement(
    entries: Sequence[Entry], names: Sequence[str], protocol: str | None = None
) -> Figure:
    """How far measures order the runs alike: Spearman's rank correlation of each pair.

    Args:
        entries: The runs; those that finished with a finite number under every name count.
        names: The measures. Those that are finite in no run are left out.
        protocol: How the runs were trained and measured, beneath the picture.

    Returns:
        The figure, each cell with its number; a dash where a measure is the same in all runs.

    Raises:
        ValueError: Fewer than 3 such runs, or fewer than 2 names.
    """
    names, counted = comparable(entries, names)
    if len(counted) < FEWEST or len(names) < 2:
        raise ValueError(
            f"Expected at least {FEWEST} finished runs with at least 2 measures in common. "
            f"Received: {len(counted)} runs, {len(names)} measures."
        )
    table = np.array([[e.scores[name] for name in names] for e in counted])
    matrix = rank_correlation(table, table)
    gutter = 16 + max(sheet.text_width(name, sheet.SMALL) for name in names)
    room = sheet.WIDTH - 2 * sheet.MARGIN - gutter
    cell, rise = int(np.clip(room // len(names), 46, 96)), 30
    widths = [sheet.text_width(name, sheet.SMALL) for name in names]
    slanted = max(widths) > cell - 8
    head = 12 + int(max(widths) * 0.71) if slanted else 22
    overhang = max(0, int(widths[-1] * 0.71) + 16 - cell // 2) if slanted else 0
    page = sheet.Sheet(
        2 * sheet.MARGIN + gutter + len(names) * cell + overhang,
        head + rise * len(names) + 34,
        "How far the measures agree",
        f"Spearman's rank correlation over n = {len(counted)} runs. 1: they order the runs alike; "
        f"{sheet.MINUS}1: the other way round; 0: neither."
        + (" So few runs tell little." if len(counted) < 10 else ""),
        protocol,
    )
    left, top = page.left + gutter, page.top + head
    page.axes.pcolormesh(
        left + cell * np.arange(len(names) + 1),
        top + rise * np.arange(len(names) + 1),
        np.ma.masked_invalid(matrix),
        cmap=DIVERGING,
        vmin=-1,
        vmax=1,
        edgecolors=sheet.PAPER,
        linewidth=sheet.points(2),
    )
    for i, name in enumerate(names):
        x, y = left + cell * (i + 0.5), top + rise * (i + 0.5) + 4
        page.text(left - 12, y, name, sheet.SMALL, align="right")
        if slanted:
            page.text(x, top - 8, name, sheet.SMALL, sheet.GREY, rotation=45)
        else:
            page.text(x, top - 8, name, sheet.SMALL, sheet.GREY, align="center")
        for j, value in enumerate(matrix[:, i]):
            text, color = "\N{EN DASH}", sheet.PALE
            if not np.isnan(value):
                text = f"{value:.2f}".replace("-", sheet.MINUS).replace("1.00", "1")
                color = ink_on_color(DIVERGING((value + 1) / 2))
            y = top + rise * (j + 0.5) + 4
            page.text(x, y, text, sheet.SMALL, color, align="center")
    y = top + rise * len(names) + 18
    scale = np.linspace(0, 1, 256)[None]
    page.text(left, y + 10, f"{sheet.MINUS}1", sheet.SMALL, sheet.GREY)
    extent = (left + 22, left + 162, y + 10, y)
    page.axes.imshow(scale, cmap=DIVERGING, extent=extent, aspect="auto")
    page.text(left + 170, y + 10, "1", sheet.SMALL, sheet.GREY)
    return page.figure


def comparable(entries: Sequence[Entry], names: Sequence[str]) -> tuple[list[str], list[Entry]]:
    """The names that some run has a finite number under, and the runs that have one under each."""
    names = [name for name in names if any(_is_number(entry, name) for entry in entries)]
    return names, [e for e in entries if e.finished and all(_is_number(e, n) for n in names)]
