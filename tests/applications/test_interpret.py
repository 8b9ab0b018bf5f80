"""Which code holds which factor: known answers, by sentences, pictures and the command."""

import dataclasses
import doctest
import html
import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from applications import SavedModel, interpret, look_at_codes, read_codes, unseen_codes
from applications.interpret_page import page, worth_showing
from applications.interpreting import kinds_of
from tests.applications.conftest import LEVELS, paint, quadrant_means, save_model

REFERENCE = Path(__file__).parents[1] / "metrics" / "reference"  # its README says where from
NAMES = ("shape", "scale", "orientation", "x_position", "y_position")


def reference(folder, kind, part="train"):
    with np.load(folder / f"{kind}.npz") as file:
        return file[f"mus_{part}"], file[f"ys_{part}"]


def verdicts(found):
    return [(reading.verdict, reading.factor) for reading in found.readings]


FIVE_OF_TEN = [("follows", name) for name in NAMES] + 5 * [("nothing", "")]


@pytest.fixture(scope="module")
def made():
    """Five factors, five noisy codes of one each, five of noise; and the ten of them rotated."""
    rng = np.random.default_rng(0)
    v = np.stack([rng.integers(0, size, 2_000) for size in (3, 4, 5, 4, 6)], axis=1)
    own = (v - v.mean(axis=0)) / v.std(axis=0) + rng.normal(0, 0.1, v.shape)
    z = np.hstack([own, rng.normal(size=v.shape)])
    rotation = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    return v, z, z @ rotation


class TestKnownAnswers:
    def test_codes_of_one_factor_each_are_named_and_noise_holds_nothing(self, made):
        v, axis, _ = made
        assert verdicts(read_codes(axis, v, NAMES)) == FIVE_OF_TEN

    def test_rotated_codes_are_mixed(self, made):
        v, _, rotated = made
        assert {verdict for verdict, _ in verdicts(read_codes(rotated, v, NAMES))} == {"mixed"}

    @pytest.mark.parametrize("part", ["train", "test"])
    def test_the_reference_codes(self, part):
        found = read_codes(*reference(REFERENCE, "axis_small", part), NAMES)
        assert verdicts(found) == FIVE_OF_TEN
        for reading in found.readings[:5]:
            assert reading.share > 0.97  # 1,000 samples tell no more exactly
            assert reading.rank_correlation > 0.9
        mixed = read_codes(*reference(REFERENCE, "rotated_small", part), NAMES)
        assert {verdict for verdict, _ in verdicts(mixed)} == {"mixed"}

    def test_the_reference_codes_of_many_values(self, test_data):
        folder = test_data / "reference" / "metrics"
        assert verdicts(read_codes(*reference(folder, "axis_dsprites"), NAMES)) == FIVE_OF_TEN
        mixed = read_codes(*reference(folder, "rotated_dsprites"), NAMES)
        assert {verdict for verdict, _ in verdicts(mixed)} == {"mixed"}

    def test_dead_codes_are_called_constant(self):
        found = read_codes(*reference(REFERENCE, "collapsed_small"), NAMES)
        assert verdicts(found)[:2] == [("follows", "y_position"), ("follows", "x_position")]
        assert found.readings[3].sentence == "code 3 holds nothing: it is constant."
        words = "code 2 holds nothing: it tells of none of shape, scale,"
        assert found.readings[2].sentence.startswith(words)

    def test_shares_are_those_of_the_reference_less_chance(self):
        scores = json.loads((REFERENCE / "scores.json").read_text())
        z, v = reference(REFERENCE, "axis_small")
        given = np.array(scores["axis_small"]["scores"]["mutual_information"])
        entropy = [-np.sum(p * np.log(p)) for p in (np.bincount(k) / len(k) for k in v.T)]
        found = read_codes(z, v, NAMES)
        shares = np.diag(given[:5] / entropy)
        np.testing.assert_allclose(np.diag(found.of_factor[:5]), shares, atol=1e-3)
        assert np.all(found.of_factor[5:] < 0.01)

    def test_few_samples_of_noise_hold_nothing(self):
        rng = np.random.default_rng(0)
        z, v = rng.normal(size=(200, 40)), rng.integers(0, 40, (200, 5))
        assert {verdict for verdict, _ in verdicts(read_codes(z, v))} == {"nothing"}

    def test_of_next_to_nothing_no_share_is_told(self):
        """It knows 0.3 % of one factor, more than by chance, which is all of its information."""
        rng = np.random.default_rng(0)
        v = rng.integers(0, 5, (20_000, 2))
        found = read_codes(rng.normal(size=(20_000, 1)) + 0.08 * v[:, :1], v)
        assert verdicts(found) == [("nothing", "")]
        assert 0 < found.of_factor[0, 0] < 0.01
        assert not found.of_code.any()

    def test_a_code_that_knows_little_is_said_to(self):
        rng = np.random.default_rng(0)
        v = rng.integers(0, 5, (20_000, 2))
        noise = rng.normal(size=20_000)
        codes = np.stack([0.3 * v[:, 0] + noise, 0.3 * v.sum(axis=1) + noise], axis=1)
        one, both = read_codes(codes, v, ["size", "place"]).readings
        assert one.sentence.startswith("code 0 follows size, 100 % of the little it knows, but")
        assert one.sentence.endswith(" 5 % of size can be told from it.")
        assert both.verdict == "mixed"
        assert " of the little it knows. " in both.sentence

    @pytest.mark.parametrize("count", [300, 20_000])
    def test_few_samples_make_no_code_purer(self, count):
        """Of the second factor it knows 4 %, which 300 samples do not tell from chance."""
        rng = np.random.default_rng(0)
        v = rng.integers(0, (5, 30), (count, 2))
        codes = 0.55 * v[:, :1] + 0.045 * v[:, 1:] + rng.normal(size=(count, 1))
        found = read_codes(codes, v)
        assert (found.of_factor[0, 1] == 0) == (count == 300)
        assert verdicts(found) == [("mixed", "factor 0")]
        assert found.readings[0].sentence.startswith("code 0 is mixed: factor 0 ")


