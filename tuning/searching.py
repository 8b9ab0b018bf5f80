"""The search: keras-tuner proposes settings, the zoo trains them, the study's folder keeps all."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner
from keras_tuner.engine import trial as trials
from rich.console import Console
from rich.markup import escape

from tuning import hparams, report
from tuning.objectives import UDR, Objective, check_data, rescaling, udr_of
from tuning.oracles import RUNNING, oracle_for
from tuning.space import Number, Range, values_of
from tuning.study import STATE, TENSORBOARD, Status, Study, StudyFolder, Trial, alike
from zoo.attempts import attempt, forget, reason_of
from zoo.cards import versions
from zoo.files import disk_full
from zoo.messages import short
from zoo.metrics import scoring
from zoo.metrics.scoring import Score
from zoo.runs import REPORT, Settings
from zoo.training import build_for, check_hyperparameters, load_data

POLL = 0.2  # seconds until an oracle that had nothing to try yet is asked again
PATIENCE = 20.0  # seconds until a folder that machines share shows each what another wrote


def search(
    method: str,
    data: Any = None,
    objective: str = "mig",
    tuner: str = "bayesian",
    max_trials: int = 20,
    epochs: int | None = None,
    seeds: int = 1,
    directory: str | Path | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    ranges: Mapping[str, Range] | None = None,
    seed: int = 0,
    overwrite: bool = False,
    console: Console | None = None,
) -> StudyFolder:
    """Searches for the settings of a method in which a score is best.

    The method is trained by its recipe, with values of the numbers in its `search_space` that
    keras-tuner proposes. Called again with the same arguments it goes on where it was stopped,
    whatever stopped it; called with more `max_trials` it goes on from its end.

    Args:
        method: A name in the registry, e.g. "beta_vae".
        data: The name of a data set, or data that `zoo.data.load` gave. Default: the recipe's.
        objective: A score, see `tuning.objectives`: "mig", "knn_accuracy", "udr", "loss", ...
        tuner: "bayesian", "random", "grid" or "hyperband".
        max_trials: The most trials.
        epochs: Parts of each training, after each of which it is scored. Default: the recipe's.
        seeds: Runs of each trial, of seeds 0, 1, ... The mean of their scores is searched on.
        directory: The study's folder. Default: runs/tune-METHOD-DATA.
        settings: What else of a training is set, such as {"steps": 3000, "hyperparameters":
            {"latent_size": 6}}; see `zoo.runs.Settings`. What is set is not varied.
        ranges: Argument -> (low, high) or (low, high, "log"), in place of that in the method's
            `search_space`, or joined to it: {"learning_rate": (1e-4, 1e-2)}.
        seed: Of the search.
        overwrite: Whether to replace a study that is there.
        console: Where progress is shown. Default: standard output.

    Returns:
        The study's folder: `best`, `trials`.

    Raises:
        ValueError: What is asked for cannot be, with what can; or the folder holds something else.
        OSError: The data are not there, or the disk is full.

    Example:
        >>> study = tuning.search("beta_vae", "dsprites", "mig", max_trials=12)  # doctest: +SKIP
        >>> study.best.values  # doctest: +SKIP
        {'beta': 6.31}
    """
    given: dict[str, Any] = dict(settings or {})
    if data is not None:
        given |= {"data": data} if isinstance(data, str) else named(data)
    if epochs is not None:
        given["epochs"] = epochs
    study = Study.planned(method, objective, tuner, max_trials, seeds, seed, ranges, [given])
    folder = StudyFolder(directory or default_folder(study))
    folder.check(study, overwrite)
    check(study)
    run_study(study, folder, console or Console(soft_wrap=True), overwrite)
    return folder


def named(data: Any) -> dict[str, Any]:
    """The settings that load a data set again."""
    told = data.describe()
    local = told.get("file") or (told.get("folder") if told["name"] in ("mnist", "cifar10") else "")
    return {
        "data": f"{told['name']}:{local}" if local else told["name"],
        "image_size": data.image_shape[0],
        "subset": told.get("subset") or None,
        "skip_bad": bool(told.get("skip_bad")),
    }


def default_folder(study: Study) -> Path:
    """Where a study goes that names no folder."""
    from zoo.cli.settings import slug

    return Path("runs") / f"tune-{study.method}-{slug(study.settings['data'])}"


def check(study: Study) -> None:
    """Builds the method at the ends of every range, as far as that goes without data.

    Raises:
        ValueError: A value or setting that the method does not take.
    """
    for both in study.ends().values():
        for settings in both:
            check_hyperparameters(settings)


def run_study(
    study: Study, folder: StudyFolder, console: Console, overwrite: bool = False, data: Any = None
) -> None:
    """Runs the trials that are still to be run, in this process.

    A trial that diverges, is refused or runs out of memory is noted with its reason, and the
    search goes on.

    Args:
        study: What is searched.
        folder: Where. It may hold the same study, begun before.
        console: Where progress is shown.
        overwrite: Whether what the folder held is removed first.
        data: What `prepared` gave. Default: that of the study.

    Raises:
        ValueError: The folder holds something else, another process is at work there, or the data
            are not what the objective or the method takes: before any training.
        OSError: The data are not there, or the disk is full.
        KeyboardInterrupt: On Ctrl-C, once a checkpoint is written.
    """
    data = prepared(study, console) if data is None else data
    say_grid(study, console)
    with begun(study, folder, overwrite):
        Tuner(study, folder, data, console).search()
        show(folder)


@contextlib.contextmanager
def begun(study: Study, folder: StudyFolder, overwrite: bool = False) -> Iterator[None]:
    """Within it the folder is that of the study, and no other process searches there."""
    with folder.alone():
        folder.check(study, overwrite)  # once more: another process may just have left
        folder.begin(study, versions(), overwrite)
        hparams.begin(folder)
        yield


def show(folder: StudyFolder) -> None:
    """Writes what people look at of a study: its page, and what TensorBoard lacks of it."""
    hparams.tidy(folder)
    hparams.write(folder, folder.trials)
    report.write(folder)


def load(study: Study, console: Console) -> Any:
    """The data of a study, without candidates, which each seed draws anew."""
    return load_data(_first(study), console)


def _first(study: Study) -> Settings:
    return study.settings_of({knob.name: knob.low for knob in study.space})


def prepared(study: Study, console: Console) -> Any:
    """The data of a study, once it is known that they give the objective and that methods fit.

    Raises:
        ValueError: What only the data can tell: they do not give the objective, or are not what the
            method takes.
        OSError: The data are not there.
    """
    data = load(study, console)
    learned = _first(study).with_candidates(data)
    check_data(study.method, study.aim, learned)
    ends = study.ends()
    for both in ends.values():
        for settings in both:
            build_for(learned, settings)
            forget()
    if study.objective == "loss":
        of_method = {name: both for name, both in ends.items() if name != "learning_rate"}
        name = rescaling(of_method, learned)
        if name is not None:
            raise ValueError(
                f"Expected an objective that {name} does not rescale: the loss of the same weights "
                f"is another at another {name}, so that the least one says nothing of what was "
                f"learned. Received: loss. Fix it with --set {name}=VALUE, or search for a score."
            )
    return data


class Tuner(base_tuner.BaseTuner):
    """keras-tuner's search, whose trials are runs of the zoo.

    Args:
        study: What is searched.
        folder: Its folder, begun.
        data: Of the study, without candidates.
        console: Where progress is shown.
    """

    def __init__(self, study: Study, folder: StudyFolder, data: Any, console: Console) -> None:
        self.study, self.folder, self.data, self.console = study, folder, data, console
        self._asked = False
        self._had_ended: set[str] = set()  # when the last trial was asked for
        path = folder.path.resolve()
        super().__init__(oracle_for(study), directory=str(path.parent), project_name=path.name)
        if not self._is_worker() and (path / STATE).exists():
            self.oracle.reload()
            self.oracle.max_trials = study.max_trials

    def save(self) -> None:
        """The oracle alone has a state."""
        if not self._is_worker():
            self.oracle.save()

    def _get_tuner_fname(self) -> str:
        """A file that is never there, for the tuner has nothing to keep."""
        return str(self.folder.path / "no tuner")

    def pre_create_trial(self) -> None:
        """Waits a little where nothing came of the last question."""
        if self._asked:
            time.sleep(POLL)
        self._asked = True
        if self._is_worker():
            self._had_ended = _ended(self.folder.state)

    def on_trial_begin(self, trial: Any) -> None:
        """Takes a trial up."""
        self._asked = False

    def on_trial_end(self, trial: Any) -> None:
        """Tells the oracle of the end; what kept it from hearing of a result ends the search.

        It goes on by that result when it is begun again.
        """
        if trial.status == trials.TrialStatus.INVALID:
            raise RuntimeError(trial.message)
        super().on_trial_end(trial)

    def search(self) -> None:
        """Runs trials until there is none left; errors as `run_study`."""
        try:
            super().search()
        except keras_tuner.errors.FatalError as error:
            raise error.__cause__ or error from None

    def run_trial(self, trial: Any) -> dict[str, float]:
        """Runs a trial, unless it is recorded, and records it.

        Returns:
            The mean of the objective, as the oracle is told it.

        Raises:
            FailedTrialError: It failed, and is recorded.
            FatalError: Anything else, such as a full disk: it ends the search.
        """
        try:
            record = self._recorded(trial)
        except Exception as error:
            raise keras_tuner.errors.FatalError(str(error)) from error
        if record.status == "failed":
            raise keras_tuner.errors.FailedTrialError(record.reason)
        return {"objective": record.mean(self.study.aim.score)}

    def _recorded(self, trial: Any) -> Trial:
        """The record of a trial, which is run if there is none."""
        if self._is_worker():
            self._check_chief(trial)
        found = trial.hyperparameters.values
        number = int(trial.trial_id)
        values = values_of(self.study.space, found)
        epochs = found.get("tuner/epochs", self.study.settings["epochs"])
        with self.folder.claimed(number):
            record = self.folder.trial(number) or self._tried(number, values, epochs)
        if (record.values, record.epochs) != (values, epochs):
            raise ValueError(
                f"Expected trial {number} of {self.folder.path} to have {label_of(values)}, as the "
                f"search has it. Received: a record of {label_of(record.values)}. Begin anew with "
                "--overwrite, or in another folder."
            )
        self.folder.keep_best()
        return record

    def _check_chief(self, trial: Any) -> None:
        """Refuses a trial that this study does not have: its chief is another's."""
        until = time.monotonic() + PATIENCE
        while not self._is_ours(trial):
            if time.monotonic() > until:
                raise ValueError(
                    f"Expected the chief of the study in {self.folder.path}. Received: another "
                    f"one's trial {trial.trial_id}."
                )
            time.sleep(POLL)

    def _is_ours(self, trial: Any) -> bool:
        """Whether the state of the study has a trial as this worker's, as its chief wrote it.

        A chief that was killed offers a trial to several; another may just have ended it.
        """
        state, number = self.folder.state, trial.trial_id
        at_work = state.get("ongoing_trials", {}).get(self.tuner_id) == number
        offered = number in state.get("retry_queue", ())
        if not (at_work or offered or number in _ended(state) - self._had_ended):
            return False
        held = state["trials"][number]["hyperparameters"]["values"]
        told = trial.hyperparameters.values
        return all(name in told and held[name] == told[name] for name in held)

    def _tried(self, number: int, values: Mapping[str, Number], epochs: int) -> Trial:
        """Runs a trial and records it."""
        heading = f"{called(self.study, number)}: {label_of(values)}"
        self.console.print(f"\n[bold]{escape(heading)}[/bold]", highlight=False)
        record = self._as_before(number, values, epochs) or self._run(number, values, epochs)
        self.folder.record(record)
        hparams.write(self.folder, [record])
        said = in_a_line(record, self.study.aim)
        if record.status == "finished":
            said = f"scored at the end: {said}"
        self.console.print(said, highlight=False, soft_wrap=True, markup=False)
        return record

    def _as_before(self, number: int, values: Mapping[str, Number], epochs: int) -> Trial | None:
        """What a trial of the same values came to: its seeds would be trained to the same again."""
        for trial in self.folder.trials:
            if trial.status == "finished" and (trial.values, trial.epochs) == (values, epochs):
                return dataclasses.replace(trial, number=number)
        return None

    def _run(self, number: int, values: Mapping[str, Number], epochs: int) -> Trial:
        """Trains each seed of a trial and scores it, or notes why that failed."""
        began = time.monotonic()
        scores: list[dict[str, Score]] = []
        reason, whole, weights = "", True, None
        seeds = range(self.study.seeds)
        try:
            for seed in seeds:
                settings = self.study.settings_of(values, seed, epochs)
                run = self.folder.run(number, seed)
                if run.exists and run.settings != settings:
                    run.clear()
                whole = whole and not run.exists
                metrics = (*(settings.metrics or scoring.default(self.data)), *self._aim.metrics)
                scores.append(
                    attempt(
                        run,
                        settings,
                        self.data,
                        self.console,
                        tuple(dict.fromkeys(metrics)),
                        resume=run.exists,
                    )
                )
                forget()
                weights = run.config.get("weights")  # which an older run does not tell
            if self._aim.score == UDR:
                methods = [self.folder.run(number, seed).load_method() for seed in seeds]
                udr = udr_of(methods, self.data)
                scores = [{**one, UDR: udr} for one in scores]
            reason = _unusable(self._aim, scores)
        except Exception as error:
            if disk_full(error):
                raise
            reason = reason_of(error)
            if self.study.seeds > 1 and len(scores) < self.study.seeds:
                reason = f"seed {len(scores)}: {reason}"
        forget()
        seconds = round(time.monotonic() - began, 1) if whole else None
        status: Status = "failed" if reason else "finished"
        return Trial(number, values, epochs, status, reason, seconds, tuple(scores), weights)

    @property
    def _aim(self) -> Objective:
        return self.study.aim


