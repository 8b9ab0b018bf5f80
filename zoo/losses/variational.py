"""The two terms of the evidence lower bound.

Kingma & Welling, Auto-Encoding Variational Bayes, 2014 (Eq. 3 and Appendix B):
    -ELBO = -E_q(z|x)[log p(x|z)] + KL(q(z|x) || p(z)),
summed over pixels and latents, averaged over the batch. Averaging over pixels instead would
silently divide every weight on the KL by their number.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import checks


def bernoulli_reconstruction(images: Any, logits: Any) -> Any:
    """-log p(x|z) for Bernoulli pixels: sum over pixels of softplus(l) - x l, in nats.

    The same as binary cross-entropy with logits, in the form that neither overflows nor takes a
    logarithm of zero.

    Args:
        images: (N, H, W, C) float in 0..1: x.
        logits: (N, H, W, C) float: l, the log-odds of a pixel being 1.

    Returns:
        A scalar: the sum over pixels, averaged over the batch.

    Raises:
        ValueError: The shapes differ.
    """
    checks.alike(images=images, logits=logits)
    return _sum_then_mean(ops.softplus(logits) - images * logits)


def gaussian_reconstruction(images: Any, predictions: Any) -> Any:
    """-log p(x|z) for Gaussian pixels of unit variance: 1/2 sum (x - x')^2, constant dropped.

    Args:
        images: (N, H, W, C) float in 0..1: x.
        predictions: (N, H, W, C) float: x', the mean of each pixel.

    Returns:
        A scalar in nats, up to the constant HWC/2 log(2 pi): averaged over the batch.

    Raises:
        ValueError: The shapes differ.
    """
    checks.alike(images=images, predictions=predictions)
    return 0.5 * _sum_then_mean(ops.square(images - predictions))


def gaussian_kl_per_latent(mean: Any, logvar: Any) -> Any:
    """KL(N(mean_l, e^logvar_l) || N(0, 1)) of each latent, averaged over the batch.

    Args:
        mean: (N, L) float.
        logvar: (N, L) float: log of the variance.

    Returns:
        (L,) float in nats: 1/2 (mean^2 + e^logvar - logvar - 1).

    Raises:
        ValueError: The shapes differ.
    """
    checks.alike(mean=mean, logvar=logvar)
    kl = 0.5 * (ops.square(mean) + ops.exp(logvar) - logvar - 1.0)
    return ops.mean(kl, axis=0)


def gaussian_kl(mean: Any, logvar: Any) -> Any:
    """KL(N(mean, diag e^logvar) || N(0, I)): Kingma & Welling 2014, Appendix B.

    Args:
        mean: (N, L) float.
        logvar: (N, L) float: log of the variance.

    Returns:
        A scalar in nats: summed over latents, averaged over the batch.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> float(gaussian_kl(np.ones((1, 2), "float32"), np.zeros((1, 2), "float32")))
        1.0
    """
    return ops.sum(gaussian_kl_per_latent(mean, logvar))


def _sum_then_mean(values: Any) -> Any:
    return ops.mean(ops.sum(values, axis=tuple(range(1, len(values.shape)))))
