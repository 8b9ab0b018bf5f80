"""Mutual information between each code dimension and each ground-truth factor.

Chen, Li, Grosse and Duvenaud, "Isolating Sources of Disentanglement in Variational
Autoencoders", NeurIPS 2018 (https://arxiv.org/abs/1802.04942), estimated as in
disentanglement_lib: codes are discretised, and with n_vc samples that have value v of factor k
and lie in bin c of code j,

    I(z_j; v_k) = sum_vc p_vc log( p_vc / (p_v p_c) ),    p_vc = n_vc / N                   (1)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo.metrics.arrays import BINS, bin_edges, binned, checked, checked_bins, labels


def mutual_information(
    codes: ArrayLike, factors: ArrayLike, bins: int = BINS
) -> NDArray[np.float64]:
    """Mutual information of every code dimension with every factor, in nats.

    Codes are sorted into `bins` bins of equal width over each dimension's own range. Whole-number
    factors count by value; float factors are continuous and binned like codes. A dead (constant)
    code has exactly zero information, as has a factor with one value.

    Args:
        codes: (N, L) real numbers.
        factors: (N, F) whole numbers or floats.
        bins: Bins a code dimension, at least 2 and at most N.

    Returns:
        (L, F) float64, each entry in [0, min(log bins, entropy of the factor)].

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, fewer samples than bins.

    Example:
        >>> factors = np.arange(100)[:, None] % 2
        >>> mutual_information(np.hstack([factors, 0 * factors]), factors).round(3)
        array([[0.693],
               [0.   ]])
    """
    codes, factors = checked(codes, factors)
    bins = checked_bins(bins, len(codes))
    return information_and_entropy(codes, factors, bins)[0]


def information_and_entropy(
    codes: NDArray[Any], factors: NDArray[Any], bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(L, F) mutual information and (F,) entropies of the factors, in nats, of checked arrays."""
    N = len(codes)
    cells = [binned(z, bin_edges(z, bins)) for z in codes.T]
    information, entropy = [], []
    for factor in factors.T:
        v, K = labels(factor, bins)
        v_row = v * bins
        n_vc = np.stack([np.bincount(v_row + c, minlength=K * bins) for c in cells])
        n_vc = n_vc.reshape(-1, K, bins)  # one table a code dimension
        n_c = n_vc.sum(axis=1, keepdims=True)
        n_v = np.bincount(v)[:, None]
        # Grouped so that a dead code, n_vc = n_v and n_c = N, gives 0 and not a rounding error.
        gain = (_log(n_vc) - _log(n_v)) + (np.log(N) - _log(n_c))
        information.append(np.sum(n_vc / N * gain, axis=(1, 2)))
        entropy.append(np.sum(n_v / N * (np.log(N) - _log(n_v))))
    # Equation (1) is never negative; its rounding error can be.
    return np.maximum(np.stack(information, axis=1), 0.0), np.array(entropy)


def _log(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Logarithms of counts; empty cells, which equation (1) weighs with zero, give 0."""
    return np.log(np.maximum(counts, 1))
