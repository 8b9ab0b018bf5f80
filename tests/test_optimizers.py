"""Adam in one pass: Keras's own Adam is the reference."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.optimizers import FusedAdam


def trained(cls, steps=10, jit_compile=False, **settings):
    """Three weights and the optimizer's variables after some steps."""
    random = np.random.default_rng(0)
    weights = [keras.Variable(random.normal(size=(4, 5)).astype("float32")) for _ in range(3)]
    optimizer = cls(1e-2, beta_1=0.5, beta_2=0.9, **settings)
    optimizer.build(weights)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def step(i):
        optimizer.apply([tf.sin(weight * (i + 1)) for weight in weights], weights)

    for i in range(steps):
        step(tf.constant(float(i)))
    return [variable.numpy() for variable in (*weights, *optimizer.variables)]


def assert_alike(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"epsilon": 1e-3},
        {"weight_decay": 0.1},
        {"clipnorm": 0.1},
        {"amsgrad": True},
        {"loss_scale_factor": 8.0},
    ],
)
def test_it_is_keras_adam(settings):
    assert_alike(trained(FusedAdam, **settings), trained(keras.optimizers.Adam, **settings))


def test_it_is_the_same_under_xla():
    assert_alike(trained(FusedAdam, jit_compile=True), trained(keras.optimizers.Adam))


def test_sparse_gradients_are_taken():
    rows = [tf.Variable(tf.ones((4, 2))) for _ in range(2)]
    for row, cls in zip(rows, (FusedAdam, keras.optimizers.Adam), strict=True):
        optimizer = cls(0.1)
        optimizer.build([row])
        gradient = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([2]), tf.constant([4, 2]))
        optimizer.apply([gradient], [row])
    assert_alike(rows[:1], rows[1:])
    assert not np.array_equal(rows[0], np.ones((4, 2)))


def test_it_keeps_its_settings():
    config = keras.saving.serialize_keras_object(FusedAdam(1e-4, beta_1=0.5, epsilon=1e-3))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is FusedAdam
    assert (again.beta_1, again.epsilon) == (0.5, 1e-3)
    assert float(again.learning_rate) == pytest.approx(1e-4)
