"""Refusals at the border: ValueErrors that say what was expected and what was received."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

from zoo.messages import unknown


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Returns `value` as a float in [low, high]; refuses anything else, NaN and bool included."""
    passed = _as_float(value)
    if not low <= passed <= high or math.isinf(passed):
        raise ValueError(
            f"Expected {name} to be {_span('a number', low, high)}. Received: {value!r}."
        )
    return passed


def positive(name: str, value: Any) -> float:
    """Returns `value` as a finite float above 0; refuses anything else, NaN and bool included."""
    passed = _as_float(value)
    if not 0 < passed < math.inf:
        raise ValueError(f"Expected {name} to be a number above 0. Received: {value!r}.")
    return passed


def _as_float(value: Any) -> float:
    """A number as a float, infinite beyond all floats; NaN for anything else, bool included."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


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


def truth(name: str, value: Any) -> bool:
    """Returns `value` if it is True or False; refuses anything else, 0 and 1 included."""
    if not isinstance(value, bool):
        raise ValueError(f"Expected {name} to be True or False. Received: {value!r}.")
    return value


def layer_units(name: str, value: Any) -> list[int]:
    """Returns the units of several layers, at least one, as a list; refuses anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(
            f"Expected {name} to be a sequence of at least one layer's units. Received: {value!r}."
        )
    return [integer(name, units, low=1) for units in value]


def alike(**tensors: Any) -> None:
    """Refuses tensors that would broadcast: (N, H, W) and (N, H, W, 1) make (N, H, W, W).

    Sides of unknown length pass.
    """
    shapes = [tuple(tensor.shape) for tensor in tensors.values()]
    ranks = {len(shape) for shape in shapes}
    sides = [set(sides) - {None} for sides in zip(*shapes, strict=False)]
    if len(ranks) > 1 or any(len(lengths) > 1 for lengths in sides):
        raise ValueError(
            f"Expected {_listed(tensors)} of one shape. Received: {_listed(map(str, shapes))}."
        )


def rows(name: str, tensor: Any, low: int) -> None:
    """Refuses what is no table (N, L) of at least `low` rows. Sides of unknown length pass."""
    shape = tuple(tensor.shape)
    if len(shape) != 2 or (shape[0] is not None and shape[0] < low):
        raise ValueError(
            f"Expected {name} of shape (N, L), N at least {low}. Received shape: {shape}."
        )


def one_each(name: str, tensor: Any, images: Any) -> None:
    """Refuses what is no integer or truth value for each of so many images (N, ...)."""
    shape, n = tuple(tensor.shape), images.shape[0]
    dtype = getattr(tensor.dtype, "name", str(tensor.dtype))
    fits = len(shape) == 1 and (None in (shape[0], n) or shape[0] == n)
    if not fits or not dtype.startswith(("int", "uint", "bool")):
        raise ValueError(
            f"Expected {name} of shape (N,), integers or booleans, one for each of "
            f"{'N' if n is None else n} images. Received shape: {shape}, dtype: {dtype}."
        )


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"


def _span(kind: str, low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{kind} from {low:g} to {high:g}"
    if math.isfinite(low):
        return f"{kind} of at least {low:g}"
    if math.isfinite(high):
        return f"{kind} of at most {high:g}"
    return kind.replace("a number", "a finite number")  # integers are finite anyway
