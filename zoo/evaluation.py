"""`zoo evaluate`: the scores of a finished run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from zoo.metrics import scoring
from zoo.metrics.scoring import BATCH, SAMPLES, Metrics, Score, held_out
from zoo.runs import Run


def evaluate(
    run: Run,
    samples: int = SAMPLES,
    seed: int = 0,
    data: Any = None,
    metrics: Metrics | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> list[Score]:
    """Scores a run and writes the scores to its evaluation.json.

    The loss and its terms are averages over `samples` images: of the test split where there is
    one, else drawn anew. They are taken in batches of nearly equal size, which is part of their
    protocol: a term that compares the images of a batch depends on how many there are.

    Args:
        run: A finished run.
        samples: Images.
        seed: Of the draw.
        data: The run's data, where they are loaded already.
        metrics: What else to score by, as `zoo.metrics.evaluate` takes it. Default: MIG and SAP
            where the data have factors.
        tell: Hears what is computed next: the terms, each metric.

    Returns:
        Every score with its protocol. Of "all", what the data or the codes do not allow is left
        out, with a warning that says why.

    Raises:
        ValueError: An unknown metric, or a named one that the data or the codes do not allow;
            fewer images than the method compares with one another.
    """
    data = run.load_data() if data is None else data
    metrics = scoring.default(data) if metrics is None else metrics
    picked = scoring.chosen_for(data, metrics)  # refused before the method is loaded
    method = run.load_method()
    tell("loss and terms")
    images = held_out(data)
    n = min(samples, len(images))
    fewest, most = method.batch_sizes
    if n < fewest:
        raise ValueError(
            f"Expected at least {fewest} images for {type(method).__name__}. Received: {n} of "
            f"{images.name}."
        )
    size, n = _in_batches(n, fewest, min(BATCH, most))
    batches = method.batches(images, size, seed)  # as it trains on them
    batches = batches.unbatch().take(n).batch(size)
    terms = method.evaluate(batches, verbose=0, return_dict=True)
    protocol: dict[str, Any] = {
        "data": images.name,
        "samples": n,
        "batch_size": size,
        "seed": seed,
    }
    results = [Score(name, float(terms[name]), protocol) for name in method.trackers]
    if picked:

        def encode(images: Any) -> Any:
            return method.predict(images, batch_size=BATCH, verbose=0)

        tell("codes")
        pool = scoring.Pool.draw(data, metrics, samples, seed=seed)
        results += pool.score(encode, tell).values()
    run.write("evaluation", {score.name: score.to_json() for score in results})
    return results


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
