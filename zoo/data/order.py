"""The order in which training sees images: shuffled, endless, and resumable at any batch."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

_PADDING = 498247692
"""The first of an index shuffle's three keys, as TensorFlow's public function fills it in."""


def shuffled_rows(
    n: int, batch_size: int, seed: int = 0, start: int = 0, distinct: bool = False
) -> tf.data.Dataset:
    """Endless batches of shuffled row numbers, a fresh permutation of 0..n-1 each epoch.

    Batch b holds the shuffled positions b * batch_size to (b + 1) * batch_size - 1, each
    computed from (seed, epoch) alone. So nothing needs to be remembered to resume: start at b.
    If `distinct`, an epoch ends with its last whole batch, and batch b is one of epoch
    b // (n // batch_size): no batch reaches into the next, where it could meet a row again.
    (`tf.data.Dataset.shuffle` has a buffer whose state a later process cannot restore.)

    Args:
        n: How many rows there are.
        batch_size: Rows in a batch.
        seed: The order is drawn from it.
        start: The number of the first batch, from 0.
        distinct: Whether no batch may hold a row twice.

    Returns:
        A tf.data.Dataset of int64 (batch_size,).

    Raises:
        ValueError: If `n` or `batch_size` is below 1, or `start` below 0; if rows are to be
            distinct and a batch has more of them than there are.
    """
    import tensorflow as tf

    for name, value, least in (("n", n, 1), ("batch_size", batch_size, 1), ("start", start, 0)):
        if operator.index(value) < least:
            raise ValueError(f"Expected {name} to be at least {least}. Received: {value}.")
    if distinct and batch_size > n:
        raise ValueError(
            f"Expected a batch_size of at most {n:,}, so that no batch holds an image twice. "
            f"Received: {batch_size:,}."
        )

    keys = [tf.fill([batch_size], tf.constant(key, tf.int64)) for key in (_PADDING, seed)]
    within = tf.range(batch_size, dtype=tf.int64)
    epoch_length = n - n % batch_size if distinct else n

    def rows(batch: tf.Tensor) -> tf.Tensor:
        position = batch * batch_size + within
        epoch = position // epoch_length
        # tf.random.experimental.index_shuffle, whose wrapper pads the wrong axis of several seeds.
        key = tf.stack([*keys, epoch], axis=1)
        return tf.raw_ops.RandomIndexShuffle(
            index=position % epoch_length,
            seed=key,
            max_index=tf.constant(n - 1, tf.int64),
            rounds=4,
        )

    counter = tf.data.Dataset.counter(start=start, dtype=tf.int64)
    return counter.map(tf.autograph.experimental.do_not_convert(rows))
