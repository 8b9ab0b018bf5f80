"""LWS: candidates up and other labels down, each by its weight."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import PartialLabelContract


def make(**hyperparameters):
    return zoo.LWS(parts.encoder(), parts.classifier(), num_samples=20, **hyperparameters)


class TestLWS(PartialLabelContract):
    unused = ("strong",)

    def make(self):
        return make()


def normalised(part, p):
    return part * p / max(part @ p, 1e-30)


@pytest.mark.parametrize("surrogate", ["sigmoid", "cross_entropy"])
def test_twenty_steps_are_those_of_the_paper(surrogate):
    """Loss and both weights against a restatement in NumPy."""
    method = make(beta=1.5, surrogate=surrogate)
    method.compile(keras.optimizers.SGD(0.5))
    inside, outside = np.zeros((20, 4)), np.zeros((20, 4))
    for step in range(20):
        batch = parts.partial_batch(6 if step % 3 else 5, seed=step)
        given = keras.tree.map_structure(ops.convert_to_tensor, batch)
        logits = np.asarray(method.logits(given["weak"], False), "float64")
        loss = []
        for g, i, candidates in zip(logits, batch["index"], batch["candidates"], strict=True):
            p, others = np.exp(g) / np.exp(g).sum(), 1 - candidates
            if not inside[i].any():
                inside[i] = normalised(candidates, np.ones(4))
                outside[i] = normalised(others, np.ones(4))
            sigmoid = 1 / (1 + np.exp(-g))
            up, down = (
                (1 - sigmoid, sigmoid) if surrogate == "sigmoid" else (-np.log(p), -np.log(1 - p))
            )
            loss.append(inside[i] @ up + 1.5 * outside[i] @ down)
            inside[i], outside[i] = normalised(candidates, p), normalised(others, p)
        method.reset_metrics()
        logs = method.train_step(given)
        assert float(logs["loss"]) == pytest.approx(np.mean(loss), rel=1e-4)
        np.testing.assert_allclose(np.asarray(method.confidence), inside, atol=1e-5)
        np.testing.assert_allclose(np.asarray(method.other_weights), outside, atol=1e-5)


def test_where_all_labels_are_candidates_no_other_has_weight():
    method = make()
    method.compile(keras.optimizers.SGD(0.1))
    batch = {**parts.partial_batch(), "candidates": np.ones((6, 4), "float32")}
    logs = method.train_step(keras.tree.map_structure(ops.convert_to_tensor, batch))
    assert float(logs["others_loss"]) == 0
    assert not np.asarray(method.other_weights).any()


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"beta": -0.5}, "Expected beta to be a number of at least 0"),
        ({"surrogate": "logistic"}, "Unknown surrogate 'logistic'"),
    ],
)
def test_strange_values_are_refused(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        make(**hyperparameters)
