"""CC: the candidates' probabilities are added."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import PartialLabelContract


def make():
    return zoo.CC(parts.encoder(), parts.classifier())


class TestCC(PartialLabelContract):
    unused = ("strong", "index")

    def make(self):
        return make()


def terms(batch):
    method = make()
    given = keras.tree.map_structure(ops.convert_to_tensor, batch)
    outputs = method.forward(given, training=False)
    probabilities = method.classify(batch["weak"]).astype("float64")
    return {k: float(v) for k, v in method.objective(**outputs).items()}, probabilities


def test_the_loss_is_the_equation():
    batch = parts.partial_batch()
    found, probabilities = terms(batch)
    of_candidates = (probabilities * batch["candidates"]).sum(axis=1)
    assert found["loss"] == pytest.approx(-np.log(of_candidates).mean(), rel=1e-5)
    assert found["candidate_probability"] == pytest.approx(of_candidates.mean(), rel=1e-5)


def test_with_one_candidate_each_it_is_cross_entropy():
    batch = parts.partial_batch()
    labels = batch["index"] % 4
    found, probabilities = terms({**batch, "candidates": np.eye(4, dtype="float32")[labels]})
    expected = -np.log(probabilities[np.arange(6), labels]).mean()
    assert found["loss"] == pytest.approx(expected, rel=1e-5)


def test_nothing_is_to_be_learned_where_all_labels_are_candidates():
    found, _ = terms({**parts.partial_batch(), "candidates": np.ones((6, 4), "float32")})
    assert found["loss"] == 0
    assert found["candidate_probability"] == pytest.approx(1)
