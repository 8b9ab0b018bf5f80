"""`PartialLabel`: what methods that learn from sets of candidate labels share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo import checks, networks, two_view
from zoo.data.viewing import partial_batches
from zoo.data.views import Views
from zoo.messages import described
from zoo.method import Endpoint, Method
from zoo.replicas import gather

ZERO_OR_ONE = "Expected candidates of 0 and 1."
AT_LEAST_ONE = "Expected at least one candidate label for each image."


def laptop_recipe(**hyperparameters: Any) -> dict[str, Any]:
    """The settings in which `zoo train` runs a method of candidates by default: digits, minutes.

    Args:
        **hyperparameters: The method's own, besides a small network and views for digits.
    """
    small = {"network": "convnet", "views": "pico_digits", **hyperparameters}
    recipe = {**two_view.laptop_recipe(), "candidates": "uniform:0.3"}
    return {**recipe, "hyperparameters": small}


class PartialBatch(NamedTuple):
    """What a batch holds.

    Attributes:
        weak: (N, H, W, C), views of images, uint8 or float 0..1.
        strong: (N, H, W, C), views of the same, further from the image.
        index: (N,) integers: which images of the data they are.
        candidates: (N, C) float32, 0 and 1: which labels each may have, at least one.
    """

    weak: Any
    strong: Any
    index: Any
    candidates: Any


class PartialLabel(Method):
    """An encoder and a linear classifier that learn from candidate labels, one of them the true.

    A batch is {"weak", "strong", "index", "candidates"}, see `PartialBatch`: `method.batches` makes
    it of data with candidates. `predict` gives codes, `classify` the probabilities of classes, and
    `resolve` those of each image's candidates.

    Args:
        encoder: As for `Method`.
        classifier: A built keras.Model from codes (N, L) to logits (N, C).
        views: As for `TwoView`: the first view is the weak one, the second the strong.

    Attributes:
        num_classes: C.
        learns_candidates: Whether its batches hold sets of candidate labels: these do.
        normalization: What `for_images` gives the encoder by default.

    Raises:
        ValueError: A classifier that does not fit the encoder, or unknown views. In training,
            candidates of another number of classes, other than 0 and 1, or none for an image:
            beforehand where they are known, else tf.errors.InvalidArgumentError from the step (XLA
            leaves that out).
    """

    learns_labels = True
    learns_candidates: ClassVar[bool] = True
    from_data: ClassVar[tuple[str, ...]] = ("num_classes",)
    suited_to_data: ClassVar[tuple[str, ...]] = ("views",)
    normalization: ClassVar[str] = "batch"

    def __init__(
        self,
        encoder: keras.Model,
        classifier: keras.Model,
        views: str | Views = "pico",
        **kwargs: Any,
    ) -> None:
        two_view.check_follows("classifier", classifier, encoder)
        super().__init__(encoder, **kwargs)
        self.classifier = classifier
        self.views = two_view.check_views(views)
        self.num_classes = classifier.output_shape[-1]

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        network: str = "resnet18",
        normalization: str | None = "auto",
        weights: str | None = None,
        width: float = 1.0,
        views: str | Views | None = None,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with networks for these images.

        Args:
            image_shape: (H, W, C).
            num_classes: How many classes the candidates are of, at least 2.
            network: The encoder, as `zoo.networks.encoder` names it: "resnet18" is the small-image
                ResNet-18, "convnet" one for laptops, any other a model of keras.applications.
            normalization: The encoder's: "batch", "split" (see
                `zoo.layers.SplitBatchNormalization`), None, or "auto", the method's own: the class
                attribute.
            weights: None or "imagenet", for models of keras.applications.
            width: How many times the network's filters and features it has; 1 for models of
                keras.applications.
            views: A preset, or views of your own. Default: the paper's; up to 64 pixels a side
                its small-image variant, where it has one.
            seed: Of the initial weights.
            **hyperparameters: Further arguments of the constructor, e.g. `num_samples`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        made = cls.parts_for(
            image_shape, num_classes, network, normalization, weights, width, views, seed
        )
        return cls(**made, **hyperparameters)

    @classmethod
    def parts_for(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        network: str,
        normalization: str | None,
        weights: str | None,
        width: float,
        views: str | Views | None,
        seed: int,
    ) -> dict[str, Any]:
        """What `for_images` makes of its arguments: the constructor's encoder, classifier, views.

        Of a method with further parts, `for_images` makes them besides; encoder and classifier
        take `seed` and the next.
        """
        if normalization == "auto":
            normalization = cls.normalization
        encoder = networks.encoder(network, image_shape, seed, weights, normalization, width=width)
        return {
            "encoder": encoder,
            "classifier": networks.classifier(encoder.output_shape[-1], num_classes, seed + 1),
            "views": two_view.papers_views(cls, image_shape) if views is None else views,
        }

    # What it says of images

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As in Keras: images to codes; bad images, and batches of views, are refused first."""
        if isinstance(x, Mapping):
            raise ValueError(f"Expected images. Received: {described(x)}.")
        return super().predict(x, *args, **kwargs)

    def logits(self, images: Any, training: bool) -> Any:
        """The classifier's logits (N, C) float32 of images (N, H, W, C)."""
        codes = self.encoder(self.prepare(images), training=training)
        return ops.cast(self.classifier(codes, training=training), "float32")

    def classify(self, images: Any, batch_size: int | None = None) -> np.ndarray:
        """The probability of each class.

        Args:
            images: As for `predict`: (N, H, W, C), uint8 or float 0..1.
            batch_size: Images encoded at once; None is Keras' 32.

        Returns:
            (N, C) float32, each row of sum 1.

        Raises:
            ValueError: Bad images, as for `predict`.
        """
        codes = self.predict(images, batch_size=batch_size, verbose=0)
        return ops.convert_to_numpy(self._probabilities(codes))

    def resolve(
        self, images: Any, candidates: Any, index: Any = None, batch_size: int | None = None
    ) -> np.ndarray:
        """The probability of each candidate to be the true label.

        Args:
            images: As for `classify`.
            candidates: (N, C) 0 and 1, at least one each.
            index: (N,) integers, which images of the data trained on they are, for methods that
                remember what they found out about each. None: of none of them.
            batch_size: Images encoded at once; None is Keras' 32.

        Returns:
            (N, C) float32, each row of sum 1, and zero for what is no candidate. Here the
            classifier's probabilities within the candidates.

        Raises:
            ValueError: Bad images, candidates of another shape or none for an image.
        """
        candidates = self._sets(candidates, len(images))
        return _within(candidates, self.classify(images, batch_size))

    def endpoints(self) -> dict[str, Endpoint]:
        """Beside codes, "classify": the probability of each class."""
        image = {"image": (self.image_shape, "uint8")}

        def classify(images: Any) -> Any:
            return self._probabilities(self(images))

        return {**super().endpoints(), "classify": Endpoint(classify, image, "probabilities")}

    def _probabilities(self, codes: Any) -> Any:
        return ops.softmax(ops.cast(self.classifier(codes, training=False), "float32"))

    # Batches

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> Any:
        """Endless batches, of data with candidates: `zoo.data.partial_batches`."""
        return partial_batches(data, batch_size, self.views, seed, start)

    def parts(self, batch: Any) -> PartialBatch:
        """The parts of a batch by name.

        Raises:
            ValueError: Something else, parts that do not fit one another, or candidates of another
                number of classes.
            tf.errors.InvalidArgumentError: Candidates other than 0 and 1, or none for an image.
        """
        given = self._named(batch)
        candidates = ops.cast(given.candidates, "float32")
        strange = ops.logical_and(candidates != 0, candidates != 1)  # true for NaN as well
        row = ops.argmax(ops.any(strange, axis=1))
        message = f"{ZERO_OR_ONE} Received others in row:"
        tf.debugging.Assert(ops.logical_not(ops.any(strange)), [message, row])
        counts = ops.count_nonzero(candidates, axis=1)
        message = f"{AT_LEAST_ONE} Received none for row:"
        tf.debugging.Assert(ops.all(counts > 0), [message, ops.argmin(counts)])
        return given._replace(candidates=candidates)

    def _named(self, batch: Any) -> PartialBatch:
        """The parts of a batch, or of its specification, of shapes and dtypes that fit."""
        names = PartialBatch._fields
        if not isinstance(batch, Mapping) or not set(names) <= set(batch):
            raise ValueError(
                f"Expected a dictionary with {', '.join(map(repr, names))} for "
                f"{type(self).__name__}, such as method.batches(data, batch_size) gives. "
                f"Received: {described(batch)}."
            )
        given = PartialBatch(**{name: batch[name] for name in names})
        checks.alike(weak=given.weak, strong=given.strong)
        checks.one_each("index", given.index, given.weak)
        self._check_width(given.candidates, given.weak.shape[0])
        return given

    def _check_width(self, candidates: Any, n: int | None) -> None:
        shape = tuple(candidates.shape)
        fits = len(shape) == 2 and shape[1] == self.num_classes
        if not fits or (None not in (shape[0], n) and shape[0] != n):
            raise ValueError(
                f"Expected candidates of shape ({'N' if n is None else n}, {self.num_classes}), a "
                f"column for each class that {type(self).__name__} tells apart. Received shape: "
                f"{shape}."
            )

    def _sets(self, candidates: Any, n: int) -> np.ndarray:
        """Candidate sets (n, C) as an array, once it is known that each can be."""
        candidates = np.asarray(candidates)
        self._check_width(candidates, n)
        strange = candidates[(candidates != 0) & (candidates != 1)]
        if len(strange):
            raise ValueError(f"{ZERO_OR_ONE} Received also: {strange[0]}.")
        empty = np.flatnonzero(~candidates.any(axis=1))
        if len(empty):
            raise ValueError(f"{AT_LEAST_ONE} Received none for row: {empty[0]}.")
        return candidates.astype("float32")

    def _images_in(self, batch: Any) -> list[Any]:
        """Both views, once it is known that the rest fits; or the images that `predict` gets."""
        if not isinstance(batch, Mapping):
            return super()._images_in(batch)
        given = self._named(batch)
        if not isinstance(given.candidates, tf.TypeSpec):
            self._check_values(given)
        return [given.weak, given.strong]

    def _check_values(self, given: PartialBatch) -> None:
        """Refuses candidates that cannot be, of a batch whose values are known."""
        self._sets(given.candidates, len(given.weak))