def _ended(state: Mapping[str, Any]) -> set[str]:
    """The trials that have ended, of the state of a search."""
    return {number for number, told in state.get("trials", {}).items() if told["status"] != RUNNING}


def _unusable(aim: Objective, scores: Sequence[Mapping[str, Score]]) -> str:
    """Why scores cannot be searched on: one is no finite number."""
    for seed, one in enumerate(scores):
        value = one[aim.score].value
        if not abs(value) < float("inf"):  # true for NaN as well
            return f"seed {seed}: {aim.name} is {value}."
    return ""


def say_grid(study: Study, console: Console) -> None:
    """Prints how large a grid is, before it is searched."""
    if study.tuner == "grid":
        console.print(study.grid_in_words, markup=False, highlight=False, soft_wrap=True)


def called(study: Study, number: int) -> str:
    """A trial as it is found in the folder, and which of all it is."""
    return f"trial {number:04d}, {number + 1} of at most {study.most}"


def label_of(values: Mapping[str, Number]) -> str:
    """What a trial is called: "beta 4, learning_rate 0.001"."""
    return ", ".join(f"{name} {short(value)}" for name, value in values.items())


def in_a_line(trial: Trial, aim: Objective) -> str:
    """What a trial came to."""
    if trial.status == "failed":
        return f"failed: {trial.reason}"
    low, high = trial.spread(aim.score)
    over = f" ({low:.4g} to {high:.4g} over {len(trial.scores)} seeds)" if low < high else ""
    return f"{aim.name} {trial.mean(aim.score):.4g}{over}"


