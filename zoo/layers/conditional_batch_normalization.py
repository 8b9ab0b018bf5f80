"""Batch normalisation whose scale and offset depend on a condition, such as a domain.

de Vries et al., Modulating Early Visual Processing by Language, NeurIPS 2017 (Section 3.2); a row
for each condition, as Dumoulin et al., A Learned Representation for Artistic Style, ICLR 2017
(Eq. 5), have it for instance normalisation. In each channel c, for a sample of condition k,
    y = gamma_kc (x - mean_c) / sqrt(variance_c + epsilon) + beta_kc,
with the statistics of the whole batch: conditions share them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo import checks
from zoo.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="zoo")
class ConditionalBatchNormalization(BatchNormalization):
    """Batch normalisation with a scale and an offset for each of several conditions.

    A condition that is missing has a row of its own, the last: it learns from whatever samples
    come without one. Statistics, their moving, mixed precision and the fused kernel are those of
    `BatchNormalization`.

    Args:
        conditions: K, how many conditions there are, at least 1.
        **kwargs: As for `keras.layers.BatchNormalization`, initializers, regularizers and
            constraints of gamma and beta among them; `axis` is the last, and there is neither
            `center` nor `scale`: every condition has both.

    Raises:
        ValueError: `conditions` is no integer of at least 1; `center`, `scale` or another `axis`;
            a call with conditions that are not one integer for each sample.

    Example:
        >>> import numpy as np
        >>> layer = ConditionalBatchNormalization(conditions=2)
        >>> samples = np.array([[1.0], [3.0]], "float32")
        >>> layer.build(samples.shape)
        >>> _ = layer.beta.assign([[0.0], [10.0], [100.0]])  # the last: where it is missing
        >>> np.round(layer(samples, np.array([0, 1]), training=True), 1).ravel().tolist()
        [-1.0, 11.0]
        >>> np.round(layer(samples, training=True), 1).ravel().tolist()
        [99.0, 101.0]
    """

    def __init__(self, conditions: int, **kwargs: Any) -> None:
        for name in ("center", "scale"):
            if name in kwargs:
                raise ValueError(
                    f"Expected no {name}: every condition has a scale and an offset. "
                    f"Received: {kwargs[name]!r}."
                )
        super().__init__(center=False, scale=False, **kwargs)
        self.conditions = checks.integer("conditions", conditions, low=1)

    def build(self, input_shape: Any) -> None:
        """Adds the statistics (C,), and gamma and beta, (K + 1, C) each."""
        if self.axis not in (-1, len(input_shape) - 1):
            raise ValueError(f"Expected axis to be the last, -1. Received: {self.axis}.")
        super().build(input_shape)
        for name in ("gamma", "beta"):
            weight = self.add_weight(
                shape=(self.conditions + 1, input_shape[-1]),
                name=name,
                initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"),
            )
            setattr(self, name, weight)

    def call(  # type: ignore[override]  # conditions take the place of masks
        self, inputs: Any, condition: Any = None, training: bool | None = None
    ) -> Any:
        """Inputs normalised, then scaled and shifted by their conditions.

        Args:
            inputs: (N, ..., C).
            condition: (N,) integers from 0 to K - 1; any other, such as -1, is a missing one.
                None: missing in all samples.
            training: Whether the statistics are those of the batch, and move the moving ones.

        Returns:
            Float, in the shape of inputs.
        """
        outputs = super().call(inputs, training=training)
        if condition is None:
            return self._shifted(outputs, self.gamma[-1], self.beta[-1])
        checks.one_each("condition", condition, inputs)
        condition = ops.cast(condition, "int32")
        known = (condition >= 0) & (condition < self.conditions)
        row = ops.where(known, condition, self.conditions)
        shape = (-1, *(1 for _ in inputs.shape[1:-1]), inputs.shape[-1])
        gamma, beta = (
            ops.reshape(ops.take(w, row, axis=0), shape) for w in (self.gamma, self.beta)
        )
        return self._shifted(outputs, gamma, beta)

    def _shifted(self, outputs: Any, gamma: Any, beta: Any) -> Any:
        return outputs * ops.cast(gamma, outputs.dtype) + ops.cast(beta, outputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of batch normalisation but `center` and `scale`, and `conditions`."""
        config = {**super().get_config(), "conditions": self.conditions}
        return {name: config[name] for name in config if name not in ("center", "scale")}
