"""`zoo evaluate`: the scores of a finished run."""

from __future__ import annotations

import dataclasses
import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import disambiguation
from zoo.files import to_json_number
from zoo.metrics import (
    information_between,
    probed_subspaces,
    scoring,
    subspace_information,
    subspace_probe,
)
from zoo.metrics.arrays import checked_subspaces
from zoo.metrics.linear_probe import linear_probe, probed
from zoo.metrics.scoring import BATCH, SAMPLES, TRAIN_SAMPLES, Metrics, Score, held_out
from zoo.metrics.subspace_probe import summarised
from zoo.reporting import confusion_matrix, save, subspace_factors
from zoo.reporting.drawing import Drawing
from zoo.runs import Run
from zoo.training import drawn_from

if TYPE_CHECKING:
    from zoo.method import Method

PICTURES = ("embedding", "neighbours")  # drawn anew of labelled data


def evaluate(
    run: Run,
    samples: int = SAMPLES,
    seed: int = 0,
    data: Any = None,
    metrics: Metrics | None = None,
    tell: Callable[[str], None] = lambda name: None,
    train_samples: int = TRAIN_SAMPLES,
    split: str = "test",
    embedding: str | None = None,
) -> list[Score]:
    """Scores a run and writes the scores to its evaluation.json.

    Where a linear probe is among the metrics, what it took for what goes to confusion.json and
    pictures/confusion.png. Where `subspace_probe` is, the whole matrix that it is of goes to
    subspaces.json and pictures/subspaces.png, with what every two subspaces tell of one another
    if `subspace_information` is among the metrics too.

    The loss and its terms are averages over `samples` images: of the test split where there is
    one, else drawn anew. They are taken in batches of nearly equal size, which is part of their
    protocol: a term that compares the images of a batch depends on how many there are. Of a method
    that learns labels, test images without them give way to those that validate; images of which
    it can make no batch have no loss, with a warning that says why. A method that learns from
    candidate labels knows its own images one by one: they are of those that it learned from.
    It is also scored by `zoo.disambiguation.scored`.

    Args:
        run: A finished run.
        samples: Images.
        seed: Of the draw.
        data: The run's data, where they are loaded already.
        metrics: What else to score by, as `zoo.metrics.evaluate` takes it. Default: MIG and SAP
            where the data have factors; k-NN, a linear probe, and one with 1 % and with 10 % of
            the labels, where they have class labels; of a method of several subspaces also what
            these hold and tell of one another.
        tell: Hears what is computed next: the terms, each metric.
        train_samples: Training images for the metrics that need labels.
        split: Which part of labelled data is scored: "test", or, to choose by, "validation".
        embedding: How the codes of labelled data come into a plane, "pca", "tsne" or "umap": then
            pictures/embedding.png and pictures/neighbours.png are drawn of that part.

    Returns:
        Every score with its protocol. Of "all", what the data or the codes do not allow is left
        out, with a warning that says why.

    Raises:
        ValueError: An unknown metric, or a named one that the data or the codes do not allow;
            fewer images than the method compares with one another.
    """
    data = run.load_data() if data is None else data
    method = run.load_method()
    subspaces, held = getattr(method, "subspaces", None), getattr(method, "held", None)
    if metrics is None:
        metrics = scoring.default(data, finished=True, subspaces=subspaces)
    picked = scoring.chosen_for(data, metrics, subspaces)  # refused before any work
    tell("loss and terms")
    results = _terms(method, data, samples, seed, split)
    if method.learns_candidates:
        tell("candidates")
        results += disambiguation.scored(method, data, samples, seed, split).values()
    confused = matrix = None
    if picked:

        def encode(images: Any) -> Any:
            return method.predict(images, batch_size=BATCH, verbose=0)

        tell("codes")
        pool = scoring.Pool.draw(
            data,
            metrics,
            samples,
            seed=seed,
            train_samples=train_samples,
            split=split,
            subspaces=subspaces,
            held=held,
        )
        seen: dict[str, Any] = {}
        scores = _watched(pool, seen).score(encode, tell)
        results += scores.values()
        if "linear_probe" in scores:
            predicted, truth = seen["linear_probe"]
            confused = _confusion(predicted, truth, data.class_names)
            confused["protocol"] = dict(scores["linear_probe"].protocol)
        if "subspace_probe" in seen:
            matrix = _matrix(pool, seen, data.factor_names)
            matrix["protocol"] = next(
                dict(score.protocol) for name, score in scores.items() if "subspace_probe" in name
            )
    run.write("evaluation", {score.name: score.to_json() for score in results})
    picture = run.pictures / "confusion.png"
    if confused is None:  # what is there is of an evaluation before
        run.remove("confusion")
        picture.unlink(missing_ok=True)
    else:
        run.write("confusion", confused)
        how = f"Linear probe: {Score('', 0.0, confused['protocol']).phrase()}"
        save(confusion_matrix(confused["matrix"], confused["class_names"], how), picture)
    if matrix is None:
        run.remove("subspaces")
    else:
        run.write("subspaces", matrix)
        save(_drawn(matrix), run.pictures / "subspaces.png")
    if embedding is not None and scoring.labels_of(data) is not None:
        tell("pictures")
        drawn = data.validation() if split == "validation" else drawn_from(data, method)
        drawing = Drawing(method, drawn, seed=seed, embedding=embedding)
        for name, figure in drawing.figures(PICTURES).items():
            save(figure, run.pictures / f"{name}.png")
    return results


