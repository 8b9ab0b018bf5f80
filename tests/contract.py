"""What every method of the zoo keeps to.

A method's test inherits `MethodContract`, says how to make a tiny one, and gets every check:

    class TestBetaVAE(MethodContract):
        def make(self):
            return zoo.BetaVAE(parts.gaussian_encoder(), parts.decoder(), beta=4.0)
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from zoo.method import _call_with as call_with
from zoo.runs import Settings
from zoo.training import arguments

STEPS = 3
FACTS = {  # what data could know
    "dataset_size": 100,
    "num_samples": 100,
    "num_classes": 10,
    "subspaces": {"hue": 4, "size": 2},
    "factor_names": ("hue", "size"),
    "ignored": None,
}


class MethodContract:
    """Checks for one method; the tiny one is made by `make`, its batches by `batch`."""

    in_registry = True  # False for methods that only tests have: no `for_images`, no recipe
    images_for_networks = (16, 17, 3)  # `for_images` must take them

    def make(self):
        """A tiny method, not yet compiled; equal weights each time."""
        raise NotImplementedError

    def batch(self, n=6, seed=0):
        """A batch as `forward` takes it; another for each seed."""
        return parts.images(n, seed)

    def wrong_batches(self):
        """Batches that must be refused: shape, rank, dtype, range."""
        return [
            np.zeros((4, 9, 8, 1), "uint8"),
            np.zeros((4, 8, 8), "uint8"),
            np.zeros((4, 8, 8, 1), "int32"),
            np.full((4, 8, 8, 1), 2.0, "float32"),
            np.full((4, 8, 8, 1), np.nan, "float32"),
        ]

    # Weights and gradients

    def test_every_learned_weight_gets_a_gradient(self):
        method = self.compiled()
        with tf.GradientTape() as tape:
            terms = call_with(method.objective, method.forward(self.tensors(), training=True))
        gradients = tape.gradient(terms["loss"], [v.value for v in method.learned])
        without = [v.path for v, g in zip(method.learned, gradients, strict=True) if g is None]
        assert not without, f"no gradient for {without}"
        assert all(np.isfinite(g).all() for g in gradients)

    def test_training_moves_every_trainable_weight(self):
        method = self.compiled()
        before = values(method.trainable_variables)
        self.train(method)
        still = [
            v.path
            for v, old in zip(method.trainable_variables, before, strict=True)
            if np.array_equal(ops.convert_to_numpy(v), old)
        ]
        assert not still, f"training left alone {still}"

    def test_after_update_leaves_learned_weights_to_the_gradient(self):
        method = self.compiled()
        self.train(method)  # at the start a twin is its student, and trailing moves nothing
        outputs = method.forward(self.tensors(), training=True)
        call_with(method.objective, outputs)
        before = values(method.learned)
        call_with(method.after_update, outputs)
        assert_equal(values(method.learned), before)

    def test_the_objective_changes_no_weight(self):
        method = self.compiled()
        self.train(method)
        outputs = method.forward(self.tensors(), training=True)  # statistics of layers may move
        before = values(method.variables)
        call_with(method.objective, outputs)
        assert_equal(values(method.variables), before)

    def test_frozen_twins_start_as_their_students(self):
        method = self.make()
        networks = [n for n in method.layers if isinstance(n, keras.Model) and n.weights]
        for twin in (n for n in networks if not n.trainable_variables):
            alike = [n for n in networks if n is not twin and shapes(n) == shapes(twin)]
            assert any(
                all(map(np.array_equal, n.get_weights(), twin.get_weights())) for n in alike
            ), f"{twin.name} starts as none of {[n.name for n in alike]}"

    def test_queues_hold_unit_vectors(self):
        method = self.compiled()
        self.train(method)
        for variable in method.non_trainable_variables:
            if variable.name == "queue" and len(variable.shape) == 2:
                lengths = np.linalg.norm(ops.convert_to_numpy(variable), axis=1)
                np.testing.assert_allclose(lengths, 1, atol=1e-3)

    # Batches

    def test_each_input_changes_the_loss(self):
        method = self.compiled()
        batch, other = self.tensors(), self.tensors(seed=1)
        leaves, structure = keras.tree.flatten(batch), batch
        loss = self.loss(method, batch)
        for i, replacement in enumerate(keras.tree.flatten(other)):
            changed = [*leaves[:i], replacement, *leaves[i + 1 :]]
            changed = keras.tree.pack_sequence_as(structure, changed)
            assert self.loss(method, changed) != loss, f"input {i} does not change the loss"

    def test_a_short_last_batch_is_taken(self):
        method = self.compiled()
        step = tf.function(method.train_step, autograph=False)
        step(self.tensors())
        step(self.tensors(n=4))
        assert int(method.step) == 2
        assert np.isfinite(self.loss(method, self.tensors(n=4)))

    def test_evaluation_changes_nothing_and_repeats(self):
        method = self.compiled()
        self.train(method)
        before = values(state(method))
        first = {k: float(v) for k, v in method.test_step(self.tensors()).items()}
        method.reset_metrics()
        second = {k: float(v) for k, v in method.test_step(self.tensors()).items()}
        method.predict(self.images(), verbose=0)
        assert_equal(values(state(method)), before)
        assert first == second

    def test_the_loss_and_its_terms_are_logged(self):
        method = self.compiled()
        logs = method.train_step(self.tensors())
        assert set(logs) == {"loss", *method.terms}

    def test_a_wrong_input_is_refused(self):
        method = self.compiled()
        for wrong in self.wrong_batches():
            for verb in (method.predict, method.fit, method.evaluate):
                with pytest.raises(ValueError, match=r"(?s)Expected .*Received"):
                    verb(wrong, verbose=0)

    # Ways to run

    def test_eager_equals_graph(self):
        eager, graph = self.compiled(), self.compiled()
        self.train(eager, eagerly=True)
        self.train(graph)
        assert_close(values(state(eager)), values(state(graph)))

    def test_the_same_seed_gives_the_same_run(self):
        first, second = self.compiled(), self.compiled()
        self.train(first)
        self.train(second)
        assert_equal(values(state(first)), values(state(second)))

    def test_xla_equals_graph(self, monkeypatch):
        still_random(monkeypatch)  # XLA has random streams of its own
        graph, xla = self.compiled(), self.compiled()
        self.train(graph)
        self.train(xla, jit_compile=True)
        assert_close(values(state(graph)), values(state(xla)), tolerance=2e-4)

    def test_mixed_precision(self):
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            method = self.compiled()
            before = values(method.trainable_variables)
            self.train(method)
            assert np.isfinite(self.loss(method, self.tensors()))
            assert not all(map(np.array_equal, before, values(method.trainable_variables)))
            assert {v.dtype for v in method.trainable_variables} == {"float32"}
            assert method.predict(self.images(), verbose=0).dtype == np.float32
        finally:
            keras.config.set_dtype_policy(policy)

    # Saving

    def test_save_load_and_continue(self, tmp_path):
        method = self.compiled()
        self.train(method)
        method.save(tmp_path / "method.keras")
        loaded = keras.models.load_model(tmp_path / "method.keras")
        assert type(loaded) is type(method)
        assert_equal(values(state(loaded)), values(state(method)))
        self.train(method)
        self.train(loaded)
        assert_equal(values(state(loaded)), values(state(method)))

    def test_config_round_trip(self):
        method = self.make()
        again = type(method).from_config(method.get_config())
        assert again.hyperparameters == method.hyperparameters
        assert shapes(again) == shapes(method)

    def test_export_gives_the_same_codes(self, tmp_path):
        method = self.make()
        zoo.export(method, tmp_path / "1")
        loaded = tf.saved_model.load(tmp_path / "1")
        for n in (1, 5):
            codes = loaded.signatures["serving_default"](image=self.images(n))["codes"]
            expected = method.predict(self.images(n), verbose=0)
            np.testing.assert_allclose(codes, expected, atol=1e-5)

    # What the method says of itself

    def test_search_space_names_real_arguments(self):
        cls = type(self.make())
        for name, (low, high, scale) in cls.search_space.items():
            assert name in arguments(cls)
            assert low < high
            assert scale in ("linear", "log")

    def test_recipe_names_real_settings(self):
        cls = type(self.make())
        if self.in_registry:
            settings = Settings.merged("any", cls.recipe)
            assert set(settings.hyperparameters) <= set(arguments(cls))
            assert set(cls.suited_to_data) <= set(arguments(cls))

    def test_networks_for_images(self):
        cls = type(self.make())
        if self.in_registry:
            from_data = {name: FACTS[name] for name in cls.from_data}
            method = cls.for_images(self.images_for_networks, seed=0, **from_data)
            codes = method.predict(parts.images(2, 0, self.images_for_networks), verbose=0)
            assert codes.ndim == 2
            assert len(codes) == 2

    # Help

    def compiled(self):
        keras.utils.set_random_seed(0)
        method = self.make()
        method.compile(keras.optimizers.Adam(1e-2))
        return method

    def tensors(self, n=6, seed=0):
        return keras.tree.map_structure(ops.convert_to_tensor, self.batch(n, seed))

    def images(self, n=6):
        """The first images of a batch, as `predict` takes them."""
        return np.asarray(keras.tree.flatten(self.batch(n))[0])

    def train(self, method, eagerly=False, jit_compile=False):
        step = method.train_step
        if not eagerly:
            step = tf.function(step, autograph=False, jit_compile=jit_compile)
        for i in range(STEPS):
            step(self.tensors(seed=i))
        method.reset_metrics()

    def loss(self, method, batch):
        outputs = method.forward(batch, training=False)
        return float(call_with(method.objective, outputs)["loss"])


class TwoViewContract(MethodContract):
    """Checks for a method that learns from two views of each image."""

    def batch(self, n=6, seed=0):
        """Two views (a, b) of n images."""
        return parts.images(n, 2 * seed), parts.images(n, 2 * seed + 1)

    def test_single_images_are_refused_with_what_makes_views(self):
        method = self.compiled()
        with pytest.raises(ValueError, match=r"Expected two views .* method\.batches.*Received: "):
            method.forward(parts.images(), training=True)

    def test_views_of_different_shape_are_refused(self):
        method = self.compiled()
        a, b, *rest = self.batch()
        for wrong in (b[:, :4], b[:4]):
            with pytest.raises(ValueError, match=r"Expected a and b of one shape\. Received: "):
                method.fit((a, wrong, *rest), verbose=0)

    def test_a_batch_of_one_is_refused(self):
        method = self.compiled()
        with pytest.raises(ValueError, match="Expected batches of "):
            method.train_step(self.tensors(n=1))

    def test_alike_images_give_a_finite_loss_and_finite_gradients(self):
        method = self.compiled()
        alike = keras.tree.map_structure(
            lambda part: ops.repeat(part[:1], 6, axis=0), self.tensors()
        )
        logs = method.train_step(alike)
        assert all(np.isfinite(float(value)) for value in logs.values())
        assert all(np.isfinite(value).all() for value in values(method.variables))

    def test_single_images_are_encoded(self):
        codes = self.make().predict(parts.images(3), verbose=0)
        assert codes.shape == (3, parts.LATENTS)


class PartialLabelContract(MethodContract):
    """Checks for a method that learns from sets of candidate labels."""

    unused = ()  # parts of a batch that the method does not look at

    def batch(self, n=6, seed=0):
        """Two views of n images, which images of 20 they are, and their candidates of 4."""
        return parts.partial_batch(n, seed)

    def images(self, n=6):
        return self.batch(n)["weak"]

    def wrong_batches(self):
        """Also whole batches, of which one part is wrong, or left out."""
        good = self.batch()
        candidates = good["candidates"]
        none = np.where(np.arange(6)[:, None] == 3, 0, candidates)
        return [
            *super().wrong_batches(),
            good["weak"].astype("int32"),
            {name: part for name, part in good.items() if name != "index"},
            {**good, "weak": good["weak"][:, :4]},
            {**good, "strong": good["strong"].astype("int32")},
            {**good, "index": np.zeros(6, "float32")},
            {**good, "candidates": candidates[:, :3]},
            {**good, "candidates": candidates / 2},
            {**good, "candidates": none},
        ]

    def test_each_input_changes_the_loss(self):
        fresh, trained = self.compiled(), self.compiled()
        self.train(trained)  # before, nothing is remembered of any image
        batch, other = self.tensors(), self.tensors(seed=1)
        for name in batch:
            changed = {**batch, name: other[name]}
            seen = any(self.loss(m, changed) != self.loss(m, batch) for m in (fresh, trained))
            assert seen == (name not in self.unused), name

    def test_export_gives_the_same_codes(self, tmp_path):
        method = self.make()
        zoo.export(method, tmp_path / "1")
        loaded = tf.saved_model.load(tmp_path / "1")
        for n in (1, 5):
            images = self.images(n)
            codes = loaded.signatures["serving_default"](image=images)["codes"]
            np.testing.assert_allclose(codes, method.predict(images, verbose=0), atol=1e-5)
            found = loaded.signatures["classify"](image=images)["probabilities"]
            np.testing.assert_allclose(found, method.classify(images), atol=1e-5)

    def test_an_image_without_candidates_is_refused_in_a_graph(self):
        method = self.compiled()
        batch = self.tensors()
        batch["candidates"] *= ops.cast(ops.arange(6) != 3, "float32")[:, None]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Received none for row"):
            tf.function(method.train_step, autograph=False)(batch)

    def test_an_index_beyond_the_images_is_refused(self):
        method = self.compiled()
        if "num_samples" not in type(method).from_data:
            return
        step = tf.function(method.train_step, autograph=False)
        for beyond in (20, -1):
            batch = {**self.batch(), "index": np.array([0, 1, beyond, 3, 4, 5])}
            for verb in (method.fit, method.evaluate):
                with pytest.raises(ValueError, match=r"Expected an index from 0 to 19.*also: "):
                    verb(batch, verbose=0)
            with pytest.raises(ValueError, match="Expected an index from 0 to 19"):
                method.resolve(batch["weak"], batch["candidates"], batch["index"])
            with pytest.raises(tf.errors.InvalidArgumentError, match="Expected an index from 0"):
                step(keras.tree.map_structure(ops.convert_to_tensor, batch))

    def test_labels_are_resolved_among_the_candidates(self):
        method = self.compiled()
        for trained in (False, True):
            if trained:
                self.train(method)
            batch = self.batch()
            for index in (None, batch["index"]):
                found = method.resolve(batch["weak"], batch["candidates"], index)
                assert found.dtype == np.float32
                np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
                assert not found[batch["candidates"] == 0].any()
        with pytest.raises(ValueError, match=r"Expected candidates of shape \(6, 4\).*\(6, 3\)"):
            method.resolve(batch["weak"], batch["candidates"][:, :3])
        with pytest.raises(ValueError, match=r"Received none for row: 0\."):
            method.resolve(batch["weak"], np.zeros((6, 4)))


def state(method):
    """Everything that a checkpoint must hold: weights, optimizers, random states."""
    return [
        *sorted(method.variables, key=lambda v: v.path.split("/")[0] in ("loss",)),
        *(variable for optimizer in optimizers(method) for variable in optimizer.variables),
        *method._random_states().values(),
    ]


def optimizers(method):
    """That of the method, and those of parts that learn by themselves."""
    own = (v for v in vars(method).values() if isinstance(v, keras.optimizers.Optimizer))
    return [method.optimizer, *(o for o in own if o is not method.optimizer)]


def values(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def shapes(layer):
    return [tuple(v.shape) for v in layer.weights]


def assert_equal(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_close(got, expected, tolerance=1e-5):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def still_random(monkeypatch):
    """Replaces random draws by fixed ones, the same in a graph, in XLA and eagerly."""

    def wave(shape, low, high, dtype=None):
        size = int(np.prod([int(side) for side in shape]))
        between = (ops.sin(ops.arange(size, dtype="float32") * 1.7) + 1) / 2
        return ops.cast(ops.reshape(low + (high - low) * between, shape), dtype or "float32")

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return mean + stddev * wave(shape, -2.0, 2.0, dtype)

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return wave(shape, minval, maxval, dtype)

    monkeypatch.setattr(keras.random, "normal", normal)
    monkeypatch.setattr(keras.random, "uniform", uniform)
    monkeypatch.setattr(keras.random, "shuffle", lambda x, axis=0, seed=None: ops.flip(x, axis))
