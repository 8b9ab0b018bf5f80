"""`zoo sweep`: from what is swept to trained runs, one table and the pictures."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.markup import escape

from zoo import disambiguation
from zoo.attempts import FAILURES, attempt, forget, reason_of
from zoo.cards import versions
from zoo.files import disk_full
from zoo.messages import counted
from zoo.metrics import scoring
from zoo.reporting import save, sweeps
from zoo.reporting.drawn import FILE, Drawn
from zoo.reporting.sweep_table import measured, write_csv, write_html
from zoo.sweeps import Outcome, Status, Sweep, SweepFolder, Trial
from zoo.training import build_for, check_hyperparameters, load_data

STEPS = 5  # of a traversal that stands beside others
# How far subspaces are apart, and how well all of them together tell factors.
UTILITY = ("subspace_mig", "subspace_probe_utility")
ERRORS = ("reconstruction", "kl")  # the terms of the loss that methods have in common


def check(sweep: Sweep) -> None:
    """Builds every method and value, as far as that goes without data; nothing is written.

    Raises:
        ValueError: A value or setting that the method does not take.
    """
    for trial in _one_each(sweep):
        check_hyperparameters(trial.settings)


def run_sweep(
    sweep: Sweep,
    folder: SweepFolder,
    console: Console,
    retry_failed: bool = False,
    overwrite: bool = False,
) -> dict[str, Outcome]:
    """Trains what is still to be trained, scores it, and draws all there is after each run.

    Each run is what `zoo train` with the same settings gives, to the bit. What is trained is not
    trained again; what was stopped goes on from its newest checkpoint. A run that diverges, runs
    out of memory or is refused is noted as failed, with its reason, and the others go on. One that
    had scores and cannot be scored anew keeps them, with the reason.

    Args:
        sweep: What to sweep.
        folder: Where. It may hold the same sweep, or a smaller one, begun before.
        console: Where progress is shown.
        retry_failed: Whether runs that failed are tried again: scored where they are trained,
            else trained from their start.
        overwrite: Whether what the folder held is removed first.

    Returns:
        What each run came to, by its name.

    Raises:
        ValueError: The folder holds something else, another process is at work there, or the
            data are not what the metrics, a value or (where methods are compared) any of the
            methods take: before any training.
        OSError: The data are not there, or the disk is full.
        KeyboardInterrupt: On Ctrl-C, once a checkpoint is written.
    """
    folder.check(sweep, overwrite)
    trials = sweep.trials()
    if not overwrite and not _open(sweep, folder.outcomes, retry_failed):
        with folder.alone():
            report(sweep, folder)
        return folder.outcomes
    console.print("seeing that data and methods fit one another", highlight=False)
    data = load_data(trials[0].settings, console)
    _check_with(data, sweep)
    with folder.alone():
        folder.check(sweep, overwrite)  # once more: another process may just have left
        outcomes = {} if overwrite else folder.outcomes
        todo = _open(sweep, outcomes, retry_failed)
        clock = _Clock(len(trials), len(todo), outcomes.values())
        folder.begin(sweep, versions(), overwrite)
        for trial in todo:
            console.print(f"\n[bold]{escape(clock.heading(trial))}[/bold]", highlight=False)
            outcome = _attempt(sweep, folder, trial, data, console, outcomes.get(trial.name))
            folder.record(trial, outcome)
            clock.tick(outcome)
            console.print(_in_a_line(outcome), highlight=False, soft_wrap=True)
            report(sweep, folder)
    return folder.outcomes


def _one_each(sweep: Sweep) -> list[Trial]:
    """A trial of each value or method: their seeds differ in nothing that could be refused."""
    return [trial for trial in sweep.trials() if trial.seed == 0]


def _open(sweep: Sweep, outcomes: Mapping[str, Outcome], retry_failed: bool) -> list[Trial]:
    """The runs for which there is something left to do."""

    def is_open(outcome: Outcome | None) -> bool:
        if outcome is None:
            return True
        if outcome.status == "failed":
            return retry_failed
        return outcome.metrics != sweep.metrics  # to be scored anew

    return [trial for trial in sweep.trials() if is_open(outcomes.get(trial.name))]


def _check_with(data: Any, sweep: Sweep) -> None:
    """Refuses what only the data can tell.

    Of several methods some may be refused, and their runs be noted as failed; all may not.
    """
    trials = _one_each(sweep)
    refusals = []
    for trial in trials:
        try:
            method = build_for(trial.settings.with_candidates(data), trial.settings)
            if sweep.metrics is not None:
                scoring.chosen_for(data, sweep.metrics, getattr(method, "subspaces", None))
        except ValueError as error:
            refusals.append(error)
        forget()
    if refusals and (sweep.param or len(refusals) == len(trials)):
        raise refusals[0]


def _attempt(
    sweep: Sweep,
    folder: SweepFolder,
    trial: Trial,
    data: Any,
    console: Console,
    before: Outcome | None,
) -> Outcome:
    """Trains one run, unless that is done, and scores it; or notes why that failed."""
    began = time.monotonic()
    run = folder.run(trial)
    trained = run.model_path.exists()  # written once, when the loss of the last epoch was finite
    spent = before.seconds if before and trained else 0.0
    try:
        again = run.exists and (before is None or trained)  # one that diverged begins anew
        scores = attempt(run, trial.settings, data, console, sweep.metrics, resume=again)
        reason = ""
    except FAILURES as error:
        if disk_full(error):
            raise
        scores, reason = {}, reason_of(error)
    forget()
    if reason and trained and before and before.scores:
        return dataclasses.replace(before, reason=reason)
    seconds = round(spent + time.monotonic() - began, 1)
    status: Status = "failed" if reason else "finished"
    return Outcome(status, reason, seconds, sweep.metrics, scores)


class _Clock:
    """Counts runs, and says about how long the rest will take."""

    def __init__(self, count: int, todo: int, outcomes: Iterable[Outcome]) -> None:
        self.count, self.left = count, todo
        self.seconds = [o.seconds for o in outcomes if o.status == "finished"]

    def tick(self, outcome: Outcome) -> None:
        """A run has ended."""
        self.left -= 1
        if outcome.status == "finished":
            self.seconds.append(outcome.seconds)

    def heading(self, trial: Trial) -> str:
        """'run 2 of 15: beta 4, seed 0 (about 12 min left)'."""
        number = self.count - self.left + 1
        words = f"run {number} of {self.count}: {_label(trial)}"
        if not self.seconds:
            return words
        return f"{words} (about {_duration(self.left * float(np.mean(self.seconds)))} left)"


def _duration(seconds: float) -> str:
    """A time as people say it: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _in_a_line(outcome: Outcome) -> str:
    if outcome.status == "failed":
        return f"failed: {escape(outcome.reason)}"
    if outcome.reason:
        return f"not scored anew, the former scores stay: {escape(outcome.reason)}"
    return "held out  " + "  ".join(f"{s.name} {s.value:.4g}" for s in outcome.scores.values())


