"""Runs of methods that learn from candidate labels: settings, resume, scores, cleaned labels."""

import contextlib
import csv
import io
import json
import re
import shutil
import warnings

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import cli, training
from zoo.reporting.drawn import Drawn
from zoo.runs import Run, Settings

TINY = ("--steps", "4", "--epochs", "2", "--batch-size", "8", "--samples", "100")


def trained(method, folder, *arguments):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
        cli.main(["train", method, *TINY, "--out", str(folder), *arguments])
    assert ended.value.code == 0
    return folder, said.getvalue()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of a tiny finished run on digits, and what was said. Copy it to change it."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    return trained("pico", folder, "--candidates", "uniform:0.4", "--set", "moco_steps=1")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """24 images without labels in a folder, and a CSV file that says what each may be."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    lines = ["path,candidates"]
    for i in range(24):
        pixels = rng.integers(0, 256, (16, 16), "uint8")
        (folder / "images").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        lines.append(f"{i}.png,{('owl;wren', 'gull;wren;owl', 'owl')[i % 3]}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


# Settings


def settings(method="cc", **given):
    cls = zoo.registry.method(method)
    return Settings.merged(method, cls.recipe, given)


@pytest.mark.parametrize("name", [n for n, m in zoo.methods().items() if m.learns_candidates])
def test_recipes_name_their_candidates(name):
    cls = zoo.methods()[name]
    assert cls.learns_labels
    assert settings(name).candidates == cls.recipe["candidates"]
    training.check_hyperparameters(settings(name))


@pytest.mark.parametrize("name", [n for n, m in zoo.methods().items() if m.learns_candidates])
def test_the_help_says_what_each_name_is_that_is_logged(command, name):
    logged = command("train", name, "--help").out.partition("Logged each epoch:\n")[2]
    for term in ("loss", *zoo.methods()[name].terms, *zoo.disambiguation.SCORES):
        assert re.search(rf"^  {term}  +\w", logged, re.MULTILINE), term


def test_the_candidates_of_a_recipe_suit_its_own_data_alone():
    other = settings(data="mnist:file.npz")
    assert other.candidates is None
    with pytest.raises(ValueError, match=r"Expected candidates for cc, .*--candidates.*: none\."):
        training.check_hyperparameters(other)
    training.check_hyperparameters(settings(data="mnist:file.npz", candidates="uniform:0.3"))


def test_a_file_is_named_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings(candidates="sets.npy").candidates == str(tmp_path / "sets.npy")
    assert settings(candidates="uniform:0.3").candidates == "uniform:0.3"


def test_methods_at_one_seed_learn_from_the_same_candidates():
    data = zoo.data.load("digits")
    one, larger, other = (
        settings(**given).with_candidates(data.resized(size)).train.describe_candidates()
        for given, size in (({}, 8), ({"batch_size": 7}, 16), ({"seed": 1}, 8))
    )
    assert one == larger != other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("vae --candidates uniform:0.3", "Expected no candidates for vae, which does not learn fr"),
        ("cc --candidates uniform:1", "RATE from 0 to below 1, or a file that ends in .csv or .n"),
        ("cc --candidates unifrom:0.3", "Received: 'unifrom:0.3'."),
        ("cc --data mnist", "Expected candidates for cc, which learns from candidate labels: uni"),
        ("cc --candidates sets.txt", "Expected candidates as uniform:RATE or hierarchical:RATE"),
    ],
)
def test_bad_settings_are_refused_before_any_work(command, tmp_path, arguments, said):
    answer = command("train", *arguments.split())
    assert answer.code == 2
    assert answer.err.startswith("zoo: ")
    assert said in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("cc --candidates absent.csv", "Expected a file of candidates at "),
        ("cc --candidates few.npy", "for each of the 1,497 training images of 'digits'. Received"),
        ("cc --candidates wide.npy", "among the 10 classes of 'digits', a column for each. Recei"),
        ("cc --candidates hierarchical:0.5", "Expected data that know superclasses, such as tfds"),
    ],
)
def test_candidates_that_do_not_fit_are_refused_before_anything_is_written(
    command, tmp_path, arguments, said
):
    np.save(tmp_path / "few.npy", np.ones((3, 10)))
    np.save(tmp_path / "wide.npy", np.ones((1497, 11)))
    answer = command("train", *arguments.split(), *TINY)
    assert answer.code == 1
    assert answer.err.startswith("zoo: ")
    assert said in answer.err
    assert not (tmp_path / "runs").exists()