class WithConfidence(PartialLabel):
    """A method that remembers, of each image that it trains on, how likely each candidate is.

    `resolve` gives what is remembered of an image by its index.

    Args:
        encoder: As for `PartialLabel`.
        classifier: As for `PartialLabel`.
        num_samples: How many images there are to train on: an index is 0 to num_samples - 1.
        views: As for `PartialLabel`.

    Attributes:
        confidence: Weight (num_samples, C) float32, saved with the method. A row is zeros until the
            image is first seen; from then on it sums to 1, with zeros for what is no candidate. It
            starts as candidates / their number.

    Raises:
        ValueError: `num_samples` below 1, and as for `PartialLabel`. In training also an index
            that is out of range, raised as an image without candidates is.
    """

    from_data = ("num_classes", "num_samples")

    def __init__(
        self,
        encoder: keras.Model,
        classifier: keras.Model,
        num_samples: int,
        views: str | Views = "pico",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, classifier, views, **kwargs)
        self.num_samples = checks.integer("num_samples", num_samples, low=1)
        self.confidence = self.table("confidence")

    def table(self, name: str) -> keras.Variable:
        """A weight (num_samples, C) float32 of zeros that no gradient moves."""
        return self.add_weight(
            shape=(self.num_samples, self.num_classes),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            name=name,
            aggregation="only_first_replica",  # every replica writes the same rows
        )

    def recall(self, table: Any, index: Any, first: Any) -> Any:
        """Rows (N, C) of a table as they are now; of images not yet seen, `first` of sum 1."""
        rows = tf.gather(table.value, index)  # of the weight itself: ops.take would copy it whole
        seen = ops.any(tf.gather(self.confidence.value, index) > 0, axis=1, keepdims=True)
        total = ops.sum(first, axis=1, keepdims=True)
        return ops.where(seen, rows, first / ops.maximum(total, 1.0))

    def remember(self, table: Any, index: Any, rows: Any) -> None:
        """Writes rows (N, C) in place; of an image that is there several times the last."""
        n = ops.shape(index)[0]
        same = index[:, None] == index[None]
        last = ops.argmax(ops.where(same, ops.arange(n)[None], -1), axis=1)
        rows = ops.take(rows, last, axis=0)  # equal rows, in whatever order they are written
        table.value.scatter_update(tf.IndexedSlices(rows, index))

    def resolve(
        self, images: Any, candidates: Any, index: Any = None, batch_size: int | None = None
    ) -> np.ndarray:
        """The probability of each candidate to be the true label: what is remembered of it.

        Args:
            images: As for `classify`.
            candidates: (N, C) 0 and 1, at least one each: with an index those trained on.
            index: (N,) integers, which images of the data trained on they are. None: of none of
                them.
            batch_size: Images encoded at once; None is Keras' 32.

        Returns:
            (N, C) float32, each row of sum 1, and zero for what is no candidate. Of images without
            an index or not yet seen, the classifier's probabilities within the candidates.

        Raises:
            ValueError: Bad images, candidates of another shape or none for an image, an index
                beyond the table, candidates that lack one which is remembered of the image.
        """
        if index is None:
            return super().resolve(images, candidates, None, batch_size)
        self.check(images)
        images, index = np.asarray(images), np.asarray(index)
        candidates = self._sets(candidates, len(images))
        checks.one_each("index", index, images)
        self._check_range(index)
        rows = ops.convert_to_numpy(self.confidence)[index]
        others = np.flatnonzero(((rows > 0) & (candidates == 0)).any(axis=1))
        if len(others):
            first = index[others[0]]
            raise ValueError(
                f"Expected the candidates that image {first} was trained with, "
                f"{np.flatnonzero(rows[others[0]]).tolist()} among them. Received: "
                f"{np.flatnonzero(candidates[others[0]]).tolist()}."
            )
        unseen = ~rows.any(axis=1)
        if unseen.any():
            rows[unseen] = super().resolve(images[unseen], candidates[unseen], None, batch_size)
        return rows

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Logits of the weak views, and what is known of their labels.

        Returns:
            logits, candidates: (N, C), of all replicas.
            index: (N,) int64, of all replicas.
            confidence: (N, C), the rows of the table.
        """
        given = self.parts(batch)
        index, candidates = gather(given.index), gather(given.candidates)
        return {
            "logits": gather(self.logits(given.weak, training)),
            "candidates": candidates,
            "index": index,
            "confidence": self.recall(self.confidence, index, candidates),
        }

    def parts(self, batch: Any) -> PartialBatch:
        """As for `PartialLabel`, the index as int64; one beyond the table is refused."""
        given = super().parts(batch)
        index = ops.cast(given.index, "int64")
        low, high = ops.min(index), ops.max(index)
        within = ops.logical_and(low >= 0, high < self.num_samples)
        said = tf.debugging.Assert(within, [f"{self._expected_range()} Received:", low, "to", high])
        with tf.control_dependencies([] if said is None else [said]):  # before any row is looked up
            return given._replace(index=tf.identity(index))

    def _check_values(self, given: PartialBatch) -> None:
        super()._check_values(given)
        self._check_range(np.asarray(given.index))

    def _check_range(self, index: np.ndarray) -> None:
        beyond = index[(index < 0) | (index >= self.num_samples)]
        if len(beyond):
            raise ValueError(f"{self._expected_range()} Received also: {beyond[0]}.")

    def _expected_range(self) -> str:
        return (
            f"Expected an index from 0 to {self.num_samples - 1}, as {type(self).__name__} was "
            f"made for {self.num_samples:,} images."
        )


def _within(candidates: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probabilities (N, C) of candidates alone, of sum 1: equal ones where all vanish."""
    likely = candidates * probabilities
    likely = np.where(likely.any(axis=1, keepdims=True), likely, candidates)
    return likely / likely.sum(axis=1, keepdims=True)
