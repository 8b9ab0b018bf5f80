"""Sweep folders: what is swept, what each run came to, and how a sweep is found again.

A sweep is one method over values of one of its numbers, or several methods, each with several
seeds.

SWEEP/sweep.json     methods, number, values, seeds, settings, versions: enough to repeat it
SWEEP/results.json   what each run came to: finished or failed, why, how long, its scores
SWEEP/runs/          a run folder for each, as `zoo train` makes them
SWEEP/table.csv      a row for each run; table.html the same as a page, with the pictures
SWEEP/report.html    what `zoo report` wrote of its runs
SWEEP/pictures/      scores, trade-off, traversals, agreement
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from zoo import checks, registry
from zoo.files import write_json
from zoo.messages import short, unknown
from zoo.metrics import scoring
from zoo.metrics.scoring import Score
from zoo.plans import Plan, PlanFolder
from zoo.runs import REPORT, Run, Settings

PLAN, RESULTS = "sweep.json", "results.json"
PICTURES = "pictures"
FILES = ("table.csv", "table.html", REPORT, RESULTS, PLAN)
DEFAULT_VALUES = 5  # where none are named, so many over the range of the search space

Number = int | float
Scale = Literal["linear", "log"]
Status = Literal["finished", "failed"]


@dataclasses.dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
        name: Of its folder: "beta-4-seed0", "factor_vae-seed0".
        method: What is trained.
        param: The number that is swept; None where methods are compared.
        value: Its value.
        settings: Of its training.
    """

    name: str
    method: str
    param: str | None
    value: Number | None
    settings: Settings

    @property
    def group(self) -> Number | str:
        """What it is one of several seeds of: the value, or the method."""
        return self.method if self.value is None else self.value

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return self.settings.seed


