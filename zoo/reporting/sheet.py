"""The look of every picture, and the page they are laid out on.

Colours, sizes and the page live here and nowhere else. A page is measured in pixels from its top
left corner, so that images land on whole pixels and labels can be measured before they are placed.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from zoo.files import replacing

DPI = 128  # a power of two: pixels / DPI * DPI is exact, so no edge falls between two pixels
WIDTH = 900  # what a README shows without shrinking
MARGIN = 24
TITLE, BODY, SMALL = 19, 13, 12  # text sizes in pixels
MINUS = "\N{MINUS SIGN}"
LINE = 18  # from one line of small text to the next

PAPER, INK, GREY, FAINT = "#ffffff", "#22262b", "#6b7178", "#dfe2e6"
PALE = "#9aa0a6"  # what is there but does not matter
PAGE = {"paper": PAPER, "ink": INK, "grey": GREY, "faint": FAINT, "pale": PALE}
# Okabe and Ito's colours, which people with any colour vision tell apart; yellow, too pale on
# white, comes last.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
BLUE, VERMILLION = COLOURS[:2]
# More is darker, nothing is nearly paper: the lightness alone tells the order.
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "zoo", ["#f3f5f7", "#cbdfee", "#7fb4d9", "#0072b2", "#0a3a5f"]
)
# Blue above nothing, orange below it; nothing is nearly paper.
DIVERGING = LinearSegmentedColormap.from_list(
    "zoo_diverging", ["#7a2f00", "#d55e00", "#f3b98a", "#f3f5f7", "#7fb4d9", "#0072b2", "#0a3a5f"]
)

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": PALE,
    "axes.linewidth": 0.6,
    "figure.dpi": DPI,
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture on every machine
    "image.interpolation": "nearest",
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "text.parse_math": False,  # a factor may be called "price in $"
}


@contextlib.contextmanager
def look() -> Iterator[None]:
    """The zoo's look while the block (or the decorated function) runs.

    It starts from matplotlib's defaults, so that a user's own settings change no picture, and
    leaves those settings as they were.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def points(pixels: float) -> float:
    """Pixels in the typographic points that matplotlib's sizes are given in."""
    return pixels * 72 / DPI


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> int:
    """How wide `text` is set, in whole pixels, rounded up."""
    font = FontProperties(
        family="DejaVu Sans", size=points(size), weight="bold" if bold else "normal"
    )
    width, _, _ = RendererAgg(1, 1, DPI).get_text_width_height_descent(text, font, ismath=False)
    return int(np.ceil(width))


def shorten(text: str, room: float, size: float, tail: str = "") -> str:
    """`text` + `tail`, with the end of `text` cut to an ellipsis where the whole is too wide.

    Example:
        >>> shorten("Wearing_Necktie", 100, 12, tail=" 31 %")
        'Wearing… 31 %'
    """
    if text_width(text + tail, size) <= room:
        return text + tail
    while len(text) > 1 and text_width(text + "…" + tail, size) > room:
        text = text[:-1]
    return text + "…" + tail


