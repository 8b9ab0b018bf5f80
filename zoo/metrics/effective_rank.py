"""Effective rank: how many dimensions the codes really use.

Roy and Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007. With
s_1 ... s_L the singular values of the codes' matrix and p_k = s_k / sum_l s_l,

    erank = exp( -sum_k p_k log p_k )
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo import checks
from zoo.metrics.arrays import checked_codes


def effective_rank(codes: ArrayLike, centred: bool = True) -> float:
    """The number of directions in which the codes vary, as the entropy of their spectrum counts.

    L for codes that vary equally in all L directions, 1 where they lie on a line, 0 where all are
    equal. An encoder whose dimensions are copies of a few has collapsed to those few.

    Args:
        codes: (N, L) real numbers.
        centred: Whether the mean is taken off first, so that only what varies counts. The paper
            defines the rank of any matrix; of codes as they are (False), as RankMe (Garrido et
            al. 2023) takes them, a large mean, such as that of features after a ReLU, counts as
            a direction and hides the others.

    Returns:
        A number in [1, min(N, L)], or 0 for codes that are all equal (of codes that are not
        centred: all 0). Rotation, and a scale that is common to all dimensions, do not matter.

    Raises:
        ValueError: A wrong rank, NaN or infinity, `centred` that is neither True nor False.

    Example:
        >>> round(effective_rank([[1, 0], [-1, 0], [0, 1], [0, -1]]), 6)
        2.0
        >>> round(effective_rank([[1, 2], [2, 4], [3, 6]]), 6)
        1.0
    """
    centred = checks.truth("centred", centred)
    z = checked_codes(codes).astype(np.float64)
    if centred:
        z = z - z[0]  # of equal codes exactly 0, whatever the rounding of their mean
        z -= z.mean(axis=0)
    # Singular values of the triangle are those of the codes, in a fraction of the time.
    s = np.linalg.svd(np.linalg.qr(z, mode="r"), compute_uv=False)
    if not s.any():
        return 0.0
    p = s / s.sum()
    p = p[p > 0]
    return float(np.exp(-np.sum(p * np.log(p))))
