"""What replicas tell one another, on one device; tests/contrastive/test_replicas.py has two."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import SplitBatchNormalization
from zoo.replicas import gather, shuffled, total

ROWS = np.arange(24, dtype="float32").reshape(8, 3)


def test_on_one_device_there_is_nothing_to_gather():
    assert gather(ROWS) is ROWS
    assert total(8) == 8


@pytest.mark.parametrize("graph", [False, True])
def test_rows_are_permuted_and_come_back(graph):
    def there_and_back(rows):
        mine, back = shuffled(rows, seed=3, step=5)
        return mine, back(2 * mine)

    if graph:
        spec = tf.TensorSpec((None, 3))
        there_and_back = tf.function(there_and_back, input_signature=[spec])
    mine, results = there_and_back(tf.constant(ROWS))
    assert not np.array_equal(mine, ROWS)
    np.testing.assert_array_equal(sorted(map(tuple, mine.numpy())), [*map(tuple, ROWS)])
    np.testing.assert_array_equal(results, 2 * ROWS)


def test_the_order_is_the_seeds_and_the_steps():
    first, again, *others = (
        shuffled(tf.constant(ROWS), *given)[0].numpy()
        for given in [(0, 1), (0, 1), (1, 1), (0, 2), (0, 1, 1)]
    )
    np.testing.assert_array_equal(first, again)
    assert not any(np.array_equal(first, other) for other in others)


def test_the_order_is_the_same_under_xla():
    rows = tf.constant(ROWS)
    compiled = tf.function(lambda: shuffled(rows, 3, 5)[0], jit_compile=True)
    np.testing.assert_array_equal(compiled(), shuffled(rows, 3, 5)[0])


def test_groups_of_shuffled_rows_are_other_groups():
    """A row is then normalised with other rows than in its own order: shuffling BN."""
    layer = SplitBatchNormalization(splits=2)
    mine, back = shuffled(tf.constant(ROWS**2), seed=0, step=0)
    keys, queries = back(layer(mine, training=True)), layer(ROWS**2, training=True)
    assert np.abs(keys - queries).max() > 0.1
