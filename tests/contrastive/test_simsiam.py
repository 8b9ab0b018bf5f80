"""SimSiam: predictions against projections that hold still."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract


def make(**hyperparameters):
    predictor = parts.projector(seed=6)
    return zoo.SimSiam(parts.encoder(), parts.projector(), predictor, **hyperparameters)


class TestSimSiam(TwoViewContract):
    def make(self):
        return make()


def views(n=6):
    return tuple(ops.convert_to_tensor(parts.images(n, seed)) for seed in (0, 1))


def cosines(x, y):
    x, y = (np.asarray(rows, "float64") for rows in (x, y))
    return (x * y).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)


def test_the_loss_is_the_equation():
    method = make()
    a, b = views()
    za, zb = (method.project(view, training=False) for view in (a, b))
    pa, pb = method.predictor(za), method.predictor(zb)
    terms = method.objective(**method.forward((a, b), training=False))
    expected = -(cosines(pa, zb) + cosines(pb, za)).mean() / 2
    assert float(terms["loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(terms["positive_similarity"]) == pytest.approx(cosines(za, zb).mean(), rel=1e-5)


def test_the_gradient_stops_at_the_targets():
    rng = np.random.default_rng(0)
    za, zb, pa, pb = (tf.Variable(rng.normal(size=(5, 3)), dtype="float32") for _ in range(4))
    with tf.GradientTape() as tape:
        loss = make().objective(za, zb, pa, pb)["loss"]
    to_za, to_zb, to_pa, to_pb = tape.gradient(loss, [za, zb, pa, pb])
    assert to_za is None
    assert to_zb is None
    assert np.abs(to_pa).min() > 0
    assert np.abs(to_pb).min() > 0


def test_the_loss_is_least_where_each_view_predicts_the_other():
    z = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    assert float(make().objective(z, z, 3 * z, z / 2)["loss"]) == pytest.approx(-1, rel=1e-5)
    assert float(make().objective(z, z, -z, -z)["loss"]) == pytest.approx(1, rel=1e-5)


def test_a_collapse_shows():
    z = np.tile([[1.0, 2.0, 3.0]], (5, 1)).astype("float32")
    terms = make().objective(z, z, z, z)
    assert float(terms["negative_similarity"]) == pytest.approx(1, rel=1e-5)


def test_the_papers_networks_are_the_default():
    method = zoo.SimSiam.for_images((16, 16, 3), network="convnet")
    assert method.projector.output_shape == (None, 2048)
    dense = [layer.units for layer in method.projector.layers if hasattr(layer, "units")]
    assert dense == [2048, 2048, 2048]
    dense = [layer.units for layer in method.predictor.layers if hasattr(layer, "units")]
    assert dense == [512, 2048]
    last = method.projector.layers[-1]
    assert isinstance(last, keras.layers.BatchNormalization)
    assert not last.trainable_variables
    assert method.views == "moco_v2_small"


@pytest.mark.parametrize(
    ("predictor", "message"),
    [
        (parts.projector(units=4), r"Expected a predictor that takes \(None, 3\).*\(None, 4\)"),
        (parts.encoder(), r"Expected a predictor that takes \(None, 3\)"),
        (
            keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]),
            r"Expected a predictor that gives \(None, 3\).*Received one that gives \(None, 2\)",
        ),
    ],
)
def test_a_predictor_that_does_not_fit_is_refused(predictor, message):
    with pytest.raises(ValueError, match=message):
        zoo.SimSiam(parts.encoder(), parts.projector(), predictor)


def test_it_learns_to_predict():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make()
    method.compile(keras.optimizers.Adam(3e-2))
    history = method.fit((a, b), batch_size=32, epochs=30, verbose=0).history
    assert history["loss"][-1] < min(history["loss"][0] - 0.1, -0.8)
