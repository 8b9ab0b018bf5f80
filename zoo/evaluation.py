"""`zoo evaluate`: the scores of a finished run."""

from __future__ import annotations

from typing import Any

from zoo.metrics import scoring
from zoo.metrics.scoring import BATCH, SAMPLES, Score
from zoo.runs import Run, held_out


def evaluate(run: Run, samples: int = SAMPLES, seed: int = 0, data: Any = None) -> list[Score]:
    """Scores a run and writes the scores to its evaluation.json.

    The loss and its terms are averages over `samples` images: of the test split where there is
    one, else drawn anew. Data with factors are scored by MIG and SAP besides.

    Args:
        run: A finished run.
        samples: Images.
        seed: Of the draw.
        data: The run's data, where they are loaded already.

    Returns:
        Every score with its protocol.
    """
    method = run.load_method()
    data = run.load_data() if data is None else data
    images = held_out(data)
    samples_of_terms = min(samples, len(images))
    batches = method.batches(images, min(BATCH, samples_of_terms), seed)  # as it trains on them
    batches = batches.unbatch().take(samples_of_terms).batch(BATCH)
    terms = method.evaluate(batches, verbose=0, return_dict=True)
    protocol: dict[str, Any] = {"data": images.name, "samples": samples_of_terms, "seed": seed}
    results = [Score(name, float(terms[name]), protocol) for name in method.trackers]
    if getattr(data, "factor_names", None):

        def encode(images: Any) -> Any:
            return method.predict(images, batch_size=BATCH, verbose=0)

        results += scoring.evaluate(encode, data, samples=samples, seed=seed).values()
    run.write("evaluation", {score.name: score.to_json() for score in results})
    return results
