"""Disentanglement scores of the codes, in the logs of each epoch."""

from __future__ import annotations

from typing import Any

from zoo.callbacks.scores import Scores
from zoo.metrics import scoring


class DisentanglementMetrics(Scores):
    """Scores the codes of fresh samples after each epoch: `mig` and `sap` in the logs.

    Any encoder will do, a VAE's or a contrastive method's. What each argument is, what it raises
    and where it stands among callbacks: `Scores`.

    Args:
        data: Images with known factors: a `zoo.data.FactorData`, or anything with its `sample`.
        metrics: Names of metrics or scores, "all", or a dictionary of names and options.
        samples: Images whose codes are scored.
        every: Score every so many epochs.
        seed: Of the draw.

    Example:
        >>> callback = DisentanglementMetrics(data, metrics=("mig",))  # doctest: +SKIP
        >>> method.fit(batches, steps_per_epoch=300, callbacks=[callback])  # doctest: +SKIP
    """

    def __init__(
        self,
        data: Any,
        metrics: scoring.Metrics = scoring.DEFAULT,
        samples: int = scoring.SAMPLES,
        every: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(data, metrics, samples, every, seed)
