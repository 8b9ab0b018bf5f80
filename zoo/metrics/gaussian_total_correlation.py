"""Total correlation of the codes, were they Gaussian.

The divergence of a distribution from the product of its own marginals (Watanabe 1960). Locatello
et al., "Challenging Common Assumptions in the Unsupervised Learning of Disentangled
Representations", ICML 2019 (https://arxiv.org/abs/1811.12359), section 5.2, fit a Gaussian with
covariance S to the codes, for which, with R the matrix of correlations,

    TC = KL( N(mu, S) || prod_j N(mu_j, S_jj) ) = 1/2 ( sum_j log S_jj - log det S )
       = -1/2 log det R
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from zoo.metrics.arrays import checked_codes, standardised


def gaussian_total_correlation(codes: ArrayLike) -> float:
    """How far the codes are from linearly independent, in nats.

    0 where no two dimensions are correlated; infinite where one is a linear combination of the
    others, such as a copy, but for the rounding of float32 or float64, in which the codes are. It
    sees covariances only: dependence of any other kind is missed. A dead (constant) code is
    independent of everything and adds 0.

    Args:
        codes: (N, L) real numbers, N above L. For a VAE, the posterior means, as in the
            reference; samples of the posterior give lower values.

    Returns:
        The total correlation in nats, in [0, inf]. The scale and sign of a dimension do not matter.

    Raises:
        ValueError: A wrong rank, NaN or infinity, no more samples than code dimensions.

    Example:
        >>> z = np.random.default_rng(0).normal(size=(100_000, 2))
        >>> z[:, 1] = 0.8 * z[:, 0] + 0.6 * z[:, 1]  # a correlation of 0.8
        >>> round(gaussian_total_correlation(z), 2), round(-0.5 * math.log(1 - 0.8**2), 2)
        (0.51, 0.51)
    """
    codes = checked_codes(codes)
    N, L = codes.shape
    if N <= L:
        raise ValueError(f"Expected more samples than code dimensions ({L}). Received: {N}.")
    codes = codes[:, np.any(codes != codes[0], axis=0)]
    (z,) = standardised(codes)
    eigenvalues = np.linalg.eigvalsh(z.T @ z / N)
    # Singular but for rounding: of the matrix, and of the codes, whose errors have variances too.
    errors = np.abs(codes).max(axis=0) * np.finfo(codes.dtype).eps / codes.std(axis=0, dtype=float)
    rounding = max(np.finfo(float).eps, np.max(errors**2, initial=0))
    if np.any(eigenvalues <= L * rounding):
        return math.inf
    # Rounding can make it less than 0; a dead representation has the determinant of nothing, 1.
    return max(0.0, -0.5 * float(np.sum(np.log(eigenvalues))))
