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
from zoo.losses.independence import (
    club,
    club_learning,
    gaussian_mutual_information,
    hsic,
    squared_correlation,
)
from zoo.losses.mmd import KERNELS, mmd
from zoo.losses.partial_label import (
    classifier_consistent,
    confidence_cross_entropy,
    leveraged_weighted,
)
from zoo.losses.subspaces import (
    head_orthogonality,
    variance_separation,
    vector_orthogonality,
)
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
    "club",
    "club_learning",
    "confidence_cross_entropy",
    "cross_correlation",
    "density_ratio_total_correlation",
    "dip",
    "dip_penalties",
    "discrimination",
    "discrimination_accuracy",
    "gaussian_kl",
    "gaussian_kl_per_latent",
    "gaussian_mutual_information",
    "gaussian_reconstruction",
    "head_orthogonality",
    "hsic",
    "info_nce",
    "kl_terms",
    "leveraged_weighted",
    "margin_contrastive",
    "mmd",
    "negative_cosine",
    "nt_xent",
    "squared_correlation",
    "stratified_weights",
    "supervised_contrastive",
    "total_correlation",
    "variance_separation",
    "vector_orthogonality",
    "vicreg",
]
