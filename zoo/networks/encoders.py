"""Encoders of images by name."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.messages import unknown
from zoo.networks import applications
from zoo.networks.convnet import convnet
from zoo.networks.resnet18 import resnet18

NETWORKS = {"convnet": convnet, "resnet18": resnet18}


def encoder(
    name: str,
    image_shape: Sequence[int],
    seed: int = 0,
    weights: str | None = None,
    normalization: str | None = "batch",
) -> keras.Model:
    """A network by name: images to features, pooled over the image.

    Args:
        name: "convnet" (four convolutions, for laptops), "resnet18" (for small images), or any
            model of `keras.applications`, e.g. "ResNet50"; upper and lower case are the same.
        image_shape: (H, W, C), of 1 or 3 channels; how small they may be is the network's to say.
            The models of `keras.applications` see grey images in all three channels.
        seed: Of the initial weights.
        weights: None, or "imagenet" for a model of `keras.applications`: fetched once, into
            Keras's cache. Its own preprocessing of pixels is part of the network either way.
        normalization: "batch": by the statistics of the whole batch, over all replicas; "split":
            by those of groups of the batch, see `zoo.layers.SplitBatchNormalization`; None, for
            "convnet" and "resnet18", which then have biases instead.

    Returns:
        A model from images (N, H, W, C) float 0..1 to features (N, F) float32.

    Raises:
        ValueError: Unknown names, images that are too small, pretrained weights where there are
            none.
        ConnectionError: Weights that are neither in Keras's cache nor can be fetched.

    Example:
        >>> encoder("convnet", (32, 32, 3)).output_shape
        (None, 256)
    """
    known = {known.lower(): known for known in (*NETWORKS, *applications.names())}
    key = str(name).lower()
    if key not in known:
        raise ValueError(unknown("network", str(name), known.values()))
    if weights not in (None, "imagenet"):
        raise ValueError(f"Expected weights to be None or 'imagenet'. Received: {weights!r}.")
    if key not in NETWORKS:
        return applications.application(known[key], image_shape, seed, weights, normalization)
    if weights is not None:
        raise ValueError(
            f"Expected weights to be None: {key} has no pretrained ones, as the models of "
            f"keras.applications have. Received: {weights!r}."
        )
    return NETWORKS[key](image_shape, seed, normalization)
