"""A stream of two views of each image, for `fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo import checks
from zoo.data.images import Images
from zoo.data.labels import LabelledData
from zoo.data.order import shuffled_rows
from zoo.data.views import Views

if TYPE_CHECKING:
    import tensorflow as tf


def two_views(
    images: Images | LabelledData,
    preset: str | Views,
    batch_size: int,
    seed: int = 0,
    start: int = 0,
    labels: bool = False,
) -> tf.data.Dataset:
    """An endless stream of batches (a, b): two views of each image.

    Images come in the order of `images.batches`; the views of batch b are drawn from (seed, b)
    alone, apart from the order. So `start=n` resumes a run where it was, to the bit.

    Args:
        images: Any `zoo.data` set; of one with a training and a test half, the training half.
        preset: The name of a paper's views, such as "simclr_small", or `Views` of your own.
        batch_size: Images a batch.
        seed: Draws the order and the views.
        start: The number of the first batch, from 0.
        labels: Whether a batch is (a, b, labels).

    Returns:
        A tf.data.Dataset of two float32 (batch_size, h, w, C), 0..1, and of labels, int64
        (batch_size,), or (batch_size, A) for attributes.

    Raises:
        ValueError: An unknown preset; data that are none of these, are empty, or have no labels
            where they are wanted; images that are too small, or have neither 1 nor 3 channels; a
            `batch_size` below 1, a `seed` or `start` below 0.

    Example:
        >>> data = zoo.data.load("digits")
        >>> stream = zoo.data.two_views(data, "digits", batch_size=64, labels=True)
        >>> a, b, labels = next(iter(stream))
        >>> a.shape, b.shape, labels.shape
        (TensorShape([64, 8, 8, 1]), TensorShape([64, 8, 8, 1]), TensorShape([64]))
    """
    import tensorflow as tf

    views = Views.of(preset)
    images = images.train if isinstance(images, LabelledData) else images
    if not isinstance(images, Images):
        raise ValueError(
            'Expected images of zoo.data, such as zoo.data.load("digits"). '
            f"Received: {type(images).__name__}."
        )
    batch_size = checks.integer("batch_size", batch_size, low=1)
    seed = checks.integer("seed", seed, low=0)
    start = checks.integer("start", start, low=0)
    streams = [
        images.batches(batch_size, seed, start),
        tf.data.Dataset.counter(start, dtype=tf.int64),
    ]
    if checks.truth("labels", labels):
        known = getattr(images, "labels", None)
        if known is None:
            raise ValueError(
                f"Expected images with labels. Received: {images.name}, which has none."
            )
        order = shuffled_rows(len(images), batch_size, seed, start)
        streams.append(order.map(lambda rows: tf.gather(known, rows)))

    def made(batch: tf.Tensor, step: tf.Tensor, *label: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return (*views(batch, seed, step), *label)

    numbered = tf.data.Dataset.zip(*streams)
    return numbered.map(tf.autograph.experimental.do_not_convert(made)).prefetch(2)
