"""How well classes can be read off the codes, in the logs of each epoch."""

from __future__ import annotations

from typing import Any

from zoo import checks
from zoo.callbacks.scores import Scores
from zoo.metrics import scoring
from zoo.metrics.linear_probe import checked_share

SAMPLES = 2_000  # images that are asked about: their accuracy has an error of a percent


class KNNProbe(Scores):
    """Asks the nearest neighbours of images for their class after each epoch: `knn` in the logs.

    The images are a frozen tenth of the training half, the bank is of the other nine; the test
    half has no part in it. Where it stands among callbacks, and what it raises besides: `Scores`.

    Args:
        data: Images with class labels, a `zoo.data.LabelledData`.
        k: Neighbours that vote, at most as many as the bank holds.
        temperature: Of the votes, above 0.
        samples: Images that are asked about, at most the tenth.
        train_samples: Images in the bank.
        every: Score every so many epochs, and always the first and the last.
        seed: Of the draws.

    Raises:
        ValueError: Data without class labels, `k` below 1, or a temperature of 0 or less.

    Example:
        >>> callback = KNNProbe(zoo.data.load("digits"))  # doctest: +SKIP
        >>> method.fit(batches, steps_per_epoch=300, callbacks=[callback])  # doctest: +SKIP
    """

    def __init__(
        self,
        data: Any,
        k: int = 200,
        temperature: float = 0.1,
        samples: int = SAMPLES,
        train_samples: int = scoring.TRAIN_SAMPLES,
        every: int = 1,
        seed: int = 0,
    ) -> None:
        self.k = checks.integer("k", k, low=1)
        self.temperature = checks.positive("temperature", temperature)
        metrics = {"knn": {"k": self.k, "temperature": self.temperature}}
        super().__init__(data, metrics, samples, every, seed, train_samples)


class LinearProbe(Scores):
    """Fits a linear classifier to frozen codes after each epoch: `linear_probe` in the logs.

    It is fitted to nine tenths of the training half and asked about the other, frozen; the test
    half has no part in it. It takes some seconds for codes of hundreds of dimensions: `every` says
    how often. Where it stands among callbacks, and what it raises besides: `Scores`.

    Args:
        data: Images with class labels, a `zoo.data.LabelledData`.
        label_share: The share of labels that the classifier sees, above 0 and up to 1.
        samples: Images that are asked about, at most the tenth.
        train_samples: Images to fit to.
        every: Score every so many epochs, and always the first and the last.
        seed: Of the draws.

    Raises:
        ValueError: Data without class labels, or a share outside.

    Example:
        >>> callback = LinearProbe(zoo.data.load("digits"), every=5)  # doctest: +SKIP
        >>> method.fit(batches, steps_per_epoch=300, callbacks=[callback])  # doctest: +SKIP
    """

    def __init__(
        self,
        data: Any,
        label_share: float = 1.0,
        samples: int = SAMPLES,
        train_samples: int = scoring.TRAIN_SAMPLES,
        every: int = 1,
        seed: int = 0,
    ) -> None:
        self.label_share = checked_share(label_share)
        metrics = {"linear_probe": {"label_share": self.label_share}}
        super().__init__(data, metrics, samples, every, seed, train_samples)
