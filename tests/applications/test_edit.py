"""Codes that are changed, and what becomes of images: where codes are brightnesses of quadrants."""

import doctest
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image
from scipy.stats import wasserstein_distance

from applications import editing
from applications import edits as edit
from applications import reader as reading
from applications.interpreting import KINDS
from applications.reader import Known, Reader, Reading, apart, known, learned_reader
from applications.saved_model import SavedModel
from zoo.data import load
from zoo.data.images import Images
from zoo.data.pixels import ArrayPixels

from .conftest import LEVELS, paint

CODES = nps.arrays(np.float32, (3, 4), elements=st.floats(-9, 9, width=32))
NAMES = ("top left", "bottom left", "top right", "bottom right")


@pytest.fixture(scope="module")
def model(quadrants):
    return SavedModel.open(quadrants, needs=("encode", "decode"))


@pytest.fixture(scope="module")
def reader(quadrant_factors):
    """One that reads every quadrant's brightness."""
    images, values = quadrant_factors.sample(625, seed=0)
    return Reader(NAMES, (LEVELS,) * 4).fit(images, values, steps=300)


# Codes


@settings(max_examples=30, deadline=None)
@given(CODES, st.integers(0, 3))
def test_one_latent_moves_and_the_rest_stays(codes, latent):
    np.testing.assert_array_equal(edit.moved(codes, latent, 2.0), edit.moved(codes, latent, [2.0]))
    steps = edit.moved(codes, latent, [-1.0, 2.0])
    rest = [k for k in range(4) if k != latent]
    assert (steps[:, :, latent] == [-1, 2]).all()
    assert (steps[:, :, rest] == codes[:, None, rest]).all()


@settings(max_examples=30, deadline=None)
@given(CODES, CODES, st.sets(st.integers(0, 3), min_size=1))
def test_a_swap_takes_what_is_named_and_nothing_else(codes, others, columns):
    columns = sorted(columns)
    rest = [k for k in range(4) if k not in columns]
    once = edit.swapped(codes, others, columns)
    assert (once[:, 0, columns] == others[:, columns]).all()
    assert (once[:, 0, rest] == codes[:, rest]).all()
    several = edit.swapped(codes, others, columns, steps=5)
    assert (several[:, 0] == codes).all()
    assert (several[:, -1] == once[:, 0]).all()
    np.testing.assert_allclose(several[:, 2], (codes + once[:, 0]) / 2, atol=1e-5)


def test_an_arc_keeps_unit_length_and_turns_evenly():
    a, b = np.array([[1.0, 0, 0], [0, 0, 1]]), np.array([[0, 1.0, 0], [0, 0.6, 0.8]])
    way = edit.interpolated(a, b, steps=7)
    np.testing.assert_allclose(np.linalg.norm(way, axis=2), 1, atol=1e-6)
    turns = np.arccos(np.clip((way[:, 1:] * way[:, :-1]).sum(axis=2), -1, 1))
    np.testing.assert_allclose(turns, turns[:, :1].repeat(6, axis=1), atol=1e-4)
    np.testing.assert_allclose(way[:, [0, -1]], np.stack([a, b], axis=1), atol=1e-6)


def test_between_other_codes_and_opposite_ones_the_way_is_straight():
    a, b = np.array([[2.0, 0.0]]), np.array([[0.0, 4.0]])
    np.testing.assert_allclose(edit.interpolated(a, b, steps=3)[0], [[2, 0], [1, 2], [0, 4]])
    unit = np.array([[1.0, 0.0]])
    np.testing.assert_allclose(
        edit.interpolated(unit, -unit, steps=3)[0], [[1, 0], [0, 0], [-1, 0]], atol=1e-6
    )
    line = edit.interpolated(unit, np.array([[0.0, 1.0]]), steps=3, spherical=False)
    np.testing.assert_allclose(line[0, 1], [0.5, 0.5])


def test_a_direction_leads_from_the_ones_to_the_others():
    rng = np.random.default_rng(0)
    there = np.arange(400) % 2 == 1
    codes = rng.normal(size=(400, 3)) * [1, 5, 1] + 4 * np.outer(there, [1, 0, 0])
    means = edit.direction_between(codes, there)
    np.testing.assert_allclose(
        means, codes[there].mean(axis=0) - codes[~there].mean(axis=0), rtol=1e-5
    )
    probe = edit.direction_between(codes, there, "probe")
    assert abs(probe[0] - 4) < 0.8
    assert abs(probe[1:] / [5, 1]).max() < 0.5
    constant = np.hstack([codes, np.full((400, 1), 7.0)])
    assert edit.direction_between(constant, there, "probe")[3] == 0


