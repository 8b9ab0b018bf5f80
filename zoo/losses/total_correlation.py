"""The KL of a VAE taken apart, and its part that ties the latents to one another.

Chen et al., Isolating Sources of Disentanglement in Variational Autoencoders, NeurIPS 2018. Eq. 2:
    E_x[KL(q(z|x) || p(z))] = KL(q(z, n) || q(z) p(n))         index-code mutual information
                            + KL(q(z) || prod_l q(z_l))         total correlation
                            + sum_l KL(q(z_l) || p(z_l))        dimension-wise KL,
where n numbers the N images and q(z) = 1/N sum_n q(z|x_n) is the aggregate posterior. A batch of M
images x_j, each with a sample z_i ~ q(z|x_i), estimates it as
    log q(z_i) = log sum_j w_ij q(z_i|x_j),   log q(z_il) = log sum_j w_ij q(z_il|x_j),
with weights by one of two schemes (Appendix C):
    weighted     w_ij = 1 / (N M)
    stratified   w_ii = 1 / N, and of the M - 1 others of a row one has (N - M + 1) / (N (M - 1)),
                 the rest 1 / (M - 1): every row sums to one.
Weighted sampling takes q(z) to be up to N times too small. That adds up to log N to the mutual
information and (L - 1) log N to the total correlation, and nothing to their gradients, which are
those of equal weights. `kl_terms` takes these constants off: its weights are 1 / M, and it tells
the parts of the KL under the mixture of the batch's own posteriors.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras import ops

from zoo import checks
from zoo.losses.variational import gaussian_kl


class KLTerms(NamedTuple):
    """The three parts of a VAE's KL, scalars in nats: their sum is the KL."""

    mutual_information: Any
    total_correlation: Any
    dimension_kl: Any


def total_correlation(
    z: Any,
    mean: Any,
    logvar: Any,
    dataset_size: int | None = None,
    stratified: bool = False,
) -> Any:
    """KL(q(z) || prod_l q(z_l)), estimated from a batch: Chen et al. 2018, Eq. 2 and Appendix C.

    Args:
        z: (M, L) float: a sample of each posterior.
        mean: (M, L) float.
        logvar: (M, L) float: log of the variance.
        dataset_size: N, the number of images that the batch is drawn from. None leaves the
            weights out, which shifts the value by (L - 1) log(N M) and no gradient; so does
            disentanglement_lib.
        stratified: Weights by stratified rather than by weighted sampling; needs `dataset_size`.

    Returns:
        A scalar in nats, averaged over the batch. An estimate: it may be negative.

    Raises:
        ValueError: The shapes differ, a batch of one, `dataset_size` below the size of the batch,
            or None with `stratified`.

    Example:
        >>> import numpy as np
        >>> z, mean = np.zeros((2, 4, 3), "float32")
        >>> logvar = np.zeros((4, 3), "float32")  # every image has the same posterior
        >>> round(abs(float(total_correlation(z, mean, logvar, 100, stratified=True))), 5)
        0.0
    """
    log_qz, log_qz_product = _log_marginals(
        _log_densities(z, mean, logvar), dataset_size, stratified
    )
    return ops.mean(log_qz - log_qz_product)


