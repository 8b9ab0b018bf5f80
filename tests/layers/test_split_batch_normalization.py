"""Batch normalisation in groups: restated in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import BatchNormalization, SplitBatchNormalization

MODES = ["eager", "graph", "xla"]


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(1.5, 2.0, shape).astype("float32")


def restated(x, splits, epsilon):
    """Outputs, and the mean over the groups of their means and variances."""
    groups = np.array_split(x.astype("float64"), splits if len(x) >= 2 * splits else 1)
    axes = tuple(range(x.ndim - 1))
    means = [group.mean(axis=axes) for group in groups]
    variances = [group.var(axis=axes) for group in groups]
    outputs = [
        (group - mean) / np.sqrt(variance + epsilon)
        for group, mean, variance in zip(groups, means, variances, strict=True)
    ]
    return np.concatenate(outputs), np.mean(means, axis=0), np.mean(variances, axis=0)


def called(layer, mode):
    """The layer in training, as a function of batches of any size."""

    def call(x):
        return layer(x, training=True)

    return call if mode == "eager" else tf.function(call, jit_compile=mode == "xla")


SHAPES = [(8, 3), (8, 5, 4, 3), (11, 4, 3), (15, 2, 2, 3), (7, 3), (3, 3)]


@pytest.mark.parametrize(
    ("shape", "mode"),
    [*((shape, mode) for shape in SHAPES for mode in MODES[:2]), ((11, 5, 4, 3), "xla")],
)
def test_it_is_what_the_papers_devices_compute(shape, mode):
    layer = SplitBatchNormalization(splits=4, momentum=0.8, epsilon=1e-5)
    layer.build(shape)
    layer.set_weights([np.array(w, "float32") for w in ([1, 2, 3], [0, 1, 2], [0] * 3, [1] * 3)])
    call = called(layer, mode)
    moving_mean, moving_variance = np.zeros(3), np.ones(3)
    for i in range(3):
        x = noise(shape, i)
        outputs, mean, variance = restated(x, 4, 1e-5)
        np.testing.assert_allclose(call(x), outputs * [1, 2, 3] + [0, 1, 2], atol=2e-5)
        moving_mean = 0.8 * moving_mean + 0.2 * mean
        moving_variance = 0.8 * moving_variance + 0.2 * variance
    np.testing.assert_allclose(layer.moving_mean, moving_mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, moving_variance, rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_batches_of_any_size_go_through_one_graph(jit_compile):
    layer = SplitBatchNormalization(splits=4, epsilon=1e-5)
    layer.build((None, 5, 5, 3))
    spec = tf.TensorSpec((None, 5, 5, 3))
    call = tf.function(
        lambda x: layer(x, training=True), input_signature=[spec], jit_compile=jit_compile
    )
    for n in (8, 3, 9, 1, 16):
        x = noise((n, 5, 5, 3), n)
        np.testing.assert_allclose(call(x), restated(x, 4, 1e-5)[0], atol=2e-5)
    assert np.isfinite(layer.moving_mean).all()


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_gradients_are_those_of_each_group_alone(mode):
    x, into = (noise((8, 4, 4, 3), i) for i in range(2))
    split, whole = SplitBatchNormalization(splits=2), BatchNormalization()

    for layer in (split, whole):
        layer.build((None, 4, 4, 3))

    def gradients(layer, x, into):
        def run(x, into):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(layer(x, training=True) * into)
            return tape.gradient(loss, [x, *(w.value for w in layer.trainable_variables)])

        if mode == "graph":
            run = tf.function(run, input_signature=[tf.TensorSpec((None, 4, 4, 3))] * 2)
        return run(tf.constant(x), tf.constant(into))

    got = gradients(split, x, into)
    first, second = (gradients(whole, x[i : i + 4], into[i : i + 4]) for i in (0, 4))
    np.testing.assert_allclose(got[0], np.concatenate([first[0], second[0]]), atol=1e-4)
    for a, b, c in zip(got[1:], first[1:], second[1:], strict=True):
        np.testing.assert_allclose(a, b + c, rtol=1e-4, atol=1e-4)


def test_one_group_is_batch_normalization():
    x = noise((6, 4, 4, 3))
    layers = SplitBatchNormalization(splits=1), BatchNormalization()
    split, whole = (layer(x, training=True) for layer in layers)
    np.testing.assert_array_equal(split, whole)
    for a, b in zip(*(layer.get_weights() for layer in layers), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_pair_is_told_by_its_statistics_no_more():
    """What the layer is for: what one group holds does not show in another's outputs."""
    layer = SplitBatchNormalization(splits=2)
    x = noise((8, 4, 4, 3))
    changed = np.concatenate([x[:4], 10 * x[4:] + 3])
    np.testing.assert_array_equal(layer(x, training=True)[:4], layer(changed, training=True)[:4])
    whole = BatchNormalization()
    assert not np.allclose(whole(x, training=True)[:4], whole(changed, training=True)[:4])


