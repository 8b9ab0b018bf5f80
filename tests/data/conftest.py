"""Data that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from zoo.data import FactorData, load
from zoo.data.pixels import ArrayPixels


@pytest.fixture(scope="session")
def sprites(cache: Path) -> FactorData:
    """All of dSprites, generated."""
    data = load("dsprites")
    assert isinstance(data, FactorData)
    return data


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of published data that tests compare with; skips where there is none."""
    folder = os.environ.get("REPZOO_TEST_DATA")
    if not folder or not (Path(folder) / "data").is_dir():
        pytest.skip("REPZOO_TEST_DATA names no folder with data/: nothing to compare with")
    return Path(folder) / "data"


@pytest.fixture
def toy() -> FactorData:
    """24 images of 4x6x3 with factors of 2, 3 and 4 values; pixel (0, 0, 0) is the row."""
    images = np.random.default_rng(0).integers(0, 256, (24, 4, 6, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(24)
    factors = np.indices((2, 3, 4)).reshape(3, -1).T
    return FactorData("toy", ArrayPixels(images), factors, ("hue", "size", "angle"))
