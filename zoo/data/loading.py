"""`zoo.data.load`: a dataset by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.data.arrays import DIGITS, digits, read_npz
from zoo.data.coloured_sprites import coloured_sprites
from zoo.data.dsprites import dsprites
from zoo.data.dsprites_file import read_dsprites_file
from zoo.data.factors import FactorData
from zoo.data.folders import read_folder
from zoo.data.from_tfds import read_tfds
from zoo.data.labels import LabelledData
from zoo.messages import unknown

_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_CLASS_NAMES = {"mnist": DIGITS, "cifar10": _CIFAR10}
_LOCAL = ("dsprites", "mnist", "cifar10")  # may be read from a path of the user's
_ALONE = ("coloured_sprites", "digits")  # nothing may follow these names
# Which arguments belong to which kind of data; size fits all, and subset all with factors.
_TAKES: dict[str, tuple[str, ...]] = {
    "dsprites": ("file",),
    "coloured_sprites": (),
    "digits": (),
    "mnist": ("file", "folder", "skip_bad", "download"),
    "cifar10": ("file", "folder", "skip_bad", "download"),
    "folder": ("skip_bad",),
    "tfds": ("download",),
}


def names() -> list[str]:
    """The names that `load` knows; upper case stands for something of your own.

    `dsprites`, `mnist` and `cifar10` also take a local copy: `mnist:PATH`.
    """
    return [
        "cifar10",
        "coloured_sprites",
        "digits",
        "dsprites",
        "folder:PATH",
        "mnist",
        "tfds:NAME",
    ]


def split_name(name: str) -> tuple[str, str]:
    """Splits "mnist:PATH" into its kind and the rest; refuses names that `load` does not know.

    Raises:
        ValueError: The kind is unknown, or something must follow it.
    """
    kind, _, rest = name.partition(":")
    if kind in ("folder", "tfds") and not rest:
        raise ValueError(f"Expected {kind + ':'!r} and what to read. Received: {name!r}.")
    if kind not in _TAKES or (rest and kind in _ALONE):
        raise ValueError(unknown("dataset", name, names()))
    return kind, rest


def load(
    name: str,
    file: str | Path | None = None,
    folder: str | Path | None = None,
    *,
    size: int | Iterable[int] | None = None,
    subset: Mapping[str, int | Iterable[int]] | None = None,
    skip_bad: bool = False,
    download: bool = False,
) -> FactorData | LabelledData:
    """Loads a dataset.

    | name | what | factors or labels |
    |---|---|---|
    | dsprites | 737,280 sprites, 64x64x1, drawn here once in seconds | 5 factors |
    | coloured_sprites | 57,600 sprites in 8 colours on 5 backgrounds, 64x64x3 | 7 factors |
    | digits | 1,797 handwritten digits, 8x8x1, always there | 10 classes |
    | mnist, cifar10 | through tensorflow-datasets, or from `file` or `folder` | 10 classes |
    | folder:PATH | images in PATH/train/CLASS and PATH/test/CLASS, PATH/CLASS, or PATH | classes |
    | tfds:NAME | dsprites, shapes3d, smallnorb | their factors |
    | tfds:NAME | celeb_a, or anything with features `image` and `label` | attributes, or classes |

    Args:
        name: One of the above. `mnist:PATH`, `cifar10:PATH` and `dsprites:PATH` mean the file or
            folder at PATH.
        file: For dsprites, the original `.npz` or `.hdf5`; for mnist and cifar10, an `.npz` with
            x_train, y_train, x_test, y_test.
        folder: For mnist and cifar10, a folder laid out as for folder:PATH.
        size: The side, or (height, width), to which images are area-averaged. Needed for a folder
            of images of several sizes. Folders and tensorflow-datasets keep only this size, so
            that `resized` starts from it.
        subset: For data with factors, the values to keep: {"orientation": 0, "scale": [0, 3, 5]}.
        skip_bad: Leave out unreadable images of a folder instead of refusing it.
        download: Let tensorflow-datasets fetch what is not on this machine.

    Returns:
        A `FactorData` or a `LabelledData`.

    Raises:
        ValueError: If the name is unknown, an argument does not belong to it, or data are damaged.
        OSError: If something is not there, or the cache cannot be written.

    Example:
        >>> data = zoo.data.load("dsprites", size=32)
        >>> data.image_shape, len(data)
        ((32, 32, 1), 737280)
    """
    kind, rest = split_name(name)
    given = {"file": file, "folder": folder, "skip_bad": skip_bad, "download": download}
    for argument, value in given.items():
        if value and argument not in _TAKES[kind]:
            raise ValueError(f"Expected no {argument}= for {kind!r}. Received: {value!r}.")
    if kind in _LOCAL:
        if [bool(rest), file is not None, folder is not None].count(True) > 1:
            raise ValueError(
                f"Expected at most one of {kind + ':PATH'!r}, file= and folder=. "
                f"Received: {name!r}, file={file!r}, folder={folder!r}."
            )
        if rest:
            file, folder = (None, rest) if Path(rest).is_dir() else (rest, None)
    settings: dict[str, Any] = {"name": kind}
    path = file or folder or (rest if kind == "folder" else None)
    if path is not None:
        path = _existing(path)
    if kind == "folder":
        settings["name"] = f"folder:{path}"
    elif kind == "tfds":
        settings["name"] = name
    elif path is not None:
        settings["file" if file else "folder"] = str(path)
    if skip_bad:
        settings["skip_bad"] = True

    data: FactorData | LabelledData
    if kind == "digits":
        data = digits()
    elif kind == "coloured_sprites":
        data = coloured_sprites()
    elif kind == "dsprites":
        data = dsprites() if path is None else read_dsprites_file(path, settings)
    elif path is None:
        data = read_tfds(rest or kind, settings, size, download)
    elif file is not None:
        data = read_npz(path, settings, _CLASS_NAMES[kind])
    else:
        data = read_folder(path, settings, size, skip_bad)

    if subset is not None:
        if not isinstance(data, FactorData):
            raise ValueError(
                f"Expected no subset= for {name!r}, which has no factors. Received: {subset!r}."
            )
        data = data.subset(**subset)
    return data if size is None else data.resized(size)


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser().resolve()
    if not path.exists():
        raise FileNotFoundError(f"Expected a file or folder at {path}. Received: nothing is there.")
    return path
