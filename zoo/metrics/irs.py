"""IRS, the interventional robustness score.

Suter, Miladinovic, Schoelkopf and Bauer, "Robustly Disentangled Causal Mechanisms", ICML 2019
(https://arxiv.org/abs/1811.00007), section 4, as disentanglement_lib estimates it from
independent factors: fixing factor k at value v, let the rest vary. How far does a code z_j move
that is meant to depend on k alone?

    d_jk = mean_v  quantile_0.99 { |z_j - E[z_j | v_k = v]|  of the samples with v_k = v }
    d_j  = max |z_j - E[z_j]|                                         over all samples

    IRS = sum_j d_j max_k( 1 - d_jk / d_j ) / sum_j d_j                                         (1)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo import checks
from zoo.metrics.arrays import BINS, checked, checked_bins, is_continuous, labels, varied


def irs(codes: ArrayLike, factors: ArrayLike, quantile: float = 0.99) -> float:
    """How little each code dimension moves while the factor that it stands for is held.

    1 where each dimension is a function of one factor. A dimension that holds no factor scores
    near 0 only where its distribution has no tails: the quantile within a group is set against the
    maximum overall, and for 10,000 samples of Gaussian noise that leaves about a third. Dimensions
    count by their range, so that the score depends on their scale; dead (constant) codes count
    nothing, and where all are dead the score is 0. The protocol is disentanglement_lib's, and so
    is its assumption that the factors are independent.

    Args:
        codes: (N, L) real numbers. For a VAE, the posterior means.
        factors: (N, F) whole numbers (discrete) or floats (continuous, sorted into 20 bins of
            equal width). Factors with one value are left out.
        quantile: Which quantile of the deviations within a group stands for the greatest, in
            [0, 1]. The literature uses 0.99.

    Returns:
        Equation (1), in [0, 1].

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, a quantile outside [0, 1], fewer
            samples than bins, no factor with more than one value.

    Example:
        >>> factors = np.stack(np.meshgrid(range(3), range(3)), axis=-1).reshape(-1, 2)
        >>> irs(codes=factors, factors=factors)
        1.0
        >>> irs(codes=factors.sum(axis=1, keepdims=True), factors=factors)
        0.5
    """
    z, factors = checked(codes, factors)
    quantile = checks.number("quantile", quantile, low=0, high=1)
    if is_continuous(factors):
        checked_bins(BINS, len(z))
    kept = varied(factors)
    z = z[:, np.any(z != z[0], axis=0)].astype(np.float64)
    if not z.shape[1]:
        return 0.0
    d = np.abs(z - z.mean(axis=0)).max(axis=0)
    least = np.full(len(d), np.inf)
    for factor in factors[:, kept].T:
        v, _ = labels(factor, BINS)
        groups = np.split(z[np.argsort(v, kind="stable")], np.cumsum(np.bincount(v))[:-1])
        d_k = [np.quantile(np.abs(g - g.mean(axis=0)), quantile, axis=0) for g in groups]
        least = np.minimum(least, np.mean(d_k, axis=0))
    # d * (1 - d_k / d) is d - d_k.
    return float(np.sum(np.maximum(d - least, 0)) / np.sum(d))
