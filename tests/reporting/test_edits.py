"""Images beside what becomes of them, still and in motion."""

import numpy as np
import pytest
from PIL import Image

from zoo.reporting import edits, edits_gif, to_array


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 4, 8, 8, 1), np.uint8)


def test_every_image_is_shown_as_it_is(images):
    page = to_array(edits(images, ["a", "b", "c", "d"], "What changed", "How to read it."))
    for row in images.reshape(-1, 8, 8):
        enlarged = row.repeat(12, 0).repeat(12, 1)
        found = np.lib.stride_tricks.sliding_window_view(page[..., 0], (12, 12))
        corners = (found == row[0, 0]).all(axis=(2, 3))
        assert any(
            (page[y : y + 96, x : x + 96, 0] == enlarged).all()
            for y, x in np.argwhere(corners)
            if y + 96 <= page.shape[0] and x + 96 <= page.shape[1]
        )


def test_other_images_and_headings_are_refused(images):
    with pytest.raises(ValueError, match="Expected images: uint8"):
        edits(images[0], ["a"], "")
    with pytest.raises(ValueError, match="Expected headings: 4 names"):
        edits(images, ["a"], "")


def test_edits_in_motion(images, tmp_path):
    path = edits_gif(images, tmp_path / "a.gif", "Moves", ends=("a long word", "B"))
    with Image.open(path) as gif:
        assert gif.n_frames == 6
    with pytest.raises(ValueError, match="at least 2 steps"):
        edits_gif(images[:, :1], tmp_path / "a.gif", "Moves")
