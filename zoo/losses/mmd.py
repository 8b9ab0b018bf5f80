"""Maximum mean discrepancy: how far two samples are from being of one distribution.

Gretton et al., A Kernel Two-Sample Test, JMLR 2012. The unbiased estimate of Lemma 6:
    MMD^2 = mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{i, j} k(a_i, b_j),
with a kernel of the squared distance d (L latents, width C = 2 L unless told: what d is on average
between samples of N(0, I)):
    inverse multiquadratic   k = C / (C + d)      (Tolstikhin et al., Wasserstein Auto-Encoders,
                                                   ICLR 2018: its tails reach codes far off)
    rbf                      k = e^(-d / C)
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import checks

KERNELS = {
    "inverse_multiquadratic": lambda distance, width: width / (width + distance),
    "rbf": lambda distance, width: ops.exp(-distance / width),
}


def mmd(a: Any, b: Any, kernel: str = "inverse_multiquadratic", width: float | None = None) -> Any:
    """The squared maximum mean discrepancy of two samples: Gretton et al. 2012, Lemma 6.

    Args:
        a: (N, L) float.
        b: (M, L) float: N and M may differ.
        kernel: "inverse_multiquadratic" or "rbf".
        width: C, above 0, in squared distance. None: 2 L, which suits samples near N(0, I).

    Returns:
        A scalar: 0 on average where both are of one distribution, so at times below 0; at most 2.

    Raises:
        ValueError: Fewer than two samples, samples of different lengths, an unknown kernel, or a
            width that is not above 0.

    Example:
        >>> import numpy as np
        >>> a, b = np.zeros((3, 2), "float32"), np.full((3, 2), 1e6, "float32")
        >>> round(float(mmd(a, b)), 3)
        2.0
    """
    for name, sample in (("a", a), ("b", b)):
        checks.rows(name, sample, low=2)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"Expected a and b of as many latents. Received: {a.shape[1]} and {b.shape[1]}."
        )
    width = 2.0 * a.shape[1] if width is None else checks.positive("width", width)
    k = KERNELS[checks.one_of("kernel", kernel, (*KERNELS,))]
    within_a = _mean_of_pairs(k(squared_distances(a, a), width))
    within_b = _mean_of_pairs(k(squared_distances(b, b), width))
    return within_a + within_b - 2 * ops.mean(k(squared_distances(a, b), width))


def squared_distances(a: Any, b: Any) -> Any:
    """Squared distances of every row of a (N, L) from every row of b (M, L): (N, M)."""
    return ops.sum(ops.square(a[:, None] - b[None]), axis=2)


def _mean_of_pairs(kernel: Any) -> Any:
    """The mean of (N, N) off its diagonal, on which a kernel is 1."""
    count = ops.cast(ops.shape(kernel)[0], kernel.dtype)
    return (ops.sum(kernel) - count) / (count * (count - 1))
