"""Images with class labels, in a training and a test half."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zoo.data.images import Images
from zoo.data.pixels import Pixels
from zoo.splits import stratified


class LabelledImages(Images):
    """Images with a label each, or with none.

    Args:
        name: What it is called in messages and reports.
        pixels: Where the images come from.
        labels: Integers (N,), or (N, A) with 0 and 1 for A attributes, or None.
        rows: The rows of `pixels` that belong to this dataset, in order. Default: all.
        settings: What `zoo.data.load` needs to make this dataset again.

    Attributes:
        image_shape: (H, W, C).
        labels: int64 (N,) or (N, A), or None.

    Raises:
        ValueError: If there are not as many labels as images.
    """

    def __init__(
        self,
        name: str,
        pixels: Pixels,
        labels: np.ndarray | None,
        rows: np.ndarray | None = None,
        settings: dict[str, Any] | None = None,
    ):
        super().__init__(name, pixels, rows, settings)
        self.labels = None if labels is None else np.asarray(labels)
        if self.labels is None:
            return
        if len(self.labels) != len(self) or self.labels.dtype.kind not in "iub":
            raise ValueError(
                f"Expected {len(self)} labels, integers. "
                f"Received: shape {self.labels.shape}, dtype {self.labels.dtype}."
            )
        self.labels = self.labels.astype(np.int64)
        self.labels.flags.writeable = False

    @property
    def images(self) -> np.ndarray:
        """All images, uint8 (N, H, W, C)."""
        return self.read(slice(None))

    def sample(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Random images with their labels: all different while `n <= len`.

        Args:
            n: How many, at least 1.
            seed: The same seed gives the same sample.

        Returns:
            Images uint8 (n, H, W, C) and labels int64 (n,), or None without labels.
        """
        rows = self.sample_rows(n, seed)
        return self.read(rows), None if self.labels is None else self.labels[rows]

    def _chosen(self, rows: np.ndarray) -> LabelledImages:
        """Some of these images, in the order of `rows`."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._rows = rows if self._rows is None else self._rows[rows]
        if self.labels is not None:
            other.labels = self.labels[rows]
            other.labels.flags.writeable = False
        return other


class LabelledData:
    """Images in a training and a test half, of the same classes.

    Args:
        name: What it is called in messages and reports.
        train: The training images.
        test: The test images; empty where the data have none.
        class_names: The name of each label value; empty without labels. For attributes,
            their names.

    Attributes:
        image_shape: (H, W, C).
        num_classes: The number of classes; 0 without labels.

    Raises:
        ValueError: If the halves differ in shape, or a label is outside the classes.

    Example:
        >>> data = zoo.data.load("digits").resized(16)
        >>> images, labels = data.test.sample(100, seed=0)
    """

    def __init__(
        self, name: str, train: LabelledImages, test: LabelledImages, class_names: Sequence[str]
    ):
        if train.image_shape != test.image_shape:
            raise ValueError(
                "Expected training and test images of one shape. "
                f"Received: {train.image_shape} and {test.image_shape}."
            )
        for half in (train, test):
            labels = half.labels
            if labels is None or not labels.size:
                continue
            most = len(class_names) - 1 if labels.ndim == 1 else 1
            if labels.min() < 0 or labels.max() > most:
                raise ValueError(
                    f"Expected labels of {name!r} from 0 to {most}. "
                    f"Received: {labels.min()} to {labels.max()}."
                )
        self.name = name
        self.train = train
        self.test = test
        self.class_names = tuple(class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self.train.image_shape

    @property
    def num_classes(self) -> int:
        """The number of classes (or of attributes); 0 without labels."""
        return len(self.class_names)

    @property
    def settings(self) -> dict[str, Any]:
        """What `zoo.data.load` needs to make this dataset again, ready for JSON."""
        return self.train.settings

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name}: {len(self.train):,} training and "
            f"{len(self.test):,} test images {self.image_shape}, {self.num_classes} classes>"
        )

    def describe(self) -> dict[str, Any]:
        """What this dataset is, ready for JSON: `load(**data.describe())` makes it again."""
        return self.train.describe()

    def validation(self, share: float = 0.1, seed: int = 0) -> LabelledData:
        """The training half alone, divided into a part to train on and one to validate on.

        What is chosen while a method learns, its settings and when to stop, is chosen by the
        second part; the test half of this dataset has no part in either.

        Args:
            share: Of the images that validate, above 0 and below 1. Each class keeps it, rounded
                up, but never gives its last image; attributes and images without labels are
                divided at random.
            seed: The same seed gives the same parts: without one, the parts are frozen.

        Returns:
            A dataset whose `train` and `test` are the two parts. It is described as this one is.

        Raises:
            ValueError: A share outside, a negative seed, or nothing to validate on.

        Example:
            >>> data = zoo.data.load("digits")
            >>> chosen_by = data.validation()
            >>> len(data.train), len(chosen_by.train), len(chosen_by.test)
            (1497, 1344, 153)
        """
        labels = self.train.labels
        if labels is None or labels.ndim > 1:
            labels = np.zeros(len(self.train), np.int64)
        rest, kept = stratified(labels, share, seed)
        if not len(kept):
            raise ValueError(
                f"Expected a class of {self.name!r} with several images, of which some are kept "
                f"to validate on. Received: {len(rest)} images."
            )
        train, kept_images = (self.train._chosen(rows) for rows in (rest, kept))
        return LabelledData(self.name, train, kept_images, self.class_names)

    def resized(self, size: int | Iterable[int]) -> LabelledData:
        """Both halves at another size, by area averaging, always from the original pixels.

        Args:
            size: The side in pixels, or (height, width).
        """
        return LabelledData(
            self.name, self.train.resized(size), self.test.resized(size), self.class_names
        )


def split_rows(n: int, test_share: float) -> tuple[np.ndarray, np.ndarray]:
    """A random split of rows 0..n-1, the same at every call: ascending training and test rows.

    Args:
        n: How many rows.
        test_share: The share of test rows; at least one row stays for training.
    """
    test = min(round(n * test_share), n - 1)
    order = np.random.default_rng(0).permutation(n)
    return np.sort(order[test:]), np.sort(order[:test])
