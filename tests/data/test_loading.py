"""`load`: names, arguments that belong together, and rebuilding from a description."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

import zoo.data
from zoo.data import FactorData, LabelledData, load


def test_names_are_those_that_load_documents() -> None:
    assert zoo.data.names() == [
        "cifar10",
        "coloured_sprites",
        "digits",
        "dsprites",
        "folder:PATH",
        "mnist",
        "tfds:NAME",
    ]
    for name in zoo.data.names():
        assert f"{name.partition(':')[0]}" in (inspect.getdoc(load) or "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "dsprite",
            r"Unknown dataset 'dsprite'\. Did you mean 'dsprites' or .*\? Expected one of: cifar10",
        ),
        ("minst", r"Did you mean 'mnist'\?"),
        ("coloured_sprites:here", r"Unknown dataset 'coloured_sprites:here'"),
        ("coloured_sprite", r"Did you mean 'coloured_sprites'"),
        ("digits:somewhere", r"Unknown dataset 'digits:somewhere'"),
        ("", r"Unknown dataset ''\. Expected one of"),
        ("folder:", r"Expected 'folder:' and what to read\. Received: 'folder:'\."),
        ("tfds", r"Expected 'tfds:' and what to read\. Received: 'tfds'\."),
    ],
)
def test_refuses_unknown_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(name)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("digits", {"file": "x.npz"}, r"Expected no file= for 'digits'\. Received: 'x\.npz'\."),
        ("coloured_sprites", {"file": "x"}, r"Expected no file= for 'coloured_sprites'"),
        ("dsprites", {"folder": "x"}, r"Expected no folder= for 'dsprites'"),
        ("dsprites", {"download": True}, r"Expected no download= for 'dsprites'\. Received: True"),
        ("tfds:mnist", {"skip_bad": True}, r"Expected no skip_bad= for 'tfds'"),
        ("mnist", {"file": "x", "folder": "y"}, r"at most one of 'mnist:PATH', file= and folder="),
        ("mnist:x", {"file": "y"}, r"Received: 'mnist:x', file='y', folder=None"),
        ("digits", {"subset": {"hue": 0}}, r"no subset= for 'digits', which has no factors"),
    ],
)
def test_refuses_arguments_of_others(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(name, **arguments)


@pytest.mark.parametrize("name", ["folder:{}", "mnist:{}", "cifar10:{}", "dsprites:{}"])
def test_says_when_nothing_is_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"Expected a file or folder at .*nowhere"):
        load(name.format(tmp_path / "nowhere"))


def test_a_description_rebuilds_the_data(sprites: FactorData) -> None:
    data = sprites.subset(orientation=0, scale=[0, 3, 5]).resized(32)
    settings = data.describe()
    assert settings == {
        "name": "dsprites",
        "subset": {"orientation": [0], "scale": [0, 3, 5]},
        "size": [32, 32],
    }
    again = load(**settings)
    assert isinstance(again, FactorData)
    assert again.describe() == settings
    assert again.factor_sizes == (3, 3, 1, 32, 32)
    for a, b in zip(data.sample(100, seed=0), again.sample(100, seed=0), strict=True):
        np.testing.assert_array_equal(a, b)


def test_size_is_resized() -> None:
    data = load("digits", size=(16, 12))
    assert isinstance(data, LabelledData)
    assert data.image_shape == (16, 12, 1)
    assert (
        load(**data.describe()).describe()
        == data.describe()
        == {"name": "digits", "size": [16, 12]}
    )


def test_the_package_exports_what_it_names() -> None:
    for name in zoo.data.__all__:
        assert inspect.getdoc(getattr(zoo.data, name))