def parameter_of(sweep: Sweep) -> str:
    """What the axis of the pictures and the first column of the table are called."""
    return sweep.param or "method"


def report(sweep: Sweep, folder: SweepFolder) -> list[Path]:
    """Writes the table and the pictures of what is there; needs no method and no data.

    Returns:
        The paths that were written.
    """
    outcomes = folder.outcomes
    parameter = parameter_of(sweep)
    entries = [_entry(trial, outcomes.get(trial.name)) for trial in sweep.trials()]
    pictures = {
        WORDS[name]: save(figure, folder.pictures / f"{name}.png")
        for name, figure in _figures(sweep, folder, outcomes, entries)
    }
    for name, words in WORDS.items():  # what was drawn of other metrics is no picture of these
        if words not in pictures:
            (folder.pictures / f"{name}.png").unlink(missing_ok=True)
    title = f"{sweep.methods[0]} over {parameter}" if sweep.param else "Methods side by side"
    notes = [trained_by(sweep), *_protocols(outcomes.values()), *_kept(sweep, outcomes)]
    settings = {name: value for name, value in sweep.settings.items() if value not in (None, {})}
    table = folder.path / "table.csv"
    page = table.with_suffix(".html")
    return [
        write_csv(table, entries, parameter),
        write_html(page, entries, parameter, title, settings, notes, pictures),
        *pictures.values(),
    ]