class Sweep(Plan):
    """What is swept. `Sweep.planned` makes one from what a user asks for.

    Attributes:
        methods: Names in the registry; several where they are compared.
        param: The argument of the one method that is varied, or None.
        values: Its values, rising; none where methods are compared.
        scale: Of the values: "linear" or "log".
        seeds: How many; they count from 0.
        metrics: What the finished runs are scored by; None is what `zoo evaluate` scores by.
        settings: Of every training, beside its method, its seed and the number that is swept.
    """

    methods: tuple[str, ...]
    param: str | None = None
    values: tuple[Number, ...] = ()
    scale: Scale = "linear"
    seeds: int
    metrics: tuple[str, ...] | None = None
    settings: dict[str, Any]

    @classmethod
    def planned(
        cls,
        methods: Sequence[str],
        param: str | None = None,
        values: Sequence[Any] | None = None,
        seeds: int = 3,
        metrics: Sequence[str] | None = None,
        layers: Sequence[Mapping[str, Any]] = (),
    ) -> Self:
        """A sweep of one method over `values` of `param`, or of several methods.

        One method is trained by its recipe. Several are compared at their paper's defaults: each
        by its class's own hyperparameters, all in the settings of the first one's recipe.

        Args:
            methods: Names of methods: one with `param`, two or more without.
            param: An argument of the method that is a number.
            values: Its values. Default: five over its range in the method's `search_space`.
            seeds: Runs of each value or method.
            metrics: Names of metrics. Default: those of `zoo evaluate`, which the data and the
                method allow. A sweep's settings may name them too: "metrics" is what finished
                runs are scored by there, not what is computed after each epoch.
            layers: Settings that override the recipe, then one another: see `Settings.merged`.

        Raises:
            ValueError: Anything that is unknown, twice there or no number, or settings that no
                training takes. Values that the method itself refuses are not seen here.
        """
        check_names(methods, param, values)
        checks.integer("seeds", seeds, low=1)
        if metrics is not None:
            scoring.chosen(metrics)
        recipe = registry.method(methods[0]).recipe
        if param is None:
            recipe = {**recipe, "hyperparameters": {}}
        for layer in layers:
            if "seed" in layer:
                raise ValueError(
                    f"Expected no seed among the settings of a sweep, whose seeds count from 0. "
                    f"Received: {layer['seed']!r}."
                )
        settings = Settings.merged(methods[0], recipe, *layers).model_dump()
        named, settings["metrics"] = settings["metrics"], None
        metrics = named if metrics is None else metrics
        scale: Scale = "linear"
        if param is not None:
            swept = [layer for layer in layers if param in (layer.get("hyperparameters") or {})]
            if swept:
                raise ValueError(
                    f"Expected {param} among the values of the sweep alone. Received it among the "
                    f"settings too: {swept[-1]['hyperparameters'][param]!r}."
                )
            settings["hyperparameters"].pop(param, None)
            values, scale = _values(methods[0], param, values)
        shared = {k: v for k, v in settings.items() if k not in ("method", "seed")}
        return cls(
            methods=tuple(methods),
            param=param,
            values=tuple(values or ()),
            scale=scale,
            seeds=seeds,
            metrics=None if metrics is None else tuple(metrics),
            settings=shared,
        )

    def trials(self) -> list[Trial]:
        """Every run, in the order in which they are trained: the first seed of all, then the next.

        So a sweep that is stopped early still shows every value.
        """
        groups: list[tuple[str, Number | None]] = [(name, None) for name in self.methods]
        if self.param is not None:
            groups = [(self.methods[0], value) for value in self.values]
        return [self._trial(*group, seed) for seed in range(self.seeds) for group in groups]

    def _trial(self, method: str, value: Number | None, seed: int) -> Trial:
        given = dict(self.settings)
        name = method
        if self.param is not None and value is not None:
            name = f"{self.param}-{short(value)}"
            given["hyperparameters"] = {**given["hyperparameters"], self.param: value}
        settings = Settings(**{**given, "method": method, "seed": seed})
        return Trial(f"{name}-seed{seed}", method, self.param, value, settings)

    def differs_from(self, old: Self) -> str | None:
        """What keeps this from going on with `old`, or None.

        A sweep may grow by methods, values and seeds, and be scored by other metrics: what was
        trained stays a part of it.
        """
        before, now = ({"param": sweep.param, **sweep.settings} for sweep in (old, self))
        for name in before:
            if before[name] != now[name]:
                return f"{name} {before[name]!r}, with which it began. Received: {now[name]!r}"
        for name, had, has in (
            ("methods", old.methods, self.methods),
            ("values", old.values, self.values),
            ("seeds", range(old.seeds), range(self.seeds)),
        ):
            lost = [item for item in had if item not in has]
            if lost:
                return f"{_listed(lost)} among its {name}, as before. Received: {_listed(has)}"
        return None


def _listed(items: Sequence[Any]) -> str:
    return ", ".join(map(str, items)) or "none"


def check_names(
    methods: Sequence[str], param: str | None = None, values: Sequence[Any] | None = None
) -> None:
    """Refuses what can be refused without importing a method: names, numbers, repetitions.

    Raises:
        ValueError: With what was expected and received.
    """
    for method in methods:
        if method not in registry.names():
            raise ValueError(unknown("method", method, registry.names()))
    _each_once("method", methods)
    if param is None and len(methods) == 1:
        raise ValueError(
            "Expected several methods to compare, or one and the number to vary (--param). "
            f"Received: {methods[0]} alone."
        )
    if param is not None and len(methods) != 1:
        raise ValueError(f"Expected one method to vary {param} of. Received: {_listed(methods)}.")
    if param is None and values:
        raise ValueError(f"Expected values of a named --param. Received: {_listed(values)}.")
    if values is not None and param is not None:
        for value in values:
            checks.number("each of the values", value)
        _each_once("value", values)


def _each_once(kind: str, items: Sequence[Any]) -> None:
    for i, item in enumerate(items):
        if item in items[:i]:
            raise ValueError(f"Expected each {kind} once. Received: {item} twice.")


