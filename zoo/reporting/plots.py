"""Plots of a training run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.metrics import scoring
from zoo.reporting import sheet

_GAP, _HEIGHT, _LEFT = 36, 150, 46  # between panels; of a plot; for its tick labels
_HEAD = 34  # above a plot: its name and its last value
_RISE = _HEAD + _HEIGHT + 62  # from one line of panels to the next


@dataclasses.dataclass(frozen=True)
class Line:
    """What one quantity did in one run.

    Attributes:
        epochs: (N,) the epochs, counted from 1, after which it was taken.
        values: (N,) float64; NaN and infinity leave gaps.
        color: The line's.
        dashes: How it is dashed: lengths of stroke, gap, ... in line widths; solid without.
        pace: What an epoch counts on the x axis: 1, or its steps.
    """

    epochs: np.ndarray
    values: np.ndarray
    color: str = sheet.BLUE
    dashes: tuple[float, ...] = ()
    pace: int = 1

    @property
    def x(self) -> np.ndarray:
        """(N,) where the values lie on the x axis."""
        return self.epochs * self.pace

    @property
    def finite(self) -> np.ndarray:
        """(N,) whether there is something to draw."""
        return np.isfinite(self.values)

    def last(self, score: bool = False) -> str:
        """The last finite value in words; where there is none, what there is instead."""
        found = self.values[self.finite] if self.finite.any() else self.values
        return number(found[-1], score)


@sheet.look()
def curves(
    history: Mapping[str, Sequence[float]],
    steps_per_epoch: int | None = None,
    protocol: str | None = None,
    scores: Sequence[str] | None = None,
) -> Figure:
    """Losses and scores over a run, a small plot each, their last values beside their names.

    Args:
        history: name -> its value after each epoch, as `keras.callbacks.History.history` holds
            them. A shorter list holds the last epochs; a shorter `val_NAME`, as Keras's
            `validation_freq` leaves it, every second one, every third, ... It is drawn in NAME's
            plot. NaN and infinity leave a gap, and a run that ends in them says so.
        steps_per_epoch: When given, the x axis counts steps instead of epochs.
        protocol: How it was run and measured, beneath the plots.
        scores: The names that are scores: they get a line of their own and an axis from 0 to a
            round number, up to 1. All others are losses. Default: the scores of `zoo.metrics`.

    Returns:
        The figure.

    Raises:
        ValueError: If the history is empty, or a list in it is, or holds anything but numbers, or
            `steps_per_epoch` is not a whole number above 0.

    Example:
        >>> history = method.fit(batches, steps_per_epoch=300, epochs=10).history
        >>> save(curves(history, 300, "MIG, SAP: 10,000 samples, seed 0"), "curves.png")
    """
    if steps_per_epoch is not None and (
        not isinstance(steps_per_epoch, int | np.integer) or steps_per_epoch < 1
    ):
        raise ValueError(
            "Expected steps_per_epoch: a whole number above 0, or None. "
            f"Received: {steps_per_epoch!r}."
        )
    series = lines_of(history, pace=steps_per_epoch or 1)
    if scores is None:
        scores = tuple(scoring.scores())
    panels = [n for n in series if not (n.startswith("val_") and n[4:] in series)]
    groups = [
        ("Losses", [n for n in panels if n.removeprefix("val_") not in scores]),
        ("Scores", [n for n in panels if n.removeprefix("val_") in scores]),
    ]
    groups = [(heading, names) for heading, names in groups if names]
    columns = min(3, max(len(names) for _, names in groups))
    lines = [-(-len(names) // columns) for _, names in groups]
    room = sheet.WIDTH - 2 * sheet.MARGIN
    width = (room - _GAP * (columns - 1)) / columns
    title = " and ".join(heading for heading, _ in groups).capitalize() + " over the run"
    validated = any(n.startswith("val_") for n in series)
    page = sheet.Sheet(
        sheet.WIDTH,
        sum(lines) * _RISE - 28,
        title,
        "The last value stands beside each name." + (" Orange: validation." if validated else ""),
        protocol,
    )
    y = page.top
    for (heading, names), count in zip(groups, lines, strict=True):
        for place, name in enumerate(names):
            left = page.left + place % columns * (width + _GAP)
            top = y + place // columns * _RISE
            drawn = [series[name]]
            if "val_" + name in series:
                drawn.append(dataclasses.replace(series["val_" + name], color=sheet.VERMILLION))
            _headline(page, name, drawn, heading == "Scores", left, top + 13, width)
            plot = page.plot(left + _LEFT, top + _HEAD, width - _LEFT - 6, _HEIGHT)
            limits = _limits(drawn, heading == "Scores")
            _draw(plot, drawn, limits, "epoch" if steps_per_epoch is None else "step")
        y += count * _RISE
    return page.figure


@sheet.look()
def overlay(drawn: Sequence[Line], score: bool = False) -> Figure:
    """One quantity in several runs: a plot without title or names, for a page that has them.

    Args:
        drawn: A line for each run, told apart by colour and dashes; the x axis counts steps.
        score: Whether it is a score: the axis then goes from 0 to a round number, up to 1.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no line.

    Example:
        >>> save(overlay([lines_of(history, pace=300)["loss"]]), "loss.png")
    """
    if not drawn:
        raise ValueError("Expected at least one line to draw. Received: none.")
    width, height = 380, 200
    figure = Figure(figsize=(width / sheet.DPI, height / sheet.DPI), dpi=sheet.DPI)
    box = (_LEFT / width, 40 / height, 1 - (_LEFT + 12) / width, 1 - 50 / height)
    _draw(figure.add_axes(box), list(drawn), _limits(list(drawn), score), "step")
    return figure


def lines_of(
    history: Mapping[str, Sequence[float]], pace: int = 1, **style: Any
) -> dict[str, Line]:
    """The history as lines, as `curves` draws them: name -> Line.

    Args:
        history: As for `curves`.
        pace: What an epoch counts on the x axis.
        style: Colour and dashes of the lines.

    Raises:
        ValueError: If the history is empty, or a list in it is, or holds anything but numbers.
    """
    series = {}
    for name, values in history.items():
        array = np.asarray(values)
        if array.dtype.kind not in "iuf" or array.ndim != 1:
            raise ValueError(
                f"Expected history[{name!r}]: a list of numbers, one for each epoch. "
                f"Received: {values!r}."
            )
        series[name] = array.astype(np.float64)
    lengths = {name: len(array) for name, array in series.items()}
    if not min(lengths.values(), default=0):
        raise ValueError(
            "Expected history: name -> values, at least one name, and a value at least for every "
            f"name. Received lengths: {lengths}."
        )
    epochs = max(lengths.values())
    return {
        name: Line(_epochs(name, len(values), epochs), values, pace=pace, **style)
        for name, values in series.items()
    }


def _epochs(name: str, count: int, epochs: int) -> np.ndarray:
    """After which of so many epochs the `count` values of a list were taken."""
    if name.startswith("val_"):
        return np.arange(1, count + 1) * (epochs // count)
    return np.arange(epochs - count, epochs) + 1


def _headline(
    page: sheet.Sheet,
    name: str,
    drawn: list[Line],
    score: bool,
    left: float,
    y: float,
    width: float,
) -> None:
    """A panel's name on the left, its last values on the right, each in its line's colour."""
    right = left + width - 6
    for line in reversed(drawn):
        text = line.last(score)
        page.text(right, y, text, sheet.BODY, line.color, align="right", bold=True)
        right -= sheet.text_width(text, sheet.BODY, bold=True) + 12
    page.text(left, y, sheet.shorten(name, right - left, sheet.BODY * 1.1), bold=True)


def number(value: float, score: bool = False) -> str:
    """A number as people read it: four digits (a score: three decimals), a real minus sign, ∞.

    Example:
        >>> number(12345.6)
        '12,346'
    """
    size = abs(value)
    text = f"{value:,.0f}" if 1000 <= size < 1e7 else f"{value:.3f}" if score else f"{value:.4g}"
    return text.replace("-", sheet.MINUS).replace("inf", "\N{INFINITY}").replace("nan", "NaN")


def _limits(drawn: list[Line], score: bool) -> tuple[float, float]:
    """Where a panel's y axis starts and ends."""
    values = np.concatenate([line.values[line.finite] for line in drawn])
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if score and high <= 1:
        return span(low, high, score)
    if max(len(line.values) for line in drawn) >= 20:
        # The first epochs may lie so high that the rest would be a flat line; they leave the top.
        late = np.concatenate([line.values[len(line.values) // 20 :] for line in drawn])
        late = late[np.isfinite(late)]
        if len(late):
            settled = float(late.max())
            if high - low > 4 * (settled - low) > 0:
                high = settled
    return span(low, high)


def span(low: float, high: float, score: bool = False) -> tuple[float, float]:
    """Where the axis of values from `low` to `high` starts and ends.

    That of a score of at most 1 starts at 0, or a little below what is less, and ends at a round
    number.
    """
    if score and high <= 1:
        top = next(t for t in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if high <= t)
        return min(0.0, low * 1.05), top
    # A range under a thousandth of the values would only show rounding.
    pad = max(0.06 * (high - low), 5e-4 * abs(high)) or 1.0
    return (0.0 if 0 <= low < pad else low - pad), high + pad


def _notes(drawn: list[Line], top: float) -> list[str]:
    """What a panel cannot show: where NaN or ∞ begins for good, and a start above its top."""
    notes = []
    for line in drawn:
        finite = np.flatnonzero(line.finite)
        if len(finite) and finite[-1] < len(line.values) - 1:
            rest = line.values[finite[-1] + 1 :]
            what = "NaN" if np.isnan(rest).any() else number(rest[-1])
            notes.append(f"{what} from epoch {line.epochs[finite[-1] + 1]} on")
    first = max((line.values[0] for line in drawn if line.values[0] > top), default=None)
    if first is not None:
        notes.append(f"starts at {number(first)}")
    return list(dict.fromkeys(notes))


def _draw(plot: Axes, drawn: list[Line], limits: tuple[float, float], unit: str) -> None:
    """One panel: its lines, a dot on each last value, light rules and few ticks."""
    low, high = limits
    end = max(int(line.x[-1]) for line in drawn)
    for line in drawn:
        x, finite, color = line.x, line.finite, line.color
        values = np.where(finite, line.values, np.nan)
        # A value between two gaps would leave no line: it gets a marker, as all do in short runs.
        before = np.concatenate([[False], finite[:-1]])
        after = np.concatenate([finite[1:], [False]])
        marked = finite if len(x) <= 12 else finite & ~before & ~after
        # Along an edge, as at a score of 1, a line keeps its width; what leaves the panel is cut.
        cut: dict[str, Any] = {"clip_on": bool((line.values[finite] > high).any())}
        stroke: dict[str, Any] = {"color": color, "linewidth": sheet.points(2), **cut}
        style: Any = (0, line.dashes) if line.dashes else "solid"
        plot.plot(x, values, **stroke, linestyle=style, solid_joinstyle="round")
        plot.plot(x[marked], values[marked], "o", color=color, markersize=sheet.points(4), **cut)
        if finite.any():
            last = np.flatnonzero(finite)[-1]
            plot.plot(
                x[last], values[last], "o", color=color, markersize=sheet.points(7), clip_on=False
            )
        if finite.sum() == 1:  # a dot alone is easily missed: a rule leads to it
            plot.hlines(values[finite], 0, x[finite], **stroke, linestyles=(0, (1, 3)))
    seen = np.unique(np.concatenate([line.values[line.finite] for line in drawn]))
    notes = _notes(drawn, high) if len(seen) else ["no finite value"]
    plot.text(
        1,
        0.96,
        "\n".join(notes),
        transform=plot.transAxes,
        ha="right",
        va="top",
        color=sheet.GREY,
        bbox={"facecolor": sheet.PAPER, "edgecolor": "none", "pad": 1},
        fontsize=sheet.points(sheet.SMALL),
    )
    if len(seen) <= 1 and not (len(seen) and low == 0):
        # One value needs one tick, none needs none.
        plot.set_yticks(seen, [number(value) for value in seen])
    else:
        ticks = round_ticks(low, high, 5)
        plot.set_yticks(ticks, tick_texts(ticks))
    ends = np.asarray(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True).tick_values(0, end))
    ends = ends[ends <= end]
    plot.set_xticks(ends, tick_texts(ends))
    plot.set(xlim=(0, end * 1.03), ylim=(low, high))
    plot.set_xlabel(unit, fontsize=sheet.points(sheet.SMALL), color=sheet.GREY, labelpad=2)
    plot.tick_params(
        length=0, pad=4, labelsize=sheet.points(sheet.SMALL - 0.5), labelcolor=sheet.GREY
    )
    plot.grid(axis="y", color=sheet.FAINT, linewidth=sheet.points(1))
    plot.set_axisbelow(True)
    plot.spines[["left", "top", "right"]].set_visible(False)


def round_ticks(low: float, high: float, count: int) -> np.ndarray:
    """At most `count` steps between round numbers, from `low` to `high`."""
    ticks = np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    slack = 1e-9 * (high - low)
    return ticks[(ticks >= low - slack) & (ticks <= high + slack)]


def tick_texts(ticks: np.ndarray) -> list[str]:
    """The ticks with just the decimals that tell them apart; thousands as k, millions as M."""
    top = float(np.abs(ticks).max(initial=0))
    if top >= 1e10 or 0 < top < 1e-3:
        parts = [f"{tick:.1e}".split("e") for tick in ticks]
        texts = [f"{float(m):g}e{int(e)}" if float(m) else "0" for m, e in parts]
        return [text.replace("-", sheet.MINUS) for text in texts]
    units = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"), (0, 1, ""))
    unit, suffix = next((unit, suffix) for start, unit, suffix in units if top >= start)
    scaled = ticks / unit
    digits = next(
        (d for d in range(6) if np.allclose(scaled, np.round(scaled, d), rtol=1e-9, atol=1e-9)), 6
    )
    texts = [f"{value:,.{digits}f}".replace("-", sheet.MINUS) for value in scaled]
    return ["0" if not tick else text + suffix for tick, text in zip(ticks, texts, strict=True)]
