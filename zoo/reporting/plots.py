"""Plots of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.reporting import sheet

_GAP, _HEIGHT, _LEFT = 36, 150, 46  # between panels; of a plot; for its tick labels
_HEAD = 34  # above a plot: its name and its last value
_RISE = _HEAD + _HEIGHT + 62  # from one line of panels to the next


@sheet.look()
def curves(
    history: Mapping[str, Sequence[float]],
    steps_per_epoch: int | None = None,
    protocol: str | None = None,
    scores: Sequence[str] = ("mig", "sap"),
) -> Figure:
    """Losses and scores over a run, a small plot each, their last values beside their names.

    Args:
        history: name -> its value after each epoch, as `keras.callbacks.History.history` holds
            them; all of one length. `val_NAME` is drawn in NAME's plot. NaN and infinity leave
            a gap, and a run that ends in them says so.
        steps_per_epoch: When given, the x axis counts steps instead of epochs.
        protocol: How it was run and measured, beneath the plots.
        scores: The names that are scores: they get a line of their own and an axis from 0 to a
            round number, up to 1. All others are losses.

    Returns:
        The figure.

    Raises:
        ValueError: If the history is empty, its lists differ in length or hold anything but
            numbers, or `steps_per_epoch` is not a whole number above 0.

    Example:
        >>> history = method.fit(batches, steps_per_epoch=300, epochs=10).history
        >>> save(curves(history, 300, "MIG, SAP: 10,000 samples, seed 0"), "curves.png")
    """
    series = _series(history)
    if steps_per_epoch is not None and (
        not isinstance(steps_per_epoch, int | np.integer) or steps_per_epoch < 1
    ):
        raise ValueError(
            "Expected steps_per_epoch: a whole number above 0, or None. "
            f"Received: {steps_per_epoch!r}."
        )
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
    epochs = len(next(iter(series.values())))
    x = np.arange(1, epochs + 1) * (steps_per_epoch or 1)
    y = page.top
    for (heading, names), count in zip(groups, lines, strict=True):
        for place, name in enumerate(names):
            left = page.left + place % columns * (width + _GAP)
            top = y + place // columns * _RISE
            drawn = [(series[name], sheet.BLUE)]
            if "val_" + name in series:
                drawn.append((series["val_" + name], sheet.VERMILLION))
            _headline(page, name, drawn, heading == "Scores", left, top + 13, width)
            plot = page.plot(left + _LEFT, top + _HEAD, width - _LEFT - 6, _HEIGHT)
            limits = _limits([values for values, _ in drawn], heading == "Scores")
            _draw(plot, x, drawn, limits, "epoch" if steps_per_epoch is None else "step")
        y += count * _RISE
    return page.figure


def _series(history: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """The history as float64 arrays of one length, NaN for what is not finite."""
    series = {}
    for name, values in history.items():
        array = np.asarray(values)
        if array.dtype.kind not in "iuf" or array.ndim != 1:
            raise ValueError(
                f"Expected history[{name!r}]: a list of numbers, one for each epoch. "
                f"Received: {values!r}."
            )
        array = array.astype(np.float64)
        series[name] = np.where(np.isfinite(array), array, np.nan)
    lengths = {name: len(array) for name, array in series.items()}
    if len(set(lengths.values())) != 1 or not min(lengths.values()):
        raise ValueError(
            "Expected history: name -> values, at least one name and one epoch, as many values "
            f"for every name. Received lengths: {lengths}."
        )
    return series


def _headline(
    page: sheet.Sheet,
    name: str,
    drawn: list[tuple[np.ndarray, str]],
    score: bool,
    left: float,
    y: float,
    width: float,
) -> None:
    """A panel's name on the left, its last values on the right, each in its line's colour."""
    right = left + width - 6
    for values, color in reversed(drawn):
        finite = np.flatnonzero(~np.isnan(values))
        text = number(values[finite[-1]], score) if len(finite) else "NaN"
        page.text(right, y, text, sheet.BODY, color, align="right", bold=True)
        right -= sheet.text_width(text, sheet.BODY, bold=True) + 12
    page.text(left, y, sheet.shorten(name, right - left, sheet.BODY * 1.1), bold=True)


def number(value: float, score: bool = False) -> str:
    """A number as people read it: four digits (a score: three decimals), a real minus sign.

    Example:
        >>> number(12345.6)
        '12,346'
    """
    size = abs(value)
    text = f"{value:,.0f}" if 1000 <= size < 1e7 else f"{value:.3f}" if score else f"{value:.4g}"
    return text.replace("-", sheet.MINUS)


def _limits(drawn: list[np.ndarray], score: bool) -> tuple[float, float]:
    """Where a panel's y axis starts and ends."""
    values = np.concatenate(drawn)
    if np.isnan(values).all():
        return 0.0, 1.0
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if score and high <= 1:
        top = next(t for t in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if high <= t)
        return min(0.0, low * 1.05), top
    if len(drawn[0]) >= 20:
        # The first epochs may lie so high that the rest would be a flat line; they leave the top.
        late = np.concatenate([part[len(part) // 20 :] for part in drawn])
        if not np.isnan(late).all():
            settled = float(np.nanmax(late))
            if high - low > 4 * (settled - low) > 0:
                high = settled
    # A range under a thousandth of the values would only show rounding.
    pad = max(0.06 * (high - low), 5e-4 * abs(high)) or 1.0
    return (0.0 if 0 <= low < pad else low - pad), high + pad


def _notes(drawn: list[np.ndarray], top: float) -> list[str]:
    """What a panel cannot show: where NaN begins for good, and a start above its top."""
    notes = []
    for values in drawn:
        finite = np.flatnonzero(~np.isnan(values))
        if len(finite) and finite[-1] < len(values) - 1:
            notes.append(f"NaN from epoch {finite[-1] + 2} on")
    first = max((v[0] for v in drawn if v[0] > top), default=None)
    if first is not None:
        notes.append(f"starts at {number(first)}")
    return list(dict.fromkeys(notes))


def _draw(
    plot: Axes,
    x: np.ndarray,
    drawn: list[tuple[np.ndarray, str]],
    limits: tuple[float, float],
    unit: str,
) -> None:
    """One panel: its lines, a dot on each last value, light rules and few ticks."""
    low, high = limits
    for values, color in drawn:
        finite = ~np.isnan(values)
        # A value between two gaps would leave no line: it gets a marker, as all do in short runs.
        before = np.concatenate([[False], finite[:-1]])
        after = np.concatenate([finite[1:], [False]])
        marked = finite if len(x) <= 12 else finite & ~before & ~after
        plot.plot(x, values, color=color, linewidth=sheet.points(2), solid_joinstyle="round")
        plot.plot(x[marked], values[marked], "o", color=color, markersize=sheet.points(4))
        if finite.any():
            last = np.flatnonzero(finite)[-1]
            plot.plot(
                x[last], values[last], "o", color=color, markersize=sheet.points(7), clip_on=False
            )
    lines = [values for values, _ in drawn]
    seen = np.unique(np.concatenate(lines))
    seen = seen[~np.isnan(seen)]
    notes = _notes(lines, high) if len(seen) else ["no finite value"]
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
        ticks = np.asarray(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        slack = 1e-9 * (high - low)
        ticks = ticks[(ticks >= low - slack) & (ticks <= high + slack)]
        plot.set_yticks(ticks, _tick_texts(ticks))
    ends = np.asarray(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True).tick_values(0, x[-1]))
    ends = ends[ends <= x[-1]]
    plot.set_xticks(ends, _tick_texts(ends))
    plot.set(xlim=(0, x[-1] * 1.03), ylim=(low, high))
    plot.set_xlabel(unit, fontsize=sheet.points(sheet.SMALL), color=sheet.GREY, labelpad=2)
    plot.tick_params(
        length=0, pad=4, labelsize=sheet.points(sheet.SMALL - 0.5), labelcolor=sheet.GREY
    )
    plot.grid(axis="y", color=sheet.FAINT, linewidth=sheet.points(1))
    plot.set_axisbelow(True)
    plot.spines[["left", "top", "right"]].set_visible(False)


def _tick_texts(ticks: np.ndarray) -> list[str]:
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
