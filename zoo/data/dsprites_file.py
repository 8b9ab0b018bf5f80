"""dSprites as its authors published it, from the `.npz` or the `.hdf5` file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dsprites import FACTOR_NAMES, SIDE
from zoo.data.factors import FactorData
from zoo.data.pixels import BitPixels
from zoo.data.progress import progress

_CHUNK = 4096
"""Images unpacked at a time, 16 MB: the whole file would be 3 GB."""

# What zipfile, zlib, numpy and h5py raise on files that are cut off, damaged or something else.
_DAMAGE = (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error)


def read_dsprites_file(file: Path, settings: dict[str, Any]) -> FactorData:
    """Reads the original file into memory, a bit a pixel (377 MB for all of it).

    Images come from `imgs`, factors from `latents_classes` (`.npz`) or `latents/classes`
    (`.hdf5`) without their first column, the colour, which never varies. The `.npz` also has a
    pickled member, `metadata`: it is not touched, since loading a pickle runs what is in it.

    Args:
        file: The `.npz` or `.hdf5` file; one with fewer images than all will do, too.
        settings: What `zoo.data.load` needs to make this dataset again, its name among it.

    Raises:
        ValueError: If it is neither, or damaged.
    """
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                bits, classes = _pack(_npz_chunks(archive), _npz_classes(archive))
        else:
            import h5py

            with h5py.File(file, "r") as opened:
                bits, classes = _pack(_hdf5_chunks(opened), opened["latents/classes"][:])
        pixels = BitPixels(bits, SIDE, SIDE)
        return FactorData(settings["name"], pixels, classes[:, 1:], FACTOR_NAMES, settings=settings)
    except _DAMAGE as error:
        raise ValueError(
            f"Expected {file} to be dSprites, the whole .npz or .hdf5 file. Received: {error}"
        ) from error


def _pack(chunks: Iterator[np.ndarray], classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The images as bits, uint8 (N, 512), and the classes (N, 6) once they are checked."""
    if classes.shape[1:] != (6,) or classes.dtype.kind not in "iu":
        raise ValueError(f"classes of shape {classes.shape} and dtype {classes.dtype}.")
    bits = np.empty((len(classes), SIDE * SIDE // 8), np.uint8)
    packed = 0
    with progress("Reading dSprites", len(classes)) as advance:
        for chunk in chunks:
            n = len(chunk)
            if packed + n <= len(bits):
                bits[packed : packed + n] = np.packbits(chunk.reshape(n, -1), axis=1)
            packed += n
            advance(n)
    if packed != len(classes):
        raise ValueError(f"{packed} images and {len(classes)} rows of classes.")
    return bits, classes


def _checked(shape: tuple[int, ...], dtype: np.dtype) -> None:
    if len(shape) != 3 or shape[1:] != (SIDE, SIDE) or dtype != np.uint8:
        raise ValueError(f"images of shape {shape} and dtype {dtype}.")


def _npz_classes(archive: zipfile.ZipFile) -> np.ndarray:
    with archive.open("latents_classes.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _npz_chunks(archive: zipfile.ZipFile) -> Iterator[np.ndarray]:
    with archive.open("imgs.npy") as member:
        version = np.lib.format.read_magic(member)
        header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else (np.lib.format.read_array_header_2_0)
        )
        shape, by_columns, dtype = header(member)
        _checked(shape, dtype)
        if by_columns:
            raise ValueError("images in Fortran order.")
        for start in range(0, shape[0], _CHUNK):
            n = min(_CHUNK, shape[0] - start)
            raw = member.read(n * SIDE * SIDE)
            yield np.frombuffer(raw, np.uint8).reshape(n, SIDE, SIDE)
        if member.read(1):  # reaching the end also has zipfile compare the checksum
            raise ValueError("bytes beyond the last image.")


def _hdf5_chunks(opened: Any) -> Iterator[np.ndarray]:
    images = opened["imgs"]
    _checked(images.shape, images.dtype)
    for start in range(0, images.shape[0], _CHUNK):
        yield images[start : start + _CHUNK]
