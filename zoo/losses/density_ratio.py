"""Total correlation by the density-ratio trick.

Kim & Mnih, Disentangling by Factorising, ICML 2018. A discriminator D(z), the probability that a
code is a draw from q(z) and no draw from the product of its marginals, gives the ratio of the two
densities, and with it (Eq. 3)
    TC(z) = KL(q(z) || prod_j q(z_j)) = E_q(z)[log D(z) / (1 - D(z))],
which is the mean difference of two logits. D itself minimises (Algorithm 2)
    -1/2 (E_q(z)[log D(z)] + E_permuted[log(1 - D(z))]).
"""

from __future__ import annotations

from typing import Any

from keras import ops


def density_ratio_total_correlation(logits: Any) -> Any:
    """Eq. 3: the total correlation of codes, in nats, as a discriminator has it.

    Args:
        logits: (N, 2) float of draws from q(z): first of q(z), second of its marginals' product.

    Returns:
        A scalar: the mean of log D(z) - log(1 - D(z)) over the batch.

    Raises:
        ValueError: `logits` is not (N, 2).

    Example:
        >>> import numpy as np
        >>> float(density_ratio_total_correlation(np.array([[2.0, 1.0], [0.0, -2.0]], "float32")))
        1.5
    """
    return ops.mean(_log_ratio(logits))


def discrimination(joint_logits: Any, permuted_logits: Any) -> Any:
    """What the discriminator minimises: the cross-entropy of its two answers.

    Args:
        joint_logits: (N, 2) float of draws from q(z).
        permuted_logits: (M, 2) float of draws from the product of the marginals.

    Returns:
        A scalar in nats: half the mean over the first plus half the mean over the second, so that
        both weigh alike where N and M differ. A side without draws counts as 0.

    Raises:
        ValueError: One of the two is not (N, 2).
    """
    joint = ops.softplus(-_log_ratio(joint_logits))  # -log D
    permuted = ops.softplus(_log_ratio(permuted_logits))  # -log(1 - D)
    return 0.5 * (_mean_or_zero(joint) + _mean_or_zero(permuted))


def discrimination_accuracy(joint_logits: Any, permuted_logits: Any) -> Any:
    """Share of the discriminator's answers that are right: 0.5 is chance where N = M.

    Args:
        joint_logits: (N, 2) float of draws from q(z).
        permuted_logits: (M, 2) float of draws from the product of the marginals.

    Returns:
        A scalar in 0..1, over all N + M.

    Raises:
        ValueError: One of the two is not (N, 2).
    """
    right = [_log_ratio(joint_logits) > 0, _log_ratio(permuted_logits) < 0]
    return ops.mean(ops.cast(ops.concatenate(right), "float32"))


def _log_ratio(logits: Any) -> Any:
    """The logarithm of D / (1 - D) for each row."""
    shape = tuple(logits.shape)
    if len(shape) != 2 or shape[1] != 2:
        raise ValueError(f"Expected logits of shape (N, 2). Received: {shape}.")
    return logits[:, 0] - logits[:, 1]


def _mean_or_zero(values: Any) -> Any:
    return ops.sum(values) / ops.maximum(ops.cast(ops.shape(values)[0], "float32"), 1.0)
