"""The animated traversal, read back through Pillow."""

import re

import numpy as np
import pytest
from PIL import Image

from zoo.reporting import traversal_gif

VALUES = [-3.0, -1.0, 1.0, 3.0]


def read(path):
    """(frames uint8 (n, H, W, 3), durations in milliseconds, loop)."""
    frames, durations = [], []
    with Image.open(path) as gif:
        for index in range(gif.n_frames):
            gif.seek(index)
            frames.append(np.asarray(gif.convert("RGB")))
            durations.append(gif.info["duration"])
        return np.stack(frames), durations, gif.info["loop"]


def sprites(rows, steps, side, channels):
    """Soft discs that move, grow or turn: what a decoder gives."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    images = np.zeros((rows, steps, side, side, channels))
    for row in range(rows):
        for step, t in enumerate(np.linspace(-1, 1, steps)):
            cx, cy, radius = [(t / 4, 0, 0.15), (0, t / 4, 0.15), (0, 0, 0.15 + t / 12)][row % 3]
            disc = 1 / (1 + np.exp((np.hypot(x - cx, y - cy) - radius) * 40))
            colors = np.array([1.0, 0.3 + row / 30, 0.5 + t / 2])[:channels]
            images[row, step] = disc[..., None] * colors + (channels == 3) * 0.2 * (
                1 - y[..., None]
            )
    return np.rint(images.clip(0, 1) * 255).astype(np.uint8)


def test_it_sweeps_there_and_back_without_end(moving, tmp_path):
    path = traversal_gif(moving, tmp_path / "a.gif", VALUES, milliseconds=80)
    frames, durations, loop = read(path)
    assert len(frames) == 6
    assert durations == [240, 80, 80, 240, 80, 80]  # the ends stay longer
    assert loop == 0
    assert (frames[1] == frames[5]).all()
    assert (frames[2] == frames[4]).all()
    assert not (frames[0] == frames[3]).all()


def test_each_latent_moves_in_its_own_place_and_the_rest_stands_still(moving, tmp_path):
    frames, _, _ = read(traversal_gif(moving, tmp_path / "a.gif", VALUES))
    changed = (frames != frames[0]).any(axis=(0, 3))
    # Three images of 8 x 8 enlarged 16 times, 20 pixels apart, 24 from the left.
    columns = [slice(24 + 148 * place, 24 + 148 * place + 128) for place in range(3)]
    top = np.flatnonzero(changed[:, columns[0]].any(axis=1))[0]
    rows = slice(top, top + 128)
    for place in (0, 1):
        for step in range(4):
            wanted = moving[place, step, ..., 0].repeat(16, 0).repeat(16, 1).astype(int)
            shown = frames[step][rows, columns[place]].astype(int)
            assert np.abs(shown - wanted[..., None]).max() <= 6  # 48 levels of grey
    assert not changed[rows, columns[2]].any()
    rest = changed.copy()
    for column in columns:
        rest[rows, column] = False
    knob = np.argwhere(rest)
    assert knob[:, 0].min() > rows.stop
    assert np.ptp(knob[:, 0]) < 16


def test_sorted_by_kl_and_labelled_as_the_grid_is(moving, tmp_path):
    plain, _, _ = read(traversal_gif(moving, tmp_path / "a.gif", kl=[1.0, 2.0, 0.0]))
    swapped, _, _ = read(
        traversal_gif(moving[[1, 0, 2]], tmp_path / "b.gif", kl=[2.0, 1.0, 0.0], latents=[1, 0, 2])
    )
    assert (plain == swapped).all()


def test_colours_of_the_page_are_exact_and_those_of_images_near(tmp_path):
    images = sprites(3, 3, 32, 3)
    frames, _, _ = read(traversal_gif(images, tmp_path / "a.gif"))
    assert (frames[:, :10] == 255).all()
    assert (frames[0] == [0, 114, 178]).all(axis=-1).sum() > 80  # the knob
    tile = images[0, 0].repeat(4, 0).repeat(4, 1).astype(int)
    heights = range(100, frames.shape[1] - 128)
    errors = [np.abs(frames[0, y : y + 128, 24 : 24 + 128] - tile).mean() for y in heights]
    assert min(errors) < 5


@pytest.mark.parametrize("channels", [1, 3])
def test_ten_latents_of_64_pixels_are_a_small_file(channels, tmp_path):
    path = traversal_gif(sprites(10, 11, 64, channels), tmp_path / "a.gif", np.linspace(-3, 3, 11))
    assert path.stat().st_size < 500_000
    frames, _, _ = read(path)
    assert len(frames) == 20
    assert frames.shape[2] <= 900


@pytest.mark.parametrize(("rows", "side"), [(1, 8), (2, 32), (11, 16), (32, 8), (2, 300)])
def test_every_size_is_laid_out(rows, side, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (rows, 2, side, side, 1), np.uint8)
    frames, _, _ = read(traversal_gif(images, tmp_path / "a.gif"))
    assert len(frames) == 2
    assert 480 <= frames.shape[2] <= 900


def test_a_failure_leaves_what_was_there(moving, tmp_path, monkeypatch):
    path = traversal_gif(moving, tmp_path / "a.gif")
    before = path.read_bytes()

    def fill_the_disk(self, target, **_):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        traversal_gif(moving, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "a.png"}, "ends in .gif"),
        ({"milliseconds": 15}, "milliseconds: 20, 30, 40, ... Received: 15."),
        ({"milliseconds": 10}, "milliseconds: 20, 30, 40, ... Received: 10."),
        ({"images": np.zeros((2, 1, 8, 8, 1), np.uint8)}, "at least 2 steps to move. Received: 1."),
        ({"images": np.zeros((2, 8, 8, 1), np.uint8)}, "Received: uint8 of shape (2, 8, 8, 1)"),
        ({"values": [1.0]}, "values: 4 numbers, one for each step"),
        ({"kl": [1.0]}, "kl: 3 numbers, one for each row"),
        ({"factors": ["x"]}, "together, or neither. Received: only factors."),
    ],
)
def test_wrong_arguments_are_refused(moving, changes, message, tmp_path):
    arguments = {"images": moving, "path": "a.gif", **changes}
    arguments["path"] = tmp_path / arguments["path"]
    with pytest.raises(ValueError, match=re.escape(message)):
        traversal_gif(**arguments)
    assert not list(tmp_path.iterdir())