class TestUnseen:
    """Codes of which a decoder takes no notice."""

    @pytest.fixture
    def codes(self):
        """Two codes of one factor each; the third is the second's, and hardly varies."""
        v = np.stack(np.meshgrid(range(5), range(5)), axis=-1).reshape(-1, 2).repeat(20, axis=0)
        return np.hstack([v, 0.01 * v[:, 1:]]).astype(np.float64), v

    def test_what_hardly_varies_and_is_not_decoded_holds_nothing(self, codes):
        found = read_codes(*codes, ["x", "y"], unseen=[2])
        assert verdicts(found) == [("follows", "x"), ("follows", "y"), ("nothing", "")]
        assert found.readings[2].sentence == (
            "code 2 holds nothing: it hardly varies, and the decoder takes no notice of it, though "
            "100 % of y can be told from it."
        )
        assert found.notes[-1].startswith("Of a code the decoder takes no notice if in 16 images")
        assert verdicts(read_codes(*codes, ["x", "y"]))[2] == ("follows", "y")

    def test_what_varies_and_is_not_decoded_is_said_to_be_so(self, codes):
        found = read_codes(*codes, ["x", "y"], unseen=[1])
        assert verdicts(found)[1] == ("follows", "y")
        assert found.readings[1].sentence.endswith(" The decoder takes no notice of it.")

    def test_so_of_images_of_which_nothing_is_known(self, codes):
        z, _ = codes
        found = read_codes(z, unseen=[0, 2])
        assert [reading.verdict for reading in found.readings] == ["unknown", "unknown", "nothing"]
        assert found.readings[0].sentence.endswith("variance. The decoder takes no notice of it.")
        assert found.readings[2].sentence == (
            "code 2 holds nothing: it hardly varies, and the decoder takes no notice of it."
        )

    def test_they_are_found_by_what_is_decoded(self, quadrants, encoder_only, pictures):
        model = SavedModel.open(quadrants)
        z = model.encode(pictures)
        assert unseen_codes(model, z) == []
        z[:, 2] = 0.5 + 0.015 * (z[:, 2] - 0.5)  # four grey levels, which no eye sees
        assert unseen_codes(model, z) == [2]
        assert unseen_codes(SavedModel.open(encoder_only), z) == []


