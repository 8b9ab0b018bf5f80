import doctest
import json
import re
import shutil
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from applications import SavedModel, load_data, load_images, saved_model
from tests.applications.conftest import (
    CLASSIFY,
    DECODE,
    ENCODE,
    painted,
    quadrant_means,
    save_model,
)
from zoo.data.progress import progress

IMAGE = ((None, 8, 8, 1), "uint8")


@pytest.fixture(scope="module")
def model(quadrants):
    return SavedModel.open(quadrants, ("encode", "decode", "encode_conditioned", "classify"))


# What it computes


def test_codes_and_images_are_those_of_the_signatures(model, quadrant_factors):
    images, factors = quadrant_factors.sample(50, seed=0)
    np.testing.assert_allclose(model.encode(images), factors / 4, atol=1e-2)
    np.testing.assert_array_equal(model.decode(model.encode(images)), images)


@pytest.mark.parametrize("batch_size", [1, 3, 10, 11])
def test_batches_do_not_matter(model, quadrant_factors, batch_size):
    images = quadrant_factors.read(range(10))
    whole = model.encode(images)
    assert (whole.dtype, whole.shape) == (np.float32, (10, 4))
    np.testing.assert_allclose(model.encode(images, batch_size, progress=True), whole, atol=1e-6)


def test_a_bar_is_drawn_of_many_batches(model, quadrant_factors, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "applications.saved_model.progress_bar",
        lambda what, total: drawn.append((what, total)) or progress(what, total),
    )
    images = quadrant_factors.read(range(20))
    model.encode(images, batch_size=1)
    model.encode(images, batch_size=5, progress=True)
    assert drawn == []
    model.encode(images, batch_size=1, progress=True)
    assert drawn == [("encode", 20)]


def test_no_images_have_no_codes(model):
    assert model.encode(np.zeros((0, 8, 8, 1), np.uint8)).shape == (0, 4)
    assert model.decode(np.zeros((0, 4))).shape == (0, 8, 8, 1)


def test_a_graph_is_not_run_on_no_images(tmp_path):
    def encode(images):
        import tensorflow as tf

        tf.debugging.assert_greater(tf.shape(images)[0], 0)  # many cannot be
        return quadrant_means(images)

    folder = save_model(tmp_path / "model", {"encode": (encode, *ENCODE[1:]), "decode": DECODE})
    model = SavedModel.open(folder)
    codes = model.encode(np.zeros((0, 8, 8, 1), np.uint8))
    assert (codes.shape, codes.dtype) == ((0, 4), np.float32)
    images = model.decode(codes)
    assert (images.shape, images.dtype) == ((0, 8, 8, 1), np.uint8)


def test_a_condition_is_one_for_all_or_one_each(model, quadrant_factors):
    images = quadrant_factors.read(range(4))
    plain = model.encode(images)
    np.testing.assert_allclose(model.encode_conditioned(images, -1), plain, atol=1e-6)
    np.testing.assert_allclose(model.encode_conditioned(images, 1), 1 - plain, atol=1e-6)
    mixed = model.encode_conditioned(images, np.array([1, 0, 1, 0]), batch_size=3)
    np.testing.assert_allclose(mixed[::2], 1 - plain[::2], atol=1e-6)
    np.testing.assert_allclose(mixed[1::2], plain[1::2], atol=1e-6)


def test_classes_are_those_of_the_card(model, quadrants, tmp_path):
    assert model.class_names == ("dark", "bright")
    black, white = np.zeros((1, 8, 8, 1), np.uint8), np.full((1, 8, 8, 1), 255, np.uint8)
    np.testing.assert_allclose(model.classify(np.concatenate([black, white])), np.eye(2), atol=1e-6)
    bare = save_model(tmp_path / "bare", {"classify": CLASSIFY})
    assert SavedModel.open(bare, ("classify",)).class_names == ("0", "1")


