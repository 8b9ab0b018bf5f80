"""Images with their candidate labels: which are shown, and how."""

import doctest

import numpy as np
import pytest

from tests import parts
from tests.told import CLASSES, numbered, told
from zoo.reporting import resolved, resolved_labels, sheet
from zoo.reporting.drawing import Drawing
from zoo.reporting.drawn import Drawn
from zoo.reporting.resolved import EACH, WRONG, examples

SETS = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1]], bool)
CONFIDENCE = np.array([[0.95, 0.05, 0], [0.5, 0.3, 0.2], [1, 0, 0], [0, 0.4, 0.6]])
NAMES = ["cat", "dog", "owl"]


def images(n=4, side=8, channels=1):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, channels), "uint8")


# Which are shown


def test_resolved_ones_come_first_and_then_the_least_sure():
    found = examples(SETS, CONFIDENCE, truth=[0, 0, 0, 1])
    assert found.rows.tolist() == [0, 1, 3]  # the third image never was ambiguous
    assert found.words == (
        "3 of 4 images had several candidates. Resolved, as one has 90 % or more: 1 of these, 33 %."
        " Of the resolved 100.0 % are right."
    )
    assert "resolved 0.0 % are right" in examples(SETS, CONFIDENCE, truth=[1, 0, 0, 1]).words
    assert "right" not in examples(SETS, CONFIDENCE).words


def test_some_that_are_resolved_wrongly_are_shown(texts):
    sets, truth = np.ones((200, 2), bool), np.zeros(200, int)
    confidence = np.tile([0.95, 0.05], (200, 1))
    confidence[[7, 8, 9, 10]] = [0.05, 0.95]
    found = examples(sets, confidence, truth)
    assert len(found.rows) == EACH + WRONG
    assert set(found.rows[EACH:]) < {7, 8, 9, 10}
    assert not {7, 8, 9, 10} & set(found.rows[:EACH])
    assert "Of the resolved 98.0 % are right." in found.words
    rows = found.rows
    figure = resolved_labels(
        images(len(rows)), sets[rows], confidence[rows], ["cat", "dog"], truth=truth[rows]
    )
    assert len(colors(figure)) == WRONG
    headings = [text for text in texts(figure) if text.startswith(("resolved", "still"))]
    assert headings == ["resolved", "resolved wrongly"]


def test_of_many_a_few_are_shown():
    rng = np.random.default_rng(0)
    confidence = rng.dirichlet(np.full(3, 0.2), 500)
    found = examples(np.ones((500, 3)), confidence, seed=1)
    sure, unsure = np.split(confidence.max(axis=1)[found.rows], [EACH])
    assert len(unsure) == EACH
    assert (sure >= 0.9).all()
    np.testing.assert_array_equal(unsure, np.sort(confidence.max(axis=1))[:EACH])
    again, other = (examples(np.ones((500, 3)), confidence, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(found.rows, again.rows)
    assert not np.array_equal(found.rows, other.rows)


def test_where_nothing_is_ambiguous_nothing_is_shown():
    found = examples(np.eye(3), np.eye(3), truth=[0, 1, 2])
    assert not len(found.rows)
    assert found.words == "0 of 3 images had several candidates."


# How


def test_each_image_says_its_candidates_the_likeliest_first(texts):
    figure = resolved_labels(images(), SETS, CONFIDENCE, NAMES, words="All.", protocol="of digits")
    found = texts(figure)
    assert "All." in found
    start = found.index("of digits") + 1
    assert found[start:] == [
        "resolved",
        *("cat", "95 %", "dog", "5 %"),
        *("cat", "100 %"),
        "still ambiguous, the least sure",
        *("cat", "50 %", "dog", "30 %", "owl", "20 %"),
        *("owl", "60 %", "dog", "40 %"),
    ]
    assert len(figure.axes[0].images) == 4


def colors(figure):
    return [patch.get_edgecolor() for patch in figure.axes[0].patches if not patch.get_fill()]


def test_true_labels_are_blue_and_bold_and_mistakes_are_framed():
    figure = resolved_labels(images(), SETS, CONFIDENCE, NAMES, truth=[0, 1, 0, 2])
    assert len(colors(figure)) == 1  # the second: its label is dog
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    assert bold[1:] == ["resolved", "cat", "cat", "still ambiguous, the least sure", "dog", "owl"]
    assert not colors(resolved_labels(images(), SETS, CONFIDENCE, NAMES))


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (32, 3), (200, 3)])
@pytest.mark.parametrize("classes", [2, 5, 12])
@pytest.mark.parametrize("name", ["a", "a class with a very long name"])
def test_every_size_is_laid_out(side, channels, classes, name, inside, overlapping):
    rng = np.random.default_rng(0)
    confidence = np.concatenate([np.eye(classes)[[0, 1]], rng.dirichlet(np.ones(classes), 5)])
    figure = resolved_labels(
        images(7, side, channels),
        np.ones((7, classes)),
        confidence,
        [name] * classes,
        truth=[1] * 7,
        words="7 of 7 images had several candidates.",
        protocol="protocol",
    )
    assert inside(figure)
    assert not overlapping(figure)
    assert figure.bbox.width <= sheet.WIDTH