class TestKinds:
    def test_a_circular_factor_has_no_rank_correlation(self):
        v = np.arange(400) % 40
        z = np.stack([np.cos(2 * np.pi * v / 40), np.sin(4 * np.pi * v / 40)], axis=1)
        found = read_codes(z, v[:, None], ["orientation"], {"orientation": "circular"})
        first = found.readings[0]
        assert first.verdict == "follows"
        assert np.isnan(first.rank_correlation)
        assert first.explained == pytest.approx(1)
        assert first.sentence.startswith(
            "code 0 follows orientation, which goes round; orientation explains 100 % of its"
        )

    def test_an_ordered_factor_without_order_says_so(self):
        v = np.arange(400) % 5
        z = np.array([0.0, 2.0, 4.0, 2.0, 0.0])[v][:, None]
        words = read_codes(z, v[:, None], ["height"]).readings[0].sentence
        assert "follows height, but does not rise or fall with it; height explains 100 %" in words

    def test_labels_are_categories_with_names(self):
        labels = np.arange(300) % 3
        z = np.array([0.0, 5.0, -5.0])[labels][:, None]
        found = read_codes(z, labels, value_names={"class": ("cat", "dog", "cow")})
        assert found.readings[0].sentence == (
            "code 0 follows class; class explains 100 % of its variance, lowest for cow, highest "
            "for dog. 100 % of class can be told from it."
        )

    def test_what_values_explain_of_noise_is_nothing(self):
        rng = np.random.default_rng(0)
        v = rng.integers(0, 50, 2_000)
        z = np.stack([v + rng.normal(0, 14.4, 2_000), v], axis=1)  # half the variance is noise
        readings = read_codes(z, v[:, None], ["x"]).readings
        assert [reading.explained for reading in readings] == [pytest.approx(0.5, abs=0.05), 1]

    def test_known_data_tell_their_kinds(self):
        names = ("shape", "orientation", "x_position")
        assert kinds_of("dsprites", names, {"x_position": "circular"}) == {
            "shape": "categories",
            "orientation": "circular",
            "x_position": "circular",
        }


def test_factors_that_tell_of_one_another_are_noted():
    rng = np.random.default_rng(0)
    size = rng.integers(0, 4, 1_000)
    weight = np.where(rng.random(1_000) < 0.7, size, rng.integers(0, 4, 1_000))
    v = np.stack([size, weight, rng.integers(0, 4, 1_000)], axis=1)
    (note,) = read_codes(v, v, ["size", "weight", "place"]).notes
    assert note.startswith("size and weight tell ")


def test_without_factors_codes_are_told_by_variance_and_likeness():
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    found = read_codes(np.stack([3 * x, -x, np.zeros(100)], axis=1))
    assert [reading.sentence for reading in found.readings] == [
        "code 0 has 90 % of all variance, and says the same as code 1 "
        "(rank correlation \N{MINUS SIGN}1.00).",
        "code 1 has 10 % of all variance, and says the same as code 0 "
        "(rank correlation \N{MINUS SIGN}1.00).",
        "code 2 holds nothing: it is constant.",
    ]
    assert [reading.verdict for reading in found.readings] == ["unknown", "unknown", "nothing"]


def test_no_scale_and_no_order_of_codes_matters(made):
    v, axis, _ = made
    order = np.random.default_rng(1).permutation(10)
    found = read_codes(-3 * axis[:, order] + 1, v, NAMES)
    assert [verdicts(found)[place] for place in np.argsort(order)] == FIVE_OF_TEN


