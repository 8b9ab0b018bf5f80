"""PiCO: prototypes, confidences and a labelled queue, beside a classifier."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import zoo
from tests import parts
from tests.contract import PartialLabelContract, state, values
from zoo.callbacks import Resume
from zoo.partial.pico import followed


def make(**hyperparameters):
    return zoo.PiCO(
        parts.encoder(),
        parts.classifier(),
        parts.projector(),
        num_samples=20,
        **{
            "queue_size": 20,
            "decay": 0.9,
            "temperature": 0.2,
            "prototype_decay": 0.8,
            "moco_steps": 2,
            **hyperparameters,
        },
    )


class TestPiCO(PartialLabelContract):
    def make(self):
        return make()

    def test_training_moves_prototypes_that_have_length_one(self):
        method = self.compiled()
        self.train(method)
        lengths = np.linalg.norm(np.asarray(method.prototypes), axis=1)
        assert set(lengths.round(4)) <= {0, 1}
        assert 1 in lengths.round(4)


def compiled(**hyperparameters):
    method = make(**hyperparameters)
    method.compile(keras.optimizers.SGD(0.1))
    return method


def tensors(n=6, seed=0):
    return keras.tree.map_structure(ops.convert_to_tensor, parts.partial_batch(n, seed))


def unit(rows):
    rows = np.asarray(rows, "float64")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


class Paper:
    """The paper's quantities, image by image, in NumPy."""

    def __init__(self, method, total_steps):
        self.method, self.total_steps = method, total_steps
        self.step = 0
        self.queue = np.asarray(method.queue.rows(), "float64")
        self.queue_labels = np.full(20, -1)
        self.written = 0
        self.prototypes = np.zeros((4, 3))
        self.confidence = np.zeros((20, 4))

    def loss(self, batch):
        """The loss of one step; what has no gradient moves."""
        weak = ops.convert_to_tensor(batch["weak"])
        codes = self.method.encoder(self.method.prepare(weak))
        logits = np.asarray(self.method.classifier(codes), "float64")
        q = unit(self.method.projector(codes))
        k = unit(self.method.encode_keys(ops.convert_to_tensor(batch["strong"]), True))
        candidates, index = batch["candidates"], batch["index"]
        predicted = [
            max(np.flatnonzero(row), key=lambda j, g=g: g[j])
            for g, row in zip(logits, candidates, strict=True)
        ]
        phi = 0.95 + (0.8 - 0.95) * self.step / self.total_steps
        warm = self.step >= 2
        before = self.prototypes.copy()
        for i, row, one in zip(index, candidates, q, strict=True):
            if not self.confidence[i].any():
                self.confidence[i] = row / row.sum()
            if warm:
                nearest = max(np.flatnonzero(row), key=lambda j, one=one: one @ before[j])
                self.confidence[i] = phi * self.confidence[i] + (1 - phi) * np.eye(4)[nearest]
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        classification = -(self.confidence[index] * log_p).sum(axis=1).mean()
        contrast = np.concatenate([q, k, self.queue])
        labels = np.concatenate([predicted, predicted, self.queue_labels])
        contrastive = []
        for i, one in enumerate(q):
            exponents = np.exp(contrast @ one / 0.2)
            if warm:
                others = [j for j in range(len(contrast)) if j != i]
                positives = [j for j in others if labels[j] == predicted[i]]
            else:
                others = [len(q) + i, *range(2 * len(q), len(contrast))]
                positives = [len(q) + i]
            logs = np.log(exponents[positives] / exponents[others].sum())
            contrastive.append(-logs.mean())
        for one, label in zip(q, predicted, strict=True):
            self.prototypes[label] = 0.8 * self.prototypes[label] + 0.2 * one
        self.prototypes = unit(self.prototypes)
        for one, label in zip(k, predicted, strict=True):
            self.queue[self.written % 20] = one
            self.queue_labels[self.written % 20] = label
            self.written += 1
        self.step += 1
        return classification + 0.5 * np.mean(contrastive)


