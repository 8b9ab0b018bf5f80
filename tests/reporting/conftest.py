"""Small images whose contents are known."""

import numpy as np
import pytest


@pytest.fixture
def moving():
    """(3, 4, 8, 8, 1): row 0 is a bar that walks right, row 1 one that walks down, row 2 stays."""
    images = np.full((3, 4, 8, 8, 1), 20, np.uint8)
    for step in range(4):
        images[0, step, :, 2 * step] = 220
        images[1, step, 2 * step, :] = 220
    images[2, :, 3:5, 3:5] = 120
    return images


def _texts(figure):
    """Every text on a page, in drawing order."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def _inside(figure):
    """Whether every text lies on the page."""
    figure.canvas.draw()
    page = figure.bbox
    return all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for axes in figure.axes
        for ticks in [[*axes.get_xticklabels(), *axes.get_yticklabels()] if axes.axison else []]
        for text in [*axes.texts, *ticks]
        for box in [text.get_window_extent()]
    )


def _overlapping(figure):
    """The pairs of texts that cover one another."""
    figure.canvas.draw()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for axes in figure.axes
        for text in axes.texts
        if text.get_text() and not text.get_rotation()
    ]
    return [
        (one, two)
        for index, (one, a) in enumerate(boxes)
        for two, b in boxes[index + 1 :]
        if a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
    ]


@pytest.fixture
def texts():
    return _texts


@pytest.fixture
def inside():
    return _inside


@pytest.fixture
def overlapping():
    return _overlapping
