"""`Method`: what every method of the zoo is, and the zoo's one training step.

A method is three verbs. `forward` runs the networks and names their outputs, `objective` is the
paper's equation and changes nothing, `after_update` moves what has no gradient or has its own.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.callback_order import introduce
from zoo.messages import described
from zoo.replicas import total


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A function that an exported method offers.

    Args:
        function: What it computes, of one tensor for each input, in their order.
        inputs: Name -> (shape of one sample, dtype).
        output: Name of the result.
    """

    function: Callable[..., Any]
    inputs: Mapping[str, tuple[tuple[int, ...], str]]
    output: str

    def named(self, *tensors: Any) -> dict[str, Any]:
        """The result under its name, as signatures give it."""
        return {self.output: self.function(*tensors)}


class Method(keras.Model):
    """A keras.Model that learns a representation: `call` and `predict` give codes.

    A paper subclasses it (or a family class) and brings `objective`; `forward` where it runs
    other networks; `after_update` where something moves without a gradient. `objective` and
    `after_update` receive those outputs of `forward` that their signatures name.

    Args:
        encoder: A built keras.Model from images (N, H, W, C), float 0..1, to codes (N, L).
        name, dtype: As for any keras.Model.

    Attributes:
        terms: What `objective` returns beside "loss", each logged as its mean over the epoch.
        search_space: Constructor argument -> (low, high, "linear" or "log"): all that tuning reads.
        from_data: Constructor arguments that only the data know, e.g. ("num_classes",).
        learns_labels: Whether its batches tell it the labels of labelled data. `zoo train` keeps
            the images that it chooses by out of its training.
        learns_candidates: Whether its batches tell it the candidate labels of images, of which one
            is true: see `LabelledData.with_candidates`. Such a method has `classify` and `resolve`.
        from_encoder: Constructor arguments that a finished run of another method knows, whose
            encoder it uses: `zoo train METHOD --encoder RUN`.
        recipe: The settings in which `zoo train METHOD` runs it by default.
        suited_to_data: Constructor arguments that the recipe sets as suits its data, and that are
            left out for other data, e.g. ("views",).
        batch_sizes: The fewest and the most images that a batch may hold to be learned from, e.g.
            (2, math.inf) where the objective compares the images of a batch.
        step: int64 weight that counts training steps, for schedules; saved with the model.

    Example:
        >>> class PullTogether(Method):
        ...     terms = ("spread",)
        ...
        ...     def forward(self, batch, training):
        ...         return {"codes": self.encoder(self.prepare(batch), training=training)}
        ...
        ...     def objective(self, codes):
        ...         spread = ops.mean(ops.var(codes, axis=0))
        ...         return {"loss": spread, "spread": spread}
    """

    terms: ClassVar[tuple[str, ...]] = ()
    search_space: ClassVar[Mapping[str, tuple[float, float, str]]] = {}
    from_data: ClassVar[tuple[str, ...]] = ()
    from_encoder: ClassVar[tuple[str, ...]] = ()
    learns_labels: ClassVar[bool] = False
    learns_candidates: ClassVar[bool] = False
    recipe: ClassVar[Mapping[str, Any]] = {}
    suited_to_data: ClassVar[tuple[str, ...]] = ()
    batch_sizes: tuple[int, float] = (1, math.inf)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(package="zoo")(cls)

    def __init__(self, encoder: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.terms)}
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step"
        )
        self.built = True  # parts arrive built

    # What a paper brings

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Runs the networks on a batch and names their outputs. Moves only random states."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def objective(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The paper's equation: {"loss": scalar, **terms} from outputs of `forward`."""
        raise NotImplementedError(f"{type(self).__name__} has no objective()")

    def after_update(self, *args: Any, **kwargs: Any) -> None:
        """Moves what has no gradient, once the learned weights have moved. In training only."""

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> tf.data.Dataset:
        """Endless training batches of a `zoo.data` set, as `forward` takes them.

        Args:
            data: A set with `batches`, or with a `train` that has it.
            batch_size: Images a batch.
            seed: Of the order.
            start: The batch to begin at, for a run that is resumed.
        """
        return getattr(data, "train", data).batches(batch_size, seed=seed, start=start)

    @property
    def learned(self) -> list[keras.Variable]:
        """The weights that the gradient of the loss moves: all trainable ones by default."""
        return self.trainable_variables

    # What Keras calls

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The representation: images (N, H, W, C), uint8 or float 0..1, to codes (N, L) float32."""
        return ops.cast(self.encoder(self.prepare(inputs), training=training), "float32")

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step: forward, objective, gradients, after_update."""
        batch = _unwrap(data)
        self._check_size_of(batch)
        with tf.GradientTape() as tape:
            outputs = self.forward(batch, training=True)
            terms = self._terms(outputs)
            replicas = tf.distribute.get_strategy().num_replicas_in_sync  # gradients are summed
            loss = self.optimizer.scale_loss(terms["loss"] / replicas)
        gradients = tape.gradient(loss, self.learned)
        self.optimizer.apply(gradients, self.learned)
        _call_with(self.after_update, outputs)
        self.step.assign_add(1)
        return self._log(terms, batch)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The terms of one batch; nothing but their running means moves."""
        batch = _unwrap(data)
        self._check_size_of(batch)
        return self._log(self._terms(self.forward(batch, training=False)), batch)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing: all is built. Keras would add up the replicas' first batches, to see a shape."""

    def _terms(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """The objective, its loss with what the networks' own regularisers add."""
        terms = _call_with(self.objective, outputs)
        return {**terms, "loss": terms["loss"] + sum(self.losses)}

    def _log(self, terms: Mapping[str, Any], batch: Any) -> dict[str, Any]:
        samples = ops.shape(keras.tree.flatten(batch)[0])[0]
        for name, tracker in self.trackers.items():  # a short last batch counts for less
            tracker.update_state(terms[name], sample_weight=ops.cast(samples, "float32"))
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means of the loss and its terms."""
        return list(self.trackers.values())

    def compile(
        self,
        optimizer: Any = "adam",
        *,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        **refused: Any,
    ) -> None:
        """As in Keras, but without `loss` and `metrics`: a method brings its own.

        Raises:
            ValueError: `loss`, `metrics` or an unknown argument was given.
        """
        given = [name for name, value in refused.items() if value is not None]
        if given:
            raise ValueError(
                f"{type(self).__name__} brings its own loss and logs its own terms. Expected "
                "compile(optimizer, run_eagerly, steps_per_execution, jit_compile, "
                f"auto_scale_loss). Received also: {', '.join(given)}."
            )
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        if not self.optimizer.built:  # reloading comes through here too, and builds it alike
            self.optimizer.build(self.learned)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compiles as the saved model was compiled."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(self, x: Any = None, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        """As in Keras; images out of range and callbacks in the wrong order are refused first.

        Raises:
            ValueError: Images are of the wrong rank, shape, dtype or range, a batch holds too few
                or too many, or a callback stands before one whose values it needs.
        """
        self.check(x)
        if not kwargs.get("validation_split"):  # which leaves another number of images
            self.check_batches(x, _batch_size(args, kwargs))
        if isinstance(x, tf.data.Dataset | Iterator):  # Keras cannot shuffle it, and would warn
            kwargs.setdefault("shuffle", False)
        endless = isinstance(x, Iterator) or (
            isinstance(x, tf.data.Dataset) and bool(x.cardinality() == tf.data.INFINITE_CARDINALITY)
        )
        with introduce(callbacks, endless) as introduced:
            return super().fit(x, *args, callbacks=introduced, **kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As in Keras; bad images, and batches of too few or too many, are refused first."""
        self.check(x)
        self.check_batches(x, _batch_size(args, kwargs))
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As in Keras: images to codes; bad images are refused first."""
        self.check(x)
        return super().predict(x, *args, **kwargs)

    @property
    def code_network(self) -> keras.Model:
        """The network behind `call`: a built model from images float 0..1 to codes (N, L)."""
        return self.encoder

    # What an export offers

    def endpoints(self) -> dict[str, Endpoint]:
        """Name -> what an exported method computes under it. "encode" is also the default."""
        image = (self.image_shape, "uint8")
        return {"encode": Endpoint(self, {"image": image}, "codes")}

    # What pictures show

    def correlation(self, batch: Any) -> Any:
        """A matrix of correlations that the method is about, of one batch; None: it has none.

        A method that overrides it, as Barlow Twins does with its cross-correlation matrix C, finds
        the matrix among the pictures of its runs (`zoo.reporting.correlation_matrix`) and in
        TensorBoard. It runs the networks with `training=False` and moves nothing.

        Args:
            batch: As `forward` takes it.

        Returns:
            (D, D) float, -1..1: of each of D dimensions with each, what the objective pulls to 1
            on the diagonal. Or None.
        """
        return None

    def class_similarity(self) -> Any:
        """How alike the method takes its classes to be; None: it does not compare them.

        A method that overrides it, as PiCO does with the cosines of its prototypes, finds the
        matrix among the pictures of its runs (`zoo.reporting.class_similarities`).

        Returns:
            (C, C) float, -1..1. Or None.
        """
        return None

    # What is watched

    def collapsed(self) -> str | None:
        """What has collapsed in it beside its codes, and what helps, in sentences; None: nothing.

        `zoo.callbacks.Collapse` asks after each epoch, and warns.
        """
        return None

    # Images

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of the images that the encoder takes."""
        shape = self.encoder.input_shape
        return tuple((shape[0] if isinstance(shape, list) else shape)[1:])

    def prepare(self, images: Any) -> Any:
        """Images as the networks take them: float 0..1, from uint8 0..255 or float 0..1.

        Raises:
            ValueError: Not (N, H, W, C) with the encoder's H, W, C, or neither uint8 nor float.
        """
        self._check_signature(images.shape, images.dtype)
        as_float = ops.cast(images, "float32")  # layers cast their inputs to what they compute in
        is_uint8 = keras.backend.standardize_dtype(images.dtype) == "uint8"
        return as_float / 255 if is_uint8 else as_float

    def check(self, x: Any) -> None:
        """Refuses images that no step could use, before the first step.

        Arrays are checked whole; of a tf.data.Dataset the shapes and dtypes, and the range of
        the first batch if it is float. Parts of a batch that are not images are left alone.

        Raises:
            ValueError: With what was expected and what was received.
        """
        if x is None:
            raise ValueError("Expected images. Received: None.")
        if isinstance(x, tf.data.Dataset):
            floats = False
            for spec in self._images_in(x.element_spec):
                self._check_signature(spec.shape, spec.dtype.name)
                floats |= spec.dtype.is_floating
            if not floats:
                return
            x = next(iter(x.take(1)), ())
        for images in self._images_in(x):
            images = np.asarray(images)
            self._check_signature(images.shape, images.dtype)
            if not images.size:
                raise ValueError(f"Expected at least one image. Received shape: {images.shape}.")
            if images.dtype != np.uint8:
                low, high = float(images.min()), float(images.max())
                if not (low >= 0 and high <= 1):  # true for NaN as well
                    raise ValueError(
                        "Expected float images in 0..1 (or uint8 images in 0..255). "
                        f"Received values from {low:g} to {high:g}."
                    )

    def check_batches(self, x: Any, batch_size: int | None = None) -> None:
        """Refuses batches of too few or too many images, where their sizes are known beforehand.

        Where they are not, the step refuses them: with tf.errors.InvalidArgumentError in a graph
        that takes batches of any size (XLA leaves that out).

        Args:
            x: As for `fit`, and good for `check`.
            batch_size: How many images of an array make a batch; None is Keras' 32.

        Raises:
            ValueError: With what was expected and what was received.
        """
        if isinstance(x, tf.data.Dataset):
            for spec in self._images_in(x.element_spec):
                if spec.shape[0] is not None:
                    self._check_size(spec.shape[0], f"batches of {spec.shape[0]}")
            return
        for images in self._images_in(x):
            size = min(batch_size or 32, len(images))
            last = len(images) % size or size
            received = f"{len(images)} in batches of {size}, the last of {last}"
            self._check_size(size, received)
            self._check_size(last, received)

    def _check_size_of(self, batch: Any) -> None:
        """Refuses a batch of too few or too many images; in a graph, when it runs.

        What counts is the whole batch, of which each replica has a part.
        """
        size = ops.shape(keras.tree.flatten(batch)[0])[0]
        fewest, most = self.batch_sizes
        limited = (fewest, most) != Method.batch_sizes
        size = total(size) if limited else size
        if isinstance(size, int):
            self._check_size(size, f"a batch of {size}")
        elif limited:
            within = tf.logical_and(size >= fewest, tf.cast(size, "float32") <= most)
            tf.debugging.Assert(within, [self._wrong_size("a batch of"), size])

    def _check_size(self, size: int, received: str) -> None:
        fewest, most = self.batch_sizes
        if not fewest <= size <= most:
            raise ValueError(f"{self._wrong_size(received)}.")

    def _wrong_size(self, received: str) -> str:
        fewest, most = self.batch_sizes
        name = type(self).__name__
        wanted = f"at least {fewest}" if math.isinf(most) else f"{fewest} to {most}"
        return f"Expected batches of {wanted} images for {name}. Received: {received}"

    def _images_in(self, batch: Any) -> list[Any]:
        """The parts of a batch that are images: the first of a pair, by default.

        Raises:
            ValueError: A dictionary, of which no part is the first.
        """
        first = batch[0] if isinstance(batch, tuple | list) and batch else batch
        if isinstance(first, Mapping):
            raise ValueError(
                "Expected images, or a pair of images and anything else. Received: "
                f"{described(first)}."
            )
        is_array = hasattr(first, "shape") and hasattr(first, "dtype")
        return [first] if is_array else []

    def _check_signature(self, shape: Any, dtype: Any) -> None:
        expected, received = tf.TensorShape((None, *self.image_shape)), tf.TensorShape(shape)
        if received.rank is None or not expected.is_compatible_with(received):
            sides = ", ".join("any" if side is None else str(side) for side in expected[1:])
            raise ValueError(f"Expected images of shape (N, {sides}). Received shape: {received}.")
        dtype = getattr(dtype, "name", dtype)
        if dtype != "uint8" and "float" not in dtype:
            raise ValueError(
                f"Expected images as uint8 in 0..255 or float in 0..1. Received dtype: {dtype}."
            )

    # Saving

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The constructor's arguments but for its parts, e.g. {"beta": 4.0, "seed": 0}.

        They are plain values: what has a config, as views of one's own, is named in a line.
        """
        arguments = {name: getattr(self, name) for name in _named_arguments(type(self))}
        parts = keras.layers.Layer | keras.optimizers.Optimizer
        return {
            name: str(value) if hasattr(value, "get_config") else value
            for name, value in arguments.items()
            if not isinstance(value, parts)
        }

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, each read from the attribute of the same name."""
        config = super().get_config()
        for name in _named_arguments(type(self)):
            config[name] = keras.saving.serialize_keras_object(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The method that `get_config` describes, its networks rebuilt."""
        return cls(**{k: keras.saving.deserialize_keras_object(v) for k, v in config.items()})

    def save_own_variables(self, store: Any) -> None:
        """Saves the method's own weights and the state of every random generator in it."""
        super().save_own_variables(store)
        for name, state in self._random_states().items():
            store[name] = ops.convert_to_numpy(state)

    def load_own_variables(self, store: Any) -> None:
        """Restores what `save_own_variables` saved."""
        states = self._random_states()
        own = {key: store[key] for key in store.keys() if key not in states}  # noqa: SIM118
        super().load_own_variables(own)
        for name, state in states.items():
            state.assign(store[name])

    def _random_states(self) -> dict[str, keras.Variable]:
        """States of the seed generators of the method and its layers; Keras saves none of them."""
        generators = {
            id(generator): generator
            for layer in self._flatten_layers()
            for generator in layer._seed_generators
        }
        return {f"random_{i}": g.state for i, g in enumerate(generators.values())}


def _named_arguments(function: Callable[..., Any]) -> list[str]:
    """Names of the arguments that a signature spells out."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        p.name for p in inspect.signature(function).parameters.values() if p.kind not in variadic
    ]


def _unwrap(data: Any) -> Any:
    """A batch as the data set gave it: Keras wraps what is not a tuple into a tuple of one."""
    return data[0] if isinstance(data, tuple) and len(data) == 1 else data


def _batch_size(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | None:
    """The `batch_size` of fit(x, y, batch_size) or evaluate(x, y, batch_size)."""
    return args[1] if len(args) > 1 else kwargs.get("batch_size")


def _call_with(function: Callable[..., Any], outputs: Mapping[str, Any]) -> Any:
    """Calls a verb with those outputs of `forward` that its signature names."""
    return function(**{name: outputs[name] for name in _named_arguments(function)})
