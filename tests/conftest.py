"""Settings and folders that all tests share."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import pytest


@pytest.fixture
def test_data() -> pathlib.Path:
    """The folder of published data and reference values; tests that need it skip without it."""
    root = os.environ.get("REPZOO_TEST_DATA")
    if not root or not pathlib.Path(root).is_dir():
        pytest.skip("REPZOO_TEST_DATA names no folder with the published data")
    return pathlib.Path(root)
