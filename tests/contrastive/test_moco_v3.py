"""MoCo v3: InfoNCE of predictions and twins' projections, among the keys of the batch."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract


def make(**hyperparameters):
    predictor = parts.projector(seed=6)
    return zoo.MoCoV3(parts.encoder(), parts.projector(), predictor, **hyperparameters)


class TestMoCoV3(TwoViewContract):
    def make(self):
        return make(decay=0.9, temperature=0.2, total_steps=10)


def views(n=6, seed=0):
    return tuple(ops.convert_to_tensor(parts.images(n, 2 * seed + i)) for i in range(2))


def unit(rows):
    rows = np.asarray(rows, "float64")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_loss_is_the_equation(temperature):
    method = make(temperature=temperature, decay=0.5)
    method.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    method.train_step(views(seed=1))  # twins and students differ
    a, b = views()
    terms = method.objective(**method.forward((a, b), training=False))
    expected = 0
    for of_query, of_key in ((a, b), (b, a)):
        q = unit(method.predictor(method.projector(method.encoder(of_query / 255))))
        k = unit(method.target_projector(method.target_encoder(of_key / 255)))
        scores = np.exp(q @ k.T / temperature)
        expected += -np.log(np.diag(scores) / scores.sum(axis=1)).mean()
    expected *= 2 * temperature
    assert float(terms["loss"]) == pytest.approx(expected, rel=1e-5)


def test_keys_that_are_all_the_same_tell_nothing():
    z = np.ones((5, 3), "float32")
    loss = float(make(temperature=0.5).objective(z, z, z, z, 0.9)["loss"])
    assert loss == pytest.approx(2 * 0.5 * 2 * np.log(5), rel=1e-5)


def test_the_decay_rises_to_one():
    method = make(decay=0.9, total_steps=2)
    method.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    decays = []
    for step in range(4):
        decays.append(float(method.train_step(views(seed=step))["decay"]))
        method.reset_metrics()
    assert decays == pytest.approx([0.9, 0.95, 1, 1])


def test_the_papers_settings_are_the_defaults():
    method = make()
    assert (method.temperature, method.decay, method.total_steps) == (1.0, 0.99, None)
    assert method.views == "barlow"
    assert method.projection == {"sizes": (4096, 256), "last_norm": True}


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), "0.5"])
def test_a_strange_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="Expected temperature to be a number above 0"):
        make(temperature=temperature)


@pytest.mark.parametrize("decay", [-0.1, 1.1])
def test_a_strange_decay_is_refused(decay):
    with pytest.raises(ValueError, match="Expected decay to be a number from 0 to 1"):
        make(decay=decay)


def test_it_learns_to_tell_images_apart():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make(temperature=0.2)
    method.compile(keras.optimizers.Adam(3e-2))
    history = method.fit((a, b), batch_size=32, epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.2
