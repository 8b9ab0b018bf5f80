"""Domains and adaptation: known looks, equation (1) of CORAL, and choices without target labels."""

import dataclasses
import doctest
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

from applications import SavedModel, adapt, adaptation, coral
from applications.adapting import Coded, compared
from applications.domains import (
    CORRUPTIONS,
    HUES,
    corrupted,
    cues,
    drawn,
    in_domain,
    inverted,
    on_background,
    rows_in_domain,
    tinted,
)
from tests.applications.conftest import ENCODE, save_model

RAMP = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


class TestLooks:
    def test_inverting_twice_changes_nothing(self):
        np.testing.assert_array_equal(inverted(inverted(RAMP)), RAMP)
        assert inverted(RAMP)[0, 0, 0, 0] == 255

    def test_hues_turn_white_alone(self):
        seen = tinted(np.repeat(RAMP, 3, axis=0), np.array([0, 1 / 3, 2 / 3]))
        for colour in range(3):
            np.testing.assert_array_equal(seen[colour, ..., colour], RAMP[0, ..., 0])
            assert seen[colour].sum() == RAMP.sum()

    def test_a_background_is_where_black_was(self):
        seen = on_background(RAMP, (10, 20, 30))
        assert seen[0, 0, 0].tolist() == [10, 20, 30]
        assert seen[0, -1, -1].tolist() == [255, 255, 255]

    def test_cues_are_tied_as_often_as_is_said(self):
        labels = np.arange(20_000) % 4
        free, half, all_ = (cues(labels, 4, tie, seed=0) == labels for tie in (0.0, 0.5, 1.0))
        assert all_.all()
        assert free.mean() == pytest.approx(0.25, abs=0.01)
        assert half.mean() == pytest.approx(0.625, abs=0.01)  # 0.5 + 0.5 / 4