WORDS = {
    "scores": "Errors and scores of the runs",
    "trade_off": "A score against the reconstruction error, or against another",
    "traversals": "Traversals side by side",
    "agreement": "Rank correlation of the measures",
}


def _figures(
    sweep: Sweep,
    folder: SweepFolder,
    outcomes: Mapping[str, Outcome],
    entries: list[sweeps.Entry],
) -> Iterator[tuple[str, Figure]]:
    """The pictures that the runs so far allow, with their names."""
    parameter, found = parameter_of(sweep), measured(entries)
    known = scoring.scores()
    scores = [name for name in found if name in known or name in disambiguation.SCORES]
    errors = [name for name in ERRORS if name in found]
    trained = trained_by(sweep)
    # Losses at several temperatures, or of several methods, do not compare: they are shown where
    # there is nothing else, and weighed against nothing.
    shown = errors or ([] if scores else ["loss"])
    protocol = " ".join([trained, *_protocols(outcomes.values(), [*shown, *scores])])
    if found:
        yield (
            "scores",
            sweeps.scores_over(entries, parameter, scores, sweep.scale, shown, protocol),
        )
    better = [name for name in scores if name in known and known[name].needs]
    best = "mig" if "mig" in better else next(iter(better), "")
    if best and errors and sweeps.comparable(entries, [best, errors[0]])[1]:
        both = " ".join([trained, *_protocols(outcomes.values(), [errors[0], best])])
        yield "trade_off", sweeps.trade_off(entries, parameter, best, errors[0], both)
    elif not errors and sweeps.comparable(entries, [*UTILITY])[1] and {*UTILITY} <= {*scores}:
        apart, useful = UTILITY
        both = " ".join([trained, *_protocols(outcomes.values(), [useful, apart])])
        yield "trade_off", sweeps.trade_off(entries, parameter, apart, useful, both, higher=True)
    panels = _panels(folder, sweep.trials(), outcomes)
    if panels:
        first = panels[0][1]
        values = _some(np.asarray(first.values))
        factors = None if first.factors is None else first.factors.tolist()
        words = (
            f"{trained} Shares of factor entropy: {first.protocol}."
            if first.factors is not None
            else trained
        )
        yield (
            "traversals",
            sweeps.traversals([panel for panel, _ in panels], values, factors, protocol=words),
        )
    names, runs = sweeps.comparable(entries, [*errors, *scores])
    if len(names) > 1 and len(runs) >= sweeps.FEWEST:
        yield "agreement", sweeps.agreement(entries, names, protocol)


def _label(trial: Trial) -> str:
    """What a run is called: "beta 4, seed 0"."""
    return sweeps.label_of(_entry(trial), trial.param or "method")


def _entry(trial: Trial, outcome: Outcome | None = None) -> sweeps.Entry:
    """A run as pictures and tables take it."""
    if outcome is None:
        return sweeps.Entry(trial.group, trial.seed, name=trial.name)
    scores = {name: score.value for name, score in outcome.scores.items()}
    failed = outcome.reason if outcome.status == "failed" else ""
    return sweeps.Entry(trial.group, trial.seed, scores, failed, outcome.seconds, trial.name)


