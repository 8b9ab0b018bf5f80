"""A search of which no run is trained: what each would have come to is told beforehand."""

import math

import pytest

from tuning import searching
from tuning.study import Study, StudyFolder
from zoo.metrics import Score

TINY = {"data": "digits", "steps": 6, "epochs": 3, "batch_size": 8}


def planned(tuner="random", max_trials=4, seeds=1, objective="reconstruction", **given):
    layers = [TINY | given.pop("settings", {})]
    return Study.planned("beta_vae", objective, tuner, max_trials, seeds, layers=layers, **given)


class Tried(list):
    """(trial, seed, beta, epochs) of each run that would have been trained.

    Attributes:
        fails: (trial, seed) -> what is raised in its stead; (trial, None) is any seed.
        reported: The folders of which a report would have been written.
        scored: What a run of some beta and seed scores: least at beta = 4.
    """

    def __init__(self):
        super().__init__()
        self.fails = {}
        self.reported = []
        self.scored = lambda beta, seed: abs(math.log(beta / 4)) + seed

    def attempt(self, run, settings, data, console, metrics, resume):
        trial, seed = int(run.path.parent.name), int(run.path.name.removeprefix("seed-"))
        beta = settings.hyperparameters["beta"]
        self.append((trial, seed, beta, settings.epochs))
        run.write(
            "config", {"settings": settings.model_dump(), "data": {"name": "digits"}, "weights": 9}
        )
        for key in ((trial, seed), (trial, None)):
            if key in self.fails:
                raise self.fails[key]
        run.model_path.touch()
        value = self.scored(beta, seed)
        return {name: Score(name, value, {"samples": 9}) for name in ("reconstruction", "loss")}


@pytest.fixture
def tried(monkeypatch):
    told = Tried()
    monkeypatch.setattr(searching, "attempt", told.attempt)
    monkeypatch.setattr(searching, "prepared", lambda study, console: None)
    monkeypatch.setattr(searching.scoring, "default", lambda data: ())
    monkeypatch.setattr(searching, "POLL", 0.01)
    monkeypatch.setattr(searching, "forget", lambda: None)  # there is nothing to forget
    monkeypatch.setattr(searching, "show", lambda folder: told.reported.append(folder.path))
    return told


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "study")
