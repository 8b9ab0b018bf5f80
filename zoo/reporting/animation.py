"""The traversal in motion: an animated GIF."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.files import replacing
from zoo.reporting import checks, sheet
from zoo.reporting.figures import explanation
from zoo.reporting.latents import ordered, values_text

_GAP = 20  # pixels between two cells
_LABEL = 48  # pixels above each image


@sheet.look()
def traversal_gif(
    images: Any,
    path: str | os.PathLike[str],
    values: Any = None,
    kl: Any = None,
    factors: Sequence[str] | None = None,
    information: Any = None,
    latents: Any = None,
    protocol: str | None = None,
    milliseconds: int = 100,
) -> Path:
    """Writes an animated GIF: all latents side by side, sweeping there and back without end.

    A knob beneath shows where in the sweep one is. Both ends stay a little longer.

    Args:
        images: uint8 (L, S, H, W, C), S at least 2, as for `traversal`.
        path: Where to; it must end in `.gif`. Written whole or not at all.
        values: (S,): the latent's values; the first and the last stand beside the knob.
        kl: As for `traversal`, as is what follows: sorts, labels and marks the unused.
        factors: Names of factors.
        information: (L, F) shares, 0..1.
        latents: (L,) integers.
        protocol: How it was made, beneath the picture.
        milliseconds: How long a frame stays; a multiple of 10, the format's unit, from 20 on.

    Returns:
        The path. The file has 2 S - 2 frames.

    Raises:
        ValueError: As `traversal` does; and if S is below 2, or the path or speed do not fit.

    Example:
        >>> traversal_gif(images, "traversal.gif", values, kl, data.factor_names, shares)
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"Expected a path that ends in .gif. Received: {str(path)!r}.")
    if milliseconds < 20 or milliseconds % 10:
        raise ValueError(f"Expected milliseconds: 20, 30, 40, ... Received: {milliseconds!r}.")
    images = checks.images("images", images, "latents, steps")
    rows, steps = images.shape[:2]
    if steps < 2:
        raise ValueError(f"Expected images with at least 2 steps to move. Received: {steps}.")
    if values is not None:
        values = checks.vector("values", values, steps, "step")
    shown = ordered(rows, kl, factors, information, latents)
    images = sheet.reduced(images)
    height, width = images.shape[2:4]
    # A few latents get large images; many share the page.
    scale = sheet.scaling(images.shape[2:], 5 if rows <= 10 else 8, 860, _GAP, 128)
    cell = max(width * scale, 92)
    most = max(1, (sheet.WIDTH - 2 * sheet.MARGIN + _GAP) // (cell + _GAP))
    columns = -(-rows // -(-rows // most))  # as many lines as it takes, evenly filled
    lines = -(-rows // columns)
    rise = _LABEL + height * scale + _GAP
    page = sheet.Sheet(
        2 * sheet.MARGIN + columns * (cell + _GAP) - _GAP,
        lines * rise + 20,
        "What each latent changes",
        "Each picture moves one latent and holds the others."
        + explanation(kl is not None, factors is not None),
        protocol,
    )
    corners = []
    for place, latent in enumerate(shown):
        x = page.left + place % columns * (cell + _GAP)
        y = page.top + place // columns * rise
        latent.write(page, x, y + 13, cell)
        corners.append((y + _LABEL, x))
    ends = ("", "") if values is None else (values_text(values)[0], values_text(values)[-1])
    middle, track = page.top + lines * rise + 8, (page.left + 44, page.width - sheet.MARGIN - 44)
    page.text(track[0] - 14, middle + 4, ends[0], sheet.SMALL, sheet.GREY, align="right")
    page.text(track[1] + 14, middle + 4, ends[1], sheet.SMALL, sheet.GREY)
    page.box(track[0], middle - 1, track[1] - track[0], 2, sheet.FAINT)
    still = sheet.to_array(page.figure)

    sweep = [*range(steps), *range(steps - 2, 0, -1)]
    frames = []
    for step in sweep:
        frame = still.copy()
        for latent, (y, x) in zip(shown, corners, strict=True):
            tile = images[latent.row, step].repeat(scale, axis=0).repeat(scale, axis=1)
            frame[y : y + height * scale, x : x + width * scale] = tile
        _knob(frame, track[0] + (track[1] - track[0]) * step / (steps - 1), middle)
        frames.append(frame)
    durations = [milliseconds * (3 if step in (0, steps - 1) else 1) for step in sweep]
    _write(path, frames, durations)
    return path


def _knob(frame: np.ndarray, x: float, y: float, radius: float = 6.5) -> None:
    """Blends a disc around (x, y) into a frame uint8 (H, W, 3), in place."""
    top, left = int(y - radius - 1), int(x - radius - 1)
    part = frame[top : int(y + radius + 2), left : int(x + radius + 2)]
    rows, columns = np.indices(part.shape[:2])
    away = np.hypot(rows + 0.5 + top - y, columns + 0.5 + left - x)
    cover = np.clip(radius + 0.5 - away, 0, 1)[..., None]
    color = [int(sheet.BLUE[i : i + 2], 16) for i in (1, 3, 5)]
    part[:] = np.rint(part * (1 - cover) + color * cover)


def _write(path: Path, frames: list[np.ndarray], durations: list[int]) -> None:
    """One palette for all frames and no dithering: nothing flickers and the file stays small."""
    every = -(-len(frames) // 12)
    sample = Image.fromarray(np.concatenate(frames[::every]))
    palette = sample.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    first, *rest = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    ]
    with replacing(path) as partial:
        first.save(
            partial,
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=durations,
            loop=0,
            optimize=False,
        )
