"""What the zoo says of a name that it does not know: the nearest, and all there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is not among the known ones.

    Example:
        >>> unknown("method", "bta_vae", ["vae", "beta_vae"])
        "Unknown method 'bta_vae'. Did you mean 'beta_vae'? Expected one of: beta_vae, vae."
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"Unknown {kind} {name!r}.{hint} Expected one of: {', '.join(names)}."