def test_what_is_known_of_it(model, encoder_only):
    assert model.image_shape == (8, 8, 1)
    assert (model.image_dtype, model.code_size) == ("uint8", 4)
    assert model.subspaces == {"left": slice(0, 2), "right": slice(2, 4)}
    assert model.card["method"] == "Quadrants"
    assert model.name.endswith("/1")
    assert all(map(model.has, ("encode", "decode", "encode_conditioned", "classify")))
    bare = SavedModel.open(encoder_only)
    assert (bare.card, bare.subspaces, bare.name) == ({}, {}, "encoder")
    assert not bare.has("decode")


def test_images_of_floats_are_divided(float_model, quadrant_factors):
    model = SavedModel.open(float_model, ("encode", "decode"))
    images, factors = quadrant_factors.sample(20, seed=0)
    assert model.image_dtype == "float32"
    np.testing.assert_allclose(model.encode(images), factors / 4, atol=1e-2)
    np.testing.assert_array_equal(model.decode(model.encode(images)), images)


def test_floats_are_made_of_a_batch_at_a_time(float_model):
    model = SavedModel.open(float_model, ("encode", "decode"))
    images = np.zeros((20_000, 8, 8, 1), np.uint8)
    for function, rows in ((model.encode, images), (model.decode, np.zeros((20_000, 4)))):
        tracemalloc.start()
        try:
            function(rows)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 3 * images.nbytes  # as floats they are four times as large


def test_fingerprints_tell_models_apart(quadrants, encoder_only, tmp_path):
    moved = shutil.copytree(quadrants, tmp_path / "moved")
    prints = [SavedModel.open(path).fingerprint for path in (quadrants, moved, encoder_only)]
    assert re.fullmatch("[0-9a-f]{64}", prints[0])
    assert prints[0] == prints[1] != prints[2]


# Where it is


def test_versions_and_runs_are_found(encoder_only, tmp_path):
    for version in ("2", "10", "notes"):
        shutil.copytree(encoder_only, tmp_path / "run" / "saved_model" / version)
    assert SavedModel.open(tmp_path / "run" / "saved_model").path.name == "10"
    assert SavedModel.open(tmp_path / "run").path.name == "10"


@pytest.mark.parametrize("name", ["nothing", "file", "folder"])
def test_what_is_no_saved_model_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    told = {"nothing": "nothing", "file": "a file", "folder": "a folder without one"}[name]
    with pytest.raises(FileNotFoundError, match=re.escape(f"{tmp_path / name}, {told}.")):
        SavedModel.open(tmp_path / name)


def test_a_damaged_one_is_refused(tmp_path, encoder_only):
    damaged = shutil.copytree(encoder_only, tmp_path / "damaged")
    (damaged / "saved_model.pb").write_bytes(b"\x00nothing")
    with pytest.raises(ValueError, match="cannot be loaded"):
        SavedModel.open(damaged)


@pytest.mark.parametrize(("text", "said"), [("{", "is damaged"), ("[1]", "no names and values")])
def test_a_damaged_card_is_refused(tmp_path, encoder_only, text, said):
    damaged = shutil.copytree(encoder_only, tmp_path / "damaged")
    (damaged / "card.json").write_text(text)
    with pytest.raises(ValueError, match=said):
        SavedModel.open(damaged)


@pytest.mark.parametrize(
    "subspaces",
    [
        ["left"],
        "left",
        {"left": 2},
        {"left": [0, 1, 1]},
        {"left": [0, "2"]},
        {"left": [0, 0.5]},
        {"left": [0, 10**12]},
        {"left": [-1, 2]},
        {"left": [2, 2], "right": [0, 4]},
        {"left": [0, 2]},
        {"left": [0, 3], "right": [2, 4]},
    ],
)
def test_other_subspaces_are_refused(subspaces):
    with pytest.raises(
        ValueError, match=r"Expected subspaces: the first code .*of 4 codes.* Received: "
    ):
        saved_model.subspaces_of(subspaces, 4)
    assert saved_model.subspaces_of(subspaces, 0) == {}


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"data": "dsprites"}, "data holds no names and values"),
        ({"hyperparameters": [1]}, "hyperparameters holds no names and values"),
        ({"classes": 10}, "classes is no list"),
        ({"subspaces": ["left"]}, "subspaces holds no names and values"),
        ({"subspaces": {"left": [0, 5]}}, "Expected subspaces: .*of 4 codes.* Received: {'left'"),
        ({"scores": {"accuracy": 0.9}}, r"Expected a score as JSON. Received: 0\.9"),
    ],
)
def test_a_card_of_another_form_is_refused(tmp_path, encoder_only, card, said):
    damaged = shutil.copytree(encoder_only, tmp_path / "damaged")
    (damaged / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=rf"card\.json is damaged: {said}"):
        SavedModel.open(damaged)


