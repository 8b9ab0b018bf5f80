"""Active units: how many code dimensions vary with the data at all.

Burda, Grosse and Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016
(https://arxiv.org/abs/1509.00519), section 5. Dimension u of the posterior q(u|x) is active where

    A_u = Var_x( E_{u ~ q(u|x)}[u] ) > 0.01
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo import checks
from zoo.metrics.arrays import checked_codes


def active_units(codes: ArrayLike, threshold: float = 0.01) -> float:
    """The number of code dimensions whose variance over the data exceeds a threshold.

    A VAE switches dimensions off by posterior collapse: their posterior means hardly move. The
    paper finds that the count hardly depends on the threshold, as dimensions are clearly on or
    off. It presumes the scale that the prior N(0, I) sets: codes of methods without a prior can be
    of any scale, and their count means little.

    Args:
        codes: (N, L) real numbers. For a VAE, the posterior means.
        threshold: The variance that an active dimension exceeds, at least 0.

    Returns:
        A count, 0 to L, as a float, as every score is.

    Raises:
        ValueError: A wrong rank, NaN or infinity, a negative threshold.

    Example:
        >>> active_units(np.array([[0.0, 1.0, 0.1], [1.0, 1.0, 0.2]]))
        1.0
    """
    codes = checked_codes(codes)
    threshold = checks.number("threshold", threshold, low=0)
    # Less the first sample, a dead code is exactly 0, whatever the rounding of its mean.
    variance = np.var(codes - codes[0], axis=0, dtype=np.float64)
    return float(np.sum(variance > threshold))
