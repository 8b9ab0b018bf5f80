"""Pictures of a study, for a page that has their titles: what was tried, and what it came to.

Pure functions to matplotlib figures. The best trial is orange throughout.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from tuning.objectives import Direction
from tuning.space import Number
from zoo.messages import short
from zoo.reporting import sheet
from zoo.reporting.plots import round_ticks, span, tick_texts
from zoo.reporting.sweeps import dress, number_axis

WIDE = 900  # pixels of what takes the page's width
PANEL = (380, 220)
_SMALL = sheet.points(sheet.SMALL)


@dataclasses.dataclass(frozen=True)
class Point:
    """A trial as pictures take it.

    Attributes:
        number: Of the trial.
        values: Of what is varied.
        scores: The objective of each seed; none of a trial that failed.
        others: Further scores, the means of the seeds: name -> number.
        best: Whether it is the best trial.
    """

    number: int
    values: Mapping[str, Number]
    scores: tuple[float, ...] = ()
    others: Mapping[str, float] = dataclasses.field(default_factory=dict)
    best: bool = False

    @property
    def mean(self) -> float:
        """Of the objective, over the seeds; NaN of a trial that failed."""
        return float(np.mean(self.scores)) if self.scores else math.nan


@dataclasses.dataclass(frozen=True)
class Scale:
    """An axis of parallel coordinates.

    Attributes:
        name: What it is of.
        low: Its least value.
        high: Its largest; more than `low`.
        log: Whether values are spread evenly on a log scale.
        direction: Of a score; None of what is varied. Better is up.
    """

    name: str
    low: float
    high: float
    log: bool = False
    direction: Direction | None = None

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the foot, 1 at the top."""
        low, high, value = (
            math.log(number) if self.log else number for number in (self.low, self.high, value)
        )
        share = (value - low) / (high - low)
        return 1 - share if self.direction == "min" else share

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """A few values with their words: of what is varied the ends among them."""
        if self.log:
            inner = np.asarray(LogLocator(10, subs=(1.0,)).tick_values(self.low, self.high))
        else:
            inner = round_ticks(self.low, self.high, 4)
        ends = [] if self.direction else [self.low, self.high]
        kept = [v for v in inner.tolist() if self.low <= v <= self.high]
        kept = [v for v in kept if all(abs(self.place(v) - self.place(e)) > 0.12 for e in ends)]
        texts = tick_texts(np.asarray(kept)) if self.direction else [f"{v:g}" for v in kept]
        listed = [*zip(kept, texts, strict=True), *((end, short(end)) for end in ends)]
        return [(value, text.replace("-", sheet.MINUS)) for value, text in listed]


@sheet.look()
def parallel(points: Sequence[Point], varied: Sequence[Scale], scored: Sequence[Scale]) -> Figure:
    """Each trial as a line through its values and its scores.

    Args:
        points: The trials.
        varied: An axis for each value.
        scored: An axis for each score, the objective's first.

    Returns:
        The figure. A trial that failed is a dashed line that ends in a cross.
    """
    scales = [*varied, *scored]
    height, left, head = 330, 60, 40
    figure = _figure(WIDE, height)
    plot = figure.add_axes(
        (left / WIDE, 16 / height, 1 - (left + 100) / WIDE, 1 - (head + 16) / height)
    )
    plot.set(xlim=(0, len(scales) - 1), ylim=(0, 1))
    plot.set_axis_off()
    for x, scale in enumerate(scales):
        plot.plot([x, x], [0, 1], color=sheet.PALE, linewidth=sheet.points(1), clip_on=False)
        text: dict[str, Any] = {"fontsize": _SMALL, "clip_on": False}
        plot.annotate(
            scale.name,
            (x, 1),
            (0, 12),
            textcoords="offset pixels",
            ha="center",
            color=sheet.INK,
            fontweight="bold" if scale.direction else "normal",
            **text,
        )
        for value, words in scale.ticks:
            plot.annotate(
                words,
                (x, scale.place(value)),
                (7, 0),
                textcoords="offset pixels",
                va="center",
                color=sheet.GREY,
                **text,
            )
    for point in sorted(points, key=lambda point: (point.best, _goodness(point, scored[0]))):
        told = {**point.values, **({scored[0].name: point.mean} | dict(point.others))}
        places = [scale.place(told.get(scale.name, math.nan)) for scale in scales]
        known = [place for place in places if not math.isnan(place)]
        columns = [x for x, place in enumerate(places) if not math.isnan(place)]
        plot.plot(columns, known, **_stroke(point, scored[0]), clip_on=False)
        if not point.scores:
            _cross(plot, columns[-1:], known[-1:])
    return figure


def _goodness(point: Point, scale: Scale) -> float:
    """0..1; below 0 of a trial that failed."""
    return scale.place(point.mean) if point.scores else -1.0


def _stroke(point: Point, scale: Scale) -> dict[str, Any]:
    if point.best:
        return {"color": sheet.VERMILLION, "linewidth": sheet.points(3), "zorder": 5}
    if not point.scores:
        style = {"color": sheet.PALE, "linestyle": (0, (3, 2))}
        return {**style, "linewidth": sheet.points(1.2)}
    return {
        "color": sheet.BLUE,
        "alpha": 0.25 + 0.7 * _goodness(point, scale) ** 2,
        "linewidth": sheet.points(1.6),
        "zorder": 3,
    }


