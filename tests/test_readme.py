"""Every command and every piece of code in the README runs.

The main job runs in full; other trainings are cut to a few steps. What sets a machine up and runs
the tests (venv, pip, pytest) is what `.ci/run` does.
"""

import itertools
import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

import zoo
from zoo import cli
from zoo.runs import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAIN_JOB = "zoo train beta_vae"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands():
    return [line for block in blocks("bash") for line in block.splitlines() if line]


def cut(command):
    """A few steps in place of many, a seed in place of several, of values the first and last."""
    if command.endswith("--metrics all"):
        return command + " --samples 1000"
    trains = command.startswith(("zoo train", "zoo sweep", "zoo tune")) and command != MAIN_JOB
    if not trains or command.endswith(("--help", "--resume")):
        return command
    command = re.sub(r" --steps \d+", "", command) + " --steps 10"
    command = re.sub(r"--(seeds|max-trials) \d+", r"--\1 1", command)
    command = re.sub(r"--values ([\d.]+)( [\d.]+)* ([\d.]+)", r"--values \1 \3", command)
    return command + (" --samples 500" if "digits" not in command else "")


def run(command):
    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(command)[1:])
    return ended.value.code


def test_what_is_not_run_here_is_what_ci_runs():
    ci = (ROOT / ".ci" / "run").read_text()
    others = [line for line in commands() if line not in (*LISTED, *STUDIES)]
    assert others == [
        "python -m venv .venv && . .venv/bin/activate",
        "pip install -e '.[test]'",
        "pytest",
    ]
    for words in ("-m venv", "bin/activate", "-e '.[test]'", "\npytest"):
        assert words in ci


def test_the_files_that_the_readme_shows_are_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_the_method_that_the_readme_shows_is_the_one_in_the_zoo():
    source = (ROOT / "zoo/disentangled/beta_vae.py").read_text()
    source = source.replace(": Any", "").replace(" -> dict[str, Any]", "")  # shown without types
    shown = next(block for block in blocks("python") if block.startswith("class BetaVAE"))
    for line in shown.splitlines():
        assert line in source


def test_the_settings_file_that_the_readme_shows_is_taken():
    [shown] = blocks("yaml")
    settings = Settings.merged("beta_vae", zoo.BetaVAE.recipe, yaml.safe_load(shown))
    assert (settings.data, settings.image_size, settings.steps) == ("folder:photos", 64, 20_000)
    assert settings.hyperparameters == {"beta": 2}


OF_IMAGES = ("simclr", "pico", "runs/mnist", "runs/photos")
LISTED = [line for line in commands() if line.startswith("zoo ")]
STUDIES = [line for line in commands() if line.startswith("python -m tuning.studies.")]
APPLIED = [line for line in LISTED if line.startswith("zoo apply ")]
OF_VIEWS = [line for line in LISTED if any(word in line for word in OF_IMAGES)]


