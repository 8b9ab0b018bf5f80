"""The order of callbacks in a list.

Keras hands one `logs` dict down the list: a callback that writes a score must stand before those
that read it. A callback cannot see its neighbours, so `Method.fit` introduces them.

What a callback may have for it, beside what Keras asks of one:
    writes             names of the values that it writes into the epoch's logs
    reads_logs         True where it reads all that the logs hold
    meet(neighbours, endless)
                       gets the list before training, and whether the data have no end; what it
                       returns, if anything, is a callback that stands before all others
    part()             is told when `fit` has ended, however it ended
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
def introduce(callbacks: Any, endless: bool) -> Iterator[Any]:
    """Checks the order of a list of callbacks and tells each that wants to know its neighbours.

    Args:
        callbacks: As given to `fit`.
        endless: Whether the data are a stream without end.

    Yields:
        The list for Keras, with those in front whom `meet` brought.

    Raises:
        ValueError: A callback stands before one whose values it needs.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    listed = [] if callbacks is None else keras.tree.flatten(callbacks)  # as Keras does
    for place, later in enumerate(listed):
        for earlier in listed[:place]:
            if writes_scores(later) and reads(earlier, later.writes):
                raise ValueError(
                    f"Expected {type(later).__name__} before {type(earlier).__name__} in "
                    f"`callbacks`, which reads what it writes ({', '.join(later.writes)}). "
                    f"Received: {', '.join(type(c).__name__ for c in listed)}."
                )
    with contextlib.ExitStack() as farewells:  # each is heard, whatever another raises
        for callback in listed:
            if hasattr(callback, "part"):
                farewells.callback(callback.part)
        met = [callback.meet(listed, endless) for callback in listed if hasattr(callback, "meet")]
        yield [*filter(None, met), *listed]
