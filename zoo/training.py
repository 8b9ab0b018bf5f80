"""`zoo train`: from settings to a finished run folder."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from rich.console import Console
from rich.markup import escape

import zoo
from zoo import registry
from zoo.callbacks import (
    Collapse,
    Disambiguation,
    Pictures,
    ProgressLines,
    Resume,
    Scores,
    Similarities,
)
from zoo.callbacks.scores import EpochScores
from zoo.cards import versions
from zoo.data.subspaces import usual
from zoo.exporting import export
from zoo.files import to_json_number
from zoo.messages import unknown
from zoo.method import Method
from zoo.metrics import scoring
from zoo.metrics.scoring import Score
from zoo.networks.convolutional import SMALLEST_SIDE
from zoo.optimizers import LARS
from zoo.reporting import curves, save
from zoo.reporting.drawing import Drawing
from zoo.runs import Run, Settings, without_folders

ROOMY = 96  # a side in pixels that every network takes
LEVELS = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)  # of the quantiles of codes
RUN_KNOWS = {"total_steps": "that of --steps"}  # arguments that the run fills in, and from what


class RunFailed(RuntimeError):
    """A training that came to nothing: it diverged."""


class Trained(NamedTuple):
    """What a training came to."""

    method: Method
    scores: Mapping[str, Score]  # of the last epoch; none without factors and classes
    fitted: float  # when the last step was done, by time.monotonic


def train(settings: Settings, run: Run, console: Console, resume: bool = False) -> None:
    """Trains a method, fills its run folder and says where everything is.

    Args:
        settings: What to train, on what, for how long.
        run: Where. A run that is there is replaced once data and method are known to be good,
            unless `resume`.
        console: Where progress is shown.
        resume: Whether to go on from the run's newest checkpoint.

    Raises:
        ValueError: A hyperparameter that the method does not have or cannot take, or data that
            it cannot use.
        RunFailed: The loss is no longer finite.
        KeyboardInterrupt: On Ctrl-C, once a checkpoint is written.
    """
    began = time.monotonic()
    data = run.load_data() if resume else settings.with_candidates(load_data(settings, console))
    trained = train_on(data, settings, run, console, resume)
    say_where(run, trained.method, trained.scores, console)
    seconds = time.monotonic() - began
    fitting = trained.fitted - began
    console.print(f"{seconds:.0f} s in all, {fitting:.0f} s of them up to the last step")


def train_on(
    data: Any, settings: Settings, run: Run, console: Console, resume: bool = False
) -> Trained:
    """`train` on data that are loaded already, with their candidates, as runs may share them."""
    learned = learned_from(data, settings)
    facts = facts_of(learned)
    if resume and (had := run.config["images"]) != (has := facts["dataset_size"]):
        raise ValueError(
            f"Expected the {had:,} images that {run.path} began with. Received: {has:,}."
        )
    method = build_for(data, settings)
    scorers = scorers_for(settings, data, method)
    drawn = drawn_from(data, method)
    if not resume:
        run.clear()
        run.write(
            "config",
            {
                "settings": settings.model_dump(),
                "data": data.describe(),
                "images": facts["dataset_size"],
                "weights": sum(math.prod(weight.shape) for weight in method.learned),
                **candidates_of(data),
                "arguments": {
                    name: method.hyperparameters.get(name, value)  # as for_images filled it in
                    for name, value in effective_arguments(settings, facts).items()
                },
                "versions": versions(),
            },
        )
    checkpoints = Resume(run.checkpoints)
    height, width, channels = data.image_shape
    console.print(
        f"{type(method).__name__} on {facts['dataset_size']:,} images of "
        f"{height}x{width}x{channels}: {settings.steps:,} steps of {settings.batch_size} images, "
        f"an epoch is {settings.steps_per_epoch:,}",
        highlight=False,
    )
    if checkpoints.step:
        console.print(f"resuming at step {checkpoints.step:,} of {settings.steps:,}")
    may_collapse = "decode" not in method.endpoints()  # else its reconstruction would tell
    callbacks = [
        *([Collapse(getattr(data, "train", data))] if may_collapse else []),
        *scorers,
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False),
        Pictures(data, run.tensorboard, every=max(1, settings.epochs // 5)),
        *([Similarities(drawn, run.tensorboard)] if compares_views(method) else []),
        ProgressLines(console, settings.steps, checkpoints.step),
        checkpoints,
    ]
    history = method.fit(
        method.batches(learned, settings.batch_size, settings.seed, checkpoints.step),
        steps_per_epoch=settings.steps_per_epoch,
        epochs=settings.epochs,
        verbose=0,
        callbacks=callbacks,
    ).history
    fitted = time.monotonic()
    if not np.isfinite(history["loss"][-1]):
        raise RunFailed(f"The loss is {history['loss'][-1]} in epoch {len(history['loss'])}.")
    results = {k: v for scorer in scorers for k, v in (scorer.scores or scorer.score()).items()}
    finish(run, method, drawn, history, results)
    return Trained(method, results, fitted)


def finish(
    run: Run,
    method: Method,
    data: Any,
    history: Mapping[str, list[float]],
    results: Mapping[str, Score],
) -> None:
    """Writes what a training ends in: history, scores, model, pictures, export."""
    run.write("history", {k: [to_json_number(v) for v in values] for k, values in history.items()})
    run.write("scores", {name: score.to_json() for name, score in results.items()})
    run.save_method(method)
    draw(run, method, data, history)
    export(method, run.path / "saved_model" / "1", card_of(run), overwrite=True)


def say_where(run: Run, method: Method, results: Mapping[str, Score], console: Console) -> None:
    """Prints where everything is."""
    console.print(f"\n[bold]{escape(str(run.path))}[/bold] holds the run:", highlight=False)
    for name, what in {
        "model.keras": "the method, for keras.models.load_model",
        "saved_model/1": f"a SavedModel: {', '.join(method.endpoints())}",
        "pictures": ", ".join(sorted(path.name for path in run.pictures.iterdir())),
        "scores.json": f"\n{'':<17}".join(map(str, results.values()))
        or "no factors or classes, no scores",
        "history.json": "loss, terms and scores of each epoch",
        "tensorboard": f"tensorboard --logdir {run.tensorboard}",
    }.items():
        console.print(f"  {name:<14} {what}", highlight=False, markup=False)


def check_hyperparameters(settings: Settings) -> None:
    """Refuses what the method does not have or cannot take, before any work.

    Raises:
        ValueError: With the nearest name, or with what the method expects.
    """
    cls = registry.method(settings.method)
    if cls.learns_candidates and settings.candidates is None:
        raise ValueError(
            f"Expected candidates for {settings.method}, which learns from candidate labels: "
            "uniform:RATE, hierarchical:RATE, or a file (.csv, .npy) with --candidates. Received: "
            "none."
        )
    if cls.from_encoder and settings.encoder is None:
        raise ValueError(
            f"Expected the finished run whose codes {settings.method} is to learn from: --encoder "
            "RUN. Received: none."
        )
    if settings.encoder is not None and not cls.from_encoder:
        raise ValueError(
            f"Expected no encoder for {settings.method}, which trains its own. Received: "
            f"{settings.encoder!r}."
        )
    if settings.candidates is not None and not cls.learns_candidates:
        raise ValueError(
            f"Expected no candidates for {settings.method}, which does not learn from candidate "
            f"labels. Received: {settings.candidates!r}."
        )
    known = arguments(cls)
    for name in settings.hyperparameters:
        if name not in known:
            raise ValueError(unknown(f"argument of {settings.method}", name, known))
    facts = {"dataset_size": 10**6, "num_samples": 10**6, "num_classes": 10}
    if set(cls.from_data) <= set(facts) and not cls.from_encoder:
        side = settings.image_size or ROOMY  # the images are not known yet
        build(settings, (side, side, 1), facts)


def arguments(cls: type[Method]) -> dict[str, inspect.Parameter]:
    """Every argument of a method that can be set: those of its constructor and `for_images`."""
    parameters = {
        **inspect.signature(cls.for_images).parameters,
        **inspect.signature(cls.__init__).parameters,
    }
    parts = {name for name, p in parameters.items() if "keras." in str(p.annotation)}
    left_out = {"self", "image_shape", "seed", *parts}  # networks and optimizers are no values
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {n: p for n, p in parameters.items() if n not in left_out and p.kind in named}


def effective_arguments(settings: Settings, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument of the method with the value that it has: set, filled in or by default."""
    known = arguments(registry.method(settings.method)).items()
    defaults = {n: p.default for n, p in known if p.default is not p.empty}
    return {**defaults, **_given(settings, facts)}


