"""Losses that compare embeddings: what belongs together is pulled, what does not is pushed.

Arguments are rows of projections, (N, D) float of any length: each function normalises them where
its paper does, and computes in float32. Logarithms are natural; results are scalars.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import checks

EPSILON = 1e-5  # Barlow Twins: added to the variances that divide
VICREG_EPSILON = 1e-4  # VICReg: added to the variances under the root
NEVER = -1e9  # a logit that no softmax sees


def info_nce(
    q: Any, k: Any, negatives: Any = None, temperature: float = 0.07, excluded: Any = None
) -> Any:
    """InfoNCE: each query's own key among others (He et al., MoCo, CVPR 2020, Eq. 1).

        L = -mean_i log( exp(q_i k_i / T) / (exp(q_i k_i / T) + sum_n exp(q_i n / T)) )

    Args:
        q: (N, D) queries.
        k: (N, D) keys: key i belongs to query i.
        negatives: (K, D) unit vectors that belong to no query, such as a queue. None: the other
            keys of the batch.
        temperature: T, above 0.
        excluded: (N, K) booleans or 0 and 1: which negatives a query does not see, such as those
            that share with it what its key shares. Without `negatives` (N, N); what it says of a
            query's own key does not matter. None: all are seen.

    Returns:
        A scalar in nats, at least 0. A query without negatives adds 0.

    Raises:
        ValueError: Shapes that do not fit one another, or a `temperature` of 0 or less.

    Example:
        >>> q = ops.array([[1.0, 0.0], [0.0, 1.0]])
        >>> print(f"{float(info_nce(q, q, temperature=1.0)):.4f}")  # log(1 + e^-1)
        0.3133
    """
    temperature = checks.positive("temperature", temperature)
    q, k = _alike(q=q, k=k)
    q, k = unit(q), unit(k)
    own = ops.sum(q * k, axis=1) / temperature
    if negatives is None:
        logits = ops.matmul(q, ops.transpose(k)) / temperature
        if excluded is not None:
            # The own key stays a candidate, whatever is said of it.
            hidden = _excluded(excluded, logits) & ~ops.eye(ops.shape(q)[0], dtype="bool")
            logits = ops.where(hidden, NEVER, logits)
        return ops.mean(ops.logsumexp(logits, axis=1) - own)
    negatives = _beside("negatives", negatives, q)
    others = ops.matmul(q / temperature, ops.transpose(negatives))  # as large as the queue
    if excluded is not None:
        others = ops.where(_excluded(excluded, others), NEVER, others)
    return ops.mean(ops.logaddexp(own, ops.logsumexp(others, axis=1)) - own)


def nt_xent(za: Any, zb: Any, temperature: float = 0.5) -> Any:
    """NT-Xent: each view's partner among the 2N - 1 others (Chen et al., SimCLR, 2020, Eq. 1).

    Args:
        za: (N, D) projections of one view.
        zb: (N, D) projections of the other.
        temperature: Above 0.

    Returns:
        A scalar in nats, at least 0: the mean over all 2N views.

    Raises:
        ValueError: Shapes that differ, or a `temperature` of 0 or less.
    """
    temperature = checks.positive("temperature", temperature)
    z = unit(ops.concatenate(_alike(za=za, zb=zb)))
    n = ops.shape(z)[0]
    partners = ops.roll(z, n // 2, axis=0)
    own = ops.sum(z * partners, axis=1) / temperature
    logits = ops.matmul(z, ops.transpose(z)) / temperature
    logits = logits + NEVER * ops.eye(n)  # a view is no candidate of its own
    return ops.mean(ops.logsumexp(logits, axis=1) - own)


def supervised_contrastive(
    anchors: Any, candidates: Any, positives: Any, temperature: float = 0.07
) -> Any:
    """SupCon: every positive of an anchor among all candidates (Khosla et al. 2020, Eq. 2).

        L_i = -1/|P(i)| sum_(p in P(i)) log( exp(a_i c_p / T) / sum_(c != i) exp(a_i c / T) )

    Args:
        anchors: (N, D).
        candidates: (M, D), M at least N: candidate i is anchor i itself, and excluded.
        positives: (N, M) booleans or 0 and 1: which candidates belong to an anchor. What it says
            of an anchor itself does not matter.
        temperature: T, above 0.

    Returns:
        A scalar in nats: the mean over the anchors that have positives; 0 where none has.

    Raises:
        ValueError: Shapes that do not fit one another, or a `temperature` of 0 or less.
    """
    temperature = checks.positive("temperature", temperature)
    checks.rows("anchors", anchors, low=1)
    anchors = ops.cast(anchors, "float32")
    candidates = _beside("candidates", candidates, anchors)
    n, m = ops.shape(anchors)[0], ops.shape(candidates)[0]
    itself = ops.eye(n, m)
    positives = ops.cast(positives, "float32") * (1 - itself)
    logits = ops.matmul(unit(anchors), ops.transpose(unit(candidates))) / temperature
    logs = logits - ops.logsumexp(logits + NEVER * itself, axis=1, keepdims=True)
    count = ops.sum(positives, axis=1)
    losses = -ops.sum(positives * logs, axis=1) / ops.maximum(count, 1)
    return ops.sum(losses) / ops.maximum(ops.sum(ops.cast(count > 0, "float32")), 1)


def cross_correlation(za: Any, zb: Any) -> Any:
    """The correlation of each dimension of one view with each of the other, over the batch.

    Args:
        za: (N, D) projections of one view, N at least 2.
        zb: (N, D) projections of the other.

    Returns:
        (D, D) in [-1, 1]: Zbontar et al. 2021, Eq. 2.

    Raises:
        ValueError: Shapes that differ, or a single row.
    """
    za, zb = _alike(za=za, zb=zb, low=2)
    n = ops.cast(ops.shape(za)[0], "float32")
    return ops.matmul(ops.transpose(_standardised(za)), _standardised(zb)) / n


def barlow_twins(za: Any, zb: Any, redundancy_weight: float = 0.0051) -> Any:
    """Barlow Twins: the cross-correlation C should be I (Zbontar et al., ICML 2021, Eq. 1).

        L = sum_i (1 - C_ii)^2 + lambda sum_i sum_(j != i) C_ij^2

    Args:
        za: (N, D) projections of one view, N at least 2.
        zb: (N, D) projections of the other.
        redundancy_weight: lambda, at least 0.

    Returns:
        A scalar, at least 0.

    Raises:
        ValueError: Shapes that differ, a single row, or a negative weight.
    """
    weight = checks.number("redundancy_weight", redundancy_weight, low=0)
    invariance, redundancy = barlow_twins_terms(cross_correlation(za, zb))
    return invariance + weight * redundancy


def barlow_twins_terms(correlation: Any) -> tuple[Any, Any]:
    """The two sums of `barlow_twins`, of a (D, D) cross-correlation: invariance, redundancy."""
    diagonal = ops.diagonal(correlation)
    invariance = ops.sum(ops.square(1 - diagonal))
    return invariance, ops.sum(ops.square(correlation)) - ops.sum(ops.square(diagonal))


def vicreg(
    za: Any,
    zb: Any,
    invariance_weight: float = 25.0,
    variance_weight: float = 25.0,
    covariance_weight: float = 1.0,
) -> Any:
    """VICReg: alike, spread out, uncorrelated (Bardes, Ponce & LeCun, ICLR 2022, Eq. 6).

    Args:
        za: (N, D) embeddings of one view, N at least 2.
        zb: (N, D) embeddings of the other.
        invariance_weight: Of the mean squared difference, at least 0.
        variance_weight: Of the hinge that keeps each deviation above 1, at least 0. As in the
            authors' code, the two views' hinges are averaged; the paper adds them.
        covariance_weight: Of the squared covariances of different dimensions, at least 0.

    Returns:
        A scalar, at least 0.

    Raises:
        ValueError: Shapes that differ, a single row, or a negative weight.
    """
    invariance, variance, covariance = vicreg_terms(za, zb)
    return (
        checks.number("invariance_weight", invariance_weight, low=0) * invariance
        + checks.number("variance_weight", variance_weight, low=0) * variance
        + checks.number("covariance_weight", covariance_weight, low=0) * covariance
    )


def vicreg_terms(za: Any, zb: Any) -> tuple[Any, Any, Any]:
    """The three terms of `vicreg`, not weighted: invariance, variance, covariance."""
    za, zb = _alike(za=za, zb=zb, low=2)
    variance = covariance = 0.0
    for z in (za, zb):
        centred = z - ops.mean(z, axis=0)
        n, d = ops.cast(ops.shape(z)[0], "float32"), z.shape[1]
        matrix = ops.matmul(ops.transpose(centred), centred) / (n - 1)
        variances = ops.diagonal(matrix)
        deviations = ops.sqrt(variances + VICREG_EPSILON)
        variance = variance + ops.mean(ops.relu(1 - deviations)) / 2
        squares = ops.sum(ops.square(matrix)) - ops.sum(ops.square(variances))
        covariance = covariance + squares / d
    return ops.mean(ops.square(za - zb)), variance, covariance


def negative_cosine(p: Any, z: Any) -> Any:
    """The negative cosine of predictions and targets (Chen & He, SimSiam, CVPR 2021, Eq. 1).

    Args:
        p: (N, D) predictions.
        z: (N, D) targets. Whether a gradient reaches them is the caller's: `ops.stop_gradient`.

    Returns:
        A scalar in [-1, 1]: the mean over the batch.

    Raises:
        ValueError: Shapes that differ.
    """
    p, z = _alike(p=p, z=z)
    return -ops.mean(ops.sum(unit(p) * unit(z), axis=1))


def margin_contrastive(za: Any, zb: Any, similar: Any, margin: float = 1.0) -> Any:
    """Similar pairs close, others a margin apart (Hadsell, Chopra & LeCun, CVPR 2006, Eq. 4).

        L = mean( y/2 d^2 + (1 - y)/2 max(0, margin - d)^2 ),   d = |za - zb|

    Args:
        za: (N, D) embeddings.
        zb: (N, D) embeddings of their partners.
        similar: (N,) 1 or True for pairs that belong together: y. (The paper's Y is 1 - y.)
        margin: Above 0.

    Returns:
        A scalar, at least 0: the mean over the pairs.

    Raises:
        ValueError: Shapes that do not fit one another, or a `margin` of 0 or less.
    """
    return sum(margin_contrastive_terms(za, zb, similar, margin))


def margin_contrastive_terms(za: Any, zb: Any, similar: Any, margin: float) -> tuple[Any, Any]:
    """The two terms of `margin_contrastive`: what pulls similar pairs, what pushes the others."""
    margin = checks.positive("margin", margin)
    za, zb = _alike(za=za, zb=zb)
    similar = ops.cast(similar, "float32")
    if len(similar.shape) != 1:
        raise ValueError(f"Expected similar of shape (N,). Received: {tuple(similar.shape)}.")
    squared = ops.sum(ops.square(za - zb), axis=1)
    # The root's gradient is infinite at 0; there the hinge has none to give in any direction.
    apart = squared > 0
    distance = ops.where(apart, ops.sqrt(ops.where(apart, squared, 1.0)), 0.0)
    hinge = ops.square(ops.relu(margin - distance))
    return ops.mean(similar * squared) / 2, ops.mean((1 - similar) * hinge) / 2


def unit(rows: Any) -> Any:
    """Rows (N, D) at length 1, float32. A row of zeros stays one, and has a gradient."""
    rows = ops.cast(rows, "float32")
    squares = ops.sum(ops.square(rows), axis=1, keepdims=True)
    return rows * ops.rsqrt(ops.maximum(squares, 1e-24))


def _excluded(excluded: Any, logits: Any) -> Any:
    """Booleans in the shape of logits."""
    excluded = ops.convert_to_tensor(excluded)
    checks.alike(excluded=excluded, logits=logits)
    return ops.cast(excluded, "bool")


def _standardised(z: Any) -> Any:
    """Columns with mean 0 and (biased) variance 1."""
    mean, variance = ops.moments(z, axes=0, keepdims=True)
    return (z - mean) * ops.rsqrt(variance + EPSILON)


def _alike(low: int = 1, **tensors: Any) -> tuple[Any, Any]:
    """Two tables of one shape and at least `low` rows, in float32."""
    for name, tensor in tensors.items():
        checks.rows(name, tensor, low)
    checks.alike(**tensors)
    a, b = (ops.cast(tensor, "float32") for tensor in tensors.values())
    return a, b


def _beside(name: str, tensor: Any, other: Any) -> Any:
    """A table as wide as another, in float32."""
    checks.rows(name, tensor, low=1)
    if tensor.shape[1] != other.shape[1]:
        raise ValueError(
            f"Expected {name} of shape (N, {other.shape[1]}). Received shape: "
            f"{tuple(tensor.shape)}."
        )
    return ops.cast(tensor, "float32")
