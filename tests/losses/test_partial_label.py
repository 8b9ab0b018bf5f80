"""Losses of candidate labels against published values, closed forms and NumPy."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from zoo import losses
from zoo.losses import partial_label

REFERENCE = pathlib.Path(__file__).parent / "reference" / "candidates.npz"
PICO_CLS = 2.6940202713012695  # reference/README.md says where it is from


def test_the_published_value():
    with np.load(REFERENCE) as file:
        loss = losses.confidence_cross_entropy(file["logits"], file["confidence"])
    assert float(loss) == pytest.approx(PICO_CLS, rel=1e-4)


def test_the_values_here_are_the_published_ones(test_data):
    folder = test_data / "reference" / "losses"
    assert json.loads((folder / "values.json").read_text())["pico_cls"] == PICO_CLS
    with np.load(folder / "inputs.npz") as published, np.load(REFERENCE) as here:
        for name in here:
            np.testing.assert_array_equal(here[name], published[name])


def tables(n=6, classes=5, seed=0):
    """Logits and candidate sets, of which each holds its row's number modulo the classes."""
    rng = np.random.default_rng(seed)
    candidates = rng.random((n, classes)) < 0.5
    candidates[np.arange(n), np.arange(n) % classes] = True
    return rng.normal(size=(n, classes)).astype("float32"), candidates.astype("float32")


def softmax(logits):
    exponents = np.exp(logits.astype("float64"))
    return exponents / exponents.sum(axis=1, keepdims=True)


# Closed forms


def test_classifier_consistent_is_the_equation():
    logits, candidates = tables()
    expected = -np.log((softmax(logits) * candidates).sum(axis=1)).mean()
    assert float(losses.classifier_consistent(logits, candidates)) == pytest.approx(expected)


def test_classifier_consistent_of_one_candidate_is_cross_entropy():
    logits, _ = tables()
    labels = np.arange(6) % 5
    expected = -np.log(softmax(logits)[np.arange(6), labels]).mean()
    found = losses.classifier_consistent(logits, np.eye(5)[labels])
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_classifier_consistent_of_all_labels_is_nothing():
    logits, candidates = tables()
    assert float(losses.classifier_consistent(logits, np.ones_like(candidates))) == 0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.floats(-200, 200))
def test_classifier_consistent_sees_no_common_offset_and_stays_finite(seed, offset):
    logits, candidates = tables(seed=seed)
    loss = float(losses.classifier_consistent(50 * logits, candidates))
    shifted = float(losses.classifier_consistent(50 * logits + np.float32(offset), candidates))
    assert 0 <= loss < np.inf
    assert shifted == pytest.approx(loss, abs=1e-3)


def test_confidence_of_one_label_is_cross_entropy():
    logits, _ = tables()
    labels = np.arange(6) % 5
    one_hot = np.eye(5, dtype="float32")[labels]
    expected = -np.log(softmax(logits)[np.arange(6), labels]).mean()
    assert float(losses.confidence_cross_entropy(logits, one_hot)) == pytest.approx(expected)


def test_leveraged_weighted_is_the_equation():
    logits, candidates = tables()
    weights = np.random.default_rng(1).random((6, 5))
    p, sigmoid = softmax(logits), 1 / (1 + np.exp(-logits.astype("float64")))
    for surrogate, up, down in (
        ("sigmoid", 1 - sigmoid, sigmoid),
        ("cross_entropy", -np.log(p), -np.log(1 - p)),
    ):
        expected = (weights * np.where(candidates > 0, up, 3 * down)).sum(axis=1).mean()
        found = losses.leveraged_weighted(logits, candidates, weights, 3, surrogate)
        assert float(found) == pytest.approx(expected, rel=1e-5), surrogate


def test_leveraged_weighted_without_leverage_sees_candidates_alone():
    logits, candidates = tables()
    losses_of = [
        float(losses.leveraged_weighted(logits + shift, candidates, candidates, beta=0))
        for shift in (0, 50 * (1 - candidates))
    ]
    assert losses_of[0] == pytest.approx(losses_of[1])


@pytest.mark.parametrize("surrogate", partial_label.SURROGATES)
def test_leveraged_weighted_stays_finite_where_the_classifier_is_sure(surrogate):
    logits = tf.constant([[200.0, -200.0], [-200.0, 200.0]])
    candidates = np.array([[1.0, 0], [1.0, 0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.leveraged_weighted(logits, candidates, np.ones((2, 2)), surrogate=surrogate)
    assert np.isfinite(float(loss))
    assert np.isfinite(tape.gradient(loss, logits)).all()


@pytest.mark.parametrize(
    "loss",
    [
        lambda logits, table: losses.confidence_cross_entropy(logits, table),
        lambda logits, table: losses.leveraged_weighted(logits, np.eye(6, 5), table),
    ],
    ids=["confidence_cross_entropy", "leveraged_weighted"],
)
def test_no_gradient_reaches_what_labels_are_taken_for(loss):
    logits, table = map(tf.constant, tables())
    with tf.GradientTape() as tape:
        tape.watch([logits, table])
        value = loss(logits, table)
    of_logits, of_table = tape.gradient(value, [logits, table])
    assert np.abs(of_logits).max() > 0
    assert of_table is None


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": -1}, r"Expected beta to be a number of at least 0\. Received: -1"),
        ({"surrogate": "sigmod"}, "Unknown surrogate 'sigmod'. Did you mean 'sigmoid'"),
    ],
)
def test_strange_settings_of_leveraged_weighted_are_refused(arguments, message):
    logits, candidates = tables()
    with pytest.raises(ValueError, match=message):
        losses.leveraged_weighted(logits, candidates, candidates, **arguments)


@pytest.mark.parametrize("table", [np.ones((6, 4)), np.ones((5, 5)), np.ones(5)])
def test_tables_of_other_shapes_are_refused(table):
    logits = ops.zeros((6, 5))
    for name, call in {
        "candidates": lambda: losses.classifier_consistent(logits, table),
        "confidence": lambda: losses.confidence_cross_entropy(logits, table),
        "weights": lambda: losses.leveraged_weighted(logits, logits, table),
    }.items():
        with pytest.raises(ValueError, match=rf"Expected .*{name}.*Received"):
            call()
