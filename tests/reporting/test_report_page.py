"""The report in a real browser, offline: nothing fails, nothing is fetched, everything shows."""

import itertools

import pytest

from tests.reporting.conftest import compared_arrays, drawn_arrays
from zoo.reporting.report import report

SECTIONS = {
    "Scores",
    "Curves",
    "Reconstructions",
    "Traversals",
    "Information",
    "Settings",
    "Environment",
    "Repeat",
}
X = "return new DOMMatrix(getComputedStyle(document.querySelector('.window img')).transform).e"


@pytest.fixture
def page(make_run, tmp_path, browser):
    """Opens the report of so many runs."""

    def opened(count=1, **options):
        name = "a name of some length & more, <b>"
        evaluation = {"sap": 0.1, "gaussian_total_correlation": 0.5}
        latents = drawn_arrays(latents=10)
        runs = [
            make_run(f"{name} {i}", {"seed": i}, evaluation=evaluation, drawn=latents)
            for i in range(count)
        ]
        path = tmp_path / "report & <more>.html"
        path.write_text(report(runs))
        return browser.open(path, **options)

    return opened


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("count", [1, 3])
def test_all_is_shown_and_nothing_is_fetched(page, tmp_path, count, width):
    shown = page(count, width=width)
    assert shown.console == []
    assert shown.fetched == [(tmp_path / "report & <more>.html").as_uri()]
    assert shown.overflow <= 0
    assert shown.broken_images == []
    assert set(shown.all("h2")) == SECTIONS | ({"Runs"} if count > 1 else set())
    assert all(height > 0 for height in shown.all("section", "offsetHeight"))
    assert len(shown.all("img")) == 1 + count * (1 + 10)
    assert all(height > 100 for height in shown.all(".chart svg", "clientHeight"))
    assert len(shown.all(".chart svg")) == 4


@pytest.mark.parametrize("width", [1200, 390])
def test_a_run_that_compares_views_is_shown_whole(make_run, tmp_path, browser, width):
    counts = [[9, 1], [2, 8]]
    runs = [make_run("moco", mig=None, drawn=compared_arrays(), confusion=counts), make_run("vae")]
    path = tmp_path / "report.html"
    path.write_text(report(runs))
    shown = browser.open(path, width=width)
    assert shown.console == []
    assert shown.fetched == [path.as_uri()]
    assert shown.overflow <= 0
    assert shown.broken_images == []
    own = {"Views", "Codes", "Neighbours", "Confusion", "Similarities", "Correlations"}
    assert set(shown.all("h2")) == SECTIONS | own | {"Runs"}
    assert all(height > 0 for height in shown.all("section", "offsetHeight"))
    assert all(side > 60 for side in shown.all(".near img", "clientWidth"))
    assert all(width >= 480 for width in shown.all(".plane svg", "clientWidth"))
    assert shown.all(".matrix", "clientWidth")[0] > 300
    drawn = "return document.querySelector('.plane image').getBoundingClientRect().width"
    assert shown.run(drawn) > 100  # the points, an image within the picture


def test_the_words_of_codes_are_legible_by_night(make_run, tmp_path, browser):
    path = tmp_path / "report.html"
    path.write_text(report([make_run("moco", mig=None, drawn=compared_arrays())]))
    text = "return getComputedStyle(document.querySelector('.plane text')).fill"
    assert browser.open(path, prefers_color_scheme="light").run(text) == "rgb(34, 38, 43)"
    assert browser.open(path, prefers_color_scheme="dark").run(text) == "rgb(231, 233, 236)"


def test_the_console_and_the_fetches_are_heard(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text(
        "<title>bad</title><img alt=gone src=gone.png><script>console.error('heard')</script>"
        "<body style='margin: 0; width: 2000px'><img alt=far src=https://example.com/far.png>"
    )
    shown = browser.open(path)
    console = shown.console
    assert any("heard" in message for message in console)
    assert any("gone.png" in message for message in console)
    assert any("ERR_NAME_NOT_RESOLVED" in message for message in console)
    assert "https://example.com/far.png" in shown.fetched
    assert shown.broken_images == ["gone", "far"]
    assert shown.overflow == 800


def test_traversals_move_and_can_be_held_still(page):
    shown = page()
    moving = "return document.getAnimations().filter(a => a.playState === 'running').length"
    assert shown.run(moving) == 10 + 1  # latents, and the knob that says where they are
    script = "document.getAnimations().forEach(a => { a.pause(); a.currentTime = arguments[0] })"
    width = shown.run("return document.querySelector('.window').clientWidth")
    places = []
    for time in (0, 150, 690, 710, 1390):  # there in 5 frames of 140 ms, and back
        shown.run(script, time)
        places.append(shown.run(X) / -width)
    assert places == [0, 1, 4, 4, 0]
    shown.click("label[for=still]")
    assert shown.run(moving) == 0
    strips = zip(
        shown.all(".window", "clientWidth"), shown.all(".window img", "width"), strict=True
    )
    assert all(window == strip == 5 * width for window, strip in strips)
    assert shown.console == []


def test_who_asked_for_no_motion_sees_none(page):
    shown = page(prefers_reduced_motion="reduce")
    assert shown.run("return document.getAnimations().length") == 0
    assert shown.run("return document.querySelector('#still').checkVisibility()") is False
    narrow = page(width=390, prefers_reduced_motion="reduce")
    assert narrow.overflow <= 0


def test_a_dark_page_is_dark_and_its_charts_are_legible(page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    text = "return getComputedStyle(document.querySelector('.chart text')).fill"
    light = page(prefers_color_scheme="light")
    assert (light.run(paper), light.run(text)) == ("rgb(255, 255, 255)", "rgb(107, 113, 120)")
    dark = page(prefers_color_scheme="dark")
    assert (dark.run(paper), dark.run(text)) == ("rgb(21, 24, 28)", "rgb(165, 173, 182)")


def test_every_image_and_chart_has_words_and_every_header_a_scope(page):
    shown = page(3)
    assert all(shown.all("img", "alt"))
    assert all(shown.all(".chart", "ariaLabel"))
    assert all(scope in ("row", "col") for scope in shown.all("th", "scope"))
    levels = [int(tag[1]) for tag in shown.all("h1, h2, h3", "tagName")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    roles = shown.all(".wide", "tabIndex")
    assert roles
    assert set(roles) == {0}
