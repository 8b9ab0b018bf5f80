"""Losses of candidate labels against published values, closed forms and NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from zoo import losses


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


# What is refused


@pytest.mark.parametrize("candidates", [np.ones((6, 4)), np.ones((5, 5)), np.ones(5)])
def test_tables_of_other_shapes_are_refused(candidates):
    with pytest.raises(ValueError, match=r"Expected .*candidates.*Received"):
        losses.classifier_consistent(ops.zeros((6, 5)), candidates)
