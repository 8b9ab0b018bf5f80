"""Encoders of images by name."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.messages import unknown
from zoo.networks import applications
from zoo.networks.convnet import convnet
from zoo.networks.flatnet import flatnet
from zoo.networks.resnet18 import resnet18

NETWORKS = {"convnet": convnet, "flatnet": flatnet, "resnet18": resnet18}


def encoder(
    name: str,
    image_shape: Sequence[int],
    seed: int = 0,
    weights: str | None = None,
    normalization: str | None = "batch",
    conditions: int | None = None,
    width: float = 1.0,
) -> keras.Model:
    """A network by name: images to features.

    Args:
        name: "convnet" (four convolutions, for laptops), "resnet18" (for small images), or any
            model of `keras.applications`, e.g. "ResNet50", whose features are means over the
            image; "flatnet" (four convolutions and a dense layer), whose features tell places.
            Upper and lower case are the same.
        image_shape: (H, W, C), of 1 or 3 channels; how small they may be is the network's to say.
            The models of `keras.applications` see grey images in all three channels.
        seed: Of the initial weights.
        weights: None, or "imagenet" for a model of `keras.applications`: fetched once, into
            Keras's cache. Its own preprocessing of pixels is part of the network either way.
        normalization: "batch": by the statistics of the whole batch, over all replicas; "split":
            by those of groups of the batch, see `zoo.layers.SplitBatchNormalization`; None, for
            all but models of `keras.applications`, which then have biases instead.
        conditions: How many conditions the scales and offsets of "batch" depend on, see
            `zoo.layers.ConditionalBatchNormalization`. None: on none. Not for models of
            `keras.applications`.
        width: How many times the filters, units and features of the network the layers have. Not
            for models of `keras.applications`.

    Returns:
        A model from images (N, H, W, C) float 0..1 to features (N, F) float32; with conditions
        from [images, condition], the condition (N,) int32, -1 where it is missing.

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
    if key not in NETWORKS and conditions is not None:
        raise ValueError(
            f"Expected no conditions: {known[key]} keeps the layers that it has. Received: "
            f"{conditions!r}."
        )
    if key not in NETWORKS and width != 1:
        raise ValueError(
            f"Expected a width of 1: {known[key]} keeps the layers that it has. Received: "
            f"{width!r}."
        )
    if key not in NETWORKS:
        return applications.application(known[key], image_shape, seed, weights, normalization)
    if weights is not None:
        raise ValueError(
            f"Expected weights to be None: {key} has no pretrained ones, as the models of "
            f"keras.applications have. Received: {weights!r}."
        )
    return NETWORKS[key](image_shape, seed, normalization, conditions, width)