def _given(settings: Settings, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the method is told: what only the data or the run know, and what was set."""
    cls = registry.method(settings.method)
    facts = {**facts, "total_steps": settings.steps}
    asked_for = [name for name in (*cls.from_data, *RUN_KNOWS) if name in arguments(cls)]
    return {**{name: facts[name] for name in asked_for}, **settings.hyperparameters}


def load_data(settings: Settings, console: Console) -> Any:
    """The data of a run, at its image size; smaller images than networks take are enlarged."""
    data = zoo.data.load(
        settings.data,
        size=settings.image_size,
        subset=settings.subset,
        skip_bad=settings.skip_bad,
    )
    small = min(data.image_shape[:2]) < SMALLEST_SIDE
    if small and settings.image_size is None:
        name = escape(settings.data)
        console.print(f"{name}: images enlarged to {SMALLEST_SIDE} pixels a side", highlight=False)
        data = data.resized(SMALLEST_SIDE)
    return data


def build(settings: Settings, image_shape: tuple[int, ...], facts: Mapping[str, Any]) -> Method:
    """The method, with what only the data or the run know filled in, and compiled."""
    keras.utils.set_random_seed(settings.seed)
    cls = registry.method(settings.method)
    given = {**(encoder_of(settings) if cls.from_encoder else {}), **_given(settings, facts)}
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(settings.precision)
    try:
        method = cls.for_images(image_shape, seed=settings.seed, **given)
    finally:
        keras.config.set_dtype_policy(before)
    method.compile(optimizer_for(settings))
    return method


def encoder_of(settings: Settings) -> dict[str, Any]:
    """What the run that is named knows of its codes, by the names of `Method.from_encoder`.

    Raises:
        ValueError: There is no such run, it has not finished, or its model is damaged.
    """
    try:
        method = Run.open(str(settings.encoder)).load_method()
    except FileNotFoundError as error:
        raise ValueError(str(error)) from None
    parts = {name: getattr(method, name, None) for name in ("subspaces", "held")}
    return {"encoder": method.code_network, **parts}


def optimizer_for(settings: Settings) -> keras.optimizers.Optimizer:
    """The optimizer of a run, with the learning rate's way through its steps."""
    top, warmup = settings.learning_rate, settings.warmup_steps
    rate: float | keras.optimizers.schedules.LearningRateSchedule = top
    if settings.schedule == "cosine" or warmup:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else top,
            decay_steps=settings.steps - warmup,
            alpha=1.0 if settings.schedule == "constant" else 0.0,
            warmup_target=top if warmup else None,
            warmup_steps=warmup,
        )
    decay = settings.weight_decay or None
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, weight_decay=decay)
    if settings.optimizer == "lars":
        return LARS(rate, momentum=0.9, weight_decay=settings.weight_decay)
    return keras.optimizers.Adam(rate, weight_decay=decay)


