"""The report's HTML, read without a browser; test_report_page.py looks at it in one."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.reporting.conftest import compared_arrays, drawn_arrays
from zoo.reporting import report as module
from zoo.reporting.drawn import Drawn
from zoo.reporting.report import report
from zoo.runs import Run
from zoo.sweeps import Outcome, SweepFolder, Trial

VOID = {"meta", "link", "img", "input", "br", "wbr"}
SECTIONS = ["scores", "curves", "reconstructions", "traversals", "information", "settings"]
SECTIONS += ["environment", "repeat"]
DASH = "\N{EN DASH}"
POLICY = "Content-Security-Policy"


class Tree(HTMLParser):
    """Elements in order as (tag, attributes, text), and whether each is closed where it should."""

    def __init__(self, html):
        super().__init__()
        self.html, self.elements, self.open, self.wrong = html, [], [], []
        self.feed(html)
        self.wrong += self.open

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()[0] != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag, **attributes):
        wanted = attributes.items()
        return [
            (attrs, " ".join(text.split()))
            for name, attrs, text in self.elements
            if name == tag and all(attrs.get(k.rstrip("_")) == v for k, v in wanted)
        ]

    def texts(self, tag, **attributes):
        return [text for _, text in self.all(tag, **attributes)]

    def section(self, name):
        return self.texts("section", id=name)[0]


def read(runs, **options):
    return Tree(report(runs, **options))


@pytest.fixture(autouse=True)
def drawn_in_full(request, monkeypatch):
    """Draws the charts where a test is about them; elsewhere an empty one stands for each."""
    if "charts" not in request.fixturenames:
        monkeypatch.setattr(module, "overlay", lambda lines, score: None)
        monkeypatch.setattr(module.sheet, "to_svg", lambda figure, name: "<svg></svg>")


@pytest.fixture
def charts():
    """Asks for charts."""


@pytest.fixture
def three(make_run):
    return [
        make_run(f"beta-{beta:g}", {"hyperparameters": {"beta": beta}}, mig)
        for beta, mig in ((1.0, 0.125), (4.0, 0.5), (16.0, 0.25))
    ]


# The page as a whole


@pytest.mark.parametrize("count", [1, 3])
def test_every_section_is_there_and_every_element_closed(charts, three, count):
    tree = read(three[:count])
    assert tree.wrong == []
    several = ["runs"] if count > 1 else []
    assert [attrs["id"] for attrs, _ in tree.all("section")] == several + SECTIONS
    linked = {attrs["href"] for attrs, _ in tree.all("a")}
    assert linked == {f"#{name}" for name in several + SECTIONS}
    assert len(tree.all("h1")) == 1
    assert tree.all("html")[0][0]["lang"] == "en"


@pytest.mark.parametrize("count", [1, 3])
def test_every_id_is_the_only_one_and_every_reference_leads_somewhere(charts, three, count):
    html = report(three[:count])
    ids = [attrs["id"] for _, attrs, _ in Tree(html).elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"', html)
    assert {name for names in named for name in names if name} <= set(ids)


def test_the_page_needs_nothing_beside_it(charts, three):
    html = report(three)
    tree = Tree(html)
    assert not tree.all("script")
    assert not re.search(r"\son\w+=", html)
    for _, attrs, _ in tree.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert attrs.get(name, "#").startswith(("#", "data:")), attrs
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    (policy,) = [a["content"] for a, _ in tree.all("meta", **{"http-equiv": POLICY})]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_equal_runs_are_equal_pages(charts, three):
    assert report(three) == report(three)


def test_a_page_costs_no_tensorflow(three):
    script = """if True:
        import sys
        from zoo.reporting.report import report
        from zoo.runs import Run
        report([Run(path) for path in sys.argv[1:]])
        assert not {"tensorflow", "keras"} & set(sys.modules)
    """
    paths = [str(run.path) for run in three]
    subprocess.run([sys.executable, "-c", script, *paths], check=True)


def test_what_users_named_is_escaped(charts, make_run):
    name = """<script>alert("1")</script> & 'quoted'"""
    evil = make_run(
        name.replace("/", "\N{DIVISION SLASH}"),
        {"data": f"folder:{name}", "hyperparameters": {"beta": 2.0, "<b>": '"><img src=x>'}},
        protocol={"data": "</td><iframe>"},
    )
    drawn = module.Drawn.load(evil.pictures / "drawn.npz")
    odd = Drawn(**{**vars(drawn), "factors": np.array(["<i>", "a&b"]), "protocol": "<u>"})
    odd.save(evil.pictures / "drawn.npz")
    evil.write("history", {**evil.read("history"), "<s>x</s>": [1.0, 2.0, 3.0]})
    for runs in ([evil], [evil, make_run()]):
        tree = read(runs, left_out=["<marquee>"])
        assert tree.wrong == []
        tags = {tag for tag, _, _ in tree.elements}
        assert not tags & {"script", "iframe", "i><", "u", "s", "marquee", "b>"}
        assert "<i>" in tree.section("information")
        assert "a&b" in tree.section("traversals")
        assert """alert("1")""" in tree.texts("title")[0] + tree.section("repeat")
        assert all(not a["src"].startswith("x") for a, _ in tree.all("img"))


def test_no_runs_are_refused():
    with pytest.raises(ValueError, match=r"at least one run to report on\. Received: none\."):
        report([])


# What it says of one run, and of several


def test_one_run_is_told_by_its_name_and_last_values(make_run):
    tree = read([make_run("a run")])
    assert tree.texts("h1") == ["a run"]
    said = "beta_vae · dsprites · 737,280 images · 300 steps · 16 images a step · seed 0"
    assert said in tree.texts("header")[0]
    shown = "60.12loss 52.5reconstruction 2.5kl 0.250mig"
    assert tree.texts("ul", class_="tiles") == [shown]


def test_several_runs_are_told_by_what_they_share(make_run):
    first, second = make_run("a"), make_run("b")
    assert read([first, second]).texts("h1") == ["2 runs of beta_vae on dsprites"]
    other = make_run("c", {"method": "vae", "data": "digits", "image_size": None})
    tree = read([first, other])
    assert tree.texts("h1") == ["2 runs"]
    assert "300 steps" in tree.texts("header")[0]


def test_runs_of_one_name_are_told_apart(make_run):
    runs = [make_run("x/seed0"), make_run("y/seed0"), make_run("y/seed1")]
    named = [run.name for run in shown(runs)]
    assert named == ["x/seed0", "y/seed0", "y/seed1"]


def shown(runs):
    names = module._names(runs)
    return [
        module.Shown.read(run, name, i)
        for i, (run, name) in enumerate(zip(runs, names, strict=True))
    ]


def test_no_two_of_24_runs_are_drawn_alike(make_run):
    run = make_run()
    strokes = {
        (part.color, part.dashes) for part in (module.Shown.read(run, "", i) for i in range(24))
    }
    assert len(strokes) == 24


def test_settings_that_differ_are_a_table_and_all_are_folded(three):
    tree = read(three)
    assert table(tree, "runs") == [
        ["run", "beta"],
        ["beta-1", "1.0"],
        ["beta-4", "4.0"],
        ["beta-16", "16.0"],
    ]
    folded = tree.texts("details")[0]
    assert folded.startswith("All settings")
    assert "latent_size3" in folded
    assert "learning_rate0.001" in folded


def table(tree, section, which=0):
    """The cells of a section's table, row by row."""
    inside = re.search(rf'<section id="{section}".*?</section>', tree.html, re.DOTALL)[0]
    found = re.findall(r"<table.*?</table>", inside, re.DOTALL)[which]
    lines = re.findall(r"<tr>.*?</tr>", found, re.DOTALL)
    return [
        [Tree(cell).texts(kind)[0] for cell, kind in re.findall(r"(<(t[hd])\b.*?</\2>)", line)]
        for line in lines
    ]