@pytest.mark.parametrize("data", [{"name": "digits", "source": "web"}, {"name": 3}, {"size": 8}])
def test_a_card_of_data_that_cannot_be_loaded_is_refused(tmp_path, encoder_only, data):
    strange = shutil.copytree(encoder_only, tmp_path / "strange")
    (strange / "card.json").write_text(json.dumps({"data": data}))
    model = SavedModel.open(strange)
    assert load_data(model, "digits").name == "digits"
    with pytest.raises(ValueError, match=r"card\.json is damaged: expected data of file, folder"):
        load_data(model)


def test_examples():
    assert doctest.testmod(saved_model).failed == 0


# Which signatures it has


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("decode", "zoo train decoder --encoder RUN"),
        ("encode_conditioned", "conditional normalisation"),
        ("classify", "zoo apply probe"),
    ],
)
def test_a_signature_that_is_lacking_is_named_with_how_it_is_made(encoder_only, name, way):
    with pytest.raises(ValueError, match=f"the signature '{name}'.*has encode.*{way}"):
        SavedModel.open(encoder_only, ("encode", name))


def test_a_signature_that_was_not_asked_for_is_refused_when_used(encoder_only):
    with pytest.raises(ValueError, match="Expected a SavedModel with the signature 'decode'"):
        SavedModel.open(encoder_only).decode(np.zeros((1, 4)))


def test_unknown_signatures_are_refused(encoder_only):
    with pytest.raises(ValueError, match=r"Unknown signature 'decoed'. Did you mean 'decode'"):
        SavedModel.open(encoder_only, ("decoed",))


def test_a_model_of_other_signatures_is_refused(tmp_path):
    folder = save_model(tmp_path / "other", {"serve": ENCODE})
    with pytest.raises(ValueError, match=r"the signature 'encode'.*which has serve"):
        SavedModel.open(folder)
    with pytest.raises(ValueError, match=r"one of the signatures encode, .*which has serve"):
        SavedModel.open(folder, needs=())


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ((quadrant_means, {"x": IMAGE}, "codes"), "takes x and gives codes"),
        ((quadrant_means, {"image": IMAGE}, "z"), "takes image and gives z"),
        (
            (quadrant_means, {"image": ((None, None, 8, 1), "uint8")}, "codes"),
            r"of shape \(N, H, W, C\), for any number N .*Received: \(None, None, 8, 1\)",
        ),
        ((quadrant_means, {"image": ((4, 8, 8, 1), "uint8")}, "codes"), r"Received: \(4, 8, 8, 1"),
        (
            (lambda x: quadrant_means(x)[:, 0], {"image": IMAGE}, "codes"),
            r"codes of shape \(N, L\).*Received: \(None,\)",
        ),
        (
            (quadrant_means, {"image": ((None, 8, 8, 1), "int64")}, "codes"),
            "images of uint8 or float32. Received: int64",
        ),
    ],
)
def test_a_signature_of_another_form_is_refused(tmp_path, function, said):
    folder = save_model(tmp_path / "model", {"encode": function})
    with pytest.raises(ValueError, match=said):
        SavedModel.open(folder)