def build_for(data: Any, settings: Settings) -> Method:
    """The method, compiled, once it is known that it can train on the data.

    Raises:
        ValueError: A hyperparameter that it cannot take, data that it cannot use, or batches of a
            size that it cannot train on.
    """
    learned = learned_from(data, settings)
    method = build(settings, data.image_shape, facts_of(learned))
    method.check_batches(method.batches(learned, settings.batch_size))
    return method


def learned_from(data: Any, settings: Settings) -> Any:
    """The data that a run trains on: their training half, whole unless the method learns labels.

    Then the frozen tenth of it by whose labels codes are scored as it learns is left out.
    """
    learns_labels = registry.method(settings.method).learns_labels
    return data.validation() if learns_labels and hasattr(data, "validation") else data


def drawn_from(data: Any, method: Method) -> Any:
    """The data as pictures take them: what a method trained on, and the test half if there is one.

    A batch of a method with a memory of its images numbers them as in training.
    """
    if not method.learns_labels or not hasattr(data, "validation"):
        return data
    return data.with_halves(data.validation().train, data.test)


def compares_views(method: Method) -> bool:
    """Whether a method projects two views of each image, whose likeness can be looked at."""
    return hasattr(method, "views") and hasattr(method, "projector")


def candidates_of(data: Any) -> dict[str, Any]:
    """What config.json says of the candidates of data that have some, and of which classes."""
    described = getattr(getattr(data, "train", None), "describe_candidates", lambda: None)()
    if described is None:
        return {}
    return {"candidates": described, "classes": list(data.class_names)}


