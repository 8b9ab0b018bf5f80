import importlib
import subprocess
import sys

import pytest

import zoo
from tests.contract import MethodContract
from zoo import registry
from zoo.method import Method


def test_methods_are_found_by_their_files():
    methods = zoo.methods()
    assert methods["vae"] is zoo.VAE
    assert methods["beta_vae"] is zoo.BetaVAE
    assert list(methods) == sorted(methods)


def test_every_method_is_a_method_called_like_its_file():
    for name, cls in zoo.methods().items():
        assert issubclass(cls, Method)
        assert cls.__name__.lower() == name.replace("_", "")
        assert getattr(zoo, cls.__name__) is cls


def test_every_method_has_a_recipe_and_a_summary():
    for name, cls in zoo.methods().items():
        assert {"data", "steps", "epochs", "batch_size", "learning_rate"} <= set(cls.recipe)
        assert registry.summary(name) == sys.modules[cls.__module__].__doc__.partition("\n")[0]
        assert registry.summary(name)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="Unknown method 'bta_vae'"):
        registry.method("bta_vae")


@pytest.mark.parametrize("name", ["Nothing", "nothing", "Betavae", "BETAVAE", "VAe", "_private"])
def test_an_unknown_attribute_is_an_attribute_error(name):
    assert not hasattr(zoo, name)
    with pytest.raises(AttributeError, match=f"module 'zoo' has no attribute '{name}'"):
        getattr(zoo, name)


def test_dir_lists_what_there_is():
    names = dir(zoo)
    assert {"BetaVAE", "VAE", "Method", "data", "export", "metrics", "methods"} <= set(names)
    assert all(hasattr(zoo, name) for name in names)


@pytest.mark.parametrize(
    "code",
    [
        "import zoo",
        "import zoo.data, zoo.metrics",
        "from zoo import registry; assert 'beta_vae' in registry.names()",
        "from zoo import registry; registry.summary('beta_vae')",
        "from zoo.runs import Run, Settings",
        "import zoo.cli",
    ],
)
def test_imports_that_cost_no_tensorflow(code):
    code += "; import sys; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_method_is_tested_by_the_contract():
    for name, module in registry.names().items():
        family = module.split(".")[1]
        test = importlib.import_module(f"tests.{family}.test_{name}")
        made = [
            type(value().make())
            for value in vars(test).values()
            if isinstance(value, type)
            and issubclass(value, MethodContract)
            and value.make is not MethodContract.make  # no base class
        ]
        assert registry.method(name) in made