def wrap(text: str, room: float, size: float) -> list[str]:
    """The words of `text` in lines at most `room` pixels wide; a longer word is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(shorten(word, room, size))
    return lines


class Sheet:
    """A white page with a title, room for what is shown, and the protocol in a last line.

    Attributes:
        figure: The matplotlib figure, without any pyplot state.
        axes: One invisible axes over the whole page, in pixels from the top left corner.
        left: The first pixel column inside the margin.
        top: The first pixel row below the title and subtitle, where the body starts.

    Args:
        width: In pixels, margins included; raised to 480 where the body is narrower.
        body: Height of the body in pixels.
        title: Says what one sees. Wrapped, like what follows.
        subtitle: How to read it.
        protocol: How it was measured or made; beneath the body.
    """

    def __init__(
        self, width: int, body: int, title: str, subtitle: str = "", protocol: str | None = None
    ):
        self.width = max(width, 480)
        room = self.width - 2 * MARGIN
        titles = wrap(title, room, TITLE * 1.1)  # bold is wider
        subtitles = wrap(subtitle, room, SMALL)
        notes = wrap(protocol or "", room, SMALL)
        self.left = MARGIN
        self.top = MARGIN + 26 * len(titles) + LINE * len(subtitles) + 14
        self.height = self.top + body + (12 + LINE * len(notes) if notes else 0) + MARGIN
        self.figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI)
        FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set(xlim=(0, self.width), ylim=(self.height, 0), autoscale_on=False)
        self.axes.set_axis_off()
        y = MARGIN + TITLE - 3
        for line in titles:
            self.text(self.left, y, line, TITLE, bold=True)
            y += 26
        y -= 4
        for line in subtitles:
            self.text(self.left, y, line, SMALL, GREY)
            y += LINE
        y = self.top + body + 12 + SMALL
        for line in notes:
            self.text(self.left, y, line, SMALL, GREY)
            y += LINE

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = BODY,
        color: str = INK,
        *,
        bold: bool = False,
        align: str = "left",
        rotation: float = 0,
    ) -> Text:
        """Writes one line with its baseline at `y`."""
        return self.axes.text(
            x,
            y,
            text,
            fontsize=points(size),
            color=color,
            fontweight="bold" if bold else "normal",
            ha=align,
            va="baseline",
            rotation=rotation,
            rotation_mode="anchor",
        )

    def image(self, pixels: np.ndarray, x: int, y: int, scale: int) -> AxesImage:
        """Draws one uint8 image (H, W, 1 or 3), each of its pixels as scale x scale pixels."""
        height, width = pixels.shape[:2]
        extent = (x, x + width * scale, y + height * scale, y)
        # Grey as RGB: a colour map goes through floats and may miss a level by one.
        rgb = np.broadcast_to(pixels, (height, width, 3))
        return self.axes.imshow(rgb, extent=extent, aspect="auto")

    def box(self, x: float, y: float, width: float, height: float, color: str) -> Rectangle:
        """Fills a rectangle."""
        box = Rectangle((x, y), width, height, color=color, linewidth=0)
        self.axes.add_patch(box)
        return box

    def frame(self, x: float, y: float, width: float, height: float, color: str) -> Rectangle:
        """Draws a frame of 3 pixels around a rectangle."""
        frame = Rectangle(
            (x - 1.5, y - 1.5),
            width + 3,
            height + 3,
            fill=False,
            edgecolor=color,
            linewidth=points(3),
            joinstyle="miter",
        )
        self.axes.add_patch(frame)
        return frame

    def plot(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes for a plot at these pixels (tick labels lie outside)."""
        return self.figure.add_axes(
            (
                x / self.width,
                1 - (y + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )


def scaling(shape: tuple[int, ...], count: int, room: int, gap: int, largest: int = 96) -> int:
    """The whole number that images (H, W, C) are enlarged by, `count` of them in `room` pixels.

    As large as fits, up to `largest` pixels a side, but never much under 64: where they do not
    fit at that size the page grows instead.
    """
    side = max(shape[:2])
    legible = max(1, round(64 / side))
    return max(legible, min(largest // side, int(room / count - gap) // shape[1]))


def reduced(images: np.ndarray, largest: int = 128) -> np.ndarray:
    """Images (..., H, W, C) of which none is larger than `largest` a side.

    Larger ones are averaged over k x k pixels, k whole; what is left over at the right and the
    bottom is cut.
    """
    *_, height, width, channels = images.shape
    k = -(-max(height, width) // largest)
    if k == 1:
        return images
    k = min(k, height, width)
    rows, columns = height // k, width // k
    cut = images[..., : rows * k, : columns * k, :]
    blocks = cut.reshape(*images.shape[:-3], rows, k, columns, k, channels)
    return np.rint(blocks.mean(axis=(-4, -2))).astype(np.uint8)


@look()
def save(figure: Figure, path: str | os.PathLike[str], scale: int = 2) -> Path:
    """Writes a figure as a PNG, whole or not at all.

    Args:
        figure: Any figure; the zoo's are laid out in pixels.
        path: Where to; it must end in `.png`. An existing file is replaced.
        scale: File pixels per pixel of the layout. 2 keeps text sharp on dense screens, and
            images stay enlarged by a whole number.

    Returns:
        The path.

    Raises:
        ValueError: If the path does not end in `.png` or the scale is below 1.

    Example:
        >>> save(reconstructions(originals, decoded), "run/reconstructions.png")
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"Expected a path that ends in .png. Received: {str(path)!r}.")
    if not isinstance(scale, int | np.integer) or scale < 1:
        raise ValueError(f"Expected scale: a whole number, 1 or more. Received: {scale!r}.")
    with replacing(path) as partial:
        # No software version in the file: the same picture is the same bytes.
        figure.savefig(partial, dpi=DPI * scale, format="png", metadata={"Software": None})
    return path


@look()
def to_array(figure: Figure) -> np.ndarray:
    """Any figure as an image: uint8 (H, W, 3).

    Example:
        >>> tf.summary.image("traversal", to_array(figure)[None], step)
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@look()
def to_svg(figure: Figure, name: str) -> str:
    """Any figure as an `<svg>` element that takes the page's width, its text set by the page.

    Args:
        figure: Any figure.
        name: Begins every id in it, so that no two figures of a page share one.

    Returns:
        The element. What has one of the colours in `PAGE` is drawn in the CSS variable of its
        name, `var(--ink)`, so that a page may turn dark. The same figure is the same text.

    Example:
        >>> page = f"<html><body>{to_svg(figure, 'loss')}</body></html>"
    """
    file = io.StringIO()
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": name})
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for variable, color in PAGE.items():
        svg = svg.replace(color, f"var(--{variable})")
    svg = svg.replace("'DejaVu Sans'", "inherit")
    head, end, rest = svg.partition(">")
    return re.sub(r' (?:width|height)="[^"]*pt"', "", head) + end + rest  # the page's width
