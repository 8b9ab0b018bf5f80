"""tensorflow-datasets: a real small dSprites, mocked others, and none at all."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo.data import FactorData, LabelledData, load
from zoo.data.from_tfds import superclasses_of

tfds = pytest.importorskip("tensorflow_datasets")


@pytest.fixture(autouse=True)
def prepared(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for prepared datasets in place of the user's."""
    folder = tmp_path_factory.mktemp("tfds")
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(folder), raising=False)
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """A context in which datasets are prepared, with the named splits and random content."""

    @contextmanager
    def mock(*splits: str, num_examples: int = 20) -> Iterator[None]:
        infos = {
            split: tfds.core.SplitInfo(name=split, shard_lengths=[num_examples], num_bytes=0)
            for split in splits
        }
        with monkeypatch.context() as patch, tfds.testing.mock_data(num_examples=num_examples):
            patch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: True)
            patch.setattr(tfds.core.DatasetInfo, "splits", infos)
            yield

    return mock


def test_dsprites_prepared_for_real(
    tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch, sprites: FactorData
) -> None:
    part = sprites.subset(
        shape=2, scale=5, orientation=[0, 7], x_position=[0, 16], y_position=[3, 9]
    )
    rows = np.arange(len(part))
    classes = np.insert(part.factors * (1, 1, 7, 16, 6) + (2, 5, 0, 0, 3), 0, 0, axis=1)
    source = tmp_path / "dsprites.hdf5"
    with h5py.File(source, "w") as file:
        file["imgs"] = part.read(rows)[..., 0] // 255
        file["latents/classes"] = classes
        file["latents/values"] = classes.astype(np.float64)
    with monkeypatch.context() as patch:
        patch.setattr(tfds.download.DownloadManager, "download", lambda self, url: str(source))
        data = load("tfds:dsprites", download=True)
    assert isinstance(data, FactorData)
    assert data.factor_names == sprites.factor_names
    assert data.factor_sizes == sprites.factor_sizes
    np.testing.assert_array_equal(data.factors, classes[:, 1:])  # in the original order
    np.testing.assert_array_equal(data.read(rows), part.read(rows))
    np.testing.assert_array_equal(data.images(classes[:, 1:]), part.read(rows))
    # Now it is on this machine, and needs no download.
    again = load("tfds:dsprites", size=32)
    assert again.describe() == {"name": "tfds:dsprites", "size": [32, 32]}
    assert isinstance(again, FactorData)
    np.testing.assert_array_equal(again.read(rows), part.resized(32).read(rows))


@pytest.mark.parametrize(
    ("name", "shape", "splits", "sizes"),
    [
        ("shapes3d", (64, 64, 3), ("train",), (10, 10, 10, 8, 4, 15)),
        ("smallnorb", (96, 96, 1), ("train", "test"), (5, 10, 9, 18, 6)),
    ],
)
def test_factor_sets(
    mocked: Callable, name: str, shape: tuple, splits: tuple, sizes: tuple
) -> None:
    with mocked(*splits):
        data = load(f"tfds:{name}")
        small = load(f"tfds:{name}", size=16)
    assert isinstance(data, FactorData)
    assert data.image_shape == shape
    assert len(data) == 20 * len(splits)
    assert data.factor_sizes == sizes
    keys = np.ravel_multi_index(tuple(data.factors.T), sizes)
    assert (np.diff(keys) >= 0).all()
    assert all(not factor.startswith("label_") for factor in data.factor_names)
    np.testing.assert_array_equal(small.read([0, 19]), data.resized(16).read([0, 19]))  # type: ignore[union-attr]
    assert small.describe() == {"name": f"tfds:{name}", "size": [16, 16]}


@pytest.mark.parametrize("name", ["mnist", "tfds:mnist", "cifar10"])
def test_labelled_sets(mocked: Callable, name: str) -> None:
    with mocked("train", "test"):
        data = load(name)
    assert isinstance(data, LabelledData)
    assert data.image_shape == {"cifar10": (32, 32, 3)}.get(name, (28, 28, 1))
    assert (len(data.train), len(data.test)) == (20, 20)
    assert data.num_classes == 10
    assert data.train.labels is not None
    assert data.train.labels.shape == (20,)
    assert data.describe() == {"name": name}