def kl_terms(
    z: Any, mean: Any, logvar: Any, dataset_size: int, stratified: bool = False
) -> KLTerms:
    """The KL of a batch in three parts: Chen et al. 2018, Eq. 2.

    The first two are estimated; the third is what they leave of the KL in closed form. So the sum
    is exact, and an objective that weighs the parts equally has no noise of theirs.

    Args:
        z: (M, L) float: a sample of each posterior.
        mean: (M, L) float.
        logvar: (M, L) float: log of the variance.
        dataset_size: N, the number of images that the batch is drawn from.
        stratified: Weights by stratified rather than by weighted sampling. The latter is without
            its constants: codes that tell nothing have no mutual information, and no batch shows
            more of it than log M.

    Returns:
        mutual_information, total_correlation and dimension_kl: scalars in nats, averaged over the
        batch. Estimates: each may be negative.

    Raises:
        ValueError: As `total_correlation`.

    Example:
        >>> import numpy as np
        >>> z, mean, logvar = np.random.default_rng(0).normal(size=(3, 8, 2))
        >>> terms = kl_terms(z, mean, logvar, dataset_size=100, stratified=True)
        >>> bool(np.isclose(sum(terms), gaussian_kl(mean, logvar)))
        True
    """
    log_densities = _log_densities(z, mean, logvar)
    log_qz, log_qz_product = _log_marginals(log_densities, dataset_size, stratified)
    if not stratified:  # its rows of weights sum to 1 / N
        log_qz = log_qz + math.log(dataset_size)
        log_qz_product = log_qz_product + log_densities.shape[2] * math.log(dataset_size)
    log_qzx = ops.sum(ops.diagonal(log_densities), axis=0)  # (L, M) to (M,)
    mutual_information = ops.mean(log_qzx - log_qz)
    correlation = ops.mean(log_qz - log_qz_product)
    dimension_kl = gaussian_kl(mean, logvar) - mutual_information - correlation
    return KLTerms(mutual_information, correlation, dimension_kl)


def stratified_weights(batch_size: Any, dataset_size: int) -> Any:
    """The weights w of stratified sampling: Chen et al. 2018, Appendix C.2.

    In the paper's letters a batch holds M + 1 images; here it holds M.

    Args:
        batch_size: M, an integer or an integer tensor, at least 2.
        dataset_size: N, at least M.

    Returns:
        (M, M) float32: row i weighs the posteriors q(z_i|x_j) and sums to one.

    Example:
        >>> [[round(float(w), 2) for w in row] for row in stratified_weights(3, dataset_size=10)]
        [[0.1, 0.4, 0.5], [0.5, 0.1, 0.4], [0.4, 0.5, 0.1]]
    """
    i = ops.arange(batch_size)
    ahead = (i[None, :] - i[:, None]) % batch_size  # of the diagonal, around the end
    others = ops.cast(batch_size, "float32") - 1
    rest = 1 / others
    one = (dataset_size - others) / (dataset_size * others)
    return ops.where(ahead == 0, 1 / dataset_size, ops.where(ahead == 1, one, rest))


def _log_densities(z: Any, mean: Any, logvar: Any) -> Any:
    """(M, M, L): log q(z_il|x_j) for every i, j and l."""
    checks.alike(z=z, mean=mean, logvar=logvar)
    checks.rows("z", z, low=2)
    deviations = (z[:, None] - mean[None]) * ops.exp(-0.5 * logvar)[None]
    return -0.5 * (ops.square(deviations) + logvar[None] + math.log(2 * math.pi))


def _log_marginals(
    log_densities: Any, dataset_size: int | None, stratified: bool
) -> tuple[Any, Any]:
    """(M,) each: log q(z_i) and sum_l log q(z_il)."""
    log_weights = ops.log(_weights(log_densities, dataset_size, stratified))
    log_weights = ops.cast(log_weights, log_densities.dtype)
    log_qz = ops.logsumexp(log_weights + ops.sum(log_densities, axis=2), axis=1)
    log_qz_l = ops.logsumexp(log_weights[:, :, None] + log_densities, axis=1)
    return log_qz, ops.sum(log_qz_l, axis=1)


def _weights(log_densities: Any, dataset_size: int | None, stratified: bool) -> Any:
    """The weights w: (M, M), or (1, 1) where they are all the same."""
    if dataset_size is None:
        if stratified:
            raise ValueError("Expected dataset_size for stratified sampling. Received: None.")
        return ops.ones((1, 1))
    known = log_densities.shape[0]  # None in a graph that takes batches of any size
    size = checks.integer("dataset_size", dataset_size, low=2)
    if known is not None and size < known:
        raise ValueError(
            f"Expected dataset_size to be at least the size of the batch, {known}. "
            f"Received: {size}."
        )
    batch_size = ops.shape(log_densities)[0]
    if stratified:
        return stratified_weights(batch_size, size)
    return ops.reshape(1 / (size * ops.cast(batch_size, "float32")), (1, 1))