class TestCorruptions:
    GREY = np.full((4, 64, 64, 3), 128, np.uint8)

    @pytest.mark.parametrize("kind", CORRUPTIONS)
    def test_each_severity_changes_more(self, kind):
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
        strengths = [
            np.abs(corrupted(images, kind, severity).astype(int) - images).mean()
            for severity in range(1, 6)
        ]
        assert strengths[0] > 0
        assert strengths == sorted(strengths)
        again, other = corrupted(images, kind, 2, seed=0), corrupted(images, kind, 2, seed=1)
        np.testing.assert_array_equal(again, corrupted(images, kind, 2, seed=0))
        assert np.array_equal(again, other) == (kind not in NOISES)

    def test_noise_has_the_deviations_of_the_paper(self):
        seen = corrupted(self.GREY, "gaussian_noise", 5) / 255
        assert seen.std() == pytest.approx(0.10, rel=0.02)
        # Poisson of mean x c, divided by c: variance x / c.
        seen = corrupted(self.GREY, "shot_noise", 5) / 255
        assert seen.std() == pytest.approx(np.sqrt(128 / 255 / 50), rel=0.02)
        struck = corrupted(self.GREY, "impulse_noise", 4) != 128
        assert struck.mean() == pytest.approx(0.05, abs=0.004)

    def test_contrast_keeps_the_mean_and_brightness_the_hue(self):
        image = np.array([[40, 80], [120, 160]], np.uint8)[None, ..., None].repeat(3, axis=3)
        seen = corrupted(image, "contrast", 2)
        assert seen[0, ..., 0].tolist() == [[70, 90], [110, 130]]
        red = np.array([100, 50, 0], np.uint8).reshape(1, 1, 1, 3)
        assert corrupted(red, "brightness", 4).ravel().tolist() == [151, 76, 0]
        assert corrupted(0 * red, "brightness", 4).ravel().tolist() == [51, 51, 51]

    def test_blur_spreads_a_point_by_its_deviation(self):
        point = np.zeros((1, 15, 15, 1), np.uint8)
        point[0, 7, 7] = 255
        seen = corrupted(point, "gaussian_blur", 5)[0, ..., 0] / 255
        assert seen[7, 7] == pytest.approx(1 / (2 * np.pi), abs=0.01)
        assert np.array_equal(seen, seen.T)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("fog",), "Unknown corruption 'fog'"),
            (("contrast", 6), "Expected severity to be an integer from 1 to 5. Received: 6"),
            (("contrast", 1, -1), "Expected seed to be an integer of at least 0"),
        ],
    )
    def test_bad_input_is_refused(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            corrupted(self.GREY, *arguments)


NOISES = ("gaussian_noise", "shot_noise", "impulse_noise")


class TestDomains:
    LABELS = np.arange(10)

    def seen(self, name, channels=3):
        images = np.full((10, 4, 4, 1), 255, np.uint8)
        return in_domain(images, self.LABELS, name, channels)

    def test_names(self):
        assert np.all(self.seen("plain") == 255)
        assert self.seen("plain", channels=1).shape == (10, 4, 4, 1)
        assert np.all(self.seen("inverted") == 0)
        expected = tinted(np.full((10, 4, 4, 1), 255, np.uint8), HUES["warm"])
        np.testing.assert_array_equal(self.seen("warm:1"), expected)
        assert np.all(self.seen("navy") == 255)
        assert self.seen("gaussian_noise").std() > 0

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("invertd", "Unknown domain 'invertd'. Did you mean 'inverted'"),
            ("plain:2", "Expected 'plain' alone. Received: 'plain:2'"),
            ("warm:all", "Expected 'warm' and a number, as warm:1. Received: 'warm:all'"),
            ("warm:2", "Expected tie to be a number from 0 to 1. Received: 2.0"),
            ("contrast:0.5", "Expected 'contrast' and a number, as contrast:1"),
        ],
    )
    def test_bad_names_are_refused(self, name, words):
        with pytest.raises(ValueError, match=words):
            self.seen(name)

    def test_colours_need_channels(self):
        with pytest.raises(ValueError, match=r"a domain of images of 1 channels, .* have 3"):
            self.seen("warm", channels=1)

    def test_rows_are_of_the_domain_and_tied(self, quadrant_factors):
        data, rows = quadrant_factors, np.arange(625)
        found = rows_in_domain(data, rows, "top left", [1, 3], "top right", 100, tie=1.0)
        assert len(found) == 100
        factors = data.factors[found]
        np.testing.assert_array_equal(factors[:, 0], np.array([1, 3])[factors[:, 2] % 2])
        assert set(factors[:, 2]) == set(range(5))

    def test_no_row_is_drawn_twice_even_where_there_are_too_few(self, quadrant_factors):
        """Of each combination there are 25: of ten as likely ones that is up to 250 in all."""
        told = quadrant_factors, np.arange(625), "top left", [1, 3], "top right"
        all_ = rows_in_domain(*told, count=5_000)
        assert 100 < len(all_) == len(set(all_)) <= 250
        counts = np.unique(quadrant_factors.factors[all_][:, [0, 2]], axis=0, return_counts=True)[1]
        assert counts.max() == 25  # it ends at the first that is used up
        few = rows_in_domain(*told, count=60)
        assert len(few) == len(set(few)) == 60

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"factor": "top lef"}, "Unknown factor 'top lef'. Did you mean 'top left'"),
            ({"label": "top left"}, "a domain that is not the label. Received: 'top left'"),
            ({"values": [5]}, "Expected a value of top left to be an integer from 0 to 4"),
            ({"rows": np.array([0])}, "Expected an image of top right 0 with top left 1"),
        ],
    )
    def test_bad_rows_are_refused(self, quadrant_factors, change, words):
        given = {
            "rows": np.arange(625), "factor": "top left", "values": [1], "label": "top right",
            "count": 50, **change,
        }  # fmt: skip
        with pytest.raises(ValueError, match=words):
            rows_in_domain(quadrant_factors, **given)

    def test_no_image_is_in_two_parts(self, quadrant_factors, quadrant_labels):
        told = {"samples": 500, "channels": 1}
        one, other = (
            drawn(quadrant_factors, "top left=1,2", label="top right", place=place, **told)
            for place in (0, 1)
        )
        parts = [{p.tobytes() for p in part} for part in (one.images, other.images,
                                                          one.test_images)]  # fmt: skip
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]
        one, other = (drawn(quadrant_labels, "plain", place=k, **told) for k in (0, 1))
        assert not {p.tobytes() for p in one.images} & {p.tobytes() for p in other.images}
        assert len(one.test_images) == len(other.test_images) == 100

    @pytest.mark.parametrize(
        ("name", "label", "words"),
        [
            (
                "top left=1",
                None,
                r"label= \(--label\), the factor of 'quadrants' .*: top left, bot",
            ),
            ("top left", "top right", "FACTOR=VALUE,... or .* Received: 'top left'"),
            ("top left=1:0.5.5", "top right", "FACTOR=VALUE,... or "),
            ("top left=1:2", "top right", "Expected tie to be a number from 0 to 1"),
        ],
    )
    def test_bad_factor_domains_are_refused(self, quadrant_factors, name, label, words):
        with pytest.raises(ValueError, match=words):
            drawn(quadrant_factors, name, 50, 1, label)

    def test_other_data_are_refused(self, quadrant_labels, quadrant_factors):
        with pytest.raises(
            ValueError, match=r"Expected no label= \(--label\): 'quadrants' has no fac"
        ):
            drawn(quadrant_labels, "plain", 50, 1, "top left")
        with pytest.raises(ValueError, match="Expected images of 3 channels"):
            drawn(quadrant_factors, "top left=1", 50, 3, "top right")
        halves = quadrant_labels.with_halves(quadrant_labels.train, quadrant_labels.test._chosen(
            np.array([], int)))  # fmt: skip
        with pytest.raises(ValueError, match="a training and a test half, and one class an image"):
            drawn(halves, "plain", 50, 1)


