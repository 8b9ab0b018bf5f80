"""Traversals and edits in motion: animated GIFs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
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
    images, values = _checked(images, "latents, steps", values)
    shown = ordered(len(images), kl, factors, information, latents)
    return _swept(
        images[[latent.row for latent in shown]],
        path,
        "What each latent changes",
        "In each picture one latent moves and the others stay."
        + explanation(kl is not None, factors is not None),
        protocol,
        ("", "") if values is None else (values_text(values)[0], values_text(values)[-1]),
        milliseconds,
        [latent.write for latent in shown],
    )


@sheet.look()
def edits_gif(
    images: Any,
    path: str | os.PathLike[str],
    title: str,
    subtitle: str = "",
    ends: tuple[str, str] = ("", ""),
    protocol: str | None = None,
    milliseconds: int = 100,
) -> Path:
    """Writes an animated GIF of images that are edited, side by side, there and back without end.

    Args:
        images: uint8 (N, S, H, W, C), S at least 2: of each image the steps of its edit.
        path: Where to; it must end in `.gif`. Written whole or not at all.
        title: Says what one sees.
        subtitle: How to read it.
        ends: What stands beside the ends of the knob's way.
        protocol: How it was made, beneath the picture.
        milliseconds: As for `traversal_gif`.

    Returns:
        The path. The file has 2 S - 2 frames.

    Raises:
        ValueError: If images, path or speed do not fit.

    Example:
        >>> edits_gif(edit.images, "edit.gif", "One latent moves", ends=("-2", "+2"))
    """
    images, _ = _checked(images, "images, steps", None)
    return _swept(images, path, title, subtitle, protocol, ends, milliseconds)


def _checked(images: Any, leading: str, values: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Images of several steps, and their values where there are some."""
    images = checks.images("images", images, leading)
    steps = images.shape[1]
    if steps < 2:
        raise ValueError(f"Expected images with at least 2 steps to move. Received: {steps}.")
    if values is not None:
        values = checks.vector("values", values, steps, "step")
    return images, values


