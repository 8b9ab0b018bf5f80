"""Losses of classifiers that know of each image a set of candidate labels, one of them the true.

Arguments are tables (N, C), a row an image and a column a class: logits, float of any size, and
candidate sets, 0 and 1. Logarithms are natural; results are scalars, the mean over the images.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import checks
from zoo.losses.contrastive import NEVER


def classifier_consistent(logits: Any, candidates: Any) -> Any:
    """CC: the probability that the label is any of the candidates (Feng et al., NeurIPS 2020).

        L = -mean_i log sum_(j in S_i) p_ij,   p_i = softmax(logits_i)

    Args:
        logits: (N, C).
        candidates: (N, C) 0 and 1: S, at least one each.

    Returns:
        A scalar in nats, at least 0: the cross-entropy where a set has one label, 0 where all are.

    Raises:
        ValueError: Shapes that differ.

    Example:
        >>> logits = ops.zeros((1, 4))
        >>> print(f"{float(classifier_consistent(logits, [[1.0, 1, 0, 0]])):.4f}")  # log 2
        0.6931
    """
    logits, candidates = _tables(logits=logits, candidates=candidates)
    of_candidates = ops.logsumexp(among(candidates, logits), axis=1)
    return ops.mean(ops.logsumexp(logits, axis=1) - of_candidates)


def among(candidates: Any, scores: Any) -> Any:
    """Scores (N, C) of candidates as they are, and of other classes far below all of them."""
    return ops.where(candidates > 0, scores, NEVER)


def _tables(**tables: Any) -> tuple[Any, ...]:
    """Tables of one shape, in float32."""
    made = {name: ops.convert_to_tensor(table) for name, table in tables.items()}
    for name, table in made.items():
        checks.rows(name, table, low=1)
    checks.alike(**made)
    return tuple(ops.cast(table, "float32") for table in made.values())
