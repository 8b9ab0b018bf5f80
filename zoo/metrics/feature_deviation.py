"""Feature deviation: whether an encoder has collapsed.

Chen and He, "Exploring Simple Siamese Representation Learning", CVPR 2021
(https://arxiv.org/abs/2011.10566), section 4.1. With u the unit-length features,

    mean_j std(u_j) * sqrt(L)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo.metrics.arrays import checked_codes, unit


def feature_deviation(codes: ArrayLike) -> float:
    """The standard deviation of each dimension of the codes at unit length, times sqrt(L).

    0 where the encoder has collapsed, so that all codes point in one direction; 1 where they point
    everywhere alike. Features that are never negative have a mean, which leaves less to vary:
    those of a ReLU come near 0.6 at most.

    Args:
        codes: (N, L) real numbers. The length of a row does not matter; a row of zeros stays one.

    Returns:
        The mean over the dimensions, in [0, 1].

    Raises:
        ValueError: A wrong rank, NaN or infinity.

    Example:
        >>> feature_deviation([[2.0, 0.0], [-1.0, 0.0], [0.0, 5.0], [0.0, -3.0]])
        1.0
        >>> feature_deviation([[2.0, 1.0], [4.0, 2.0]])
        0.0
    """
    z = unit(checked_codes(codes).astype(np.float64))
    z = z - z[0]  # of equal directions exactly 0, whatever the rounding of their mean
    return min(1.0, float(np.mean(np.std(z, axis=0)) * np.sqrt(z.shape[1])))