def say_where(folder: StudyFolder, console: Console) -> None:
    """Prints what was found, and where everything is."""
    study, trials = folder.study, folder.trials
    console.print(f"\n[bold]{escape(str(folder.path))}[/bold] holds the study:", highlight=False)
    failed = [trial for trial in trials if trial.status == "failed"]
    best = folder.best
    rows = {"trials": f"{len(trials)}, {len(failed)} of them failed; a folder each"}
    if (folder.path / REPORT).exists():
        rows[REPORT] = "all of it on one page"
    if (path := folder.path / TENSORBOARD).exists():
        rows[TENSORBOARD] = f"tensorboard --logdir {shlex.quote(str(path))}, for its HParams"
    told = [score for t in trials for one in t.scores if (score := one.get(study.aim.score))]
    if told and (phrase := told[0].phrase()):
        rows["measured"] = f"{study.objective}: {phrase}"
    if alike(trials, study.aim):
        count = len(trials) - len(failed)
        value = in_a_line(next(t for t in trials if t not in failed), study.aim)
        rows["best"] = f"none: all {count} that finished come to {value}"
    elif best is not None:
        rows["best"] = f"trial {best.name}: {label_of(best.values)}: {in_a_line(best, study.aim)}"
        rows["train"] = f"zoo train --from-study {shlex.quote(str(folder.path))} --pick best"
    for name, what in rows.items():
        console.print(f"  {name:<11} {what}", highlight=False, markup=False, soft_wrap=True)
    for trial in failed:
        words = f"  failed: trial {trial.name}: {label_of(trial.values)}: {trial.reason}"
        console.print(words, highlight=False, markup=False, soft_wrap=True)
