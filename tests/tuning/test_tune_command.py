"""What `zoo tune` is told and what it refuses; what it does is in test_searching."""

import functools
import logging
import os
import socket

import pytest

from tests.test_cli import contents, refused
from tests.tuning.conftest import planned
from tuning import searching, workers
from tuning.space import Knob
from tuning.study import StudyFolder, Trial
from tuning.workers import Address
from zoo.cli.border import quiet_tensorflow


@pytest.fixture
def told(monkeypatch):
    """Studies that would have begun; none of them does, and each finds nothing."""
    studies = []

    def run_study(study, folder, console, overwrite, data):
        studies.append((study, folder.path, overwrite))
        folder.begin(study, {})

    monkeypatch.setattr(searching, "run_study", run_study)
    monkeypatch.setattr(searching, "prepared", lambda study, console: None)
    return studies


def test_flags_reach_the_study(command, told):
    line = "beta_vae --objective udr --tuner grid --max-trials 7 --seeds 2 --search-seed 5"
    line += " --range beta=1:8:linear --range learning_rate=1e-4:1e-2 --set latent_size=3"
    line += " --data digits --steps 8 --epochs 2 --batch-size 4 --image-size 20 --samples 50"
    answer = command("tune", *line.split(), "--metrics", "knn", "--out", "there", "--overwrite")
    refused(answer, 1, "No trial finished.")
    ((study, path, overwrite),) = told
    assert (str(path), overwrite) == ("there", True)
    assert (study.method, study.objective, study.tuner) == ("beta_vae", "udr", "grid")
    assert (study.max_trials, study.seeds, study.seed) == (7, 2, 5)
    assert study.space == (
        Knob(name="beta", low=1, high=8, scale="linear"),
        Knob(name="learning_rate", low=1e-4, high=1e-2, scale="log"),
    )
    settings = study.settings_of({"beta": 2.0, "learning_rate": 0.005})
    assert settings.hyperparameters == {"latent_size": 3, "beta": 2.0}
    assert (settings.steps, settings.epochs, settings.samples) == (8, 2, 50)
    assert settings.metrics == ["knn"]


def test_what_was_found_is_said(command, monkeypatch):
    def run_study(study, folder, *_):
        folder.begin(study, {})
        folder.record(Trial(0, {"beta": 2.0}, 2, "failed", "Out of memory."))

    monkeypatch.setattr(searching, "run_study", run_study)
    monkeypatch.setattr(searching, "prepared", lambda study, console: None)
    answer = command("tune", "beta_vae", "--data", "digits", "--objective", "loss", "--out", "a b")
    assert answer.code == 1
    assert (
        "\na b holds the study:\n  trials      1, 1 of them failed; a folder each\n" in answer.out
    )
    assert "  failed: trial 0000: beta 2: Out of memory.\n" in answer.out


def test_a_study_has_a_folder_by_default(command, told):
    assert command("tune", "beta_vae", "--data", "digits", "--objective", "loss").code == 1
    assert str(told[0][1]) == "runs/tune-beta_vae-digits"


SMALL = ("--data", "digits", "--objective", "knn_accuracy")


@pytest.fixture
def crews(monkeypatch):
    """What would have searched in processes of its own; on a machine of two GPUs."""
    asked = []
    monkeypatch.setattr(searching, "prepared", lambda study, console: None)
    monkeypatch.setattr(searching, "check", lambda study: None)
    present = functools.partial(workers.gpus_from, present=2)
    monkeypatch.setattr(workers, "gpus_from", lambda asked, _: present(asked))
    monkeypatch.setattr(workers, "run_workers", lambda folder, console, *given: asked.append(given))
    return asked


@pytest.mark.parametrize("given", [None, "false"])
def test_a_command_leaves_its_workers_room_on_a_gpu(monkeypatch, given):
    name = "TF_FORCE_GPU_ALLOW_GROWTH"
    monkeypatch.setenv(name, given or "")
    if given is None:
        monkeypatch.delenv(name)
    with quiet_tensorflow():
        assert os.environ[name] == (given or "true")
    assert logging.getLogger("tensorflow").level == logging.ERROR  # no lines on retracing


@pytest.mark.parametrize(
    ("line", "crew"),
    [
        ("--workers 2 --threads 3", (2, None, False, 3, [])),
        ("--gpus all", (2, None, False, None, [0, 1])),
        ("--gpus 1 --workers 3", (3, None, False, None, [1])),
        ("--chief HERE", (0, "HERE", False, None, [])),
        ("--chief HERE --workers 1", (1, "HERE", False, None, [])),
        ("--join there:7000", (1, Address("there", 7000), True, None, [])),
        ("--join there:7000 --gpus 0,1", (2, Address("there", 7000), True, None, [0, 1])),
    ],
)
def test_flags_reach_the_workers(command, crews, line, crew):
    here = workers.free_address()
    line = line.replace("HERE", str(here))
    if "--join" in line:
        assert command("tune", "beta_vae", *SMALL, "--workers", "1", "--out", "there").code == 1
        crews.clear()
    answer = command("tune", "beta_vae", *SMALL, "--out", "there", *line.split())
    refused(answer, 1, "No trial finished.")
    assert crews == [tuple(here if value == "HERE" else value for value in crew)]
    assert StudyFolder("there").study.objective == "knn_accuracy"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--threads 2", "Expected --threads of each of --workers. Received: it alone."),
        ("--workers 1 --threads 0", "0 is not in the range x>=1"),
        ("--workers 0", "0 is not in the range x>=1"),
        ("--gpus 2", "Expected GPUs among the 2 that are there. Received: '2'."),
        ("--chief here", "Expected HOST:PORT, the port from 1 to 65535. Received: 'here'."),
        ("--chief a:1 --join b:1", "Expected --chief or --join. Received both."),
        ("--chief TAKEN", "Expected a free port of this machine for the chief. Received: "),
        (
            "--join there:7000",
            "Expected the chief's study in runs/tune-beta_vae-digits. Rec",
        ),
        ("--join there:7000 --out held --overwrite", "Expected --join without --overwrite: the "),
    ],
)
def test_bad_crews_are_refused_before_anything_is_made(command, crews, tmp_path, line, said):
    StudyFolder(tmp_path / "held").begin(planned(), {})
    before = contents(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        taken = line.replace("TAKEN", f"127.0.0.1:{other.getsockname()[1]}")
        refused(command("tune", "beta_vae", *SMALL, *taken.split()), 2, said)
    assert not crews
    assert contents(tmp_path) == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(143)])
