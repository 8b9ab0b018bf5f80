"""The FactorVAE.

Kim & Mnih, Disentangling by Factorising, ICML 2018. Eq. 2, as a loss:
    L = -E_q(z|x)[log p(x|z)] + KL(q(z|x) || N(0, I)) + gamma TC(z),
    TC(z) = KL(q(z) || prod_j q(z_j)) = E_q(z)[log D(z) / (1 - D(z))],
and beside it (Algorithm 2) a discriminator D, which learns to tell codes from codes whose
dimensions were permuted over the batch:
    L_D = -1/2 (E_q(z)[log D(z)] + E_permuted[log(1 - D(z))]).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf
from keras import ops

from zoo import checks, losses, networks
from zoo.disentangled.vae import EVALUATION_SEED, VAE
from zoo.optimizers import FusedAdam, of_its_own

PERMUTATION_SEED = EVALUATION_SEED + 1  # not that of the noise in z, which it must not follow


class FactorVAE(VAE):
    """A VAE with a penalty on total correlation, which a discriminator estimates.

    The whole batch feeds the VAE's loss. The discriminator sees the first half as it is and the
    second half permuted, so that the two are independent draws; of an odd batch the second half
    is the larger, and a batch of one leaves the discriminator unchanged. Both learn from the
    weights as they were before the step.

    Args:
        encoder: As for `VAE`.
        decoder: As for `VAE`.
        discriminator: A built model from codes (N, L) to logits (N, 2): of q(z), and of the
            product of its marginals.
        gamma: Weight of the total correlation, at least 0. 0 is the plain VAE; the paper's best
            on dSprites are 10 to 40.
        discriminator_optimizer: Of the discriminator, not yet built. None is the paper's,
            Adam(1e-4, beta_1=0.5, beta_2=0.9).
        reconstruction: "bernoulli" or "gaussian", as for `VAE`.
        seed: Of the noise in z and of the permutations.

    Raises:
        ValueError: `gamma` negative, infinite or NaN, a discriminator that does not fit, an
            optimizer that is at work elsewhere, and as for `VAE`.

    Example:
        >>> import numpy as np
        >>> method = FactorVAE.for_images((16, 16, 1), latent_size=2, gamma=10.0)
        >>> method.compile(optimizer="adam")
        >>> history = method.fit(np.zeros((8, 16, 16, 1), "uint8"), verbose=0)
        >>> sorted(history.history)
        ['discriminator_accuracy', 'kl', 'loss', 'reconstruction', 'total_correlation']
    """

    terms = (*VAE.terms, "total_correlation", "discriminator_accuracy")
    search_space = {"gamma": (1.0, 100.0, "log")}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        gamma: float = 10.0,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        reconstruction: str = "bernoulli",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, reconstruction, seed, **kwargs)
        _check_discriminator(discriminator, self.latent_size)
        self.discriminator = discriminator
        self.gamma = checks.number("gamma", gamma, low=0)
        if discriminator_optimizer is None:
            discriminator_optimizer = FusedAdam(1e-4, beta_1=0.5, beta_2=0.9)
        self.discriminator_optimizer = of_its_own(
            "discriminator_optimizer", discriminator_optimizer, discriminator
        )

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        latent_size: int = 10,
        width: float = 1.0,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with the papers' networks: see `VAE.for_images` and `networks.discriminator`.

        Args:
            image_shape: (H, W, C): at least 16 pixels a side, 1 or 3 channels.
            latent_size: L, the number of latents.
            width: How many times the filters and units of encoder and decoder the layers have.
            seed: Of the initial weights, of the noise and of the permutations.
            **hyperparameters: Further arguments of the constructor, e.g. `gamma`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        discriminator = networks.discriminator(latent_size, seed + 2)
        networks_and_knobs = {"discriminator": discriminator, **hyperparameters}
        return super().for_images(image_shape, latent_size, width, seed, **networks_and_knobs)

    @property
    def learned(self) -> list[keras.Variable]:
        """The weights of encoder and decoder: the discriminator has a loss of its own."""
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables]

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """As in `VAE`; then the discriminator on z."""
        outputs = super().forward(batch, training)
        return {**outputs, **self.discriminate(outputs["z"], training)}

    def discriminate(self, z: Any, training: bool) -> dict[str, Any]:
        """The discriminator's answers to z and to the second half of it permuted.

        In training its gradients are taken here too: one pass serves its own loss and the VAE's,
        with the weights of both from before the step.

        Args:
            z: (N, L) float32: draws from q(z).
            training: Whether gradients are taken; permutations are fixed where not.

        Returns:
            "logits" (N, 2) of z, "joint_logits" of its first half, "permuted_logits" of the
            second; in training "discriminator_gradients", one for each of its weights.
        """
        n = ops.shape(z)[0]
        half = n // 2
        permuted = permute_dimensions(z[half:], self.noise if training else PERMUTATION_SEED)
        weights = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            both = ops.concatenate([z, ops.stop_gradient(permuted)])
            logits = ops.cast(self.discriminator(both, training=training), "float32")
            answers = {
                "logits": logits[:n],
                "joint_logits": logits[:half],
                "permuted_logits": logits[n:],
            }
            replicas = tf.distribute.get_strategy().num_replicas_in_sync  # gradients are summed
            loss = losses.discrimination(answers["joint_logits"], answers["permuted_logits"])
            loss *= ops.minimum(ops.cast(half, "float32"), 1.0)  # one image has no halves
            loss = self.discriminator_optimizer.scale_loss(loss / replicas)
        if training:
            answers["discriminator_gradients"] = tape.gradient(loss, weights)
        return answers

    def objective(
        self,
        images: Any,
        decoded: Any,
        mean: Any,
        logvar: Any,
        logits: Any,
        joint_logits: Any,
        permuted_logits: Any,
    ) -> dict[str, Any]:
        """Eq. 2: loss = reconstruction + KL + gamma TC."""
        reconstruction, kl = self.elbo(images, decoded, mean, logvar)
        total_correlation = losses.density_ratio_total_correlation(logits)
        return {
            "loss": reconstruction + kl + self.gamma * total_correlation,
            "reconstruction": reconstruction,
            "kl": kl,
            "total_correlation": total_correlation,
            "discriminator_accuracy": losses.discrimination_accuracy(joint_logits, permuted_logits),
        }

    def after_update(self, z: Any, discriminator_gradients: Any) -> None:
        """The discriminator's own step (Algorithm 2); none after a batch of one."""

        def step() -> None:
            weights = self.discriminator.trainable_variables
            self.discriminator_optimizer.apply(discriminator_gradients, weights)

        if tf.distribute.has_strategy():  # replicas step together; one image adds no gradient
            step()
        else:
            ops.cond(ops.shape(z)[0] > 1, step, lambda: None)


def permute_dimensions(codes: Any, seed: Any) -> Any:
    """Each dimension permuted over the batch by itself: draws from the product of the marginals.

    Args:
        codes: (N, L) float.
        seed: An integer, or a `keras.random.SeedGenerator`.

    Returns:
        (N, L) float: every column a permutation of the one in `codes`, independent of the others.
    """
    order = ops.argsort(keras.random.uniform(ops.shape(codes), seed=seed), axis=0)
    return ops.take_along_axis(codes, order, axis=0)


def _check_discriminator(discriminator: keras.Model, latent_size: int) -> None:
    wanted = (None, latent_size), (None, 2)
    received = tuple(discriminator.input_shape), tuple(discriminator.output_shape)
    if received != wanted:
        raise ValueError(
            f"Expected a discriminator from codes of shape {wanted[0]} to logits of shape "
            f"{wanted[1]}. Received one from {received[0]} to {received[1]}."
        )