def test_equal_settings_are_said_to_be(make_run):
    tree = read([make_run("a"), make_run("b")])
    assert "No setting differs between these runs." in tree.section("runs")


def test_methods_with_other_arguments_stand_side_by_side(make_run):
    vae = make_run("vae", {"method": "vae", "hyperparameters": {}})
    settings = table(read([make_run("beta"), vae]), "runs")
    assert settings == [["run", "method", "beta"], ["beta", "beta_vae", "4.0"], ["vae", "vae", ""]]


def test_the_environment_names_versions_and_seeds(make_run):
    first, second = make_run("a"), make_run("b", {"seed": 3})
    config = second.config
    config["versions"]["keras"] = "3.16.0"
    second.write("config", config)
    assert table(read([first, second]), "environment") == [
        ["", "a", "b"],
        ["seed", "0", "3"],
        ["python", "3.11.7"],
        ["keras", "3.15.1", "3.16.0"],
    ]


def test_commands_repeat_the_runs_and_name_no_folder_of_the_machine(make_run, tmp_path):
    run = make_run("my run", {"data": f"folder:{tmp_path}/my photos"})
    html = report([run])
    assert str(tmp_path) not in html
    (command,) = Tree(html).texts("code")[-2:-1]
    assert command == (
        "zoo train beta_vae --data 'folder:my photos' --image-size 32 --steps 300 --epochs 3 "
        "--batch-size 16 --learning-rate 0.001 --optimizer adam --weight-decay 0.0 "
        "--schedule constant --warmup-steps 0 --precision float32 --seed 0 --samples 10000 "
        "--set beta=4.0 --out 'my run'"
    )


def test_runs_that_were_left_out_are_named(three):
    tree = read(three, left_out=["sweep/runs/4 has not finished"])
    assert "Left out: sweep/runs/4 has not finished" in tree.texts("header")[0]


