"""Codes in a plane."""

import doctest
import re
import sys
import types

import numpy as np
import pytest

from zoo.reporting import embedding, embeddings
from zoo.reporting.embeddings import plane
from zoo.reporting.sheet import COLOURS, FAINT


def codes(n=40, width=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, width))


def dots(figure):
    """Each panel's points and their colours, in hexadecimal, in the order in which they lie."""
    from matplotlib.colors import to_hex

    return [
        [
            (tuple(place), to_hex(color))
            for group in axes.collections
            for place, color in zip(
                np.asarray(group.get_offsets()).tolist(), group.get_facecolors(), strict=True
            )
        ]
        for axes in figure.axes[1:]
    ]


def legend(figure):
    """(name, colour, marker) of a page's legend."""
    page = figure.axes[0]
    return [
        (text.get_text(), line.get_color(), line.get_marker())
        for line, text in zip(page.lines, page.texts[-len(page.lines) :], strict=True)
    ]


def test_examples_run():
    finder = doctest.DocTestFinder(recurse=False)
    [found] = finder.find(plane, globs={"np": np, "plane": plane})
    assert doctest.DocTestRunner().run(found).failed == 0


# Principal components


def test_the_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    rotated = codes(200, 6) * [5, 3, 1, 1, 1, 0.5] @ np.linalg.qr(codes(6, 6, seed=1))[0] + 7
    found, expected = plane(rotated), PCA(2).fit(rotated)
    np.testing.assert_allclose(found.explained, expected.explained_variance_ratio_, atol=1e-12)
    wanted = expected.transform(rotated)
    np.testing.assert_allclose(np.abs(found.points), np.abs(wanted), atol=1e-9)


def test_the_signs_do_not_depend_on_the_order_of_the_codes():
    given = codes()
    np.testing.assert_allclose(plane(given[::-1]).points[::-1], plane(given).points, atol=1e-9)


def test_codes_without_two_directions_lie_on_a_line_or_a_point():
    line = plane(np.outer(np.arange(5.0), [3, 4]))
    np.testing.assert_allclose(np.abs(line.points[:, 0]), [10, 5, 0, 5, 10], atol=1e-9)
    np.testing.assert_allclose(line.explained, [1, 0], atol=1e-9)
    assert plane(np.arange(3)[:, None]).points[:, 1].tolist() == [0, 0, 0]
    for same in (np.ones((4, 3)), np.ones((1, 3))):
        found = plane(same)
        assert not found.points.any()
        assert not found.explained.any()


@pytest.mark.parametrize("given", [np.ones((4, 3)), np.ones((1, 1)), np.outer([0, 1], [1, 1])])
def test_codes_that_collapsed_are_drawn(given, inside):
    assert inside(embedding(given))


# Neighbours kept together


def test_tsne_keeps_clusters_apart():
    given = np.concatenate([codes(10), codes(10, seed=1) + 50])
    points = plane(given, "tsne").points
    assert points.shape == (20, 2)
    middle = points[:10].mean(axis=0), points[10:].mean(axis=0)
    spread = max(np.abs(points[:10] - middle[0]).max(), np.abs(points[10:] - middle[1]).max())
    assert np.linalg.norm(middle[0] - middle[1]) > spread
    np.testing.assert_array_equal(plane(given, "tsne").points, points)
    assert plane(given, "tsne").explained is None


def test_tsne_takes_few_codes_and_equal_ones():
    assert plane(codes(5), "tsne").points.shape == (5, 2)
    with pytest.raises(ValueError, match=r"at least 5 codes for 'tsne'\. Received: 4"):
        plane(codes(4), "tsne")


def test_umap_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs umap-learn: pip install umap-learn\."):
        embedding(codes(), method="umap")


def test_umap_that_is_broken_says_what_it_lacks(monkeypatch, tmp_path):
    (tmp_path / "umap.py").write_text("import a_module_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "umap", raising=False)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        plane(codes(), "umap")


def test_umap_is_used_where_it_is_installed(monkeypatch):
    class UMAP:
        def __init__(self, n_components, random_state):
            self.told = (n_components, random_state)

        def fit_transform(self, given):
            assert self.told == (2, 3)
            return given[:, :2]

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=UMAP))
    given = codes()
    np.testing.assert_array_equal(plane(given, "umap", seed=3).points, given[:, :2])


# The picture


