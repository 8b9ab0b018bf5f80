"""Batch normalisation in one kernel.

Ioffe & Szegedy, Batch Normalization, ICML 2015 (Algorithm 1), in each channel c of n values:
    mean = sum x / n,   variance = sum (x - mean)^2 / n,
    y = gamma (x - mean) / sqrt(variance + epsilon) + beta;
and, for inference, moving <- momentum moving + (1 - momentum) statistic.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops
from tensorflow.python.ops import control_flow_util

KERNEL_DTYPES = ("float32", "float16", "bfloat16")


@keras.saving.register_keras_serializable(package="zoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation, its training step in TensorFlow's fused kernel.

    Keras writes the layer as a dozen elementwise operations, which on a CPU take a third of the
    step of a small convolutional network. Arguments, weights and results are those of
    `keras.layers.BatchNormalization` (weights load either way), up to rounding. The kernel serves
    training on (N, ..., C); all else runs as in Keras: inference, with `trainable=False` too, an
    `axis` other than the last, masks, float64, `renorm`, `synchronized=True` where there is more
    than one replica, and under XLA, which fuses the operations itself and whose own kernel loses
    the variance of channels far from zero.

    Example:
        >>> import numpy as np
        >>> layer = BatchNormalization(momentum=0.9, epsilon=1e-5)
        >>> images = np.random.default_rng(0).normal(3, 2, (4, 5, 5, 2)).astype("float32")
        >>> bool(np.allclose(np.std(layer(images, training=True), axis=(0, 1, 2)), 1, atol=1e-3))
        True
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Inputs normalised, in their own shape; in training the moving statistics move."""
        if not (training and self.trainable and mask is None and self._is_for_the_kernel(inputs)):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = self._fused(inputs)
        self._move(mean, variance)
        return outputs

    def _is_for_the_kernel(self, inputs: Any) -> bool:
        last = self.axis in (-1, len(inputs.shape) - 1)
        known = keras.backend.standardize_dtype(inputs.dtype) in KERNEL_DTYPES
        synchronized = self.synchronized and replicas() > 1
        return last and known and not synchronized and not self.renorm and not _under_xla()

    def _fused(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Inputs (N, ..., C) normalised, and the mean and variance (C,) float32 of channels."""
        channels = inputs.shape[-1]
        is_image = len(inputs.shape) == 4
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs if is_image else ops.reshape(inputs, (-1, 1, 1, channels)),
            scale=ops.cast(self.gamma, "float32") if self.scale else tf.ones(channels),
            offset=ops.cast(self.beta, "float32") if self.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        if not is_image:
            outputs = ops.reshape(outputs, ops.shape(inputs))
        # The kernel's variance is sum (x - mean)^2 / (n - 1).
        n = ops.cast(ops.prod(ops.shape(inputs)[:-1]), "float32")
        return outputs, mean, variance * (n - 1) / n

    def _move(self, mean: Any, variance: Any) -> None:
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            old = ops.cast(moving, new.dtype)  # the weights may be of 16 bits, statistics never
            moving.assign(ops.cast(self.momentum * old + (1 - self.momentum) * new, moving.dtype))


def _under_xla() -> bool:
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def replicas() -> int:
    """How many devices train this layer."""
    return tf.distribute.get_strategy().num_replicas_in_sync
