"""Applications know SavedModels and nothing of what made them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import applications

FOLDER = Path(applications.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
FORBIDDEN = (
    "keras",
    "zoo.contrastive",
    "zoo.disentangled",
    "zoo.exporting",
    "zoo.method",
    "zoo.networks",
    "zoo.partial",
    "zoo.registry",
    "zoo.training",
)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_imports_no_method(path):
    for name in imported(path):
        assert not any(f"{name}.".startswith(f"{module}.") for module in FORBIDDEN), name


def test_importing_it_costs_no_tensorflow():
    modules = [f"applications.{path.stem}" for path in FILES if path.stem != "__init__"]
    script = """if True:
        import importlib, sys
        for name in sys.argv[1:]:
            importlib.import_module(name)
            loaded = {"tensorflow", "keras", "zoo.method", "zoo.registry"} & set(sys.modules)
            assert not loaded, (name, loaded)
    """
    subprocess.run([sys.executable, "-c", script, *modules], check=True)


def test_public_names_are_there():
    for name in dir(applications):
        assert getattr(applications, name).__name__ == name
    assert {"adapt", "edit", "explore", "interpret", "probe", "search"} <= set(dir(applications))


def test_no_name_is_a_function_at_first_and_a_module_later():
    assert not {path.stem for path in FILES} & set(dir(applications))


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'explor'"):
        _ = applications.explor
