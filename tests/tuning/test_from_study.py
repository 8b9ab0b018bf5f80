"""`zoo train --from-study`: what a study found is trained, with flags over it."""

import pytest

from tests.test_cli import refused
from tests.tuning.conftest import planned
from tuning.study import StudyFolder, Trial
from zoo import training
from zoo.metrics import Score
from zoo.runs import Run


def trial(number, beta, knn, reconstruction, epochs=3):
    scores = {"knn": Score("knn", knn), "reconstruction": Score("r", reconstruction)}
    return Trial(number, {"beta": beta}, epochs, "finished", scores=(scores,))


@pytest.fixture
def told(monkeypatch):
    """Settings of the trainings that would have begun; none of them does."""
    trainings = []
    monkeypatch.setattr(training, "train", lambda settings, *_: trainings.append(settings))
    return trainings


@pytest.fixture
def study(tmp_path):
    folder = StudyFolder(tmp_path / "a study")
    folder.begin(planned(objective="knn_accuracy", settings={"batch_size": 4}), {})
    for i, (beta, knn, error) in enumerate([(1.0, 0.9, 90.0), (2.0, 0.88, 40.0), (4.0, 0.1, 30.0)]):
        folder.record(trial(i, beta, knn, error))
    folder.record(trial(3, 8.0, 0.99, 1.0, epochs=1))
    return folder.path


@pytest.mark.parametrize(
    ("pick", "beta"), [((), 1.0), (("--pick", "knee"), 2.0), (("--pick", "0003"), 8.0)]
)
@pytest.mark.parametrize("named", [("beta_vae",), ()])
def test_what_was_found_is_trained(command, told, study, pick, beta, named):
    answer = command("train", *named, "--from-study", study, *pick, "--set", "latent_size=3")
    assert answer.code == 0
    (settings,) = told
    assert (settings.method, settings.data, settings.batch_size) == ("beta_vae", "digits", 4)
    assert (settings.steps, settings.epochs, settings.seed) == (6, 3, 0)
    assert settings.hyperparameters == {"beta": beta, "latent_size": 3}


def test_flags_override_what_was_found(command, told, study):
    flags = ("--steps", "60", "--seed", "2", "--learning-rate", "0.5", "--set", "beta=5")
    assert command("train", f"--from-study={study}", *flags).code == 0
    (settings,) = told
    assert (settings.steps, settings.epochs, settings.seed) == (60, 30, 2)
    assert (settings.learning_rate, settings.hyperparameters) == (0.5, {"beta": 5})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("beta_vae --pick knee", "Expected --pick of a study: name it with --from-study."),
        ("--pick best", "Expected a study first: --from-study STUDY --pick PICK."),
        ("--from-study nothing", "Expected a study folder with study.json. Received: nothing."),
        ("vae --from-study nothing", "Expected a study folder with study.json. Received: nothing."),
        ("vae --from-study STUDY", "Expected settings of vae. Received: 'beta_vae'"),
        ("--from-study STUDY --pick bset", "Expected one of: best, knee, 0000, 0001, 0002, 0003."),
        ("--from-study STUDY --pick 9", "Received: '9'."),
        ("--from-study", "No such option '--from-study'"),
    ],
)
def test_bad_picks_are_refused(command, told, study, line, said):
    words = [study if word == "STUDY" else word for word in line.split()]
    refused(command("train", *words), 2, said)
    assert not told


def test_a_run_goes_on_with_the_trial_that_it_began_with(command, told, study, tmp_path):
    run = Run(tmp_path / "run")
    begun = StudyFolder.open(study).study.settings_of({"beta": 1.0}, seed=2)
    run.write("config", {"settings": begun.model_dump(), "data": {"name": "digits"}})
    line = ("train", "--from-study", study, "--resume", "--out", run.path)
    assert command(*line, "--pick", "best").code == 0
    assert told == [begun]
    refused(command(*line, "--pick", "knee"), 2, "Expected hyperparameters {'beta': 1.0}, with")
    refused(command(*line, "--seed", "3"), 2, "Expected seed 2, with which")
    assert told == [begun]