def _swept(
    images: np.ndarray,
    path: str | os.PathLike[str],
    title: str,
    subtitle: str,
    protocol: str | None,
    ends: tuple[str, str],
    milliseconds: int,
    labels: Sequence[Callable[[sheet.Sheet, float, float, float], None]] = (),
) -> Path:
    """Writes the pictures (N, S, H, W, C) in motion, each beneath its label where there are any."""
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"Expected a path that ends in .gif. Received: {str(path)!r}.")
    if milliseconds < 20 or milliseconds % 10:
        raise ValueError(f"Expected milliseconds: 20, 30, 40, ... Received: {milliseconds!r}.")
    rows, steps = images.shape[:2]
    images = sheet.reduced(images)
    height, width = images.shape[2:4]
    # A few get large images; many share the page.
    few = rows <= 10
    scale = sheet.scaling(images.shape[2:], 5 if few else 6, 860, _GAP, 128 if few else 96)
    cell = max(width * scale, 112 if labels else 0)  # wide enough for "orientation 57 %"
    above = _LABEL if labels else 0
    most = max(1, (sheet.WIDTH - 2 * sheet.MARGIN + _GAP) // (cell + _GAP))
    columns = -(-rows // -(-rows // most))  # as many lines as it takes, evenly filled
    lines = -(-rows // columns)
    rise = above + height * scale + _GAP
    page = sheet.Sheet(
        2 * sheet.MARGIN + columns * (cell + _GAP) - _GAP,
        lines * rise + 20,
        title,
        subtitle,
        protocol,
    )
    corners = []
    for place in range(rows):
        x = page.left + place % columns * (cell + _GAP)
        y = page.top + place // columns * rise
        if labels:
            labels[place](page, x, y + 13, cell)
        corners.append((y + above, x))
    middle = page.top + lines * rise + 8
    before, after = (max(30, sheet.text_width(end, sheet.SMALL)) for end in ends)
    track = (page.left + 14 + before, page.width - sheet.MARGIN - 14 - after)
    page.text(track[0] - 14, middle + 4, ends[0], sheet.SMALL, sheet.GREY, align="right")
    page.text(track[1] + 14, middle + 4, ends[1], sheet.SMALL, sheet.GREY)
    page.box(track[0], middle - 1, track[1] - track[0], 2, sheet.FAINT)
    palette = _palette(images)
    still = _nearest(sheet.to_array(page.figure), palette)
    tiles = _nearest(np.broadcast_to(images, (*images.shape[:-1], 3)), palette)
    tiles = tiles.repeat(scale, axis=2).repeat(scale, axis=3)

    sweep = [*range(steps), *range(steps - 2, 0, -1)]
    frames = []
    for step in sweep:
        frame = still.copy()
        for row, (y, x) in enumerate(corners):
            frame[y : y + height * scale, x : x + width * scale] = tiles[row, step]
        _knob(frame, track[0] + (track[1] - track[0]) * step / (steps - 1), middle, palette)
        frames.append(frame)
    durations = [milliseconds * (3 if step in (0, steps - 1) else 1) for step in sweep]
    _write(path, frames, palette, durations)
    return path


def _palette(images: np.ndarray) -> np.ndarray:
    """One palette for all frames, uint8 (at most 116, 3): nothing flickers, the file stays small.

    The page's own colours are exact, white among them. Grey images get 48 even levels, others
    96 colours that span theirs.
    """
    names = (sheet.PAPER, sheet.INK, sheet.GREY, sheet.PALE, sheet.FAINT, *sheet.COLOURS)
    own = [_rgb(name) for name in names]
    if images.shape[-1] == 1:
        found = np.rint(np.linspace(0, 255, 48))[:, None].repeat(3, axis=1)
    else:
        # Each colour counts once, or a large background would take most of the palette.
        kinds = _channels(np.unique(_packed(images)))[None]
        cut = Image.fromarray(kinds.astype(np.uint8)).quantize(
            96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        # Between ink and paper, for the edges of letters.
        greys = np.rint(np.linspace(48, 240, 8))[:, None].repeat(3, axis=1)
        found = np.concatenate([np.reshape(cut.getpalette() or [], (-1, 3)), greys])
    return np.unique(np.concatenate([own, found]).astype(np.uint8), axis=0)


def _rgb(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def _packed(pixels: np.ndarray) -> np.ndarray:
    """Pixels uint8 (..., 3) as single integers, which sort much faster."""
    return pixels.astype(np.int32) @ np.array([65536, 256, 1], np.int32)


def _channels(packed: np.ndarray) -> np.ndarray:
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)


def _nearest(pixels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The index of the nearest colour, uint8 (...), for each pixel uint8 (..., 3). No dithering."""
    colors, where = np.unique(_packed(pixels), return_inverse=True)
    channels = _channels(colors)
    nearest = np.full(len(colors), 0, np.uint8)
    distance = np.full(len(colors), np.iinfo(np.int64).max)
    for index, color in enumerate(palette.astype(np.int64)):
        away = ((channels - color) ** 2).sum(axis=-1)
        closer = away < distance
        nearest[closer], distance[closer] = index, away[closer]
    return nearest[where].reshape(pixels.shape[:-1])


def _knob(frame: np.ndarray, x: float, y: float, palette: np.ndarray, radius: float = 6.5) -> None:
    """Draws a disc around (x, y) into a frame of palette indices (H, W), in place."""
    top, left = int(y - radius - 1), int(x - radius - 1)
    part = frame[top : int(y + radius + 2), left : int(x + radius + 2)]
    rows, columns = np.indices(part.shape)
    away = np.hypot(rows + 0.5 + top - y, columns + 0.5 + left - x)
    cover = np.clip(radius + 0.5 - away, 0, 1)[..., None]
    blend = palette[part] * (1 - cover) + np.array(_rgb(sheet.BLUE)) * cover
    part[:] = _nearest(np.rint(blend).astype(np.uint8), palette)


def _write(path: Path, frames: list[np.ndarray], palette: np.ndarray, durations: list[int]) -> None:
    pictures = []
    for frame in frames:
        picture = Image.fromarray(frame)
        picture.putpalette(palette.tobytes())
        pictures.append(picture)
    with replacing(path) as partial:
        pictures[0].save(
            partial,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            loop=0,
            optimize=True,
        )