@pytest.mark.parametrize("trainable", [True, False])
def test_inference_is_batch_normalizations(trainable):
    x = noise((6, 4, 4, 3))
    split = SplitBatchNormalization(splits=3, trainable=trainable)
    split.build(x.shape)
    whole = BatchNormalization()
    whole.build(x.shape)
    whole.set_weights([0.5 + i + noise(w.shape, i) ** 2 for i, w in enumerate(whole.weights)])
    split.set_weights(whole.get_weights())
    np.testing.assert_array_equal(split(x, training=not trainable), whole(x))
    assert all(map(np.array_equal, split.get_weights(), whole.get_weights()))


TOLERANCES = {
    "mixed_float16": (2e-3, 1e-4),
    "float16": (2e-3, 1e-3),
    "mixed_bfloat16": (2e-2, 1e-4),
    "bfloat16": (2e-2, 1e-2),
    "float64": (1e-6, 1e-4),
}  # of outputs, and of statistics


@pytest.mark.parametrize("policy", TOLERANCES)
@pytest.mark.parametrize("mode", MODES[1:])
def test_other_precisions(policy, mode):
    layer = SplitBatchNormalization(splits=4, epsilon=1e-5, dtype=policy)
    x = tf.cast(noise((9, 4, 4, 3)), layer.compute_dtype)
    layer.build(x.shape)
    outputs = called(layer, mode)(x)
    assert outputs.dtype == layer.compute_dtype
    expected, mean, _ = restated(np.asarray(tf.cast(x, "float32")), 4, 1e-5)
    tolerance, of_statistics = TOLERANCES[policy]
    np.testing.assert_allclose(tf.cast(outputs, "float64"), expected, atol=tolerance)
    moving_mean = tf.cast(layer.moving_mean.value, "float64")
    np.testing.assert_allclose(moving_mean, 0.01 * mean, rtol=of_statistics)


def test_it_is_saved_under_its_name(tmp_path):
    images = keras.Input((4, 4, 3))
    model = keras.Model(images, SplitBatchNormalization(splits=2, momentum=0.8)(images))
    model(noise((5, 4, 4, 3)), training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    layer = again.layers[-1]
    assert type(layer) is SplitBatchNormalization
    assert (layer.splits, layer.momentum) == (2, 0.8)
    x = noise((6, 4, 4, 3))
    np.testing.assert_array_equal(again(x), model(x))
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"splits": 0}, r"Expected splits to be an integer of at least 1\. Received: 0\."),
        ({"splits": 2.0}, r"Expected splits to be .* Received: 2\.0\."),
        ({"renorm": True}, r"Expected renorm to be False: each group .* Received: True\."),
        ({"synchronized": True}, r"Expected synchronized to be False: .* Received: True\."),
        ({"axis": 1}, r"Expected axis to be the last, -1\. Received: 1\."),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SplitBatchNormalization(**settings).build((4, 4, 4, 3))


def test_masks_are_refused():
    with pytest.raises(ValueError, match=r"Expected no mask.* Received a mask\."):
        SplitBatchNormalization(2)(noise((4, 5, 3)), training=True, mask=np.ones((4, 5), bool))
