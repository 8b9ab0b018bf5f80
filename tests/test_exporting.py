import errno
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import parts
from zoo.metrics.scoring import Score
from zoo.runs import Run

STRANGER = """
import sys

sys.modules["keras"] = sys.modules["zoo"] = None  # importing either fails
import numpy as np
import tensorflow as tf

folder, exchange = sys.argv[1:]
given = np.load(exchange)
model = tf.saved_model.load(folder)
for n in (1, 5):
    images = tf.constant(given["images"][:n])
    codes = model.signatures["encode"](image=images)["codes"]
    np.testing.assert_allclose(codes, given["codes"][:n], atol=1e-5)
    served = model.signatures["serving_default"](images)["codes"]
    np.testing.assert_array_equal(served, codes)
    decoded = model.signatures["decode"](codes=codes)["image"]
    np.testing.assert_allclose(decoded, given["decoded"][:n], atol=1)
    again = model.signatures["reconstruct"](image=images)["image"]
    np.testing.assert_array_equal(again, decoded)
assert decoded.dtype == tf.uint8, decoded.dtype
"""


@pytest.fixture(scope="module")
def method():
    return zoo.BetaVAE(parts.gaussian_encoder(), parts.decoder(), beta=3.0, seed=5)


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_stranger_to_the_package_gets_the_same_codes(digits_run, tmp_path):
    run = Run.open(digits_run)
    method = run.load_method()
    images = run.load_data().test.images[:5]
    codes = method.predict(images, verbose=0)
    decoded = np.asarray(method.decode(codes))
    np.savez(tmp_path / "exchange.npz", images=images, codes=codes, decoded=decoded)
    command = [sys.executable, "-c", STRANGER, digits_run / "saved_model" / "1"]
    subprocess.run([*command, tmp_path / "exchange.npz"], check=True, cwd=tmp_path)


def test_the_card_tells_what_was_done(sprites_run):
    card = json.loads((sprites_run / "saved_model" / "1" / "card.json").read_text())
    assert card["method"] == "BetaVAE"
    assert card["hyperparameters"] == {
        "latent_size": 10,
        "width": 1.0,
        "beta": 2.0,
        "reconstruction": "bernoulli",
    }
    assert card["training"]["seed"] == 0
    assert card["steps"] == 4
    assert card["data"] == {"name": "dsprites", "size": [16, 16]}
    assert card["training"]["batch_size"] == 8
    assert card["training"]["seed"] == 0
    assert set(card["signatures"]) == {"encode", "decode", "reconstruct"}
    assert card["signatures"]["encode"].startswith("image uint8 (N, ")
    assert " -> codes float32 (N, " in card["signatures"]["encode"]
    assert card["versions"]["keras"] == keras.__version__
    assert set(card["scores"]) == {"mig", "sap"}
    protocol = card["scores"]["sap"]["protocol"]
    assert protocol == {
        "data": "dsprites",
        "samples": 200,
        "test_samples": 5000,
        "predictor": "svm",
        "seed": 0,
    }


def test_the_card_can_be_read(sprites_run):
    folder = sprites_run / "saved_model" / "1"
    page = (folder / "README.md").read_text()
    mig = json.loads((folder / "card.json").read_text())["scores"]["mig"]["value"]
    for told in (
        "# BetaVAE\n",
        zoo.BetaVAE.__doc__.partition("\n")[0],
        "| encode | image uint8 (N, 16, 16, 1) -> ",
        f"| mig | {mig:.4f} | data dsprites, samples 200, bins 20, seed 0 |",
        "| steps | 4 |",
        "| method: beta | 2.0 |",
        f"| tensorflow | {tf.__version__} |",
    ):
        assert told in page
    assert "\n\n\n" not in page


def test_a_method_that_was_never_trained_has_a_card_too(method, tmp_path):
    assert zoo.export(method, tmp_path / "vae" / "1") == tmp_path / "vae" / "1"
    card = json.loads((tmp_path / "vae" / "1" / "card.json").read_text())
    assert card["hyperparameters"] == {"beta": 3.0, "reconstruction": "bernoulli", "seed": 5}
    assert card["steps"] == 0
    assert "scores" not in card
    page = (tmp_path / "vae" / "1" / "README.md").read_text()
    assert "Scores" not in page