# Scores


def test_the_best_of_a_score_is_marked(three):
    (header, mig) = table(read(three), "scores")
    assert header == ["score", "beta-1", "beta-4", "beta-16", "protocol"]
    assert mig == [
        "mig", "0.1250", "0.5000 best", "0.2500", "data dsprites, 100 samples, 20 bins, seed 0",
    ]  # fmt: skip


def test_scores_under_other_protocols_are_not_compared(make_run):
    runs = [make_run("a", mig=0.5), make_run("b", mig=0.25), make_run("c", mig=0.75)]
    scores = runs[2].read("scores")
    scores["mig"]["protocol"]["samples"] = 50
    runs[2].write("scores", scores)
    tree = read(runs)
    assert [row[:4] for row in table(tree, "scores")[1:]] == [
        ["migprotocols differ", "0.5000 best", "0.2500", DASH],
        ["migprotocols differ", DASH, DASH, "0.7500"],
    ]
    assert "those of different rows cannot" in tree.section("scores")
    assert "those of different rows cannot" not in read(runs[:2]).section("scores")


def test_another_seed_is_another_draw_and_no_other_protocol(make_run):
    runs = [make_run("a", mig=0.5), make_run("b", mig=0.25, protocol={"seed": 7})]
    (_, row) = table(read(runs), "scores")
    assert row == [
        "mig",
        "0.5000 best",
        "0.2500",
        "data dsprites, 100 samples, 20 bins, seeds 0, 7",
    ]


def test_evaluations_stand_beside_the_scores(make_run):
    values = {"loss": 60.5, "reconstruction": 50.25, "kl": 2.0, "sap": 0.0625}
    other = {**values, "reconstruction": 48.5, "gaussian_total_correlation": 1.5, "active_units": 3}
    runs = [make_run("a", evaluation=values), make_run("b", evaluation=other)]
    assert [row[:3] for row in table(read(runs), "scores", which=1)[1:]] == [
        ["loss", "60.5", "60.5"],  # under two objectives the loss says nothing
        ["reconstruction", "50.25", "48.5 best"],
        ["kl", "2", "2"],
        ["sap", "0.0625 best", "0.0625 best"],
        ["gaussian_total_correlation", DASH, "1.5000"],
        ["active_units", DASH, "3.0000"],
    ]
    assert "More scores: zoo evaluate RUN" in read([make_run("c")]).section("scores")


@pytest.mark.parametrize(
    ("name", "best"),
    [("gaussian_total_correlation", "1.0000 best"), ("active_units", None), ("sap", "2.0000 best")],
)
def test_which_way_is_better(make_run, name, best):
    runs = [make_run("a", evaluation={name: 1.0}), make_run("b", evaluation={name: 2.0})]
    row = table(read(runs), "scores", which=1)[1]
    assert [cell for cell in row if "best" in cell] == ([best] if best else [])


def test_reconstructions_of_other_images_are_not_ranked(make_run):
    runs = [make_run("a", evaluation={"reconstruction": 5.0})]
    runs += [make_run("b", evaluation={"reconstruction": 4.0})]
    config = runs[1].config
    config["data"]["size"] = [64, 64]
    runs[1].write("config", config)
    assert table(read(runs), "scores", which=1)[1][1:3] == ["5", "4"]


def test_the_scores_of_many_runs_are_a_row_a_run(make_run):
    runs = [make_run(f"run{i}", {"seed": i}, mig=i / 8, protocol={"seed": i}) for i in range(6)]
    scores = table(read(runs), "scores")
    assert scores[:2] == [
        ["run", "mig"],
        ["protocol", "data dsprites, 100 samples, 20 bins, seeds 0, 1, 2, 3, 4, 5"],
    ]
    assert scores[2] == ["run0", "0.0000"]
    assert scores[-1] == ["run5", "0.6250 best"]
    evaluated = [make_run("a", evaluation={"sap": 0.5})]
    assert table(read([*evaluated, *runs]), "scores", which=1)[2:4] == [
        ["a", "0.5000"],
        ["run0", DASH],
    ]


def test_infinity_is_a_value(make_run):
    runs = [make_run("a", mig=float("inf")), make_run("b", mig=0.25)]
    page = read(runs)
    assert table(page, "scores")[1][1:3] == ["∞", "0.2500"]


def test_nan_is_no_best(make_run):
    runs = [make_run("a", mig=float("nan")), make_run("b", mig=0.25), make_run("c", mig=0.125)]
    assert table(read(runs), "scores")[1][1:4] == [DASH, "0.2500 best", "0.1250"]