# Images


def test_a_latent_moves_its_quadrant_alone(model):
    images = paint([[0, 0.2, 0.4, 0.6], [1, 1, 1, 1]])
    result = edit.by_latent(model, images, 2, [0.0, 1.0])
    assert result.headings == ("0", "+1")
    assert (result.decoded == images).all()
    assert (result.originals == images).all()
    for step, value in enumerate((0.0, 1.0)):
        wanted = paint([[0, 0.2, value, 0.6], [1, 1, value, 1]])
        assert (result.images[:, step] == wanted).all()


@pytest.mark.parametrize(
    ("part", "named"), [("left", "left"), ("0,1", "z0, z1"), ([1, 0], "z1, z0")]
)
def test_a_subspace_of_another_image(model, part, named):
    a, b = paint([[0, 0, 0, 0]]), paint([[0.2, 0.4, 0.6, 0.8]])
    result = edit.by_example(model, a, b, part)
    assert (result.images[:, 0] == paint([[0.2, 0.4, 0, 0]])).all()
    assert (result.examples == b).all()
    assert result.headings == (f"{named} of B",)


def test_along_a_direction_and_between(model):
    a, b = paint([[0, 0, 0, 0]]), paint([[1, 1, 1, 1]])
    brighter = edit.by_direction(model, a, [1, 0, 0, 1], [0, 0.4])
    assert (brighter.images[0, 1] == paint([[0.4, 0, 0, 0.4]])).all()
    assert brighter.headings == ("0 %", "40 %")
    half = edit.between(model, a, b, steps=3)
    assert (half.images[0, 1] == paint([[0.5] * 4])).all()


# What it did


def test_a_reader_reads_images(reader, quadrant_factors):
    images, values = quadrant_factors.sample(100, seed=1)
    reading = reader.read(images)
    assert (reading.values == values).mean() > 0.98
    for k, shares in enumerate(reading.probabilities):
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        places = shares @ np.arange(LEVELS) / (LEVELS - 1)
        np.testing.assert_allclose(places, values[:, k] / (LEVELS - 1), atol=0.2)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 13), st.data())
