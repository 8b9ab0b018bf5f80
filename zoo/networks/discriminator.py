"""The discriminator that tells codes from codes whose dimensions were permuted.

Kim & Mnih, Disentangling by Factorising, ICML 2018 (Appendix A):
    6 x dense 1000 (leaky ReLU, slope 0.2), dense 2
"""

from __future__ import annotations

import keras
from keras import layers

from zoo import checks
from zoo.networks.initializers import glorots

DEPTH, WIDTH, SLOPE = 6, 1000, 0.2


def discriminator(latent_size: int = 10, seed: int = 0) -> keras.Model:
    """The paper's discriminator: a code to the logits of "joint" and "permuted".

    Args:
        latent_size: L, the number of latents.
        seed: Of the initial weights (Glorot uniform).

    Returns:
        A model from codes (N, L) to logits (N, 2) float32: of q(z), of the product of its
        marginals.

    Raises:
        ValueError: L < 1 or seed < 0.

    Example:
        >>> discriminator(latent_size=10).count_params()
        5018002
    """
    latent_size = checks.integer("latent_size", latent_size, low=1)
    glorot = glorots(seed)
    codes = x = layers.Input((latent_size,), name="codes")
    for _ in range(DEPTH):
        x = layers.Dense(WIDTH, kernel_initializer=next(glorot))(x)
        x = layers.LeakyReLU(SLOPE)(x)
    # The logits stay in float32 under mixed precision: the total correlation is their difference.
    logits = layers.Dense(2, kernel_initializer=next(glorot), dtype="float32", name="logits")(x)
    return keras.Model(codes, logits, name="discriminator")