def test_celeb_a_is_cropped_and_has_attributes(mocked: Callable) -> None:
    with mocked("train", "validation", "test", num_examples=4):
        data, full = load("tfds:celeb_a"), load("tfds:celeb_a", size=178)
    assert isinstance(data, LabelledData)
    assert isinstance(full, LabelledData)
    assert data.image_shape == (64, 64, 3)
    assert full.image_shape == (178, 178, 3)
    assert data.num_classes == 40
    assert data.class_names[:2] == ("5_o_Clock_Shadow", "Arched_Eyebrows")
    assert data.train.labels is not None
    assert data.train.labels.shape == (4, 40)
    assert set(np.unique(data.train.labels)) == {0, 1}
    np.testing.assert_array_equal(full.resized(64).train.images, data.train.images)


@pytest.mark.parametrize(
    ("splits", "lengths"), [(("train",), (18, 2)), (("train", "validation"), (20, 20))]
)
def test_without_a_test_split(mocked: Callable, splits: tuple, lengths: tuple) -> None:
    with mocked(*splits):
        data = load("tfds:mnist")
    assert isinstance(data, LabelledData)
    assert (len(data.train), len(data.test)) == lengths


def test_images_of_several_sizes_need_one(mocked: Callable) -> None:
    with mocked("train", "test", num_examples=3):
        with pytest.raises(ValueError, match=r"Expected a size= .* for 'cats_vs_dogs'"):
            load("tfds:cats_vs_dogs")
        data = load("tfds:cats_vs_dogs", size=16)
    assert data.image_shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minst", r"Unknown dataset 'tfds:minst'\. Did you mean 'tfds:mnist'"),
        ("qqqqqqqq", r"Unknown dataset 'tfds:qqqqqqqq'\. Expected a name that"),
        (
            "imdb_reviews",
            r"'tfds:imdb_reviews' to have the features image and label\. Received: text, label",
        ),
        ("mnist:99.0.0", r"Expected a dataset of tensorflow-datasets\. Received: 'mnist:99\.0\.0'"),
    ],
)
def test_refuses_what_is_no_image_data(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(f"tfds:{name}")


def test_refuses_data_without_train(mocked: Callable) -> None:
    with (
        mocked("test"),
        pytest.raises(ValueError, match=r"to have a split train\. Received: test\."),
    ):
        load("tfds:mnist")


def test_refuses_labels_that_are_no_classes(
    mocked: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(4, 4, 1)), "label": np.float32}
    )
    monkeypatch.setattr(tfds.core.DatasetInfo, "features", features)
    with mocked("train"), pytest.raises(ValueError, match=r"label of 'tfds:mnist' to be a class"):
        load("tfds:mnist")


def test_refuses_images_of_other_types(mocked: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(4, 4, 1), dtype=np.uint16),
            "label": tfds.features.ClassLabel(num_classes=2),
        }
    )
    monkeypatch.setattr(tfds.core.DatasetInfo, "features", features)
    with (
        mocked("train"),
        pytest.raises(ValueError, match=r"images of 'mnist' to be uint8\. Received"),
    ):
        load("tfds:mnist")


@pytest.mark.parametrize("name", ["mnist", "cifar10", "tfds:dsprites", "tfds:celeb_a"])
def test_says_how_to_prepare_what_is_not_there(name: str) -> None:
    with pytest.raises(OSError, match=r"on this machine.*Prepare it once.*download=True.*file="):
        load(name)


def test_fails_fast_in_a_fresh_process(prepared: Path) -> None:
    code = """
import sys, zoo.data
try: zoo.data.load("tfds:dsprites")
except OSError: sys.exit("tensorflow" in sys.modules)
"""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert time.monotonic() - start < 5


def test_superclasses_are_known_where_the_data_agree_on_them(mocked: Callable) -> None:
    labels, coarse = np.array([2, 0, 1, 2, 0]), np.array([7, 3, 3, 7, 3])
    assert superclasses_of(labels, coarse, 3) == [3, 3, 7]
    assert superclasses_of(labels, np.array([7, 3, 3, 7, 4]), 3) is None  # 0 is of two
    assert superclasses_of(labels, coarse, 4) is None  # nothing is of class 3
    with mocked("train", "test"):
        data = load("tfds:cifar100")
    assert isinstance(data, LabelledData)
    assert data.num_classes == 100
    assert data.train.labels is not None
    assert data.train.labels.shape == (20,)
    assert data.superclasses is None  # 20 random images show not every class
