"""Model cards: what lies beside an exported SavedModel, for programs and for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2

from zoo.files import from_json_number
from zoo.messages import formatted

CARD = "card.json"
PACKAGES = ("repzoo", "tensorflow", "keras", "numpy", "scikit-learn")


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Writes a card into the folder of a SavedModel: card.json, and README.md made of it.

    Raises:
        ValueError: It holds NaN or infinity, which JSON does not know.
    """
    (folder / CARD).write_text(json.dumps(card, indent=2, allow_nan=False) + "\n")
    (folder / "README.md").write_text(_readable(card))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def signature(function: Any) -> str:
    """What a function takes and gives: "image uint8 (N, 32, 32, 1) -> codes float32 (N, 10)"."""
    given, named = function.structured_input_signature  # as it was traced, or as it was loaded
    inputs = [(spec.name, spec) for spec in (*given, *named.values())]
    takes, gives = (
        ", ".join(f"{name} {spec.dtype.name} {_shape(spec)}" for name, spec in specs)
        for specs in (inputs, function.structured_outputs.items())
    )
    return f"{takes} -> {gives}"


def _shape(spec: Any) -> str:
    """A shape of N samples: "(N, 32, 32, 1)", or "(N,)" of numbers."""
    return f"(N, {', '.join(map(str, spec.shape[1:]))})" if spec.shape.rank > 1 else "(N,)"


def _readable(card: Mapping[str, Any]) -> str:
    """The card as a page."""
    template = resources.files("zoo").joinpath("templates/card.md.j2").read_text()
    page = jinja2.Template(template, trim_blocks=True, lstrip_blocks=True)
    return page.render(card=card, formatted=formatted, number=from_json_number) + "\n"
