"""Images in a folder, read with Pillow."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from zoo.data.labels import LabelledData, LabelledImages, split_rows
from zoo.data.pixels import ArrayPixels
from zoo.data.progress import progress
from zoo.data.resizing import area_resize, as_size

_log = logging.getLogger(__name__)

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""The files that are images; all others are ignored."""

_TEST_SHARE = 0.1


def read_folder(
    folder: Path,
    settings: dict[str, Any],
    size: int | Iterable[int] | None = None,
    skip_bad: bool = False,
) -> LabelledData:
    """Reads a folder of images into memory.

    Three layouts, tried in this order:
      - folder/train/CLASS/* and folder/test/CLASS/*, as tfds.folder_dataset.ImageFolder reads;
        images straight in train/ and test/ have no labels;
      - folder/CLASS/*;
      - folder/*: images without labels, all for training; the test half is empty.
    Where classes come without a test folder, a fixed random tenth becomes the test half.

    Images count at any depth below a class folder. If all images are grey they stay grey,
    (H, W, 1); one in colour makes all RGB, (H, W, 3). Transparency is dropped.

    Args:
        folder: The folder.
        settings: What `zoo.data.load` needs to make this dataset again, its name among it.
        size: The side, or (height, width), to which each image is area-averaged, whatever its
            proportions.
        skip_bad: Leave out images that cannot be read, and log how many.

    Raises:
        ValueError: If there are no images, they differ in size and no `size` is given, or one
            cannot be read.
    """
    if not folder.is_dir():
        raise ValueError(f"Expected a folder of images. Received: {folder}, a file.")
    train, test, class_names = _find(folder)
    images = _Collected(len(train) + len(test), None if size is None else as_size(size))
    labels: list[list[int]] = []
    paths: list[str] = []
    with progress(f"Reading {folder.name}", len(train) + len(test)) as advance:
        for half in (train, test):
            labels.append([])
            for path, label in half:
                if images.add(path, skip_bad):
                    labels[-1].append(label)
                    paths.append(path.relative_to(folder).as_posix())
                advance(1)
    if images.bad:
        _log.warning("%s: skipped %d images that cannot be read.", folder, images.bad)
    trained = len(labels[0])
    if not trained:
        raise ValueError(f"Expected an image for training in {folder}. Received: none.")

    rows = np.arange(trained), np.arange(trained, len(images))
    if class_names and not test:
        rows = split_rows(trained, _TEST_SHARE)
    known = np.array(labels[0] + labels[1], dtype=np.int64)
    pixels = ArrayPixels(images.array())
    named, colon, _ = settings["name"].partition(":")
    name = f"{named}:{folder.name}" if colon else named
    kept, tested = (
        LabelledImages(
            name,
            pixels,
            known[half] if class_names else None,
            half,
            settings,
            [paths[row] for row in half],
        )
        for half in rows
    )
    return LabelledData(name, kept, tested, class_names)


_Found = list[tuple[Path, int]]


def _find(folder: Path) -> tuple[_Found, _Found, list[str]]:
    """Training and test images with their label, and the class names (none: no labels)."""
    if not (folder / "train").is_dir():
        train, class_names = _find_half(folder, None)
        return train, [], class_names
    train, class_names = _find_half(folder / "train", None)
    if not (folder / "test").is_dir():
        return train, [], class_names
    test, _ = _find_half(folder / "test", class_names)
    return train, test, class_names


def _find_half(folder: Path, expected: list[str] | None) -> tuple[_Found, list[str]]:
    """The images of one half, and its class names; those of the other half are expected."""
    loose = [(path, 0) for path in sorted(folder.iterdir()) if _is_image(path)]
    classes = {}
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.name.startswith((".", "__")):
            inside = [path for path in sorted(child.rglob("*")) if _is_image(path)]
            if inside:
                classes[child.name] = inside
    if loose and classes:
        raise ValueError(
            f"Expected {folder} to hold either images or one folder for each class. "
            f"Received: both, {loose[0][0].name} and {next(iter(classes))}{os.sep}."
        )
    if not loose and not classes:
        raise ValueError(
            f"Expected images ({', '.join(sorted(SUFFIXES))}) in {folder}. Received: none."
        )
    names = list(classes) if expected is None else expected
    strange = sorted(set(classes) - set(names))
    if strange or bool(names) != bool(classes):
        raise ValueError(
            f"Expected the classes of {folder} to be those for training, "
            f"{', '.join(names) or 'none'}. Received: {', '.join(strange) or 'images without'}."
        )
    if loose:
        return loose, []
    return [(path, names.index(c)) for c, inside in classes.items() for path in inside], names


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")


class _Collected:
    """Images read one after the other into one array, which turns RGB when the first one does.

    Args:
        most: How many there can be.
        size: (height, width) to bring each to, or None: all must have the first one's.
    """

    def __init__(self, most: int, size: tuple[int, int] | None):
        self.most, self.size = most, size
        self.bad = self.count = 0
        self.first: Path | None = None
        self.images = np.empty((0, 0, 0, 1), np.uint8)

    def __len__(self) -> int:
        return self.count

    def array(self) -> np.ndarray:
        """The images, uint8 (n, H, W, C)."""
        return self.images[: self.count]

    def add(self, path: Path, skip_bad: bool) -> bool:
        """Reads one image; False if it could not be read and is left out."""
        try:
            image = read_image(path)
        except Exception as error:  # Pillow's decoders raise nearly everything on damaged files
            if skip_bad:
                self.bad += 1
                return False
            raise ValueError(
                f"Expected {path} to be a readable image. Received: {error}. "
                "Remove it, or leave such images out with skip_bad=True (--skip-bad)."
            ) from error
        if self.size is not None:
            image = area_resize(image[None], *self.size)[0]
        if self.first is None:
            self.first = path
            self.images = np.empty((self.most, *image.shape), np.uint8)
        if image.shape[:2] != self.images.shape[1:3]:
            raise ValueError(
                f"Expected images of one size, {_by(self.images.shape[1:3])} as {self.first}. "
                f"Received: {_by(image.shape[:2])} in {path}. "
                "Bring all to one with size= (--image-size, or --resize)."
            )
        if image.shape[2] > self.images.shape[3]:
            self.images = self.images.repeat(3, axis=3)
        self.images[self.count] = image  # grey among RGB is spread over the channels
        self.count += 1
        return True


def read_image(path: Path) -> np.ndarray:
    """One image as uint8 (H, W, 1) if it is grey, else (H, W, 3), turned as its camera says."""
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        if turned.mode.startswith("I;16"):  # Pillow would clip 16 bits to 8 instead of scaling
            return (np.asarray(turned) >> 8).astype(np.uint8)[..., None]
        grey = turned.mode in ("1", "L", "LA", "La")
        array = np.asarray(turned.convert("L" if grey else "RGB"))
    return array[..., None] if grey else array


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]} (height x width)"
