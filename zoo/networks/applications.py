"""The models of keras.applications as encoders: seeded, with their own preprocessing built in."""

from __future__ import annotations

import inspect
import itertools
import socket
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from zoo import checks
from zoo.networks.normalization import BATCH_NORMALIZATIONS, check_normalization
from zoo.networks.shapes import check_image_shape

PATIENCE = 10.0  # seconds for a network to answer


def names() -> list[str]:
    """Every model of `keras.applications`, e.g. "ResNet50"."""
    return sorted(name for name in vars(keras.applications) if name[0].isupper())


def application(
    name: str,
    image_shape: Sequence[int],
    seed: int = 0,
    weights: str | None = None,
    normalization: str | None = "batch",
) -> keras.Model:
    """A model of `keras.applications` without its classifier; see `zoo.networks.encoder`.

    Its batch normalisations keep their momentum and epsilon, and become the zoo's.
    """
    *sides, channels = check_image_shape(image_shape, smallest_side=1)
    seed = checks.integer("seed", seed, low=0)
    normalization = check_normalization(normalization)
    if normalization is None:
        raise ValueError(
            f"Expected normalization to be 'batch' or 'split': {name} keeps the layers that it "
            "has. Received: None."
        )
    backbone = _built(name, (*sides, 3), weights)
    pretrained = backbone.get_weights() if weights else None
    backbone = keras.models.clone_model(
        backbone, clone_function=_cloner(seed, normalization), recursive=True
    )
    if pretrained:
        backbone.set_weights(pretrained)
    images = x = layers.Input((*sides, channels), name="image")
    if channels == 1:
        x = layers.Concatenate()([x, x, x])
    x = backbone(_preprocessing(name)(255 * x))
    x = layers.Activation("linear", dtype="float32", name="features")(x)
    return keras.Model(images, x, name="encoder")


def _built(name: str, shape: tuple[int, ...], weights: str | None) -> keras.Model:
    make = getattr(keras.applications, name)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)  # Keras would wait for a silent network without end
    try:
        with warnings.catch_warnings():  # MobileNet has weights of one size for images of others
            warnings.filterwarnings("ignore", message=".*`rows` is not in")
            return make(include_top=False, weights=weights, input_shape=shape, pooling="avg")
    except ValueError as error:
        raise ValueError(
            f"Expected images and weights that {name} takes. Received images of {shape} and "
            f"weights {weights!r}; Keras says: {error}"
        ) from None
    except Exception as error:
        if not isinstance(error, OSError) and "URL fetch failure" not in str(error):
            raise
        raise ConnectionError(
            f"Expected the weights of {name} in Keras's cache (models in KERAS_HOME, by default "
            f"~/.keras), or a network to fetch them by. Received: {error}. Put the file into the "
            "cache by other means, or take weights=None."
        ) from None
    finally:
        socket.setdefaulttimeout(patience)


def _preprocessing(name: str) -> Callable[[Any], Any]:
    """What the model does to pixels 0..255."""
    module: Any = inspect.getmodule(getattr(keras.applications, name))
    return module.preprocess_input


def _cloner(seed: int, normalization: str) -> Callable[[keras.layers.Layer], keras.layers.Layer]:
    """Copies layers: every random start seeded, batch normalisations of the kind that is named."""
    seeds = itertools.count(1000 * seed)

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        for key, value in config.items():
            if key.endswith("_initializer") and "seed" in (value or {}).get("config", {}):
                value["config"]["seed"] = next(seeds)
        if config.get("seed", 0) is None:  # a dropout's
            config["seed"] = next(seeds)
        kind = type(layer)
        if kind is layers.BatchNormalization:
            kind = BATCH_NORMALIZATIONS[normalization]
            config["synchronized"] = normalization == "batch"
        return kind.from_config(config)

    return copy
