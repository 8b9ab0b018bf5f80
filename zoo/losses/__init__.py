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
from zoo.losses.density_ratio import (
    density_ratio_total_correlation,
    discrimination,
    discrimination_accuracy,
)
from zoo.losses.dip import DIPPenalties, dip, dip_penalties
from zoo.losses.mmd import KERNELS, mmd
from zoo.losses.partial_label import classifier_consistent
from zoo.losses.total_correlation import KLTerms, kl_terms, stratified_weights, total_correlation
from zoo.losses.variational import (
    bernoulli_reconstruction,
    gaussian_kl,
    gaussian_kl_per_latent,
    gaussian_reconstruction,
)

__all__ = [
    "KERNELS",
    "DIPPenalties",
    "KLTerms",
    "barlow_twins",
    "bernoulli_reconstruction",
    "classifier_consistent",
    "cross_correlation",
    "density_ratio_total_correlation",
    "dip",
    "dip_penalties",
    "discrimination",
    "discrimination_accuracy",
    "gaussian_kl",
    "gaussian_kl_per_latent",
    "gaussian_reconstruction",
    "info_nce",
    "kl_terms",
    "margin_contrastive",
    "mmd",
    "negative_cosine",
    "nt_xent",
    "stratified_weights",
    "supervised_contrastive",
    "total_correlation",
    "vicreg",
]
