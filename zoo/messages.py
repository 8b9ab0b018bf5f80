"""Words that many messages share: the nearest of unknown names, short numbers."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sized
from typing import Any


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is not among the known ones.

    Example:
        >>> unknown("metric", "mgi", ["sap", "mig"])
        "Unknown metric 'mgi'. Did you mean 'mig'? Expected one of: mig, sap."
        >>> unknown("subspace", "colour", [])
        "Unknown subspace 'colour'. There is none."
    """
    names = sorted(known)
    if not names:
        return f"Unknown {kind} {name!r}. There is none."
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"Unknown {kind} {name!r}.{hint} Expected one of: {', '.join(names)}."


def counted(count: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "run"), counted(1200, "run")
        ('1 run', '1,200 runs')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def described(batch: Any) -> str:
    """What was given as a batch.

    Example:
        >>> described((1, 2))
        'a tuple of 2'
        >>> described({"image": 1})
        "a dictionary with 'image'"
    """
    if isinstance(batch, Mapping):
        return f"a dictionary with {', '.join(map(repr, batch)) or 'nothing'}"
    if hasattr(batch, "shape"):
        return f"images of shape {tuple(batch.shape)}"
    length = f" of {len(batch)}" if isinstance(batch, Sized) else ""
    return f"a {type(batch).__name__}{length}"


def formatted(value: float, form: str) -> str:
    """A number in a form such as ".4f"; infinity by its sign, NaN as nothing.

    Example:
        >>> formatted(0.25, ".4f"), formatted(math.inf, ".4f"), formatted(math.nan, ".4f")
        ('0.2500', '∞', '')
    """
    if math.isnan(value):
        return ""
    return format(value, form).replace("inf", "\N{INFINITY}")


def short(value: float) -> str:
    """A number in as few characters as tell it from every other.

    Example:
        >>> short(4.0), short(1e-05), short(0.12345678)
        ('4', '1e-05', '0.12345678')
    """
    text = f"{value:g}"
    return text if float(text) == value else repr(value)
