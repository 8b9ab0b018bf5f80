"""Every method of the zoo, found by walking its family packages: no list is kept by hand.

A method is a file `zoo/<family>/<name>.py` that holds one class of the same name: `beta_vae.py`
holds `BetaVAE`. Names are found without importing TensorFlow; classes are imported when asked for.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.messages import unknown

if TYPE_CHECKING:
    from zoo.method import Method

FAMILIES = ("disentangled", "contrastive", "partial")


def names() -> dict[str, str]:
    """Method names and their modules, e.g. {"beta_vae": "zoo.disentangled.beta_vae"}."""
    root = Path(__file__).parent
    return {
        module.name: f"zoo.{family}.{module.name}"
        for family in FAMILIES
        for module in pkgutil.iter_modules([str(root / family)])
        if not module.name.startswith("_")
    }


def summary(name: str) -> str:
    """What one method is, in a line: the first of its file, read without importing it."""
    family, module = names()[name].split(".")[1:]
    source = (Path(__file__).parent / family / f"{module}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def method(name: str) -> type[Method]:
    """The class of one method: `method("beta_vae")` is `zoo.BetaVAE`.

    Raises:
        ValueError: No method has this name; the message holds the nearest.
    """
    modules = names()
    if name not in modules:
        raise ValueError(unknown("method", name, modules))
    return _class_in(importlib.import_module(modules[name]))


def methods() -> dict[str, type[Method]]:
    """Every method by name: {"beta_vae": BetaVAE, ...}. Imports TensorFlow."""
    return {name: method(name) for name in sorted(names())}


def find_class(class_name: str) -> type[Method] | None:
    """The method whose class is called `class_name`, or None. Imports only that method."""
    for name in names():
        if name.replace("_", "") == class_name.lower():
            found = method(name)
            return found if found.__name__ == class_name else None
    return None


def _class_in(module) -> type[Method]:
    from zoo.method import Method

    stem = module.__name__.rpartition(".")[2].replace("_", "")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Method) and value.__name__.lower() == stem:
            return value
    raise ImportError(f"Expected {module.__name__} to hold a Method called like its file.")
