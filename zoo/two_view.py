"""`TwoView`: what methods that learn from two views of each image share."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
from keras import ops

from zoo import checks, networks
from zoo.data.viewing import two_views
from zoo.data.views import PRESETS, Views
from zoo.losses.contrastive import unit
from zoo.messages import described
from zoo.method import Method
from zoo.replicas import gather

keras.saving.register_keras_serializable(package="zoo")(Views)  # which does without Keras

SMALL = 64  # images of at most so many pixels a side get a preset's small-image variant


def laptop_recipe(**hyperparameters: Any) -> dict[str, Any]:
    """The settings in which `zoo train` runs a method of views by default: minutes on two cores.

    Args:
        **hyperparameters: The method's own, besides a small network and views for digits.
    """
    return {
        "data": "digits",
        "image_size": 16,
        "steps": 600,
        "epochs": 6,
        "batch_size": 256,
        "learning_rate": 3e-3,
        "schedule": "cosine",
        "warmup_steps": 30,
        "hyperparameters": {
            "network": "convnet",
            "projection_sizes": [256, 128],
            "views": "digits",
            **hyperparameters,
        },
    }


class TwoView(Method):
    """An encoder and a projector that learn from two views (a, b) of each image.

    The codes are the encoder's features; the loss compares the projections, which are thrown away
    (Chen et al. 2020, section 2.1). `method.batches` makes views of any data; `predict` takes
    single images. Each view goes through the networks by itself, so that batch normalisation sees
    one view at a time; the authors of SimCLR and SupCon pass both at once. Under a distribution
    strategy, losses that compare the images of a batch see those of all replicas; so do the
    statistics of batch normalisation in the zoo's networks, and in one's own with
    `synchronized=True`.

    Args:
        encoder: As for `Method`.
        projector: A built keras.Model from codes (N, L) to projections (N, D).
        views: What `batches` makes of the images: the name of a paper's views, a preset of
            `zoo.data.views`, or `zoo.data.Views` of your own.

    Attributes:
        projection: The arguments of `zoo.networks.projector` that make the paper's projector.
        normalization: What `for_images` gives the encoder by default.

    Raises:
        ValueError: A projector that does not fit the encoder, or unknown views.
    """

    projection: ClassVar[Mapping[str, Any]] = {}
    suited_to_data: ClassVar[tuple[str, ...]] = ("views",)
    normalization: ClassVar[str] = "batch"
    batch_sizes = (2, math.inf)

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        views: str | Views = "simclr",
        **kwargs: Any,
    ) -> None:
        check_follows("projector", projector, encoder)
        super().__init__(encoder, **kwargs)
        self.projector = projector
        self.views = check_views(views)

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        network: str = "resnet18",
        normalization: str | None = "auto",
        weights: str | None = None,
        width: float = 1.0,
        projection_sizes: Sequence[int] | None = None,
        views: str | Views | None = None,
        seed: int = 0,
        **hyperparameters: Any,
    ) -> Self:
        """The method with networks for these images.

        Args:
            image_shape: (H, W, C).
            network: The encoder, as `zoo.networks.encoder` names it: "resnet18" is the small-image
                ResNet-18, "convnet" one for laptops, any other a model of keras.applications.
            normalization: The encoder's: "batch", "split" (see
                `zoo.layers.SplitBatchNormalization`), None, or "auto", the method's own: the class
                attribute.
            weights: None or "imagenet", for models of keras.applications.
            width: How many times the network's filters and features it has; 1 for models of
                keras.applications.
            projection_sizes: Units of the projector's layers. Default: the paper's.
            views: A preset, or views of your own. Default: the paper's; up to 64 pixels a side
                its small-image variant.
            seed: Of the initial weights.
            **hyperparameters: Further arguments of the constructor, e.g. `temperature`.

        Raises:
            ValueError: Images or hyperparameters that the method cannot take.
        """
        if normalization == "auto":
            normalization = cls.normalization
        encoder = networks.encoder(network, image_shape, seed, weights, normalization, width=width)
        projection = dict(cls.projection)
        if projection_sizes is not None:
            projection["sizes"] = checks.layer_units("projection_sizes", projection_sizes)
        projector = networks.projector(encoder.output_shape[-1], seed=seed + 1, **projection)
        if views is None:
            views = papers_views(cls, image_shape)
        parts = cls.further_parts(projection["sizes"], seed)
        return cls(encoder, projector, **parts, views=views, **hyperparameters)

    @classmethod
    def further_parts(cls, sizes: Sequence[int], seed: int) -> dict[str, Any]:
        """Constructor arguments that `for_images` makes besides the two networks: none, here.

        Args:
            sizes: Units of the projector's layers.
            seed: Of the method; encoder and projector take it and the next.
        """
        return {}

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> Any:
        """Endless batches of two views, from any `zoo.data` set: `zoo.data.two_views`."""
        return two_views(data, self.views, batch_size, seed, start)

    def project(self, images: Any, training: bool) -> Any:
        """The projections (N, D) float32 of images (N, H, W, C)."""
        codes = self.encoder(self.prepare(images), training=training)
        return ops.cast(self.projector(codes, training=training), "float32")

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Projects both views: za and zb, (N, D) float32, of all replicas."""
        a, b = self.both(batch)
        return {
            "za": gather(self.project(a, training)),
            "zb": gather(self.project(b, training)),
        }

    def both(self, batch: Any) -> tuple[Any, Any]:
        """The two views of a batch.

        Raises:
            ValueError: Something else, or views of different shape.
        """
        pair = isinstance(batch, tuple | list) and len(batch) >= 2
        if not pair or len(getattr(batch[1], "shape", ())) != 4:
            raise ValueError(
                f"Expected two views (a, b) of each image for {type(self).__name__}, such as "
                "method.batches(data, batch_size) or zoo.data.two_views(images, preset, "
                f"batch_size) gives. Received: {described(batch)}."
            )
        checks.alike(a=batch[0], b=batch[1])
        return batch[0], batch[1]

    def _images_in(self, batch: Any) -> list[Any]:
        """Both views, or the images that `predict` gets."""
        if isinstance(batch, tuple | list) and len(batch) >= 2:
            return [*self.both(batch)]
        return super()._images_in(batch)