Z = np.arange(40.0)[:, None]
V = np.arange(40)[:, None] % 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((Z, V[:30]), r"Expected as many rows of factors as of codes \(40\). Received: 30"),
        ((Z[:10], V[:10]), r"at least as many samples as bins \(20\). Received: 10"),
        ((Z[:10],), r"at least as many samples as bins \(20\). Received: 10"),
        ((Z, 0 * V), "Expected more than one value of some factor. Received: one alone"),
        ((Z, 0 * V[:, 0]), "Expected more than one class. Received: one alone"),
        ((Z, V, ["a", "b"]), "Expected factor_names: 1, one for each column of factors"),
        ((Z, V, ["a"], {"b": "circular"}), "Unknown factor 'b'"),
        ((Z, V, ["a"], {"a": "circuler"}), "Unknown kind of 'a' 'circuler'. Did you mean"),
        ((Z, V, ["a"], None, {"b": ["x"]}), "Unknown factor 'b'"),
        ((Z * np.nan, V), "Expected finite codes"),
        ((Z, V, None, None, None, None, (), -1), "Expected seed to be an integer of at least 0"),
    ],
)
def test_bad_input_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        read_codes(*arguments)


def test_an_unknown_factor_has_no_kind():
    with pytest.raises(ValueError, match=r"Unknown factor 'shap'. Did you mean 'shape'"):
        kinds_of("dsprites", NAMES, {"shap": "circular"})


@pytest.fixture(scope="module")
def model(quadrants):
    return SavedModel.open(quadrants)


@pytest.fixture(scope="module")
def pictures(quadrant_factors):
    return quadrant_factors.read(slice(None))