def test_what_stops_it_is_said(command, monkeypatch, stop):
    def run_study(*_):
        raise stop

    monkeypatch.setattr(searching, "run_study", run_study)
    monkeypatch.setattr(searching, "prepared", lambda study, console: None)
    answer = command("tune", "beta_vae", "--data", "digits", "--objective", "loss")
    assert answer.code == getattr(stop, "code", 130)
    assert answer.err == ("zoo: stopped after 0 of at most 20 trials. The same command goes on.\n")


def test_trials_that_were_begun_are_counted_when_it_stops(command, monkeypatch):
    def run_study(study, folder, *_):
        folder.begin(study, {})
        for number in range(3):
            folder.run(number, 0).write("config", {})
        folder.record(Trial(0, {"beta": 2.0}, 2, "failed", "Out of memory."))
        raise KeyboardInterrupt

    monkeypatch.setattr(searching, "run_study", run_study)
    monkeypatch.setattr(searching, "prepared", lambda study, console: None)
    answer = command("tune", "beta_vae", "--data", "digits", "--objective", "loss")
    said = "zoo: stopped after 1 of at most 20 trials, and 2 more begun. The same command goes on."
    assert answer.err == f"{said}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Missing argument 'METHOD'."),
        ("bta_vae", "Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
        ("beta_vae --objective mgi", "Unknown objective for beta_vae 'mgi'. Did you mean 'mig'"),
        ("beta_vae --objective udr", "Expected seeds of 2 or more for udr"),
        ("beta_vae --tuner gird", "Unknown tuner 'gird'. Did you mean 'grid'"),
        ("beta_vae --tuner hyperband --steps 8 --epochs 2", "Expected epochs of 3 or more"),
        ("beta_vae --range beta", "Expected --range NAME=LOW:HIGH or NAME=LOW:HIGH:log."),
        ("beta_vae --range beta=1", "Expected --range NAME=LOW:HIGH or NAME=LOW:HIGH:log."),
        ("beta_vae --range beta=1:2 --range beta=1:3", "Expected one range for beta. Received two"),
        ("beta_vae --range beta=8:1", "Expected the range of beta to rise. Received: 8 to 1."),
        ("beta_vae --range beta=-1:1", "Expected beta to be a number of at least 0. Received: -1"),
        ("beta_vae --range beta=1:x", "a finite number. Received: 'x'."),
        ("beta_vae --range bta=1:8", "Unknown argument of beta_vae 'bta'. Did you mean 'beta'"),
        ("beta_vae --set beta=1", "beta_vae has no search space but what is set. Name a range"),
        ("vae", "vae has no search space of its own. Name a range, e.g. --range learning_rate="),
        ("vae --data mnits", "Unknown dataset 'mnits'. Did you mean 'mnist'"),
        ("beta_vae --out a.file", "Expected a folder for the study. Received: a.file, a file."),
        ("beta_vae --out home --overwrite", "Expected home to be free or to hold a study."),
        ("ada_gvae --out held", "held holds another study. Expected method 'beta_vae', with"),
        ("beta_vae --out held", "held holds another study. Expected"),
    ],
)
def test_bad_studies_are_refused_before_anything_is_read(command, told, tmp_path, line, said):
    (tmp_path / "a.file").write_text("just words")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    StudyFolder(tmp_path / "held").begin(planned(), {})
    before = contents(tmp_path)
    refused(command("tune", *line.split()), 2, said)
    assert not told
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "--objective mig",
            "Expected an objective that beta_vae on digits can give: active_units, "
            "effective_rank, feature_deviation, gaussian_total_correlation, knn_accuracy, linear",
        ),
        ("--objective loss", "Expected an objective that beta does not rescale: the loss of the"),
    ],
)
def test_what_the_data_cannot_give_is_refused_before_training(
    command, tmp_path, monkeypatch, line, said
):
    monkeypatch.setattr(searching, "attempt", lambda *_, **__: 1 / 0)
    tiny = ("--data", "digits", "--steps", "4", "--epochs", "2", "--batch-size", "8")
    answer = command("tune", "beta_vae", *tiny, *line.split(), "--out", "there")
    assert answer.code == 2
    assert said in answer.err
    assert not (tmp_path / "there").exists()