def check_views(views: str | Views) -> str | Views:
    """Returns views as they were named or made; refuses what is neither a preset nor `Views`."""
    Views.of(views, name="views")
    return views


def papers_views(cls: type[Method], image_shape: Sequence[int]) -> str:
    """The preset that is a method's default; up to 64 pixels a side its small-image variant."""
    views = inspect.signature(cls).parameters["views"].default
    small = f"{views}_small"
    return small if max(image_shape[:2]) <= SMALL and small in PRESETS else views


def similarities(za: Any, zb: Any) -> tuple[Any, Any]:
    """How alike views of one image are, and views of different images.

    Args:
        za: (N, D) projections of one view, N at least 2.
        zb: (N, D) projections of the other.

    Returns:
        Mean cosines, scalars in [-1, 1]: of the N positive and of the other pairs of 2N views.

    Example:
        >>> za = ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> positive, negative = similarities(za, za)
        >>> print(float(positive), float(negative))
        1.0 0.0
    """
    za, zb = unit(za), unit(zb)
    n = ops.cast(ops.shape(za)[0], "float32")
    positive = ops.sum(za * zb) / n
    # Of the (2N)^2 cosines, 2N are of a view with itself and 2N of positive pairs, each twice.
    every = ops.sum(ops.square(ops.sum(za, axis=0) + ops.sum(zb, axis=0)))
    return positive, (every - 2 * n - 2 * n * positive) / ops.maximum(4 * n * (n - 1), 1.0)


def check_follows(name: str, network: keras.Model, before: keras.Model) -> None:
    """Refuses a network that does not take rows of what the one before it gives, or gives none."""
    given, taken, result = before.output_shape, network.input_shape, network.output_shape
    if len(given) != 2 or tuple(given) != tuple(taken) or len(result) != 2:
        raise ValueError(
            f"Expected a {name} that takes {given}, as {before.name} gives them, and gives "
            f"(N, D). Received one from {taken} to {result}."
        )


def check_predictor(predictor: keras.Model, projector: keras.Model) -> None:
    """Refuses a network that does not turn projections (N, D) into predictions (N, D) of them."""
    check_follows("predictor", predictor, projector)
    given, result = projector.output_shape, predictor.output_shape
    if tuple(result) != tuple(given):
        raise ValueError(
            f"Expected a predictor that gives {given}, as it takes them. Received one that gives "
            f"{result}."
        )
