"""The original file, small: read without its pickle, refused when it is damaged."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo.data import FactorData, load


class Bomb:
    """What a hostile pickle is: it runs something when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def chosen(sprites: FactorData) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 64, 64) of 0 and 1, and classes (n, 6), of a few sprites."""
    part = sprites.subset(shape=[0, 2], scale=5, orientation=[0, 7], x_position=[0, 16, 31])
    images = part.read(slice(None))[..., 0] // 255
    return images, np.insert(part.factors, 0, 0, axis=1)


def write_npz(path: Path, images: np.ndarray, classes: np.ndarray) -> Path:
    metadata = np.array({"bomb": Bomb(path.parent / "exploded")}, dtype=object)
    np.savez_compressed(path, imgs=images, latents_classes=classes, metadata=metadata)
    return path


def write_hdf5(path: Path, images: np.ndarray, classes: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["imgs"] = images
        file["latents/classes"] = classes
    return path


WRITERS = [(write_npz, "dsprites.npz"), (write_hdf5, "dsprites.hdf5")]


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_reads_what_was_written(
    tmp_path: Path, chosen: tuple, write: Callable, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.data.dsprites_file._CHUNK", 50)  # so that there are several
    path = write(tmp_path / name, *chosen)
    data = load("dsprites", file=path)
    assert isinstance(data, FactorData)
    assert data.factor_sizes == (2, 1, 2, 3, 32)
    assert data.factor_names == ("shape", "scale", "orientation", "x_position", "y_position")
    np.testing.assert_array_equal(data.read(slice(None))[..., 0], chosen[0] * 255)
    np.testing.assert_array_equal(data.factors, chosen[1][:, 1:])
    assert data.describe() == {"name": "dsprites", "file": str(path)}
    assert load(f"dsprites:{path}").describe() == data.describe()
    assert data.resized(32).image_shape == (32, 32, 1)


def test_never_loads_the_pickle(tmp_path: Path, chosen: tuple) -> None:
    load("dsprites", file=write_npz(tmp_path / "dsprites.npz", *chosen))
    assert not (tmp_path / "exploded").exists()
    # The bomb is live: numpy's loader, told to allow it, sets it off.
    np.load(tmp_path / "dsprites.npz", allow_pickle=True)["metadata"]
    assert (tmp_path / "exploded").exists()


def test_never_loads_a_pickle_in_place_of_the_classes(tmp_path: Path) -> None:
    classes = np.array([Bomb(tmp_path / "exploded")], dtype=object)
    np.savez(tmp_path / "bad.npz", imgs=np.zeros((1, 64, 64), np.uint8), latents_classes=classes)
    with pytest.raises(
        ValueError, match=r"bad\.npz to be dSprites.*Object arrays cannot be loaded"
    ):
        load("dsprites", file=tmp_path / "bad.npz")
    (tmp_path / "bare").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(ValueError, match="bare to be dSprites"):
        load("dsprites", file=tmp_path / "bare")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(("write", "name"), WRITERS)
@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9])
def test_refuses_a_truncated_file(
    tmp_path: Path, chosen: tuple, write: Callable, name: str, keep: float
) -> None:
    path = write(tmp_path / name, *chosen)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(ValueError, match=rf"Expected .*{name} to be dSprites, the whole"):
        load("dsprites", file=path)


def test_refuses_a_flipped_byte(tmp_path: Path, chosen: tuple) -> None:
    path = write_npz(tmp_path / "dsprites.npz", *chosen)
    damaged = bytearray(path.read_bytes())
    damaged[500] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"dsprites\.npz to be dSprites"):
        load("dsprites", file=path)


@pytest.mark.parametrize(
    ("images", "classes", "message"),
    [
        (np.zeros((3, 64, 64), np.uint8), np.zeros((2, 6), int), "3 images and 2 rows of classes"),
        (np.zeros((2, 64, 64), np.uint8), np.zeros((3, 6), int), "2 images and 3 rows of classes"),
        (np.zeros((2, 32, 32), np.uint8), np.zeros((2, 6), int), r"images of shape \(2, 32, 32\)"),
        (np.zeros((2, 64, 64)), np.zeros((2, 6), int), "dtype float64"),
        (np.zeros((2, 64, 64), np.uint8), np.zeros((2, 5), int), r"classes of shape \(2, 5\)"),
        (np.zeros((2, 64, 64), np.uint8), np.zeros((2, 6)), "classes of shape .* dtype float64"),
        (np.asfortranarray(np.ones((2, 64, 64), np.uint8)), np.zeros((2, 6), int), "Fortran"),
    ],
)
def test_refuses_another_layout(
    tmp_path: Path, images: np.ndarray, classes: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        load("dsprites", file=write_npz(tmp_path / "other.npz", images, classes))


def test_refuses_other_contents(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    with pytest.raises(ValueError, match=r"to be dSprites.*no item named 'latents_classes"):
        load("dsprites", file=tmp_path / "other.npz")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["something"] = 1
    with pytest.raises(ValueError, match=r"other\.h5 to be dSprites"):
        load("dsprites", file=tmp_path / "other.h5")
    with pytest.raises(ValueError, match="to be dSprites"):
        load("dsprites", file=tmp_path)


def test_refuses_bytes_beyond_the_last_image(tmp_path: Path) -> None:
    import zipfile

    path = write_npz(tmp_path / "a.npz", np.zeros((1, 64, 64), np.uint8), np.zeros((1, 6), int))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["imgs.npy"] += b"more"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="bytes beyond the last image"):
        load("dsprites", file=path)
