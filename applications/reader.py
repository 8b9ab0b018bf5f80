"""Reads factors off images, so that one sees what an edit changed and what it left alone.

A reader has learned from real images alone. It never sees a code, so an encoder that is blind to
something, or a code that says one thing while its image shows another, cannot mislead it.

A decoder shows what its codes hold, and for what they do not hold the mean of what it may be: a
code that does not know which way a heart is turned becomes a blur of hearts turned every way. No
real image looks like that. A reader that is told which factors to read may learn from means
of real images that agree in these factors and differ in all others, beside single ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from applications.interpreting import KINDS, kinds_of
from zoo import checks
from zoo.data import FactorData
from zoo.data.progress import progress
from zoo.data.resizing import area_resize
from zoo.messages import unknown

SIDE = 32  # of the images that it looks at: larger ones are averaged down
FILTERS, UNITS = (32, 32, 64), 128
STEPS, BATCH, RATE = 2000, 64, 2e-3
AVERAGED = (1, 8, 32)  # images in a mean, each as often
CHUNK = 512  # images read at once
TOLERANCE = 0.1
"""Readings that are no further apart than this, as `apart` tells it, are the same."""


class Known(NamedTuple):
    """What is known of the images of a data set.

    Attributes:
        images: That can be read by row.
        values: (N, F) integers from 0, a row for each image.
        names: F names.
        sizes: How many values each has.
        kinds: Of each, one of `interpreting.KINDS`.
        value_names: Of each the names of its values, where they have names; else their numbers, as
            they were before any `subset`.
    """

    images: Any
    values: NDArray[np.int64]
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    kinds: tuple[str, ...]
    value_names: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> int:
        """The column of a factor; refuses others with the nearest name."""
        if name not in self.names:
            raise ValueError(unknown("factor", name, self.names))
        return self.names.index(name)

    def value(self, column: int, text: str) -> int:
        """A value of a factor by its name or number; refuses what it does not have."""
        named = self.value_names[column]
        if text in named:
            return named.index(text)
        raise ValueError(unknown(f"value of {self.names[column]}", text, named))


def known(data: Any, kinds: Mapping[str, str] | None = None) -> Known | None:
    """What a data set knows of its images: factors, attributes or the class; None: nothing.

    Of data in two halves it is the training half.

    Args:
        data: Any `zoo.data` set of images.
        kinds: Of factors by name. Default: as `interpreting.kinds_of` knows them; a class and
            attributes are categories.

    Raises:
        ValueError: A kind of a factor that is not there.

    Example:
        >>> import zoo
        >>> known(zoo.data.load("digits")).names
        ('class',)
    """
    if isinstance(data, FactorData):
        numbers = tuple(tuple(map(str, values)) for values in data.factor_values)
        of_name = kinds_of(data.name, data.factor_names, kinds or {})
        return Known(
            data, data.factors, data.factor_names, data.factor_sizes, (*of_name.values(),), numbers
        )
    images = getattr(data, "train", data)
    labels = getattr(images, "labels", None)
    if labels is None:
        kinds_of(data.name, (), kinds or {})  # refuses any
        return None
    names = tuple(getattr(data, "class_names", ()))
    columns: tuple[str, ...]
    named: tuple[tuple[str, ...], ...]
    if labels.ndim == 2:
        columns = names or tuple(map(str, range(labels.shape[1])))
        table, named = labels, (("0", "1"),) * len(columns)
    else:
        count = max(int(labels.max()) + 1, len(names))
        columns, table = ("class",), labels[:, None]
        named = (names if len(names) == count else tuple(map(str, range(count))),)
    categories = dict.fromkeys(columns, "categories")
    of_name = kinds_of(data.name, columns, {**categories, **(kinds or {})})
    return Known(images, table, columns, tuple(map(len, named)), (*of_name.values(),), named)


class Reading(NamedTuple):
    """What a reader sees in images.

    Attributes:
        values: (N, F) the likeliest value of each factor.
        probabilities: Of each factor (N, K): those of its K values.
    """

    values: NDArray[np.int64]
    probabilities: tuple[NDArray[np.float64], ...]


def apart(kind: str, a: Any, b: Any) -> NDArray[np.float64]:
    """How far probabilities of a factor's values are from others: 0 the same, 1 the farthest.

    Of an ordered factor it is the distance of their means, as a share of its range. Of categories
    it is how much of a would have to go to other values to be b. Of a circular factor it is also
    how far that has to go, as a share of half the circle: with D_k the sums of the differences up
    to value k (Rabin, Delon and Gousseau, "Transportation Distances on the Circle", 2011),

        sum_k |D_k - median(D)| / (K // 2)                                                       (1)

    Args:
        kind: "ordered", "circular" or "categories".
        a: (..., K).
        b: (..., K).

    Returns:
        (...).

    Example:
        >>> first, last = np.eye(10)[[0, 9]]
        >>> [round(float(apart(kind, first, last)), 3) for kind in KINDS]
        [1.0, 0.2, 1.0]
    """
    checks.one_of("kind", kind, KINDS)
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    K = difference.shape[-1]
    if kind == "ordered":
        return np.asarray(np.abs(difference @ np.arange(K)) / max(1, K - 1))
    if kind == "categories":
        return np.asarray(np.abs(difference).sum(axis=-1) / 2)
    D = difference.cumsum(axis=-1)
    carried = np.abs(D - np.median(D, axis=-1, keepdims=True)).sum(axis=-1)
    return np.asarray(carried / max(1, K // 2))


class Reader:
    """A small convolutional network that reads factors off images.

    Three convolutions (4x4, stride 2, ReLU) and a layer of 128 units, then for each factor the
    probabilities of its values; cross-entropies, Adam at a rate that falls as a cosine. It starts
    from and sees the same in the same order for the same seed.

    Args:
        names: F names of factors.
        sizes: How many values each has.
        kinds: Of each, one of `interpreting.KINDS`: how far its readings are apart, see `apart`.
            What is learned does not depend on it. Default: ordered.
        seed: Of initial weights and order.

    Attributes:
        names: As given.
        sizes: As given.
        kinds: As given.

    Example:
        >>> reader = Reader(("brightness",), (2,))
        >>> images = np.repeat([[0], [255]], 64, axis=1).reshape(2, 8, 8, 1).astype("uint8")
        >>> reader.fit(images, np.array([[0], [1]]), steps=20).read(images).values.tolist()
        [[0], [1]]
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        kinds: Sequence[str] | None = None,
        seed: int = 0,
    ) -> None:
        self.names = tuple(names)
        self.sizes = tuple(checks.integer("sizes", size, low=1) for size in sizes)
        given = ("ordered",) * len(self.names) if kinds is None else kinds
        self.kinds = tuple(checks.one_of("kind", kind, KINDS) for kind in given)
        self.seed = checks.integer("seed", seed, low=0)
        if not self.names or not len(self.names) == len(self.sizes) == len(self.kinds):
            raise ValueError(
                "Expected a size and a kind for each name of a factor. "
                f"Received: {names!r}, {sizes!r}, {kinds!r}."
            )
        self._weights: list[Any] = []

    def fit(self, images: Any, values: Any, steps: int = STEPS) -> Self:
        """Learns from images (N, H, W, C) uint8 and the values (N, F) of their factors.

        Raises:
            ValueError: Images or values of another shape, or a value outside its factor's.
        """
        import tensorflow as tf

        small = _small(images)
        table = np.asarray(values)
        if table.shape != (len(small), len(self.sizes)) or table.dtype.kind not in "iu":
            raise ValueError(
                f"Expected values: integers of shape ({len(small)}, {len(self.sizes)}), of "
                f"{', '.join(self.names)}. Received: {table.dtype} of shape {table.shape}."
            )
        if (table < 0).any() or (table >= self.sizes).any():
            raise ValueError(
                f"Expected values from 0 to below {list(self.sizes)}. "
                f"Received: {table.min(axis=0).tolist()} to {table.max(axis=0).tolist()}."
            )
        steps = checks.integer("steps", steps, low=1)
        rng = np.random.default_rng(self.seed)
        weights = self._weights = self._initial(small.shape[1:], rng)
        optimizer = tf.optimizers.Adam(tf.optimizers.schedules.CosineDecay(RATE, steps))
        optimizer.build(weights)

        @tf.function(autograph=False, jit_compile=False)
        def step(x: Any, y: Any) -> None:
            with tf.GradientTape() as tape:
                losses = [
                    tf.nn.sparse_softmax_cross_entropy_with_logits(y[:, k], logits)
                    for k, logits in enumerate(self._logits(x))
                ]
                loss = tf.reduce_mean(tf.add_n(losses))
            optimizer.apply(tape.gradient(loss, weights), weights)

        with progress("Learning to read factors", steps) as advance:
            for _ in range(steps):
                rows = rng.integers(0, len(small), BATCH)
                step(small[rows], table[rows])
                advance(1)
        return self

    def read(self, images: Any) -> Reading:
        """What it sees in images (N, H, W, C) uint8, of the size that it learned from.

        Raises:
            ValueError: It has not learned yet, or images of another shape.
        """
        import tensorflow as tf

        if not self._weights:
            raise ValueError("Expected a reader that has learned: call fit first.")
        small = _small(images)
        function = tf.function(self._logits, autograph=False, reduce_retracing=True)
        chunks = [function(small[i : i + 500]) for i in range(0, len(small), 500)]
        values, probabilities = [], []
        for k in range(len(self.sizes)):
            logits = np.concatenate([np.asarray(chunk[k], np.float64) for chunk in chunks])
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            values.append(shares.argmax(axis=1))
            probabilities.append(shares)
        return Reading(np.stack(values, axis=1), tuple(probabilities))

    def _initial(self, shape: tuple[int, ...], rng: np.random.Generator) -> list[Any]:
        """He-normal kernels and zero biases."""
        import tensorflow as tf

        height, width, channels = shape
        shapes: list[tuple[int, ...]] = []
        for filters in FILTERS:
            shapes.append((4, 4, channels, filters))
            height, width, channels = -(-height // 2), -(-width // 2), filters
        shapes += [(height * width * channels, UNITS), (UNITS, sum(self.sizes))]
        weights = []
        for kernel in shapes:
            deviation = math.sqrt(2 / np.prod(kernel[:-1]))
            weights.append(tf.Variable(rng.normal(0, deviation, kernel).astype(np.float32)))
            weights.append(tf.Variable(tf.zeros(kernel[-1])))
        return weights

    def _logits(self, images: Any) -> list[Any]:
        """The log-odds of every factor's values."""
        import tensorflow as tf

        *convolutions, hidden, last = zip(self._weights[::2], self._weights[1::2], strict=True)
        x = tf.cast(images, tf.float32) / 255
        for kernel, bias in convolutions:
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME") + bias)
        x = tf.reshape(x, (-1, hidden[0].shape[0]))
        x = tf.nn.relu(x @ hidden[0] + hidden[1])
        return tf.split(x @ last[0] + last[1], self.sizes, axis=1)


def learned_reader(
    data: Known,
    names: Sequence[str],
    rows: NDArray[np.int64],
    pictures: int = 12_000,
    averaged: bool = True,
    steps: int = STEPS,
    seed: int = 0,
) -> Reader:
    """A reader of some factors of a data set, from those of its rows.

    Args:
        data: What is known of the images.
        names: The factors to read.
        rows: Of `data`: which images it may learn from.
        pictures: How many pictures it learns from.
        averaged: Whether two in three of the pictures are means of 8 or of 32 images (a group of
            fewer has some twice) that agree in the factors to read.
        steps: Of training.
        seed: Of pictures, initial weights and order.

    Raises:
        ValueError: Unknown factors, or no rows.
    """
    columns = [data.column(name) for name in names]
    sizes = [data.sizes[column] for column in columns]
    kinds = [data.kinds[column] for column in columns]
    if not len(rows):
        raise ValueError("Expected images for a reader to learn from. Received: none.")
    rng = np.random.default_rng(seed)
    values = data.values[rows][:, columns]
    chosen = rng.integers(0, len(rows), pictures)
    *sides, channels = data.images.image_shape
    shape = (*_sides(*sides), channels)
    pixels = np.empty((pictures, *shape), np.uint8)  # small at once: large, they may be too many
    sorts = AVERAGED if averaged else (1,)
    counts = rng.choice(sorts, pictures)
    mates = _mates(values, sizes)
    for count in sorts:
        places = np.flatnonzero(counts == count)
        for start in range(0, len(places), CHUNK // count):
            part = places[start : start + CHUNK // count]
            among = mates(chosen[part], count, rng) if count > 1 else chosen[part][:, None]
            small = _small(data.images.read(rows[among.ravel()]))
            pixels[part] = np.rint(small.reshape(*among.shape, *shape).mean(axis=1))
    return Reader(names, sizes, kinds, seed).fit(pixels, values[chosen], steps)


def _mates(
    values: NDArray[np.int64], sizes: Sequence[int]
) -> Callable[[NDArray[np.int64], int, np.random.Generator], NDArray[np.int64]]:
    """A function that draws for each row so many rows (n, count) of the same values."""
    keys = np.ravel_multi_index(tuple(values.T), tuple(sizes))
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]

    def drawn(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        first = np.searchsorted(ascending, keys[rows], "left")
        after = np.searchsorted(ascending, keys[rows], "right")
        return order[rng.integers(first[:, None], after[:, None], (len(rows), count))]

    return drawn


def _small(images: Any) -> NDArray[np.uint8]:
    """Images of at most 32 pixels a side."""
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim != 4 or not len(array):
        raise ValueError(
            "Expected images: uint8 (N, H, W, C), N at least 1. "
            f"Received: {array.dtype} of shape {array.shape}."
        )
    return area_resize(array, *_sides(*array.shape[1:3]))


def _sides(height: int, width: int) -> tuple[int, int]:
    """Of images of this height and width when they are small."""
    shrunk = max(1.0, max(height, width) / SIDE)
    return max(1, round(height / shrunk)), max(1, round(width / shrunk))
