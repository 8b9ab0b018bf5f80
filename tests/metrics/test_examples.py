"""The examples in the docstrings of zoo.metrics run and say what they claim."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import zoo.metrics

MODULES = [module.name for module in pkgutil.iter_modules(zoo.metrics.__path__, "zoo.metrics.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried > 0
    assert failed == 0


def test_metrics_need_no_tensorflow():
    code = (
        "import sys, numpy as np, zoo.metrics as m; z = np.eye(40)[:, :4]; "
        "m.mig(z, z); m.sap(z, z); m.sap(z, z, predictor='logistic'); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_exists():
    assert all(hasattr(zoo.metrics, name) for name in zoo.metrics.__all__)