class TestLooks:
    def test_a_code_moves_alone_from_its_lowest_to_its_highest(self, model, pictures):
        codes = model.encode(pictures)
        looks = look_at_codes(model, pictures, codes, [2, 0], steps=5, count=3)
        assert looks.decoded
        np.testing.assert_array_equal(looks.values, np.tile(np.linspace(0, 1, 5), (2, 1)))
        middle = np.full((5, 4), 0.5)
        middle[:, 2] = np.linspace(0, 1, 5)
        moved = paint(np.rint(middle * 255) / 255)
        assert np.abs(looks.moved[0].astype(int) - moved).max() <= 1

    def test_the_images_that_excite_most_and_least(self, model, pictures):
        codes = model.encode(pictures)
        looks = look_at_codes(model, pictures, codes, [1], count=8)
        assert np.all(looks.most[0, :, 4:, :4] == 255)
        assert np.all(looks.least[0, :, 4:, :4] == 0)

    def test_without_a_decoder_images_stand_for_moves(self, encoder_only, pictures):
        model = SavedModel.open(encoder_only)
        codes = model.encode(pictures)
        looks = look_at_codes(model, pictures, codes, [3], steps=LEVELS)
        assert not looks.decoded
        seen = model.encode(looks.moved[0])
        np.testing.assert_allclose(seen[:, 3], np.linspace(0, 1, LEVELS), atol=0.01)
        assert np.all(np.ptp(seen[:, :3], axis=0) <= 0.26)  # as near as the pictures allow

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"count": 700}, "Expected at least 700 images, .* Received: 625"),
            ({"shown": [4]}, "Expected code to be an integer from 0 to 3"),
            ({"steps": 1}, "Expected steps to be an integer of at least 2"),
            ({"images": np.zeros((3, 8, 8, 1), np.uint8)}, r"as codes \(625\). Received: 3"),
        ],
    )
    def test_bad_input_is_refused(self, model, pictures, change, words):
        given = {"images": pictures, "codes": model.encode(pictures), "shown": [0], **change}
        with pytest.raises(ValueError, match=words):
            look_at_codes(model, **given)

    def test_the_page_is_whole_in_a_browser(self, model, pictures, quadrant_factors, browser,
                                            tmp_path):  # fmt: skip
        codes = model.encode(pictures)
        factors, names = quadrant_factors.factors, quadrant_factors.factor_names
        found = read_codes(codes, factors, names, subspaces=model.subspaces)
        looks = look_at_codes(model, pictures, codes, worth_showing(found))
        path = tmp_path / "interpret.html"
        path.write_text(page(found, looks, "a <b> model", "625 pictures."), encoding="utf-8")
        for width in (1200, 390):
            shown = browser.open(path, width=width)
            assert shown.console == []
            assert shown.fetched == [path.as_uri()]
            assert shown.overflow <= 0
            assert shown.broken_images == []
        assert shown.all("h1") == ["a <b> model"]
        assert shown.all("h2") == ["Sentences", "Matrix", "Pictures"]
        assert len(shown.all(".code img")) == 4 * 3
        assert shown.all(".map td strong") == ["100 %"] * 4
        assert "code 1 (left) follows bottom left" in shown.all(".sentence")[1]

    def test_names_of_the_data_are_words_and_not_markup(self, model, pictures, quadrant_factors):
        """Classes of a folder are called as its folders are, by whoever made them."""
        bad = "<img src=x onerror=alert(1)>"
        found = read_codes(
            model.encode(pictures),
            quadrant_factors.factors,
            [f"{bad} {k}" for k in range(4)],
            {f"{bad} 0": "categories"},
            {f"{bad} 0": [f"<b>{level}" for level in range(LEVELS)]},
            {f"{bad} part": slice(0, 4)},
        )
        noted = dataclasses.replace(found, notes=(f"{bad} tells nothing.",))
        looks = look_at_codes(model, pictures, model.encode(pictures), [0])
        text = page(noted, looks, f"{bad} model", f"images of {bad}")
        assert "<img src=x" not in text
        assert "<b>" not in text
        shown = html.unescape(text.replace("<wbr>", ""))
        for words in (f"{bad} model", f"images of {bad}", f"{bad} tells nothing", f"{bad} part",
                      f"follows {bad} 0", "lowest for <b>0, highest for <b>4"):  # fmt: skip
            assert words in shown

    def test_where_nothing_is_known_what_varies_most_comes_first_and_no_verdict(
        self, model, pictures
    ):
        codes = model.encode(pictures) * [1, 3, 2, 0]
        found = read_codes(codes)
        assert worth_showing(found) == [1, 2, 0]
        looks = look_at_codes(model, pictures, codes, worth_showing(found))
        text = page(found, looks, "model", "pictures")
        assert "verdict</th>" not in text
        assert ">unknown<" not in text
        assert "code 3 holds nothing: it is constant." in text

    def test_a_page_without_room_leaves_pictures_out(self, model, pictures):
        codes = model.encode(pictures)
        looks = look_at_codes(model, pictures, codes, [0])
        text = page(read_codes(codes), looks, "model", "pictures", most=10)
        assert "Pictures left out, to keep the page within 20 MiB" in text
        assert 'id="matrix"' not in text


def test_images_and_factors_may_be_arrays(model, quadrant_factors):
    images, factors = quadrant_factors.sample(300, seed=0)
    found = interpret(model, images, factors, quadrant_factors.factor_names)
    assert verdicts(found) == [("follows", name) for name in quadrant_factors.factor_names]
    assert found.readings[0].sentence.startswith("code 0 (left) follows top left")
    assert verdicts(interpret(model, images)) == [("unknown", "")] * 4


def test_of_many_codes_those_that_tell_most_are_shown():
    rng = np.random.default_rng(0)
    v = rng.integers(0, 4, (400, 2))
    z = np.hstack([rng.normal(size=(400, 20)), v + rng.normal(0, 0.5, (400, 2)), v])
    found = read_codes(z, v)
    shown = worth_showing(found)
    assert shown[:2] == [22, 23]  # which know all of their factor
    assert sorted(shown) == [20, 21, 22, 23]
    assert worth_showing(found, most=2) == [22, 23]
    assert len(worth_showing(read_codes(z), most=5)) == 5


