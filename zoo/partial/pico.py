"""PiCO: images whose labels look alike are pulled together, and where they lie tells the label.

Wang et al., Contrastive Label Disambiguation for Partial Label Learning, ICLR 2022. Of an image
with candidates S the classifier f predicts y = argmax_(j in S) f_j; its weak view gives the query
q, its strong view the key k, by a twin of encoder and projector which no gradient moves. With
A = the batch's other queries, its keys and a queue of former keys, and P = those of A whose
predicted label is y too, the contrastive loss is
    L_cont = -1/|P| sum_(k+ in P) log( exp(q k+ / T) / sum_(k' in A) exp(q k' / T) ).
Prototypes mu of the classes follow the queries, one image after the other, and an image's
confidence s follows the prototype that is nearest to its query:
    mu_y <- unit( gamma mu_y + (1 - gamma) q ),
    s <- phi s + (1 - phi) onehot( argmax_(j in S) q mu_j ),   s = 1/|S| on S at first.
With L_cls = -sum_j s_j log f_j, the loss is L_cls + lambda L_cont.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from zoo import checks, losses, networks
from zoo.data.views import Views
from zoo.losses.contrastive import unit
from zoo.losses.partial_label import among
from zoo.partial_label import WithConfidence, laptop_recipe
from zoo.queue import Queue
from zoo.replicas import gather
from zoo.teacher import shuffled_keys, trail, twin
from zoo.two_view import check_follows

ALIKE = 0.95  # prototypes whose cosines are all as high are one
UNTRAINED = 100  # steps, before which those of any network may be


class PiCO(WithConfidence):
    """Tells which candidate is true by the prototype nearest to an image's embedding.

    Until the warm-up is over, L_cont is MoCo's loss (each query's own key among those of the
    queue) and confidences stay as they start; prototypes and queue move from the first step on. In
    a step, scores are taken with the prototypes before their update, and confidences move before
    L_cls.

    Prototypes are brought to length 1 once a step, as in the authors' code, not after each image.
    What departs from that code: phi falls from step to step, not from epoch to epoch; the
    queue starts as random unit vectors, each a row, and with labels that no class has; a batch may
    be of any size.

    Batch normalisation could tell which key belongs to which query by their common statistics, as
    `zoo.MoCo` says: `for_images` makes encoders with `zoo.layers.SplitBatchNormalization`, and
    one's own are to have it too, or none.

    Args:
        encoder: As for `WithConfidence`.
        classifier: As for `WithConfidence`.
        projector: A built keras.Model from codes (N, L) to embeddings (N, D).
        num_samples: As for `WithConfidence`.
        queue_size: How many keys are remembered, at least as many as a batch has.
        decay: How slowly the twins follow, 0 to 1.
        temperature: T, above 0.
        contrastive_weight: lambda, at least 0.
        prototype_decay: gamma, how slowly the prototypes follow, 0 to 1.
        confidence_decay: phi at the first step and at the last, each 0 to 1: it falls, or rises,
            linearly. A confidence moves each time that its image is seen, in the paper up to 800
            times; a run that sees each ten times needs a smaller phi.
        moco_steps: Steps of the warm-up, before predicted labels and prototypes are trusted, at
            least 0. The paper's 1 epoch of CIFAR-10 is 195 batches of 256; harder sets have 100
            epochs.
        total_steps: Steps of the whole training, at the end of which phi arrives. None: it stays
            as at first.
        use_prototypes: Whether confidences follow the nearest prototype; else, as in the paper's
            ablation, the label that the classifier predicts.
        views: As for `WithConfidence`.
        seed: Of the rows that the queue starts with, and of the exchange between replicas.

    Attributes:
        confidence: s, as for `WithConfidence`.
        prototypes: Weight (C, D) float32: mu, unit rows; zeros until a label is first predicted.
        key_encoder, key_projector: The twins.
        queue: The `zoo.queue.Queue`, with the predicted label of each key.

    Raises:
        ValueError: A value out of its range, a projector that does not fit the encoder, and as for
            `WithConfidence`. In training, a batch that is larger than the queue, or of one image.

    Example:
        >>> import numpy as np
        >>> method = PiCO.for_images(
        ...     (16, 16, 1), 3, network="convnet", num_samples=4, queue_size=64, moco_steps=0
        ... )
        >>> method.compile(optimizer="adam")
        >>> weak, strong = np.random.default_rng(0).random((2, 4, 16, 16, 1), "float32")
        >>> sets = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]], "float32")
        >>> batch = {"weak": weak, "strong": strong, "index": np.arange(4), "candidates": sets}
        >>> history = method.fit(batch, verbose=0)
        >>> np.sort(np.asarray(method.confidence)[0]).round(3)  # 0.5 * phi, and the rest
        array([0.   , 0.475, 0.525], dtype=float32)
    """

    terms = ("classification", "contrastive", "certainty", "queue_filled")
    search_space = {
        "contrastive_weight": (0.05, 2.0, "log"),
        "temperature": (0.05, 1.0, "log"),
        "prototype_decay": (0.9, 0.999, "linear"),
    }
    normalization = "split"
    recipe = laptop_recipe(
        projection_sizes=[256, 128],
        queue_size=1024,
        decay=0.99,
        moco_steps=60,
    )

    def __init__(
        self,
        encoder: keras.Model,
        classifier: keras.Model,
        projector: keras.Model,
        num_samples: int,
        queue_size: int = 8192,
        decay: float = 0.999,
        temperature: float = 0.07,
        contrastive_weight: float = 0.5,
        prototype_decay: float = 0.99,
        confidence_decay: Sequence[float] = (0.95, 0.8),
        moco_steps: int = 195,
        total_steps: int | None = None,
        use_prototypes: bool = True,
        views: str | Views = "pico",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, classifier, num_samples, views, **kwargs)
        check_follows("projector", projector, encoder)
        self.projector = projector
        self.queue_size = checks.integer("queue_size", queue_size, low=2)
        self.decay = checks.number("decay", decay, low=0, high=1)
        self.temperature = checks.positive("temperature", temperature)
        self.contrastive_weight = checks.number("contrastive_weight", contrastive_weight, low=0)
        self.prototype_decay = checks.number("prototype_decay", prototype_decay, low=0, high=1)
        self.confidence_decay = _span(confidence_decay)
        self.moco_steps = checks.integer("moco_steps", moco_steps, low=0)
        if total_steps is not None:
            total_steps = checks.integer("total_steps", total_steps, low=1)
        self.total_steps = total_steps
        self.use_prototypes = checks.truth("use_prototypes", use_prototypes)
        self.seed = checks.integer("seed", seed, low=0)
        self.key_encoder = twin(encoder)
        self.key_projector = twin(projector)
        width = projector.output_shape[-1]
        self.queue = Queue(queue_size, width, seed, labelled=True)
        self.prototypes = self.add_weight(
            shape=(self.num_classes, width),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            name="prototypes",
            aggregation="only_first_replica",  # every replica writes the same rows
        )
        self.batch_sizes = (2, queue_size)

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        network: str = "resnet18",
        normalization: str | None = "auto",
        weights: str | None = None,
        width: float = 1.0,
        projection_sizes: Sequence[int] = (512, 128),
        views: str | Views | None = None,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """As `PartialLabel.for_images`, with a projector.

        Args:
            image_shape: (H, W, C).
            num_classes: As for `PartialLabel`.
            network: As for `PartialLabel`.
            normalization: As for `PartialLabel`.
            weights: As for `PartialLabel`.
            width: As for `PartialLabel`.
            projection_sizes: Units of the projector's layers.
            views: As for `PartialLabel`.
            seed: Of the initial weights and the queue.
            **hyperparameters: Further arguments of the constructor, e.g. `num_samples`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        sizes = checks.layer_units("projection_sizes", projection_sizes)
        made = cls.parts_for(
            image_shape, num_classes, network, normalization, weights, width, views, seed
        )
        features = made["encoder"].output_shape[-1]
        projector = networks.projector(features, sizes, hidden_norm=False, seed=seed + 2)
        return cls(**made, projector=projector, seed=seed, **hyperparameters)

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """What the networks make of the views, and what that says of their labels.

        Returns:
            logits: (N, C), of the weak views.
            q, k: (N, D) unit vectors: queries of the weak views, keys of the strong ones.
            predicted: (N,), y: the likeliest candidates.
            index: (N,).
            confidence: (N, C), s as it will be.
            queue, queue_labels, filled: (K, D), (K,) as they are before the batch, and how much of
                the queue was put in, 0 to 1.
            warm: Whether the warm-up is over.
        """
        given = self.parts(batch)
        codes = self.encoder(self.prepare(given.weak), training=training)
        logits = gather(ops.cast(self.classifier(codes, training=training), "float32"))
        q = unit(gather(ops.cast(self.projector(codes, training=training), "float32")))
        k = unit(gather(self.encode_keys(given.strong, training)))
        index, candidates = gather(given.index), gather(given.candidates)
        predicted = _likeliest(candidates, logits)
        warm = self.step >= self.moco_steps
        confidence = self.recall(self.confidence, index, candidates)
        moved = self.towards(self.nearest(q, candidates, predicted), confidence)
        return {
            "logits": logits,
            "q": q,
            "k": k,
            "predicted": predicted,
            "index": index,
            "confidence": ops.where(warm, moved, confidence),
            "queue": self.queue.rows(),
            "queue_labels": self.queue.labels(),
            "filled": self.queue.filled(),
            "warm": warm,
        }

    def encode_keys(self, images: Any, training: bool) -> Any:
        """Keys (N, D) of images (N, H, W, C), by the twins; no gradient."""
        twins = (self.key_encoder, self.key_projector)
        return shuffled_keys(self.prepare(images), twins, training, self.seed, self.step)

    def nearest(self, q: Any, candidates: Any, predicted: Any) -> Any:
        """The candidate (N,) with the nearest prototype, or the predicted one: see the class."""
        if not self.use_prototypes:
            return predicted
        return _likeliest(candidates, ops.matmul(q, ops.transpose(self.prototypes)))

    def towards(self, labels: Any, confidence: Any) -> Any:
        """Confidences (N, C) a step nearer to labels (N,)."""
        first, last = self.confidence_decay
        share = 0.0
        if self.total_steps is not None:
            share = ops.minimum(ops.cast(self.step, "float32") / self.total_steps, 1.0)
        phi = first + (last - first) * share
        return phi * confidence + (1 - phi) * ops.one_hot(labels, self.num_classes)

    def objective(
        self,
        logits: Any,
        q: Any,
        k: Any,
        predicted: Any,
        confidence: Any,
        queue: Any,
        queue_labels: Any,
        filled: Any,
        warm: Any,
    ) -> dict[str, Any]:
        """The loss, its two parts, and how far labels and queue are.

        Returns:
            loss: classification + contrastive_weight contrastive.
            classification: L_cls, in nats.
            contrastive: L_cont, in nats: of the warm-up MoCo's loss, and not to be compared with
                what follows.
            certainty: The largest confidence of an image, in the mean: 1 where all labels of the
                batch are resolved. It stays as it is during the warm-up.
            queue_filled: How much of the queue has been put in, 0 to 1.
        """
        labels = ops.concatenate([predicted, predicted, queue_labels])
        of_labels = losses.supervised_contrastive(
            q,
            ops.concatenate([q, k, queue]),
            predicted[:, None] == labels[None],
            self.temperature,
        )
        of_images = losses.info_nce(q, k, queue, self.temperature)
        classification = losses.confidence_cross_entropy(logits, confidence)
        contrastive = ops.where(warm, of_labels, of_images)  # of a cond TensorFlow's log complains
        return {
            "loss": classification + self.contrastive_weight * contrastive,
            "classification": classification,
            "contrastive": contrastive,
            "certainty": ops.mean(ops.max(confidence, axis=1)),
            "queue_filled": filled,
        }

    def after_update(self, q: Any, k: Any, predicted: Any, index: Any, confidence: Any) -> None:
        """Moves what has no gradient: confidences, prototypes, twins, queue."""
        self.remember(self.confidence, index, confidence)
        self.prototypes.assign(followed(self.prototypes, q, predicted, self.prototype_decay))
        trail(self.key_encoder, self.encoder, self.decay)
        trail(self.key_projector, self.projector, self.decay)
        self.queue.enqueue(k, predicted)

    def class_similarity(self) -> Any:
        """Cosines (C, C) of the classes' prototypes; 0 of a label that was never predicted."""
        return ops.matmul(self.prototypes, ops.transpose(self.prototypes))

    def collapsed(self) -> str | None:
        """Says so where all prototypes are still one after the warm-up: any may be the nearest."""
        prototypes = ops.convert_to_numpy(self.prototypes)
        prototypes = prototypes[prototypes.any(axis=1)]
        warm = int(self.step) >= max(self.moco_steps, UNTRAINED)
        if not (warm and self.use_prototypes) or len(prototypes) < 2:
            return None
        least = float((prototypes @ prototypes.T).min())
        if not least >= ALIKE:  # NaN is another matter
            return None
        return (
            f"all prototypes are alike, of cosines of {least:.2f} and more (collapsed from {ALIKE} "
            "on): which is nearest to an image tells nothing of its label. It comes of views that "
            "leave too little to know an image by. Milder views help (views=pico_digits for "
            "characters), more steps or another contrastive_weight hardly. Without, "
            "use_prototypes=False follows the classifier."
        )

    def _wrong_size(self, received: str) -> str:
        return f"{super()._wrong_size(received)}, with a queue_size of {self.queue_size}"


