"""Studies that come with the project: each can be begun, and says what a reader needs to know."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import tuning
from tuning import searching, studies
from tuning.study import Study, StudyFolder

NAMES = [module.name for module in pkgutil.iter_modules(studies.__path__)]


def test_all_are_found():
    assert NAMES == ["barlow_twins", "beta_vae", "factor_vae", "moco", "simclr"]


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_begun_and_says_what_it_is(name, monkeypatch, tmp_path):
    module = importlib.import_module(f"tuning.studies.{name}")
    for words in (f"\n    python -m tuning.studies.{name}\n", "\nTime: about ", "\nExpected: "):
        assert words in module.__doc__
    begun = []
    monkeypatch.setattr(searching, "run_study", lambda study, *_: begun.append(study))
    monkeypatch.setattr(searching, "check", lambda study: None)
    tuning.search(**module.STUDY, directory=tmp_path / name)
    (study,) = begun
    assert study.method == name
    assert len(study.space) == 1  # what its first line says
    runs = study.max_trials * study.seeds
    assert f"{runs} runs of {study.settings['steps']:,} steps" in module.__doc__
    assert f"{study.max_trials} Bayesian trials of {study.seeds} seeds" in module.__doc__


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """Studies that would have begun, and where; none of them does, and each finds nothing."""
    monkeypatch.chdir(tmp_path)
    made = []

    def search(directory, overwrite, console, **given):
        made.append((given, directory, overwrite))
        folder = StudyFolder(directory)
        folder.begin(Study.planned(given["method"], given["objective"]), {})
        return folder

    monkeypatch.setattr(searching, "search", search)
    return made


def answer(name, *arguments):
    """What the command of a study ends with."""
    module = importlib.import_module(f"tuning.studies.{name}")
    with pytest.raises(SystemExit) as ended:
        studies.main(name, module.STUDY, module.__doc__, [*map(str, arguments)])
    return ended.value.code


@pytest.mark.parametrize("name", NAMES)
def test_the_command_of_each_says_what_it_is(name, begun, capsys):
    module = importlib.import_module(f"tuning.studies.{name}")
    assert answer(name, "--help") == 0
    said = capsys.readouterr().out
    assert all(line in said for line in module.__doc__.splitlines())
    told, steps = module.STUDY, module.STUDY["settings"]["steps"]
    for words in (
        f"Usage: python -m tuning.studies.{name} [OPTIONS]",
        f"[default: runs/studies/{name}]",
        f"--steps INTEGER RANGE Of each run, a multiple of 3. [default: {steps}; x>=1]",
        f"--max-trials INTEGER RANGE The most trials. [default: {told['max_trials']}; x>=1]",
        f"--seeds INTEGER RANGE Runs of each trial. [default: {told['seeds']}; x>=1]",
    ):
        assert words in " ".join(said.split())
    assert not begun


def test_a_study_can_be_shortened_and_put_elsewhere(begun, capsys):
    told = importlib.import_module("tuning.studies.moco").STUDY
    assert answer("moco") == 1
    assert capsys.readouterr().err == "zoo: No trial finished.\n"
    short = ("--steps", 6, "--max-trials", 1, "--seeds", 1, "--out", "there", "--overwrite")
    assert answer("moco", *short) == 1
    settings = {"steps": 6, "hyperparameters": {"decay": 0.99}}
    assert begun == [
        (told, Path("runs/studies/moco"), False),
        ({**told, "settings": settings, "max_trials": 1, "seeds": 1}, Path("there"), True),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--steps 0", "Invalid value for '--steps': 0 is not in the range x>=1."),
        ("--step 9", "No such option '--step'"),
        ("--steps 2", "Expected steps to be a multiple of epochs, e.g. 3. Received: 2 steps"),
    ],
)
def test_bad_flags_of_a_study_are_refused_in_a_line(monkeypatch, tmp_path, capsys, line, said):
    monkeypatch.chdir(tmp_path)
    assert answer("simclr", *line.split()) == 2
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("zoo: ")
    assert said in told
    assert not [*tmp_path.iterdir()]