def test_a_signature_of_another_form_does_not_matter_where_it_is_not_needed(tmp_path):
    strange = (lambda codes: codes, {"z": ((None, 4), "float32")}, "image")
    folder = save_model(tmp_path / "model", {"encode": ENCODE, "decode": strange})
    assert not SavedModel.open(folder).has("decode")


def test_a_decoder_of_other_codes_is_refused(tmp_path):
    other = (lambda c: painted(c[:, :4]), {"codes": ((None, 6), "float32")}, "image")
    folder = save_model(tmp_path / "model", {"encode": ENCODE, "decode": other})
    with pytest.raises(ValueError, match=r"as many codes in all.*encode 4, decode 6"):
        SavedModel.open(folder)


# What it takes


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 8, 8, 1), np.float32), r"uint8 of shape \(N, 8, 8, 1\). Received: float32"),
        (np.zeros((8, 8, 1), np.uint8), r"Received: uint8 of shape \(8, 8, 1\)"),
        (np.zeros((2, 8, 6, 1), np.uint8), r"of 8x8 pixels .*Received: 8x6 pixels.*--resize"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"Expected grey images \(1 channel\).*in colour \(3"),
        (
            np.zeros((2, 8, 8, 3), np.uint8),
            r"channels\)\. Pillow's image\.convert\('L'\) makes them so",
        ),
        (["a.png"], r"Received: <U5 of shape \(1,\)\. load_images reads files\.$"),
        (np.full((2, 8, 8, 1), -1.0), r"of shape \(2, 8, 8, 1\)\.$"),
        (np.zeros((2, 8)), r"of shape \(2, 8\)\.$"),
    ],
)
def test_other_images_are_refused(model, images, said):
    for function in (model.encode, model.classify):
        with pytest.raises(ValueError, match=said):
            function(images)


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        (lambda images: images[..., 0], "images[..., None]"),
        (lambda images: images / 255, "(255 * images).round().astype('uint8')"),
        (lambda images: images.astype(np.float32), "images.astype('uint8')"),
        (lambda images: images[..., 0] / 255, "(255 * images[..., None]).round().astype('uint8')"),
    ],
)
def test_how_other_arrays_become_images_is_said(model, quadrant_factors, given, steps):
    images = quadrant_factors.read([3, 600])
    with pytest.raises(ValueError, match=re.escape(f" {steps} is that.")):
        model.encode(given(images))
    made = eval(steps, {"images": given(images)})
    np.testing.assert_array_equal(made, images)
    with pytest.raises(ValueError, match=re.escape(" images[None] is that.")):
        model.encode(images[0])


def test_how_a_model_of_colours_is_given_them_is_said(tmp_path):
    image = {"image": ((None, 8, 8, 3), "uint8")}
    first = (lambda x: quadrant_means(x[..., :1]), image, "codes")
    model = SavedModel.open(save_model(tmp_path / "model", {"encode": first}))
    with pytest.raises(ValueError, match=r"Received: grey .*image\.convert\('RGB'\) makes them so"):
        model.encode(np.zeros((2, 8, 8, 1), np.uint8))
    with pytest.raises(ValueError, match=r"of shape \(2, 8, 8\)\.$"):
        model.encode(np.zeros((2, 8, 8), np.uint8))


def test_other_codes_conditions_and_batches_are_refused(model):
    with pytest.raises(ValueError, match=r"numbers of shape \(N, 4\). Received: float64 of shape"):
        model.decode(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"Expected codes: finite numbers. Received: NaN or inf"):
        model.decode(np.full((2, 4), np.nan))
    images = np.zeros((2, 8, 8, 1), np.uint8)
    for condition in ([0, 1, 2], [0.5, 0.5]):
        with pytest.raises(ValueError, match=r"Expected condition: integers of shape \(2,\)"):
            model.encode_conditioned(images, condition)
    with pytest.raises(ValueError, match="Expected batch_size to be an integer of at least 1"):
        model.encode(images, batch_size=0)


# Data sets and files


