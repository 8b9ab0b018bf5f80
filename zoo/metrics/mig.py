"""MIG, the mutual information gap.

Chen, Li, Grosse and Duvenaud, "Isolating Sources of Disentanglement in Variational
Autoencoders", NeurIPS 2018 (https://arxiv.org/abs/1802.04942), equation 6:

    MIG = 1/K sum_k 1/H(v_k) ( I(z_j(k); v_k) - max_{j != j(k)} I(z_j; v_k) ),
    j(k) = argmax_j I(z_j; v_k)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo.metrics.arrays import BINS, checked, checked_bins, varied
from zoo.metrics.mutual_information import information_and_entropy


def mig(codes: ArrayLike, factors: ArrayLike, bins: int = BINS) -> float:
    """How much more the best code dimension knows about a factor than the second best.

    1 where each factor is known in full to one code dimension and to no other; 0 where any two
    know the same. Codes and factors are discretised as in `mutual_information`; factors with one
    value are left out.

    Args:
        codes: (N, L) real numbers, L at least 2. For a VAE, the posterior means.
        factors: (N, F) whole numbers (discrete) or floats (continuous, binned like codes).
        bins: Bins a code dimension, at least 2 and at most N. The literature uses 20.

    Returns:
        The gap, averaged over factors, in [0, 1].

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, one code dimension, fewer
            samples than bins, no factor with more than one value.

    Example:
        >>> factors = np.stack(np.meshgrid(range(4), range(5)), axis=-1).reshape(-1, 2)
        >>> round(mig(codes=factors, factors=factors), 3)
        1.0
    """
    codes, factors = checked(codes, factors, least_codes=2)
    bins = checked_bins(bins, len(codes))
    information, entropy = information_and_entropy(codes, factors[:, varied(factors)], bins)
    second, first = np.sort(information, axis=0)[-2:]
    return float(np.mean((first - second) / entropy))
