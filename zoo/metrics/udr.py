"""UDR, the unsupervised disentanglement ranking: models that agree are good ones.

Duan et al., "Unsupervised Model Selection for Variational Disentangled Representation Learning",
ICLR 2020 (https://arxiv.org/abs/1905.12614), section 4. Models of one kind, trained from different
seeds, encode the same images. Disentangled ones are expected to find the same latents up to order,
sign and pruning; entangled ones each find their own. With R_ab how strongly latent a of model j
goes with latent b of model i, over the d_j and d_i latents that are informative (KL > 0.01),

    UDR_ij = 1/(d_i + d_j) ( sum_b max_a R_ab^2 / sum_a R_ab + sum_a max_b R_ab^2 / sum_b R_ab )

and a model's score is the median of UDR_ij over the others, j.

    lasso     R = absolute weights of a Lasso (penalty 0.1) that predicts i's latents from j's
    spearman  R = absolute rank correlations
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo import checks
from zoo.metrics.arrays import checked_codes, rank_correlation, standardised

Table = NDArray[np.float64]

LEAST_KL = 0.01  # nats that an informative latent exceeds
PENALTY = 0.1  # of the Lasso, on codes of variance 1


def udr(
    models_codes: Sequence[ArrayLike],
    kl: Sequence[ArrayLike] | None = None,
    relation: str = "lasso",
) -> NDArray[np.float64]:
    """How far each model's latents are those that the other models found too.

    Needs no factors: it ranks models, of one method and setting or of several. It says nothing of
    a single model, and models that agree on entangled latents score high too.

    Near 1 for models whose latents are independent and equal up to order, sign and scale (at most
    0.9 by Lasso, whose penalty takes a tenth of each weight); the lower, the more of a model's
    latents go with each latent of another.

    Args:
        models_codes: M tables (N, L) of real numbers, M at least 2: the codes of the same N images
            by each model, in the same order. For a VAE, posterior means. L may differ.
        kl: M arrays (L,): each latent's KL to its prior in nats, averaged over images. Latents of
            0.01 and less are left out. Default: all are informative but the dead (constant) ones.
        relation: "lasso", as the paper prefers, or "spearman".

    Returns:
        (M,) scores in [0, 1]; 0 for a model without an informative latent.

    Raises:
        ValueError: Fewer than two models, tables of the wrong rank or of unequal lengths, NaN or
            infinity, KLs that do not fit the codes or are negative, an unknown relation.

    Example:
        >>> z = np.random.default_rng(0).normal(size=(1000, 3))
        >>> udr([z, -2 * z[:, ::-1], z], relation="spearman").round(1)
        array([1., 1., 1.])
    """
    related = RELATIONS[checks.one_of("relation", relation, (*RELATIONS,))]
    models = _informative(models_codes, kl)
    agreement = np.array([[_agreement(related(z_j, z_i)) for z_j in models] for z_i in models])
    others = ~np.eye(len(models), dtype=bool)
    return np.array([np.median(row[kept]) for row, kept in zip(agreement, others, strict=True)])


def _informative(
    models_codes: Sequence[ArrayLike], kl: Sequence[ArrayLike] | None
) -> list[NDArray[Any]]:
    """The informative latents of each model, standardised: (N, d) each."""
    if len(models_codes) < 2:
        raise ValueError(f"Expected codes of at least two models. Received: {len(models_codes)}.")
    if kl is not None and len(kl) != len(models_codes):
        raise ValueError(
            f"Expected the KLs of as many models as codes ({len(models_codes)}). "
            f"Received: {len(kl)}."
        )
    models: list[NDArray[Any]] = []
    for index, codes in enumerate(models_codes):
        z = checked_codes(codes, prefix=f"model {index}'s ")
        if models and len(z) != len(models[0]):
            raise ValueError(
                f"Expected codes of the same images, {len(models[0])} by model 0. "
                f"Received: {len(z)} by model {index}."
            )
        informative = np.any(z != z[0], axis=0)
        if kl is not None:
            nats = np.asarray(kl[index])
            if nats.shape != z.shape[1:] or not np.all(nats >= 0):
                raise ValueError(
                    f"Expected model {index}'s KL as {z.shape[1]} numbers of at least 0, one a "
                    f"latent. Received: {kl[index]!r}."
                )
            informative &= nats > LEAST_KL
        models.append(standardised(z[:, informative])[0])
    return models


def _lasso(z_j: Table, z_i: Table) -> Table:
    """(d_j, d_i) absolute weights of latents that predict latents."""
    if not (z_j.size and z_i.size):
        return np.zeros((z_j.shape[1], z_i.shape[1]))
    from sklearn.linear_model import Lasso  # half a second

    fitted = Lasso(alpha=PENALTY, fit_intercept=False, precompute=True).fit(z_j, z_i)
    return np.abs(np.reshape(fitted.coef_, (z_i.shape[1], -1))).T


def _spearman(z_j: Table, z_i: Table) -> Table:
    """(d_j, d_i) absolute rank correlations."""
    return np.abs(rank_correlation(z_j, z_i))


RELATIONS: dict[str, Callable[[Table, Table], Table]] = {"lasso": _lasso, "spearman": _spearman}


def _agreement(R: Table) -> float:
    """UDR_ij of a (d_j, d_i) table of relations; 0 where a model has no latent to relate."""
    if not R.size:
        return 0.0
    strengths = 0.0
    for axis in (0, 1):
        strongest, total = R.max(axis=axis), R.sum(axis=axis)
        strengths += np.sum(strongest**2 / np.where(total > 0, total, 1))
    return float(strengths / sum(R.shape))
