"""Tiny SavedModels whose codes are known functions of the picture, with an exact decoder.

A picture is 8x8 grey, each quadrant in one brightness. Code k is the mean brightness of quadrant
k, 0..1: 0 top left, 1 bottom left, 2 top right, 3 bottom right; the decoder paints it back. The
subspaces "left" and "right" are codes 0 and 1, and codes 2 and 3.
"""

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from zoo.data import FactorData, LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels

LEVELS = 5  # brightnesses of a quadrant: 0, 0.25 ... 1


def paint(codes):
    """uint8 (N, 8, 8, 1): pictures of codes (N, 4)."""
    quadrants = np.asarray(codes, float).reshape(-1, 2, 2).swapaxes(1, 2)
    pixels = np.rint(255 * np.clip(quadrants, 0, 1)).astype(np.uint8)
    return pixels.repeat(4, axis=1).repeat(4, axis=2)[..., None]


def save_model(folder, functions, card=None):
    """Writes a SavedModel. functions: name -> (function, {input: (shape, dtype)}, output)."""
    import tensorflow as tf

    module = tf.Module()
    signatures = {}
    for name, (function, inputs, output) in functions.items():
        specs = [tf.TensorSpec(shape, dtype, name=key) for key, (shape, dtype) in inputs.items()]

        def named(*tensors, function=function, output=output):
            return {output: function(*tensors)}

        signatures[name] = tf.function(named, autograph=False).get_concrete_function(*specs)
    module.kept = [v for function in signatures.values() for v in function.graph.variables]
    tf.saved_model.save(module, str(folder), signatures=signatures)
    if card is not None:
        (folder / "card.json").write_text(json.dumps(card))
    return folder


def quadrant_means(images):
    """Codes (N, 4) of images uint8 or 0..1, by TensorFlow."""
    import tensorflow as tf

    pixels = tf.cast(images, "float32") / (255 if images.dtype == tf.uint8 else 1)
    quadrants = tf.reduce_mean(tf.reshape(pixels, (-1, 2, 4, 2, 4)), axis=(2, 4))
    return tf.reshape(tf.transpose(quadrants, (0, 2, 1)), (-1, 4))


def painted(codes):
    """Images uint8 of codes, by TensorFlow: `paint`."""
    import tensorflow as tf

    quadrants = tf.transpose(tf.reshape(codes, (-1, 2, 2)), (0, 2, 1))
    pixels = tf.repeat(tf.repeat(quadrants, 4, axis=1), 4, axis=2)
    shaped = tf.reshape(pixels, (-1, 8, 8, 1))  # of a size that converters know
    return tf.cast(tf.round(255 * tf.clip_by_value(shaped, 0, 1)), "uint8")


def conditioned(images, condition):
    """Codes of a picture whose brightness is inverted under condition 1."""
    import tensorflow as tf

    codes = quadrant_means(images)
    return tf.where((condition == 1)[:, None], 1 - codes, codes)


def brightness(images):
    """Probabilities (N, 2) that a picture is dark and that it is bright."""
    import tensorflow as tf

    bright = tf.reduce_mean(quadrant_means(images), axis=1)
    return tf.stack([1 - bright, bright], axis=1)


IMAGE = ((None, 8, 8, 1), "uint8")
ENCODE = (quadrant_means, {"image": IMAGE}, "codes")
DECODE = (painted, {"codes": ((None, 4), "float32")}, "image")
CONDITIONED = (conditioned, {"image": IMAGE, "condition": ((None,), "int32")}, "codes")
CLASSIFY = (brightness, {"image": IMAGE}, "probabilities")


@pytest.fixture(scope="session")
def quadrants(tmp_path_factory):
    """A SavedModel with every signature and a card, in a numbered folder."""
    card = {
        "method": "Quadrants",
        "subspaces": {"left": [0, 2], "right": [2, 4]},
        "classes": ["dark", "bright"],
    }
    functions = {
        "encode": ENCODE,
        "decode": DECODE,
        "encode_conditioned": CONDITIONED,
        "classify": CLASSIFY,
    }
    return save_model(tmp_path_factory.mktemp("quadrants") / "1", functions, card)


@pytest.fixture(scope="session")
def encoder_only(tmp_path_factory):
    """A SavedModel that encodes and no more, without a card."""
    return save_model(tmp_path_factory.mktemp("encoders") / "encoder", {"encode": ENCODE})


@pytest.fixture(scope="session")
def float_model(tmp_path_factory):
    """A SavedModel of images float32 0..1, which decodes to such images."""

    def decode(codes):
        import tensorflow as tf

        return tf.cast(painted(codes), "float32") / 255

    functions = {
        "encode": (quadrant_means, {"image": ((None, 8, 8, 1), "float32")}, "codes"),
        "decode": (decode, {"codes": ((None, 4), "float32")}, "image"),
    }
    return save_model(tmp_path_factory.mktemp("floats") / "model", functions)


@pytest.fixture(scope="session")
def quadrant_factors():
    """All 625 pictures of five brightnesses a quadrant, which are their factors."""
    factors = np.array(list(itertools.product(range(LEVELS), repeat=4)))
    names = ("top left", "bottom left", "top right", "bottom right")
    images = paint(factors / (LEVELS - 1))
    return FactorData("quadrants", ArrayPixels(images), factors, names)


@pytest.fixture(scope="session")
def quadrant_labels(quadrant_factors):
    """The same with labels: which quadrant is the brightest. Where it is one alone."""
    factors = quadrant_factors.factors
    alone = (factors == factors.max(axis=1, keepdims=True)).sum(axis=1) == 1
    rows = np.random.default_rng(0).permutation(np.flatnonzero(alone))
    labels, pixels = factors.argmax(axis=1), ArrayPixels(quadrant_factors.read(slice(None)))
    train, test = (
        LabelledImages("quadrants", pixels, labels[half], half) for half in (rows[100:], rows[:100])
    )
    return LabelledData("quadrants", train, test, quadrant_factors.factor_names)


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory, quadrant_labels):
    """A folder of 60 training and 20 test PNGs, in folders of the brightest quadrant."""
    folder = tmp_path_factory.mktemp("data") / "pictures"
    for part, count in (("train", 60), ("test", 20)):
        images, labels = getattr(quadrant_labels, part).sample(count, seed=0)
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            where = folder / part / quadrant_labels.class_names[label].replace(" ", "-")
            where.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).save(where / f"{i:02d}.png")
    return folder