def test_a_run_without_factors_says_so(make_run):
    plain = make_run("plain", mig=None, drawn=drawn_arrays(factors=False))
    tree = read([plain])
    assert (
        "There are no scores: the data have neither known factors nor class labels."
        in tree.section("scores")
    )
    assert "information" not in [attrs["id"] for attrs, _ in tree.all("section")]
    assert tree.texts("h3")[0] == "Loss and its terms"
    assert "Scores" not in tree.texts("h3")
    beside = read([make_run("known"), plain])
    assert "plain: The data have no known factors." in beside.section("information")
    assert "plain: There are no scores" in beside.section("scores")
    assert "known: There are no scores" not in beside.section("scores")


# Curves and pictures


def test_each_quantity_is_one_chart_with_all_runs(charts, three):
    tree = read(three)
    charts = [attrs["aria-label"] for attrs, _ in tree.all("div", class_="chart")]
    assert [chart.split()[0] for chart in charts] == ["loss", "reconstruction", "kl", "mig"]
    assert charts[3] == "mig over steps. Last: beta-1 0.125; beta-4 0.500; beta-16 0.250"
    html = tree.html
    for color in module.COLOURS[:3]:
        assert html.count(f"stroke: {color}") >= 4


def test_a_chart_shows_the_runs_that_have_it(make_run):
    run = make_run("annealed")
    run.write("history", {**run.read("history"), "capacity": [0.0, 5.0, 10.0]})
    charts = read([make_run("plain"), run]).all("div", class_="chart")
    assert [a["aria-label"] for a, _ in charts][3] == "capacity over steps. Last: annealed 10"


def test_a_run_of_one_epoch_has_its_curves(charts, make_run):
    tree = read([make_run(settings={"steps": 100, "epochs": 1})])
    assert len(tree.all("div", class_="chart")) == 4


def test_runs_on_the_same_images_share_the_originals(make_run):
    runs = [
        make_run("a", drawn=drawn_arrays(shade=10)),
        make_run("b", drawn=drawn_arrays(shade=20)),
    ]
    alts = [a["alt"] for a, _ in read(runs).all("img")]
    assert alts[:3] == [
        "4 original images, side by side",
        "Their reconstructions by a",
        "Their reconstructions by b",
    ]
    other = drawn_arrays()
    other = Drawn(**{**vars(other), "originals": 255 - other.originals})
    alts = [a["alt"] for a, _ in read([runs[0], make_run("c", drawn=other)]).all("img")]
    assert alts[:4:2] == ["4 original images, side by side"] * 2


def test_a_traversal_is_a_strip_a_latent_most_informative_first(make_run):
    tree = read([make_run()])
    strips = [a["alt"] for a, _ in tree.all("img") if "z" in a["alt"]]
    ends = "from \N{MINUS SIGN}2 to +2"
    assert strips == [f"z1 · KL 2.25 of run {ends}", f"z0 · KL 0.50 of run {ends}",
                      f"z2 · KL 0.00 of run {ends}"]  # fmt: skip
    captions = tree.texts("figcaption")[-3:]
    assert captions == [
        "z1 · KL 2.25shape 31 %",
        "z0 · KL 0.50x_position 62 %",
        "z2 · KL 0.00unused",
    ]


def test_pictures_are_the_pixels_of_the_run(make_run):
    run = make_run()
    pictures = [pixels(a["src"]) for a, _ in read([run]).all("img")]
    arrays = Drawn.load(run.pictures / "drawn.npz")
    expected = [arrays.originals, arrays.reconstructions, *arrays.traversal[[1, 0, 2]]]
    for picture, images in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture, np.hstack(list(images[..., 0])))


def test_information_is_a_table_with_its_largest_shares_marked(make_run):
    tree = read([make_run()])
    assert table(tree, "information") == [
        ["", "shape", "x_position"],
        ["z0", "2 %", "62 %"],
        ["z1", "31 %", "0 %"],
        ["z2", "0 %", "0 %"],
    ]
    inside = re.search(r'<section id="information".*?</section>', tree.html, re.DOTALL)[0]
    assert Tree(inside).texts("strong") == ["62 %", "31 %"]
    assert "100 samples, 20 bins, seed 0" in tree.section("information")


def test_of_many_dimensions_those_that_hold_most_are_in_the_table(make_run):
    arrays = drawn_arrays(latents=40)
    arrays.information[:] = np.stack([np.arange(40), 39 - np.arange(40)], axis=1) / 100
    tree = read([make_run(drawn=arrays)])
    rows = [row[0] for row in table(tree, "information")[1:]]
    assert rows == [f"z{i}" for i in range(40) if not 16 <= i < 24]
    assert "seed 0; of 40 dimensions the 32 that hold most" in tree.section("information")


def test_a_factor_of_one_value_has_no_share(make_run):
    arrays = drawn_arrays()
    arrays.information[:, 0] = np.nan
    cells = table(read([make_run(drawn=arrays)]), "information")
    assert [row[1] for row in cells[1:]] == [DASH] * 3


def sections(tree):
    return [attrs["id"] for attrs, _ in tree.all("section")]