def test_data_of_another_size_are_resized_on_request_alone(model):
    with pytest.raises(ValueError, match=r"of 8x8 pixels .*Received: 64x64 .*--resize"):
        load_data(model, "dsprites")
    assert load_data(model, "dsprites", resize=True).image_shape == (8, 8, 1)
    assert load_data(model, "digits").image_shape == (8, 8, 1)


def test_colours_must_be_those_of_the_model(model):
    data = load_data(model, "coloured_sprites", resize=True, any_colours=True)
    assert data.image_shape == (8, 8, 3)
    for resize in (False, True):
        with pytest.raises(ValueError, match=r"Expected grey images .*Received: images in colour"):
            load_data(model, "coloured_sprites", resize=resize)


def test_halves_are_of_labelled_data(model, picture_folder):
    data = f"folder:{picture_folder}"
    assert len(load_data(model, data, split="train")) == 60
    assert len(load_data(model, data, split="test")) == 20
    with pytest.raises(ValueError, match=r"Unknown split 'tst'. Did you mean 'test'"):
        load_data(model, data, split="tst")
    with pytest.raises(ValueError, match="Received: 'dsprites', which has factors and no halves"):
        load_data(model, "dsprites", resize=True, split="train")


def test_a_half_without_images_is_refused(model, picture_folder):
    loose = next((picture_folder / "train").iterdir())
    with pytest.raises(ValueError, match=r"Expected images in the test half .*Received: none"):
        load_data(model, f"folder:{loose}", split="test")


def test_without_a_name_the_data_are_those_of_the_card(model, encoder_only, tmp_path):
    with pytest.raises(ValueError, match=r"Expected the name of a data set \(--data\)"):
        load_data(model)
    folder = shutil.copytree(encoder_only, tmp_path / "with-card")
    card = {"data": {"name": "dsprites", "size": [8, 8]}}
    (folder / "card.json").write_text(json.dumps(card))
    for name in (None, "dsprites"):  # also where they are named at the size of the card
        data = load_data(SavedModel.open(folder), name, subset={"orientation": 0})
        assert (data.name, data.image_shape, len(data)) == ("dsprites", (8, 8, 1), 737_280 // 40)
    with pytest.raises(ValueError, match=r"Expected images of 8x8 pixels .* Received: 64x64"):
        load_data(SavedModel.open(encoder_only), "dsprites")


def test_files_are_read(model, tmp_path):
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(picture.repeat(2, axis=0).repeat(2, axis=1)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"b\.png: Expected images of 8x8 .*16x16"):
        load_images(model, [tmp_path / "a.png", tmp_path / "b.png"])
    images = load_images(model, [tmp_path / "a.png", tmp_path / "b.png"], resize=True)
    np.testing.assert_array_equal(images, np.stack([picture, picture])[..., None])
    for one in (tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(load_images(model, one), images[:1])


def test_grey_files_join_coloured_ones(tmp_path):
    image = {"image": ((None, 8, 8, 3), "uint8")}
    first = (lambda x: quadrant_means(x[..., :1]), image, "codes")
    model = SavedModel.open(save_model(tmp_path / "model", {"encode": first}))
    Image.new("L", (8, 8), 51).save(tmp_path / "grey.png")
    images = load_images(model, [tmp_path / "grey.png"])
    assert images.shape == (1, 8, 8, 3)
    np.testing.assert_allclose(model.encode(images), 0.2, atol=1e-6)


def test_files_that_are_no_images_are_refused(model, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"Expected .*notes\.png to be an image"):
        load_images(model, [tmp_path / "notes.png"])
    with pytest.raises(ValueError, match=r"Expected .*nothing\.png to be an image"):
        load_images(model, [tmp_path / "nothing.png"])
    with pytest.raises(ValueError, match="at least one image file"):
        load_images(model, [])
    Image.new("RGB", (8, 8)).save(tmp_path / "red.png")
    with pytest.raises(ValueError, match=r"red\.png: Expected grey images"):
        load_images(model, [tmp_path / "red.png"])
