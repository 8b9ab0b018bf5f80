"""SimCLR: the loss is NT-Xent of the projections, and more images of a batch change it."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract


def make(**hyperparameters):
    return zoo.SimCLR(parts.encoder(), parts.projector(), **hyperparameters)


class TestSimCLR(TwoViewContract):
    def make(self):
        return make()


def views(n=6):
    return tuple(ops.convert_to_tensor(parts.images(n, seed)) for seed in (0, 1))


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2])
def test_the_loss_is_the_equation(temperature):
    method = make(temperature=temperature)
    outputs = method.forward(views(), training=False)
    z = np.concatenate([outputs["za"], outputs["zb"]]).astype("float64")
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    scores = np.exp(z @ z.T / temperature)
    np.fill_diagonal(scores, 0)
    own = scores[np.arange(12), (np.arange(12) + 6) % 12]
    expected = -np.log(own / scores.sum(axis=1)).mean()
    assert float(method.objective(**outputs)["loss"]) == pytest.approx(expected, rel=1e-5)


def test_similarities_are_those_of_positive_and_negative_pairs():
    method = make()
    outputs = method.forward(views(), training=False)
    terms = method.objective(**outputs)
    z = np.concatenate([outputs["za"], outputs["zb"]])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    cosines, places = z @ z.T, np.arange(12)
    positive = (places[:, None] + 6) % 12 == places
    negative = ~positive & ~np.eye(12, dtype=bool)
    assert float(terms["positive_similarity"]) == pytest.approx(cosines[positive].mean(), abs=1e-6)
    assert float(terms["negative_similarity"]) == pytest.approx(cosines[negative].mean(), abs=1e-6)


def test_the_order_of_the_views_does_not_matter():
    method = make()
    a, b = views()
    losses = [
        float(method.objective(**method.forward(batch, training=False))["loss"])
        for batch in ((a, b), (b, a))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_the_papers_settings_are_the_defaults():
    method = zoo.SimCLR.for_images((32, 32, 3), network="convnet")
    assert method.temperature == 0.1
    assert [layer.units for layer in method.projector.layers if hasattr(layer, "units")] == [
        2048,
        128,
    ]
    assert method.views == "simclr_small"


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), "0.5"])
def test_a_strange_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="Expected temperature to be a number above 0"):
        make(temperature=temperature)


def test_it_learns_to_tell_images_apart():
    rng = np.random.default_rng(0)
    images = rng.random((32, 8, 8, 1))
    a, b = (np.clip(images + rng.normal(0, 0.02, images.shape), 0, 1) for _ in range(2))
    method = make(temperature=0.2)
    method.compile(keras.optimizers.Adam(3e-2))
    history = method.fit((a, b), batch_size=32, epochs=60, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.5
