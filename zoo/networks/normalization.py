"""Which normalisation stands between a network's layers."""

from __future__ import annotations

from typing import Any

from zoo import checks
from zoo.layers import BatchNormalization, SplitBatchNormalization

# PyTorch's, in which most of the papers' code is written, and SimCLR's. Its momentum is 1 - this.
MOMENTUM, EPSILON = 0.9, 1e-5
BATCH_NORMALIZATIONS = {"batch": BatchNormalization, "split": SplitBatchNormalization}


def check_normalization(normalization: str | None) -> str | None:
    """Returns "batch", "split" or None; refuses anything else."""
    if normalization is None:
        return None
    return checks.one_of("normalization", normalization, (*BATCH_NORMALIZATIONS,))


def normalized(x: Any, normalization: str | None, **settings: Any) -> Any:
    """A layer's outputs normalised: by a layer of this kind, or not at all.

    "batch" uses the statistics of the whole batch, over all replicas.
    """
    if normalization is None:
        return x
    kind = BATCH_NORMALIZATIONS[normalization]
    if normalization == "batch":
        settings["synchronized"] = True
    return kind(momentum=MOMENTUM, epsilon=EPSILON, **settings)(x)
