"""The table of a sweep."""

import csv
import html.parser
import math

import numpy as np
import pytest

from zoo.reporting import save, sheet
from zoo.reporting.sweep_table import write_csv, write_html
from zoo.reporting.sweeps import Entry

ENTRIES = [
    Entry(16.0, 0, {"reconstruction": 41.25, "mig": math.inf}, seconds=12.34, name="beta-16-seed0"),
    Entry(1, 1, {"reconstruction": 1 / 3, "mig": math.nan}, seconds=1234.0, name="beta-1-seed1"),
    Entry(1, 0, failed="The loss is <nan>, twice.", seconds=1.0, name="beta-1-seed0"),
    Entry(16.0, 1, name="beta-16-seed1"),
]


def test_the_csv_has_a_row_for_each_run_by_value_and_seed(tmp_path):
    path = write_csv(tmp_path / "table.csv", ENTRIES, "beta")
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [
        *("beta", "seed", "status", "reconstruction", "mig", "seconds", "run", "reason"),
    ]
    assert rows == [
        ["1", "0", "failed", "", "", "1.0", "beta-1-seed0", "The loss is <nan>, twice."],
        ["1", "1", "finished", "0.3333333333333333", "", "1234.0", "beta-1-seed1", ""],
        ["16", "0", "finished", "41.25", "inf", "12.34", "beta-16-seed0", ""],
        ["16", "1", "to do", "", "", "", "beta-16-seed1", ""],
    ]


class Page(html.parser.HTMLParser):
    """The cells of a page's table, and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.links, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [value for name, value in attributes if name in ("src", "href")]
        self.open.append(tag)

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if self.open[-1:] in (["td"], ["th"]):
            self.rows[-1][-1] += data


@pytest.fixture
def picture(tmp_path):
    return save(sheet.Sheet(600, 100, "Title").figure, tmp_path / "scores.png")


def written(tmp_path, entries=ENTRIES, **told):
    told = {"title": "beta_vae over beta", "settings": {"batch_size": 8}, **told}
    return write_html(tmp_path / "table.html", entries, "beta", **told).read_text("utf-8")


def test_the_page_has_the_same_rows_to_read(tmp_path):
    page = Page(written(tmp_path))
    assert page.rows == [
        ["beta", "seed", "status", "reconstruction", "mig", "seconds", "run"],
        ["1", "0", "failed", "The loss is <nan>, twice.", "1", "beta-1-seed0"],
        ["1", "1", "finished", "0.333", "", "1,234", "beta-1-seed1"],
        ["16", "0", "finished", "41.25", "∞", "12", "beta-16-seed0"],
        ["16", "1", "to do", "", "", "", "beta-16-seed1"],
    ]


def test_the_page_needs_nothing_else(tmp_path, picture):
    text = written(tmp_path, notes=["mig: 20 bins & more."], pictures={"The <scores>": picture})
    page = Page(text)
    icon, image = page.links
    assert icon == "data:,"
    assert image.startswith("data:image/png;base64,")
    assert 'width="600" alt="The &lt;scores&gt;"' in text
    assert "<p>mig: 20 bins &amp; more.</p>" in text
    assert "<dt>batch size</dt><dd>8</dd>" in text
    assert "://" not in text


def test_methods_keep_their_order(tmp_path):
    entries = [Entry(name, 0, {"kl": np.float64(1)}) for name in ("vae", "ada_gvae")]
    path = write_csv(tmp_path / "table.csv", entries, "method")
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == [
        "method",
        "vae",
        "ada_gvae",
    ]


def test_a_sweep_without_any_score_is_a_table_too(tmp_path):
    page = Page(written(tmp_path, [Entry(1, 0, failed="why")]))
    assert page.rows[1] == ["1", "0", "failed", "why", "", ""]


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_page_and_fetches_nothing(tmp_path, picture, browser, width, scheme):
    written(tmp_path, notes=["mig: 20 bins."], pictures={"Scores": picture})
    path = tmp_path / "table.html"
    shown = browser.open(path, width=width, prefers_color_scheme=scheme)
    assert shown.console == []
    assert shown.fetched == [path.as_uri()]
    assert shown.broken_images == []
    assert shown.overflow <= 0
    assert shown.all("tbody tr", "offsetHeight")
    paper = shown.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
