"""Adam in one pass over the weights.

Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, in the form before Section 2.1:
    m <- m + (1 - beta_1)(g - m),   v <- v + (1 - beta_2)(g^2 - v),
    w <- w - lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam, each weight updated by one kernel of TensorFlow instead of a dozen.

    Where a step multiplies few rows by many weights, as a discriminator of 5 million does, Keras's
    own update takes as long as the products. The arguments are those of `keras.optimizers.Adam`;
    with `amsgrad`, and for sparse gradients, the update is Keras's own.

    Example:
        >>> FusedAdam(1e-4, beta_1=0.5, beta_2=0.9).get_config()["beta_1"]
        0.5
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one weight and its two moments."""
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        m, v = self._momentums[index].value, self._velocities[index].value

        def like(value: Any) -> Any:
            return ops.cast(value, variable.dtype)

        t = like(self.iterations + 1)
        beta_1, beta_2 = like(self.beta_1), like(self.beta_2)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=ops.power(beta_1, t),
            beta2_power=ops.power(beta_2, t),
            lr=like(learning_rate),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=like(self.epsilon),
            grad=like(gradient),
        )
