"""Conditional batch normalisation: of each condition, Keras's layer with that row's weights."""

import doctest

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import BatchNormalization, ConditionalBatchNormalization
from zoo.layers import conditional_batch_normalization as module

SHAPES = [(6, 3), (6, 4, 5, 3)]
CONDITIONS = np.array([0, 1, -1, 1, 9, 0])  # of two; -1 and 9 are missing


def noise(shape, seed=0, mean=1.5, deviation=2.0):
    return np.random.default_rng(seed).normal(mean, deviation, shape).astype("float32")


def built(shape, **settings):
    layer = ConditionalBatchNormalization(conditions=2, **settings)
    layer.build(shape)
    for seed, weight in enumerate((layer.gamma, layer.beta)):
        weight.assign(noise(weight.shape, seed))
    return layer


def of_row(layer, row, shape):
    """Keras's layer with the scale and offset of one condition."""
    plain = keras.layers.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon)
    plain.build(shape)
    plain.gamma.assign(layer.gamma[row])
    plain.beta.assign(layer.beta[row])
    plain.moving_mean.assign(layer.moving_mean)
    plain.moving_variance.assign(layer.moving_variance)
    return plain


def test_the_examples_are_true():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_of_each_condition_it_is_keras_layer(shape, training):
    layer = built(shape)
    layer(noise(shape, 5), CONDITIONS, training=True)  # moves the statistics
    x, rows = noise(shape, 6), [0, 1, 2, 1, 2, 0]
    references = [of_row(layer, row, shape) for row in range(3)]
    expected = [reference(x, training=training) for reference in references]
    found = layer(x, CONDITIONS, training=training)
    for i, row in enumerate(rows):
        np.testing.assert_allclose(found[i], expected[row][i], rtol=1e-4, atol=1e-5)
    for name in ("moving_mean", "moving_variance"):
        moved, wanted = getattr(layer, name), getattr(references[0], name)
        np.testing.assert_allclose(moved, wanted, rtol=1e-5)


def test_without_a_condition_all_are_missing():
    layer, x = built((6, 4, 4, 3)), noise((6, 4, 4, 3))
    missing = layer(x, np.full(6, -1))
    np.testing.assert_allclose(layer(x), missing, rtol=1e-6)
    assert not np.allclose(layer(x, np.zeros(6, int)), missing)


def test_a_new_one_is_plain_batch_normalisation():
    layer, plain = ConditionalBatchNormalization(2), BatchNormalization()
    x = noise((6, 4, 4, 3))
    found = layer(x, CONDITIONS, training=True)
    np.testing.assert_allclose(found, plain(x, training=True), rtol=1e-5, atol=1e-6)


def test_only_the_rows_that_occur_learn():
    layer = built((4, 3))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(noise((4, 3)), np.array([1, 1, 1, -1]), training=True) ** 2)
    for gradient in tape.gradient(loss, [layer.gamma.value, layer.beta.value]):
        learn = np.abs(tf.convert_to_tensor(gradient)).sum(axis=1) > 0
        assert learn.tolist() == [False, True, True]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_graph_takes_batches_of_any_size(jit_compile):
    layer, shape = built((None, 4, 4, 3)), (None, 4, 4, 3)
    spec = [tf.TensorSpec(shape), tf.TensorSpec((None,), tf.int64)]

    @tf.function(input_signature=spec, jit_compile=jit_compile, autograph=False)
    def graph(x, condition):
        return layer(x, condition, training=True)

    for n in (5, 2):
        x, condition = noise((n, 4, 4, 3), n), np.arange(n) % 3
        expected = layer(x, condition, training=True)
        np.testing.assert_allclose(graph(x, condition), expected, rtol=1e-4, atol=1e-4)
    kinds = [node.type for node in graph.get_concrete_function().graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == (0 if jit_compile else 1)


def test_mixed_precision():
    layer, x = built((6, 4, 4, 3), dtype="mixed_float16"), noise((6, 4, 4, 3))
    wide = built((6, 4, 4, 3))
    found = layer(x, CONDITIONS, training=True)
    assert found.dtype == tf.float16
    assert {w.dtype for w in layer.weights} == {"float32"}
    np.testing.assert_allclose(found, wide(x, CONDITIONS, training=True), rtol=2e-2, atol=2e-2)


def test_it_is_saved_with_its_conditions(tmp_path):
    images, condition = keras.Input((4, 4, 3)), keras.Input((), dtype="int32")
    layer = ConditionalBatchNormalization(2, momentum=0.8, beta_initializer="ones")
    model = keras.Model([images, condition], layer(images, condition))
    x = noise((6, 4, 4, 3))
    model([x, CONDITIONS], training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    loaded = next(one for one in again.layers if isinstance(one, ConditionalBatchNormalization))
    assert (loaded.conditions, loaded.momentum) == (2, 0.8)
    assert loaded.beta.shape == (3, 3)
    np.testing.assert_array_equal(again([x, CONDITIONS]), model([x, CONDITIONS]))


# What is refused


@pytest.mark.parametrize("conditions", [0, -1, 1.5, True, "2"])
def test_strange_numbers_of_conditions_are_refused(conditions):
    with pytest.raises(ValueError, match="Expected conditions to be an integer of at least 1"):
        ConditionalBatchNormalization(conditions)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"center": False}, r"Expected no center: every condition has.*Received: False\."),
        ({"scale": True}, r"Expected no scale: every condition has.*Received: True\."),
        ({"axis": 1}, r"Expected axis to be the last, -1\. Received: 1\."),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        ConditionalBatchNormalization(2, **settings).build((4, 5, 5, 3))


@pytest.mark.parametrize("condition", [np.zeros(5, int), np.zeros((6, 1), int), np.zeros(6)])
def test_conditions_that_are_not_one_integer_a_sample_are_refused(condition):
    with pytest.raises(ValueError, match=r"Expected condition of shape \(N,\), integers"):
        built((6, 3))(noise((6, 3)), condition)
