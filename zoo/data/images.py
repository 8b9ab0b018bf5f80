"""What every dataset here is: images that can be read by row."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zoo.data.pixels import ArrayPixels, Pixels, resized_pixels
from zoo.data.resizing import as_size

if TYPE_CHECKING:
    import tensorflow as tf

Rows = slice | Sequence[int] | np.ndarray


class Images:
    """Images in a fixed order, read by row: what all datasets share.

    A dataset never changes: `subset` and `resized` return another that reads the same pixels.
    So copies of it are the dataset itself, and cost nothing.

    Args:
        name: What it is called in messages and reports.
        pixels: Where the images come from: an array uint8 (N, H, W, C), or what reads them by row.
        rows: The rows of `pixels` that belong to this dataset, in order. Default: all.
        settings: What `zoo.data.load` needs to make this dataset again, ready for JSON.

    Attributes:
        image_shape: (H, W, C).

    Example:
        >>> Images("mine", np.zeros((50, 32, 32, 1), np.uint8))
        <Images mine: 50 images (32, 32, 1)>
    """

    def __init__(
        self,
        name: str,
        pixels: Pixels | np.ndarray,
        rows: np.ndarray | None = None,
        settings: dict[str, Any] | None = None,
    ):
        self.name = name
        self.settings: dict[str, Any] = {"name": name} if settings is None else settings
        if isinstance(pixels, np.ndarray):
            pixels = ArrayPixels(pixels)
        self._original = self._pixels = pixels
        self._rows = rows

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self._pixels.shape

    def __len__(self) -> int:
        return len(self._pixels) if self._rows is None else len(self._rows)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self):,} images {self.image_shape}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict) -> Self:
        return self  # keras-tuner copies callbacks, and with them their data, for every trial

    def describe(self) -> dict[str, Any]:
        """What this dataset is, ready for JSON: `load(**data.describe())` makes it again."""
        return copy.deepcopy(self.settings)

    def read(self, rows: Rows) -> np.ndarray:
        """Reads images.

        Args:
            rows: Row numbers from 0 to len - 1, or a slice.

        Returns:
            uint8 (n, H, W, C), 0..255.

        Raises:
            ValueError: If a row is not an integer or lies outside.
        """
        chosen = self._checked(rows)
        return self._pixels.read(chosen if self._rows is None else self._rows[chosen])

    def resized(self, size: int | Iterable[int]) -> Self:
        """The same images at another size, by area averaging, always from the original pixels.

        Args:
            size: The side in pixels, or (height, width).

        Raises:
            ValueError: If a side is below 1.
        """
        height, width = as_size(size)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._pixels = resized_pixels(self._original, height, width)
        other.settings = {**self.settings, "size": [height, width]}
        return other

    def sample_rows(self, n: int, seed: int) -> np.ndarray:
        """Rows of `n` random images: all different while `n <= len`, else drawn independently.

        Args:
            n: How many, at least 1.
            seed: The same seed gives the same rows.

        Returns:
            int64 (n,).

        Raises:
            ValueError: If `n` is below 1 or the dataset is empty.
        """
        self._refuse_empty()
        if operator.index(n) < 1:
            raise ValueError(f"Expected n to be at least 1. Received: {n}.")
        return np.random.default_rng(seed).choice(len(self), n, replace=n > len(self))

    def batches(
        self, batch_size: int, seed: int = 0, start: int = 0, distinct: bool = False
    ) -> tf.data.Dataset:
        """An endless, shuffled stream of batches of images, for `fit`.

        Every epoch is a permutation of the whole dataset, drawn from (seed, epoch); a batch may
        reach from one epoch into the next, so all have the same length. Batch b is always the
        same, so `start=b` resumes a run where it was.

        If `distinct`, for methods that compare the images of a batch with one another, no batch
        reaches into the next epoch, where it could meet an image again: what is left of an epoch
        after its last whole batch, other images each time, is left out.

        Args:
            batch_size: Images in a batch.
            seed: The order is drawn from it.
            start: The number of the first batch, from 0.
            distinct: Whether no batch may hold an image twice.

        Returns:
            A tf.data.Dataset of uint8 (batch_size, H, W, C).

        Raises:
            ValueError: If `batch_size` is below 1, `start` below 0, or the dataset is empty; if
                images are to be distinct and a batch has more of them than there are.
        """
        import tensorflow as tf

        from zoo.data.order import shuffled_rows

        self._refuse_empty()
        shape = (batch_size, *self.image_shape)
        read = self._read_unchecked

        def images(rows: tf.Tensor) -> tf.Tensor:
            return tf.ensure_shape(tf.numpy_function(read, [rows], tf.uint8), shape)

        # One sequential map is as fast as parallel ones, and keeps the cores for training.
        order = shuffled_rows(len(self), batch_size, seed, start, distinct)
        return order.map(tf.autograph.experimental.do_not_convert(images)).prefetch(8)

    def _read_unchecked(self, rows: np.ndarray) -> np.ndarray:
        return self._pixels.read(rows if self._rows is None else self._rows[rows])

    def _refuse_empty(self) -> None:
        if len(self) == 0:
            raise ValueError(f"Expected images in {self.name!r}. Received: an empty dataset.")

    def _checked(self, rows: Rows) -> np.ndarray:
        if isinstance(rows, slice):
            return np.arange(len(self))[rows]
        rows = np.asarray(rows)
        if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
            raise ValueError(
                "Expected rows to be a one-dimensional array of integers. "
                f"Received: shape {rows.shape}, dtype {rows.dtype}."
            )
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise ValueError(
                f"Expected rows from 0 to {len(self) - 1}. Received: {rows.min()} to {rows.max()}."
            )
        return rows.astype(np.int64)
