"""The AnnealedVAE: a VAE whose KL is held at a capacity that grows.

Burgess et al., Understanding Disentangling in beta-VAE, 2018. Eq. 8, as a loss:
    L = -E_q(z|x)[log p(x|z)] + gamma |KL(q(z|x) || N(0, I)) - C|,
where C rises linearly from 0 over the first part of the training.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo import checks
from zoo.disentangled.vae import VAE


class AnnealedVAE(VAE):
    """A VAE that is told how many nats its code may carry: ever more, so that factors come singly.

    C follows the method's step counter, which is saved with it; evaluation takes C as it stands.
    The paper anneals over 100,000 steps, as the defaults here do; a shorter training gets a shorter
    annealing by its `total_steps`.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        gamma: Weight of the KL's distance from C, at least 0. The paper uses 1000.
        capacity: The final C in nats, at least 0. The paper uses 25 on dSprites.
        total_steps: Steps of the whole training, at least 1.
        annealing: The share of them over which C rises, 0 to 1. With 0, C is `capacity` throughout.
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z.

    Raises:
        ValueError: `gamma`, `capacity` or `annealing` out of range or NaN, `total_steps` no
            integer or less than 1, and as for `VAE`.

    Example:
        >>> import numpy as np
        >>> method = AnnealedVAE.for_images((16, 16, 1), latent_size=2, total_steps=1000)
        >>> method.compile(optimizer="adam")
        >>> history = method.fit(np.zeros((8, 16, 16, 1), "uint8"), verbose=0)
        >>> sorted(history.history)
        ['capacity', 'kl', 'loss', 'reconstruction']
    """

    terms = (*VAE.terms, "capacity")
    search_space = {"gamma": (1.0, 1000.0, "log"), "capacity": (5.0, 100.0, "log")}
    # In a few thousand steps a gamma of 10 and more is met by codes that tell nothing.
    recipe = {**VAE.recipe, "hyperparameters": {"gamma": 4.0, "capacity": 10.0}}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        gamma: float = 1000.0,
        capacity: float = 25.0,
        total_steps: int = 200_000,
        annealing: float = 0.5,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        self.gamma = checks.number("gamma", gamma, low=0)
        self.capacity = checks.number("capacity", capacity, low=0)
        self.total_steps = checks.integer("total_steps", total_steps, low=1)
        self.annealing = checks.number("annealing", annealing, low=0, high=1)

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """As in `VAE`, and C as it stands at the current step."""
        return {**super().forward(batch, training), "capacity": self.capacity_at(self.step)}

    def capacity_at(self, step: Any) -> Any:
        """C after so many steps: a scalar in nats, linear up to `capacity`.

        Args:
            step: An integer, a tensor of one, or the step counter.
        """
        annealing_steps = self.annealing * self.total_steps
        share = ops.cast(step, "float32") / annealing_steps if annealing_steps else 1.0
        return self.capacity * ops.minimum(share, 1.0)

    def objective(
        self, images: Any, decoded: Any, mean: Any, logvar: Any, capacity: Any
    ) -> dict[str, Any]:
        """Eq. 8: loss = reconstruction + gamma |KL - C|."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        return {
            "loss": reconstruction + self.gamma * ops.abs(kl - capacity),
            "reconstruction": reconstruction,
            "kl": kl,
            "capacity": capacity,
        }
