"""Scoring an encoder on a data set with known factors, with the protocol beside each number.

A score without its protocol cannot be compared: the number of samples, the bins and the predictor
all move it. So a `Score` carries them, read from the metric's own signature.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

import zoo.metrics
from zoo.messages import unknown

JSON = str | int | float | bool | None
Encode = Callable[[NDArray[np.uint8]], ArrayLike]

# What a metric may be given, by the names in its signature. Its other arguments keep their
# defaults, and those are its protocol.
GIVEN = ("codes", "factors", "test_codes", "test_factors", "seed")


class FactorData(Protocol):
    """What `evaluate` needs of a data set: samples with the values of their known factors."""

    factor_names: Sequence[str]

    def sample(self, n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Draws images (n, H, W, C) uint8 and their factors (n, F); the same for the same seed."""


@dataclass(frozen=True)
class Score:
    """A number and how it was obtained.

    Attributes:
        name: The metric, a function of `zoo.metrics`.
        value: The number.
        protocol: Everything that moves it: samples, bins, predictor, seed, data.

    Example:
        >>> print(Score("mig", 0.3117, {"samples": 10_000, "bins": 20, "seed": 0}))
        mig 0.312 (10,000 samples, 20 bins, seed 0)
    """

    name: str
    value: float
    protocol: Mapping[str, JSON] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.value:.3f} ({', '.join(map(_phrase, *_columns(self)))})"

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `json` can write: name, value, protocol.

        Example:
            >>> Score("mig", 0.25, {"bins": 20}).to_json()
            {'name': 'mig', 'value': 0.25, 'protocol': {'bins': 20}}
        """
        return {"name": self.name, "value": self.value, "protocol": dict(self.protocol)}
