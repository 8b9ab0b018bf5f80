"""Batch normalisation in one kernel: Keras's layer is the reference."""

import doctest
import importlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import BatchNormalization

SHAPES = [(6, 3), (4, 5, 3), (4, 6, 5, 3), (3, 2, 4, 3, 2)]
MODES = ["eager", "graph", "xla"]


def noise(shape, seed=0, mean=1.5, deviation=2.0, dtype="float32"):
    return np.random.default_rng(seed).normal(mean, deviation, shape).astype(dtype)


def pair(shape, **settings):
    """Keras's layer and the zoo's, built, with equal weights other than the first ones."""
    layers = [cls(**settings) for cls in (keras.layers.BatchNormalization, BatchNormalization)]
    for layer in layers:
        layer.build(shape)
        weights = [0.5 + i + noise(w.shape, i, 0, 0.1) for i, w in enumerate(layer.weights)]
        layer.set_weights(weights)
    return layers


def steps(layer, shape, mode="eager", count=4):
    """Outputs and gradients of some training steps, and the weights after them."""

    def step(x, into):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, "float32") * into)
        watched = [x, *layer.trainable_variables]
        return outputs, *tape.gradient(loss, [getattr(w, "value", w) for w in watched])

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla", autograph=False)
    seen = []
    for i in range(count):
        x = tf.constant(noise(shape, i), layer.compute_dtype)
        into = tf.constant(noise(shape, 100 + i, 0))
        seen += [np.asarray(tf.cast(tensor, "float64")) for tensor in step(x, into)]
    return seen + layer.get_weights()


def assert_alike(got, expected, tolerance=1e-5):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())


def kernels(layer, shape, training=True, **call):
    """How often the graph of a call has the fused kernel, and how often of training."""
    function = tf.function(lambda x: layer(x, training=training, **call), autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec(shape, layer.compute_dtype)).graph
    fused = [node for node in graph.get_operations() if node.type == "FusedBatchNormV3"]
    assert all(node.get_attr("is_training") for node in fused)
    return len(fused)


@pytest.mark.parametrize("module", ["batch_normalization", "split_batch_normalization"])
def test_the_examples_are_true(module):
    assert doctest.testmod(importlib.import_module(f"zoo.layers.{module}")).failed == 0


@pytest.mark.parametrize(
    ("shape", "mode"),
    [*((shape, mode) for shape in SHAPES for mode in MODES[:2]), ((4, 6, 5, 3), "xla")],
)
def test_it_is_keras_layer(shape, mode):
    reference, layer = pair(shape)
    assert_alike(steps(layer, shape, mode), steps(reference, shape, mode))


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.5, "epsilon": 1e-5},
        {"center": False},
        {"scale": False},
        {"center": False, "scale": False},
        {"axis": 3},
        {"synchronized": True},
        {"gamma_initializer": "zeros"},
    ],
    ids=str,
)
def test_it_is_keras_layer_in_other_settings(settings):
    shape = (4, 6, 5, 3)
    reference, layer = pair(shape, **settings)
    assert kernels(layer, shape) == 1
    assert_alike(steps(layer, shape, "graph"), steps(reference, shape, "graph"))


@pytest.mark.parametrize(("policy", "digits"), [("mixed_float16", 11), ("mixed_bfloat16", 8)])
@pytest.mark.parametrize("mode", MODES[1:])
def test_it_is_keras_layer_in_mixed_precision(policy, digits, mode):
    shape = (4, 6, 5, 3)
    reference, layer = pair(shape, dtype=policy)
    got, expected = steps(layer, shape, mode), steps(reference, shape, mode)
    assert_alike(got[:-4], expected[:-4], 2.0 ** (2 - digits))
    assert_alike(got[-4:], expected[-4:])  # the statistics are float32's in both
    assert layer(tf.zeros(shape, layer.compute_dtype), training=True).dtype == layer.compute_dtype
    assert kernels(layer, shape) == 1


@pytest.mark.parametrize(("policy", "digits"), [("float16", 11), ("bfloat16", 8)])
@pytest.mark.parametrize("mode", MODES)
def test_it_is_keras_layer_in_16_bits(policy, digits, mode):
    """The weights too: the kernel's statistics, float32, are rounded as Keras's own are."""
    shape = (4, 6, 5, 3)
    reference, layer = pair(shape, dtype=policy)
    got, expected = (
        [np.asarray(a, "float64") for a in steps(one, shape, mode)] for one in (layer, reference)
    )
    assert_alike(got, expected, 2.0 ** (3 - digits))
    assert {w.dtype for w in layer.weights} == {policy}


@pytest.mark.parametrize("settings", [{"axis": 1}, {"renorm": True}, {"dtype": "float64"}], ids=str)
def test_what_the_kernel_does_not_do_keras_does(settings):
    shape = (4, 6, 5, 3)
    reference, layer = pair(shape, **settings)
    assert kernels(layer, shape) == 0
    assert_alike(steps(layer, shape), steps(reference, shape))


def test_masks_are_keras_to_take():
    shape, mask = (4, 5, 3), np.arange(20).reshape(4, 5) % 3 > 0
    reference, layer = pair(shape)
    assert kernels(layer, shape, mask=tf.constant(mask)) == 0
    outputs = [one(noise(shape), training=True, mask=mask) for one in (layer, reference)]
    assert_alike(outputs, outputs[::-1])
    assert_alike(layer.get_weights(), reference.get_weights())


