"""BYOL: predictions against twins that trail ever more slowly."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract, values
from zoo.reporting.cosines import between_views


def make(**hyperparameters):
    predictor = parts.projector(seed=6)
    hyperparameters = {"decay": 0.9, **hyperparameters}
    return zoo.BYOL(parts.encoder(), parts.projector(), predictor, **hyperparameters)


class TestBYOL(TwoViewContract):
    def make(self):
        return make(total_steps=10)


def compiled(**hyperparameters):
    method = make(**hyperparameters)
    method.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    return method


def views(n=6, seed=0):
    return tuple(ops.convert_to_tensor(parts.images(n, 2 * seed + i)) for i in range(2))


def unit(rows):
    rows = np.asarray(rows, "float64")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def twins(method):
    return values([*method.target_encoder.weights, *method.target_projector.weights])


def students(method):
    return values([*method.encoder.weights, *method.projector.weights])


def test_the_loss_is_the_equation():
    method = compiled()
    method.train_step(views(seed=1))  # twins and students differ
    a, b = views()
    terms = method.objective(**method.forward((a, b), training=False))
    pa, pb = (
        unit(method.predictor(method.projector(method.encoder(view / 255)))) for view in (a, b)
    )
    za, zb = (unit(method.target_projector(method.target_encoder(view / 255))) for view in (a, b))
    squares = ((pa - zb) ** 2).sum(axis=1) + ((pb - za) ** 2).sum(axis=1)
    assert float(terms["loss"]) == pytest.approx(squares.mean(), rel=1e-4)
    similarity = (za * zb).sum(axis=1).mean()
    assert float(terms["positive_similarity"]) == pytest.approx(similarity, rel=1e-5)


def test_pictures_compare_the_twins_projections_as_the_terms_do():
    method = make()
    outputs = method.forward(views(), training=False)
    shown = between_views(outputs)
    expected = method.objective(**outputs)["positive_similarity"]
    assert shown.positive.mean() == pytest.approx(float(expected), rel=1e-5)
    predicted = between_views({"za": outputs["pa"], "zb": outputs["zb"]})
    assert predicted.positive.mean() != pytest.approx(float(expected), rel=1e-2)


def test_the_loss_runs_from_0_to_8():
    z = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    for sign, loss in ((2, 0), (-2, 8)):
        terms = make().objective(sign * z, sign * z, z, z, 0.9)
        assert float(terms["loss"]) == pytest.approx(loss, abs=1e-5)


def test_the_twins_trail_ever_more_slowly():
    method = compiled(decay=0.9, total_steps=4)
    for step in range(6):
        tau = 1 - 0.1 * (np.cos(np.pi * min(step / 4, 1)) + 1) / 2
        before = twins(method)
        logs = method.train_step(views(seed=step))
        method.reset_metrics()
        assert float(logs["decay"]) == pytest.approx(tau, rel=1e-6)
        for old, new, student in zip(before, twins(method), students(method), strict=True):
            np.testing.assert_allclose(new, tau * old + (1 - tau) * student, atol=1e-6)


def test_without_a_length_the_decay_stays():
    method = compiled(total_steps=None)
    for step in range(3):
        assert float(method.train_step(views(seed=step))["decay"]) == pytest.approx(0.9)


def test_no_gradient_moves_the_twins():
    method = compiled()
    assert not method.target_encoder.trainable_variables
    assert not method.target_projector.trainable_variables
    assert len(method.learned) == 6


@pytest.mark.parametrize("decay", [0, 1])
def test_the_extremes_of_decay(decay):
    method = compiled(decay=decay)
    before = twins(method)
    method.train_step(views())
    for expected, got in zip(before if decay else students(method), twins(method), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-7)


def test_the_papers_settings_are_the_defaults():
    method = zoo.BYOL.for_images((16, 16, 3), network="convnet")
    assert method.decay == 0.996
    assert method.views == "barlow_small"
    for head in (method.projector, method.predictor):
        dense = [layer.units for layer in head.layers if hasattr(layer, "units")]
        assert dense == [4096, 256]


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"decay": 1.5}, "Expected decay to be a number from 0 to 1. Received: 1.5"),
        ({"decay": float("nan")}, "Expected decay to be a number from 0 to 1"),
        ({"total_steps": 0}, "Expected total_steps to be an integer of at least 1. Received: 0"),
        ({"total_steps": 10.0}, "Expected total_steps to be an integer"),
        ({"views": "byol"}, "Unknown views 'byol'"),
    ],
)
def test_strange_values_are_refused(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        make(**hyperparameters)


def test_a_predictor_of_another_size_is_refused():
    with pytest.raises(ValueError, match="Expected a predictor that takes"):
        zoo.BYOL(parts.encoder(), parts.projector(), parts.projector(units=4))


def test_it_learns_to_predict():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make()
    method.compile(keras.optimizers.Adam(1e-2))
    history = method.fit((a, b), batch_size=32, epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2