def test_twenty_steps_are_those_of_the_paper():
    """Batches do not divide the queue, and the warm-up ends after two."""
    method = compiled(total_steps=20)
    paper = Paper(method, 20)
    for step in range(20):
        batch = parts.partial_batch(6 if step % 3 else 5, seed=step)
        twins = values([*method.key_encoder.weights, *method.key_projector.weights])
        expected = paper.loss(batch)
        method.reset_metrics()
        logs = method.train_step(keras.tree.map_structure(ops.convert_to_tensor, batch))
        assert float(logs["loss"]) == pytest.approx(expected, rel=1e-4)
        np.testing.assert_allclose(np.asarray(method.confidence), paper.confidence, atol=1e-5)
        np.testing.assert_allclose(np.asarray(method.prototypes), paper.prototypes, atol=1e-5)
        np.testing.assert_allclose(np.asarray(method.queue.rows()), paper.queue, atol=1e-5)
        np.testing.assert_array_equal(method.queue.labels(), paper.queue_labels)
        students = values([*method.encoder.weights, *method.projector.weights])
        after = values([*method.key_encoder.weights, *method.key_projector.weights])
        for old, student, new in zip(twins, students, after, strict=True):
            np.testing.assert_allclose(new, 0.9 * old + 0.1 * student, atol=1e-6)
    assert len(set(paper.queue_labels)) > 1
    assert (np.asarray(method.confidence).max(axis=1) > 0.6).any()


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    st.integers(0, 2**31),
)
def test_prototypes_follow_image_by_image(labels, decay, seed):
    rng = np.random.default_rng(seed)
    before, q = unit(rng.normal(size=(5, 3))), unit(rng.normal(size=(len(labels), 3)))
    before[4] = 0  # of a class that nothing was ever predicted to be
    expected = before.copy()
    for one, label in zip(q, labels, strict=True):
        expected[label] = decay * expected[label] + (1 - decay) * one
    found = followed(before.astype("float32"), q.astype("float32"), np.array(labels), decay)
    long = np.linalg.norm(expected, axis=1) > 1e-2  # opposite ones nearly cancel: no direction
    np.testing.assert_allclose(np.asarray(found)[long], unit(expected)[long], atol=1e-4)
    assert not np.asarray(found)[4].any()


