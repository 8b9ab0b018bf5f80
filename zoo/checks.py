"""Refusals at the border: ValueErrors that say what was expected and what was received."""

from __future__ import annotations

import math
import numbers
from typing import Any

from zoo.messages import unknown


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Returns `value` as a float in [low, high]; refuses anything else, NaN and bool included."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        passed = float(value) if real else math.nan
    except OverflowError:  # an integer beyond all floats
        passed = math.inf
    if not low <= passed <= high or math.isinf(passed):
        raise ValueError(
            f"Expected {name} to be {_span('a number', low, high)}. Received: {value!r}."
        )
    return passed


def positive(name: str, value: Any) -> float:
    """Returns `value` as a finite float above 0; refuses anything else, NaN and bool included."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 < float(value) < math.inf:
        raise ValueError(f"Expected {name} to be a number above 0. Received: {value!r}.")
    return float(value)


def integer(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> int:
    """Returns `value` as an int in [low, high]; refuses anything else, bool included."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not low <= int(value) <= high:
        raise ValueError(
            f"Expected {name} to be {_span('an integer', low, high)}. Received: {value!r}."
        )
    return int(value)


def one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    """Returns `value` if it is one of the known names; refuses it with the nearest otherwise."""
    if value not in known:
        raise ValueError(unknown(name, str(value), known))
    return value


def _span(kind: str, low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{kind} from {low:g} to {high:g}"
    if math.isfinite(low):
        return f"{kind} of at least {low:g}"
    if math.isfinite(high):
        return f"{kind} of at most {high:g}"
    return kind.replace("a number", "a finite number")  # integers are finite anyway
