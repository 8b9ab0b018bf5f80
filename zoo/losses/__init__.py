"""The papers' equations as pure functions of tensors: a scalar, the mean over the batch."""

from zoo.losses.variational import (
    bernoulli_reconstruction,
    gaussian_kl,
    gaussian_kl_per_latent,
    gaussian_reconstruction,
)

__all__ = [
    "bernoulli_reconstruction",
    "gaussian_kl",
    "gaussian_kl_per_latent",
    "gaussian_reconstruction",
]
