"""What the replicas of a distribution strategy tell one another.

Each replica sees a part of the batch; a loss that compares the images of a batch must see all of
it. `gather` carries gradients: every replica computes the loss of the whole batch, `train_step`
divides it by the number of replicas, and the gradients are summed, so that two replicas with N
images each learn what one learns with 2N. On one device nothing is gathered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import ops


def gather(rows: Any) -> Any:
    """The rows of all replicas, in their order.

    Args:
        rows: (n, ...) of this replica.

    Returns:
        (N, ...), the same on every replica.
    """
    context = _several()
    if context is None:
        return rows
    return tf.ensure_shape(context.all_gather(rows, axis=0), [None, *rows.shape[1:]])


def number() -> Any:
    """Which replica this is, from 0: an int or an integer scalar; 0 where there is but one."""
    context = _several()
    return 0 if context is None else context.replica_id_in_sync_group


def total(n: Any) -> Any:
    """The sum over all replicas of a number (int or integer scalar) that each has its own of."""
    return n if _several() is None else tf.reduce_sum(gather(tf.reshape(n, [1])))


def shuffled(rows: Any, seed: int, step: Any, salt: int = 0) -> tuple[Any, Callable[[Any], Any]]:
    """As many rows, drawn from those of all replicas; and the way back.

    On one device it is a permutation: groups that `zoo.layers.SplitBatchNormalization` makes of
    the rows are then others than those of the rows in their own order.

    Args:
        rows: (n, ...) of this replica.
        seed: The order is drawn from it
        step: and from this integer or int64 scalar, the same on every replica,
        salt: and from this, for several orders in one step.

    Returns:
        Rows (n, ...), and a function that takes what was computed from them on each replica to
        what it would have been for this replica's own rows.
    """
    context = _several()
    n = tf.shape(rows)[0]
    counts = gather(n[None])
    first = 0 if context is None else tf.reduce_sum(counts[: context.replica_id_in_sync_group])
    key = tf.stack([tf.constant(seed, tf.int64) + (salt << 32), ops.cast(step, "int64")])
    # Philox draws the same on each device, and under XLA.
    drawn = tf.random.stateless_uniform([tf.reduce_sum(counts)], key, alg="philox")
    order = tf.argsort(drawn, stable=True)
    mine = tf.gather(gather(rows), order[first : first + n])
    back = tf.argsort(order)[first : first + n]
    return tf.ensure_shape(mine, rows.shape), lambda results: tf.gather(gather(results), back)


def _several() -> Any:
    """The replica's context where there is more than one replica."""
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None
