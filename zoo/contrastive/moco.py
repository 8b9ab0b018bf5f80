"""MoCo: each query finds its own key among those of the last batches.

He et al., Momentum Contrast for Unsupervised Visual Representation Learning, CVPR 2020. With a
query q, the key k+ of the image's other view, and a queue of K keys of other images, Eq. 1 is
    L = -log( exp(q k+ / T) / (exp(q k+ / T) + sum_(i = 1..K) exp(q k_i / T)) ).
Keys come from a twin of encoder and projector which no gradient moves; Eq. 2, with decay m:
    twin <- m twin + (1 - m) encoder.
Version 2 (Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020) has an MLP as
projector, blur among the views, T = 0.2 and a cosine schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo import checks, losses
from zoo.data.views import Views
from zoo.losses.contrastive import unit
from zoo.queue import Queue
from zoo.replicas import gather
from zoo.teacher import shuffled_keys, trail, twin
from zoo.two_view import TwoView, laptop_recipe


class MoCo(TwoView):
    """Contrasts queries with keys of a momentum encoder, of which a queue keeps the last ones.

    Defaults are version 1's but for the views, which are version 2's: version 1 has no blur, and
    always jitters, hue by up to 0.4. Version 2 is `projection_sizes=(2048, 128), temperature=0.2`.
    For small images `queue_size=4096, decay=0.99, temperature=0.1` do well, with or without
    `symmetric=True`.

    Batch normalisation could tell which key belongs to which query by their common statistics. So
    several replicas exchange their images before the keys are encoded; and `for_images` makes
    encoders with `zoo.layers.SplitBatchNormalization`, whose groups stand in for the devices of
    the paper. One's own are to have it too, or none: where statistics are of the whole batch, over
    all replicas, there is nothing to exchange.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`.
        queue_size: K, how many keys are remembered, at least as many as a batch has: 2, or 4 with
            a symmetric loss.
        decay: m, how slowly the twin follows, 0 to 1.
        temperature: T, above 0.
        symmetric: Whether each view is query and key once. The loss is the mean of both halves,
            where the authors' code for small images adds them; both halves' keys are remembered,
            after both.
        views: As for `TwoView`.
        seed: Of the rows that the queue starts with, and of the exchange between replicas.

    Attributes:
        key_encoder, key_projector: The twins.
        queue: The `zoo.queue.Queue`.

    Raises:
        ValueError: A value out of its range, and as for `TwoView`. In training, a batch with more
            keys than the queue holds, or of one image.

    Example:
        >>> import numpy as np
        >>> method = MoCo.for_images((16, 16, 1), network="convnet", queue_size=64)
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> history.history["queue_filled"]
        [0.0]
        >>> float(method.queue.filled())
        0.125
    """

    terms = ("positive_similarity", "negative_similarity", "queue_filled")
    search_space = {"temperature": (0.05, 1.0, "log"), "decay": (0.9, 0.9999, "linear")}
    projection = {"sizes": (128,), "hidden_norm": False}
    normalization = "split"
    recipe = laptop_recipe(queue_size=4096, decay=0.99, temperature=0.1)

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        queue_size: int = 65536,
        decay: float = 0.999,
        temperature: float = 0.07,
        symmetric: bool = False,
        views: str | Views = "moco_v2",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, views, **kwargs)
        self.queue_size = checks.integer("queue_size", queue_size, low=4 if symmetric else 2)
        self.decay = checks.number("decay", decay, low=0, high=1)
        self.temperature = checks.positive("temperature", temperature)
        self.symmetric = checks.truth("symmetric", symmetric)
        self.seed = checks.integer("seed", seed, low=0)
        self.key_encoder = twin(encoder)
        self.key_projector = twin(projector)
        self.queue = Queue(queue_size, projector.output_shape[-1], seed)
        self.batch_sizes = (2, queue_size // 2 if symmetric else queue_size)

    @classmethod
    def further_parts(cls, sizes: Sequence[int], seed: int) -> dict[str, Any]:
        """The seed of the queue."""
        return {"seed": seed}

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Queries (N, D) of one view, keys of the other, and the queue as it is before them.

        Returns:
            q, k: (N, D), or (2N, D) with a symmetric loss, of all replicas.
            queue: (K, D) unit vectors.
            filled: How much of it was put in, 0 to 1.
        """
        a, b = self.both(batch)
        ways = [(a, b), (b, a)] if self.symmetric else [(a, b)]
        queries = [self.project(one, training) for one, _ in ways]
        keys = [self.encode_keys(other, training, half) for half, (_, other) in enumerate(ways)]
        return {
            "q": ops.concatenate([gather(q) for q in queries]),
            "k": ops.concatenate([gather(k) for k in keys]),
            "queue": self.queue.rows(),
            "filled": self.queue.filled(),
        }

    def _wrong_size(self, received: str) -> str:
        return f"{super()._wrong_size(received)}, with a queue_size of {self.queue_size}"

    def encode_keys(self, images: Any, training: bool, half: int = 0) -> Any:
        """Keys (N, D) of images (N, H, W, C), by the twins; no gradient. Eq. 2's theta_k.

        Each `half` of a symmetric loss, 0 and 1, exchanges its images in an order of its own.
        """
        twins = (self.key_encoder, self.key_projector)
        return shuffled_keys(self.prepare(images), twins, training, self.seed, self.step, half)

    def objective(self, q: Any, k: Any, queue: Any, filled: Any) -> dict[str, Any]:
        """Eq. 1, and how alike queries are to their own keys and to those of the queue."""
        queries = unit(q)
        return {
            "loss": losses.info_nce(q, k, queue, self.temperature),
            "positive_similarity": ops.mean(ops.sum(queries * unit(k), axis=1)),
            "negative_similarity": ops.mean(ops.matmul(queue, ops.mean(queries, axis=0))),
            "queue_filled": filled,
        }

    def after_update(self, k: Any) -> None:
        """Eq. 2, and the batch's keys into the queue."""
        trail(self.key_encoder, self.encoder, self.decay)
        trail(self.key_projector, self.projector, self.decay)
        self.queue.enqueue(k)
