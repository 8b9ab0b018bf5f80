"""Losses of classifiers that know of each image a set of candidate labels, one of them the true.

Arguments are tables (N, C), a row an image and a column a class: logits, float of any size, and
candidate sets, 0 and 1. Logarithms are natural; results are scalars, the mean over the images.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import checks
from zoo.losses.contrastive import NEVER

SMALLEST = 1e-8  # what 1 - p is at least, under a logarithm


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


def confidence_cross_entropy(logits: Any, confidence: Any) -> Any:
    """The cross-entropy of labels that are known by their probabilities (Wang et al., ICLR 2022).

        L = -mean_i sum_j s_ij log softmax(logits_i)_j

    Args:
        logits: (N, C).
        confidence: (N, C) s, at least 0, each row of sum 1. No gradient reaches it.

    Returns:
        A scalar in nats, at least 0.

    Raises:
        ValueError: Shapes that differ.

    Example:
        >>> loss = confidence_cross_entropy(ops.zeros((1, 4)), [[0.5, 0.5, 0, 0]])
        >>> print(f"{float(loss):.4f}")  # log 4
        1.3863
    """
    logits, confidence = _tables(logits=logits, confidence=confidence)
    return -ops.mean(ops.sum(ops.stop_gradient(confidence) * ops.log_softmax(logits), axis=1))


SURROGATES = ("sigmoid", "cross_entropy")


def leveraged_weighted(
    logits: Any, candidates: Any, weights: Any, beta: float = 2.0, surrogate: str = "sigmoid"
) -> Any:
    """LW: candidates up, other labels down, each by its weight (Wen et al., ICML 2021).

        L = mean_i( sum_(j in S_i) w_ij psi(g_ij) + beta sum_(j not in S_i) w_ij psi(-g_ij) )

    Args:
        logits: (N, C) g.
        candidates: (N, C) 0 and 1: S.
        weights: (N, C) w, at least 0. No gradient reaches them.
        beta: The leverage of labels that are no candidates, at least 0.
        surrogate: "sigmoid": psi(g) = 1 / (1 + e^g). "cross_entropy": -log p for candidates and
            -log(1 - p) for the others, p = softmax(g).

    Returns:
        A scalar, at least 0.

    Raises:
        ValueError: Shapes that differ, a negative `beta` or an unknown `surrogate`.

    Example:
        >>> candidates = [[1.0, 0.0, 0.0, 0.0]]
        >>> print(float(leveraged_weighted(ops.zeros((1, 4)), candidates, candidates)))
        0.5
    """
    beta = checks.number("beta", beta, low=0)
    up, down = leveraged_weighted_terms(logits, candidates, weights, surrogate)
    return up + beta * down


def leveraged_weighted_terms(
    logits: Any, candidates: Any, weights: Any, surrogate: str = "sigmoid"
) -> tuple[Any, Any]:
    """The two sums of `leveraged_weighted`, beta left out: of candidates, of other labels."""
    checks.one_of("surrogate", surrogate, SURROGATES)
    logits, candidates, weights = _tables(logits=logits, candidates=candidates, weights=weights)
    weights = ops.stop_gradient(weights)
    if surrogate == "sigmoid":
        up, down = ops.sigmoid(-logits), ops.sigmoid(logits)
    else:
        logs = ops.log_softmax(logits)
        up, down = -logs, -ops.log(ops.maximum(-ops.expm1(logs), SMALLEST))
    return (
        ops.mean(ops.sum(weights * candidates * up, axis=1)),
        ops.mean(ops.sum(weights * (1 - candidates) * down, axis=1)),
    )


def among(candidates: Any, scores: Any) -> Any:
    """Scores (N, C) of candidates as they are, and of other labels far below all of them."""
    return ops.where(candidates > 0, scores, NEVER)


def _tables(**tables: Any) -> tuple[Any, ...]:
    """Tables of one shape, in float32."""
    made = {name: ops.convert_to_tensor(table) for name, table in tables.items()}
    for name, table in made.items():
        checks.rows(name, table, low=1)
    checks.alike(**made)
    return tuple(ops.cast(table, "float32") for table in made.values())
