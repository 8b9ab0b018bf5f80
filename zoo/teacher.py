"""A frozen twin of a network, which trails it by a moving average (He et al. 2020, Eq. 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.replicas import shuffled


def twin(student: keras.Model) -> keras.Model:
    """A copy of a built network with the same weights, none of which a gradient moves.

    Its batch normalisation still learns its own statistics, from what the twin itself sees:
    `twin.trainable = False` would stop that, so the weights are frozen one by one.

    Args:
        student: The network.

    Example:
        >>> student = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> teacher = twin(student)
        >>> len(teacher.weights), len(teacher.trainable_variables)
        (2, 0)
    """
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(student))
    copy.set_weights(student.get_weights())
    for variable in copy.trainable_variables:
        variable.trainable = False
    return copy


def trail(teacher: keras.Model, student: keras.Model, decay: Any) -> None:
    """Moves what the student learns by gradients a little into its twin: Eq. 2.

        teacher <- decay teacher + (1 - decay) student

    Args:
        teacher: What `twin` made of the student.
        student: The network that learns.
        decay: A number or a scalar tensor, 0 (a copy) to 1 (no change).
    """
    for old, new in zip(teacher.weights, student.weights, strict=True):
        if new.trainable:  # statistics of normalisation are each network's own
            old.assign_sub(ops.cast(1 - decay, old.dtype) * (old - new))


def shuffled_keys(
    images: Any,
    networks: Sequence[keras.Model],
    training: bool,
    seed: int,
    step: Any,
    salt: int = 0,
) -> Any:
    """What twins make of images: keys, to which no gradient leads (He et al. 2020, section 3.3).

    The images are in another order as they go through, and replicas exchange them, so that no
    statistics of batch normalisation tell which key belongs to which query.

    Args:
        images: (N, H, W, C) float 0..1, of this replica.
        networks: The twins, each of what the one before gives.
        training: As for any keras.Model.
        seed: Of the order, as for `zoo.replicas.shuffled`;
        step: and this,
        salt: and this.

    Returns:
        Keys (N, D) float32, in the order of the images.
    """
    rows, back = shuffled(images, seed, step, salt)
    for network in networks:
        rows = network(rows, training=training)
    return ops.stop_gradient(back(ops.cast(rows, "float32")))


def rising_decay(decay: float, step: Any, total_steps: int | None) -> Any:
    """A decay that rises to 1 by half a cosine (Grill et al. 2020, section 3.2).

        decay_k = 1 - (1 - decay) (cos(pi k / K) + 1) / 2

    Args:
        decay: That of the first step, 0 to 1.
        step: k, an integer, a tensor of one, or the step counter; beyond K the decay is 1.
        total_steps: K. None: the decay stays as it is.

    Example:
        >>> [round(float(rising_decay(0.9, step, 10)), 3) for step in (0, 5, 10, 11)]
        [0.9, 0.95, 1.0, 1.0]
    """
    if total_steps is None:
        return decay
    share = ops.minimum(ops.cast(step, "float32") / total_steps, 1.0)
    return 1 - (1 - decay) * (ops.cos(math.pi * share) + 1) / 2
