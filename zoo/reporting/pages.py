"""What HTML pages share: templates and their head, images within them, cells of a table."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Iterable
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape
from matplotlib.colors import to_hex
from PIL import Image

from zoo.reporting import sheet
from zoo.reporting.figures import ink_on
from zoo.reporting.latents import percent

LIMIT = 20 * 2**20  # bytes of a page that browsers and mail still like
SIDE = 104  # pixels that an image is shown at, about: enlarged by whole numbers


@functools.cache
def template(name: str) -> jinja2.Template:
    """A page's template: what it is given is escaped, and what it is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("zoo"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    environment.globals["palette"] = sheet.PAGE
    return environment.get_template(name)


def breakable(name: str) -> Markup:
    """A name that may break after its underscores and slashes, escaped."""
    escaped = str(escape(name))
    return Markup(escaped.replace("_", "_<wbr>").replace("/", "/<wbr>"))


class Room:
    """The bytes that images may still take of a page."""

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, pictures: Iterable[np.ndarray]) -> list[str] | None:
        """Images uint8 (H, W, 1 or 3) as addresses that hold them, or None: they are too many."""
        addresses = [address(picture) for picture in pictures]
        return addresses if self.fits(sum(map(len, addresses))) else None

    def fits(self, size: int) -> bool:
        """Whether so many bytes are left; then they are taken."""
        fits = size <= self.left
        self.left -= size if fits else 0
        return fits


def address(pixels: np.ndarray) -> str:
    """An image as a PNG within an address."""
    file = io.BytesIO()
    image = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def strip(images: np.ndarray) -> np.ndarray:
    """Images (S, H, W, C) side by side: (H, S W, C)."""
    return np.concatenate(list(images), axis=1)


def shown_at(width: int, height: int) -> tuple[int, int]:
    """Pixels that an image takes on the page."""
    scale = max(1, round(SIDE / max(width, height)))
    return width * scale, height * scale


def share_cell(share: float, level: float, marked: bool) -> dict[str, Any]:
    """A share of 1 in the colours of its level, 0..1."""
    return {
        "text": percent(share),
        "paper": to_hex(sheet.SEQUENTIAL(level)),
        "ink": ink_on(level),
        "best": marked,
    }
