"""The report of a study: one HTML page that needs nothing beside it.

What is best and how to train it, every trial, how far seeds differ, what the score hangs on, what
it costs, curves, what the best trial's latents change, and what failed and why. It is written when
a search ends, and by `zoo report STUDY` at any time. The same records give the same page.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from tuning import figures, pareto
from tuning.figures import Point, Scale
from tuning.importance import FEWEST, importance
from tuning.objectives import CANDIDATES, Objective
from tuning.study import Study, StudyFolder, Trial, alike
from zoo import __version__
from zoo.files import from_json_number, replacing
from zoo.messages import short
from zoo.metrics import scoring
from zoo.reporting import sheet
from zoo.reporting.drawn import FILE
from zoo.reporting.pages import LIMIT, Room, template
from zoo.reporting.plots import lines_of, number, overlay
from zoo.reporting.report import CHARTED, MARK, Shown, neighbours_of, traversal_of
from zoo.runs import REPORT, without_folders

UNKNOWN = "\N{EN DASH}"
ELSEWHERE = "Commands are to be run in the folder that holds the study."
MOST_SEEDS = 3  # of the best trial whose latents are shown
MOST_LINES = 60  # trials whose curves are drawn: the best of them


def write(folder: StudyFolder) -> Path:
    """Writes report.html in a study's folder, whole or not at all.

    Raises:
        ValueError: A record of the study, or a file of a run that is shown, is damaged.
    """
    path = folder.path / REPORT
    text = page(folder)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def page(folder: StudyFolder) -> str:
    """The page of a study, as far as it has come.

    Raises:
        ValueError: As `write`.
    """
    study, trials = folder.study, folder.trials
    aim, against = study.aim, study.against
    finished = [trial for trial in trials if trial.status == "finished"]
    best = None if alike(trials, aim) else folder.best
    weighed = pareto.comparable(trials, (aim, against))
    means = {one: {trial.mean(one.score) for trial in weighed} for one in (aim, against)}
    traded = all(len(values) > 1 for values in means.values())
    front = pareto.front_of(trials, (aim, against)) if traded else []
    knee = pareto.picked(trials, (aim, against), "knee") if front else None
    points = [_point(trial, aim, against, best) for trial in trials]
    room = Room(LIMIT - CHARTED)
    shown = [*_shown(folder, best, knee)]
    values = _varied(study, trials)
    text = template("study.html.j2").render(
        mark=Markup(MARK),
        version=__version__,
        limit=LIMIT // 2**20,
        title=f"{study.method} on {without_folders(study.settings['data'])}: {aim.name}",
        subtitle=_subtitle(study, trials),
        aim=_words(aim),
        aim_name=aim.name,
        against=_words(against),
        against_name=against.name,
        tiles=_tiles(study, trials, best),
        best=best,
        knee=knee,
        picks=_picks(folder, best, knee),
        elsewhere="" if _is_here(folder.path) else ELSEWHERE,
        names=[scale.name for scale in values],
        rows=[_row(trial, study, values, best, knee, front) for trial in _ranked(finished, aim)],
        none_best=alike(trials, aim),
        same_cost=bool(weighed) and len(means[against]) == 1,
        several=study.seeds > 1,
        protocols=_protocols(finished, (aim, against)),
        ranking=_picture(_ranking(points, aim), "ranking"),
        noise=_noise(finished, aim),
        knobs=[
            _picture(figures.over_knob(points, scale, aim.name), f"knob{i}")
            for i, scale in enumerate(values)
        ]
        if finished
        else [],
        importance=_importance(finished, values, aim),
        fewest=FEWEST,
        parallel=_picture(_parallel(points, values, aim, against), "parallel"),
        trade_off=_picture(
            figures.trade_off(
                [point for point in points if point.number in {t.number for t in weighed}],
                [trial.number for trial in front],
                knee.number if knee else None,
                aim.name,
                against.name,
            )
            if front
            else None,
            "front",
        ),
        curves=[*_curves(folder, finished, best)],
        most_lines=MOST_LINES,
        moving=[found for run in shown if (found := traversal_of(run, room)) is not None],
        neighbours=[
            {"run": run, **found}
            for run in shown
            if run.drawn is not None
            and run.drawn.traversal is None
            and (found := neighbours_of(run, room)) is not None
        ],
        failed=[
            {"name": trial.number, "values": _cells(trial, values), "reason": trial.reason}
            for trial in trials
            if trial.status == "failed"
        ],
        settings=_settings(study),
        versions=folder.versions,
    )
    return text + "\n"


def _words(aim: Objective) -> str:
    better = "higher" if aim.direction == "max" else "lower"
    return f"{aim.name}, {better} is better"


def _subtitle(study: Study, trials: Sequence[Trial]) -> str:
    settings = study.settings
    parts = [
        study.grid_in_words if study.tuner == "grid" else f"{study.tuner} search",
        f"{len(trials)} of at most {study.most} trials",
        f"{study.seeds} seeds each" if study.seeds > 1 else "1 seed each",
        f"{settings['steps']:,} steps",
        f"{settings['batch_size']} images a step",
    ]
    return " · ".join(parts)


def _tiles(study: Study, trials: Sequence[Trial], best: Trial | None) -> list[tuple[str, str]]:
    """What stands large at the head: number, and what it is of."""
    failed = sum(trial.status == "failed" for trial in trials)
    counts = [(str(len(trials)), "trials"), *([(str(failed), "failed")] if failed else [])]
    if best is None:
        return counts
    values = [(short(value), name) for name, value in best.values.items()]
    return [(_number(best.mean(study.aim.score)), f"best {study.aim.name}"), *values, *counts]


def _number(value: float) -> str:
    return UNKNOWN if math.isnan(value) else number(value, score=abs(value) < 1)


def _protocols(finished: Sequence[Trial], aims: Sequence[Objective]) -> list[str]:
    """How the scores were measured, a sentence for all those that were measured alike."""
    names: dict[str, dict[str, None]] = {}
    for aim in aims:
        for scores in (one for trial in finished for one in trial.scores):
            phrase = scores[aim.score].phrase() if aim.score in scores else ""
            if phrase:
                names.setdefault(phrase, {})[aim.name] = None
    return [f"{', '.join(found)}: {phrase}." for phrase, found in names.items()]


def _ranked(trials: Sequence[Trial], aim: Objective) -> list[Trial]:
    """The longest trials first, the best of them first."""
    sign = -1 if aim.direction == "max" else 1
    return sorted(trials, key=lambda trial: (-trial.epochs, sign * trial.mean(aim.score)))


def _cells(trial: Trial, scales: Sequence[Scale]) -> list[str]:
    told = {**trial.values, "epochs": trial.epochs}
    return [short(told[scale.name]) for scale in scales]


def _row(
    trial: Trial,
    study: Study,
    scales: Sequence[Scale],
    best: Trial | None,
    knee: Trial | None,
    front: Sequence[Trial],
) -> dict[str, Any]:
    """A finished trial, as the table has it."""
    aim, against = study.aim, study.against
    low, high = trial.spread(aim.score)
    marks = [word for word, one in (("best", best), ("knee", knee)) if one and one == trial]
    marks += ["front"] if trial in front and not marks else []
    return {
        "number": trial.number,
        "values": _cells(trial, scales),
        "mean": _number(trial.mean(aim.score)),
        "range": f"{_number(low)} to {_number(high)}" if low < high else "",
        "against": _number(_of_the_other_aim(trial, against)),
        "seconds": UNKNOWN if trial.seconds is None else f"{trial.seconds:,.0f}",
        "marks": marks,
    }


def _picks(
    folder: StudyFolder, best: Trial | None, knee: Trial | None
) -> list[tuple[str, Trial, str]]:
    """Which trials to train on with, and by which command."""
    found = [("best", best)] if best else []
    found += [("knee", knee)] if knee and knee != best else []
    path = shlex.quote(str(_from_here(folder.path)))
    return [(pick, t, f"zoo train --from-study {path} --pick {pick}") for pick, t in found]


def _from_here(path: Path) -> Path:
    """A folder as commands name it where the page is written; its name alone if it is elsewhere."""
    whole = path.resolve()
    return whole.relative_to(Path.cwd()) if _is_here(path) else Path(whole.name)


def _is_here(path: Path) -> bool:
    return path.resolve().is_relative_to(Path.cwd())


def _point(trial: Trial, aim: Objective, against: Objective, best: Trial | None) -> Point:
    finished = trial.status == "finished"
    other = _of_the_other_aim(trial, against) if finished else math.nan
    return Point(
        trial.number,
        {**trial.values, "epochs": trial.epochs},
        tuple(trial.values_of(aim.score)) if finished else (),
        {} if math.isnan(other) else {against.name: other},
        best == trial,
    )


def _of_the_other_aim(trial: Trial, against: Objective) -> float:
    """What the objective is weighed against; NaN where the trial does not know it."""
    return trial.mean(against.score) if against.score in trial.known else math.nan


def _varied(study: Study, trials: Sequence[Trial]) -> list[Scale]:
    """What is varied, and the length of the trials where that differs, as Hyperband has it."""
    scales = [Scale(k.name, k.low, k.high, k.scale == "log") for k in study.space]
    lengths = {trial.epochs for trial in trials}
    if len(lengths) > 1:
        scales.append(Scale("epochs", min(lengths), max(lengths), log=True))
    return scales


def _parallel(
    points: Sequence[Point], scales: Sequence[Scale], aim: Objective, against: Objective
) -> Figure | None:
    columns = {
        aim.name: [point.mean for point in points if point.scores],
        against.name: [p.others[against.name] for p in points if against.name in p.others],
    }
    directions = {one.name: one.direction for one in (aim, against)}
    scored = [
        Scale(name, min(column), max(column), direction=directions[name])
        for name, column in columns.items()
        if column and min(column) < max(column)
    ]
    if not scored or scored[0].name != aim.name:
        return None
    return figures.parallel(points, scales, scored)


def _ranking(points: Sequence[Point], aim: Objective) -> Figure | None:
    finished = [point for point in points if point.scores]
    return figures.ranking(finished, aim.name, aim.direction) if finished else None


def _noise(finished: Sequence[Trial], aim: Objective) -> dict[str, Any] | None:
    """How far seeds of one setting differ, and how far settings do: standard deviations."""
    several = [trial.values_of(aim.score) for trial in finished]
    several = [values for values in several if len(values) > 1]
    if len(several) < 2:
        return None
    seeds = float(np.sqrt(np.mean([np.var(values, ddof=1) for values in several])))
    settings = float(np.std([np.mean(values) for values in several], ddof=1))
    told = {"seeds": _number(seeds), "settings": _number(settings)}
    return {**told, "drowned": settings <= seeds}


def _importance(
    finished: Sequence[Trial], scales: Sequence[Scale], aim: Objective
) -> dict[str, Any] | None:
    """What the objective hangs on, as far as the trials tell; None of too few."""
    scores = [trial.mean(aim.score) for trial in finished]
    if len(finished) < FEWEST or min(scores) == max(scores):
        return None
    told = [{**trial.values, "epochs": trial.epochs} for trial in finished]
    found = importance([[one[scale.name] for scale in scales] for one in told], scores)
    whole = max(float(found.means.max()), 1e-9)
    rows = [
        {
            "name": scale.name,
            "width": f"{100 * max(mean, 0) / whole:.1f}",
            "text": f"{mean:.2f} ± {deviation:.2f}".replace("-", sheet.MINUS),
        }
        for scale, mean, deviation in zip(
            scales, found.means.tolist(), found.deviations.tolist(), strict=True
        )
    ]
    rows.sort(key=lambda row: -float(row["width"]))
    return {
        "rows": rows,
        "trials": len(finished),
        "explained": f"{100 * found.explained:.0f} %".replace("-", sheet.MINUS),
        "believed": found.explained > 0,
    }


def _curves(
    folder: StudyFolder, finished: Sequence[Trial], best: Trial | None
) -> Iterator[dict[str, Any]]:
    """A chart for each quantity: a line a trial, the mean of its seeds; the best is orange."""
    study = folder.study
    pace = study.settings["steps"] // study.settings["epochs"]
    drawn: dict[str, list[tuple[Trial, Any]]] = {}
    for trial in _ranked(finished, study.aim)[:MOST_LINES][::-1]:
        style = {"color": sheet.VERMILLION if trial == best else sheet.PALE}
        history = _history(folder, trial)
        for name, line in (lines_of(history, pace, **style) if history else {}).items():
            drawn.setdefault(name, []).append((trial, line))
    names = sorted(drawn, key=lambda name: name not in (study.aim.score, "loss"))
    scored = {*scoring.scores(), *CANDIDATES}
    for place, name in enumerate(names):
        lines = [line for _, line in drawn[name]]
        score = name in scored
        of_best = next((line.last(score) for trial, line in drawn[name] if trial == best), "")
        yield {
            "name": name,
            "last": of_best,
            "picture": Markup(sheet.to_svg(overlay(lines, score), f"curve{place}")),
            "says": f"{name} over steps, {len(lines)} trials"
            + (f"; the best ends at {of_best}" if of_best else ""),
        }


def _history(folder: StudyFolder, trial: Trial) -> Mapping[str, list[float]]:
    """Name -> the mean of the seeds after each epoch; nothing where a run keeps none."""
    tables = []
    for seed in range(folder.study.seeds):
        run = folder.run(trial.number, seed)
        if not (run.path / "history.json").exists():
            return {}
        table = run.read("history")
        tables.append({k: [from_json_number(v) for v in values] for k, values in table.items()})
    shared = [name for name in tables[0] if all(name in table for table in tables)]
    return {name: np.mean([table[name] for table in tables], axis=0).tolist() for name in shared}


def _shown(folder: StudyFolder, best: Trial | None, knee: Trial | None) -> Iterator[Shown]:
    """The runs whose pictures are shown: of the best trial some seeds, of the knee the first."""
    wanted = [(best, seed) for seed in range(min(folder.study.seeds, MOST_SEEDS))] if best else []
    wanted += [(knee, 0)] if knee and knee != best else []
    for place, (trial, seed) in enumerate(wanted):
        run = folder.run(trial.number, seed)
        if (run.pictures / FILE).exists():
            word = "best" if trial == best else "knee"
            yield Shown.read(run, f"{word}: trial {trial.number}, seed {seed}", place)


def _settings(study: Study) -> list[tuple[str, str]]:
    """What all trainings share, and what was searched."""
    space = [f"{k.name} from {short(k.low)} to {short(k.high)}, {k.scale}" for k in study.space]
    told = {
        "varied": "; ".join(space),
        "objective": study.objective,
        "tuner": study.tuner,
        "max_trials": study.max_trials,
        "seeds": study.seeds,
        "search_seed": study.seed,
        **study.settings["hyperparameters"],
        **{name: value for name, value in study.settings.items() if name != "hyperparameters"},
    }
    for knob in study.space:
        told.pop(knob.name, None)
    for name in ("data", "candidates", "encoder"):
        told[name] = without_folders(told[name])
    return [(name, _value(value)) for name, value in told.items() if value is not None]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _picture(figure: Figure | None, name: str) -> dict[str, Any] | None:
    """A figure to stand within the page, and its width."""
    if figure is None:
        return None
    return {"picture": Markup(sheet.to_svg(figure, name)), "width": int(figure.bbox.width)}