@pytest.mark.slow
def test_every_command_of_views_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    halves = {"train": 300, "test": 20}
    arrays = {f"x_{half}": rng.integers(0, 256, (n, 28, 28), "uint8") for half, n in halves.items()}
    labels = {f"y_{half}": np.arange(n) % 10 for half, n in halves.items()}
    np.savez("mnist.npz", **arrays, **labels)
    for (half, n), name in itertools.product(halves.items(), ("cat", "dog")):
        folder = Path("photos", half, name)
        folder.mkdir(parents=True)
        for i in range(n // 2):
            keras.utils.save_img(folder / f"{i}.png", rng.integers(0, 256, (40, 48, 3), "uint8"))
    assert len(OF_VIEWS) == 7
    for command in OF_VIEWS:
        assert run(cut(command)) == 0, command


@pytest.mark.slow
def test_every_other_command_runs(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved_models").mkdir()
    assert LISTED[0] == MAIN_JOB  # the others look at what it made
    for command in LISTED:
        if command not in (*OF_VIEWS, *APPLIED):
            assert run(cut(command)) == 0, command
    scores = json.loads((tmp_path / "runs/beta_vae-dsprites-seed0/scores.json").read_text())
    assert scores["mig"]["value"] > 0.2  # learnt, wherever it runs; see the README's table
    assert (tmp_path / "saved_models/sprites/1/saved_model.pb").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("command", APPLIED)
def test_every_application_runs(tmp_path, monkeypatch, cache, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved_models").symlink_to(ROOT / "saved_models")
    fewer = {"convert": "", "probe": " --samples 500 --steps 5"}
    name = command.split()[2]
    assert run(command + fewer.get(name, " --samples 500")) == 0
    assert any((tmp_path / "applied").rglob("*.*"))


def test_the_code_for_applications_runs(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    [code] = [block for block in blocks("python") if "from applications" in block]
    data = zoo.data.load("dsprites", size=32)
    images, factors = data.sample(400, seed=0)
    names = {"images": images, "factors": factors, "labels": factors[:, 0]}
    names["names"] = data.factor_names
    exec(code.replace('"saved_models/beta', f'"{ROOT}/saved_models/beta'), names)
    assert names["codes"].shape == (400, 10)
    assert names["found"].readings[3].factor == "x_position"
    assert names["moved"].shape == (6, 3, 32, 32, 1)
    assert "</html>" in names["page"]
    assert names["rows"][:, 0].tolist() == [*range(6)]
    assert [row.labels for row in names["scores"].rows] == ["10%", "all"]
    assert (tmp_path / "saved_models/mine/1/saved_model.pb").is_file()


def test_the_code_for_ones_own_fit_runs(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    fit, *_, load, export = (
        b for b in blocks("python") if b.startswith("import") and "tuning" not in b
    )
    fit = fit.replace("steps_per_epoch=600", "steps_per_epoch=3").replace("epochs=10", "epochs=2")
    fit = fit.replace("DisentanglementMetrics(data)", "DisentanglementMetrics(data, samples=500)")
    names = {}
    exec(fit, names)
    assert {"mig", "sap"} <= set(names["method"].history.history)
    exec(load, names)
    names["images"] = names["data"].read(range(5))
    exec(export, names)
    np.testing.assert_allclose(names["codes"], names["method"].predict(names["images"]), atol=1e-5)


@pytest.mark.slow
def test_every_command_of_a_study_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert {line.split()[2] for line in STUDIES} == {"tuning.studies.simclr"}
    for line in STUDIES:
        line = re.sub("--steps 60", "--steps 3", re.sub("--max-trials 3", "--max-trials 1", line))
        _, _, module, *arguments = shlex.split(line)
        monkeypatch.setattr("sys.argv", [module, *arguments])
        monkeypatch.delitem(sys.modules, module, raising=False)  # another test may have imported it
        with pytest.raises(SystemExit, match=r"^0$"):
            runpy.run_module(module, run_name="__main__")
    assert (tmp_path / "runs" / "short" / "report.html").is_file()


@pytest.mark.slow
def test_the_code_for_tuning_runs(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    [code] = [block for block in blocks("python") if "tuning.search" in block]
    code = code.replace("max_trials=12", "max_trials=1").replace("seeds=3", "seeds=1")
    names = {}
    exec(code.replace('"steps": 3000', '"steps": 3, "samples": 500'), names)
    assert {"beta", "latent_size"} == set(names["study"].best.values)
    assert (tmp_path / "runs" / "search" / "report.html").is_file()


def test_the_code_for_two_views_runs():
    [code] = [block for block in blocks("python") if "zoo.MoCo.for_images" in block]
    names = {}
    exec(
        code.replace("steps_per_epoch=50", "steps_per_epoch=2").replace("epochs=5", "epochs=1"),
        names,
    )
    assert {"knn", "effective_rank"} <= set(names["method"].history.history)
    assert names["codes"].shape == (300, 256)


def test_the_code_for_subspaces_runs(cache):
    [code] = [block for block in blocks("python") if "zoo.SubspaceContrastive" in block]
    code = code.replace("steps_per_epoch=300", "steps_per_epoch=2").replace("epochs=10", "epochs=1")
    code = code.replace("held=method.held)", "held=method.held, samples=500)")
    names = {}
    exec(code, names)
    assert {"subspace_mig", "correlation"} <= set(names["method"].history.history)
    assert {name: part.shape for name, part in names["parts"].items()} == {
        "shape": (100, 8),
        "colour": (100, 4),
        "position": (100, 4),
    }


def test_the_code_for_candidate_labels_runs():
    [code] = [block for block in blocks("python") if "zoo.PiCO.for_images" in block]
    names = {}
    exec(
        code.replace("steps_per_epoch=60", "steps_per_epoch=2").replace("epochs=10", "epochs=1"),
        names,
    )
    assert {"accuracy", "disambiguated"} <= set(names["method"].history.history)
    assert names["classes"].shape == (300, 10)
    np.testing.assert_array_equal(names["resolved"] > 0, names["learned"].candidates)
