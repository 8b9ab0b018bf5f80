"""How the networks' weights start."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.initializers import VarianceScaling

from zoo import checks


def glorots(seed: int) -> Iterator[keras.initializers.Initializer]:
    """One Glorot uniform initializer after another, each with a seed of its own.

    Args:
        seed: Of them all.

    Raises:
        ValueError: `seed` is no integer of at least 0.
    """
    return _each(seed, keras.initializers.GlorotUniform)


def he_normals(seed: int) -> Iterator[keras.initializers.Initializer]:
    """As `glorots`, He's: normal of variance 2 / fan out, for convolutions followed by ReLU.

    He et al., Delving Deep into Rectifiers, ICCV 2015 (Eq. 14), as torchvision's ResNets have it.
    """
    return _each(seed, VarianceScaling, 2.0, "fan_out", "untruncated_normal")


def lecun_uniforms(seed: int) -> Iterator[keras.initializers.Initializer]:
    """As `glorots`, uniform in +-1/sqrt(fan in): PyTorch's default for a linear layer."""
    return _each(seed, VarianceScaling, 1 / 3, "fan_in", "uniform")


def _each(seed: int, initializer: Callable[..., Any], *settings: Any) -> Iterator[Any]:
    seed = checks.integer("seed", seed, low=0)
    return (initializer(*settings, seed=1000 * seed + i) for i in itertools.count())
