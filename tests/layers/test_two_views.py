"""The layer of two views makes what the stream makes, and goes on where it was."""

from __future__ import annotations

import doctest
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
