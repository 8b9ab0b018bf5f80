"""MoCo: queries against a queue of keys from a twin that trails the encoder."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract, values


def make(**hyperparameters):
    return zoo.MoCo(
        parts.encoder(),
        parts.projector(),
        **{"queue_size": 20, "decay": 0.9, "temperature": 0.2, **hyperparameters},
    )


class TestMoCo(TwoViewContract):
    def make(self):
        return make()


class TestSymmetricMoCo(TwoViewContract):
    def make(self):
        return make(symmetric=True)


def compiled(**hyperparameters):
    method = make(**hyperparameters)
    method.compile(keras.optimizers.SGD(0.1))
    return method


def views(n=6, seed=0):
    return tuple(ops.convert_to_tensor(parts.images(n, 2 * seed + i)) for i in range(2))


def unit(rows):
    rows = np.asarray(rows, "float64")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_loss_is_the_equation():
    method = make()
    a, b = views()
    terms = method.objective(**found(method, (a, b)))
    q, k = unit(method.project(a, False)), unit(method.encode_keys(b, False))
    queue = np.asarray(method.queue.rows())
    own = np.exp((q * k).sum(axis=1) / 0.2)
    others = np.exp(q @ queue.T / 0.2).sum(axis=1)
    assert float(terms["loss"]) == pytest.approx(-np.log(own / (own + others)).mean(), rel=1e-5)
    assert float(terms["positive_similarity"]) == pytest.approx(
        (q * k).sum(axis=1).mean(), rel=1e-5
    )
    assert float(terms["negative_similarity"]) == pytest.approx((q @ queue.T).mean(), abs=1e-6)


def test_the_symmetric_loss_is_the_mean_of_both_directions():
    one, both = make(), make(symmetric=True)
    a, b = views()
    there, back = (float(one.objective(**found(one, pair))["loss"]) for pair in ((a, b), (b, a)))
    loss = float(both.objective(**found(both, (a, b)))["loss"])
    assert loss == pytest.approx((there + back) / 2, rel=1e-6)


def found(method, batch):
    return method.forward(batch, training=False)


def test_twenty_steps_are_those_of_the_paper():
    """Queue and twins against a restatement in NumPy, with batches that do not divide the queue."""
    method = compiled(queue_size=20, decay=0.9)
    queue = np.asarray(method.queue.rows()).copy()
    written = 0
    for step in range(20):
        batch = views(6 if step % 3 else 5, seed=step)
        twins = values([*method.key_encoder.weights, *method.key_projector.weights])
        keys = unit(method.encode_keys(batch[1], training=True))
        np.testing.assert_allclose(np.asarray(method.queue.rows()), queue, atol=1e-6)
        method.train_step(batch)
        for key in keys:
            queue[written % 20] = key
            written += 1
        students = values([*method.encoder.weights, *method.projector.weights])
        after = values([*method.key_encoder.weights, *method.key_projector.weights])
        for old, student, new in zip(twins, students, after, strict=True):
            np.testing.assert_allclose(new, 0.9 * old + 0.1 * student, atol=1e-6)
    np.testing.assert_allclose(np.asarray(method.queue.rows()), queue, atol=1e-6)


def test_both_halves_keys_are_remembered_after_both():
    method = compiled(symmetric=True)
    a, b = views()
    keys = unit(np.concatenate([method.encode_keys(b, True), method.encode_keys(a, True)]))
    method.train_step((a, b))
    np.testing.assert_allclose(np.asarray(method.queue.rows())[:12], keys, atol=1e-6)


def test_no_gradient_reaches_the_twins():
    method = compiled()
    assert not method.key_encoder.trainable_variables
    assert not method.key_projector.trainable_variables
    assert len(method.learned) == 4


@pytest.mark.parametrize("decay", [0, 1])
def test_the_extremes_of_decay(decay):
    method = compiled(decay=decay)
    before = values(method.key_encoder.weights)
    method.train_step(views())
    student, twin = values(method.encoder.weights), values(method.key_encoder.weights)
    for expected, got in zip(before if decay else student, twin, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-7)


def test_the_keys_normalise_by_their_own_statistics():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    encoder = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.5)(x))
    method = zoo.MoCo(encoder, parts.projector(), queue_size=20)
    method.compile(keras.optimizers.SGD(0.1))
    before = values(method.key_encoder.non_trainable_variables)
    method.train_step(views())
    after = values(method.key_encoder.weights[-2:])
    assert not any(np.array_equal(x, y) for x in before[-2:] for y in after)


def test_each_half_of_a_symmetric_loss_has_an_order_of_its_own():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    encoder = keras.Model(inputs, zoo.layers.SplitBatchNormalization(splits=2)(x))
    method = zoo.MoCo(encoder, parts.projector(), queue_size=20, symmetric=True)
    a, _ = views()
    k = np.asarray(method.forward((a, a), training=True)["k"])
    assert not np.allclose(k[:6], k[6:], atol=1e-3)  # one image, in groups with others


def test_the_logged_share_of_the_queue_is_what_was_there_before():
    method = compiled()
    logs = method.train_step(views())
    assert float(logs["queue_filled"]) == 0
    assert float(method.queue.filled()) == pytest.approx(6 / 20)


def test_the_papers_settings_are_the_defaults():
    method = zoo.MoCo(parts.encoder(), parts.projector())
    assert (method.queue_size, method.decay, method.temperature) == (65536, 0.999, 0.07)
    assert method.queue.queue.shape == (65536, 3)
    assert method.symmetric is False
    assert method.views == "moco_v2"
    assert method.projection == {"sizes": (128,), "hidden_norm": False}


def test_the_recipe_is_that_for_small_images():
    given = zoo.MoCo.recipe["hyperparameters"]
    assert (given["queue_size"], given["decay"], given["temperature"]) == (4096, 0.99, 0.1)
    assert zoo.MoCo.normalization == "split"


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"queue_size": 1}, "Expected queue_size to be an integer of at least 2. Received: 1"),
        ({"queue_size": 3, "symmetric": True}, "Expected queue_size to be .* at least 4"),
        ({"queue_size": 2.5}, "Expected queue_size"),
        ({"decay": 1.5}, "Expected decay to be a number from 0 to 1. Received: 1.5"),
        ({"decay": -0.1}, "Expected decay to be a number from 0 to 1"),
        ({"temperature": 0}, "Expected temperature to be a number above 0"),
        ({"symmetric": 1}, "Expected symmetric to be True or False"),
        ({"views": "mocov2"}, "Unknown views 'mocov2'. Did you mean 'moco_v2'"),
    ],
)
def test_strange_values_are_refused(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        make(**hyperparameters)


@pytest.mark.parametrize(("symmetric", "most"), [(False, 20), (True, 10)])
def test_a_queue_smaller_than_the_batch_is_refused(symmetric, most):
    method = compiled(symmetric=symmetric)
    with pytest.raises(
        ValueError, match=f"Expected batches of 2 to {most} images .*queue_size of 20"
    ):
        method.fit(tuple(map(np.asarray, views(24))), batch_size=24, verbose=0)


@pytest.mark.slow
def test_it_learns_to_tell_images_apart():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make(queue_size=64)
    method.compile(keras.optimizers.Adam(3e-2))
    history = method.fit((a, b), batch_size=32, epochs=40, verbose=0).history
    full = history["queue_filled"].index(1)  # of keys that are nearly all alike
    assert history["loss"][-1] < history["loss"][full] - 0.5
    assert history["negative_similarity"][full] > 0.5
    assert history["negative_similarity"][-1] < 0.2
    assert history["positive_similarity"][-1] > 0.8
