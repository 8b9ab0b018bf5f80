"""The report: one HTML page of a run, or of several side by side, that needs nothing beside it.

Charts, images and styles stand within the page, no script and no address does, and a policy in
its head forbids the browser to fetch anything. What users named (folders, data, hyperparameters)
is escaped by the template. The same runs give the same page, byte for byte.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from zoo import __version__
from zoo.files import from_json_number
from zoo.messages import formatted
from zoo.metrics.scoring import Score
from zoo.reporting import checks, sheet
from zoo.reporting.cosines import similarities
from zoo.reporting.drawn import FILE, Drawn
from zoo.reporting.embeddings import Plane, plotted
from zoo.reporting.figures import agreement, captions, ink_on_color
from zoo.reporting.latents import (
    NO_FACTOR,
    Latent,
    left_out,
    ordered,
    percent,
    telling,
    values_text,
)
from zoo.reporting.matrices import (
    NUMBERED,
    ROWS,
    class_similarities,
    confusion_matrix,
    most_alike,
    shares_of,
    verdict,
)
from zoo.reporting.pages import LIMIT, Room, share_cell, shown_at, strip, template
from zoo.reporting.plots import Line, lines_of, number, overlay
from zoo.reporting.resolved import resolved_labels
from zoo.reporting.subspaces import WHOLE, above_chance, subspace_neighbours, swaps
from zoo.runs import Run, Settings, without_folders

MARK = '<meta name="generator" content="zoo report">'  # how a report is told from other pages
CHARTED = 4 * 2**20  # of them at least for all but the images

# Strokes that tell runs apart: six colours (yellow is too pale), then the same in dashes.
COLOURS = sheet.COLOURS[:6]
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.6), (1, 1.4), (5, 1.4, 1, 1.4))

# A cell of a table of which nothing is known.
UNKNOWN = {"text": "\N{EN DASH}", "paper": "transparent", "ink": "inherit", "best": False}

# Scores are better the higher, terms of a loss cannot be ranked; these are the exceptions.
LOWER_IS_BETTER = (
    "reconstruction",
    "gaussian_total_correlation",
    "subspace_information",
    "subspace_probe_leak",
)
UNRANKED = ("active_units", "max_confidence")


class Confusion(NamedTuple):
    """What a run's confusion.json holds."""

    class_names: list[str]
    matrix: np.ndarray
    protocol: dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Shown:
    """A run as the page shows it.

    Attributes:
        run: Its folder.
        name: The folder's name, with as many of the folders above it as tell it from the others.
        color: Of its lines and of the mark beside its name.
        dashes: Of its lines; solid without.
        config: What config.json holds.
        settings: What it was told.
        history: Name -> the value after each epoch.
        scores: The scores it ended with.
        evaluation: What `zoo evaluate` found since.
        drawn: What its pictures show; None where it has none.
        confusion: What a linear probe took for what; None where none was asked.
    """

    run: Run
    name: str
    color: str
    dashes: tuple[float, ...]
    config: Mapping[str, Any]
    settings: Settings
    history: Mapping[str, list[float]]
    scores: tuple[Score, ...]
    evaluation: tuple[Score, ...]
    drawn: Drawn | None
    confusion: Confusion | None

    @classmethod
    def read(cls, run: Run, name: str, place: int) -> Shown:
        """Reads a run; `place`, counted from 0, gives it its stroke."""
        try:
            drawn = Drawn.load(run.pictures / FILE)
        except FileNotFoundError:
            drawn = None
        return cls(
            run,
            name,
            COLOURS[place % len(COLOURS)],
            DASHES[place // len(COLOURS) % len(DASHES)],
            run.config,
            run.settings,
            _history(run),
            _scores(run, "scores"),
            _scores(run, "evaluation") if (run.path / "evaluation.json").exists() else (),
            drawn,
            _confusion_of(run) if (run.path / "confusion.json").exists() else None,
        )

    @property
    def swatch(self) -> str:
        """The run's stroke, as it is in the charts, to stand beside its name."""
        dashes = f' stroke-dasharray="{" ".join(f"{3 * d:g}" for d in self.dashes)}"'
        return Markup(
            '<svg class="swatch" width="28" height="10" aria-hidden="true"><path d="M1 5h26" '
            f'stroke="{self.color}" stroke-width="3"{dashes if self.dashes else ""}/></svg>'
        )

    @property
    def lines(self) -> dict[str, Line]:
        """Name -> what the page's chart of this name shows of the run."""
        style: dict[str, Any] = {"color": self.color, "dashes": self.dashes}
        return lines_of(self.history, pace=self.settings.steps_per_epoch, **style)

    @property
    def terms(self) -> set[str]:
        """The loss and its terms: all that was logged and is no score."""
        return set(self.history) - {score.name for score in self.scores}

    @property
    def told(self) -> dict[str, Any]:
        """Setting or argument of the method -> its value."""
        settings = self.settings.model_dump(exclude={"hyperparameters"})
        arguments = self.config.get("arguments", self.settings.hyperparameters)
        return {
            **settings,
            "data": without_folders(settings["data"]),
            "candidates": without_folders(settings["candidates"]),
            "encoder": without_folders(settings["encoder"]),
            "images": self.config.get("images"),
            **arguments,
        }

    @property
    def command(self) -> str:
        """What repeats the run: local data and the run's folder by their names alone."""
        settings = self.settings.model_copy(
            update={
                "data": without_folders(self.settings.data),
                "candidates": without_folders(self.settings.candidates),
                "encoder": without_folders(self.settings.encoder),
            },
        )
        return f"{settings.command} --out {shlex.quote(self.run.path.resolve().name)}"


def report(runs: Sequence[Run], left_out: Sequence[str] = ()) -> str:
    """The page.

    Args:
        runs: Finished runs, in the order in which they are shown.
        left_out: What to say of runs that were found and are not shown.

    Returns:
        HTML.

    Raises:
        ValueError: No runs, or one whose files are damaged.
        FileNotFoundError: A file is absent that every finished run has.

    Example:
        >>> report([Run.open("runs/beta_vae-dsprites-seed0")])  # doctest: +SKIP
    """
    if not runs:
        raise ValueError("Expected at least one run to report on. Received: none.")
    shown = [
        Shown.read(run, name, place)
        for place, (run, name) in enumerate(zip(runs, _names(runs), strict=True))
    ]
    room = Room(LIMIT - CHARTED)
    page = template("report.html.j2").render(
        runs=shown,
        left_out=left_out,
        title=_title(shown),
        subtitle=_subtitle(shown),
        mark=Markup(MARK),
        version=__version__,
        limit=LIMIT // 2**20,
        rows=ROWS,
        charts=_charts(shown),
        scores=_score_rows(shown, "scores"),
        evaluation=_score_rows(shown, "evaluation"),
        reconstructions=_reconstructions(shown, room),
        traversals=[traversal_of(run, room) for run in shown],
        information=[_information(run) for run in shown],
        views=_of_each(shown, lambda run, _: _views(run, room)),
        codes=_of_each(shown, lambda run, place: _codes(run, place, room)),
        neighbours=_of_each(shown, lambda run, _: neighbours_of(run, room)),
        similarities=_of_each(shown, _similarities),
        confusions=_of_each(shown, _confusion),
        correlations=_of_each(shown, lambda run, _: _correlation(run, room)),
        classes=_of_each(shown, _classes),
        labels=_of_each(shown, lambda run, place: _labels(run, place, room)),
        subspaces=_of_each(shown, lambda run, _: _subspaces(run)),
        apart=_of_each(shown, lambda run, place: _apart(run, place, room)),
        swapped=_of_each(shown, lambda run, place: _swapped(run, place, room)),
        differing=_compared([run.told for run in shown], differing=True),
        settings=_compared([run.told for run in shown]),
        environment=_compared(
            [{"seed": run.settings.seed, **run.config.get("versions", {})} for run in shown]
        ),
    )
    return page + "\n"


def is_report(path: Path) -> bool:
    """Whether a file is a report, which another may replace."""
    try:
        with open(path, "rb") as file:
            return MARK.encode() in file.read(4096)
    except OSError:
        return False


# What a run's files hold


def _table(run: Run, name: str) -> dict[str, Any]:
    table = run.read(name)
    if not isinstance(table, dict):
        raise ValueError(f"{run.path / name}.json is not the {name}.json of a run.")
    return table


def _history(run: Run) -> dict[str, list[float]]:
    table = _table(run, "history")
    try:
        return {k: [from_json_number(value) for value in values] for k, values in table.items()}
    except (TypeError, ValueError):
        raise ValueError(f"{run.path / 'history'}.json is not the history.json of a run.") from None


def _scores(run: Run, name: str) -> tuple[Score, ...]:
    table = _table(run, name)
    try:
        return tuple(Score.from_json(score) for score in table.values())
    except ValueError:
        raise ValueError(f"{run.path / name}.json is not the {name}.json of a run.") from None


def _confusion_of(run: Run) -> Confusion:
    table = _table(run, "confusion")
    try:
        matrix = checks.counts("matrix", table["matrix"])
        names = checks.names("class_names", table["class_names"], len(matrix), "row")
        return Confusion(names, matrix, dict(table["protocol"]))
    except (KeyError, TypeError, ValueError):
        path = run.path / "confusion"
        raise ValueError(f"{path}.json is not the confusion.json of a run.") from None


def _names(runs: Sequence[Run]) -> list[str]:
    """The shortest ends of the runs' paths that are all different, of equally many folders."""
    paths = [run.path.resolve().parts for run in runs]
    for depth in range(1, max(map(len, paths))):
        names = ["/".join(parts[-depth:]) for parts in paths]
        if len(set(names)) == len(names):
            break
    return names


# Words


def _title(shown: Sequence[Shown]) -> str:
    if len(shown) == 1:
        return shown[0].name
    methods = {run.settings.method for run in shown}
    what = f"{len(shown)} runs of {methods.pop()}" if len(methods) == 1 else f"{len(shown)} runs"
    data = {without_folders(run.settings.data) for run in shown}
    return f"{what} on {data.pop()}" if len(data) == 1 else what


def _subtitle(shown: Sequence[Shown]) -> str:
    """What all of them share of method, data, length and seed."""

    def shared(name: str, phrase: str) -> list[str]:
        values = {json.dumps(run.told[name]) for run in shown}
        value = shown[0].told[name]
        value = f"{value:,}" if isinstance(value, int) else value
        return [phrase.format(value)] if len(values) == 1 and value is not None else []

    parts = [
        *(shared("method", "{}") + shared("data", "{}") if len(shown) == 1 else []),
        *shared("images", "{} images"),
        *shared("steps", "{} steps"),
        *shared("batch_size", "{} images a step"),
        *shared("seed", "seed {}"),
    ]
    return " · ".join(parts)


def _value(value: Any) -> str:
    """A setting as people write it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


# Curves


def _charts(shown: Sequence[Shown]) -> dict[str, list[dict[str, Any]]]:
    """Heading -> its charts: the loss, its terms, the scores; each with the runs that have it."""
    lines = [run.lines for run in shown]
    terms = {name for run in shown for name in run.terms}
    names = list(dict.fromkeys(name for table in lines for name in table))
    names.sort(key=lambda name: name != "loss")
    charts: dict[str, list[dict[str, Any]]] = {"Loss and its terms": [], "Scores": []}
    for place, name in enumerate(names):
        drawn = [
            (run, table[name]) for run, table in zip(shown, lines, strict=True) if name in table
        ]
        score = name not in terms
        last = [(run, line.last(score)) for run, line in drawn]
        figure = overlay([line for _, line in drawn], score=score)
        charts["Scores" if score else "Loss and its terms"].append(
            {
                "name": name,
                "last": last,
                "picture": Markup(sheet.to_svg(figure, f"chart{place}")),
                "says": f"{name} over steps. Last: "
                + "; ".join(f"{run.name} {value}" for run, value in last),
            }
        )
    return {heading: drawn for heading, drawn in charts.items() if drawn}


# Scores


def _score_rows(shown: Sequence[Shown], kind: str) -> list[dict[str, Any]]:
    """A row for each score and protocol: values in one row can be compared.

    Runs of different seeds score different draws of the same data, so the seed may differ.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for place, run in enumerate(shown):
        for score in getattr(run, kind):
            rest = {name: value for name, value in score.protocol.items() if name != "seed"}
            row = rows.setdefault(
                (score.name, json.dumps(rest, sort_keys=True)),
                {"name": score.name, "rest": rest, "seeds": [], "runs": {}, "flagged": False},
            )
            row["runs"][place] = score.value
            if "seed" in score.protocol and score.protocol["seed"] not in row["seeds"]:
                row["seeds"].append(score.protocol["seed"])
    listed = sorted(rows.values(), key=lambda row: _first(row["name"], shown, kind))
    for _, same in itertools.groupby(listed, key=lambda row: row["name"]):
        group = list(same)
        for row in group:
            row["flagged"] = len(group) > 1
            row["protocol"] = _protocol(row)
            row["cells"] = _cells(row, shown)
    return listed


def _first(name: str, shown: Sequence[Shown], kind: str) -> int:
    """Where a score stands among all of their names, in the order in which runs list them."""
    names = dict.fromkeys(score.name for run in shown for score in getattr(run, kind))
    return list(names).index(name)


def _protocol(row: Mapping[str, Any]) -> str:
    shown = {k: without_folders(v) if k == "data" else v for k, v in row["rest"].items()}
    words = Score("", 0.0, shown).phrase()
    seeds = ", ".join(map(str, row["seeds"]))
    seed = f"seed{'s' if len(row['seeds']) > 1 else ''} {seeds}" if seeds else ""
    return ", ".join(part for part in (words, seed) if part)


def _cells(row: Mapping[str, Any], shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """One cell a run: its value in words, and whether it is the row's best."""
    best = _best(row, shown)
    term = any(row["name"] in shown[place].terms for place in row["runs"])
    cells = []
    for place in range(len(shown)):
        value = row["runs"].get(place, math.nan)
        text = number(value) if term and not math.isnan(value) else formatted(value, ".4f")
        cells.append({"text": text.replace("-", sheet.MINUS), "best": value == best})
    return cells


def _best(row: Mapping[str, Any], shown: Sequence[Shown]) -> float | None:
    """The best value of a row, where there are several and there is a better."""
    values = [value for value in row["runs"].values() if math.isfinite(value)]
    runs = [shown[place] for place in row["runs"]]
    lower = row["name"] in LOWER_IS_BETTER
    if len(values) < 2 or row["name"] in UNRANKED:
        return None
    if any(row["name"] in run.terms for run in runs):
        # A sum over pixels, under a likelihood: of equal ones only.
        scales = {json.dumps([run.config["data"], run.told.get("reconstruction")]) for run in runs}
        if not lower or len(scales) > 1:
            return None
    return min(values) if lower else max(values)


# Pictures


def _of_each(
    shown: Sequence[Shown], picture: Callable[[Shown, int], dict[str, Any] | None]
) -> list[dict[str, Any]]:
    """A picture of each run that has it, by its place among the runs."""
    pictures = ((run, picture(run, place)) for place, run in enumerate(shown))
    return [{"run": run, **found} for run, found in pictures if found is not None]


def _reconstructions(shown: Sequence[Shown], room: Room) -> list[dict[str, Any]]:
    """Originals, and below them what each of the runs that saw them makes of them."""
    groups: dict[bytes, dict[str, Any]] = {}
    for run in shown:
        drawn = run.drawn
        if drawn is None or drawn.originals is None or drawn.reconstructions is None:
            continue
        key = repr(drawn.originals.shape).encode() + drawn.originals.tobytes()
        if key not in groups:
            count, height, width, _ = drawn.originals.shape
            groups[key] = {
                "count": count,
                "width": count * shown_at(width, height)[0],
                "originals": room.take([strip(drawn.originals)]),
                "rows": [],
            }
        pictures = room.take([strip(drawn.reconstructions)])
        groups[key]["rows"].append({"run": run, "pictures": pictures})
    return list(groups.values())


def traversal_of(run: Shown, room: Room) -> dict[str, Any] | None:
    """What each latent of a run changes: a strip of images, and words, for each of them."""
    drawn = run.drawn
    if drawn is None or drawn.traversal is None or drawn.values is None:
        return None
    rows, steps, height, width, _ = drawn.traversal.shape
    factors = None if drawn.factors is None else drawn.factors.tolist()
    latents = ordered(rows, drawn.kl, factors, drawn.information)
    pictures = room.take(strip(drawn.traversal[latent.row]) for latent in latents)
    side = shown_at(width, height)
    values = values_text(drawn.values)
    return {
        "run": run,
        "width": side[0],
        "height": side[1],
        "steps": steps,
        "ends": (values[0], values[-1]),
        "tiles": [
            {"latent": latent, "carries": _carries(latent), "picture": picture}
            for latent, picture in zip(latents, pictures or [], strict=bool(pictures))
        ],
    }


def _carries(latent: Latent) -> str:
    """What a latent holds, in words: "x-position 62 %", "unused", "no factor", or nothing known."""
    if latent.unused or not latent.factor:
        return "unused" if latent.unused else ""
    held = f"{latent.factor} {percent(latent.share)}"
    return held if latent.share >= NO_FACTOR else "no factor"


def _information(run: Shown) -> dict[str, Any] | None:
    """The code x factor table of a run, each cell with the colours of its share."""
    drawn = run.drawn
    if drawn is None or drawn.information is None or drawn.factors is None:
        return None
    best = np.nan_to_num(drawn.information, nan=-1).argmax(axis=0)
    return {
        "run": run,
        "factors": drawn.factors.tolist(),
        "rows": [
            (
                f"z{latent}",
                [
                    _cell(value, bool(best[f] == latent))
                    for f, value in enumerate(drawn.information[latent].tolist())
                ],
            )
            for latent in telling(drawn.information).tolist()
        ],
        "protocol": drawn.protocol + left_out(drawn.information),
    }


def _cell(share: float, largest: bool) -> dict[str, Any]:
    if math.isnan(share):
        return UNKNOWN
    return share_cell(share, share, largest and share > NO_FACTOR)


def _views(run: Shown, room: Room) -> dict[str, Any] | None:
    """Images of a run, and the two views of each, as strips."""
    if run.drawn is None or run.drawn.views is None:
        return None
    _, count, height, width, _ = run.drawn.views.shape
    return {
        "preset": run.drawn.preset,
        "count": count,
        "width": count * shown_at(width, height)[0],
        "pictures": room.take(strip(images) for images in run.drawn.views),
    }


def _codes(run: Shown, place: int, room: Room) -> dict[str, Any] | None:
    """The codes of a run in a plane, coloured by what is known of their images."""
    drawn = run.drawn
    if drawn is None or drawn.points is None:
        return None
    names = None if drawn.names is None else drawn.names.tolist()
    figure = plotted(Plane(drawn.points, drawn.explained), drawn.labels, names, title="")
    return {"sampled": drawn.sampled, **_svg(figure, f"codes{place}", room)}


def neighbours_of(run: Shown, room: Room) -> dict[str, Any] | None:
    """Images of a run, each with those whose codes are nearest, and what is said of them."""
    drawn = run.drawn
    if drawn is None or drawn.neighbours is None or drawn.cosines is None:
        return None
    _, count, height, width, channels = drawn.neighbours.shape
    names = None if drawn.names is None else drawn.names.tolist()
    words, wrong = captions(drawn.cosines, drawn.classes, names)
    pictures = room.take(drawn.neighbours.reshape(-1, height, width, channels))
    cells = [
        {"picture": picture, "text": text, "wrong": bool(other), "query": not place % count}
        for place, (picture, text, other) in enumerate(
            zip(pictures or [], itertools.chain(*words), wrong.ravel(), strict=bool(pictures))
        )
    ]
    return {
        "sampled": drawn.sampled,
        "agreement": "" if drawn.classes is None else agreement(wrong),
        "columns": count - 1,
        "rows": [cells[start : start + count] for start in range(0, len(cells), count)],
    }


def _similarities(run: Shown, place: int) -> dict[str, Any] | None:
    """Histograms of the cosines of a run's views."""
    drawn = run.drawn
    if drawn is None or drawn.positive is None or drawn.negative is None:
        return None
    negatives = drawn.negatives or "views of different images"  # of runs that do not say it
    figure = similarities(drawn.positive, drawn.negative, negatives, title="")
    middles = {"two views of one image": drawn.positive, negatives: drawn.negative}
    says = ", of ".join(f"{name} {np.median(values):.2f}" for name, values in middles.items())
    return {
        "compared": drawn.compared,
        "picture": Markup(sheet.to_svg(figure, f"similarities{place}")),
        "says": f"Median cosine of {says}".replace("-", sheet.MINUS),
    }


def _confusion(run: Shown, place: int) -> dict[str, Any] | None:
    """What a linear probe took for what, from a run's codes."""
    if run.confusion is None:
        return None
    names, matrix, protocol = run.confusion
    how = _protocol({"rest": protocol, "seeds": []})
    found: dict[str, Any] = {"words": verdict(matrix, names), "protocol": how, "table": []}
    if len(names) > NUMBERED:  # too many to write on
        figure = confusion_matrix(matrix, names, title="")
        return {**found, "picture": Markup(sheet.to_svg(figure, f"confusion{place}"))}
    table = [
        (name, [_cell(share, row == column) for column, share in enumerate(line)])
        for row, (name, line) in enumerate(zip(names, shares_of(matrix).tolist(), strict=True))
    ]
    return {**found, "classes": names, "table": table}


def _correlation(run: Shown, room: Room) -> dict[str, Any] | None:
    """A run's correlations as an image, blue above 0 and orange below."""
    drawn = run.drawn
    if drawn is None or drawn.correlation is None:
        return None
    colors = sheet.DIVERGING((np.nan_to_num(drawn.correlation) + 1) / 2)[..., :3]
    side = len(colors)
    return {
        "words": drawn.correlated,
        "compared": drawn.compared,
        "side": side * max(1, round(420 / side)),
        "pictures": room.take([np.rint(255 * colors).astype(np.uint8)]),
    }


def _classes(run: Shown, place: int) -> dict[str, Any] | None:
    """How alike a run's method takes its classes to be."""
    drawn = run.drawn
    if drawn is None or drawn.class_similarity is None:
        return None
    matrix = drawn.class_similarity
    names = _class_names(drawn, len(matrix))
    found: dict[str, Any] = {"words": most_alike(matrix, names), "table": []}
    if len(names) > NUMBERED:  # too many to write on
        figure = class_similarities(matrix, names, title="")
        return {**found, "picture": Markup(sheet.to_svg(figure, f"classes{place}"))}
    table = [
        (name, [_cosine(value, row == column) for column, value in enumerate(line)])
        for row, (name, line) in enumerate(zip(names, matrix.tolist(), strict=True))
    ]
    return {**found, "classes": names, "table": table}


def _cosine(value: float, same: bool) -> dict[str, Any]:
    if math.isnan(value):
        return UNKNOWN
    color = sheet.DIVERGING((value + 1) / 2)
    return {
        "text": f"{value:.2f}".replace("-", sheet.MINUS),
        "paper": to_hex(color),
        "ink": ink_on_color(color),
        "best": same,
    }


def _labels(run: Shown, place: int, room: Room) -> dict[str, Any] | None:
    """Images of a run with their candidate labels."""
    drawn = run.drawn
    if drawn is None or drawn.ambiguous is None or drawn.confidence is None:
        return None
    names = _class_names(drawn, drawn.confidence.shape[1])
    figure = resolved_labels(
        drawn.ambiguous, drawn.candidates, drawn.confidence, names, drawn.truth, title=""
    )
    return {"words": drawn.resolved, **_svg(figure, f"labels{place}", room)}


def _subspaces(run: Shown) -> dict[str, Any] | None:
    """The subspace x factor table of a run, each cell with the colours of what is above chance."""
    drawn = run.drawn
    if drawn is None or drawn.probed is None or drawn.chance is None or drawn.factors is None:
        return None
    held = np.zeros(drawn.probed.shape, bool)
    if drawn.held is not None:
        held[: len(drawn.held)] = drawn.held
    levels = above_chance(drawn.probed, drawn.chance)
    names = [] if drawn.subspaces is None else drawn.subspaces.tolist()
    return {
        "factors": drawn.factors.tolist(),
        "rows": [
            (
                name,
                [
                    UNKNOWN if math.isnan(share) else share_cell(share, level, bool(marked))
                    for share, level, marked in zip(*cells, strict=True)
                ],
            )
            for name, *cells in zip(
                [*names, WHOLE], drawn.probed.tolist(), levels.tolist(), held, strict=True
            )
        ],
        "chance": ["" if math.isnan(share) else percent(share) for share in drawn.chance.tolist()],
        "protocol": drawn.probing,
    }


def _apart(run: Shown, place: int, room: Room) -> dict[str, Any] | None:
    """Images of a run, and those nearest to each in each subspace."""
    drawn = run.drawn
    if drawn is None or drawn.apart is None or drawn.subspaces is None:
        return None
    names = drawn.subspaces.tolist()
    figure = subspace_neighbours(
        drawn.apart, drawn.apart_cosines, names, drawn.apart_wrong, title=""
    )
    words = ""
    if drawn.apart_wrong is not None:
        shares = drawn.apart_wrong[:, :, 1:].mean(axis=(0, 2))
        listed = ", ".join(f"{n} {percent(s)}" for n, s in zip(names, shares, strict=True))
        words = f"Orange: it differs in what the subspace is to hold; of {listed}."
    return {**_svg(figure, f"apart{place}", room), "words": words, "sampled": drawn.sampled}


def _swapped(run: Shown, place: int, room: Room) -> dict[str, Any] | None:
    """Pairs of images of a run, with subspaces taken from one into the other."""
    drawn = run.drawn
    if drawn is None or drawn.swapped is None or drawn.subspaces is None:
        return None
    figure = swaps(drawn.swapped, drawn.subspaces.tolist(), title="")
    return {**_svg(figure, f"swaps{place}", room), "sampled": drawn.sampled}


def _svg(figure: Figure, name: str, room: Room) -> dict[str, Any]:
    """A figure to stand within the page, unless it is too large, and its width."""
    svg = sheet.to_svg(figure, name)
    picture = Markup(svg) if room.fits(len(svg)) else None
    return {"picture": picture, "width": int(figure.bbox.width)}


def _class_names(drawn: Drawn, count: int) -> list[str]:
    names = drawn.class_names
    return list(map(str, range(count))) if names is None else names.tolist()


# Settings


def _compared(
    tables: Sequence[Mapping[str, Any]], differing: bool = False
) -> list[tuple[str, list[str]]]:
    """Name -> its value in each of the tables; one value where all agree.

    Args:
        tables: Of each run.
        differing: Whether names on which all agree are left out.
    """
    names = dict.fromkeys(name for table in tables for name in table)
    rows = []
    for name in names:
        values = [_value(table[name]) if name in table else "" for table in tables]
        same = all(name in table and table[name] == tables[0][name] for table in tables)
        if not (same and differing):
            rows.append((name, values[:1] if same else values))
    return rows
