"""Scoring an encoder on a data set with known factors, with the protocol beside each number.

A score without its protocol cannot be compared: the number of samples, the bins and the predictor
all move it. So a `Score` carries them, read from the metric's own signature.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import zoo.metrics
from zoo import checks
from zoo.messages import unknown
from zoo.metrics.arrays import is_continuous

JSON = str | int | float | bool | None
Encode = Callable[[NDArray[np.uint8]], ArrayLike]

# How many images disentanglement_lib scores, and how many more its predictors are tested on.
SAMPLES = 10_000
TEST_SAMPLES = 5_000
BATCH = 500  # images encoded at once

# What a metric can be given. Its other arguments keep their defaults, which are its protocol.
GIVEN = ("codes", "factors", "test_codes", "test_factors", "seed")


class HasFactors(typing.Protocol):
    """What scoring needs of a data set: samples with the values of their known factors."""

    @property
    def factor_names(self) -> Sequence[str]:
        """What the columns of `factors` are called."""

    def sample(self, n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Images (n, H, W, C) uint8 and their factors (n, F); the same for the same seed."""


@dataclass(frozen=True)
class Score:
    """A number and how it was obtained.

    Attributes:
        name: The metric, a function of `zoo.metrics`.
        value: The number.
        protocol: What moves it: data, samples, bins, predictor, seed.

    Example:
        >>> print(Score("mig", 0.3117, {"samples": 10_000, "bins": 20, "seed": 0}))
        mig 0.312 (10,000 samples, 20 bins, seed 0)
    """

    name: str
    value: float
    protocol: Mapping[str, JSON] = field(default_factory=dict)

    def __str__(self) -> str:
        how = self.phrase()
        return f"{self.name} {self.value:.3f}" + (f" ({how})" if how else "")

    def phrase(self) -> str:
        """The protocol in words: "10,000 samples, 20 bins, seed 0"."""
        return ", ".join(_phrase(name, value) for name, value in self.protocol.items())

    def to_json(self) -> dict[str, Any]:
        """A dictionary for `json.dump`.

        Example:
            >>> Score("mig", 0.25, {"bins": 20}).to_json()
            {'name': 'mig', 'value': 0.25, 'protocol': {'bins': 20}}
        """
        return {"name": self.name, "value": self.value, "protocol": dict(self.protocol)}


def _phrase(name: str, value: JSON) -> str:
    """One item of a protocol in words: "20 bins" for a count, "seed 0" for anything else."""
    words = name.replace("_", " ")
    if isinstance(value, int) and not isinstance(value, bool) and name.endswith("s"):
        return f"{value:,} {words}"
    return f"{words} {value}"


def scores() -> dict[str, Callable[..., float]]:
    """Every score by name: the public functions of `zoo.metrics` of (codes, factors, ...) -> float.

    Example:
        >>> sorted(scores())
        ['mig', 'sap']
    """
    public = {name: getattr(zoo.metrics, name) for name in zoo.metrics.__all__}
    return {name: item for name, item in public.items() if _is_score(item)}


def _is_score(item: Any) -> bool:
    return (
        inspect.isfunction(item)
        and list(inspect.signature(item).parameters)[:2] == ["codes", "factors"]
        and typing.get_type_hints(item).get("return") is float
    )


def chosen(metrics: str | Sequence[str]) -> dict[str, Callable[..., float]]:
    """The scores of one name or several, or a refusal that names the nearest."""
    known = scores()
    metrics = (metrics,) if isinstance(metrics, str) else metrics
    for name in metrics:
        if name not in known:
            raise ValueError(unknown("metric", name, known))
    return {name: known[name] for name in metrics}


def score_codes(
    metrics: str | Sequence[str],
    codes: ArrayLike,
    factors: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_factors: ArrayLike | None = None,
    seed: int = 0,
    protocol: Mapping[str, JSON] | None = None,
) -> dict[str, Score]:
    """Scores codes against factors by each of the named metrics.

    Args:
        metrics: Names of scores, such as ("mig", "sap").
        codes: (N, L) real numbers.
        factors: (N, F) whole numbers or floats.
        test_codes: (M, L), for the metrics that fit a predictor and test it.
        test_factors: (M, F).
        seed: What drew the samples, and what a metric itself draws by.
        protocol: What else to put on record, such as {"data": "dsprites"}.

    Returns:
        A Score for each name, in the order of the names.

    Raises:
        ValueError: An unknown metric, or arrays that the metric refuses.

    Example:
        >>> factors = np.arange(100).reshape(50, 2) % 3
        >>> print(score_codes(["mig"], codes=factors, factors=factors)["mig"])
        mig 0.000 (50 samples, 20 bins, seed 0)
    """
    codes, factors = np.asarray(codes), np.asarray(factors)
    given = dict(zip(GIVEN, (codes, factors, test_codes, test_factors, seed), strict=True))
    results = {}
    for name, metric in chosen(metrics).items():
        parameters = inspect.signature(metric).parameters
        value = metric(**{key: item for key, item in given.items() if key in parameters})
        record: dict[str, JSON] = {**(protocol or {}), "samples": len(codes)}
        if "test_codes" in parameters and test_codes is not None:
            record["test_samples"] = len(np.asarray(test_codes))
        if is_continuous(factors):
            record["factors"] = "binned"
        options = {key: item.default for key, item in parameters.items() if key not in GIVEN}
        results[name] = Score(name, value, {**record, **options, "seed": seed})
    return results


