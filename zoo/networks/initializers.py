"""How the networks' weights start."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import keras

from zoo import checks


def glorots(seed: int) -> Iterator[keras.initializers.Initializer]:
    """One Glorot uniform initializer after another, each with a seed of its own.

    Args:
        seed: Of them all.

    Raises:
        ValueError: `seed` is no integer of at least 0.
    """
    seed = checks.integer("seed", seed, low=0)
    return (keras.initializers.GlorotUniform(seed=1000 * seed + i) for i in itertools.count())
