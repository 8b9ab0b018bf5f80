"""`Method`: what Keras asks of it, and what it refuses."""

import doctest
import importlib
import inspect
import math
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from zoo.method import Endpoint

VERBS = ("fit", "evaluate", "predict")


class PullTogether(zoo.Method):
    """The smallest method: no noise, one term beside the loss."""

    terms = ("spread",)

    def forward(self, batch, training):
        images = batch[0] if isinstance(batch, tuple) else batch
        return {"codes": self.encoder(self.prepare(images), training=training)}

    def objective(self, codes):
        spread = ops.mean(ops.square(codes - 0.5))
        return {"loss": 2 * spread, "spread": spread}


class Counting(PullTogether):
    """And what moves without a gradient, and arguments of its own."""

    def __init__(self, encoder, pace, labels=("a", "b"), scale=1.5, **kwargs):
        super().__init__(encoder, **kwargs)
        self.pace, self.labels, self.scale = pace, labels, scale
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def after_update(self, codes):
        self.count.assign_add(self.pace)


def compiled(cls=PullTogether, *arguments, optimizer=None, eager=True, **settings):
    method = cls(parts.encoder(), *arguments)
    method.compile(optimizer or keras.optimizers.SGD(0.1), run_eagerly=eager, **settings)
    return method


# Training


