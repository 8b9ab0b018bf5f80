"""MIG of subspaces: how much more the best subspace knows of a factor than the second best.

Chen, Li, Grosse and Duvenaud, "Isolating Sources of Disentanglement in Variational
Autoencoders", NeurIPS 2018 (https://arxiv.org/abs/1802.04942), equation 6, with subspaces z_s in
the place of code dimensions:

    MIG = 1/K sum_k 1/H(v_k) ( I(z_s(k); v_k) - max_{s != s(k)} I(z_s; v_k) ),
    s(k) = argmax_s I(z_s; v_k)                                                                 (1)

Bins cannot hold several dimensions, so I is estimated by nearest neighbours: Ross, "Mutual
Information between Discrete and Continuous Data Sets", PLoS ONE 9(2), 2014
(https://doi.org/10.1371/journal.pone.0087357), equation 2,

    I(z; v) = psi(N) - <psi(N_i)> + psi(k) - <psi(m_i)>                                         (2)

where N_i samples have the value of sample i, d_i is its distance to the k-th nearest of them, and
m_i of all samples lie within d_i.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma

from zoo import checks
from zoo.metrics.arrays import checked, checked_subspaces, repeated, standardised, varied

NEIGHBOURS = 3  # k, as in the paper and in scikit-learn
COMPARED = 2_000  # samples: all pairs of them are compared


def subspace_mig(
    codes: ArrayLike,
    factors: ArrayLike,
    subspaces: Mapping[str, int],
    neighbours: int = NEIGHBOURS,
    compared: int = COMPARED,
    seed: int = 0,
) -> float:
    """How much more the best subspace knows about a factor than the second best.

    1 where each factor is known in full to one subspace and to no other, whichever it is and in
    whatever form; 0 where any two know the same. Unlike a probe, (2) sees dependence of any kind,
    and needs no test. Distances are Euclidean, of dimensions that are each divided by their
    standard deviation. What a subspace of many dimensions knows by a few of them is
    underestimated: other dimensions move the neighbours apart.

    Args:
        codes: (N, L) real numbers: the subspaces side by side.
        factors: (N, F) whole numbers (discrete) or floats (continuous, sorted into 20 bins of equal
            width). Factors with one value are left out.
        subspaces: The name of each subspace, at least two, and how many dimensions it has.
        neighbours: k of equation (2). A value that fewer samples have takes those that there are.
        compared: N of equation (2): of more samples so many are drawn. Time grows with its square.
        seed: Draws them.

    Returns:
        The gap, averaged over factors, in [0, 1].

    Raises:
        ValueError: Wrong ranks, unequal lengths, NaN or infinity, fewer than two subspaces, or
            dimensions that do not add up; no factor with more than one value, or one whose values
            all occur once.

    Example:
        >>> factors = np.random.default_rng(0).integers(0, 4, (2000, 2))
        >>> codes = np.hstack([factors[:, :1], -factors[:, :1], factors[:, 1:]])
        >>> round(subspace_mig(codes, factors, {"first": 2, "second": 1}), 1)
        1.0
    """
    shares = subspace_shares(codes, factors, subspaces, neighbours, compared, seed, least=2)
    shares.sort(axis=0)
    return float(np.mean(shares[-1] - shares[-2]))


def subspace_shares(
    codes: ArrayLike,
    factors: ArrayLike,
    subspaces: Mapping[str, int],
    neighbours: int = NEIGHBOURS,
    compared: int = COMPARED,
    seed: int = 0,
    least: int = 1,
) -> NDArray[np.float64]:
    """What each subspace knows of each factor, (S, K), as a share of the factor's entropy, 0..1.

    Arguments and errors as for `subspace_mig`, of at least `least` subspaces; K factors vary.
    """
    from scipy.spatial.distance import cdist  # a tenth of a second

    neighbours = checks.integer("neighbours", neighbours, low=1)
    compared = checks.integer("compared", compared, low=2)
    seed = checks.integer("seed", seed, low=0)
    z, v = checked(codes, factors)
    columns = checked_subspaces(subspaces, z.shape[1], least)
    if len(z) > compared:
        rows = np.random.default_rng(seed).choice(len(z), compared, replace=False)
        z, v = z[rows], v[rows]
    (z,) = standardised(z)
    known = [repeated(v[:, k], int(k)) for k in np.flatnonzero(varied(v))]
    shares = np.zeros((len(columns), len(known)))
    for row, part in zip(shares, columns.values(), strict=True):
        distances = cdist(z[:, part], z[:, part], "sqeuclidean")
        np.fill_diagonal(distances, np.inf)  # none is a neighbour of its own
        row[:] = [_share(distances, y, neighbours) for y in known]
    return shares


def _share(distances: NDArray[np.float64], y: NDArray[np.intp], neighbours: int) -> float:
    """Equation (2) of one factor, from the distances (N, N), divided by the factor's entropy."""
    several = np.bincount(y)[y] > 1  # a value that occurs once has no neighbours
    if not several.all():
        distances, y = distances[np.ix_(several, several)], y[several]
    counts = np.bincount(y)
    own, every = np.zeros(len(y)), np.zeros(len(y))
    for value in np.flatnonzero(counts):
        rows = np.flatnonzero(y == value)
        same = distances[np.ix_(rows, rows)]
        last = min(neighbours, len(rows) - 1) - 1
        radius = np.partition(same, last, axis=1)[:, [last]]
        own[rows] = np.sum(same <= radius, axis=1)  # k, or more where several are as far
        every[rows] = np.sum(distances[rows] <= radius, axis=1)
    gain = digamma(len(y)) - digamma(counts[y]) + digamma(own) - digamma(every)
    p = counts[counts > 0] / len(y)
    entropy = -np.sum(p * np.log(p))
    return float(np.clip(np.mean(gain) / entropy, 0, 1)) if entropy else 0.0
