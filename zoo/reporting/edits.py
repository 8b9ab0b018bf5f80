"""Images beside what becomes of them when their codes are changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from matplotlib.figure import Figure

from zoo.reporting import checks, sheet
from zoo.reporting.figures import Headings

_GAP, _SPACE = 4, 14  # between images, and between groups of them


@sheet.look()
def edits(
    images: Any,
    headings: Sequence[str],
    title: str,
    subtitle: str = "",
    apart: Collection[int] = (1, 2),
    protocol: str | None = None,
) -> Figure:
    """Images in rows, each with what becomes of it: original, decoded, edited.

    Args:
        images: uint8 (N, K, H, W, C), C = 1 or 3: K of each row.
        headings: K names, above the columns.
        title: Says what one sees; "" leaves all words but the headings out.
        subtitle: How to read it.
        apart: The columns before which a space stands.
        protocol: Of what images, beneath the picture.

    Returns:
        The figure, enlarged by a whole number without smoothing (images over 128 pixels a side are
        averaged down).

    Raises:
        ValueError: If an argument has the wrong rank, dtype or length.

    Example:
        >>> columns = np.stack([originals, decoded, edited], axis=1)
        >>> save(edits(columns, ["original", "decoded", "edited"], "One latent moved"), "edit.png")
    """
    images = checks.images("images", images, "rows, columns")
    rows, across = images.shape[:2]
    headings = checks.names("headings", headings, across, "column of the images")
    images = sheet.reduced(images)
    height, width = images.shape[2:4]
    room = sheet.WIDTH - 2 * sheet.MARGIN - len(apart) * _SPACE
    scale = sheet.scaling(images.shape[2:], across, room, _GAP)
    pitch, rise = width * scale + _GAP, height * scale + _GAP
    heads = Headings(headings, pitch)
    page = sheet.Sheet(
        2 * sheet.MARGIN + across * pitch - _GAP + len(apart) * _SPACE + heads.overhang,
        heads.height + rows * rise - _GAP,
        title,
        subtitle if title else "",
        protocol,
    )
    top = page.top + heads.height
    for place in range(across):
        left = page.left + place * pitch + _SPACE * sum(place >= column for column in apart)
        heads.write_one(page, place, left + (pitch - _GAP) / 2, top)
        for row, image in enumerate(images[:, place]):
            page.image(image, left, top + row * rise, scale)
    return page.figure
