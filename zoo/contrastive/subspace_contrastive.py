"""Disentangled contrastive learning: codes of several subspaces, each of which holds one factor.

A code is z = [z_1, ..., z_k]. In each subspace i an image x has a positive x+, which shares with
it what the subspace is to hold and nothing else, and a hard negative x-, which shares all else and
not that. With e_i(x, y) = exp(cos(z_i(x), z_i(y)) / T) and n = 1..N, the images of a batch,
    L = sum_i InfoNCE(z_i) + sum of weighted penalties,                                        (1)
    InfoNCE(z_i) = -1/N sum_n log( e_i(x_n, x_n+) / (e_i(x_n, x_n+) + others_n) ),             (2)
    others_n = e_i(x_n, x_n-) + sum_(m not like n) e_i(x_n, x_m+),                             (3)
where an image m that shares with n what subspace i is to hold is none of the others. This is the
loss of van den Oord, Li & Vinyals, Representation Learning with Contrastive Predictive Coding,
2018 (Eq. 4), on cosines, for each subspace by itself. Penalties are those of
`zoo.losses.independence` and `zoo.losses.subspaces`, which name their sources.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
import tensorflow as tf
from keras import layers, ops

from zoo import checks, losses, networks
from zoo.data.subspaces import factor_pairs, factor_views
from zoo.losses.contrastive import unit
from zoo.losses.independence import standardised
from zoo.losses.subspaces import equal_rows
from zoo.messages import described
from zoo.method import Endpoint, Method
from zoo.networks.subspaces import check_widths
from zoo.replicas import gather
from zoo.subspaces import (
    MISSING,
    Relatives,
    bound,
    check_codes,
    check_condition,
    check_conditions,
    check_penalties,
    check_table,
    check_told_apart,
    factors_held,
    gates_of,
    heads_of,
    images_of_each,
    names_of_factors,
    of_every,
    penalties_in_use,
    penalty,
    with_batch_negatives,
    with_hard_negatives,
)


class SubspaceContrastive(Method):
    """Learns codes of named subspaces, each by comparisons of its own.

    A batch is {"image", "positives", "negatives", "factors"}, and `method.batches` makes it of any
    data. There are two sources of what subspaces are to hold:

    - factors that are known (`held`): pairs that share one of them and no other, see
      `zoo.data.factor_pairs`. It takes data with an image for each combination of factors.
    - what is done to the images (`ignored`): views of one image which differ in what a subspace is
      to ignore alone, or in all else, see `zoo.data.factor_views`. It takes any images.

    A penalty whose weight is 0 is neither computed nor logged.

    An encoder may depend on a condition, a factor or a domain that is known of each image and that
    batches tell in "conditions" (`for_images(..., conditions=K)`). `encode_conditioned` takes it;
    for `predict`, and wherever it is not known, it is a missing one.

    Args:
        encoder: As for `Method`, or from [images, condition]; its codes are the subspaces side by
            side.
        subspaces: The width of each by name, in the order of the codes. Of 2 at least: the cosine
            of a single dimension is a sign.
        held: The known factors that each subspace is to hold, one or several. None: the one that
            it is called like; none at all where `ignored` says what stands for factors.
        factor_names: The names of the columns of "factors". Wanted where factors are known.
        ignored: What each subspace ignores of that which is done to images, one or several of
            "crop", "flip", "rotation", "translation", "zoom", "colour", "blur" and "solarise".
        temperature: T, above 0.
        correlation_weight: Of `losses.squared_correlation`, summed over pairs of subspaces as the
            next three are. At least 0 as all weights are.
        gaussian_mi_weight: Of `losses.gaussian_mutual_information`.
        club_weight: Of `losses.club`. Its network learns beside the method, from the same batches.
        hsic_weight: Of `losses.hsic`.
        orthogonality_weight: Of `losses.head_orthogonality` where the encoder has a trunk with
            linear heads; else of `losses.vector_orthogonality`, for subspaces of equal width.
        variance_weight: Of `losses.variance_separation`, summed over subspaces. Of known factors.
        hard_negatives: Whether there are any.
        batch_negatives: The subspaces in which other images' positives are negatives too, one or
            several. None: all where factors are known. Where views stand for factors, those that
            ignore no motion (crop, rotation, translation, zoom): other images differ in what they
            show as well, and a subspace that only sees what is done to them would learn to tell
            them apart by that. Always those without hard negatives.
        condition: The known factor that the encoder depends on, for `batches`. None where it
            depends on none, or batches are one's own.
        missing: How often a condition is left out in training, 0 to 1, so that images without one
            are encoded as well. All of an image and its relatives are.
        club_network: A built model from codes (N, L) to the answers of
            `zoo.networks.conditionals`. None: that one.
        club_optimizer: Of `club_network`, not yet built. None: Adam(1e-3).
        seed: Of the initial weights of `club_network`, and of which conditions are left out.

    Attributes:
        subspaces: {name: width}.
        held: {name: factors}, empty where views stand for factors.
        batch_negatives: Their names, where None was given too.
        terms: The loss of each subspace, called "info_nce_NAME", and each penalty that has a
            weight; where subspaces share out dimensions, how many are open.

    Raises:
        ValueError: Widths that do not add up to the encoder's codes, names or factors that are
            not there, weights that are negative or NaN, a subspace without negatives, a penalty
            that nothing is known for. In training, a batch without what the subspaces need; one
            all of whose images share what a subspace is to hold, where that has no other
            negatives: tf.errors.InvalidArgumentError from the step (XLA leaves that out).

    Warns:
        UserWarning: A penalty between subspaces, of which there is but one.

    Example:
        >>> import numpy as np
        >>> method = SubspaceContrastive.for_images(
        ...     (16, 16, 3), {"shape": 4, "colour": 2}, factor_names=("shape", "colour")
        ... )
        >>> method.compile(optimizer="adam")
        >>> rng = np.random.default_rng(0)
        >>> a, b, c, d, e = rng.random((5, 8, 16, 16, 3), "float32")
        >>> batch = {
        ...     "image": a,
        ...     "positives": {"shape": b, "colour": c},
        ...     "negatives": {"shape": d, "colour": e},
        ...     "factors": rng.integers(0, 3, (8, 2)),
        ... }
        >>> history = method.fit(batch, verbose=0)
        >>> sorted(history.history)
        ['info_nce_colour', 'info_nce_shape', 'loss']
        >>> method.predict(a, verbose=0).shape
        (8, 6)
    """

    search_space = {
        "temperature": (0.05, 1.0, "log"),
        "correlation_weight": (0.01, 100.0, "log"),
        "gaussian_mi_weight": (0.01, 10.0, "log"),
        "club_weight": (0.001, 1.0, "log"),
        "hsic_weight": (0.1, 1000.0, "log"),
        "orthogonality_weight": (0.01, 10.0, "log"),
        "variance_weight": (0.01, 10.0, "log"),
    }
    from_data = ("subspaces", "factor_names", "ignored")
    suited_to_data = ("subspaces", "held", "variance_weight")  # the last is of known factors
    batch_sizes = (2, math.inf)
    recipe = {
        "data": "coloured_sprites",
        "image_size": 32,
        "steps": 3000,
        "epochs": 10,
        "batch_size": 64,
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "hyperparameters": {
            "subspaces": {"shape": 8, "colour": 4, "position": 4},
            "held": {
                "shape": ["shape"],
                "colour": ["colour"],
                "position": ["x_position", "y_position"],
            },
            "temperature": 0.2,
            # Shape, of which pairs that differ in all else show little, is found by this first.
            "variance_weight": 2.0,
        },
    }

    def __init__(
        self,
        encoder: keras.Model,
        subspaces: Mapping[str, int],
        held: Mapping[str, str | Sequence[str]] | None = None,
        factor_names: Sequence[str] = (),
        ignored: Mapping[str, str | Sequence[str]] | None = None,
        temperature: float = 0.1,
        correlation_weight: float = 0.0,
        gaussian_mi_weight: float = 0.0,
        club_weight: float = 0.0,
        hsic_weight: float = 0.0,
        orthogonality_weight: float = 0.0,
        variance_weight: float = 0.0,
        hard_negatives: bool = True,
        batch_negatives: str | Sequence[str] | None = None,
        condition: str | None = None,
        missing: float = 0.1,
        club_network: keras.Model | None = None,
        club_optimizer: keras.optimizers.Optimizer | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        widths = check_widths(subspaces)
        weights = {
            "correlation": correlation_weight,
            "gaussian_mi": gaussian_mi_weight,
            "club": club_weight,
            "hsic": hsic_weight,
            "orthogonality": orthogonality_weight,
            "variance": variance_weight,
        }
        used = penalties_in_use(weights, widths)
        # What it logs depends on its arguments, unlike that of other methods.
        counted = () if gates_of(encoder) is None else ("open_subspaces", "open_dimensions")
        self.terms = (*(f"info_nce_{name}" for name in widths), *used, *counted)  # type: ignore[misc]
        super().__init__(encoder, **kwargs)
        check_codes(encoder, widths)
        self.subspaces = widths
        self.ignored = of_every("ignored", ignored, "transformation", widths) if ignored else None
        self.factor_names = names_of_factors(factor_names)
        self.held = factors_held(held, ignored, widths, self.factor_names)
        self.temperature = checks.positive("temperature", temperature)
        self.correlation_weight = float(correlation_weight)
        self.gaussian_mi_weight = float(gaussian_mi_weight)
        self.club_weight = float(club_weight)
        self.hsic_weight = float(hsic_weight)
        self.orthogonality_weight = float(orthogonality_weight)
        self.variance_weight = float(variance_weight)
        check_penalties(used, encoder, widths, self.held)
        self._penalties = used
        self.hard_negatives = checks.truth("hard_negatives", hard_negatives)
        channels = self.image_shape[-1]
        hard = with_hard_negatives(self.held, self.ignored, channels) if hard_negatives else ()
        self.batch_negatives = with_batch_negatives(batch_negatives, hard, self.ignored, widths)
        self._hard = hard
        self.seed = checks.integer("seed", seed, low=0)
        self.conditional = isinstance(encoder.input_shape, list)
        self.condition = check_condition(condition, self.conditional, self.factor_names)
        self.missing = checks.number("missing", missing, low=0, high=1)
        if self.conditional:
            self.noise = keras.random.SeedGenerator(self.seed)
        self.club_network, self.club_optimizer = bound(
            club_network, club_optimizer, self.club_weight, widths, self.seed
        )

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        subspaces: Mapping[str, int],
        network: str = "flatnet",
        normalization: str | None = "batch",
        weights: str | None = None,
        branches: bool = False,
        conditions: int | None = None,
        price: float | None = None,
        width: float = 1.0,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with networks for these images.

        Args:
            image_shape: (H, W, C).
            subspaces: The width of each by name.
            network: As `zoo.networks.encoder` names it. The default tells places; a network that
                averages over the image hardly does.
            normalization: The network's: "batch", "split" or None.
            weights: None or "imagenet", for models of keras.applications.
            branches: Whether each subspace has a network of its own. Else they are linear heads
                on one.
            conditions: How many conditions the network's normalisation depends on, see
                `zoo.layers.ConditionalBatchNormalization`. None: on none.
            price: Of a dimension, where subspaces, all of one width, share out as many: see
                `zoo.layers.AdaptiveSubspaces`. None: each has its own.
            width: How many times the network's filters and features it has; 1 for models of
                keras.applications.
            seed: Of the initial weights.
            **hyperparameters: Further arguments of the constructor, e.g. `held`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        subspaces = check_widths(subspaces)
        if checks.truth("branches", branches) and price is not None:
            raise ValueError(
                "Expected branches or a price: networks of their own share out no dimensions. "
                f"Received: branches and a price of {price!r}."
            )
        if branches:
            encoder = networks.branches(
                network, image_shape, subspaces, seed, weights, normalization, conditions, width
            )
        else:
            trunk = networks.encoder(
                network, image_shape, seed, weights, normalization, conditions, width
            )
            encoder = networks.heads(trunk, subspaces, seed, price)
        return cls(encoder, subspaces, seed=seed, **hyperparameters)

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> Any:
        """Endless batches of images with relatives in every subspace.

        `zoo.data.factor_pairs` makes them of known factors, else `zoo.data.factor_views`.
        """
        told: dict[str, Any] = {"seed": seed, "start": start}
        told["hard_negatives"] = self.hard_negatives
        if self.ignored and self.conditional:
            raise ValueError(
                "Expected known factors to make batches of, one of which is the condition that the "
                "encoder depends on. Received: views that stand for factors."
            )
        if self.ignored:
            return factor_views(data, self.ignored, batch_size, **told)
        names = getattr(data, "factor_names", self.factor_names)
        if tuple(names) != self.factor_names:
            raise ValueError(
                f"Expected data with the factors {', '.join(self.factor_names)}, which the "
                f"method was made for. Received: {data.name} with {', '.join(names)}."
            )
        if self.conditional and self.condition is None:
            raise ValueError(
                "Expected condition, the factor that the encoder depends on, to make batches of. "
                "Received: None."
            )
        pairs = factor_pairs(data, self.held, batch_size, condition=self.condition, **told)
        if self.condition is not None:
            check_conditions(self.encoder, self.condition, data)
        if not self._hard:
            sizes = dict(zip(data.factor_names, data.factor_sizes, strict=True))
            check_told_apart(batch_size, self.held, sizes)
        return pairs

    # What it says of images

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The representation, as for any `Method`; the condition, if there is one, is missing."""
        return self._encoded(self.prepare(inputs), None, training)

    def encode_conditioned(self, images: Any, condition: Any, training: bool = False) -> Any:
        """Codes (N, L) float32 of images, each under its condition.

        Args:
            images: (N, H, W, C), uint8 or float 0..1.
            condition: (N,) integers, -1 where missing.
            training: As for any keras.Model.

        Raises:
            ValueError: The encoder depends on no condition, or there is not one for each image.
        """
        if not self.conditional:
            raise ValueError(
                "Expected an encoder that depends on a condition, as for_images(..., "
                "conditions=K) makes it. Received one that takes images alone."
            )
        checks.one_each("condition", condition, images)
        return self._encoded(self.prepare(images), condition, training)

    def endpoints(self) -> dict[str, Endpoint]:
        """Beside codes, "encode_conditioned": codes under a condition, where there is one."""
        if not self.conditional:
            return super().endpoints()
        inputs = {"image": (self.image_shape, "uint8"), "condition": ((), "int32")}
        conditioned = Endpoint(self.encode_conditioned, inputs, "codes")
        return {**super().endpoints(), "encode_conditioned": conditioned}

    @property
    def code_network(self) -> keras.Model:
        """From images float 0..1 to codes (N, L); the condition, if there is one, is missing."""
        if not self.conditional:
            return self.encoder
        images = layers.Input(self.image_shape, name="image")
        missing = ops.full_like(images[:, 0, 0, 0], MISSING, dtype="int32")
        return keras.Model(images, self.encoder([images, missing]), name="encoder")

    def _encoded(self, pixels: Any, condition: Any, training: bool) -> Any:
        if not self.conditional:
            return ops.cast(self.encoder(pixels, training=training), "float32")
        if condition is None:
            condition = ops.full((ops.shape(pixels)[0],), MISSING, dtype="int32")
        given = [pixels, ops.cast(condition, "int32")]
        return ops.cast(self.encoder(given, training=training), "float32")

    def _dropped(self, conditions: Any, training: bool) -> Any:
        """Conditions (N, 1 + P + Q) in the order of all images; some left out in training."""
        if conditions is None:
            return None
        conditions = ops.cast(conditions, "int32")
        if training:
            drawn = keras.random.uniform((ops.shape(conditions)[0], 1), seed=self.noise)
            conditions = ops.where(drawn < self.missing, MISSING, conditions)
        return ops.reshape(ops.transpose(conditions), (-1,))

    @property
    def learned(self) -> list[keras.Variable]:
        """The weights of the encoder: the network of the bound has a loss of its own."""
        return self.encoder.trainable_variables

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Encodes the images and all their relatives.

        In one pass: under common statistics of batch normalisation no relative is told by its own.

        Returns:
            codes: (N, L) of the images, of all replicas, as all below.
            keys: {subspace: (N, width)}: that subspace of its positives.
            hard: {subspace: (N, width)}: that of its hard negatives, of those that have some.
            factors: (N, F) int64, or None.
            kernels: The linear heads' (F, width), where their directions have a weight.
            gates: (S + 1, D), the logits by which dimensions are shared out, or None.
            answers, club_gradients: As `ask` gives them.
        """
        given = self.relatives(batch)
        images = [given.image, *given.positives.values(), *given.negatives.values()]
        pixels = ops.concatenate([self.prepare(part) for part in images])
        conditions = self._dropped(given.conditions, training)
        codes = self._encoded(pixels, conditions, training)
        own, *relatives = map(gather, ops.split(codes, len(images)))
        keys = dict(zip(given.positives, relatives, strict=False))
        hard = dict(zip(given.negatives, relatives[len(keys) :], strict=True))
        factors = None if given.factors is None else gather(ops.cast(given.factors, "int64"))
        self._check_told_apart(factors)
        heads = heads_of(self.encoder, self.subspaces) if "orthogonality" in self._penalties else []
        gates = gates_of(self.encoder)
        return {
            "codes": own,
            "keys": {name: self.split(z)[name] for name, z in keys.items()},
            "hard": {name: self.split(z)[name] for name, z in hard.items()},
            "factors": factors,
            "kernels": [ops.convert_to_tensor(head.kernel) for head in heads],
            "gates": None if gates is None else ops.convert_to_tensor(gates.logits),
            **self.ask(own, training),
        }

    def ask(self, codes: Any, training: bool) -> dict[str, Any]:
        """What the network of the bound says of each subspace from each one before it.

        In training its gradients are taken here too, with the weights from before the step. It
        sees standardised codes, so that their scale does not matter.

        Args:
            codes: (N, L) float32.
            training: Whether gradients are taken.

        Returns:
            "answers": for each pair of subspaces a before b: b, and the mean and the logarithm of
            the variances of q(b|a), (N, B) each; in training "club_gradients", one for each of the
            network's weights. Empty lists without a network.
        """
        if self.club_network is None:
            return {"answers": [], "club_gradients": []}
        codes = standardised(codes)
        told = [b for _, b in itertools.combinations(self.split(codes).values(), 2)]
        with tf.GradientTape() as tape:
            said = self.club_network(codes, training=training)
            answers = [*zip(told, said[::2], said[1::2], strict=True)]
            loss = sum(losses.club_learning(ops.stop_gradient(b), *of) for b, *of in answers)
            replicas = tf.distribute.get_strategy().num_replicas_in_sync  # gradients are summed
            loss = self.club_optimizer.scale_loss(loss / replicas)
        weights = self.club_network.trainable_variables
        return {
            "answers": answers,
            "club_gradients": tape.gradient(loss, weights) if training else [],
        }

    def objective(
        self,
        codes: Any,
        keys: Mapping[str, Any],
        hard: Mapping[str, Any],
        factors: Any,
        kernels: Sequence[Any],
        gates: Any,
        answers: Sequence[Any],
    ) -> dict[str, Any]:
        """Eq. 1: the loss of every subspace and the penalties, logged without their weights.

        Returns:
            loss: The sum of all subspaces' info_nce, and of the penalties times their weights.
            info_nce_NAME: Of one subspace, in nats: 0 where each image is told from all that it is
                compared with, log(1 + how many these are) where from none.
            correlation: Mean squared correlation of their dimensions, 0 to 1, summed over pairs
                of subspaces as the next three are.
            gaussian_mi: What two subspaces tell of one another, were they Gaussian, in nats.
            club: An upper bound of it, in nats, once its network has learned; below 0 before.
            hsic: Dependence of two subspaces; 0 if and only if they are independent.
            orthogonality: How far heads, or vectors of two subspaces, are from a right angle.
            variance: How little the values of its factors separate in each subspace, 0 to 1
                each: 0 where all images of a value have one code and values differ.
            open_subspaces, open_dimensions: How many have not closed, where they share out
                dimensions.
        """
        z = self.split(codes)
        terms = {
            f"info_nce_{name}": self.info_nce(name, z[name], keys[name], hard.get(name), factors)
            for name in z
        }
        loss = sum(terms.values())
        values = {name: self.factors_in(name, factors) for name in self.held}
        for name, weight in self._penalties.items():
            terms[name] = penalty(name, z, values, kernels, answers)
            loss += weight * terms[name]
        if gates is not None:
            owners = ops.one_hot(ops.argmax(gates, axis=0), len(z) + 1)[:, :-1]
            terms["open_subspaces"] = ops.sum(ops.max(owners, axis=0))
            terms["open_dimensions"] = ops.sum(owners)
        return {"loss": loss, **terms}

    def info_nce(self, name: str, z: Any, keys: Any, hard: Any, factors: Any) -> Any:
        """Eq. 2 of one subspace, with the negatives of Eq. 3.

        Args:
            name: Of the subspace.
            z: (N, width), of the images.
            keys: (N, width), of their positives.
            hard: (N, width), of their hard negatives; None where there are none.
            factors: (N, F) of the images, or None.
        """
        itself = ops.eye(ops.shape(z)[0], dtype="bool")
        if name not in self.batch_negatives:
            excluded = ops.ones_like(itself)
        elif self.held:
            excluded = equal_rows(self.factors_in(name, factors))
        else:
            excluded = itself
        candidates = unit(keys)
        if hard is not None:
            # What another image's hard negative holds is not known: each is that of its own alone.
            candidates = ops.concatenate([candidates, unit(hard)])
            excluded = ops.concatenate([excluded, ~itself], axis=1)
        return losses.info_nce(z, keys, candidates, self.temperature, excluded)

    def after_update(self, club_gradients: Any) -> None:
        """The own step of the bound's network."""
        if club_gradients:
            self.club_optimizer.apply(club_gradients, self.club_network.trainable_variables)

    # Subspaces

    def split(self, codes: Any) -> dict[str, Any]:
        """Codes (N, L) by subspace: {name: (N, width)}.

        Raises:
            ValueError: L is not the sum of the widths.
        """
        ends = [*itertools.accumulate(self.subspaces.values())]
        if codes.shape[1:] != (ends[-1],):
            raise ValueError(
                f"Expected codes (N, {ends[-1]}), of subspaces {self.subspaces}. "
                f"Received shape: {tuple(codes.shape)}."
            )
        parts = ops.split(codes, ends[:-1], axis=1) if ends[1:] else [codes]
        return dict(zip(self.subspaces, parts, strict=True))

    def remaining(self) -> dict[str, tuple[str, ...]]:
        """The subspaces that are open, and the factors that each is to hold.

        All of them, unless they share out dimensions and some have none.
        """
        gates = gates_of(self.encoder)
        names = [*self.subspaces] if gates is None else gates.remaining()
        return {name: self.held.get(name, ()) for name in names}

    def factors_in(self, name: str, factors: Any) -> Any:
        """The columns (N, f) of factors (N, F) that a subspace is to hold."""
        columns = [self.factor_names.index(factor) for factor in self.held[name]]
        return ops.take(factors, columns, axis=1)

    # Batches

    def relatives(self, batch: Any) -> Relatives:
        """The parts of a batch, or of its specification.

        Raises:
            ValueError: Parts that are missing, or do not fit one another.
        """
        wanted = ["image", "positives", *(["negatives"] if self._hard else [])]
        wanted += ["factors"] if self.held else []
        wanted += ["conditions"] if self.conditional else []
        if not isinstance(batch, Mapping) or not set(wanted) <= set(batch):
            raise ValueError(
                f"Expected a dictionary with {', '.join(map(repr, wanted))} for "
                f"{type(self).__name__}, such as method.batches(data, batch_size) gives. "
                f"Received: {described(batch)}."
            )
        image = batch["image"]
        positives = images_of_each("positives", batch["positives"], self.subspaces, image)
        negatives = images_of_each("negatives", batch.get("negatives"), self._hard, image)
        factors = batch["factors"] if self.held else None
        conditions = batch["conditions"] if self.conditional else None
        if self.held:
            named = f"integers of {', '.join(self.factor_names)}"
            check_table("factors", factors, image, len(self.factor_names), named)
        if self.conditional:
            width = 1 + len(positives) + len(negatives)
            named = "integers, of the images, their positives and their negatives"
            check_table("conditions", conditions, image, width, named)
        return Relatives(image, positives, negatives, factors, conditions)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As in Keras: images to codes; bad images, and batches of relatives, are refused first."""
        if isinstance(x, Mapping):
            raise ValueError(f"Expected images. Received: {described(x)}.")
        return super().predict(x, *args, **kwargs)

    def _images_in(self, batch: Any) -> list[Any]:
        """The images and all relatives of a batch, or the images that `predict` gets."""
        if not isinstance(batch, Mapping):
            return super()._images_in(batch)
        given = self.relatives(batch)
        return [given.image, *given.positives.values(), *given.negatives.values()]

    def _check_told_apart(self, factors: Any) -> None:
        """Refuses, when it runs, a batch that leaves a subspace without any negative."""
        for name in self.held if not self._hard else ():
            alike = ops.all(equal_rows(self.factors_in(name, factors)))
            expected = (
                f"Expected images of several values of {', '.join(self.held[name])} in a batch: "
                f"subspace {name} has no other negatives. Received one of all, of images:"
            )
            tf.debugging.Assert(~alike, [expected, ops.shape(factors)[0]])
