"""Codes and factors with known scores."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent / "reference"
SCORES = json.loads((HERE / "scores.json").read_text())


@dataclass(frozen=True)
class Reference:
    """One reference file: `sap(*reference.arrays)`; its scores by disentanglement_lib."""

    name: str
    arrays: tuple
    scores: dict

    @property
    def train(self):
        return self.arrays[:2]


def load(name):
    file = HERE / f"{name}.npz"
    if not file.exists():
        shared = os.environ.get("REPZOO_TEST_DATA", "")
        file = Path(shared, "reference", "metrics", file.name)
        if not shared or not file.exists():
            pytest.skip(f"{file.name} is not in $REPZOO_TEST_DATA/reference/metrics")
    with np.load(file) as data:
        arrays = tuple(data[key] for key in ("mus_train", "ys_train", "mus_test", "ys_test"))
    return Reference(name, arrays, SCORES[name]["scores"])


@pytest.fixture(params=SCORES, scope="session")
def reference(request):
    return load(request.param)


@pytest.fixture(params=[name for name in SCORES if name.endswith("_small")], scope="session")
def small_reference(request):
    return load(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def factors(rng):
    """(2000, 3) factors of 3, 4 and 5 values, independent of one another."""
    return rng.integers(0, [3, 4, 5], (2000, 3))
