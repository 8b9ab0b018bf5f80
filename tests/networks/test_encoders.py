"""Encoders by name: their layers, sizes, seeds; what they refuse."""

import doctest
import functools
import importlib
import itertools
import math
import pathlib
import urllib.error
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo import networks
from zoo.networks import applications

SMALL = ["convnet", "flatnet", "resnet18"]


def only(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def noise(n, image_shape):
    return np.random.default_rng(0).uniform(size=(n, *image_shape)).astype("float32")


def norms(network):
    """The batch normalisations, those of inner models too."""
    found = [layer for layer in network._flatten_layers() if "gamma" in vars(layer)]
    assert found
    return found


def kernels(network):
    return [weight.numpy() for weight in network.trainable_weights if len(weight.shape) > 1]


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Keras finds no network, and nothing in its cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    asked = []

    def refuse(url, *_):
        asked.append(url)
        raise urllib.error.URLError(OSError(-2, "Name or service not known"))

    module = importlib.import_module("keras.src.utils.file_utils")
    monkeypatch.setattr(module, "urlretrieve", refuse)
    return asked


@pytest.mark.parametrize(
    "module",
    [
        "networks.convnet",
        "networks.flatnet",
        "networks.resnet18",
        "networks.encoders",
        "networks.projector",
    ],
)
def test_the_examples_are_true(module):
    assert doctest.testmod(importlib.import_module(f"zoo.{module}")).failed == 0


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("image_shape", [(8, 8, 1), (9, 12, 3), (32, 32, 3)])
def test_images_become_features(name, image_shape):
    network = networks.encoder(name, image_shape)
    features = np.asarray(network(noise(2, image_shape)))
    assert features.shape == (2, {"convnet": 256, "flatnet": 256, "resnet18": 512}[name])
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert not np.allclose(features[0], features[1])


def test_the_convnet_is_as_it_says():
    network = networks.encoder("convnet", (32, 32, 3))
    convolutions = only(network, layers.Conv2D)
    assert [c.filters for c in convolutions] == [32, 64, 128, 256]
    assert {c.kernel_size for c in convolutions} == {(3, 3)}
    assert [c.output.shape[1] for c in convolutions] == [16, 8, 4, 4]
    assert not any(c.use_bias for c in convolutions)
    assert len(only(network, zoo.layers.BatchNormalization)) == 4
    channels = [3, 32, 64, 128, 256]
    products = sum(9 * a * b for a, b in itertools.pairwise(channels))
    assert network.count_params() == products + 4 * sum(channels[1:])


def test_the_flatnet_tells_places():
    network = networks.encoder("flatnet", (32, 32, 3))
    convolutions = only(network, layers.Conv2D)
    assert [(c.filters, *c.kernel_size) for c in convolutions] == [
        (filters, 4, 4) for filters in (32, 32, 64, 64)
    ]
    assert [c.output.shape[1] for c in convolutions] == [16, 8, 4, 2]
    assert len(only(network, zoo.layers.BatchNormalization)) == 5
    image = np.zeros((1, 32, 32, 3), "float32")
    image[:, 4:9, 4:9] = 1
    moved = np.roll(image, (16, 16), axis=(1, 2))  # by as many pixels as all strides divide
    here, there = np.asarray(network(np.concatenate([image, moved])))
    assert np.abs(here - there).max() > 0.1 * np.abs(here).max()


def test_the_resnet_is_the_papers():
    network = networks.encoder("resnet18", (32, 32, 3))
    convolutions = only(network, layers.Conv2D)
    assert len([c for c in convolutions if c.kernel_size == (3, 3)]) == 17  # the 18th classifies
    assert [c.filters for c in convolutions if c.kernel_size == (1, 1)] == [128, 256, 512]
    assert len(only(network, layers.Add)) == 8
    assert [a.output.shape[1] for a in only(network, layers.Add)] == [32, 32, 16, 16, 8, 8, 4, 4]
    assert not only(network, layers.MaxPooling2D)
    # 11,173,962 weights is what this network has on CIFAR-10 in the literature; 5,130 classify.
    learned = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    assert learned == 11_173_962 - (512 + 1) * 10 == 11_168_832


@pytest.mark.parametrize("name", SMALL)
def test_convolutions_start_as_he_has_them(name):
    network = networks.encoder(name, (8, 8, 3))
    for kernel in kernels(network):
        *window, _, filters = kernel.shape
        sigma = np.sqrt(2 / (math.prod(window) * filters))
        assert kernel.std() == pytest.approx(sigma, rel=4 / np.sqrt(2 * kernel.size))
    others = [w.numpy() for w in network.trainable_weights if len(w.shape) == 1]
    assert {float(value) for weight in others for value in (weight.min(), weight.max())} == {0, 1}


@pytest.mark.parametrize("name", [*SMALL, "MobileNet"])
def test_equal_seeds_give_equal_weights_and_others_others(name):
    keras.utils.set_random_seed(1)
    first = kernels(networks.encoder(name, (32, 32, 3), seed=3))
    keras.utils.set_random_seed(2)
    again = kernels(networks.encoder(name, (32, 32, 3), seed=3))
    other = kernels(networks.encoder(name, (32, 32, 3), seed=4))
    assert all(map(np.array_equal, first, again))
    assert not any(map(np.array_equal, first, other))
    starts = [np.sort(kernel.ravel()[:8] / kernel.std()) for kernel in first]
    assert not any(np.allclose(a, b) for i, a in enumerate(starts) for b in starts[i + 1 :])


@pytest.mark.parametrize("name", [*SMALL, "MobileNet"])
def test_batch_normalization_is_in_one_kernel_and_over_all_replicas(name):
    network = networks.encoder(name, (32, 32, 3))
    found = [
        layer for layer in network._flatten_layers() if "batch" in type(layer).__name__.lower()
    ]
    assert found
    assert {type(layer) for layer in found} == {zoo.layers.BatchNormalization}
    assert all(layer.synchronized for layer in found)


@pytest.mark.parametrize("name", [*SMALL, "MobileNet"])
def test_batch_normalization_may_be_split(name):
    whole = networks.encoder(name, (32, 32, 3))
    split = networks.encoder(name, (32, 32, 3), normalization="split")
    assert {type(layer) for layer in norms(split)} == {zoo.layers.SplitBatchNormalization}
    assert all(map(np.array_equal, whole.get_weights(), split.get_weights()))


@pytest.mark.parametrize("name", SMALL)
def test_batch_normalization_may_depend_on_a_condition(name):
    plain = networks.encoder(name, (8, 8, 3), seed=1)
    network = networks.encoder(name, (8, 8, 3), seed=1, conditions=3)
    images = noise(4, (8, 8, 3))
    found = only(network, zoo.layers.ConditionalBatchNormalization)
    assert len(found) == len(only(plain, zoo.layers.BatchNormalization))
    conditions = np.array([0, 1, 2, -1], "int32")
    np.testing.assert_allclose(network([images, conditions]), plain(images), atol=1e-4)
    before = np.asarray(network([images, conditions]))
    for layer in found:
        layer.gamma.assign(np.arange(1, 5)[:, None] * np.asarray(layer.gamma))
    after = np.asarray(network([images, conditions]))
    changed = [not np.allclose(a, b, atol=1e-4) for a, b in zip(before, after, strict=True)]
    assert changed == [False, True, True, True]  # the last row is that of a missing one


@pytest.mark.parametrize("name", SMALL)
def test_without_normalization_convolutions_have_biases(name):
    network = networks.encoder(name, (8, 8, 3), normalization=None)
    assert not [x for x in network._flatten_layers() if isinstance(x, layers.BatchNormalization)]
    assert all(c.use_bias for c in only(network, layers.Conv2D))
    images = noise(3, (8, 8, 3))
    np.testing.assert_allclose(network(images, training=True)[:2], network(images[:2]), rtol=1e-4)


@pytest.mark.parametrize("name", [*SMALL, "MobileNet"])
def test_features_stay_in_float32_under_mixed_precision(name, mixed_float16):
    features = networks.encoder(name, (32, 32, 3))(noise(2, (32, 32, 3)), training=True)
    assert features.dtype.name == "float32"
    assert np.isfinite(features).all()


@pytest.mark.parametrize("name", ["convnet", "MobileNet"])
def test_it_is_saved_without_code(name, tmp_path):
    network = networks.encoder(name, (32, 32, 1), normalization="split")
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    images = noise(2, (32, 32, 1))
    np.testing.assert_array_equal(network(images), again(images))


@pytest.mark.parametrize("name", ["resnet50", "RESNET50", "ResNet50"])
def test_a_model_of_keras_is_found_in_any_case(name, monkeypatch):
    made = []
    monkeypatch.setattr(applications, "application", lambda *arguments: made.append(arguments))
    networks.encoder(name, (32, 32, 3), 5)
    assert made == [("ResNet50", (32, 32, 3), 5, None, "batch")]


def test_every_model_of_keras_is_known():
    names = applications.names()
    assert {"ResNet50", "MobileNetV2", "EfficientNetB0", "ConvNeXtTiny", "VGG16"} <= {*names}
    assert all(callable(getattr(keras.applications, name)) for name in names)
    assert all(callable(applications._preprocessing(name)) for name in names)


def test_a_model_of_keras_sees_pixels_as_it_was_trained_on_them():
    network = networks.encoder("MobileNet", (32, 32, 3))
    backbone = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    pixels = 255 * noise(2, (32, 32, 3))
    seen = keras.applications.mobilenet.preprocess_input(pixels.copy())
    np.testing.assert_allclose(network(pixels / 255), backbone(seen), rtol=1e-4, atol=1e-6)


def test_a_model_of_keras_sees_grey_images_in_three_channels():
    grey, coloured = (networks.encoder("MobileNet", (32, 32, c)) for c in (1, 3))
    images = noise(2, (32, 32, 1))
    np.testing.assert_allclose(grey(images), coloured(np.repeat(images, 3, axis=-1)), rtol=1e-5)


def test_pretrained_weights_are_kept(monkeypatch):
    make = keras.applications.MobileNet
    made = []

    @functools.wraps(make)
    def pretrained(weights, **settings):
        assert weights == "imagenet"
        made.append(make(weights=None, **settings))
        return made[0]

    monkeypatch.setattr(keras.applications, "MobileNet", pretrained)
    network = networks.encoder("mobilenet", (32, 32, 3), weights="imagenet")
    assert all(map(np.array_equal, network.get_weights(), made[0].get_weights()))


def test_mobilenets_sizes_are_no_warning():
    with warnings.catch_warnings(action="error"):
        assert networks.encoder("MobileNet", (40, 48, 3)).output_shape == (None, 1024)


@pytest.mark.parametrize("name", SMALL)
def test_a_network_of_another_width_has_as_many_times_the_filters(name):
    def sizes(width):
        network = networks.encoder(name, (8, 8, 3), width=width)
        kernels = [weight for weight in network.trainable_weights if weight.name == "kernel"]
        return [kernel.shape[-1] for kernel in kernels], network.output_shape[-1]

    (whole, features), (half, fewer) = sizes(1.0), sizes(0.5)
    assert half == [size // 2 for size in whole]
    assert fewer == features // 2


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((7, 8, 1), r"at least 8 x 8 pixels\. Received: 7 x 8\..*--image-size 8"),
        ((8, 8, 2), r"Expected images of 1 or 3 channels\. Received: 2\."),
        ((8, 8), r"\(height, width, channels\)\. Received: \(8, 8\)\."),
    ],
)
def test_images_that_it_cannot_take_are_refused(name, image_shape, message):
    with pytest.raises(ValueError, match=message):
        networks.encoder(name, image_shape)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "resnet20"}, r"Unknown network 'resnet20'\. Did you mean 'resnet18'"),
        ({"name": "convnets"}, r"Unknown network 'convnets'\. Did you mean 'convnet'"),
        ({"name": 18}, r"Unknown network '18'\."),
        ({"seed": -1}, r"Expected seed to be an integer of at least 0\. Received: -1\."),
        ({"name": "ResNet50", "seed": -1}, r"Expected seed to be .* Received: -1\."),
        ({"normalization": "batches"}, r"Unknown normalization 'batches'\. Did you mean 'batch'"),
        (
            {"name": "ResNet50", "normalization": None},
            r"'batch' or 'split': ResNet50 keeps the layers that it has\. Received: None\.",
        ),
        ({"conditions": 0}, r"Expected conditions to be an integer of at least 1\. Received: 0\."),
        (
            {"conditions": 2, "normalization": "split"},
            r"'batch' where it depends on conditions\. Received: 'split'\.",
        ),
        (
            {"name": "ResNet50", "conditions": 2},
            r"Expected no conditions: ResNet50 keeps the layers that it has\. Received: 2\.",
        ),
        ({"width": 0}, r"Expected width to be a number above 0\. Received: 0\."),
        (
            {"name": "ResNet50", "width": 2.0},
            r"Expected a width of 1: ResNet50 keeps the layers that it has\. Received: 2\.0\.",
        ),
        ({"weights": "imagenet"}, r"convnet has no pretrained ones.* Received: 'imagenet'\."),
        ({"name": "VGG16", "weights": "x.h5"}, r"None or 'imagenet'\. Received: 'x\.h5'\."),
        (
            {"name": "ResNet50", "image_shape": (31, 32, 3)},
            r"images and weights that ResNet50 takes\. Received images of \(31, 32, 3\).*32x32",
        ),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        networks.encoder(**{"name": "convnet", "image_shape": (32, 32, 3), **arguments})


def test_weights_that_cannot_be_fetched_are_one_error(no_network):
    message = (
        r"weights of MobileNet in Keras's cache .* Received: .*not known.*or take weights=None"
    )
    with pytest.raises(ConnectionError, match=message) as raised:
        networks.encoder("MobileNet", (32, 32, 3), weights="imagenet")
    assert len(no_network) == 1  # asked for once
    assert raised.value.__cause__ is None
    assert pathlib.Path(no_network[0]).name in str(raised.value)


def test_an_error_of_another_kind_is_left_as_it_is(monkeypatch):
    def fail(**_):
        raise MemoryError("full")

    monkeypatch.setattr(keras.applications, "VGG16", fail)
    with pytest.raises(MemoryError, match="full"):
        networks.encoder("VGG16", (32, 32, 3))