# A run


def test_a_run_says_what_it_learned_from(digits):
    run = Run(digits[0])
    sets = zoo.data.partial_labels(zoo.data.load("digits").train.labels, 10, 0.4, seed=0)
    told = run.config["candidates"]
    assert run.config["settings"]["candidates"] == "uniform:0.4"
    assert run.config["images"] == 1344  # the tenth that validates is no part of it
    assert (told["images"], told["per_image"]) == (1497, round(float(sets.sum(axis=1).mean()), 2))
    np.testing.assert_array_equal(run.load_data().train.candidates, sets)
    assert "--candidates uniform:0.4" in run.settings.command
    card = (run.path / "saved_model" / "1" / "README.md").read_text()
    assert "uniform:0.4" in card
    assert 'signatures["classify"](image=images)["probabilities"]' in card
    assert "are, from 0 on: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9." in card


def test_its_scores_are_logged_each_epoch(digits):
    run = Run(digits[0])
    history, scores = run.read("history"), run.read("scores")
    for name in zoo.disambiguation.SCORES:
        assert len(history[name]) == 2
        assert history[name][-1] == scores[name]["value"]
        assert name in digits[1]
    assert scores["covering_rate"]["protocol"]["split"] == "validation"


def test_it_has_pictures_of_labels_classes_and_views(digits):
    names = {path.name for path in (digits[0] / "pictures").iterdir()}
    assert {"labels.png", "classes.png", "views.png", "similarities.png", "curves.png"} <= names
    drawn = Drawn.load(digits[0] / "pictures" / "drawn.npz")
    assert drawn.preset == "views pico_digits, the first weak, the second strong, seed 0"