def test_a_page_has_sections_for_what_its_runs_have(make_run):
    known = drawn_arrays()
    encoder = Drawn(factors=known.factors, information=known.information, protocol="p")
    tree = read([make_run(drawn=encoder)])
    rest = ["settings", "environment", "repeat"]
    assert sections(tree) == ["scores", "curves", "information", *rest]
    assert {attrs["href"] for attrs, _ in tree.all("a")} == {f"#{name}" for name in sections(tree)}
    assert "62 %" in tree.section("information")
    beside = read([make_run("whole"), make_run("encoder", drawn=encoder)])
    for name in ("reconstructions", "traversals"):
        assert beside.section(name).endswith("encoder: The method does not decode.")


@pytest.mark.parametrize("several", [False, True])
def test_a_run_that_compares_views_has_its_own_sections(charts, make_run, several):
    run = make_run("moco", {"method": "moco"}, mig=None, drawn=compared_arrays())
    tree = read([run, make_run("vae")] if several else [run])
    own = ["views", "codes", "neighbours", "similarities", "correlations"]
    rest = ["settings", "environment", "repeat"]
    decoded = ["reconstructions", "traversals", "information"] if several else []
    start = ["runs", "scores", "curves"] if several else ["scores", "curves"]
    assert sections(tree) == [*start, *decoded, *own, *rest]
    assert tree.wrong == []
    ids = [attrs["id"] for _, attrs, _ in tree.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for name in own:
        assert ("moco" in tree.section(name)) == several
    assert "vae: The method" not in tree.section("views")
    assert report([run]) == report([run])


def test_views_are_strips_of_the_runs_own_pixels(make_run):
    run = make_run(drawn=compared_arrays())
    tree = read([run])
    strips = [(a["alt"], a["src"]) for a, _ in tree.all("img") if "side by side" in a["alt"]]
    labels = ("originals", "first view", "second view")
    for (alt, source), label, images in zip(strips, labels, compared_arrays().views, strict=True):
        assert alt == f"{label}: 4 images of run, side by side"
        np.testing.assert_array_equal(pixels(source), np.hstack(list(images[..., 0])))
    assert tree.section("views").endswith("Views digits, seed 0.")


def test_neighbours_say_their_class_and_who_is_of_another(make_run):
    tree = read([make_run(drawn=compared_arrays())])
    assert "Orange: of another class, 17 % of them." in tree.section("neighbours")
    assert "Among 20 held-out images of digits, seed 0." in tree.section("neighbours")
    cells = [a["alt"] for a, _ in tree.all("img") if a["alt"].startswith(("query", "neighbour"))]
    assert cells[:4] == [
        "query, cat", "neighbour 1, cat", "neighbour 2, dog, of another class", "neighbour 3, cat",
    ]  # fmt: skip
    assert len(tree.all("figure", class_="query")) == 2
    assert tree.texts("figure", class_="other") == ["dog"]


def test_neighbours_without_classes_say_their_cosine(make_run):
    tree = read([make_run(drawn=compared_arrays(classes=False))])
    assert tree.texts("figcaption")[-8:] == [
        *("", "0.90", "0.80", "0.75"),
        *("", "0.50", "0.25", "\N{MINUS SIGN}0.12"),
    ]
    assert not tree.all("figure", class_="other")


def test_codes_and_similarities_are_drawn_on_the_page(charts, make_run):
    html = report([make_run(drawn=compared_arrays())])
    tree = Tree(html)
    assert "PC 1: 50.0 % of the variance" in tree.section("codes")
    assert "dog" in tree.section("codes")
    assert "two views of one image: 0.75 in the median, 9 pairs" in tree.section("similarities")
    says = "Median cosine of two views of one image 0.75, of views of other classes -0.50"
    assert len(tree.all("div", **{"aria-label": says.replace("-", "\N{MINUS SIGN}")})) == 1
    assert html.count('xlink:href="data:image/png') + html.count('href="data:image/png') >= 1


def test_correlations_are_an_image_of_their_signs(make_run):
    tree = read([make_run(drawn=compared_arrays())])
    [(attributes, _)] = tree.all("img", class_="matrix")
    assert attributes["alt"] == "Correlation matrix of run. 2 x 2 dimensions."
    shown = pixels(attributes["src"]).astype(int)
    assert shown.shape == (2, 2, 3)
    assert shown[0, 0, 2] > shown[0, 0, 0]  # blue
    assert shown[0, 1, 0] > shown[0, 1, 2]  # orange
    without = read([make_run("b", drawn=compared_arrays(correlation=False))])
    assert "correlations" not in sections(without)


def test_what_a_probe_took_for_what_is_a_table(make_run):
    tree = read([make_run(confusion=[[3, 1], [0, 0]])])
    assert table(tree, "confusion") == [
        ["", "class 0", "class 1"],
        ["class 0", "75 %", "25 %"],
        ["class 1", DASH, DASH],
    ]
    words = (
        "Right: 75.0 % of 4. Mistaken most: class 0 for class 1 (25 %). data digits, 30 samples."
    )
    assert words in tree.section("confusion")
    assert "#confusion" in {attrs["href"] for attrs, _ in tree.all("a")}
    assert "confusion" not in sections(read([make_run("b")]))


def test_what_a_probe_took_for_what_of_many_classes_is_a_picture(charts, make_run):
    counts = np.eye(30, dtype=int) + 1
    tree = read([make_run(confusion=counts.tolist())])
    assert tree.wrong == []
    assert "<table" not in re.search(r'<section id="confusion".*?</section>', tree.html, re.S)[0]
    assert "answer, 0 to 29" in tree.section("confusion")


def labelled_arrays(classes=3, truth=True):
    """Arrays behind the pictures of a tiny run that learned from candidate labels."""
    rng = np.random.default_rng(0)
    cosines = np.full((classes, classes), -0.25)
    np.fill_diagonal(cosines, 1)
    cosines[-1] = cosines[:, -1] = np.nan
    confidence = np.zeros((2, classes))
    confidence[:, :2] = [[0.95, 0.05], [0.5, 0.5]]
    return Drawn(
        class_similarity=cosines,
        class_names=np.array([f"class {i}" for i in range(classes)]),
        ambiguous=rng.integers(0, 256, (2, 8, 8, 1), np.uint8),
        candidates=confidence > 0,
        confidence=confidence,
        truth=np.array([0, 1]) if truth else None,
        resolved="2 of 9 images had several candidates.",
    )


def test_how_alike_classes_are_is_a_table(make_run):
    tree = read([make_run(drawn=labelled_arrays())])
    low = "\N{MINUS SIGN}0.25"
    assert table(tree, "classes") == [
        ["", "class 0", "class 1", "class 2"],
        ["class 0", "1.00", low, DASH],
        ["class 1", low, "1.00", DASH],
        ["class 2", DASH, DASH, DASH],
    ]
    assert f"Most alike, by cosine: class 0 and class 1 ({low})." in tree.section("classes")


def test_how_alike_many_classes_are_is_a_picture(charts, make_run):
    tree = read([make_run(drawn=labelled_arrays(30))])
    assert tree.wrong == []
    assert "<table" not in re.search(r'<section id="classes".*?</section>', tree.html, re.S)[0]
    assert "class, 0 to 29" in tree.section("classes")


@pytest.mark.parametrize("truth", [True, False])
def test_candidate_labels_are_shown_with_their_images(charts, make_run, truth):
    run = make_run(drawn=labelled_arrays(truth=truth))
    tree = read([run])
    assert tree.wrong == []
    section = tree.section("labels")
    for words in ("resolved", "still ambiguous", "95 %", "2 of 9 images had several candidates."):
        assert words in section
    assert "labels" not in sections(read([make_run("b")]))
    assert report([run]) == report([run])


def parted_arrays(wrong=True):
    """Arrays behind the pictures of a tiny run of two subspaces."""
    rng = np.random.default_rng(0)
    return Drawn(
        subspaces=np.array(["form", "hue"]),
        factors=np.array(["shape", "colour", "fixed"]),
        probed=np.array([[0.96, 0.2, np.nan], [0.5, 0.9, np.nan], [1.0, 0.9, np.nan]]),
        chance=np.array([0.5, 0.25, np.nan]),
        held=np.array([[True, False, False], [False, True, False]]),
        probing="40 samples of dots",
        apart=rng.integers(0, 256, (2, 2, 4, 8, 8, 1), np.uint8),
        apart_cosines=np.zeros((2, 2, 3)),
        apart_wrong=np.arange(16).reshape(2, 2, 4) == 5 if wrong else None,
        swapped=rng.integers(0, 256, (3, 5, 8, 8, 1), np.uint8),
        sampled="20 images of dots, seed 0",
    )


def test_factors_in_subspaces_are_a_table(make_run):
    tree = read([make_run(drawn=parted_arrays())])
    assert table(tree, "subspaces") == [
        ["", "shape", "colour", "fixed"],
        ["form", "96 %", "20 %", DASH],
        ["hue", "50 %", "90 %", DASH],
        ["all together", "100 %", "90 %", DASH],
        ["chance", "50 %", "25 %", ""],
    ]
    assert "40 samples of dots" in tree.section("subspaces")
    html = re.search(r'<section id="subspaces".*?</section>', tree.html, re.S)[0]
    assert re.findall(r"<strong>(.*?)</strong>", html) == ["96 %", "90 %"]


@pytest.mark.parametrize("wrong", [True, False])
def test_neighbours_and_swaps_of_subspaces_are_drawn_on_the_page(charts, make_run, wrong):
    run = make_run(drawn=parted_arrays(wrong))
    tree = read([run])
    assert tree.wrong == []
    section = tree.section("apart")
    assert ("of form 0 %, hue 17 %." in section) == wrong
    assert "Among 20 images of dots, seed 0." in section
    assert "hue of B" in tree.section("swaps")
    assert not {"subspaces", "apart", "swaps"} & {*sections(read([make_run("b")]))}
    assert report([run]) == report([run])


def pixels(address):
    import base64
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def test_a_run_without_pictures_says_how_to_draw_them(make_run):
    tree = read([make_run(drawn=None)])
    assert sections(tree) == ["scores", "curves", "settings", "environment", "repeat"]
    told = "The run keeps no pictures. zoo train beta_vae --resume --out "
    assert told in tree.texts("header")[0]
    beside = read([make_run("a"), make_run("b", drawn=None)])
    assert f"b: {told}" in beside.texts("header")[0]
    assert "b: " not in beside.section("traversals")


@pytest.mark.parametrize("name", ["views", "embedding", "neighbours", "correlation"])
def test_pictures_of_views_that_would_make_the_page_too_large_are_named(
    make_run, monkeypatch, name
):
    monkeypatch.setattr(module, "LIMIT", module.CHARTED)
    page = report([make_run(drawn=compared_arrays())])
    assert f"The run's pictures/{name}.png shows it." in " ".join(page.split())


def test_pictures_that_would_make_the_page_too_large_are_named(make_run, monkeypatch):
    runs = [make_run(name) for name in "abc"]
    one = sum(len(a["src"]) for a, _ in read(runs[:1]).all("img"))
    monkeypatch.setattr(module, "LIMIT", module.CHARTED + int(1.7 * one))
    tree = read(runs)
    assert sum(len(a["src"]) for a, _ in tree.all("img")) <= 1.7 * one
    assert len(tree.all("img")) < len(read(runs[:1]).all("img")) * 3
    assert "The run's pictures/traversal.gif shows it." in tree.section("traversals")
    assert tree.wrong == []


# Files that are not what they should be


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("history", [], r"history\.json is not the history\.json of a run\."),
        ("history", {"loss": ["a"]}, r"history\.json is not the history\.json of a run\."),
        ("scores", {"mig": {"value": 1}}, r"scores\.json is not the scores\.json of a run\."),
        ("scores", {"mig": 1}, r"scores\.json is not the scores\.json of a run\."),
        ("evaluation", {"m": {"name": "m", "value": "x"}}, r"is not the evaluation\.json of a"),
        ("confusion", {"matrix": [[1]]}, r"confusion\.json is not the confusion\.json of a run\."),
        (
            "confusion",
            {"matrix": [[0.5]], "class_names": ["a"], "protocol": {}},
            r"is not the conf",
        ),
    ],
)
def test_files_of_something_else_are_named(make_run, name, value, message):
    run = make_run()
    run.write(name, value)
    with pytest.raises(ValueError, match=message):
        report([run])