@sheet.look()
def over_knob(points: Sequence[Point], knob: Scale, aim: str) -> Figure:
    """The objective over what is varied: a dot a seed, a bar at their mean.

    Args:
        points: The trials; those that failed are crosses at the foot.
        knob: What is varied.
        aim: The name of the objective.
    """
    figure, plot = _panel(*PANEL)
    number_axis(plot, [knob.low, knob.high], "log" if knob.log else "linear")
    finished = [point for point in points if point.scores]
    low, high = _limits(finished)
    plot.set_ylim(low, high)
    for point in finished:
        _seeds(plot, float(point.values[knob.name]), point)
    failed = [float(point.values[knob.name]) for point in points if not point.scores]
    _cross(plot, failed, [low] * len(failed))
    ticks = knob.ticks
    plot.xaxis.set_minor_locator(NullLocator())
    plot.xaxis.set_major_locator(FixedLocator([value for value, _ in ticks]))
    plot.set_xticklabels([words for _, words in ticks])
    _finish(plot, knob.name + (" (logarithmic)" if knob.log else ""), aim)
    return figure


@sheet.look()
def ranking(points: Sequence[Point], aim: str, direction: Direction) -> Figure:
    """The trials from the best to the worst: a dot a seed, a rule from the least to the largest.

    Args:
        points: Trials that finished.
        aim: The name of the objective.
        direction: Whether more of it is better.
    """
    order = sorted(points, key=lambda point: point.mean, reverse=direction == "max")
    figure, plot = _panel(WIDE, 240)
    low, high = _limits(order)
    plot.set(xlim=(-0.6, len(order) - 0.4), ylim=(low, high))
    for x, point in enumerate(order):
        _seeds(plot, x, point)
    step = -(-len(order) // 24)
    plot.set_xticks(range(0, len(order), step), [f"{p.number}" for p in order[::step]])
    _finish(plot, "trial, the best first", aim)
    return figure


@sheet.look()
def trade_off(
    points: Sequence[Point], front: Sequence[int], knee: int | None, aim: str, against: str
) -> Figure:
    """Two aims at once: a dot a trial, and the front of those that no other beats in both.

    Args:
        points: Trials that have both.
        front: The numbers of those on the front, in its order.
        knee: The number of the trial where the trade turns.
        aim: The name of the objective, upwards.
        against: The name of what it is weighed against, to the right.
    """
    figure, plot = _panel(640, 380)
    by_number = {point.number: point for point in points}
    line = [(by_number[n].others[against], by_number[n].mean) for n in front]
    plot.plot(*np.transpose(line), color=sheet.BLUE, linewidth=sheet.points(1.5), zorder=2)
    for point in points:
        on_front = point.number in front
        color = sheet.VERMILLION if point.best else sheet.BLUE if on_front else sheet.PALE
        x, y = point.others[against], point.mean
        marker = "D" if point.number == knee else "o"
        plot.plot(
            x,
            y,
            marker,
            color=color,
            markersize=sheet.points(9),
            zorder=3 + on_front,
            clip_on=False,
        )
        if on_front:
            plot.annotate(
                f"{point.number}",
                (x, y),
                (9, -13),
                textcoords="offset pixels",
                fontsize=_SMALL,
                color=sheet.INK,
            )
    plot.set_ylim(*_limits(points))
    start, end = span(*_ends([point.others[against] for point in points]))
    plot.set_xlim(start, end)
    ticks = round_ticks(start, end, 5)
    plot.set_xticks(ticks, tick_texts(ticks))
    _finish(plot, against, aim)
    return figure


def _figure(width: int, height: int) -> Figure:
    return Figure(figsize=(width / sheet.DPI, height / sheet.DPI), dpi=sheet.DPI)


def _panel(width: int, height: int) -> tuple[Figure, Axes]:
    figure = _figure(width, height)
    box = (58 / width, 44 / height, 1 - 74 / width, 1 - 68 / height)
    return figure, figure.add_axes(box)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    """Where the axis of the objective starts and ends."""
    values = [value for point in points for value in point.scores]
    if not values:
        return 0.0, 1.0
    low, high = _ends(values)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return (0.0 if 0 <= low < pad else low - pad), high + pad


def _seeds(plot: Axes, x: float, point: Point) -> None:
    """A trial: a dot a seed on a rule between them, and their mean."""
    color = sheet.VERMILLION if point.best else sheet.BLUE
    low, high = _ends(point.scores)
    style: dict[str, Any] = {"color": color, "clip_on": False, "linestyle": "none"}
    plot.vlines(x, low, high, color=color, alpha=0.3, linewidth=sheet.points(4))
    if len(point.scores) > 1:
        plot.plot(
            [x] * len(point.scores),
            point.scores,
            "o",
            markersize=sheet.points(4),
            alpha=0.6,
            **style,
        )
    shape = "_" if len(point.scores) > 1 else "o"
    size = 14 if len(point.scores) > 1 else 7
    plot.plot(
        x,
        point.mean,
        shape,
        markersize=sheet.points(size),
        markeredgewidth=sheet.points(2.5 if shape == "_" else 0),
        zorder=4,
        **style,
    )


def _cross(plot: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    size: dict[str, Any] = {"markersize": sheet.points(8), "markeredgewidth": sheet.points(2)}
    plot.plot(x, y, "x", color=sheet.PALE, **size, zorder=4, clip_on=False)


def _finish(plot: Axes, below: str, above: str) -> None:
    """What the axes are of, round ticks of the objective, light rules."""
    low, high = plot.get_ylim()
    ticks = round_ticks(low, high, 4)
    plot.set_yticks(ticks, tick_texts(ticks))
    dress(plot, "y")
    plot.set_xlabel(below, fontsize=_SMALL, color=sheet.GREY, labelpad=2)
    plot.set_title(above, fontsize=_SMALL, color=sheet.GREY, loc="left", pad=6)
