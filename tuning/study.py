"""Study folders: what is searched, what each trial came to, and how a study is found again.

STUDY/study.json          what is searched, for what, in which settings; versions
STUDY/oracle.json         how far keras-tuner's search has come
STUDY/trials/0003/trial.json   a trial: values, settings, scores of each seed, or why it failed
STUDY/trials/0003/seed-0/      a run folder, as `zoo train` makes them: curves, pictures, config;
                          of the best trial with its weights and its SavedModel
STUDY/workers/            what each process of a search in several said
STUDY/tensorboard/        the trials as TensorBoard's HParams shows them
STUDY/report.html         all of it on one page

Every file is whole or absent. A trial that is recorded is never run again; one of the same values
as another that finished has its scores, and no runs of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import filelock
import numpy as np

from tuning.objectives import OTHER_NAMES, Objective, objective_of
from tuning.space import Knob, Number, Range, applied, space_of
from zoo import checks, registry
from zoo.files import remove_partials, write_json
from zoo.messages import counted, short, unknown
from zoo.metrics.scoring import Score
from zoo.plans import LOCK, Plan, PlanFolder
from zoo.runs import CONFIG, REPORT, Run, Settings, is_of_steps

PLAN, RECORD, STATE = "study.json", "trial.json", "oracle.json"
TRIALS, LOGS, TENSORBOARD = "trials", "workers", "tensorboard"

LEAVING = 2.0  # seconds in which a chief ends whose parent was killed

TIME, WEIGHTS = "seconds", "weights"  # what a trial cost, beside its scores
TUNERS = ("bayesian", "random", "grid", "hyperband")
FACTOR = 3  # of Hyperband: a third of the trials goes on, three times as long

Status = Literal["finished", "failed"]


class Study(Plan):
    """What is searched. `Study.planned` makes one from what a user asks for.

    Attributes:
        method: A name in the registry.
        space: What is varied.
        objective: What is asked for: see `tuning.objectives`.
        tuner: Which of keras-tuner's searches: "bayesian", "random", "grid" or "hyperband".
        max_trials: The most trials; grid and Hyperband may end before.
        seeds: Runs of each trial; they count from 0. Their mean is what is searched on.
        seed: Of the search.
        settings: Of every training, beside its method, its seed and what is varied.
    """

    method: str
    space: tuple[Knob, ...]
    objective: str
    tuner: str
    max_trials: int
    seeds: int
    seed: int
    settings: dict[str, Any]

    @classmethod
    def planned(
        cls,
        method: str,
        objective: str = "mig",
        tuner: str = "bayesian",
        max_trials: int = 20,
        seeds: int = 1,
        seed: int = 0,
        ranges: Mapping[str, Range] | None = None,
        layers: Sequence[Mapping[str, Any]] = (),
    ) -> Self:
        """A study of one method, which is trained by its recipe beside what is varied.

        Args:
            method: A name in the registry.
            objective: A score: see `tuning.objectives`.
            tuner: "bayesian", "random", "grid" or "hyperband".
            max_trials: At least 1.
            seeds: Runs of each trial, at least 1.
            seed: Of the search.
            ranges: Argument -> (low, high) or (low, high, scale): see `tuning.space.space_of`.
            layers: Settings that override the recipe, then one another: see `Settings.merged`.
                What they set of the method is not varied.

        Raises:
            ValueError: Anything that is unknown or cannot be, before any data are read. Values
                that the method itself refuses are not seen here.
        """
        checks.one_of("tuner", tuner, TUNERS)
        checks.integer("max_trials", max_trials, low=1)
        checks.integer("seeds", seeds, low=1)
        checks.integer("seed", seed, low=0, high=2**32 - 2)
        for layer in layers:
            if "seed" in layer:
                raise ValueError(
                    "Expected no seed among the settings of a study, whose runs count theirs "
                    f"from 0. Received: {layer['seed']!r}."
                )
        settings = Settings.merged(method, registry.method(method).recipe, *layers).model_dump()
        named = {name for layer in layers for name in layer.get("hyperparameters") or {}}
        named |= {name for layer in layers for name in layer if name == "learning_rate"}
        space = space_of(method, named, ranges)
        objective_of(method, objective, seeds)
        if tuner == "hyperband" and settings["epochs"] < FACTOR:
            raise ValueError(
                f"Expected epochs of {FACTOR} or more for hyperband, which ends most trials after "
                f"a part of them. Received: {settings['epochs']}."
            )
        for knob in space:
            settings["hyperparameters"].pop(knob.name, None)
        shared = {k: v for k, v in settings.items() if k not in ("method", "seed")}
        return cls(
            method=method,
            space=space,
            objective=objective,
            tuner=tuner,
            max_trials=max_trials,
            seeds=seeds,
            seed=seed,
            settings=shared,
        )

    @property
    def aim(self) -> Objective:
        """The objective."""
        return Objective(self.objective)

    @property
    def against(self) -> Objective:
        """What the objective is weighed against: the reconstruction error, or else the weights.

        Of costs these are one that does not hang on what else a machine has to do.
        """
        error = "reconstruction"
        known = error in registry.method(self.method).terms and self.objective != error
        return Objective(error if known else WEIGHTS)

    @property
    def grid(self) -> dict[str, int]:
        """How many values of each knob a grid has. The last knob's change from trial to trial."""
        return {knob.name: len(knob.grid()) for knob in self.space}

    @property
    def most(self) -> int:
        """The most trials that there can be."""
        whole = math.prod(self.grid.values()) if self.tuner == "grid" else self.max_trials
        return min(self.max_trials, whole)

    @property
    def grid_in_words(self) -> str:
        """How large a grid is, how much of it is tried, and what is then not varied."""
        counts = [*self.grid.values()]
        whole = math.prod(counts)
        said = f"grid of {counted(whole, 'setting')}"
        if len(counts) > 1:
            said += f" ({' by '.join(f'{n} of {name}' for name, n in self.grid.items())})"
        if self.most == whole:
            return f"{said}, all of them tried"
        said += f", {self.most} of them tried"
        still = [
            f"{knob.name} stays at {short(knob.low)}"
            for place, knob in enumerate(self.space)
            if counts[place] > 1 and math.prod(counts[place + 1 :]) >= self.most
        ]
        return ": ".join([said, *([", ".join(still)] if still else [])])

    def settings_of(
        self, values: Mapping[str, Number], seed: int = 0, epochs: int | None = None
    ) -> Settings:
        """The settings of one run of a trial.

        Args:
            values: Of what is varied.
            seed: Of the run.
            epochs: How many of the study's it has, as Hyperband decides. Default: all. A run of
                fewer epochs is a shorter run, with schedules that end with it: what is counted in
                steps and not varied (warmup_steps, PiCO's moco_steps) is as large a part of it.

        Raises:
            ValueError: A value that no training can have.
        """
        given = applied(self.settings, values)
        if epochs is not None:
            whole, of_method = given["epochs"], given["hyperparameters"]
            counted = {k: v for k, v in of_method.items() if is_of_steps(k) and k not in values}
            shorter = {k: v * epochs // whole for k, v in counted.items() if isinstance(v, int)}
            given |= {
                "epochs": epochs,
                "steps": given["steps"] // whole * epochs,
                "warmup_steps": given["warmup_steps"] * epochs // whole,
                "hyperparameters": {**of_method, **shorter},
            }
        return Settings.told({**given, "method": self.method, "seed": seed})

    def ends(self) -> dict[str, tuple[Settings, Settings]]:
        """For each knob the settings with its least and its largest value, all others lowest."""
        lowest = {knob.name: knob.low for knob in self.space}
        return {
            knob.name: (
                self.settings_of(lowest),
                self.settings_of({**lowest, knob.name: knob.high}),
            )
            for knob in self.space
        }

    def differs_from(self, old: Self) -> str | None:
        """What keeps this from going on with `old`, or None. Only max_trials may change."""
        before, now = old.model_dump(), self.model_dump()
        pairs = [(name, before[name], now[name]) for name in before if name != "settings"]
        pairs += [(k, v, now["settings"].get(k)) for k, v in before["settings"].items()]
        for name, had, has in pairs:
            if had != has and name != "max_trials":
                if name == "space":
                    had, has = (" and ".join(map(_words, study.space)) for study in (old, self))
                return f"{name} {had!r}, with which it began. Received: {has!r}"
        return None


def _words(knob: Knob) -> str:
    return f"{knob.name}={knob.low:g}:{knob.high:g}:{knob.scale}"


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a setting came to.

    Attributes:
        number: From 0, in the order in which they were begun.
        values: Of what is varied.
        epochs: Of each run.
        status: "finished" or "failed".
        reason: Why it failed, in a line.
        seconds: What its runs took by the clock; None where one of them was stopped and gone on
            with.
        weights: How many numbers a run learned; None where it is not known, as of a trial that
            failed or was recorded before they were counted.
        scores: For each seed, name -> Score; `udr`, which is of all seeds, is in each.
        objective: Of the study, as it was asked for; `StudyFolder` fills it in.
    """

    number: int
    values: Mapping[str, Number]
    epochs: int
    status: Status
    reason: str = ""
    seconds: float | None = 0.0
    scores: Sequence[Mapping[str, Score]] = ()
    weights: int | None = None
    objective: str = dataclasses.field(default="", compare=False)

    @property
    def name(self) -> str:
        """Of its folder: "0003"."""
        return f"{self.number:04d}"

    @property
    def known(self) -> list[str]:
        """The names of its scores, and of what it cost."""
        return [*dict.fromkeys(name for one in self.scores for name in one), TIME, WEIGHTS]

    def values_of(self, score: str | None = None) -> list[float]:
        """A score of each seed.

        Args:
            score: Its name, or as an objective is called: "knn_accuracy" is "knn". "seconds" is
                the time of the trial over its seeds, "weights" how many it learns. Default: the
                objective.

        Returns:
            Nothing of a trial that failed before it was scored, and of a cost that is not known.

        Raises:
            ValueError: The trial has no such score: with the nearest, and with all.
        """
        asked = self.objective if score is None else score
        name = OTHER_NAMES.get(asked, asked)
        if name == TIME:
            return [] if self.seconds is None else [self.seconds / max(len(self.scores), 1)]
        if name == WEIGHTS:
            return [] if self.weights is None else [float(self.weights)]
        if self.scores and name not in self.known:
            raise ValueError(unknown(f"score of trial {self.number}", asked, self.known))
        return [scores[name].value for scores in self.scores if name in scores]

    def mean(self, score: str | None = None) -> float:
        """The mean of a score over the seeds, as `values_of`; NaN of no value."""
        found = self.values_of(score)
        return float(np.mean(found)) if found else float("nan")

    def spread(self, score: str | None = None) -> tuple[float, float]:
        """The least and the largest of a score over the seeds, as `values_of`."""
        found = self.values_of(score)
        return min(found), max(found)

    def to_json(self) -> dict[str, Any]:
        """A dictionary for `json.dump`."""
        scores = [{name: score.to_json() for name, score in one.items()} for one in self.scores]
        fields = {name: getattr(self, name) for name in self._kept()}
        return {**fields, "values": dict(self.values), "scores": scores}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], objective: str = "") -> Self:
        """The trial that `to_json` wrote; what else stands in the record is left alone."""
        scores = tuple(
            {name: Score.from_json(score) for name, score in one.items()}
            for one in fields["scores"]
        )
        told = {"weights": None, **fields}  # which older records lack
        told = {name: told[name] for name in cls._kept()}
        return cls(**{**told, "scores": scores}, objective=objective)

    @classmethod
    def _kept(cls) -> list[str]:
        """What its record holds; the objective is the study's."""
        return [field.name for field in dataclasses.fields(cls) if field.name != "objective"]


class StudyFolder(PlanFolder[Study]):
    """A study's folder.

    Args:
        path: The folder.
    """

    noun, file, kind, patience = "study", PLAN, Study, LEAVING

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """The study at `path`.

        Raises:
            FileNotFoundError: No study is there.
        """
        folder = cls(path)
        if not folder.exists:
            raise FileNotFoundError(f"Expected a study folder with {PLAN}. Received: {path}.")
        return folder

    @property
    def study(self) -> Study:
        """What is searched."""
        return self.plan

    @property
    def versions(self) -> dict[str, str]:
        """Of what it began with."""
        return dict(json.loads((self.path / PLAN).read_text())["versions"])

    @property
    def trials(self) -> list[Trial]:
        """The trials that have ended, by number."""
        found = (self.trial(int(path.parent.name)) for path in self.records())
        return [trial for trial in found if trial is not None]

    def trial(self, number: int) -> Trial | None:
        """The trial of a number, once it has ended.

        Raises:
            ValueError: Its record is damaged.
        """
        path, objective = self._trial_path(number) / RECORD, self.study.objective
        try:
            return Trial.from_json(json.loads(path.read_text()), objective)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path} is damaged. Without it the trial is run again.") from None

    def records(self) -> list[Path]:
        """The files of the trials that have ended, by number."""
        return sorted((self.path / TRIALS).glob(f"[0-9]*/{RECORD}"))

    @property
    def begun(self) -> list[int]:
        """The trials that have begun a run and have not ended, by number."""
        begun = {int(p.parent.parent.name) for p in (self.path / TRIALS).glob(f"[0-9]*/*/{CONFIG}")}
        return sorted(begun - {int(path.parent.name) for path in self.records()})

    @property
    def state(self) -> dict[str, Any]:
        """The state of keras-tuner's search, as `tuning.oracles.Durable` writes it; or nothing."""
        path = self.path / STATE
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def best(self) -> Trial | None:
        """The finished trial whose mean is best; the first of several that are equal."""
        aim = self.study.aim
        return best_of(self.trials, aim)

    def run(self, number: int, seed: int) -> Run:
        """The run folder of one seed of a trial."""
        return Run(self._trial_path(number) / f"seed-{seed}")

    def record(self, trial: Trial) -> None:
        """Notes what a trial came to, with the settings of its first run."""
        settings = self.study.settings_of(trial.values, epochs=trial.epochs).model_dump()
        write_json(
            self._trial_path(trial.number) / RECORD, {**trial.to_json(), "settings": settings}
        )

    def keep_best(self) -> None:
        """Removes the weights of all trials that have ended but of the best."""
        trials = self.trials
        best = best_of(trials, self.study.aim)
        for trial in trials:
            if best is None or trial.number != best.number:
                for path in self._trial_path(trial.number).glob("seed-*"):
                    Run(path).remove_weights()

    def check_records(self) -> None:
        """Refuses the record of a trial if it is damaged."""
        _ = self.trials

    def clear(self) -> None:
        """Removes what a study left in the folder, and nothing else that may lie there."""
        for name in (TRIALS, LOGS, TENSORBOARD):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in (REPORT, STATE, PLAN):
            (self.path / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def claimed(self, number: int) -> Iterator[None]:
        """Within it no other process is at a trial; waits for one that is.

        What processes that were killed at it left half-written is removed first.
        """
        path = self._trial_path(number)
        path.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path / LOCK):
            for folder in (path, *path.glob("seed-*")):
                remove_partials(folder)
            yield

    def _trial_path(self, number: int) -> Path:
        return self.path / TRIALS / f"{number:04d}"


def alike(trials: Sequence[Trial], aim: Objective) -> bool:
    """Whether several trials finished and all score the same, so that none of them is best."""
    means = [trial.mean(aim.score) for trial in trials if trial.status == "finished"]
    return len(means) > 1 and len({*means}) == 1


def best_of(trials: Sequence[Trial], aim: Objective) -> Trial | None:
    """The finished trial whose mean is best; the first of several that are equal.

    Of trials of several lengths, as Hyperband runs them, it is one of the longest.
    """
    finished = [trial for trial in trials if trial.status == "finished"]
    longest = max((trial.epochs for trial in finished), default=0)
    best = None
    for trial in finished:
        if trial.epochs < longest:
            continue
        if best is None or aim.better(trial.mean(aim.score), best.mean(aim.score)):
            best = trial
    return best