def test_damaged_arrays_are_named(make_run):
    run = make_run()
    (run.pictures / "drawn.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"drawn\.npz to hold .* It is damaged"):
        report([run])


# The command


def test_one_run_is_written_into_its_folder(command, make_run):
    run = make_run()
    answer = command("report", run.path)
    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(rf"{run.path}/report\.html: 1 run, 0\.\d MiB\n", answer.out)
    assert (run.path / "report.html").read_text() == report([run])


def test_several_runs_are_written_here_each_once(command, make_run, tmp_path):
    runs = [make_run(name) for name in "ab"]
    answer = command("report", "a", "b", runs[0].path, "b/")
    assert answer.out.startswith("report.html: 2 runs, ")
    assert (tmp_path / "report.html").read_text() == report([Run("a"), Run("b")])


def test_a_folder_of_runs_is_all_of_them_in_order(command, make_run, tmp_path):
    for beta in (16, 2, 1):
        make_run(f"sweep/runs/beta-{beta}")
    (tmp_path / "sweep" / "table.csv").touch()
    assert command("report", "sweep").out.startswith("sweep/report.html: 3 runs, ")
    assert command("report", "sweep/runs", "--out", "b.html").code == 0
    pages = [(tmp_path / name).read_text() for name in ("sweep/report.html", "b.html")]
    assert pages[0] == pages[1]
    names = [row[0] for row in table(Tree(pages[0]), "settings")[0:1]]
    assert re.findall(r"beta-\d+", Tree(pages[0]).section("repeat"))[::2] == [
        "beta-1", "beta-2", "beta-16",
    ]  # fmt: skip
    assert names == [""]


def test_runs_of_a_folder_that_cannot_be_shown_are_left_out(command, make_run, tmp_path):
    make_run("runs/a")
    make_run("runs/b").model_path.unlink()
    (tmp_path / "runs" / "editor").mkdir()
    (tmp_path / "runs" / "editor" / "config.json").write_text("{}")
    answer = command("report", "runs")
    assert answer.code == 0
    unfinished = "The run runs/b has not finished: it has no model.keras. Go on with: zoo train"
    strange = "runs/editor/config.json is not the config.json of a run."
    left_out = answer.err.splitlines()
    assert left_out[0].startswith(f"left out: {unfinished}")
    assert left_out[1] == f"left out: {strange}"
    page = Tree((tmp_path / "runs" / "report.html").read_text())
    assert page.texts("h1") == ["a"]
    assert unfinished in page.texts("header")[0]
    assert strange in page.texts("header")[0]


def test_runs_of_a_sweep_that_failed_are_left_out_with_their_reason(command, make_run, tmp_path):
    make_run("sweep/runs/beta-1-seed0")
    make_run("sweep/runs/beta-4-seed0").model_path.unlink()
    make_run("sweep/runs/beta-8-seed0").model_path.unlink()
    trial = Trial(
        "beta-4-seed0", "beta_vae", "beta", 4, Run(tmp_path / "sweep/runs/beta-1-seed0").settings
    )
    sweep = SweepFolder(tmp_path / "sweep")
    sweep.record(trial, Outcome("failed", "The loss is nan in epoch 2."))
    answer = command("report", "sweep")
    assert answer.code == 0
    failed, unfinished = answer.err.splitlines()
    assert failed == (
        "left out: The run sweep/runs/beta-4-seed0 failed: The loss is nan in epoch 2."
    )
    assert "beta-8-seed0 has not finished" in unfinished
    page = Tree((tmp_path / "sweep" / "report.html").read_text())
    assert "failed: The loss is nan in epoch 2." in page.texts("header")[0]


def test_damaged_results_of_a_sweep_are_named(command, make_run, tmp_path):
    make_run("sweep/runs/beta-1-seed0")
    (tmp_path / "sweep" / "results.json").write_text("{")
    answer = command("report", "sweep")
    assert answer.code == 2
    assert "results.json is damaged" in answer.err


@pytest.mark.parametrize("several", [False, True])
def test_an_unfinished_run_is_refused_with_how_to_resume(command, make_run, several):
    make_run("runs/a").model_path.unlink()
    answer = command("report", "runs" if several else "runs/a")
    assert answer.code == 2
    assert answer.err.startswith("zoo: No run in runs can be shown. " if several else "zoo: The")
    hint = "The run runs/a has not finished: it has no model.keras. Go on with: zoo train beta_vae "
    assert hint + "--resume --out runs/a" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("path", ["nothing", "empty", "file.txt"])
def test_a_path_without_runs_is_refused(command, tmp_path, path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    answer = command("report", path)
    assert answer.code == 2
    expected = "zoo: Expected a run folder with config.json, or a folder of runs."
    assert answer.err == f"{expected} Received: {path}.\n"


def test_no_path_is_refused(command):
    answer = command("report")
    assert answer.code == 2
    assert "Missing argument 'RUN...'" in answer.err


def test_a_report_is_replaced_and_nothing_else(command, make_run, tmp_path):
    run = make_run()
    out = tmp_path / "page.html"
    for _ in range(2):
        assert command("report", run.path, "--out", out).code == 0
    out.write_text("my own page")
    answer = command("report", run.path, "--out", out)
    assert answer.code == 2
    assert "Expected --out to be free. Use --overwrite, or another --out." in answer.err
    assert out.read_text() == "my own page"
    assert command("report", run.path, "--out", out, "--overwrite").code == 0
    assert out.read_text() == report([run])
    answer = command("report", run.path, "--out", tmp_path, "--overwrite")
    assert answer.code == 2
    assert "a folder." in answer.err


def test_a_damaged_file_ends_in_a_line_and_leaves_the_old_report(command, make_run):
    run = make_run()
    assert command("report", run.path).code == 0
    before = (run.path / "report.html").read_text()
    (run.path / "history.json").write_text("{")
    answer = command("report", run.path)
    assert answer.code == 1
    assert "history.json is damaged" in answer.err
    assert (run.path / "report.html").read_text() == before


def test_a_page_that_is_large_all_the_same_says_why(command, make_run, monkeypatch):
    monkeypatch.setattr("zoo.reporting.pages.LIMIT", 1000)
    answer = command("report", make_run().path)
    assert answer.code == 0
    assert "Report on fewer runs." in answer.out


def test_a_run_made_by_training_is_reported(command, sprites_run, tmp_path):
    answer = command("report", sprites_run, "--out", "page.html")
    assert answer.code == 0
    tree = Tree((tmp_path / "page.html").read_text())
    assert tree.wrong == []
    assert len(tree.all("img")) == 2 + 10 + 8 * 11
    assert table(tree, "scores")[1][0] == "mig"
    assert json.loads((sprites_run / "scores.json").read_text())["mig"]["value"] >= 0
