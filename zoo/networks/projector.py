"""The dense heads of contrastive methods: projectors, expanders, predictors.

(dense, batch normalisation, ReLU) for each size but the last, dense
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo import checks
from zoo.networks.initializers import lecun_uniforms
from zoo.networks.normalization import normalized


def projector(
    features: int,
    sizes: Sequence[int] = (512, 128),
    hidden_norm: bool = True,
    last_norm: bool = False,
    last_bias: bool = True,
    seed: int = 0,
) -> keras.Model:
    """A dense head: features to projections, or projections to predictions.

    The papers' heads, D the features' number:

    | head | sizes | hidden_norm | last_norm | last_bias |
    |---|---|---|---|---|
    | MoCo v1 | (128,) | | False | True |
    | MoCo v2 | (D, 128) | False | False | True |
    | SimCLR | (D, 128) | True | False | False |
    | Barlow Twins, VICReg | (8192, 8192, 8192) | True | False | False |
    | BYOL, both heads | (4096, 256) | True | False | False |
    | SimSiam, projector | (D, D, D) | True | True | |
    | SimSiam, predictor | (D / 4, D) | True | False | True |
    | MoCo v3 (ResNet), projector | (4096, 256) | True | True | |
    | MoCo v3 (ResNet), predictor | (4096, 256) | True | False | False |

    Args:
        features: D, of the inputs.
        sizes: Units of each dense layer, the last the projections'.
        hidden_norm: Normalise the hidden layers over the batch (over all replicas); they have a
            bias only without it.
        last_norm: Normalise the projections as well, without scale, offset and bias.
        last_bias: Whether the last layer has a bias.
        seed: Of the initial weights: uniform in +-1/sqrt(fan in), as PyTorch starts linear layers;
            biases start at zero.

    Returns:
        A model from features (N, D) to projections (N, sizes[-1]) float32, unbounded.

    Raises:
        ValueError: `sizes` that name no layer; a size, `features` or `seed` out of range.

    Example:
        >>> projector(256, (512, 128)).output_shape
        (None, 128)
    """
    features = checks.integer("features", features, low=1)
    *hidden, last = checks.layer_units("sizes", sizes)
    for name, value in (
        ("hidden_norm", hidden_norm),
        ("last_norm", last_norm),
        ("last_bias", last_bias),
    ):
        checks.truth(name, value)
    uniform = lecun_uniforms(seed)

    def dense(x: Any, units: int, use_bias: bool, **settings: Any) -> Any:
        return layers.Dense(units, use_bias=use_bias, kernel_initializer=next(uniform), **settings)(
            x
        )

    inputs = x = layers.Input((features,), name="features")
    for units in hidden:
        x = dense(x, units, use_bias=not hidden_norm)
        x = layers.ReLU()(normalized(x, "batch" if hidden_norm else None))
    # Projections stay in float32 under mixed precision: losses compare them.
    x = dense(x, last, use_bias=last_bias and not last_norm, dtype="float32", name="projection")
    if last_norm:
        x = normalized(x, "batch", center=False, scale=False, dtype="float32")
    return keras.Model(inputs, x, name="projector")
