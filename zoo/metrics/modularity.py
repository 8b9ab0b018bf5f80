"""Modularity: does each code dimension know of one factor alone?

Ridgeway and Mozer, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", NeurIPS 2018
(https://arxiv.org/abs/1802.05312), section 3. With m_jk the mutual information of code dimension j
and factor k, t_j the template of an ideal code, which has all of its information about its best
factor, and F factors,

    delta_j = sum_k (m_jk - t_jk)^2 / ( max_k m_jk^2 (F - 1) ),    t_jk = m_jk if k is best, else 0

    modularity = 1/L sum_j (1 - delta_j)                                                        (1)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo.metrics.arrays import BINS, checked, checked_bins, varied
from zoo.metrics.mutual_information import information_and_entropy


def modularity(codes: ArrayLike, factors: ArrayLike, bins: int = BINS) -> float:
    """How far each code dimension's information is about a single factor.

    1 where each dimension knows of one factor; 0 where each knows as much of all of them. Two
    dimensions may know of the same factor, and a factor may be known to none: that is not what
    this score asks. Nor does it ask how much a dimension knows: the little that a histogram finds
    in noise counts as much as any information, so that a dimension of noise has a score of its
    own, often above a half. A dead (constant) code scores 0. The protocol is disentanglement_lib's.

    Args:
        codes: (N, L) real numbers. For a VAE, the posterior means.
        factors: (N, F) whole numbers (discrete) or floats (continuous, binned like codes). Factors
            with one value are left out; at least 2 must remain.
        bins: Bins a code dimension, at least 2 and at most N. The literature uses 20.

    Returns:
        Equation (1), averaged over code dimensions, in [0, 1].

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, fewer samples than bins, fewer
            than two factors with more than one value.

    Example:
        >>> factors = np.stack(np.meshgrid(range(4), range(5)), axis=-1).reshape(-1, 2)
        >>> round(modularity(codes=factors, factors=factors), 3)
        1.0
        >>> round(modularity(codes=np.hstack([factors, 0 * factors]), factors=factors), 3)
        0.5
    """
    codes, factors = checked(codes, factors)
    bins = checked_bins(bins, len(codes))
    factors = factors[:, varied(factors, least=2)]
    m = information_and_entropy(codes, factors, bins)[0] ** 2
    best = m.max(axis=1)
    # A dead code's information is 0 of 0: taken as spread over all factors, it scores 0.
    shared = np.divide(
        m.sum(axis=1) - best, best, out=np.full(len(m), m.shape[1] - 1.0), where=best > 0
    )
    return float(np.mean(1 - shared / (m.shape[1] - 1)))