def test_an_infinite_score_has_a_card_of_valid_json(method, tmp_path):
    scores = {name: Score(name, value).to_json() for name, value in (("tc", np.inf), ("a", np.nan))}
    folder = zoo.export(method, tmp_path / "1", card={"scores": scores})
    assert "Infinity" not in (folder / "card.json").read_text()
    assert json.loads((folder / "card.json").read_text())["scores"]["tc"]["value"] == "inf"
    page = (folder / "README.md").read_text()
    assert "| tc | ∞ |" in page
    assert "| a |  |" in page
    with pytest.raises(ValueError, match="not JSON compliant"):
        zoo.export(method, tmp_path / "2", card={"scores": {"tc": {"value": np.inf}}})
    assert not (tmp_path / "2").exists()


def test_a_method_without_a_decoder_only_encodes(tmp_path):
    zoo.export(zoo.Method(parts.encoder()), tmp_path / "1")
    assert set(tf.saved_model.load(tmp_path / "1").signatures) == {"encode", "serving_default"}


def test_images_of_another_shape_or_type_are_refused_by_the_signature(digits_run):
    encode = tf.saved_model.load(digits_run / "saved_model" / "1").signatures["encode"]
    for images in (
        np.zeros((1, 16, 17, 1), "uint8"),
        np.zeros((1, 16, 16), "uint8"),  # layers would end the process
        np.zeros((1, 16, 16, 1), "float32"),
    ):
        with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)):
            encode(image=tf.constant(images))


def test_what_is_there_is_replaced_only_on_request(method, tmp_path):
    path = zoo.export(method, tmp_path / "1")
    (path / "mark").write_text("of the old one")
    with pytest.raises(FileExistsError, match=r"1 is there already\. Export with overwrite"):
        zoo.export(method, path)
    assert (path / "mark").exists()
    zoo.export(method, path, overwrite=True)
    assert not (path / "mark").exists()
    assert contents(tmp_path) == ["1"]


@pytest.mark.parametrize("kind", ["folder", "file", "empty"])
def test_what_is_no_export_is_never_replaced(method, tmp_path, kind):
    path = tmp_path / "precious"
    if kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()
    if kind == "folder":
        (path / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match=r"precious holds no export"):
        zoo.export(method, path, overwrite=True)
    assert path.exists()
    assert contents(tmp_path) == ["precious"]


@pytest.mark.parametrize("wrong", [None, "beta_vae", parts.encoder()])
def test_only_methods_are_exported(wrong, tmp_path):
    with pytest.raises(ValueError, match=r"Expected a zoo\.Method to export\. Received: "):
        zoo.export(wrong, tmp_path / "1")
    assert contents(tmp_path) == []


def full(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_leaves_nothing_behind(method, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        zoo.export(method, tmp_path / "vae" / "1")
    assert contents(tmp_path / "vae") == []


def test_a_disk_that_fills_leaves_the_old_export(method, tmp_path, monkeypatch):
    path = zoo.export(method, tmp_path / "1")
    (path / "mark").write_text("of the old one")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device"):
            zoo.export(method, path, overwrite=True)
    assert (path / "mark").exists()
    assert contents(tmp_path) == ["1"]
    tf.saved_model.load(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_tensorflow_running_out_of_room_is_an_oserror(method, tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))  # bytes a file: as good as full
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            zoo.export(method, tmp_path / "1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / "1")
    assert contents(tmp_path) == []


def test_an_export_can_be_moved(digits_run, tmp_path):
    moved = shutil.copytree(digits_run / "saved_model" / "1", tmp_path / "elsewhere")
    images = tf.zeros((2, 16, 16, 1), "uint8")
    assert tf.saved_model.load(moved).signatures["encode"](image=images)["codes"].shape == (2, 10)
