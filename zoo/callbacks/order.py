"""The order of callbacks in a list.

Keras hands one `logs` dict down the list: a callback that writes a score must stand before those
that read it. A callback cannot see its neighbours, so `Method.fit` introduces them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


def writes_scores(callback: Any) -> bool:
    """Whether a callback writes values into the epoch's logs: it names them in `writes`."""
    return bool(getattr(callback, "writes", ()))


def reads(callback: Any, names: tuple[str, ...]) -> bool:
    """Whether a callback needs these values of the epoch's logs."""
    if getattr(callback, "reads_logs", False):
        return True
    if isinstance(callback, keras.callbacks.CSVLogger | keras.callbacks.TensorBoard):
        return True
    return getattr(callback, "monitor", None) in names


@contextlib.contextmanager
def introduce(callbacks: Any) -> Iterator[None]:
    """Checks the order of a list of callbacks and tells each that wants to know its neighbours.

    A callback with a method `meet(neighbours)` gets the list; one with `part()` is told when
    `fit` has ended, however it ended.

    Raises:
        ValueError: A callback stands before one whose values it needs.
    """
    listed = list(callbacks) if isinstance(callbacks, list | tuple) else []
    for place, later in enumerate(listed):
        for earlier in listed[:place]:
            if writes_scores(later) and reads(earlier, later.writes):
                raise ValueError(
                    f"Expected {type(later).__name__} before {type(earlier).__name__} in "
                    f"`callbacks`, which reads what it writes ({', '.join(later.writes)}). "
                    f"Received: {', '.join(type(c).__name__ for c in listed)}."
                )
    for callback in listed:
        if hasattr(callback, "meet"):
            callback.meet(listed)
    try:
        yield
    finally:
        for callback in listed:
            if hasattr(callback, "part"):
                callback.part()
