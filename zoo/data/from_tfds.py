"""Datasets of tensorflow-datasets, read into memory."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from zoo.data.dsprites import FACTOR_NAMES, SIDE
from zoo.data.factors import FactorData
from zoo.data.labels import LabelledData, LabelledImages, split_rows
from zoo.data.pixels import ArrayPixels, BitPixels
from zoo.data.progress import progress
from zoo.data.resizing import area_resize, as_size

# The features that are factors, slowest first: the order of the original files.
FACTOR_SETS = {
    "dsprites": tuple(f"label_{name}" for name in FACTOR_NAMES),
    "shapes3d": (
        "label_floor_hue", "label_wall_hue", "label_object_hue", "label_scale", "label_shape",
        "label_orientation",
    ),
    "smallnorb": (
        "label_category", "instance", "label_elevation", "label_azimuth", "label_lighting",
    ),
}  # fmt: skip
"""The sets with factors, and the features that hold them."""

_COARSE = "coarse_label"
"""The feature of cifar100 that holds the superclass of an image."""

_BATCH = 256
_TEST_SHARE = 0.1
_FACE_SIDE = 64


def read_tfds(
    tfds_name: str,
    settings: dict[str, Any],
    size: int | Iterable[int] | None = None,
    download: bool = False,
) -> FactorData | LabelledData:
    """Reads a dataset of tensorflow-datasets into memory (shapes3d: 5.9 GB; at size 32: 1.5 GB).

    Factor sets (dsprites, shapes3d, smallnorb) join all their splits, sorted by factors as in the
    original files. Of smallnorb the first of each pair of images is taken, and the instance is a
    factor. Of celeb_a the middle 178x178 pixels are taken and averaged to `size`, 64x64 where
    none is given (the faces at full size are 24 GB); its 40 attributes are the labels, (N, 40).
    All others need the features `image` and `label`; their `train` and `test` splits are the
    halves (`validation` where there is no `test`, a fixed random tenth where there is neither).
    Of cifar100 the superclasses are known too.

    Args:
        tfds_name: As tensorflow-datasets writes it: "mnist", "smallnorb:2.0.0".
        settings: What `zoo.data.load` needs to make this dataset again, its name among it.
        size: The side, or (height, width), to which images are area-averaged as they are read.
        download: Fetch what is not on this machine.

    Raises:
        ValueError: If the name is unknown, or the data are neither a factor set nor labelled.
        OSError: If the data are not on this machine and `download` is off.
    """
    builder = _builder(tfds_name)
    features = builder.info.features
    labels = "attributes" if builder.name == "celeb_a" else "label"
    wanted = FACTOR_SETS.get(builder.name, (labels,))
    missing = [key for key in ("image", *wanted) if key not in features]
    if missing:
        raise ValueError(
            f"Expected {settings['name']!r} to have the features image and label. "
            f"Received: {', '.join(features)}."
        )
    _prepare(builder, tfds_name, download)
    to = None if size is None else as_size(size)
    if builder.name in FACTOR_SETS:
        return _factor_set(builder, wanted, settings, to)
    return _labelled(builder, labels, settings, to)


def _builder(tfds_name: str) -> Any:
    tfds = importlib.import_module("tensorflow_datasets")
    try:
        return tfds.builder(tfds_name)
    except tfds.core.DatasetNotFoundError:
        near = difflib.get_close_matches(tfds_name, tfds.list_builders(), n=3, cutoff=0.5)
        hint = (
            f" Did you mean {' or '.join(repr('tfds:' + name) for name in near)}?" if near else ""
        )
        raise ValueError(
            f"Unknown dataset 'tfds:{tfds_name}'.{hint} "
            "Expected a name that tensorflow-datasets lists."
        ) from None
    except (AssertionError, ValueError) as error:  # no such version or configuration
        raise ValueError(
            f"Expected a dataset of tensorflow-datasets. Received: {tfds_name!r}: {error}"
        ) from error


def _prepare(builder: Any, tfds_name: str, download: bool) -> None:
    if builder.is_prepared():
        return
    if not download:  # asking the network first would cost minutes of retries without one
        raise OSError(
            f"Expected tensorflow-datasets' {tfds_name!r} on this machine, in {builder.data_dir}. "
            "Received: nothing is there. Prepare it once, with a network: "
            f"python -c \"import zoo; zoo.data.load('tfds:{tfds_name}', download=True)\"; "
            "or give a local copy (file= or folder=; as a name mnist:FILE.npz, cifar10:FOLDER, "
            "dsprites:FILE.npz)."
        )
    builder.download_and_prepare()


def _factor_set(
    builder: Any, keys: tuple[str, ...], settings: dict[str, Any], size: tuple[int, int] | None
) -> FactorData:
    bits = builder.name == "dsprites"
    parts = [
        _read(builder, split, keys, None if bits else size, bits) for split in builder.info.splits
    ]
    images = np.concatenate([images for images, _ in parts]) if len(parts) > 1 else parts[0][0]
    factors = np.concatenate([values for _, values in parts])
    rows = np.lexsort(factors.T[::-1])  # tfds shuffles what it stores
    return FactorData(
        settings["name"],
        BitPixels(images, SIDE, SIDE) if bits else ArrayPixels(images),
        factors[rows],
        [key.removeprefix("label_") for key in keys],
        [builder.info.features[key].num_classes for key in keys],
        rows,
        settings,
    )


def _labelled(
    builder: Any, key: str, settings: dict[str, Any], size: tuple[int, int] | None
) -> LabelledData:
    feature = builder.info.features[key]
    if builder.name == "celeb_a":
        class_names, keys = tuple(feature), tuple(f"{key}/{name}" for name in feature)
    elif hasattr(feature, "names"):
        class_names, keys = tuple(feature.names), (key,)
    else:
        raise ValueError(
            f"Expected the label of {settings['name']!r} to be a class. Received: {feature}."
        )
    if _COARSE in builder.info.features:
        keys = (*keys, _COARSE)
    splits = builder.info.splits
    test = next((split for split in ("test", "validation") if split in splits), None)
    if "train" not in splits:
        raise ValueError(
            f"Expected {settings['name']!r} to have a split train. Received: {', '.join(splits)}."
        )
    halves, superclasses = [], None
    for split in ("train", test):
        if split is not None:
            images, values = _read(builder, split, keys, size)
            if keys[-1] == _COARSE and split == "train":
                superclasses = superclasses_of(values[:, 0], values[:, 1], len(class_names))
            labels = values if builder.name == "celeb_a" else values[:, 0]
            halves.append((ArrayPixels(images), labels, np.arange(len(labels))))
    if test is None:
        pixels, labels, _ = halves[0]
        halves = [(pixels, labels[rows], rows) for rows in split_rows(len(labels), _TEST_SHARE)]
    train, tested = (
        LabelledImages(settings["name"], pixels, labels, rows, settings)
        for pixels, labels, rows in halves
    )
    return LabelledData(settings["name"], train, tested, class_names, superclasses)


def superclasses_of(labels: np.ndarray, coarse: np.ndarray, num_classes: int) -> list[int] | None:
    """The superclass of each class, from both labels of each image (N,).

    Returns:
        None where a class has images of several superclasses, or none.
    """
    pairs = np.unique(np.stack([labels, coarse], axis=1), axis=0)
    each_once = np.array_equal(pairs[:, 0], np.arange(num_classes))
    return pairs[:, 1].tolist() if each_once else None


def _read(
    builder: Any,
    split: str,
    keys: tuple[str, ...],
    size: tuple[int, int] | None,
    bits: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """One split: images uint8 (N, H, W, C), or (N, H * W / 8) as bits, and int64 (N, len(keys))."""
    feature = builder.info.features["image"]
    if feature.np_dtype != np.uint8:
        raise ValueError(f"Expected images of {builder.name!r} to be uint8. Received: {feature}.")
    varies = None in feature.shape
    if varies and size is None:
        raise ValueError(
            f"Expected a size= (--image-size) for {builder.name!r}, whose images differ in size. "
            "Received: None."
        )
    examples = builder.as_dataset(split=split, shuffle_files=False)
    n = int(examples.cardinality())
    images, values = np.empty((0, 0)), np.empty((n, len(keys)), np.int64)
    at = 0
    with progress(f"Reading {builder.name}", n) as advance:
        for batch in examples.batch(1 if varies else _BATCH).prefetch(2).as_numpy_iterator():
            found = _fitted(builder.name, batch["image"], size, bits)
            if at == 0:
                images = np.empty((n, *found.shape[1:]), np.uint8)
            images[at : at + len(found)] = found
            for column, key in enumerate(keys):
                values[at : at + len(found), column] = _inside(batch, key)
            at += len(found)
            advance(len(found))
    return images, values


def _fitted(name: str, images: np.ndarray, size: tuple[int, int] | None, bits: bool) -> np.ndarray:
    """Images as they are kept: cropped (faces), averaged to a size, or packed to bits."""
    if bits:
        return np.packbits(images.reshape(len(images), -1), axis=1)
    if name == "celeb_a":
        images = images[:, 20:198]  # the middle 178 of 218 rows: square, and mostly face
        size = size or (_FACE_SIDE, _FACE_SIDE)
    return images if size is None else area_resize(images, *size)


def _inside(batch: Any, path: str) -> Any:
    for key in path.split("/"):
        batch = batch[key]
    return batch
