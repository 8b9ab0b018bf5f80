"""The page, the look, and the savers."""

import doctest
import re

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from zoo.reporting import reconstructions, save, sheet, to_array
from zoo.reporting.latents import telling, values_text
from zoo.reporting.plots import number


@pytest.fixture
def figure(moving):
    return reconstructions(moving[0], moving[1])


def test_to_array_is_the_page_in_rgb(figure):
    array = to_array(figure)
    assert array.dtype == np.uint8
    assert array.shape == (round(figure.bbox.height), round(figure.bbox.width), 3)
    assert (array[0] == 255).all()  # the margin
    assert (array == to_array(figure)).all()


def test_every_page_width_is_exact():
    # 57 / 100 * 100 is 56.99...: pages whose size is no whole number of pixels would lose one.
    for width in range(480, 700, 3):
        assert int(sheet.Sheet(width, 10, "").figure.bbox.width) == width


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_saved_images_are_enlarged_by_whole_numbers(figure, scale, tmp_path):
    path = save(figure, tmp_path / "deep" / "picture.png", scale=scale)
    with Image.open(path) as image:
        saved = np.asarray(image.convert("RGB"))
    small = to_array(figure)
    assert saved.shape == (small.shape[0] * scale, small.shape[1] * scale, 3)
    left, _, bottom, top = map(int, figure.axes[0].images[0].get_extent())
    assert bottom > top
    part = small[top:bottom, left : left + 96]
    here = saved[top * scale : bottom * scale, left * scale : (left + 96) * scale]
    assert (here == part.repeat(scale, 0).repeat(scale, 1)).all()


def test_the_same_picture_is_the_same_bytes(moving, tmp_path):
    one, two = (
        save(reconstructions(moving[0], moving[1]), tmp_path / name) for name in ("a.png", "b.png")
    )
    assert one.read_bytes() == two.read_bytes()


def test_a_failure_leaves_what_was_there(figure, tmp_path, monkeypatch):
    path = save(figure, tmp_path / "picture.png")
    before = path.read_bytes()

    def fill_the_disk(self, target, **_):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        save(figure, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["picture.jpg", "picture"])
def test_other_suffixes_are_refused(figure, name, tmp_path):
    with pytest.raises(ValueError, match=rf"ends in \.png.*{name}"):
        save(figure, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scale", [0, 1.5])
def test_other_scales_are_refused(figure, scale, tmp_path):
    message = f"scale: a whole number, 1 or more. Received: {scale}"
    with pytest.raises(ValueError, match=re.escape(message)):
        save(figure, tmp_path / "picture.png", scale=scale)


def test_a_users_settings_change_no_picture_and_stay(moving, tmp_path):
    plain = to_array(reconstructions(moving[0], moving[1]))
    saved = save(reconstructions(moving[0], moving[1]), tmp_path / "a.png").read_bytes()
    theirs = {
        "font.size": 30,
        "axes.grid": True,
        "image.cmap": "jet",
        "savefig.bbox": "tight",
        "savefig.facecolor": "red",
        "figure.facecolor": "black",
    }
    with matplotlib.rc_context(theirs):
        figure = reconstructions(moving[0], moving[1])
        assert (to_array(figure) == plain).all()
        assert save(figure, tmp_path / "b.png").read_bytes() == saved
        assert {name: matplotlib.rcParams[name] for name in theirs} == theirs


@pytest.mark.parametrize("example", [sheet.shorten, number, telling, values_text])
def test_examples_are_true(example):
    [found] = doctest.DocTestFinder().find(example, globs={**globals(), "shorten": sheet.shorten})
    assert found.examples
    assert doctest.DocTestRunner().run(found).failed == 0


def test_wrapped_lines_fit_and_lose_no_word():
    text = "one two three four five six seven eight nine ten"
    lines = sheet.wrap(text, 100, 12)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(sheet.text_width(line, 12) <= 100 for line in lines)
    assert sheet.wrap("", 100, 12) == []


def test_a_word_wider_than_the_page_is_cut():
    [line] = sheet.wrap("x" * 200, 100, 12)
    assert line.endswith("x…")
    assert sheet.text_width(line, 12) <= 100


def test_shorten_keeps_what_fits_and_always_the_tail():
    assert sheet.shorten("scale", 200, 12, " 9 %") == "scale 9 %"
    assert sheet.shorten("orientation", 60, 12, " 9 %").endswith("… 9 %")
    assert sheet.shorten("orientation", 1, 12, " 9 %") == "o… 9 %"


def test_long_titles_and_protocols_wrap_on_the_page(inside, overlapping, moving):
    figure = reconstructions(moving[0][:1], moving[0][:1], protocol="a long protocol " * 20)
    assert len(figure.axes[0].texts) > 6
    assert inside(figure)
    assert not overlapping(figure)


def test_averaging_down_keeps_the_light():
    images = np.random.default_rng(0).integers(0, 256, (2, 256, 200, 3), np.uint8)
    small = sheet.reduced(images)
    assert small.shape == (2, 128, 100, 3)
    assert small.dtype == np.uint8
    expected = np.rint(images[1, 2:4, 4:6].reshape(-1, 3).mean(axis=0))
    assert (small[1, 1, 2] == expected).all()
    assert sheet.reduced(small) is small
    assert sheet.reduced(np.zeros((1, 3, 1000, 1), np.uint8)).shape == (1, 1, 333, 1)


# SVG within a page


def test_an_svg_stands_within_a_page(figure):
    svg = sheet.to_svg(figure, "first")
    assert svg.startswith("<svg ")
    assert svg.rstrip().endswith("</svg>")
    head = svg.partition(">")[0]
    assert "viewBox=" in head
    assert "width=" not in head
    assert "height=" not in head
    assert "<metadata" not in svg.replace("<metadata>\n </metadata>", "")
    assert "DejaVu" not in svg
    assert "originals" in svg  # as text, not as outlines


def test_svgs_of_one_page_share_no_id(figure):
    first, second = (sheet.to_svg(figure, name) for name in ("first", "second"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, known in zip((first, second), ids, strict=True):
        used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
        assert {name for pair in used for name in pair if name} <= known
    assert first == sheet.to_svg(figure, "first")


def test_the_colours_of_an_svgs_page_are_variables(figure):
    svg = sheet.to_svg(figure, "a")
    assert "var(--ink)" in svg
    assert "var(--grey)" in svg
    assert not any(color in svg for color in sheet.PAGE.values())
