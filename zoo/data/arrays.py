"""Labelled data in one file of arrays: scikit-learn's digits, and `.npz` files."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.labels import LabelledData, LabelledImages, split_rows
from zoo.data.pixels import ArrayPixels

DIGITS = tuple("0123456789")
_MEMBERS = ("x_train", "y_train", "x_test", "y_test")
# What numpy and zipfile raise on files that are cut off or damaged. TypeError and AttributeError:
# of an .npy file numpy makes an array, which is no context manager.
_DAMAGE = (
    OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def digits() -> LabelledData:
    """Real handwritten digits, 8x8, that come with scikit-learn: there without any download.

    1,797 images of the test set of "Optical Recognition of Handwritten Digits" (Alpaydin and
    Kaynak, UCI, 1998), values 0..16 scaled to 0..255. A fixed random sixth, 300 images, is the
    test half.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.floor(found.images * (255 / 16) + 0.5).astype(np.uint8)[..., None]
    train, test = (
        LabelledImages("digits", ArrayPixels(images), found.target[rows], rows)
        for rows in split_rows(len(images), 1 / 6)
    )
    return LabelledData("digits", train, test, DIGITS)


def read_npz(file: Path, settings: dict[str, Any], class_names: Sequence[str]) -> LabelledData:
    """Labelled images from an `.npz` file with x_train, y_train, x_test and y_test.

    Images are uint8 (N, H, W) or (N, H, W, C), labels integers (N,) or (N, 1). Pickled members
    are refused.

    Args:
        file: The file.
        settings: What `zoo.data.load` needs to make this dataset again, its name among it.
        class_names: The name of each label value.

    Raises:
        ValueError: If the file is damaged or laid out in another way.
    """
    try:
        # numpy leaves a damaged file open if it opens it itself.
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
            missing = [member for member in _MEMBERS if member not in archive]
            if missing:
                raise ValueError(f"no {', '.join(missing)}.")
            arrays = {member: archive[member] for member in _MEMBERS}
    except _DAMAGE as error:
        raise ValueError(
            f"Expected {file} to be a whole .npz file with arrays {', '.join(_MEMBERS)}. "
            f"Received: {error}"
        ) from error
    name = settings["name"]
    train, test = (
        LabelledImages(
            name, _as_pixels(file, part, arrays), _flat(arrays[f"y_{part}"]), None, settings
        )
        for part in ("train", "test")
    )
    return LabelledData(name, train, test, class_names)


def _as_pixels(file: Path, part: str, arrays: dict[str, np.ndarray]) -> ArrayPixels:
    images = arrays[f"x_{part}"]
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(
            f"Expected x_{part} of {file} to be uint8 of shape (N, H, W) or (N, H, W, C). "
            f"Received: shape {images.shape}, dtype {images.dtype}."
        )
    return ArrayPixels(images[..., None] if images.ndim == 3 else images)


def _flat(labels: np.ndarray) -> np.ndarray:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