class TestCoral:
    def test_it_is_the_papers_equation(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(50, 4))
        D_S, D_T = ((z - z.mean(axis=0)) / z.std(axis=0) for z in (a, b))
        C_S, C_T = (np.cov(D.T) + np.eye(4) for D in (D_S, D_T))
        expected = D_S @ np.linalg.inv(sqrtm(C_S)) @ sqrtm(C_T)
        of_source, of_target = coral(a, b)
        np.testing.assert_allclose(of_source(a), expected, atol=1e-9)
        np.testing.assert_allclose(of_target(b), D_T, atol=1e-12)

    def test_the_same_domain_is_only_standardised(self):
        z = np.random.default_rng(0).normal(3, 2, (40, 3))
        of_source, of_target = coral(z, z)
        np.testing.assert_allclose(of_source(z), of_target(z), atol=1e-9)

    def test_dead_codes_do_no_harm(self):
        z = np.random.default_rng(0).normal(size=(40, 3)) * [1, 1, 0]
        assert np.all(np.isfinite(coral(z, z + 1)[0](z)))

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((np.eye(3), np.eye(4)), r"as many codes in both domains \(3\). Received: 4"),
            ((np.eye(3), np.eye(3), 0), "Expected ridge to be a number above 0"),
            ((np.eye(3), np.eye(3) * np.nan), "Expected finite target codes"),
        ],
    )
    def test_bad_input_is_refused(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            coral(*arguments)


def made(seed, cue_of, n=600):
    """Codes of three classes: two hold the class, two a cue that is the class's in the source."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    angle = 2 * np.pi * y / 3
    shape = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.15, (n, 2))
    cue = cue_of(y, rng)[:, None] + rng.normal(0, 0.1, (n, 2))
    codes, half = np.hstack([shape, cue]), n // 2
    return Coded(codes[:half], y[:half], codes[half:], y[half:])


SOURCE = made(0, lambda y, rng: 5.0 * y)
TARGET = made(1, lambda y, rng: 20 + 5.0 * rng.integers(0, 3, len(y)))
SUBSPACES = {"cue": slice(2, 4), "shape": slice(0, 2)}


class TestAdaptation:
    @pytest.mark.parametrize("subspaces", [None, SUBSPACES])
    def test_what_tells_the_domain_is_left_out(self, subspaces):
        found = adaptation(SOURCE, TARGET, subspaces)
        assert found.chosen == (("shape",) if subspaces else ("code 0", "code 1"))
        everything, chosen = found.way("all codes"), found.way("chosen codes")
        assert everything.target < 0.6
        assert chosen.target > 0.95
        assert chosen.source > everything.source - 0.02
        assert found.way("target labels too").target > 0.95
        assert [way.codes for way in found.ways] == [4, 2, 4, 4]

    def test_no_label_of_the_target_has_a_part_in_the_choice(self):
        rng = np.random.default_rng(0)
        shuffled = TARGET._replace(
            labels=rng.permutation(TARGET.labels), test_labels=rng.permutation(TARGET.test_labels)
        )
        found, other = adaptation(SOURCE, TARGET), adaptation(SOURCE, shuffled)
        assert found.units == other.units
        assert [way.source for way in found.ways[:3]] == [way.source for way in other.ways[:3]]

    def test_what_the_source_cannot_spare_stays(self):
        blind = SOURCE._replace(codes=SOURCE.codes[:, 2:], test_codes=SOURCE.test_codes[:, 2:])
        other = TARGET._replace(codes=TARGET.codes[:, 2:], test_codes=TARGET.test_codes[:, 2:])
        found = adaptation(blind, other)
        assert set(found.chosen) <= {"code 0", "code 1"}
        assert found.way("chosen codes").source > found.way("all codes").source - 0.05

    def test_a_domain_that_is_moved_is_moved_back_by_coral(self):
        moved = TARGET._replace(codes=3 * SOURCE.codes + 9, labels=SOURCE.labels,
                                test_codes=3 * SOURCE.test_codes + 9,
                                test_labels=SOURCE.test_labels)  # fmt: skip
        found = adaptation(SOURCE, moved)
        assert found.way("CORAL of all codes").target == found.way("CORAL of all codes").source
        assert found.way("all codes").target < 0.8

    def test_of_many_codes_a_few_sets_are_tried(self):
        rng = np.random.default_rng(0)

        def wide(coded):
            parts = (np.hstack([z, rng.normal(size=(len(z), 20))]) for z in coded[::2])
            codes, test_codes = parts
            return coded._replace(codes=codes, test_codes=test_codes)

        found = adaptation(wide(SOURCE), wide(TARGET), tolerance=0.05)
        assert not {"code 2", "code 3"} & set(found.chosen)
        assert found.way("chosen codes").target > 0.9

    def test_it_says_what_was_chosen_or_that_nothing_could_be_left_out(self):
        found = adaptation(SOURCE, TARGET)
        assert found.choice == (
            "Chosen, as they tell least of the domain, and lose no more than 2 points of accuracy "
            f"on the source: {', '.join(found.chosen)}."
        )
        units = [unit._replace(chosen=True) for unit in found.units]
        whole = dataclasses.replace(found, units=tuple(units), tolerance=0.005)
        assert whole.choice == (
            "All codes are chosen: without the first to be left out, over 0.5 points of accuracy "
            "on the source are lost."
        )
        one = adaptation(SOURCE, TARGET, {"all": slice(0, 4)})
        assert one.choice == "There is one part of the codes, and nothing to choose from."

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"source": SOURCE._replace(labels=0 * SOURCE.labels)}, "of at least two classes"),
            ({"source": Coded(*(part[:5] for part in SOURCE))}, "at least 10 source codes"),
            ({"target": SOURCE}, "Expected two domains. Received: the same codes for both"),
            (
                {"target": TARGET._replace(test_labels=TARGET.test_labels + 5)},
                "Expected target labels that the source has, 0, 1, 2. Received: 5, 6, 7",
            ),
            (
                {"target": TARGET._replace(codes=TARGET.codes[:, :3])},
                r"as many codes in both domains \(4\). Received: 3",
            ),
            ({"source": SOURCE._replace(labels=SOURCE.labels[:9])}, "as many source labels as"),
            ({"subspaces": {"far": slice(2, 9)}}, "Expected subspaces of codes 0 to 3. Received"),
            ({"tolerance": 2}, "Expected tolerance to be a number from 0 to 1"),
        ],
    )
    def test_bad_input_is_refused(self, change, words):
        with pytest.raises(ValueError, match=words):
            adaptation(**{"source": SOURCE, "target": TARGET, **change})


class TestModels:
    def test_a_condition_is_one_more_way(self, quadrants, quadrant_factors):
        model = SavedModel.open(quadrants)
        told = {"samples": 200, "channels": 1, "label": "top right"}
        source = drawn(quadrant_factors, "top left=0,1,2,3", place=0, **told)
        target = drawn(quadrant_factors, "top left=1,2,3,4", place=1, **told)
        target = target._replace(
            images=inverted(target.images), test_images=inverted(target.test_images)
        )
        found = adapt(model, source, target)
        assert found.way("conditional normalisation").target > 0.95  # it inverts under condition 1
        assert found.way("all codes").target < 0.5
        turned = adapt(model, source, target, conditions=(1, 0))
        assert turned.way("conditional normalisation").target > 0.95
        same = adapt(model, source, target, conditions=(0, 0))
        assert same.way("conditional normalisation").target == found.way("all codes").target
        assert {unit.name for unit in found.units} == {"left", "right"}

    def test_a_picture_shows_every_way(self):
        found = adaptation(SOURCE, TARGET)
        images = np.zeros((3, 8, 8, 1), np.uint8)
        figure = compared(found, images, images + 1, ("a", "b"), "how")
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert {way.name for way in found.ways} <= set(texts)
        assert {"source: a", "target: b", "how"} <= set(texts)
        with pytest.raises(ValueError, match="Expected images of both domains of one shape"):
            compared(found, images, images[:2])

    def test_the_command(self, command, quadrants, picture_folder):
        told = ("apply", "adapt", quadrants, "--data", f"folder:{picture_folder}")
        answer = command(*told, "--source", "plain", "--target", "inverted")
        assert answer.code == 0, answer.err
        assert "30 labels of the source, tested on 20 images of plain" in answer.out
        assert "also in applied/adapt/adapt.png" in answer.out
        assert "half is chance" in answer.out
        assert "target labels too: all codes, fitted to the labels of both domains" in answer.out
        result = json.loads(Path("applied/adapt/result.json").read_text())
        assert result["conditions"] == [0, 1]
        assert result["images"] == {"source": 30, "target": 30}
        assert result["test_images"] == {"source": 20, "target": 20}
        assert [way["name"] for way in result["ways"]] == [
            "all codes", "chosen codes", "CORAL of all codes", "conditional normalisation",
            "target labels too",
        ]  # fmt: skip
        answer = command(*told, "--source", "plain", "--target", "plain", "--out", "b")
        assert answer.code == 2
        assert "Expected two domains. Received: 'plain' for both." in answer.err
        answer = command(*told, "--source", "plain", "--target", "warm", "--out", "b")
        assert answer.code == 2
        assert "a domain of images of 1 channels" in answer.err

    def test_grey_data_join_models_of_colours(self, command, tmp_path):
        shape = (8, 8, 3)

        def encode(image):
            return ENCODE[0](image[..., :1])

        colour = ((None, *shape), "uint8")
        folder = save_model(tmp_path / "rgb", {"encode": (encode, {"image": colour}, "codes")})
        answer = command(
            "apply", "adapt", folder, "--data", "digits", "--source", "warm", "--target", "cool",
            "--samples", 100,
        )  # fmt: skip
        assert answer.code == 0, answer.err
        assert "conditional" not in answer.out
        assert json.loads(Path("applied/adapt/result.json").read_text())["conditions"] is None
        answer = command(
            "apply", "adapt", folder, "--data", "digits", "--source", "warm", "--target", "cool",
            "--conditions", 0, 1, "--out", "b",
        )  # fmt: skip
        assert answer.code == 2
        assert "'encode_conditioned', to which --conditions belongs. Received: none" in answer.err


@pytest.mark.parametrize("name", ["adapting", "domains"])
def test_examples_run(name):
    failed, tried = doctest.testmod(importlib.import_module(f"applications.{name}"))
    assert tried > 0
    assert failed == 0
