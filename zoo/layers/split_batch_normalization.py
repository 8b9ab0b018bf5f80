"""Batch normalisation within groups of the batch.

He et al., Momentum Contrast for Unsupervised Visual Representation Learning, CVPR 2020 (Section
3.3, shuffling BN): queries and keys are normalised by statistics of different images, or the
network tells a pair by the statistics that it shares. On several devices each normalises its own
part of a shuffled batch; on one device, groups of a batch stand in for the devices.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from zoo import checks
from zoo.layers.batch_normalization import BatchNormalization, replicas


@keras.saving.register_keras_serializable(package="zoo")
class SplitBatchNormalization(BatchNormalization):
    """Batch normalisation of each of `splits` groups of a batch by its own statistics.

    The groups are consecutive samples, as devices would receive them; of a batch that does not
    divide, the first groups hold one more. A batch of fewer than two samples a group is one
    group. The moving statistics move by the mean over the groups, those of other replicas too.
    Inference is that of `keras.layers.BatchNormalization`; the weights are the same.

    Args:
        splits: The number of groups; 1 is plain batch normalisation.
        **kwargs: As for `keras.layers.BatchNormalization`; `axis` is the last, `renorm` and
            `synchronized` are False.

    Raises:
        ValueError: `splits` is no integer of at least 1; another `axis`, `renorm` or
            `synchronized`; a call with a mask.

    Example:
        >>> import numpy as np
        >>> layer = SplitBatchNormalization(splits=2)
        >>> halves = np.array([[1.0], [3.0], [10.0], [30.0]], "float32")
        >>> np.round(layer(halves, training=True), 2).ravel().tolist()
        [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(self, splits: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.splits = checks.integer("splits", splits, low=1)
        for name in ("renorm", "synchronized"):
            if getattr(self, name):
                raise ValueError(
                    f"Expected {name} to be False: each group has its own statistics. "
                    f"Received: {getattr(self, name)!r}."
                )

    def build(self, input_shape: Any) -> None:
        """Adds the weights of batch normalisation."""
        if self.axis not in (-1, len(input_shape) - 1):
            raise ValueError(f"Expected axis to be the last, -1. Received: {self.axis}.")
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Inputs (N, ..., C) normalised; in training the moving statistics move."""
        if mask is not None:
            raise ValueError("Expected no mask: groups are normalised whole. Received a mask.")
        if not (training and self.trainable):
            return super().call(inputs, training=training)
        samples = ops.shape(inputs)[0]  # an int, or in a graph of batches of any size a tensor
        outputs, mean, variance = ops.cond(
            samples >= 2 * self.splits,
            lambda: self._in_groups(inputs, samples),
            lambda: self._normalized(inputs),
        )
        if replicas() > 1:
            context = tf.distribute.get_replica_context()
            mean, variance = context.all_reduce("MEAN", [mean, variance])
        self._move(mean, variance)
        return outputs

    def _in_groups(self, inputs: Any, samples: Any) -> tuple[Any, Any, Any]:
        """Inputs normalised in groups, and the groups' mean mean and mean variance (C,)."""
        sizes = [(samples + i) // self.splits for i in reversed(range(self.splits))]
        groups = map(self._normalized, tf.split(inputs, sizes))
        outputs, means, variances = zip(*groups, strict=True)
        return (
            ops.concatenate(outputs),
            ops.mean(ops.stack(means), axis=0),
            ops.mean(ops.stack(variances), axis=0),
        )

    def _normalized(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Inputs (N, ..., C) normalised as one, and the mean and variance (C,) of channels."""
        if self._is_for_the_kernel(inputs):
            return self._fused(inputs)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = ops.moments(x, axes=self._reduction_axes)
        offset, scale = (w if w is None else ops.cast(w, x.dtype) for w in (self.beta, self.gamma))
        outputs = ops.batch_normalization(
            x, mean, variance, axis=-1, offset=offset, scale=scale, epsilon=self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype), mean, variance

    def get_config(self) -> dict[str, Any]:
        """The arguments of batch normalisation, and `splits`."""
        return {**super().get_config(), "splits": self.splits}