def test_classes_have_colours_and_names(texts):
    labels = np.repeat([0, 2, 3], [10, 20, 10])
    figure = embedding(codes(), labels, ["cat", "dog", "ship", "car"], protocol="40 images")
    entries = legend(figure)
    assert [name for name, _, _ in entries] == ["cat", "ship", "car"]  # no dog is there
    points = dict(dots(figure)[0])
    colours = {name: color for name, color, _ in entries}
    names = {0: "cat", 2: "ship", 3: "car"}
    for place, label in zip(plane(codes()).points, labels, strict=True):
        near = min(points, key=lambda other: np.hypot(*(other - place)))
        assert points[near] == colours[names[int(label)]]
    assert "40 images" in texts(figure)
    assert len(points) == 40


def test_ten_classes_are_told_apart_by_colour_and_shape():
    entries = legend(embedding(codes(), np.arange(40) % 10))
    assert [name for name, _, _ in entries] == list(map(str, range(10)))
    assert len({(color, marker) for _, color, marker in entries}) == 10
    assert {color for _, color, _ in entries} == set(COLOURS[:6])


def test_of_too_many_classes_the_largest_are_told_apart():
    labels = np.concatenate([np.arange(30), np.repeat([7, 29], 5)])
    figure = embedding(codes(40), labels)
    names = [name for name, _, _ in legend(figure)]
    assert len(names) == 25
    assert {"7", "29"} < set(names)
    assert names[-1] == "6 others"
    assert [color for _, color in dots(figure)[0]].count(FAINT) == 6


def test_each_factor_has_a_panel_and_a_scale(texts, inside, overlapping):
    values = np.stack([np.arange(40) % 3, np.arange(40)], axis=1)
    figure = embedding(
        codes(), values, ["shape", "a name of which no panel could hold the half " * 2]
    )
    assert len(figure.axes) == 3
    shape, other = dots(figure)
    assert len({color for _, color in shape}) == 3
    assert len({color for _, color in other}) == 40
    found = texts(figure)
    assert "shape" in found
    assert [t for t in found if t in ("0", "2")][:2] == ["0", "2"]
    assert "39" in found
    assert inside(figure)
    assert not overlapping(figure)


@pytest.mark.parametrize("panels", [1, 3, 4, 6])
def test_any_number_of_factors_is_laid_out(panels, inside, overlapping):
    values = np.tile(np.arange(40)[:, None] % 2, (1, panels))
    figure = embedding(codes(), values, protocol="protocol")
    assert figure.bbox.width <= 930
    assert inside(figure)
    assert not overlapping(figure)


def test_axes_say_what_they_explain_and_have_one_scale():
    figure = embedding(codes() * [3, 2, 0, 0, 0])
    plot = figure.axes[1]
    parts = plane(codes() * [3, 2, 0, 0, 0]).explained
    assert plot.get_xlabel() == f"PC 1: {100 * parts[0]:.1f} % of the variance"
    assert plot.get_ylabel() == f"PC 2: {100 * parts[1]:.1f} % of the variance"
    assert np.ptp(plot.get_xlim()) == pytest.approx(np.ptp(plot.get_ylim()))
    assert embedding(codes(5), method="tsne").axes[1].get_xlabel() == ""


def test_a_page_that_has_words_of_its_own_gets_none(texts):
    found = plane(codes())
    assert texts(embeddings.plotted(found, title="")) == []
    assert texts(embeddings.plotted(found))[0] == "The codes in a plane"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": np.ones(3)}, "codes: numbers of shape (n, dimensions). Received: float64 of"),
        ({"codes": np.ones((0, 3))}, "Received: float64 of shape (0, 3)."),
        ({"codes": np.full((4, 3), np.nan)}, "finite numbers. Received: NaN or infinity among"),
        ({"labels": np.zeros(3, int)}, "labels: integers of shape (4,). Received: int64 of shape"),
        ({"labels": np.zeros(4)}, "labels: integers of shape (4,). Received: float64 of shape"),
        (
            {"labels": [0, 1, 2, 3], "names": ["a"]},
            "0 to 0, as there are 1 names. Received: 0 to 3",
        ),
        ({"labels": [0, 1, 2, -3]}, "Received: -3 to 2."),
        ({"labels": np.zeros((4, 2), int), "names": ["a"]}, "names: 2 names, one for each column"),
        ({"labels": np.zeros((4, 2, 1), int)}, "Received: int64 of shape (4, 2, 1)."),
        ({"method": "tnse"}, "'tsne'"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        embedding(**{"codes": np.ones((4, 3)), **changes})
