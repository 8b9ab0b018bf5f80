"""Scoring an encoder on a data set, with the protocol beside each number.

A score without its protocol cannot be compared: the number of samples, the bins and the predictor
all move it. So a `Score` carries them, read from the metric's own signature.

A metric is a public function of `zoo.metrics` whose first argument is `codes`. One that returns a
float is one score, called as it is; one that returns a NamedTuple of floats is several, called
METRIC_FIELD. Where metrics are chosen, a metric's name stands for all of its scores, and "all"
for every score that the data and the codes allow: what refuses them is left out, with a warning.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import zoo.metrics
from zoo import checks
from zoo.files import from_json_number, to_json_number
from zoo.messages import formatted, unknown
from zoo.metrics.arrays import checked, checked_codes, checked_test, is_continuous

JSON = str | int | float | bool | None
Encode = Callable[[NDArray[np.uint8]], ArrayLike]
# A name, several, or names with what each metric is told: {"sap": {"predictor": "r2"}, "mig": {}}.
Metrics = str | Sequence[str] | Mapping[str, Mapping[str, JSON]]

ALL = "all"
DEFAULT = ("mig", "sap")  # what is scored where nothing is named, of data with factors

# How many images disentanglement_lib scores, and how many more its predictors are tested on.
SAMPLES = 10_000
TEST_SAMPLES = 5_000
BATCH = 500  # images encoded at once

# What a metric can be given. Its other arguments are options; with the values that they have,
# they are its protocol.
ARRAYS = ("codes", "factors", "test_codes", "test_factors")
GIVEN = (*ARRAYS, "seed")


def has_factors(data: Any) -> bool:
    """Whether a data set knows factors: `factor_names`, `sample(n, seed)` -> (images, factors)."""
    return bool(getattr(data, "factor_names", None)) and hasattr(data, "sample")


def default(data: Any) -> tuple[str, ...]:
    """The metrics that score a data set where none are named: MIG and SAP, if it has factors."""
    return DEFAULT if has_factors(data) else ()


def held_out(data: Any) -> Any:
    """The images to score and to look at: the test half where there is one."""
    return getattr(data, "test", None) or getattr(data, "train", data)


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
        value = formatted(self.value, ".3f") or "NaN"
        return f"{self.name} {value}" + (f" ({how})" if how else "")

    def phrase(self) -> str:
        """The protocol in words: "10,000 samples, 20 bins, seed 0"."""
        return ", ".join(_phrase(name, value) for name, value in self.protocol.items())

    def to_json(self) -> dict[str, Any]:
        """A dictionary for `json.dump`: an infinite value is "inf" in it, NaN is None.

        Example:
            >>> Score("mig", 0.25, {"bins": 20}).to_json()
            {'name': 'mig', 'value': 0.25, 'protocol': {'bins': 20}}
        """
        value = to_json_number(self.value)
        return {"name": self.name, "value": value, "protocol": dict(self.protocol)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Score:
        """The score that `to_json` wrote.

        Raises:
            ValueError: It is no score.

        Example:
            >>> Score.from_json({"name": "mig", "value": "inf", "protocol": {}}).value
            inf
        """
        try:
            score = cls(**{**fields, "value": from_json_number(fields["value"])})
            score.phrase()
        except (TypeError, KeyError, AttributeError, ValueError):
            raise ValueError(f"Expected a score as JSON. Received: {fields!r}.") from None
        return score


def _phrase(name: str, value: JSON) -> str:
    """One item of a protocol in words: "20 bins" for a count, "seed 0" for anything else."""
    words = name.replace("_", " ")
    if isinstance(value, int) and not isinstance(value, bool) and name.endswith("s"):
        return f"{value:,} {words}"
    return f"{words} {value}"


@dataclass(frozen=True, eq=False)
class Metric:
    """A function of codes that gives one score or several, as its signature describes it.

    Attributes:
        name: Of the function, in `zoo.metrics`.
        function: It.
        scores: The names of its scores, in the order in which it returns them.
        options: What else it takes, with the values that it is called with.
        optional: Whether it is left out where it refuses the data: nobody named it.
    """

    name: str
    function: Callable[..., Any]
    scores: tuple[str, ...]
    options: Mapping[str, JSON]
    optional: bool = False

    def takes(self, argument: str) -> bool:
        """Whether the function has an argument of this name."""
        return argument in inspect.signature(self.function).parameters

    def told(self, options: Mapping[str, JSON]) -> Metric:
        """The metric with other options, or a refusal of those that it does not have."""
        for name in options:
            if name not in self.options:
                raise ValueError(unknown(f"option of {self.name}", name, self.options))
        return dataclasses.replace(self, options={**self.options, **options}) if options else self

    def __call__(self, **given: Any) -> dict[str, float]:
        """Its scores by name, of what it takes of `given`."""
        taken = {name: value for name, value in given.items() if self.takes(name)}
        value = self.function(**taken, **self.options)
        values = value if isinstance(value, tuple) else (value,)
        return dict(zip(self.scores, map(float, values), strict=True))


def scores() -> dict[str, Metric]:
    """Every score by name, and the metric that gives it.

    Example:
        >>> scores()["sap"].options
        {'predictor': 'svm'}
    """
    public = {name: getattr(zoo.metrics, name) for name in zoo.metrics.__all__}
    found = [_as_metric(name, item) for name, item in public.items()]
    return {score: metric for metric in found if metric for score in metric.scores}


def _as_metric(name: str, item: Any) -> Metric | None:
    """A public name of `zoo.metrics` as a metric, if it is one."""
    if not inspect.isfunction(item):
        return None
    parameters = inspect.signature(item).parameters
    returned: Any = typing.get_type_hints(item).get("return")
    if next(iter(parameters), None) != "codes":
        return None
    if returned is float:
        names: tuple[str, ...] = (name,)
    elif hasattr(returned, "_fields") and {*typing.get_type_hints(returned).values()} == {float}:
        names = tuple(f"{name}_{part}" for part in returned._fields)
    else:
        return None
    options = {key: item.default for key, item in parameters.items() if key not in GIVEN}
    return Metric(name, item, names, options)


def chosen(metrics: Metrics, factorless: str | None = None) -> dict[str, Metric]:
    """The scores that were named, each with its metric, in the order of the names.

    Args:
        metrics: Names of metrics (all of their scores) or of scores, or "all", whose metrics are
            optional but for those that are named beside it.
        factorless: What has no factors, if that is so, as messages call it. Then "all" is every
            score that needs none.

    Raises:
        ValueError: An unknown name or option, or a metric that needs factors where there are
            none: with those that need none.

    Example:
        >>> list(chosen(["sap", "mig"]))
        ['sap', 'mig']
        >>> chosen({"sap": {"predictor": "r2"}})["sap"].options
        {'predictor': 'r2'}
    """
    known = scores()
    by_name = {metric.name: metric for metric in known.values()}
    free = {score: metric for score, metric in known.items() if not metric.takes("factors")}
    if isinstance(metrics, str):
        metrics = (metrics,)
    named = metrics if isinstance(metrics, Mapping) else {name: {} for name in metrics}
    picked: dict[str, Metric] = {}
    for name, options in named.items():
        if name == ALL:
            allowed = _optional(free if factorless else known)
            picked |= {score: allowed[score] for score in allowed if score not in picked}
        elif name in by_name:
            metric = by_name[name].told(options)
            picked |= dict.fromkeys(metric.scores, metric)
        elif name in known:
            picked[name] = known[name].told(options)
        elif name == "udr":
            raise ValueError(
                "Expected metrics that score one model. Received: udr, which compares the codes of "
                "several: call zoo.metrics.udr with them."
            )
        else:
            raise ValueError(unknown("metric", str(name), [ALL, *by_name]))
    lacking = {metric.name: None for score, metric in picked.items() if score not in free}
    if factorless and lacking:
        names = ", ".join({metric.name: None for metric in free.values()})
        raise ValueError(
            f"Expected known factors for {', '.join(lacking)}. Received: {factorless}, which has "
            f"none. Metrics that need no factors: {names or 'none'}."
        )
    return picked


def _optional(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """The same scores by metrics that are left out where they refuse."""
    optional = {metric: dataclasses.replace(metric, optional=True) for metric in metrics.values()}
    return {score: optional[metric] for score, metric in metrics.items()}


def score_codes(
    metrics: Metrics,
    codes: ArrayLike,
    factors: ArrayLike | None = None,
    test_codes: ArrayLike | None = None,
    test_factors: ArrayLike | None = None,
    seed: int = 0,
    protocol: Mapping[str, JSON] | None = None,
) -> dict[str, Score]:
    """Scores codes by each of the named metrics.

    Args:
        metrics: Names of metrics or scores, such as ("mig", "sap"); "all"; or a dictionary of
            names and options, such as {"mig": {}, "sap": {"predictor": "r2"}}.
        codes: (N, L) real numbers.
        factors: (N, F) whole numbers or floats, for the metrics that need them.
        test_codes: (M, L), for the metrics that fit a predictor and test it.
        test_factors: (M, F).
        seed: What drew the samples, and what a metric itself draws by.
        protocol: What else to put on record, such as {"data": "dsprites"}.

    Returns:
        A Score for each score named, in the order of the names. Of "all", what a metric refuses
        is left out, with a warning that says why.

    Raises:
        ValueError: An unknown metric or option, a metric that needs factors without them, or
            arrays that the metric refuses.

    Example:
        >>> factors = np.arange(100).reshape(50, 2) % 3
        >>> print(score_codes(["mig"], codes=factors, factors=factors)["mig"])
        mig 0.000 (50 samples, 20 bins, seed 0)
    """
    picked = chosen(metrics, "a table of codes" if factors is None else None)
    return _scored(picked, codes, factors, test_codes, test_factors, seed, protocol or {})


def _scored(
    picked: Mapping[str, Metric],
    codes: ArrayLike,
    factors: ArrayLike | None,
    test_codes: ArrayLike | None,
    test_factors: ArrayLike | None,
    seed: int,
    protocol: Mapping[str, JSON],
    tell: Callable[[str], None] = lambda name: None,
) -> dict[str, Score]:
    """The scores that were picked; each metric is computed once, and `tell` hears its name."""
    _check(codes, factors, test_codes, test_factors)
    arrays = (codes, factors, test_codes, test_factors)
    given: dict[str, Any] = {
        name: None if array is None else np.asarray(array)
        for name, array in zip(ARRAYS, arrays, strict=True)
    }
    values: dict[Metric, dict[str, float]] = {}
    results = {}
    for name, metric in picked.items():
        if metric not in values:
            tell(metric.name)
            try:
                values[metric] = metric(**given, seed=seed)
            except ValueError as error:
                if not metric.optional:
                    raise
                warnings.warn(f"left out: {metric.name}: {error}", stacklevel=3)
                values[metric] = {}
        if name not in values[metric]:
            continue
        record: dict[str, JSON] = {**protocol, "samples": len(given["codes"])}
        if metric.takes("test_codes") and given["test_codes"] is not None:
            record["test_samples"] = len(given["test_codes"])
        if metric.takes("factors") and is_continuous(given["factors"]):
            record["factors"] = "binned"
        record |= {**metric.options, "seed": seed}
        results[name] = Score(name, values[metric][name], record)
    return results


def _check(
    codes: ArrayLike,
    factors: ArrayLike | None,
    test_codes: ArrayLike | None,
    test_factors: ArrayLike | None,
) -> None:
    """Refuses what no metric takes, so that a broken encoder is not scored by none of "all"."""
    if factors is None:
        checked_codes(codes)
    else:
        checked_test(checked(codes, factors), test_codes, test_factors)


@dataclass(frozen=True, eq=False)
class Pool:
    """Images and factors drawn once, to score one encoder after another, or one as it learns.

    Attributes:
        scores: The scores to give, each with its metric.
        images: (N, H, W, C) uint8.
        factors: (N, F), or None where the data have none.
        test_images: (M, H, W, C) uint8, or None where no metric tests a predictor.
        test_factors: (M, F), or None.
        seed: What drew them.
        protocol: What the scores say beside their own protocol: the name of the data, if any.
    """

    scores: Mapping[str, Metric]
    images: NDArray[np.uint8]
    factors: NDArray[Any] | None
    test_images: NDArray[np.uint8] | None
    test_factors: NDArray[Any] | None
    seed: int
    protocol: Mapping[str, JSON]

    @classmethod
    def draw(
        cls,
        data: Any,
        metrics: Metrics = DEFAULT,
        samples: int = SAMPLES,
        test_samples: int = TEST_SAMPLES,
        seed: int = 0,
    ) -> Pool:
        """Draws a pool from a data set; arguments and errors as in `evaluate`."""
        picked = chosen_for(data, metrics)  # before any work
        for name, count in (("samples", samples), ("test_samples", test_samples)):
            checks.integer(name, count, low=1)
        checks.integer("seed", seed, low=0)
        images, factors = _sample(data, samples, seed)
        test_images = test_factors = None
        if any(metric.takes("test_codes") for metric in picked.values()):
            # A draw of its own, so that the first is the same whatever the metrics.
            test_seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
            test_images, test_factors = _sample(data, test_samples, test_seed)
        called = getattr(data, "name", None)
        protocol = {"data": str(called)} if called else {}
        return cls(picked, images, factors, test_images, test_factors, seed, protocol)

    def named(self) -> Pool:
        """The pool for the scores alone that were named: none of those that "all" stood for."""
        scores = {name: metric for name, metric in self.scores.items() if not metric.optional}
        return dataclasses.replace(self, scores=scores)

    def head(self, n: int) -> Pool:
        """The pool of the first n images, and test images, alone."""
        first: dict[str, Any] = {}
        for name in ("images", "factors", "test_images", "test_factors"):
            array = getattr(self, name)
            first[name] = None if array is None else array[:n]
        return dataclasses.replace(self, **first)

    def score(
        self, encode: Encode, tell: Callable[[str], None] = lambda metric: None
    ) -> dict[str, Score]:
        """Encodes the pool and scores the codes.

        Args:
            encode: Images (n, H, W, C) uint8 -> codes (n, L), such as a method's `predict`.
            tell: Hears the name of each metric before it is computed.

        Returns:
            A Score for each score, in the order of the names. Of "all", what a metric refuses is
            left out, with a warning that says why.

        Raises:
            ValueError: The codes are NaN or of the wrong shape, or a metric that was named
                refuses them.
        """
        codes = encode(self.images)
        test_codes = None if self.test_images is None else encode(self.test_images)
        return _scored(
            self.scores,
            codes,
            self.factors,
            test_codes,
            self.test_factors,
            self.seed,
            self.protocol,
            tell,
        )


def chosen_for(data: Any, metrics: Metrics) -> dict[str, Metric]:
    """The scores that were named, of a data set; errors as in `evaluate`."""
    called = getattr(data, "name", None) or type(data).__name__
    picked = chosen(metrics, None if has_factors(data) else called)
    if not has_factors(data) and not hasattr(held_out(data), "sample_rows"):
        raise ValueError(
            "Expected a data set: with factor_names and sample, or with sample_rows and read. "
            f"Received: {called}."
        )
    return picked


def _sample(data: Any, n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[Any] | None]:
    """Images with factors, where the data have them; else at most as many as there are."""
    if has_factors(data):
        return data.sample(n, seed)
    images = held_out(data)
    return images.read(images.sample_rows(min(n, len(images)), seed)), None


def evaluate(
    encode: Encode,
    data: Any,
    metrics: Metrics = DEFAULT,
    samples: int = SAMPLES,
    test_samples: int = TEST_SAMPLES,
    seed: int = 0,
) -> dict[str, Score]:
    """Scores an encoder on a data set.

    Args:
        encode: Images (n, H, W, C) uint8 -> codes (n, L), such as a method's `predict`.
        data: A data set with `factor_names` and `sample(n, seed) -> (images, factors)`. For
            metrics that need no factors, any images: of labelled ones, the test half.
        metrics: Names of metrics or scores (`scores()` has them all), "all", or a dictionary of
            names and options, such as {"mig": {}, "sap": {"predictor": "r2"}}.
        samples: Images to score.
        test_samples: Further images for the metrics that fit a predictor and test it.
        seed: Draws the samples; with the same seed and encoder the scores are the same.

    Returns:
        A Score for each score named, in the order of the names. Of "all", what a metric refuses
        is left out, with a warning that says why.

    Raises:
        ValueError: An unknown metric or option, a metric that needs factors on data without, a
            number of samples below 1, a negative seed, or codes that a named metric refuses.

    Example:
        A method in training is scored by `zoo.callbacks.DisentanglementMetrics`; afterwards::

            results = evaluate(method.predict, zoo.data.load("dsprites"))
            print(results["mig"])  # mig 0.312 (data dsprites, 10,000 samples, 20 bins, seed 0)
    """
    return Pool.draw(data, metrics, samples, test_samples, seed).score(encode)