@dataclass(frozen=True, eq=False)
class Pool:
    """Images and factors drawn once, to score one encoder after another, or one as it learns.

    Attributes:
        metrics: The names of the scores.
        images: (N, H, W, C) uint8.
        factors: (N, F).
        test_images: (M, H, W, C) uint8, or None where no metric tests a predictor.
        test_factors: (M, F), or None.
        seed: What drew them.
        protocol: What the scores say beside their own protocol: the name of the data, if any.
    """

    metrics: tuple[str, ...]
    images: NDArray[np.uint8]
    factors: NDArray[Any]
    test_images: NDArray[np.uint8] | None
    test_factors: NDArray[Any] | None
    seed: int
    protocol: Mapping[str, JSON]

    @classmethod
    def draw(
        cls,
        data: HasFactors,
        metrics: str | Sequence[str] = ("mig", "sap"),
        samples: int = SAMPLES,
        test_samples: int = TEST_SAMPLES,
        seed: int = 0,
    ) -> Pool:
        """Draws a pool from a data set; arguments and errors as in `evaluate`."""
        scorers = chosen(metrics)  # before any work
        _check_data(data)
        for name, count in (("samples", samples), ("test_samples", test_samples)):
            checks.integer(name, count, low=1)
        checks.integer("seed", seed, low=0)
        images, factors = data.sample(samples, seed)
        test_images = test_factors = None
        if any("test_codes" in inspect.signature(metric).parameters for metric in scorers.values()):
            # A draw of its own, so that the first is the same whatever the metrics.
            test_seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
            test_images, test_factors = data.sample(test_samples, test_seed)
        called = getattr(data, "name", None)
        protocol = {"data": str(called)} if called else {}
        return cls(tuple(scorers), images, factors, test_images, test_factors, seed, protocol)

    def head(self, n: int) -> Pool:
        """The pool of the first n images, and test images, alone."""
        return dataclasses.replace(
            self,
            images=self.images[:n],
            factors=self.factors[:n],
            test_images=None if self.test_images is None else self.test_images[:n],
            test_factors=None if self.test_factors is None else self.test_factors[:n],
        )

    def score(self, encode: Encode) -> dict[str, Score]:
        """Encodes the pool and scores the codes.

        Args:
            encode: Images (n, H, W, C) uint8 -> codes (n, L), such as a method's `predict`.

        Returns:
            A Score for each metric, in the order of the names.

        Raises:
            ValueError: The codes are NaN, of the wrong shape, or of one dimension.
        """
        codes = encode(self.images)
        test_codes = None if self.test_images is None else encode(self.test_images)
        return score_codes(
            self.metrics,
            codes,
            self.factors,
            test_codes,
            self.test_factors,
            self.seed,
            self.protocol,
        )


def _check_data(data: HasFactors) -> None:
    if not (getattr(data, "factor_names", None) and hasattr(data, "sample")):
        raise ValueError(
            "Expected a data set with known factors (factor_names, sample). Received: "
            f"{getattr(data, 'name', None) or type(data).__name__}, which has none."
        )


def evaluate(
    encode: Encode,
    data: HasFactors,
    metrics: str | Sequence[str] = ("mig", "sap"),
    samples: int = SAMPLES,
    test_samples: int = TEST_SAMPLES,
    seed: int = 0,
) -> dict[str, Score]:
    """Scores an encoder on a data set with known factors.

    Args:
        encode: Images (n, H, W, C) uint8 -> codes (n, L), such as a method's `predict`.
        data: A data set with `factor_names` and `sample(n, seed) -> (images, factors)`.
        metrics: Names of scores; `scores()` has them all.
        samples: Images to score.
        test_samples: Further images for the metrics that fit a predictor and test it.
        seed: Draws the samples; with the same seed and encoder the scores are the same.

    Returns:
        A Score for each name, in the order of the names.

    Raises:
        ValueError: An unknown metric, data without factors, a number of samples below 1, a
            negative seed, or codes that a metric refuses.

    Example:
        A method in training is scored by `zoo.callbacks.DisentanglementMetrics`; afterwards::

            results = evaluate(method.predict, zoo.data.load("dsprites"))
            print(results["mig"])  # mig 0.312 (data dsprites, 10,000 samples, 20 bins, seed 0)
    """
    return Pool.draw(data, metrics, samples, test_samples, seed).score(encode)