@pytest.mark.parametrize("trainable", [True, False])
def test_inference_moves_nothing_and_is_keras(trainable):
    shape = (4, 6, 5, 3)
    reference, layer = pair(shape, trainable=trainable)
    before = layer.get_weights()
    images = noise(shape)
    for training in (False, None, not trainable):  # frozen, it does not train either
        assert kernels(layer, shape, training) == 0
        np.testing.assert_array_equal(
            layer(images, training=training), reference(images, training=training)
        )
    assert all(map(np.array_equal, layer.get_weights(), before))


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3), (2, 3), (1, 2, 1, 3)])
def test_the_fewest_values_are_normalised(shape):
    reference, layer = pair(shape)  # of two values, gradients are differences of equal numbers
    for got, expected in zip(steps(layer, shape), steps(reference, shape), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_channels_far_from_zero_keep_their_variance(mode):
    shape = (16, 8, 8, 2)
    images = noise(shape, mean=300, deviation=1.0)
    layer = BatchNormalization(epsilon=1e-5, momentum=0.0)
    layer.build(shape)
    call = tf.function(lambda x: layer(x, training=True), jit_compile=mode == "xla")
    outputs = (layer(images, training=True) if mode == "eager" else call(images)).numpy()
    exact = images.astype("float64")
    mean, variance = exact.mean(axis=(0, 1, 2)), exact.var(axis=(0, 1, 2))
    np.testing.assert_allclose(outputs, (exact - mean) / np.sqrt(variance + 1e-5), atol=1e-3)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_a_constant_channel_stays_near_its_offset(mode):
    layer = BatchNormalization(epsilon=1e-5, beta_initializer="ones", momentum=0.0)
    layer.build((16, 8, 8, 2))
    images = tf.fill((16, 8, 8, 2), 31.7)
    call = tf.function(lambda x: layer(x, training=True), jit_compile=mode == "xla")
    outputs = layer(images, training=True) if mode == "eager" else call(images)
    np.testing.assert_allclose(outputs, 1, atol=0.5)  # roundings of 31.7 by a deviation of 0.003
    np.testing.assert_allclose(layer.moving_variance, 0, atol=1e-6)


def test_batches_of_any_size_go_through_one_graph():
    reference, layer = pair((None, 4, 4, 3))
    spec = tf.TensorSpec((None, 4, 4, 3))
    call = tf.function(lambda x: layer(x, training=True), input_signature=[spec])
    for n in (5, 2, 7):
        images = noise((n, 4, 4, 3), n)
        assert_alike([call(images)], [reference(images, training=True)])
    assert_alike(layer.get_weights(), reference.get_weights())


def test_it_is_saved_under_its_name(tmp_path):
    images = keras.Input((4, 4, 3))
    model = keras.Model(images, BatchNormalization(momentum=0.8, epsilon=1e-4)(images))
    model(noise((5, 4, 4, 3)), training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    layer = again.layers[-1]
    assert type(layer) is BatchNormalization
    assert (layer.momentum, layer.epsilon) == (0.8, 1e-4)
    assert keras.saving.get_registered_name(BatchNormalization) == "zoo>BatchNormalization"
    x = noise((2, 4, 4, 3))
    np.testing.assert_array_equal(again(x), model(x))
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))


def test_it_takes_keras_weights_from_a_file(tmp_path):
    models = []
    for cls in (keras.layers.BatchNormalization, BatchNormalization):
        images = keras.Input((4, 4, 3))
        models.append(keras.Model(images, cls()(images)))
    models[0](noise((5, 4, 4, 3)), training=True)
    models[0].save_weights(tmp_path / "model.weights.h5")
    models[1].load_weights(tmp_path / "model.weights.h5")
    assert all(map(np.array_equal, models[1].get_weights(), models[0].get_weights()))


SCRIPT = """
import numpy as np, keras, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
from zoo.layers import BatchNormalization, SplitBatchNormalization

images = np.random.default_rng(0).normal(1, 2, (8, 4, 4, 3)).astype("float32")
both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def shared(cls, **settings):
    with both.scope():
        layer = cls(momentum=0.5, **settings)
        layer.build(images.shape)
    data = tf.data.Dataset.from_tensor_slices(images).batch(8)
    [halves] = both.experimental_distribute_dataset(data)
    step = tf.function(lambda: both.run(lambda x: layer(x, training=True), (halves,)))
    outputs = both.experimental_local_results(step())
    copies = [both.experimental_local_results(w.value)[1].numpy() for w in layer.weights]
    return np.concatenate(outputs), layer.get_weights(), copies

def alone(cls, **settings):
    layer = cls(momentum=0.5, **settings)
    return layer(images, training=True).numpy(), layer.get_weights()

def alike(got, expected):
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-5, atol=1e-5)
    for a, b in zip(got[1], expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)

alike(shared(BatchNormalization, synchronized=True), alone(keras.layers.BatchNormalization))
alike(shared(BatchNormalization), shared(keras.layers.BatchNormalization))

outputs, first, second = shared(SplitBatchNormalization, splits=2)
for weights in (first, second):
    alike((outputs, weights), alone(SplitBatchNormalization, splits=4))
"""


@pytest.mark.slow
def test_two_replicas():
    """Synchronized, they are one; split, they are groups; else each is alone, as in Keras."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
