"""Images with class labels, in a training and a test half."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoo.data.images import Images
from zoo.data.partial import as_sets, checked_sets
from zoo.data.pixels import Pixels
from zoo.splits import stratified


class LabelledImages(Images):
    """Images with a label each, or with none.

    Args:
        name: What it is called in messages and reports.
        pixels: Where the images come from: an array uint8 (N, H, W, C), or what reads them by row.
        labels: Integers (N,), or (N, A) with 0 and 1 for A attributes, or None.
        rows: The rows of `pixels` that belong to this dataset, in order. Default: all.
        settings: What `zoo.data.load` needs to make this dataset again.
        paths: The N files within their folder, with "/", or None.

    Attributes:
        image_shape: (H, W, C).
        labels: int64 (N,) or (N, A), or None.
        candidates: bool (N, K), which of K labels may be true, or None: see
            `LabelledData.with_candidates`.

    Raises:
        ValueError: If there are not as many labels as images.
    """

    candidates: np.ndarray | None = None

    def __init__(
        self,
        name: str,
        pixels: Pixels | np.ndarray,
        labels: np.ndarray | None,
        rows: np.ndarray | None = None,
        settings: dict[str, Any] | None = None,
        paths: Sequence[str] | None = None,
    ):
        super().__init__(name, pixels, rows, settings)
        self.paths = None if paths is None else np.asarray(paths, dtype=object)
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

    def describe_images(self) -> dict[str, Any]:
        """How many images there are, and which, as far as paths or else labels tell: for JSON."""
        named = self.labels if self.paths is None else self.paths
        lines = [] if named is None else named.tolist()
        return {
            "images": len(self),
            "images_sha256": hashlib.sha256(json.dumps(lines).encode()).hexdigest(),
        }

    def describe_candidates(self) -> dict[str, Any] | None:
        """How many images have how many candidates on average, and which: ready for JSON.

        Images and sets are the same where this is the same; None where there are no sets.
        """
        if self.candidates is None:
            return None
        shape = ",".join(map(str, self.candidates.shape)).encode()
        return {
            **self.describe_images(),
            "per_image": round(float(self.candidates.sum(axis=1).mean()), 2),
            "sha256": hashlib.sha256(shape + np.packbits(self.candidates).tobytes()).hexdigest(),
        }

    def _chosen(self, rows: np.ndarray) -> LabelledImages:
        """Some of these images, in the order of `rows`."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._rows = rows if self._rows is None else self._rows[rows]
        for name in ("labels", "candidates", "paths"):
            known = getattr(self, name)
            if known is not None:
                setattr(other, name, _frozen(known[rows]))
        return other

    def _with_candidates(self, sets: np.ndarray) -> LabelledImages:
        """These images with candidate sets that are known to fit."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.candidates = _frozen(sets)
        return other


class LabelledData:
    """Images in a training and a test half, of the same classes.

    Args:
        name: What it is called in messages and reports.
        train: The training images.
        test: The test images; empty where the data have none.
        class_names: The name of each label value; empty without labels. For attributes,
            their names.
        superclasses: Integers, that of each class, where the data know any.

    Attributes:
        image_shape: (H, W, C).
        num_classes: The number of classes; 0 where none are known.

    Raises:
        ValueError: If the halves differ in shape, or a label is outside the classes.

    Example:
        >>> data = zoo.data.load("digits").resized(16)
        >>> images, labels = data.test.sample(100, seed=0)
    """

    def __init__(
        self,
        name: str,
        train: LabelledImages,
        test: LabelledImages,
        class_names: Sequence[str],
        superclasses: Sequence[int] | None = None,
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
        self.superclasses = None if superclasses is None else tuple(superclasses)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self.train.image_shape

    @property
    def num_classes(self) -> int:
        """The number of classes (or of attributes); 0 where none are known."""
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
        train, kept = (self.train._chosen(rows) for rows in self.validation_rows(share, seed))
        return self.with_halves(train, kept)

    def validation_rows(self, share: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the training half that are the two parts of `validation`, ascending.

        Where true labels are known, each class keeps its share by them, of data with candidates
        too: which images validate is then not what it would be if the candidates were all that is
        known. Without labels the rows are drawn from all alike, as for candidates of a file.
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
        return rest, kept

    def with_candidates(
        self, candidates: ArrayLike, class_names: Sequence[str] | None = None
    ) -> LabelledData:
        """The same data, of whose training images several labels each may be the true one.

        What learns from candidate sets sees them alone; true labels, where they are known, tell
        how many it finds. The test half has no candidates.

        Args:
            candidates: (N, K) of 0 and 1, or of truth values: which of the K classes may be the
                true one of each of the N training images. `zoo.data.partial_labels` draws them,
                `zoo.data.read_candidates` reads them from a file.
            class_names: The K names, of data that know no classes. Default: "0", "1" and so on.

        Raises:
            ValueError: A set that is empty or lacks the true label, with its row; as many columns
                as there are classes, or rows as images, they are not; rows of different lengths;
                other numbers than 0 and 1; class names that are a string or doubled; images with
                attributes.

        Example:
            >>> data = zoo.data.load("digits")
            >>> sets = zoo.data.partial_labels(data.train.labels, 10, rate=0.3, seed=0)
            >>> data.with_candidates(sets).train.candidates.sum(axis=1).mean().round(1)
            np.float64(3.7)
        """
        sets = as_sets(candidates)
        if class_names is not None:
            _check_names(class_names)
        names = self.class_names or class_names or [str(i) for i in range(sets.shape[1])]
        if class_names is not None and tuple(class_names) != tuple(names):
            raise ValueError(
                f"Expected the classes of {self.name!r}, {', '.join(names)}. Received: "
                f"{', '.join(class_names)}."
            )
        train = self.train._with_candidates(checked_sets(sets, self.train, names))
        return LabelledData(self.name, train, self.test, names, self.superclasses)

    def resized(self, size: int | Iterable[int]) -> LabelledData:
        """Both halves at another size, by area averaging, always from the original pixels.

        Args:
            size: The side in pixels, or (height, width).
        """
        return self.with_halves(self.train.resized(size), self.test.resized(size))

    def with_halves(self, train: LabelledImages, test: LabelledImages) -> LabelledData:
        """Other halves of the same classes."""
        return LabelledData(self.name, train, test, self.class_names, self.superclasses)


def _check_names(class_names: Sequence[str]) -> None:
    """Refuses a string, whose letters would be names, and a name that two classes would have."""
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in class_names):
        raise ValueError(f"Expected class_names to be several names. Received: {class_names!r}.")
    doubled = [name for name, count in Counter(class_names).items() if count > 1]
    if doubled:
        raise ValueError(
            f"Expected a name of its own for each class. Received several times: {doubled[0]!r}."
        )


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def split_rows(n: int, test_share: float) -> tuple[np.ndarray, np.ndarray]:
    """A random split of rows 0..n-1, the same at every call: ascending training and test rows.

    Args:
        n: How many rows.
        test_share: The share of test rows; at least one row stays for training.
    """
    test = min(round(n * test_share), n - 1)
    order = np.random.default_rng(0).permutation(n)
    return np.sort(order[test:]), np.sort(order[:test])
