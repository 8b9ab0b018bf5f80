"""The papers' equations as pure functions of tensors: a scalar, the mean over the batch."""

from zoo.losses.contrastive import (
    barlow_twins,
    cross_correlation,
    info_nce,
    margin_contrastive,
    negative_cosine,
    nt_xent,
    supervised_contrastive,
    vicreg,
)
from zoo.losses.variational import (
    bernoulli_reconstruction,
    gaussian_kl,
    gaussian_kl_per_latent,
    gaussian_reconstruction,
)

__all__ = [
    "barlow_twins",
    "bernoulli_reconstruction",
    "cross_correlation",
    "gaussian_kl",
    "gaussian_kl_per_latent",
    "gaussian_reconstruction",
    "info_nce",
    "margin_contrastive",
    "negative_cosine",
    "nt_xent",
    "supervised_contrastive",
    "vicreg",
]