def _panels(
    folder: SweepFolder, trials: Sequence[Trial], outcomes: Mapping[str, Outcome]
) -> list[tuple[sweeps.Panel, Drawn]]:
    """The traversal of the first finished seed of each value or method."""
    panels: dict[Any, tuple[sweeps.Panel, Drawn]] = {}
    for trial in trials:
        path = folder.run(trial).pictures / FILE
        outcome = outcomes.get(trial.name)
        if outcome is None or outcome.status == "failed" or trial.group in panels:
            continue
        drawn = Drawn.load(path) if path.exists() else Drawn()
        if drawn.traversal is None or drawn.kl is None:  # a method that does not decode
            continue
        images = _some(drawn.traversal.swapaxes(0, 1)).swapaxes(0, 1)
        panels[trial.group] = (
            sweeps.Panel(_label(trial), images, drawn.kl, drawn.information),
            drawn,
        )
    by_group = {trial.group: None for trial in trials}
    return [panels[group] for group in by_group if group in panels]


def _some(steps: np.ndarray) -> np.ndarray:
    """Of the steps of a traversal a few, the first and last among them."""
    places = np.linspace(0, len(steps) - 1, min(STEPS, len(steps)))
    return steps[np.rint(places).astype(int)]


def trained_by(sweep: Sweep) -> str:
    """How all runs were trained, in a sentence."""
    settings = sweep.settings
    size = f" at {settings['image_size']} pixels" if settings["image_size"] else ""
    who = sweep.methods[0] if sweep.param else "Each method by its class's own hyperparameters"
    others = "".join(f", {name} {value}" for name, value in settings["hyperparameters"].items())
    return (
        f"{who} on {settings['data']}{size}: {settings['steps']:,} steps of "
        f"{settings['batch_size']} images, learning rate {settings['learning_rate']:g}{others}."
    )


def _protocols(outcomes: Iterable[Outcome], names: Sequence[str] | None = None) -> list[str]:
    """How the scores were measured, a sentence for all those that were measured alike."""
    alike: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        for name, score in outcome.scores.items():
            if names is None or name in names:
                alike.setdefault(score.phrase(), {})[name] = None
    return [f"{', '.join(found)}: {phrase}." for phrase, found in alike.items()]


def _kept(sweep: Sweep, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Which runs could not be scored anew and why, a sentence for all those of one reason."""
    alike: dict[str, list[str]] = {}
    for trial in sweep.trials():
        outcome = outcomes.get(trial.name)
        if outcome and outcome.status == "finished" and outcome.metrics != sweep.metrics:
            alike.setdefault(outcome.reason, []).append(_label(trial))
    return [f"Former scores, {'; '.join(runs)}: {reason}" for reason, runs in alike.items()]


def say_where(sweep: Sweep, folder: SweepFolder, console: Console) -> None:
    """Prints where everything is, and what failed."""
    outcomes = folder.outcomes
    console.print(f"\n[bold]{escape(str(folder.path))}[/bold] holds the sweep:", highlight=False)
    drawn = sorted(folder.pictures.glob("*.png"))
    there = sum(folder.run(trial).exists for trial in sweep.trials())
    for name, what in {
        "table.html": "a row for each run, with the pictures",
        "table.csv": "the same for programs",
        "pictures": ", ".join(path.name for path in drawn) or "none: no run finished",
        "runs": f"{counted(there, 'run folder')}, for zoo evaluate, traverse, report and export",
    }.items():
        console.print(f"  {name:<11} {what}", highlight=False, markup=False, soft_wrap=True)
    for trial in sweep.trials():
        outcome = outcomes.get(trial.name)
        if outcome is not None and outcome.status == "failed":
            console.print(
                f"  failed: {_label(trial)}: {outcome.reason}", markup=False, soft_wrap=True
            )
    for words in _kept(sweep, outcomes):
        console.print(f"  {words}", highlight=False, markup=False, soft_wrap=True)
