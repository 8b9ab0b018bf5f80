"""Images with their candidate labels: some whose label was resolved, some still ambiguous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from zoo.messages import counted
from zoo.reporting import checks, sheet
from zoo.reporting.latents import percent

SURE = 0.9  # a label is resolved where one candidate is at least so likely
EACH = 6  # images of either kind that are shown
WRONG = 3  # of those that were resolved wrongly
_COLUMNS = 3
_NAMED = 5  # candidates of an image that are named, the likeliest
_GAP, _WIDE, _LINE = 24, 268, 17  # between cells, of a cell, of a line in it
_NAME, _PERCENT = 84, 46  # pixels beside a bar; names at most


class Examples(NamedTuple):
    """Which of some images are shown, and what is said of all of them.

    Attributes:
        rows: (M,) of the images: first those resolved, those wrongly at last, then those
            ambiguous.
        words: How many were ambiguous, and of how many the label was resolved.
    """

    rows: np.ndarray
    words: str


def examples(sets: Any, confidence: Any, truth: Any = None, seed: int = 0) -> Examples:
    """Picks images of several candidates: resolved ones at random, and the least sure ones.

    Where true labels are known, some of those that were resolved wrongly are among them.

    Args:
        sets: (N, C) truth values, the candidates.
        confidence: (N, C), how likely each is; a row sums to 1.
        truth: (N,) integers, the true labels, or None.
        seed: Of the draw.

    Raises:
        ValueError: As `resolved_labels`.

    Example:
        >>> found = examples([[1, 1], [1, 1], [1, 0]], [[0.95, 0.05], [0.5, 0.5], [1.0, 0.0]])
        >>> found.rows.tolist()
        [0, 1]
        >>> print(found.words)
        2 of 3 images had several candidates. Resolved, as one has 90 % or more: 1 of these, 50 %.
    """
    sets, confidence = _checked(sets, confidence)
    several = np.flatnonzero(sets.sum(axis=1) > 1)
    most = confidence.max(axis=1)
    sure = several[most[several] >= SURE]
    unsure = several[most[several] < SURE]
    drawn = np.random.default_rng(seed).permutation(sure)
    hardest = unsure[np.argsort(most[unsure], kind="stable")][:EACH]
    words = f"{len(several):,} of {counted(len(sets), 'image')} had several candidates."
    if len(several):
        share = percent(len(sure) / len(several))
        words += f" Resolved, as one has {percent(SURE)} or more: {len(sure):,} of these, {share}."
    if truth is not None and len(sure):
        right = confidence[drawn].argmax(axis=1) == np.asarray(truth)[drawn]
        words += f" Of the resolved {100 * right.mean():.1f} % are right."
        drawn = np.concatenate([drawn[right][:EACH], drawn[~right][:WRONG]])
    else:
        drawn = drawn[:EACH]
    return Examples(np.concatenate([drawn, hardest]), words)


@sheet.look()
def resolved_labels(
    images: Any,
    sets: Any,
    confidence: Any,
    class_names: Sequence[str],
    truth: Any = None,
    words: str = "",
    protocol: str | None = None,
    title: str = "Which candidate is the label",
) -> Figure:
    """Images with their candidates and how likely each is: resolved ones, then ambiguous ones.

    Those that are resolved wrongly stand between the two, where true labels are known.

    Args:
        images: uint8 (M, H, W, C), C = 1 or 3.
        sets: (M, K) truth values, the candidates of each.
        confidence: (M, K), 0..1: how likely each is; a row sums to 1. A label is resolved where
            one candidate has 0.9 or more.
        class_names: K names.
        truth: (M,) integers, the true labels, where they are known. Then their bars alone are
            blue, and images whose likeliest candidate is another are framed in orange.
        words: What is said of all images, of which these are some.
        protocol: Which images they are, beneath the picture.
        title: Above the picture; "" leaves it and how to read it out.

    Returns:
        The figure. Images over 128 pixels a side are averaged down; of more than five candidates
        the likeliest five are named.

    Raises:
        ValueError: An argument of the wrong rank, dtype, length or range.

    Example:
        >>> found = examples(sets, confidence)
        >>> rows = found.rows
        >>> figure = resolved_labels(images[rows], sets[rows], confidence[rows], names)
    """
    images = sheet.reduced(checks.images("images", images, "n"))
    sets, confidence = _checked(sets, confidence, len(images))
    names = checks.names("class_names", class_names, sets.shape[1], "candidate")
    if truth is not None:
        truth = checks.labels("truth", truth, (len(images),), names)
    scale = max(1, 96 // max(images.shape[1:3]))
    cell = max(images.shape[1] * scale, _LINE * (_NAMED + (sets.sum(axis=1) > _NAMED).any())) + 18
    sure = confidence.max(axis=1) >= SURE
    wrong = sure & (False if truth is None else confidence.argmax(axis=1) != truth)
    bands = {
        "resolved": np.flatnonzero(sure & ~wrong),
        "resolved wrongly": np.flatnonzero(wrong),
        "still ambiguous, the least sure": np.flatnonzero(~sure),
    }
    bands = {name: rows for name, rows in bands.items() if len(rows)}
    heights = [26 + cell * -(-len(rows) // _COLUMNS) for rows in bands.values()]
    how = "Blue: the true label. Orange: another is likelier." if truth is not None else ""
    page = sheet.Sheet(
        2 * sheet.MARGIN + _COLUMNS * _WIDE + (_COLUMNS - 1) * _GAP,
        sum(heights),
        title,
        f"{words} {how}" if title else "",
        protocol,
    )
    top = page.top
    for (name, rows), height in zip(bands.items(), heights, strict=True):
        page.text(page.left, top + 12, name, sheet.BODY, bold=True)
        for place, row in enumerate(rows):
            x = page.left + place % _COLUMNS * (_WIDE + _GAP)
            y = top + 26 + place // _COLUMNS * cell
            true = None if truth is None else int(truth[row])
            page.image(images[row], x, y, scale)
            if true is not None and confidence[row].argmax() != true:
                size = images.shape[2] * scale, images.shape[1] * scale
                page.frame(x, y, *size, sheet.VERMILLION)
            left = x + images.shape[2] * scale + 12
            _bars(page, left, y, x + _WIDE - left, names, sets[row], confidence[row], true)
        top += height
    return page.figure


def _bars(
    page: sheet.Sheet,
    x: float,
    y: float,
    room: float,
    names: Sequence[str],
    candidates: np.ndarray,
    confidence: np.ndarray,
    true: int | None,
) -> None:
    """A line for each of the likeliest candidates: its name, a bar, its confidence."""
    held = np.flatnonzero(candidates)
    ordered = held[np.argsort(-confidence[held], kind="stable")]
    widest = max(sheet.text_width(name, sheet.SMALL, bold=True) for name in names)
    indent = min(_NAME, widest + 12)
    longest = room - indent - _PERCENT
    for line, label in enumerate(ordered[:_NAMED]):
        base, share = y + _LINE * line + 11, float(confidence[label])
        color = sheet.BLUE if true in (None, label) else sheet.PALE
        bold = label == true
        name = sheet.shorten(names[label], indent - 10, sheet.SMALL)
        page.text(x, base, name, sheet.SMALL, bold=bold)
        page.box(x + indent, base - 9, max(1.0, longest * share), 9, color)
        page.text(x + room, base, percent(share), sheet.SMALL, sheet.GREY, align="right")
    if len(ordered) > _NAMED:
        rest = f"and {len(ordered) - _NAMED} more"
        page.text(x, y + _LINE * _NAMED + 11, rest, sheet.SMALL, sheet.GREY)


def _checked(sets: Any, confidence: Any, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Candidate sets (N, K) and the confidences in them, or a refusal."""
    sets, confidence = np.asarray(sets), np.asarray(confidence)
    fits = sets.ndim == 2 and sets.size and (n is None or len(sets) == n)
    if not fits or not ((sets == 0) | (sets == 1)).all():
        raise ValueError(
            "Expected sets: 0 or 1 for each candidate of each image, of shape "
            f"({'images' if n is None else n}, candidates). Received: {sets.dtype} of shape "
            f"{sets.shape}."
        )
    if confidence.shape != sets.shape or confidence.dtype.kind not in "iuf":
        raise ValueError(
            f"Expected confidence: numbers of shape {sets.shape}. Received: {confidence.dtype} of "
            f"shape {confidence.shape}."
        )
    if not ((confidence >= -1e-3) & (confidence <= 1 + 1e-3)).all():  # true for NaN as well
        raise ValueError(
            f"Expected confidence: 0..1. Received: values from {confidence.min():.6g} to "
            f"{confidence.max():.6g}."
        )
    return sets.astype(bool), np.clip(confidence.astype(np.float64), 0, 1)