def test_of_many_candidates_the_likeliest_are_named(texts):
    confidence = np.full((1, 8), 0.125)
    found = texts(resolved_labels(images(1), np.ones((1, 8)), confidence, list("abcdefgh")))
    assert found[-1] == "and 3 more"
    assert "f" not in found


def test_a_page_that_has_words_of_its_own_gets_none(texts):
    found = texts(resolved_labels(images(), SETS, CONFIDENCE, NAMES, words="All.", title=""))
    assert found[0] == "resolved"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": images(3)}, r"Expected sets: 0 or 1 .* shape \(3, candidates\)"),
        ({"images": images().astype(float)}, "Expected images: uint8 images"),
        ({"sets": SETS * 2}, "Expected sets: 0 or 1 for each candidate"),
        ({"confidence": CONFIDENCE[:, :2]}, r"numbers of shape \(4, 3\)\. Received: .*\(4, 2\)"),
        (
            {"confidence": CONFIDENCE * 2},
            r"Expected confidence: 0\.\.1\. Received: v",
        ),
        (
            {"confidence": CONFIDENCE * np.nan},
            r"Expected confidence: 0\.\.1\. Received: v",
        ),
        ({"class_names": ["a"]}, "Expected class_names: 3 names, one for each candidate"),
        ({"truth": [0, 1, 0, 3]}, "Expected truth: 0 to 2, as there are 3 names"),
    ],
)
def test_refuses(changed, message):
    known = {"images": images(), "sets": SETS, "confidence": CONFIDENCE, "class_names": NAMES}
    with pytest.raises(ValueError, match=message):
        resolved_labels(**{**known, **changed})


def test_the_example_runs():
    [example] = doctest.DocTestFinder().find(examples, globs=vars(resolved))
    assert not doctest.DocTestRunner().run(example).failed


# Of a method


def drawing(**settings):
    rng = np.random.default_rng(0)
    method = told(rng.dirichlet(np.ones(4), 256), rng.dirichlet(np.full(4, 0.2), 256))
    return Drawing(method, numbered(**settings).validation(), seed=2)


def test_a_method_of_candidates_has_a_picture_of_them(tmp_path):
    shown = drawing()
    assert set(shown.figures()) == {"labels", "embedding", "neighbours"}
    shown.save(tmp_path)
    drawn = Drawn.load(tmp_path / "drawn.npz")
    learned = shown.data.train
    numbers = drawn.ambiguous[:, 0, 0, 0]  # an image says its number
    rows = [learned.images[:, 0, 0, 0].tolist().index(number) for number in numbers]
    np.testing.assert_array_equal(drawn.candidates, learned.candidates[rows])
    np.testing.assert_array_equal(drawn.truth, learned.labels[rows])
    confidence = shown.method.confidence[numbers] * drawn.candidates
    np.testing.assert_allclose(drawn.confidence, confidence)
    assert drawn.class_names.tolist() == list(CLASSES)
    assert drawn.resolved.startswith(f"{(learned.candidates.sum(axis=1) > 1).sum()} of 180 images")


def test_without_true_labels_the_picture_names_the_classes_all_the_same():
    shown = drawing(labels=False)
    assert shown.drawn.truth is None
    assert shown.drawn.class_names.tolist() == list(CLASSES)
    assert "labels" in shown.figures()


def test_where_nothing_is_ambiguous_there_is_no_picture():
    shown = drawing(candidates=np.eye(4)[np.arange(200) % 4])
    assert "labels" not in shown.figures()


def test_classes_of_which_nothing_is_known_are_blank(monkeypatch):
    shown = drawing()
    cosines = np.array([[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], "float32")
    monkeypatch.setattr(shown.method, "class_similarity", lambda: cosines)
    assert "classes" in shown.figures()
    expected = np.where(np.arange(4) == 3, np.nan, cosines)
    expected[3] = np.nan
    np.testing.assert_array_equal(shown.drawn.class_similarity, expected)
    assert shown.images.shape[1:] == parts.IMAGE_SHAPE
