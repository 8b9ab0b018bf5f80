"""The layer of two views makes what the stream makes, and goes on where it was."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.data import View, Views
from zoo.layers import TwoViews, two_views

VIEWS = Views(View(grey=0.0), View(solarise=0.5), size=(8, 12))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 10, 10, 3), dtype=np.uint8)


def same(found: tuple, expected: tuple) -> None:
    for one, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, wanted, atol=1e-6)


def test_examples_run() -> None:
    assert doctest.testmod(two_views, extraglobs={"TwoViews": TwoViews}).failed == 0


def test_call_after_call_makes_the_views_of_step_after_step(images: np.ndarray) -> None:
    layer = TwoViews(VIEWS, seed=3)
    for step in range(3):
        same(layer(images, training=True), VIEWS(images, 3, step))
    for _ in range(2):
        same(layer(images), VIEWS(images, 3, 0))  # in inference always the same
    assert layer.step.numpy() == 3
    graph = tf.function(lambda batch: layer(batch, training=True))
    for step in (3, 4):
        same(graph(images), VIEWS(images, 3, step))
    same(layer(images / 255, training=True), VIEWS(images, 3, 5))


@pytest.mark.parametrize("views", ["simclr_small", VIEWS])
def test_a_saved_model_goes_on_where_it_was(
    views: str | Views, images: np.ndarray, tmp_path: Path
) -> None:
    inputs = keras.Input(images.shape[1:], dtype="uint8")
    model = keras.Model(inputs, TwoViews(views, seed=1)(inputs))
    model(images, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    same(loaded(images, training=True), Views.of(views)(images, 1, 1))
    assert loaded.layers[-1].views == views


REPLICAS = """
import numpy as np, tensorflow as tf
from zoo.data import Views
from zoo.layers import TwoViews
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layer = TwoViews("simclr", seed=3)
images = np.random.default_rng(0).integers(0, 256, (3, 10, 10, 3), dtype=np.uint8)
call = tf.function(lambda: strategy.run(lambda: layer(images, training=True)))
for step in range(2):
    first, _ = call()
    for replica, found in enumerate(strategy.experimental_local_results(first)):
        expected, _ = Views.of("simclr")(images, 3 + (replica << 32), step)
        np.testing.assert_allclose(found, expected, atol=1e-5)
counts = strategy.experimental_local_results(layer.step.value)
assert [int(count) for count in counts] == [2, 2], counts
"""


@pytest.mark.slow
def test_each_replica_makes_views_of_its_own() -> None:
    run = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_mixed_precision_leaves_the_views(mixed_float16: None, images: np.ndarray) -> None:
    layer = TwoViews(VIEWS)
    same(layer((images / 255).astype("float32")), VIEWS(images))


def test_what_it_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown preset 'simcrl'. Did you mean 'simclr'"):
        TwoViews("simcrl")
    with pytest.raises(ValueError, match="Expected seed to be an integer of at least 0"):
        TwoViews(seed=-1)
    with pytest.raises(ValueError, match=r"Expected images of shape \(N, H, W, C\)"):
        TwoViews()(np.zeros((3, 10, 10, 2), "uint8"))
