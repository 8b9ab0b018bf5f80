"""Uniformity: how evenly the codes cover the unit sphere.

Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity
on the Hypersphere", ICML 2020 (https://arxiv.org/abs/2005.10242), section 4.1. With u and v the
unit-length features of two different images,

    L_uniform = log E[ exp(-t |u - v|^2) ],   t = 2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo import checks
from zoo.metrics.arrays import checked_codes, unit

PRODUCTS = 2**22  # cosines that are held at once: 16 MB


def uniformity(codes: ArrayLike, t: float = 2.0) -> float:
    """The logarithm of the mean Gaussian potential of all pairs of codes on the unit sphere.

    0 where all codes point in one direction; the lower, the more evenly they are spread. Codes
    spread evenly over a sphere of many dimensions come near -2t, which is -4 by default. Any codes
    can be scored, those of contrastive encoders mean something: their lengths carry nothing.

    Args:
        codes: (N, L) real numbers, N at least 2. A row of zeros stays one, at distance 1 from all.
        t: Above 0: how quickly the potential falls.

    Returns:
        A number in [-4t, 0].

    Raises:
        ValueError: A wrong rank, a single row, NaN or infinity, t of 0 or less.

    Example:
        >>> round(uniformity([[1.0, 0.0], [-3.0, 0.0]]), 6)  # a distance of 2: log exp(-2 * 4)
        -8.0
        >>> uniformity([[1.0, 2.0], [1.0, 2.0]])
        0.0
    """
    t = checks.positive("t", t)
    codes = checked_codes(codes)
    N = len(codes)
    if N < 2:
        raise ValueError(f"Expected codes of at least 2 samples. Received: {N}.")
    z = unit(codes).astype(np.float32)
    squares = np.sum(z * z, axis=1)
    total = -np.inf  # the logarithm of the sum of potentials, which may be too small for numbers
    size = max(1, PRODUCTS // N)
    for start in range(0, N, size):
        stop = min(start + size, N)
        distances = squares[start:stop, None] + squares - 2 * (z[start:stop] @ z.T)
        exponents = -t * np.maximum(distances, 0)
        exponents[np.arange(stop - start), np.arange(start, stop)] = -np.inf  # not with itself
        largest = float(exponents.max())
        potentials = np.sum(np.exp(exponents - largest), dtype=np.float64)
        total = np.logaddexp(total, largest + np.log(potentials))
    return min(0.0, float(total - np.log(N * (N - 1))))