def _terms(method: Method, data: Any, samples: int, seed: int, split: str) -> list[Score]:
    """The loss and its terms; none, with a warning, of images that make no batch of the method."""
    images, part = _part(method, data, split)
    n = min(samples, len(images))
    fewest, most = method.batch_sizes
    if n < fewest:
        raise ValueError(
            f"Expected at least {fewest} images for {type(method).__name__}. Received: {n} of "
            f"{images.name}."
        )
    size, n = _in_batches(n, fewest, min(BATCH, most))
    try:
        batches = method.batches(images, size, seed)  # as it trains on them
    except ValueError as error:
        warnings.warn(f"left out: {', '.join(method.trackers)}: {error}", stacklevel=3)
        return []
    batches = batches.unbatch().take(n).batch(size)
    terms = method.evaluate(batches, verbose=0, return_dict=True)
    protocol: dict[str, Any] = {
        "data": images.name,
        **({"split": part} if part else {}),
        "samples": n,
        "batch_size": size,
        **({"views": str(method.views)} if hasattr(method, "views") else {}),
        "seed": seed,
    }
    return [Score(name, float(terms[name]), protocol) for name in method.trackers]


def _part(method: Method, data: Any, split: str) -> tuple[Any, str]:
    """The images whose loss is taken, and which part of the data they are, if any is named."""
    if method.learns_candidates:
        return data.validation().train, "train"
    lacking = method.learns_labels and not scoring.answers(data.test, {"labels"})
    if hasattr(data, "validation") and (split == "validation" or lacking):
        return held_out(data.validation()), "validation"
    return held_out(data), ""


def _watched(pool: scoring.Pool, seen: dict[str, Any]) -> scoring.Pool:
    """The pool with metrics that leave in `seen` the tables which their scores are of.

    What a linear probe took images for; the matrix of probes of subspaces; what every two of these
    tell of one another.
    """

    @functools.wraps(linear_probe)
    def watched_linear_probe(**arguments: Any) -> float:
        predicted, truth = seen["linear_probe"] = probed(**arguments)
        return float(np.mean(predicted == truth))

    @functools.wraps(subspace_probe)
    def watched_subspace_probe(held: Any = None, **arguments: Any) -> Any:
        checked_subspaces(arguments["subspaces"], arguments["codes"].shape[1], least=2)
        found = probed_subspaces(**arguments)
        scores = summarised(found, [*arguments["subspaces"]], held)
        seen["subspace_probe"] = found  # where it has scores alone
        return scores

    @functools.wraps(subspace_information)
    def watched_subspace_information(**arguments: Any) -> float:
        seen["subspace_information"] = information_between(**arguments)
        return subspace_information(**arguments)

    watched: dict[str, Callable[..., Any]] = {
        "linear_probe": watched_linear_probe,
        "subspace_probe": watched_subspace_probe,
        "subspace_information": watched_subspace_information,
    }
    replaced = {
        metric: dataclasses.replace(metric, function=watched[metric.name])
        for metric in pool.scores.values()
        if metric.name in watched
    }
    scores = {name: replaced.get(metric, metric) for name, metric in pool.scores.items()}
    return dataclasses.replace(pool, scores=scores)


def _matrix(
    pool: scoring.Pool, seen: Mapping[str, Any], factor_names: Sequence[str]
) -> dict[str, Any]:
    """How well each factor is read off each subspace, ready for JSON: NaN is None.

    And in nats what every two subspaces tell of one another, where that was measured.
    """
    found, between = seen["subspace_probe"], seen.get("subspace_information")
    tables = {"accuracy": found.accuracy, "whole": found.whole, "chance": found.chance}
    if between is not None:
        tables["information"] = between
    listed = {name: _listed(table) for name, table in tables.items()}
    held = {
        name: [factor_names[column] for column in columns]
        for name, columns in (pool.held or {}).items()
    }
    subspaces = dict(pool.subspaces or {})
    return {"subspaces": subspaces, "held": held, "factors": [*factor_names], **listed}


def _listed(table: Any) -> Any:
    """An array as lists that JSON takes."""
    return to_json_number(table) if np.ndim(table) == 0 else [_listed(part) for part in table]


def _drawn(matrix: Mapping[str, Any]) -> Any:
    """The picture of what subspaces.json holds."""
    names, factors = [*matrix["subspaces"]], matrix["factors"]
    held = [[factor in matrix["held"].get(name, ()) for factor in factors] for name in names]
    accuracy, whole, chance = (
        np.array(matrix[name], float) for name in ("accuracy", "whole", "chance")
    )
    how = f"Probe: {Score('', 0.0, matrix['protocol']).phrase()}"
    return subspace_factors(accuracy, whole, chance, names, factors, np.array(held, bool), how)


def _confusion(predicted: Any, truth: Any, class_names: Sequence[str]) -> dict[str, Any]:
    """How often the linear probe takes a class (row) for another (column), ready for JSON."""
    matrix = np.zeros((len(class_names), len(class_names)), int)
    np.add.at(matrix, (truth, predicted), 1)
    return {"class_names": [*class_names], "matrix": matrix.tolist()}


def _in_batches(n: int, fewest: int, most: float) -> tuple[int, int]:
    """How n images are divided into as few batches as may be, of nearly equal size.

    Args:
        n: At least `fewest`.
        fewest: Images in a batch.
        most: Likewise.

    Returns:
        The size of a batch, of which the last may fall short, and how many images there are in
        all: n, or less where a last batch of fewer than `fewest` is left out.
    """
    size = max(fewest, math.ceil(n / math.ceil(n / most)))
    last = n % size
    return size, n - last if last < fewest else n