def copied(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


def test_a_run_is_evaluated_on_the_test_half(command, digits, tmp_path):
    run = copied(digits[0], tmp_path)
    answer = command("evaluate", run, "--samples", "100", "--metrics", "knn")
    assert answer.code == 0
    found = json.loads((run / "evaluation.json").read_text())
    assert found["accuracy"]["protocol"]["split"] == "test"
    assert found["covering_rate"]["protocol"]["split"] == "validation"
    assert found["loss"]["protocol"]["split"] == "train"
    method, data = Run(run).load_method(), zoo.data.load("digits").resized(16)
    images, labels = data.test.sample(100, seed=0)
    accuracy = np.mean(method.classify(images).argmax(axis=1) == labels)
    assert found["accuracy"]["value"] == pytest.approx(accuracy)


def test_a_report_shows_the_labels(command, digits, tmp_path):
    run = copied(digits[0], tmp_path)
    assert command("report", run).code == 0
    page = (run / "report.html").read_text()
    assert 'id="labels"' in page
    assert 'id="classes"' in page
    assert "images had several candidates" in page
    assert "covering_<wbr>rate" in page


def test_the_labels_of_a_run_are_written(command, digits, tmp_path, monkeypatch):
    run = copied(digits[0], tmp_path)
    answer = command("disambiguate", run)
    assert answer.code == 0
    assert "labels of 1,497 images" in answer.out
    assert "of the true labels it finds" in answer.out
    lines = list(csv.DictReader((run / "labels.csv").read_text().splitlines()))
    sets = Run(run).load_data().train.candidates
    assert [int(line["index"]) for line in lines] == list(range(1497))
    assert all(sets[i, int(line["label"])] for i, line in enumerate(lines))
    single = sets.sum(axis=1) == 1
    for line, certain in zip(lines, single, strict=True):
        assert (line["ambiguous"] == "true") == (not certain)
        assert not certain or float(line["confidence"]) == 1
    before = (run / "labels.csv").read_bytes()
    monkeypatch.setattr("zoo.cli.disambiguate.MANY", 0)  # few were seen, and remembered
    said = "% of the ambiguous ones would have another label: --by-classifier writes its labels"
    assert said in command("disambiguate", run, "--out", "same.csv").out
    answer = command("disambiguate", run, "--by-classifier", "--out", "other.csv")
    assert answer.code == 0
    assert "--by-classifier" not in answer.out
    other = [
        line["label"] for line in csv.DictReader((tmp_path / "other.csv").read_text().splitlines())
    ]
    method, data = Run(run).load_method(), Run(run).load_data()
    likeliest = np.where(sets, method.classify(data.train.read(slice(None))), -1).argmax(axis=1)
    assert list(map(int, other)) == likeliest.tolist() != [int(line["label"]) for line in lines]
    assert command("disambiguate", run, "--out", run / "labels.csv").code == 2  # it is there
    assert command("disambiguate", run, "--out", run / "labels.csv", "--overwrite").code == 0
    assert (run / "labels.csv").read_bytes() == before


def test_only_runs_of_candidates_have_labels_to_write(command, digits_run, tmp_path):
    answer = command("disambiguate", digits_run, "--out", "labels.csv")
    assert answer.code == 2
    assert answer.err.startswith("zoo: Expected a run of a method that learns from candidate lab")
    assert "Received: beta_vae, which does not." in answer.err
    assert command("disambiguate", "nothing").code == 2
    answer = command("disambiguate", digits_run, "--out", tmp_path)
    assert "Expected --out to be free." in answer.err
    assert not list(tmp_path.iterdir())


def test_a_run_goes_on_with_its_own_candidates(command, digits, tmp_path):
    run = copied(digits[0], tmp_path)
    newest = sorted((run / "checkpoints").iterdir())[-1]
    shutil.rmtree(newest)  # as if it had been killed in the second epoch
    answer = command("train", "pico", "--resume", "--out", run)
    assert answer.code == 0
    assert (run / "history.json").read_bytes() == (digits[0] / "history.json").read_bytes()
    ended, expected = (Run(path).load_method() for path in (run, digits[0]))
    assert np.asarray(expected.confidence).any(axis=1).sum() == 32  # 4 steps of 8 images
    for weight, same in zip(ended.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, same, err_msg=weight.path)
    answer = command("train", "pico", "--resume", "--out", run, "--candidates", "uniform:0.5")
    assert answer.code == 2
    assert "Expected candidates 'uniform:0.4', with which" in answer.err


@pytest.mark.parametrize("verb", ["train pico --resume --out", "evaluate", "disambiguate"])
def test_other_images_or_candidates_than_it_began_with_are_refused(
    command, digits, tmp_path, monkeypatch, verb
):
    run = copied(digits[0], tmp_path)
    config = json.loads((run / "config.json").read_text())
    for name, value, said in (
        ("images", 1500, "Expected the 1,500 training images that "),
        ("images_sha256", "0", "began with. Received: as many, of other labels."),
        ("sha256", "0", "Expected the candidates that "),
    ):
        changed = {**config, "candidates": {**config["candidates"], name: value}}
        (run / "config.json").write_text(json.dumps(changed))
        answer = command(*verb.split(), run)
        assert answer.code == 1
        assert answer.err.startswith("zoo: ")
        assert said in answer.err


# Images without true labels


def test_images_without_labels_are_learned_from_and_labelled(command, photos, tmp_path):
    data = ("--data", f"folder:{photos / 'images'}")
    out = tmp_path / "run"
    trained("cc", out, *data, "--candidates", str(photos / "labels.csv"))
    scores = json.loads((out / "scores.json").read_text())
    assert set(scores) == {"max_confidence", "covering_rate", "approximated_accuracy"}
    names = {path.name for path in (out / "pictures").iterdir()}
    assert "labels.png" in names
    assert not {"classes.png", "similarities.png"} & names  # it has no prototypes, and no projector
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert command("evaluate", out, "--samples", "20").code == 0
        assert command("report", out).code == 0
        assert command("disambiguate", out, "--out", "clean.csv").code == 0
    lines = list(csv.DictReader((tmp_path / "clean.csv").read_text().splitlines()))
    assert {line["path"] for line in lines} == {f"{i}.png" for i in range(24)}
    given = dict(line.split(",") for line in (photos / "labels.csv").read_text().splitlines())
    assert all(line["label"] in given[line["path"]].split(";") for line in lines)
    card = json.loads((out / "saved_model" / "1" / "card.json").read_text())
    assert card["classes"] == ["gull", "owl", "wren"]