def test_classes_are_as_alike_as_their_prototypes():
    method = make()
    method.prototypes.assign(unit([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]]))
    half = np.sqrt(0.5)
    expected = [[1, half, 0, 0], [half, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(method.class_similarity(), expected, atol=1e-6)


ONE = [[1, 0, 0], [0.99, 0.14, 0], [0, 0, 0], [1, 0, 0]]  # and one class never predicted


@pytest.mark.parametrize(
    ("rows", "step", "given", "said"),
    [
        (ONE, 100, {}, "cosines of 0.99 and more"),
        (ONE, 99, {}, None),  # untrained
        (ONE, 100, {"moco_steps": 101}, None),  # in the warm-up
        (ONE, 100, {"use_prototypes": False}, None),
        ([[1, 0, 0], [0.99, 0.14, 0], [0, 1, 0], [1, 0, 0]], 100, {}, None),
        ([[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], 100, {}, None),  # one class alone
        ([[np.nan] * 3] * 4, 100, {}, None),
    ],
)
def test_prototypes_that_are_all_alike_have_collapsed(rows, step, given, said):
    method = make(**given)
    method.prototypes.assign(unit(rows))
    method.step.assign(step)
    found = method.collapsed()
    assert (found is None) if said is None else (said in found and "pico_digits" in found)


def test_without_prototypes_the_classifier_resolves():
    method = compiled(use_prototypes=False, moco_steps=0, confidence_decay=(0.0, 0.0))
    batch = parts.partial_batch()
    scores = np.where(batch["candidates"] > 0, method.classify(batch["weak"]), -1)
    method.train_step(keras.tree.map_structure(ops.convert_to_tensor, batch))
    found = np.asarray(method.confidence)[batch["index"]]
    np.testing.assert_array_equal(found, np.eye(4)[scores.argmax(axis=1)])


def test_confidence_is_slow_at_first_and_faster_at_last():
    method = make(total_steps=10, confidence_decay=(0.9, 0.4))
    half = np.full((1, 4), 0.25, "float32")
    for step, phi in ((0, 0.9), (5, 0.65), (10, 0.4), (99, 0.4)):
        method.step.assign(step)
        found = np.asarray(method.towards(np.array([2]), half))
        np.testing.assert_allclose(found, phi * half + (1 - phi) * np.eye(4)[[2]], atol=1e-6)
    method = make(total_steps=None, confidence_decay=(0.9, 0.4))
    method.step.assign(99)
    assert float(method.towards(np.array([0]), half)[0, 0]) == pytest.approx(0.1 + 0.9 / 4)


def test_evaluation_resolves_nothing():
    method = compiled(moco_steps=0)
    method.test_step(tensors())
    for weight in (method.confidence, method.prototypes):
        assert not np.asarray(weight).any()
    assert float(method.queue.filled()) == 0


def test_no_gradient_reaches_the_twins():
    method = compiled()
    assert not method.key_encoder.trainable_variables
    assert not method.key_projector.trainable_variables
    assert len(method.learned) == 6


class Killed(BaseException):
    """As if the process had died."""


class KillAt(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step) == self.step:
            raise Killed


def run(folder, *callbacks):
    """A run of 8 steps to its end, or what is left of it: everything that a checkpoint holds."""
    method = make(total_steps=8)
    method.compile(keras.optimizers.SGD(0.1, momentum=0.9), run_eagerly=True)
    resume = Resume(folder, minutes=0)
    numbers = tf.data.Dataset.counter(resume.step).map(lambda step: step % 5)
    batches = [tensors(seed=seed) for seed in range(5)]
    whole = keras.tree.map_structure(lambda *parts: ops.stack(parts), *batches)
    stream = numbers.map(lambda i: {name: part[i] for name, part in whole.items()})
    options = {"steps_per_epoch": 4, "epochs": 2, "verbose": 0}
    method.fit(stream, callbacks=[*callbacks, resume], **options)
    means = {id(v) for metric in method.metrics for v in metric.variables}  # `fit` resets them
    return method, values(v for v in state(method) if id(v) not in means)


@pytest.mark.parametrize("step", [1, 6])
def test_a_run_that_died_ends_as_one_that_did_not(step, tmp_path):
    method, whole = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", KillAt(step))
    resumed, ends = run(tmp_path / "killed")
    for got, expected in zip(ends, whole, strict=True):
        np.testing.assert_array_equal(got, expected)
    for got, expected in (
        (resumed.confidence, method.confidence),
        (resumed.prototypes, method.prototypes),
        (resumed.queue.rows(), method.queue.rows()),
        (resumed.queue.labels(), method.queue.labels()),
    ):
        np.testing.assert_array_equal(got, expected)
        assert np.asarray(got).any()


def test_networks_and_projector_are_those_named():
    settings = {"network": "convnet", "num_samples": 9}
    method = zoo.PiCO.for_images((16, 16, 1), 5, **settings)
    assert method.classifier.output_shape == (None, 5)
    assert method.projector.output_shape == (None, 128)
    assert [layer.units for layer in method.projector.layers[1::2]] == [512, 128]
    assert tuple(method.prototypes.shape) == (5, 128)
    other = zoo.PiCO.for_images((16, 16, 1), 5, **settings, projection_sizes=(8, 4), views="digits")
    assert other.projector.output_shape == (None, 4)
    assert other.views == "digits"


def test_the_papers_settings_are_the_defaults():
    method = zoo.PiCO(parts.encoder(), parts.classifier(), parts.projector(), num_samples=20)
    assert (method.queue_size, method.decay, method.temperature) == (8192, 0.999, 0.07)
    assert (method.prototype_decay, method.confidence_decay) == (0.99, (0.95, 0.8))
    assert (method.contrastive_weight, method.moco_steps) == (0.5, 195)
    assert method.queue.queue.shape == (8192, 3)
    assert method.use_prototypes is True
    assert method.total_steps is None
    assert method.views == "pico"


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ({}, {"SplitBatchNormalization"}),
        ({"normalization": "batch"}, {"BatchNormalization"}),
        ({"normalization": None}, set()),
    ],
)
def test_its_encoder_normalises_groups_of_a_batch(given, kinds):
    method = zoo.PiCO.for_images((16, 16, 1), 3, "convnet", num_samples=9, **given)
    names = {type(layer).__name__ for layer in method.encoder.layers}
    assert {name for name in names if "Normalization" in name} == kinds


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"queue_size": 1}, "Expected queue_size to be an integer of at least 2"),
        ({"decay": 1.5}, "Expected decay to be a number from 0 to 1. Received: 1.5"),
        ({"temperature": 0}, "Expected temperature to be a number above 0"),
        ({"contrastive_weight": -1}, "Expected contrastive_weight to be a number of at least 0"),
        ({"prototype_decay": 2}, "Expected prototype_decay to be a number from 0 to 1"),
        ({"confidence_decay": 0.9}, "Expected confidence_decay to be two numbers.* Received: 0.9"),
        ({"confidence_decay": (0.9,)}, r"Expected confidence_decay to be two numbers.*\(0.9,\)"),
        ({"confidence_decay": (0.9, 1.2)}, "Expected confidence_decay to be a number from 0 to 1"),
        ({"moco_steps": -1}, "Expected moco_steps to be an integer of at least 0"),
        ({"total_steps": 0}, "Expected total_steps to be an integer of at least 1"),
        ({"use_prototypes": 1}, "Expected use_prototypes to be True or False"),
    ],
)
def test_strange_values_are_refused(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        make(**hyperparameters)


def test_a_projector_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"Expected a projector that takes \(None, 3\)"):
        zoo.PiCO(parts.encoder(), parts.classifier(), parts.projector(units=5), num_samples=20)


def test_a_queue_smaller_than_the_batch_is_refused():
    with pytest.raises(ValueError, match=r"Expected batches of 2 to 4 images .*queue_size of 4"):
        compiled(queue_size=4).fit(parts.partial_batch(), verbose=0)
