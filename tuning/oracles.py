"""keras-tuner's oracles, which say what to try next, with a state that survives any kill.

keras-tuner writes a file a trial and one for the oracle, one after the other, and a kill between
them loses a trial; its grid search forgets where it was. Here the whole state is one file that is
whole or as it was before, written whenever a trial begins or has ended.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trials
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from sklearn.exceptions import ConvergenceWarning

from tuning.space import hyperparameters
from tuning.study import FACTOR, Study
from zoo.files import write_json

RUNNING = trials.TrialStatus.RUNNING
NOISE = 0.05  # variance of a score over seeds, where that over settings is 1


class Durable(keras_tuner.Oracle):
    """An oracle whose state, its trials included, is one file."""

    trials: dict[str, Any]
    ongoing_trials: dict[str, Any]  # by the tuner that is at it
    _retry_queue: list[str]

    def create_trial(self, tuner_id: str) -> Any:
        """A trial to run: that of `tuner_id` once more, where it did not end it."""
        trial = super().create_trial(tuner_id)
        if trial.status == RUNNING:  # whatever it reported before it was killed
            trial.metrics = trials.Trial(None).metrics
        return trial

    def end_trial(self, trial: Any) -> None:
        """Notes that a trial has ended, and that no tuner is at it any more."""
        super().end_trial(trial)
        self.save()

    def get_state(self) -> dict[str, Any]:
        """All there is to know."""
        held = {name: trial.get_state() for name, trial in self.trials.items()}
        return {**super().get_state(), "trials": held}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state` gave."""
        self.trials = {
            name: trials.Trial.from_state(held) for name, held in state["trials"].items()
        }
        super().set_state(state)

    def save(self) -> None:
        """Writes the state, whole or not at all."""
        write_json(self._get_oracle_fname(), self.get_state())

    def reload(self) -> None:
        """Reads the state; trials that had not ended are to be run once more, the oldest first."""
        path = self._get_oracle_fname()
        try:
            with open(path, encoding="utf-8") as file:
                self.set_state(json.load(file))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(
                f"{path} is damaged. Without it the search begins anew; trials that are recorded "
                "are not run again."
            ) from None
        open_ones = {trial.trial_id for trial in self.ongoing_trials.values()}
        self._retry_queue = sorted({*self._retry_queue, *open_ones}, key=int, reverse=True)
        self.ongoing_trials = {}

    def _save_trial(self, trial: Any) -> None:
        """Nothing: it is part of the state."""


class Random(Durable, RandomSearchOracle):
    """Random search."""


class Bayesian(Durable, BayesianOptimizationOracle):
    """Bayesian optimisation with a Gaussian process."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """What is most promising; a scale of the process at its bound is no cause for alarm."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found: dict[str, Any] = super().populate_space(trial_id)
        return found


class Hyperband(Durable, HyperbandOracle):
    """Many short trials, of which the best are run again for longer."""


class Grid(Durable, GridSearchOracle):
    """All combinations of a few values of each knob, in one fixed order.

    What follows a trial is known when it begins, so that any number of workers can be at work.
    """

    _ordered_ids: Any

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The combination that follows the last one."""
        found = super().populate_space(trial_id)
        if found["status"] == RUNNING:
            self._populate_next.append(trial_id)
        return found

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up the trials, which follow one another in the order in which they began."""
        super().set_state(state)
        self._ordered_ids = type(self._ordered_ids)()
        for trial_id in self.start_order:
            self._ordered_ids.insert(trial_id)
        self._populate_next = self.start_order[-1:]


def oracle_for(study: Study) -> Durable:
    """The oracle of a study.

    It asks for the best mean of the objective, which it is told as "objective". It gives up only
    where keras-tuner would find nothing more to try: trials that fail are left out.
    """
    told: dict[str, Any] = {
        "objective": keras_tuner.Objective("objective", study.aim.direction),
        "hyperparameters": hyperparameters(study.space, grid=study.tuner == "grid"),
        "seed": study.seed + 1,  # keras-tuner takes 0 for none
        "max_consecutive_failed_trials": sys.maxsize,
    }
    oracle: Durable
    if study.tuner == "hyperband":
        oracle = Hyperband(max_epochs=study.settings["epochs"], factor=FACTOR, **told)
        oracle.max_trials = study.max_trials
    elif study.tuner == "bayesian":
        first = max(2, min(3 * len(study.space), study.max_trials // 3))  # are drawn at random
        oracle = Bayesian(
            max_trials=study.max_trials, num_initial_points=first, alpha=NOISE, **told
        )
    else:
        kind = {"random": Random, "grid": Grid}[study.tuner]
        oracle = kind(max_trials=study.max_trials, **told)
    oracle.verbose = 0
    return oracle