def test_how_far_one_value_is_from_another(size, data):
    a, b = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    ordered, circular, category = (apart(kind, *np.eye(size)[[a, b]]) for kind in KINDS)
    assert ordered == pytest.approx(abs(a - b) / (size - 1))
    assert circular == pytest.approx(min(abs(a - b), size - abs(a - b)) / (size // 2))
    assert category == (a != b)


def test_how_far_probabilities_are_from_others():
    """Round the circle against scipy's distance on every line that a cut makes of it."""
    rng = np.random.default_rng(0)
    a, b = rng.dirichlet(np.ones(9), (2, 5))
    places = np.arange(9)
    for row in range(5):
        cuts = [
            wasserstein_distance(places, places, np.roll(a[row], cut), np.roll(b[row], cut))
            for cut in range(9)
        ]
        assert apart("circular", a[row], b[row]) == pytest.approx(min(cuts) / 4)
    np.testing.assert_allclose(apart("categories", a, b), np.maximum(a - b, 0).sum(axis=1))
    np.testing.assert_allclose(apart("ordered", a, b), np.abs((a - b) @ places) / 8)
    two = np.array([0.5, 0, 0, 0.5, 0, 0])  # of an ellipse, which is the same half a turn on
    assert apart("circular", two, np.roll(two, 1)) == pytest.approx(1 / 3)


def test_what_moves_and_what_stays(model, reader, quadrant_factors):
    images, _ = quadrant_factors.sample(40, seed=1)
    found = edit.measured_moves(edit.by_latent(model, images, 2, [0, 1]), reader)
    np.testing.assert_allclose(found.moved, [0, 0, 1, 0], atol=0.08)
    assert found.stays[[0, 1, 3]].min() > 0.9
    assert found.stays[2] < 0.2
    assert found.others[2] > 0.85 > 0.3 > found.others[0]


def test_what_matches_after_a_swap(model, reader, quadrant_factors):
    images, values = quadrant_factors.sample(80, seed=1)
    (a, b), (va, vb) = images.reshape(2, 40, 8, 8, 1), values.reshape(2, 40, 4)
    wanted = np.hstack([va[:, :2], vb[:, 2:]])
    found = edit.measured_matches(edit.by_example(model, a, b, "right"), reader, wanted)
    assert found.matched.min() > 0.9
    assert found.before[:2].min() > 0.9
    assert found.before[2:].max() < 0.6  # by chance a fifth


class Told:
    """A reader that sees in an image the value that it is bright with."""

    names = ("a",)

    def __init__(self, size, kind):
        self.sizes, self.kinds = (size,), (kind,)

    def read(self, images):
        values = images[:, 0, 0, :1].astype(np.int64)
        return Reading(values, (np.eye(self.sizes[0])[values[:, 0]],))


@pytest.mark.parametrize(
    ("kind", "near", "across"), [("ordered", 1, 0), ("circular", 1, 1), ("categories", 0, 0)]
)
def test_what_counts_as_right_is_of_a_factors_kind(kind, near, across):
    """Of 21 values 3 is next to 4 but for categories; 20 is next to 0 on a circle."""
    image = np.full((1, 8, 8, 1), 4, np.uint8)
    reader = Told(21, kind)
    assert edit.agreement(reader, image, [[4]]) == 1
    assert edit.agreement(reader, image, [[3]]) == near
    assert edit.agreement(reader, 0 * image, [[20]]) == across


@pytest.mark.parametrize(
    ("kind", "moved", "stays"), [("ordered", 1, 0), ("circular", 0.1, 1), ("categories", 1, 0)]
)
def test_how_far_an_edit_went_is_of_a_factors_kind(kind, moved, stays):
    """From 0 to 20 of 21 values: all the range, or one step of the ten of half a circle."""
    image = np.zeros((1, 8, 8, 1), np.uint8)
    steps = np.stack([image, image + 20], axis=1)
    found = edit.measured_moves(
        edit.Edit(image, image, np.zeros((1, 2, 4), np.float32), steps, ("0", "1")), Told(21, kind)
    )
    assert found.moved == pytest.approx([moved])
    assert found.stays == stays


def test_means_of_images_are_read_by_a_reader_that_has_learned_from_them(quadrant_factors):
    """Of what is blurred over three quadrants: a mean of 32 that agree in the first."""
    facts = known(quadrant_factors)
    reader = learned_reader(facts, NAMES[:1], np.arange(625), pictures=600, steps=200)
    blurred = np.stack(
        [
            quadrant_factors.read(np.flatnonzero(facts.values[:, 0] == value)).mean(axis=0)
            for value in range(LEVELS)
        ]
    )
    reading = reader.read(np.rint(blurred).astype(np.uint8))
    assert reading.values[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_large_images_are_made_small_as_they_are_read(quadrant_factors, monkeypatch):
    large = known(quadrant_factors)._replace(images=Large(quadrant_factors))
    seen = []
    monkeypatch.setattr(Reader, "fit", lambda self, *given: seen.append(given) or self)
    for averaged in (True, False):
        learned_reader(large, NAMES, np.arange(625), pictures=2_000, averaged=averaged)
    monkeypatch.undo()
    assert max(large.images.counts) <= 512
    (means, _, _), (single, values, _) = seen
    assert means.shape == single.shape == (2_000, 16, 32, 1)
    painted = paint(values / (LEVELS - 1))
    assert (single == painted.repeat(2, axis=1).repeat(4, axis=2)).all()


class Large:
    """Images four times as high and eight times as wide."""

    def __init__(self, images):
        self.images, self.counts = images, []
        self.image_shape = (32, 64, 1)

    def read(self, rows):
        self.counts.append(len(rows))
        return self.images.read(rows).repeat(4, axis=1).repeat(8, axis=2)


def test_the_same_seed_reads_the_same(quadrant_factors):
    images, values = quadrant_factors.sample(30, seed=0)
    first, again, other = (
        Reader(NAMES, (LEVELS,) * 4, seed=seed).fit(images, values, steps=3).read(images)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert not np.allclose(first.probabilities, other.probabilities)


def test_what_is_known_of_data(quadrant_factors, quadrant_labels):
    assert known(quadrant_factors).names == NAMES
    assert known(quadrant_factors).kinds == ("ordered",) * 4
    assert known(quadrant_factors, {"top right": "circular"}).kinds[2] == "circular"
    part = known(quadrant_factors.subset(**{"top right": [1, 3]}))
    assert part.value_names[2] == ("1", "3")
    assert part.value(2, "3") == 1
    classes = known(quadrant_labels)
    assert classes.kinds == ("categories",)
    assert classes.names == ("class",)
    assert classes.value(0, "top right") == 2
    assert known(Images("bare", ArrayPixels(paint(np.zeros((4, 4)))))) is None
    digits = known(load("digits"))
    assert digits.sizes == (10,)


# Of a data set


def tried(model, data, *way, **given):
    return editing.edit(model, data, *way, samples=40, steps=3, reader_steps=250, **given)


def test_the_latent_of_a_factor_is_found(model, quadrant_factors, reader):
    result = tried(model, quadrant_factors, "factor", "top right", reader=reader)
    assert result.protocol["latent"] == 2
    assert result.target == ("top right",)
    assert result.found.moved[2] > 0.9
    assert result.found.others[2] > 0.8
    assert [row[:2] for row in result.table[1:]] == [
        (name, "yes" if name == "top right" else "no") for name in NAMES
    ]
    assert "All others at once stay put in" in result.sentence
    assert "half of the circle" not in result.sentence
    assert "means of real images" not in result.sentence  # nobody knows what it has learned from
    round_ = Reader(NAMES, reader.sizes, ("ordered", "circular", "ordered", "categories"))
    round_._weights = reader._weights
    result = tried(model, quadrant_factors, "factor", "top right", reader=round_)
    assert "Of bottom left the range is half of the circle." in result.sentence
    assert "Of bottom right the range is probability" in result.sentence


def test_a_factor_that_no_code_holds_is_refused_and_one_that_is_held_less_is_said_to_be():
    values = np.random.default_rng(0).integers(0, 5, (900, 3))
    noise = np.random.default_rng(1).normal(size=900)
    codes = np.stack([3 * values[:, 0] + values[:, 1] + 0.1 * noise, noise], axis=1)
    kinds, named = ("ordered",) * 3, (tuple("01234"),) * 3
    facts = Known(None, values, ("size", "shape", "turn"), (5,) * 3, kinds, named)
    source = editing._Source(None, None, np.arange(3), values, codes, values, facts, np.arange(3))
    shares = edit.information_shares(codes, values)
    words = r"holds 10 % or more: size \(\d+ %\), shape \(\d+ %\)\. Received: 'turn', of which none"
    with pytest.raises(ValueError, match=words):
        editing._holder(shares, source, 2)
    model = SimpleNamespace(code_size=2)
    titles = {
        name: editing._latent(model, source, shares, editing._holder(shares, source, k), name).title
        for k, name in enumerate(("size", "shape"))
    }
    assert titles == {
        "size": "One code moves: z0, which holds size",
        "shape": "One code moves: z0, which holds more of size than of shape",
    }


def test_codes_that_a_decoder_takes_no_notice_of_hold_nothing():
    values = np.arange(500)[:, None] % 5
    codes = np.hstack([np.random.default_rng(0).normal(size=(500, 1)), 0.01 * values])
    assert edit.information_shares(codes, values)[1, 0] == pytest.approx(1)
    assert edit.information_shares(codes, values, unseen=[1])[1, 0] == 0


def test_images_that_swap_differ_in_what_is_swapped():
    a = np.array([[0, 1], [1, 1], [2, 2], [0, 0]])
    b = np.array([[0, 1], [2, 2], [1, 2], [1, 1]])
    assert editing._other(a, b).tolist() == [1, 1, 3, 3]
    assert editing._other(a[:, :1], b[:, :1]).tolist() == [1, 1, 2, 3]
    assert editing._other(a[:, :0], b[:, :0]).tolist() == [0, 1, 2, 3]
    assert editing._other(0 * a, 0 * b).tolist() == [0, 1, 2, 3]


def test_a_part_of_another_image_of_a_data_set(model, quadrant_factors, reader):
    result = tried(model, quadrant_factors, "swap", "left", reader=reader)
    assert result.target == NAMES[:2]
    assert result.found.matched.min() > 0.85
    assert result.edit.images.shape[1] == 3


def test_an_attribute_of_a_data_set(model, quadrant_factors, reader):
    result = tried(model, quadrant_factors, "attribute", "top left=0:4", read=["top left"])
    assert "It has learned from means of real images too" in result.sentence
    assert result.found.names == ("top left",)
    assert result.found.matched[0] > 0.9
    assert result.protocol["argument"] == "top left=0:4"
    assert "means of 8 and 32 of them" in result.protocol["reader"]
    ends = tried(model, quadrant_factors, "attribute", "top left", reader=reader)
    assert ends.title == result.title == "top left from 0 to 4"


def test_from_class_to_class(model, quadrant_labels):
    result = tried(model, quadrant_labels, "attribute", "top left:bottom right")
    assert result.found.names == ("class",)
    assert result.found.before[0] < 0.2
    assert result.found.matched[0] > 0.7


@pytest.mark.parametrize("way", [("latent", 1), ("swap", "0"), ("between",)])
def test_data_of_which_nothing_is_known_are_edited_and_not_measured(model, way, quadrant_factors):
    result = tried(model, quadrant_factors.read(slice(0, 30)), *way)
    assert (result.found, result.table, result.sentence) == (None, (), "")
    assert "reader" not in result.protocol


@pytest.mark.parametrize(
    ("way", "message"),
    [
        (("latnet", 0), "Unknown way 'latnet'. Did you mean 'latent'"),
        (("latent", 4), "Expected latent to be an integer from 0 to 3. Received: 4"),
        (("factor", "top lef"), "Unknown factor 'top lef'. Did you mean 'top left'"),
        (("swap", "lefd"), "Unknown subspace 'lefd'. Did you mean 'left'"),
        (("swap", "0,7"), "Expected latent to be an integer from 0 to 3. Received: 7"),
        (("swap", "1,1"), "Expected numbers of latents, each once"),
        (("attribute", "colour=0:1"), "Unknown factor 'colour'"),
        (("attribute", "top left=0"), "Expected an attribute as NAME or NAME=FROM:TO"),
        (("attribute", "top left=0:9"), "Unknown value of top left '9'"),
        (("attribute", "top left=1:1"), "Expected codes with and codes without"),
    ],
)
def test_what_it_cannot_edit_by_is_refused(model, quadrant_factors, way, message):
    with pytest.raises(ValueError, match=message):
        tried(model, quadrant_factors, *way)


def test_ways_that_need_factors_refuse_data_without(model, quadrant_factors):
    bare = Images("bare", ArrayPixels(quadrant_factors.read(slice(0, 30))))
    with pytest.raises(ValueError, match="Expected data with factors or labels, to edit by factor"):
        tried(model, bare, "factor", "size")
    with pytest.raises(ValueError, match="Unknown factor 'size'"):
        tried(model, bare, "latent", 0, kinds={"size": "circular"})
    few = Images("few", ArrayPixels(quadrant_factors.read(slice(0, 3))))
    with pytest.raises(ValueError, match="Expected at least 4 images in 'few'"):
        tried(model, few, "latent", 0)


def test_classes_that_are_not_there_are_refused(model, quadrant_labels, quadrant_factors):
    with pytest.raises(ValueError, match="Expected an attribute as FROM:TO"):
        tried(model, quadrant_labels, "attribute", "class")
    some = quadrant_factors.subset(**{"top left": [0, 1]})
    with pytest.raises(ValueError, match="Unknown value of top left '4'"):
        tried(model, some, "attribute", "top left=0:4")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edit.moved(np.zeros(3), 0, [1]), "Expected codes: numbers of shape"),
        (lambda: edit.moved(np.zeros((1, 3)), 0, []), "Expected values: one number or several"),
        (lambda: edit.moved(np.zeros((1, 3)), 0, [np.nan]), "Expected values: finite numbers"),
        (lambda: edit.swapped(np.zeros((1, 3)), np.zeros((2, 3)), [0]), "of one shape"),
        (lambda: edit.swapped(np.zeros((1, 3)), np.zeros((1, 3)), []), "each once"),
        (lambda: edit.steered(np.zeros((1, 3)), [1, 2], [1]), "Expected direction: 3 numbers"),
        (
            lambda: edit.interpolated([[2.0, 0]], [[0, 1.0]], spherical=True),
            "Expected codes of unit length",
        ),
        (
            lambda: edit.direction_between(np.zeros((2, 2)), np.array([True, True])),
            "2 of 2 with it",
        ),
        (lambda: edit.direction_between(np.zeros((2, 2)), np.array([0, 1])), "2 booleans"),
        (
            lambda: edit.direction_between(np.zeros((2, 2)), np.array([True, False]), "mean"),
            "Unknown way 'mean'. Did you mean 'means'",
        ),
        *(
            (
                lambda way=way: edit.direction_between(
                    np.full((4, 2), 0.1), np.array([True, False] * 2), way
                ),
                "Expected codes that vary, for a direction. Received: 4 that are the same",
            )
            for way in ("means", "probe")
        ),
        (lambda: Reader(("a",), (2, 3)), "Expected a size and a kind for each name"),
        (lambda: Reader(("a",), (2,), ("order",)), "Unknown kind 'order'. Did you mean 'ordered'"),
        (lambda: apart("order", [1], [1]), "Unknown kind 'order'"),
        (lambda: Reader(("a",), (2,)).read(paint([[0] * 4])), "Expected a reader that has learned"),
        (
            lambda: Reader(("a",), (2,)).fit(paint([[0] * 4]), np.array([[2]])),
            "Expected values from 0 to below",
        ),
        (
            lambda: Reader(("a",), (2,)).fit(paint([[0] * 4]), np.array([2])),
            "Expected values: integers of shape",
        ),
        (
            lambda: Reader(("a",), (2,)).fit(np.zeros((1, 8, 8, 1)), np.array([[0]])),
            "Expected images: uint8",
        ),
    ],
)
def test_other_arrays_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_measures_refuse_what_does_not_fit(model, reader):
    one = edit.by_latent(model, paint([[0] * 4]), 0, [1.0])
    with pytest.raises(ValueError, match="Expected an edit of at least 2 steps"):
        edit.measured_moves(one, reader)
    with pytest.raises(ValueError, match="Expected wanted: integers of shape"):
        edit.measured_matches(one, reader, np.zeros((1, 2), int))
    empty = Known(None, np.zeros((0, 1), int), ("a",), (2,), ("ordered",), (("0", "1"),))
    with pytest.raises(ValueError, match="Expected images for a reader"):
        learned_reader(empty, ("a",), np.arange(0))


@pytest.mark.parametrize("module", [edit, reading])
def test_examples_run(module):
    failed, tried = doctest.testmod(module, extraglobs={"np": np})
    assert tried > 0
    assert failed == 0


# The command


def test_the_command_writes_pictures_and_prints_what_it_found(
    command, quadrants, picture_folder, monkeypatch, tmp_path
):
    monkeypatch.setattr("applications.editing.STEPS", 20)
    data = ["--data", f"folder:{picture_folder}", "--samples", "20"]
    done = tmp_path / "done"
    said = command("apply", "edit", quadrants, "--swap", "left", *data, "--out", done)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0] == "A with left of B."
    assert "as it should be" in lines[1]
    assert lines[-1] == f"also in {done}"
    assert {path.name for path in done.iterdir()} == {"edit.png", "edit.gif", "result.json"}
    result = json.loads((done / "result.json").read_text())
    assert (result["way"], result["argument"], result["seed"]) == ("swap", "left", 0)
    assert result["kinds"] == {"class": "categories"}
    assert result["saved_model"] == str(quadrants)
    assert result["data"] == {"name": f"folder:{picture_folder}"}
    with Image.open(done / "edit.gif") as gif:
        assert gif.n_frames == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Expected one of --latent, --factor, --swap, --attribute, --between. Received: none."),
        (["--latent", "0", "--between"], "Received: --latent, --between."),
        (["--latent", "9"], "Expected latent to be an integer from 0 to 3. Received: 9."),
        (["--swap", "rihgt"], "Did you mean 'right'"),
        (["--latent", "0", "--circular", "clas"], "Unknown factor 'clas'. Did you mean 'class'"),
        (
            ["--swap", "left", "--direction", "means"],
            "Expected --attribute, to which --direction belongs. Received: none.",
        ),
        (
            ["--between", "--read", "class", "--sharp"],
            "--swap or --attribute, to which --read and --sharp belong. Received: none.",
        ),
    ],
)
def test_the_command_refuses(command, quadrants, picture_folder, options, message):
    data = ["--data", f"folder:{picture_folder}"]
    said = command("apply", "edit", quadrants, *data, *options)
    assert said.code == 2
    assert message in said.err


def test_a_model_that_does_not_decode_says_how_one_does(command, encoder_only):
    said = command("apply", "edit", encoder_only, "--latent", "0", "--data", "digits")
    assert said.code == 2
    assert "zoo train decoder --encoder RUN" in said.err