def followed(prototypes: Any, q: Any, labels: Any, decay: float) -> Any:
    """Prototypes that have followed their classes' embeddings, one after the other.

    Of n embeddings of a class, the i-th counts (1 - decay) decay^(n - i) and what was before them
    decay^n, as if each were added in turn; all are brought to length 1 once, after the last.

    Args:
        prototypes: (C, D), each of length 1 or 0.
        q: (N, D) unit vectors.
        labels: (N,) integers, 0 to C - 1.
        decay: gamma, 0 to 1.

    Returns:
        (C, D), each of length 1, or 0 where it is of no embedding yet.
    """
    one_hot = ops.one_hot(labels, ops.shape(prototypes)[0], dtype="float32")
    counts = ops.sum(one_hot, axis=0)
    later = ops.sum(one_hot * (counts - ops.cumsum(one_hot, axis=0)), axis=1)
    weights = (1 - decay) * ops.power(decay, later)
    added = ops.matmul(ops.transpose(one_hot * weights[:, None]), q)
    return unit(ops.power(decay, counts)[:, None] * prototypes + added)


def _likeliest(candidates: Any, scores: Any) -> Any:
    """The candidate (N,) int64 of the highest score (N, C)."""
    return ops.cast(ops.argmax(among(candidates, scores), axis=1), "int64")


def _span(given: Any) -> tuple[float, float]:
    """The two ends of `confidence_decay`."""
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
        raise ValueError(
            f"Expected confidence_decay to be two numbers from 0 to 1. Received: {given!r}."
        )
    first, last = (checks.number("confidence_decay", phi, low=0, high=1) for phi in given)
    return first, last