def test_a_step_is_forward_objective_gradient():
    method, images = compiled(), parts.images()
    dense = method.encoder.layers[-1]
    kernel, bias = (weight.numpy().astype("float64") for weight in dense.weights)
    x = images.reshape(6, -1) / 255
    codes = np.tanh(x @ kernel + bias)
    by_output = 4 * (codes - 0.5) * (1 - codes**2) / codes.size  # of 2 mean (codes - 0.5)^2
    history = method.fit(images, verbose=0).history
    np.testing.assert_allclose(dense.kernel, kernel - 0.1 * x.T @ by_output, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(dense.bias, bias - 0.1 * by_output.sum(axis=0), rtol=1e-5)
    assert history["loss"][0] == pytest.approx(2 * ((codes - 0.5) ** 2).mean(), rel=1e-5)
    assert history["spread"][0] == pytest.approx(history["loss"][0] / 2, rel=1e-5)


def test_regularisers_of_the_networks_count():
    sizes = []
    for regularizer in (None, keras.regularizers.L2(1.0)):
        images = keras.layers.Input(parts.IMAGE_SHAPE)
        dense = keras.layers.Dense(3, kernel_initializer="ones", kernel_regularizer=regularizer)
        method = PullTogether(keras.Model(images, dense(keras.layers.Flatten()(images))))
        method.compile(keras.optimizers.SGD(1e-4), run_eagerly=True)
        method.fit(parts.images(), verbose=0)
        sizes.append(dense.kernel.numpy())
    np.testing.assert_allclose(sizes[0] - sizes[1], 2e-4, rtol=1e-2)  # d (w^2) / dw at 1


def test_after_update_runs_in_training_only():
    method = compiled(Counting, 2)
    method.fit(parts.images(12), batch_size=6, verbose=0)
    method.evaluate(parts.images(), verbose=0)
    method.predict(parts.images(), verbose=0)
    assert float(method.count) == 4
    assert int(method.step) == 2


@pytest.mark.parametrize("steps", [2, 3])
def test_several_steps_per_execution_are_the_same_steps(steps):
    images = parts.images(30)
    runs = []
    for settings in ({}, {"steps_per_execution": steps}):
        method = compiled(Counting, 1, eager=False, jit_compile=False, **settings)
        history = method.fit(images, batch_size=6, shuffle=False, verbose=0).history
        assert int(method.step) == float(method.count) == 5
        runs.append([*method.get_weights(), history["loss"]])
    for got, expected in zip(*runs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_a_dataset_warns_of_no_shuffling():  # warnings are errors in these tests
    data = tf.data.Dataset.from_tensor_slices(parts.images()).batch(3)
    assert compiled().fit(data, verbose=0).history["loss"]


def test_validation_is_logged():
    images = parts.images()
    history = compiled().fit(images, validation_data=(images,), verbose=0).history
    assert set(history) == {"loss", "spread", "val_loss", "val_spread"}


def test_only_the_first_of_what_fit_is_given_is_checked():
    labels = np.full((6, 2), 7.0)
    assert compiled().fit(parts.images(), labels, verbose=0).history["loss"]


SCRIPT = """
import numpy as np, keras, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
import zoo
from tests import parts
from tests.test_method import Counting

def train(cls, *arguments, strategy=None):
    with strategy.scope() if strategy else tf.device("CPU:0"):
        method = cls(*arguments[:1], *arguments[1:])
        method.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    data = tf.data.Dataset.from_tensor_slices(parts.images(24)).batch(8)
    return method, method.fit(data, epochs=2, verbose=0).history

both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
one, alone = train(Counting, parts.encoder(), 1.0)
with both.scope():
    encoder = parts.encoder()
two, shared = train(Counting, encoder, 1.0, strategy=both)
assert two.step.numpy() == one.step.numpy() == 6
assert two.count.numpy() == one.count.numpy() == 6
for got, expected in zip(two.encoder.get_weights(), one.encoder.get_weights(), strict=True):
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(shared["loss"], alone["loss"], rtol=1e-5)

with both.scope():
    networks = parts.gaussian_encoder(), parts.decoder()
vae, history = train(zoo.VAE, *networks, strategy=both)
assert np.isfinite(history["loss"]).all() and vae.step.numpy() == 6
"""


@pytest.mark.slow
def test_two_devices_learn_as_one():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# Compiling


@pytest.mark.parametrize("given", [{"loss": "mse"}, {"metrics": ["mae"]}, {"los": "mse"}])
def test_a_loss_from_outside_is_refused(given):
    [name] = given
    with pytest.raises(ValueError, match=rf"brings its own loss.*Received also: {name}\."):
        PullTogether(parts.encoder()).compile("adam", **given)


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
def test_an_uncompiled_method_says_so(verb):
    with pytest.raises(ValueError, match=r"compile\(\)"):
        getattr(PullTogether(parts.encoder()), verb)(parts.images(), verbose=0)


def test_an_uncompiled_method_predicts():
    assert PullTogether(parts.encoder()).predict(parts.images(), verbose=0).shape == (6, 3)


def test_the_optimizer_is_built_when_compiled():
    method = compiled(optimizer=keras.optimizers.Adam())
    assert len(method.optimizer.variables) == 2 + 2 * len(method.trainable_variables)


def test_the_optimizer_keeps_slots_for_learned_weights_alone():
    class KernelOnly(PullTogether):
        @property
        def learned(self):
            return self.trainable_variables[:1]

    method = compiled(KernelOnly, optimizer=keras.optimizers.Adam())
    assert len(method.optimizer.variables) == 2 + 2
    kernel, bias = (weight.numpy() for weight in method.trainable_variables)
    method.fit(parts.images(), verbose=0)
    assert not np.array_equal(method.trainable_variables[0].numpy(), kernel)
    np.testing.assert_array_equal(method.trainable_variables[1].numpy(), bias)


@pytest.mark.parametrize("verb", ["forward", "objective"])
def test_a_method_without_its_verbs_says_which(verb):
    arguments = (parts.images(), False) if verb == "forward" else ()
    with pytest.raises(NotImplementedError, match=rf"Method has no {verb}\(\)"):
        getattr(zoo.Method(parts.encoder()), verb)(*arguments)


# Wrong inputs

WRONG = {
    "side": (np.zeros((4, 9, 8, 1), "uint8"), r"\(N, 8, 8, 1\).*shape: \(4, 9, 8, 1\)\."),
    "channels": (np.zeros((4, 8, 8, 3), "uint8"), r"\(N, 8, 8, 1\).*shape: \(4, 8, 8, 3\)\."),
    "rank": (np.zeros((4, 8, 8), "uint8"), r"\(N, 8, 8, 1\).*shape: \(4, 8, 8\)\."),
    "one image": (np.zeros((8, 8, 1), "uint8"), r"\(N, 8, 8, 1\).*shape: \(8, 8, 1\)\."),
    "integers": (np.zeros((4, 8, 8, 1), "int64"), r"uint8 in 0\.\.255.*dtype: int64\."),
    "truth": (np.zeros((4, 8, 8, 1), bool), r"uint8 in 0\.\.255.*dtype: bool\."),
    "bytes as floats": (np.full((4, 8, 8, 1), 255.0), r"in 0\.\.1 .*from 255 to 255\."),
    "-1..1": (np.linspace(-1, 1, 64).reshape(1, 8, 8, 1), r"in 0\.\.1 .*from -1 to 1\."),
    "NaN": (np.full((4, 8, 8, 1), np.nan, "f4"), r"in 0\.\.1 .*from nan to nan\."),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("images", "message"), WRONG.values(), ids=WRONG)
def test_wrong_images_are_refused(images, message, verb):
    method = compiled()
    given = [images, tf.convert_to_tensor(images), (images, np.arange(len(images)))]
    batch = tf.data.Dataset.from_tensors(images)
    for data in (*given[: 2 if verb == "predict" else 3], batch, batch.repeat()):
        with pytest.raises(ValueError, match=rf"Expected .*{message}"):
            getattr(method, verb)(data, verbose=0)
    assert int(method.step) == 0


ODD = {
    "nothing": (None, r"images\. Received: None\."),
    "no image": (np.zeros((0, 8, 8, 1), "uint8"), r"at least one image.*\(0, 8, 8, 1\)"),
    "objects": (np.zeros((4, 8, 8, 1), object), r"uint8 in 0\.\.255.*dtype: object\."),
    "a list of images": (list(parts.images()), r"\(N, 8, 8, 1\).*shape: \(8, 8, 1\)\."),
    "a dictionary": ({"image": parts.images()}, r"Received: a dictionary with 'image'\."),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("data", "message"), ODD.values(), ids=ODD)
def test_what_is_no_array_of_images_is_refused(data, message, verb):
    with pytest.raises(ValueError, match=rf"Expected .*{message}"):
        getattr(compiled(), verb)(data, verbose=0)


def test_images_of_unknown_shape_are_refused():
    def anything(index):
        return tf.numpy_function(lambda i: parts.images(), [index], tf.uint8)

    data = tf.data.Dataset.range(2).map(anything)
    with pytest.raises(ValueError, match=r"\(N, 8, 8, 1\)\. Received shape: <unknown>\."):
        compiled().fit(data, verbose=0)


def test_a_generator_is_refused_at_its_first_step():
    wrong = ((np.zeros((4, 9, 8, 1), "uint8"),) for _ in range(2))
    with pytest.raises(ValueError, match=r"\(N, 8, 8, 1\)\. Received shape: \(4, 9, 8, 1\)"):
        compiled().fit(wrong, verbose=0)


def test_checking_a_dataset_of_bytes_reads_nothing():
    def never(index):
        raise AssertionError("read")

    data = tf.data.Dataset.range(2).map(lambda i: tf.numpy_function(never, [i], tf.uint8))
    compiled().check(data.map(lambda x: tf.ensure_shape(x, (2, 8, 8, 1))))


def test_validation_images_are_checked_too():
    wrong = tf.data.Dataset.from_tensors(np.zeros((4, 9, 8, 1), "uint8"))
    with pytest.raises(ValueError, match=r"Received shape: \(4, 9, 8, 1\)"):
        compiled().fit(parts.images(), validation_data=wrong, verbose=0)


def test_images_of_any_size_suit_an_encoder_of_any_size():
    images = keras.layers.Input((None, None, 1))
    method = PullTogether(keras.Model(images, keras.layers.GlobalMaxPooling2D()(images)))
    assert method.predict(parts.images(), verbose=0).shape == (6, 1)
    with pytest.raises(ValueError, match=r"\(N, any, any, 1\)\. Received shape: \(6, 8, 8, 3\)"):
        method.predict(parts.images(image_shape=(8, 8, 3)), verbose=0)


# Sizes of batches


class Comparing(PullTogether):
    """A method that compares the images of a batch, and knows how many there are."""

    batch_sizes = (2, 8)


SIZES = {
    "one image": (1, {}, "1 in batches of 1, the last of 1"),
    "batches of one": (4, {"batch_size": 1}, "4 in batches of 1, the last of 1"),
    "a last batch of one": (7, {"batch_size": 3}, "7 in batches of 3, the last of 1"),
    "too many": (9, {}, "9 in batches of 9, the last of 9"),
}


@pytest.mark.parametrize(("n", "arguments", "received"), SIZES.values(), ids=SIZES)
def test_batches_of_too_few_or_too_many_images_are_refused_first(n, arguments, received):
    method = compiled(Comparing, eager=False)
    message = rf"^Expected batches of 2 to 8 images for Comparing\. Received: {received}\.$"
    for verb in ("fit", "evaluate"):
        with pytest.raises(ValueError, match=message):
            getattr(method, verb)(parts.images(n), verbose=0, **arguments)
    if arguments:
        with pytest.raises(ValueError, match=message):
            method.fit(parts.images(n), None, arguments["batch_size"], verbose=0)
    assert int(method.step) == 0


@pytest.mark.parametrize("n", [1, 9])
def test_a_dataset_of_such_batches_is_refused_first(n):
    data = tf.data.Dataset.from_tensor_slices(parts.images(9)).batch(n, drop_remainder=True)
    for verb in ("fit", "evaluate"):
        with pytest.raises(ValueError, match=rf"2 to 8 images.* Received: batches of {n}\.$"):
            getattr(compiled(Comparing), verb)(data, verbose=0)


def test_what_could_not_be_known_is_refused_at_its_step():
    data = tf.data.Dataset.from_tensor_slices(parts.images(7)).batch(3)  # the last of 1
    with pytest.raises(ValueError, match=r"2 to 8 images.* Received: a batch of 1\.$"):
        compiled(Comparing).fit(data, verbose=0)
    method = compiled(Comparing, eager=False, jit_compile=False)
    refusal = r"(?s)Expected batches of 2 to 8 images for Comparing\. Received: a batch of.*\[1\]"
    for verb in ("fit", "evaluate"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=refusal):
            getattr(method, verb)(data, verbose=0)


def test_sizes_within_the_bounds_pass():
    method = compiled(Comparing, eager=False)
    method.fit(parts.images(8), batch_size=6, verbose=0)
    method.fit(parts.images(10), batch_size=8, validation_split=0.2, verbose=0)  # 8 and 2
    assert int(method.step) == 3
    assert len(method.predict(parts.images(1), verbose=0)) == 1  # codes need no others


def test_without_a_most_the_refusal_names_the_fewest():
    method = compiled(Comparing)
    method.batch_sizes = (2, math.inf)
    with pytest.raises(ValueError, match=r"^Expected batches of at least 2 images for Comparing\."):
        method.fit(parts.images(1), verbose=0)


# Saving


def test_the_config_holds_every_argument_of_a_subclass():
    method = Counting(parts.encoder(), 2, labels=["x"], name="mine")
    config = method.get_config()
    assert {k: config[k] for k in ("pace", "labels", "scale", "name")} == {
        "pace": 2,
        "labels": ["x"],
        "scale": 1.5,
        "name": "mine",
    }
    again = Counting.from_config(config)
    assert again.hyperparameters == method.hyperparameters
    assert again.hyperparameters == {"pace": 2, "labels": ["x"], "scale": 1.5}
    assert again.name == "mine"


def test_state_and_step_counter_are_saved(tmp_path):
    method = compiled(Counting, 2, optimizer=keras.optimizers.Adam(0.01))
    method.fit(parts.images(18), batch_size=6, verbose=0)
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    assert type(loaded) is Counting
    assert int(loaded.step) == 3
    assert float(loaded.count) == 6
    assert int(loaded.optimizer.iterations) == 3
    np.testing.assert_array_equal(
        loaded.predict(parts.images(), verbose=0), method.predict(parts.images(), verbose=0)
    )


def test_random_states_of_method_and_layers_are_saved(tmp_path):
    def make():
        images = keras.layers.Input(parts.IMAGE_SHAPE)
        x = keras.layers.Dropout(0.5, seed=3)(keras.layers.Flatten()(images))
        encoder = keras.Model(images, [keras.layers.Dense(3)(x) for _ in range(2)])
        method = zoo.VAE(encoder, parts.decoder())
        method.compile(run_eagerly=True)
        return method

    method, fresh = make(), make()
    assert len(method._random_states()) == 2
    method.fit(parts.images(12), batch_size=6, verbose=0)
    method.save_weights(tmp_path / "state.weights.h5")
    fresh.load_weights(tmp_path / "state.weights.h5")
    for name, state in method._random_states().items():
        np.testing.assert_array_equal(state, fresh._random_states()[name])
    images = ops.convert_to_tensor(parts.images())
    drawn = [np.asarray(m.forward(images, training=True)["z"]) for m in (method, fresh)]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.slow
def test_a_saved_method_loads_in_a_fresh_process(tmp_path):
    method = zoo.BetaVAE.for_images((16, 16, 1), latent_size=2, beta=3.0)
    method.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    images = parts.images(4, 0, (16, 16, 1))
    method.fit(images, verbose=0)
    method.save(tmp_path / "method.keras")
    np.save(tmp_path / "images.npy", images)
    script = """
import sys, keras, numpy as np, zoo
zoo.BetaVAE  # which registers it
folder = sys.argv[1]
method = keras.models.load_model(folder + "/method.keras")
assert type(method) is zoo.BetaVAE and method.beta == 3.0 and int(method.step) == 1
images = np.load(folder + "/images.npy")
np.save(folder + "/codes.npy", method.predict(images, verbose=0))
method.fit(images, verbose=0)
assert int(method.optimizer.iterations) == 2
"""
    arguments = [sys.executable, "-c", script, str(tmp_path)]
    run = subprocess.run(arguments, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    codes = method.predict(images, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), codes, atol=1e-6)


# What it offers


def test_every_method_encodes():
    method = PullTogether(parts.encoder())
    [encode] = method.endpoints().values()
    named = encode.named(parts.images())
    np.testing.assert_allclose(named["codes"], method.predict(parts.images(), verbose=0), atol=1e-6)


def test_an_endpoint_names_inputs_and_output():
    endpoint = Endpoint(lambda a, b: a + b, {"a": ((2,), "float32"), "b": ((), "int64")}, "sum")
    assert endpoint.named(1, 2) == {"sum": 3}


def test_batches_are_those_of_the_data_or_of_its_training_part():
    class Data:
        def batches(self, batch_size, seed, start):
            return batch_size, seed, start

    class Split:
        train = Data()

    method = PullTogether(parts.encoder())
    assert method.batches(Data(), 8, seed=1, start=2) == (8, 1, 2)
    assert method.batches(Split(), 8) == (8, 0, 0)


# Docstrings

PACKAGES = ("zoo.callbacks", "zoo.disentangled", "zoo.losses", "zoo.networks", "zoo.partial")
MODULES = [
    "zoo.method",
    "zoo.optimizers",
    *(
        module.name
        for package in PACKAGES
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, package + ".")
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_every_argument_of_a_public_class_is_documented():
    for name in ("VAE", "BetaVAE", "Method"):
        cls = getattr(zoo, name)
        arguments = [a for a in inspect.signature(cls).parameters if a != "kwargs"]
        missing = [a for a in arguments if f"        {a}:" not in f"    {cls.__doc__}"]
        assert not missing, f"{name} says nothing of {missing}"
