"""How far the covariance of a VAE's codes is from the identity.

Kumar et al., Variational Inference of Disentangled Latent Concepts from Unlabeled Observations,
ICLR 2018. What is added to the loss (Eqs. 6 and 7):
    off_diagonal_weight sum_{k != l} C_kl^2 + diagonal_weight sum_l (C_ll - 1)^2,
where C is Cov[mean(x)] (DIP-VAE-I) or Cov[z] = Cov[mean(x)] + E[diag e^logvar(x)] (DIP-VAE-II).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from zoo import checks


class DIPPenalties(NamedTuple):
    """The two sums of squares, scalars, not yet weighed."""

    off_diagonal: Any
    diagonal: Any


def dip(
    mean: Any,
    logvar: Any = None,
    off_diagonal_weight: float = 10.0,
    diagonal_weight: float | None = None,
) -> Any:
    """The weighed sum of `dip_penalties`: Kumar et al. 2018, Eq. 6 or, with `logvar`, Eq. 7.

    Args:
        mean: (N, L) float: the posterior means of a batch.
        logvar: (N, L) float: log of the posterior variances, for DIP-VAE-II. None: DIP-VAE-I.
        off_diagonal_weight: Of the covariances, at least 0.
        diagonal_weight: Of the variances' distances from one, at least 0. None: 100 for
            DIP-VAE-I, 10 for DIP-VAE-II, as `DIPVAEI` and `DIPVAEII` have by default.

    Returns:
        A scalar, at least 0.

    Raises:
        ValueError: A batch of one, shapes that differ, or a weight negative, infinite or NaN.

    Example:
        >>> import numpy as np
        >>> mean = np.array([[2, 0], [-2, 0]], "float32")  # variances 4 and 0
        >>> float(dip(mean, off_diagonal_weight=10, diagonal_weight=1))
        10.0
    """
    off_diagonal_weight = checks.number("off_diagonal_weight", off_diagonal_weight, low=0)
    if diagonal_weight is None:
        diagonal_weight = 100.0 if logvar is None else 10.0
    diagonal_weight = checks.number("diagonal_weight", diagonal_weight, low=0)
    off_diagonal, diagonal = dip_penalties(mean, logvar)
    return off_diagonal_weight * off_diagonal + diagonal_weight * diagonal


def dip_penalties(mean: Any, logvar: Any = None) -> DIPPenalties:
    """The squared covariances of a batch's codes, and the squared excesses of their variances.

    The covariance is the biased one, sums divided by N, as in disentanglement_lib.

    Args:
        mean: (N, L) float: the posterior means of a batch.
        logvar: (N, L) float: log of the posterior variances, for DIP-VAE-II. None: DIP-VAE-I.

    Returns:
        off_diagonal, sum_{k != l} C_kl^2, and diagonal, sum_l (C_ll - 1)^2: scalars.

    Raises:
        ValueError: A batch of one, or shapes that differ.

    Example:
        >>> import numpy as np
        >>> mean = np.array([[1, 1], [-1, -1]], "float32")
        >>> [float(penalty) for penalty in dip_penalties(mean)]
        [2.0, 0.0]
    """
    checks.rows("mean", mean, low=2)
    centred = mean - ops.mean(mean, axis=0, keepdims=True)
    count = ops.cast(ops.shape(mean)[0], centred.dtype)
    covariance = ops.matmul(ops.transpose(centred), centred) / count
    variances = ops.diagonal(covariance)
    off_diagonal = ops.sum(
        ops.square(covariance * (1 - ops.eye(mean.shape[1], dtype=centred.dtype)))
    )
    if logvar is not None:
        checks.alike(mean=mean, logvar=logvar)
        variances = variances + ops.mean(ops.exp(logvar), axis=0)
    return DIPPenalties(off_diagonal, ops.sum(ops.square(variances - 1)))