def _values(
    method: str, param: str, values: Sequence[Number] | None
) -> tuple[tuple[Number, ...], Scale]:
    """The values of a sweep, rising, and their scale."""
    from zoo.training import arguments

    cls = registry.method(method)
    known = arguments(cls)
    if param not in known:
        raise ValueError(unknown(f"argument of {method}", param, known))
    default = known[param].default
    if isinstance(default, str | bool):
        raise ValueError(
            f"Expected param to be a number of {method}, e.g. {_listed([*cls.search_space])}. "
            f"Received: {param}, which is {default!r} by default."
        )
    space = cls.search_space.get(param)
    if values is None:
        if space is None:
            raise ValueError(
                f"Expected values for {param}, which has no range in the search space of {method}. "
                "Received: none."
            )
        values = default_values(*space, whole=isinstance(default, int))
    rising = tuple(sorted(values))
    if not rising:
        raise ValueError(f"Expected at least one value of {param}. Received: none.")
    wide = rising[0] > 0 and rising[-1] / rising[0] >= 10
    scale: Scale = "log" if (space[2] == "log" if space else wide) else "linear"
    return rising, scale


def default_values(low: float, high: float, scale: str, whole: bool = False) -> tuple[Number, ...]:
    """Five values from `low` to `high`, evenly spaced on the scale, to three digits.

    Example:
        >>> default_values(0.5, 32.0, "log")
        (0.5, 1.41, 4.0, 11.3, 32.0)
    """
    spaced = np.geomspace if scale == "log" else np.linspace
    found = [float(f"{value:.3g}") for value in spaced(low, high, DEFAULT_VALUES)]
    return tuple(dict.fromkeys(round(value) if whole else value for value in found))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        status: "finished" or "failed".
        reason: Why it failed; of a finished one why it could not be scored anew. In a line.
        seconds: What it took, scoring included; without what a process that was killed had spent.
        metrics: What was asked for when it was scored.
        scores: Name -> Score of the held-out images (of labelled data, those of
            `LabelledData.validation`): the loss, its terms, the metrics.
    """

    status: Status
    reason: str = ""
    seconds: float = 0.0
    metrics: tuple[str, ...] | None = None
    scores: Mapping[str, Score] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A dictionary for `json.dump`."""
        scores = {name: score.to_json() for name, score in self.scores.items()}
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields, "scores": scores}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The outcome that `to_json` wrote."""
        scores = {name: Score.from_json(score) for name, score in fields["scores"].items()}
        metrics = fields["metrics"]
        told = {**fields, "scores": scores, "metrics": metrics and tuple(metrics)}
        return cls(**told)


class SweepFolder(PlanFolder[Sweep]):
    """A sweep's folder.

    Args:
        path: The folder.
    """

    noun, file, kind = "sweep", PLAN, Sweep

    @property
    def sweep(self) -> Sweep:
        """What is swept."""
        return self.plan

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What the runs came to, by name; those that are still to be trained are not there.

        Raises:
            ValueError: results.json is damaged.
        """
        path = self.path / RESULTS
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text())
            return {name: Outcome.from_json(fields) for name, fields in found.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(
                f"{path} is damaged. Without it every run is looked at again; the finished ones "
                "are not trained again."
            ) from None

    @property
    def pictures(self) -> Path:
        """The folder of pictures."""
        return self.path / PICTURES

    def run(self, trial: Trial) -> Run:
        """The run folder of a trial."""
        return Run(self.path / "runs" / trial.name)

    def record(self, trial: Trial, outcome: Outcome) -> None:
        """Notes what a run came to."""
        outcomes = {**self.outcomes, trial.name: outcome}
        write_json(self.path / RESULTS, {name: o.to_json() for name, o in outcomes.items()})

    def check_records(self) -> None:
        """Refuses results.json if it is damaged."""
        _ = self.outcomes

    def clear(self) -> None:
        """Removes what a sweep left in the folder, and nothing else that may lie there."""
        runs = self.path / "runs"
        for folder in runs.glob("*"):
            run = Run(folder)
            if run.exists:
                run.clear()
                with contextlib.suppress(OSError):  # something else lies there
                    folder.rmdir()
        with contextlib.suppress(OSError):
            runs.rmdir()
        shutil.rmtree(self.pictures, ignore_errors=True)
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)