class TestCommand:
    def test_it_tells_the_classes_of_a_folder(self, command, quadrants, picture_folder):
        answer = command(
            "apply", "interpret", quadrants, "--data", f"folder:{picture_folder}", "--out", "seen",
            "--split", "train",
        )  # fmt: skip
        assert answer.code == 0, answer.err
        assert "code 0 (left) " in answer.out
        assert "60 training images of" in answer.out
        assert "also in seen/interpret.html" in answer.out
        result = json.loads(Path("seen/result.json").read_text())
        assert result["factors"] == ["class"]
        assert [reading["code"] for reading in result["codes"]] == [0, 1, 2, 3]
        again = command(
            "apply", "interpret", quadrants, "--data", f"folder:{picture_folder}", "--out", "seen"
        )
        assert again.code == 2
        assert "seen is there already. Use --overwrite" in again.err

    def test_of_images_without_labels_it_tells_how_codes_vary(
        self, command, encoder_only, pictures, tmp_path
    ):
        folder = tmp_path / "bare"
        folder.mkdir()
        for i, picture in enumerate(pictures[::25]):
            Image.fromarray(picture[..., 0]).save(folder / f"{i:02d}.png")
        answer = command("apply", "interpret", encoder_only, "--data", f"folder:{folder}")
        assert answer.code == 0, answer.err
        assert "% of all variance" in answer.out
        assert "Nothing is known of the images" in answer.out
        assert "the model does not decode" in Path("applied/interpret/interpret.html").read_text()

    def test_of_many_codes_those_that_tell_most_are_printed(self, command, picture_folder,
                                                            tmp_path):  # fmt: skip
        def encode(image):
            import tensorflow as tf

            return tf.repeat(quadrant_means(image), 10, axis=1)

        picture = ((None, 8, 8, 1), "uint8")
        folder = save_model(tmp_path / "wide", {"encode": (encode, {"image": picture}, "codes")})
        answer = command(
            "apply", "interpret", folder, "--data", f"folder:{picture_folder}", "--split", "train"
        )
        assert answer.code == 0, answer.err
        assert "and 8 more, in applied/interpret/result.json" in answer.out
        assert len(json.loads(Path("applied/interpret/result.json").read_text())["codes"]) == 40

    def test_an_unknown_factor_is_refused(self, command, quadrants, picture_folder):
        answer = command(
            "apply", "interpret", quadrants, "--data", f"folder:{picture_folder}",
            "--circular", "clas",
        )  # fmt: skip
        assert answer.code == 2
        assert "Unknown factor 'clas'. Did you mean 'class'?" in answer.err
        answer = command(
            "apply", "interpret", quadrants, "--data", f"folder:{picture_folder}",
            "--circular", "class", "--categories", "class",
        )  # fmt: skip
        assert answer.code == 2
        assert "Expected one of --circular and --categories for class. Rec" in answer.err

    def test_a_half_of_few_images_is_refused(self, command, quadrants, picture_folder, tmp_path):
        folder = shutil.copytree(picture_folder, tmp_path / "fewer")
        next((folder / "test").rglob("*.png")).unlink()
        answer = command("apply", "interpret", quadrants, "--data", f"folder:{folder}")
        assert answer.code == 2
        assert "Expected at least 20 images. Received: 19 in the test half of fold" in answer.err
        assert ". --split train takes more." in answer.err

    def test_factors_have_no_halves(self, command, quadrants):
        answer = command(
            "apply", "interpret", quadrants, "--data", "dsprites", "--resize", "--split", "train"
        )
        assert answer.code == 2
        assert "Received: dsprites, which has factors and no halves." in answer.err


@pytest.mark.parametrize("name", ["interpreting", "interpret_page"])
def test_examples_run(name):
    failed, tried = doctest.testmod(importlib.import_module(f"applications.{name}"))
    assert tried > 0
    assert failed == 0