def facts_of(data: Any) -> dict[str, Any]:
    """What only the data know and a constructor may ask for in `from_data`."""
    images = getattr(data, "train", data)
    return {
        "dataset_size": len(images),
        "num_samples": len(images),
        "num_classes": getattr(data, "num_classes", None),
        **usual(data),
    }


def scorers_for(settings: Settings, data: Any, method: Method | None = None) -> list[EpochScores]:
    """The callbacks that score each epoch: what the data and the method allow."""
    told: dict[str, Any] = {"samples": settings.samples, "seed": settings.seed}
    parts: dict[str, Any] = {n: getattr(method, n, None) for n in ("subspaces", "held")}
    scorers: list[EpochScores] = []
    if registry.method(settings.method).learns_candidates:
        scorers.append(Disambiguation(data, **told))
    metrics = settings.metrics or scoring.default(data, subspaces=parts["subspaces"])
    every = settings.epochs if registry.method(settings.method).from_encoder else 1  # codes stay
    return [*scorers, Scores(data, metrics, every=every, **told, **parts)] if metrics else scorers


def draw(run: Run, method: Method, data: Any, history: Mapping[str, list[float]]) -> list[Path]:
    """Writes the run's pictures, and the quantiles of codes that have no prior to be drawn from."""
    drawing = Drawing(method, data, seed=run.settings.seed)
    if method.from_encoder or drawing.subspaces is not None:
        count, name = len(drawing.images), scoring.held_out(data).name
        how = f"{count:,} samples of {name}, seed {drawing.seed}"
        run.write("codes", code_quantiles(drawing.codes, how))
    paths = drawing.save(run.pictures)
    named: dict[str, list[str]] = {}  # by what moves them
    for score in map(Score.from_json, run.read("scores").values()):
        named.setdefault(score.phrase(), []).append(score.name)
    protocol = "; ".join(f"{', '.join(names)}: {how}" for how, names in named.items()) or None
    scores = [*scoring.scores(), *(name for names in named.values() for name in names)]
    figure = curves(history, run.settings.steps_per_epoch, protocol, scores)
    return [*paths, save(figure, run.pictures / "curves.png")]


def code_quantiles(codes: np.ndarray, protocol: str) -> dict[str, Any]:
    """Between which values each code lies, ready for JSON: what an edited code should keep to.

    Args:
        codes: (N, L).
        protocol: Of what images they are.
    """
    table = np.quantile(codes.astype(np.float64), LEVELS, axis=0).T
    digits = [[float(f"{value:.6g}") for value in row] for row in table.tolist()]
    return {"levels": [*LEVELS], "quantiles": digits, "protocol": protocol}


def card_of(run: Run) -> dict[str, Any]:
    """What a run knows for the card of its export: of local files the names alone."""
    config = run.config
    settings = {
        k: v
        for k, v in config["settings"].items()
        if k not in ("method", "subset", "hyperparameters", "metrics")  # told by other parts
    }
    for name in ("data", "candidates", "encoder"):
        settings[name] = without_folders(settings[name])
    data = {
        k: v if k in ("subset", "size") else without_folders(v) for k, v in config["data"].items()
    }
    codes = {"codes": run.read("codes")} if (run.path / "codes.json").exists() else {}
    classes = {"classes": config["classes"]} if "classes" in config else {}
    return {
        **codes,
        **classes,
        "hyperparameters": config["arguments"],
        "data": data,
        "training": settings,
        "scores": {
            name: Score.from_json(score).to_json() for name, score in run.read("scores").items()
        },
    }
