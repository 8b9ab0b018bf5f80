"""The margin contrastive loss: pairs of codes, similar or not."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import MethodContract


def make(**hyperparameters):
    return zoo.MarginContrastive(parts.encoder(), **hyperparameters)


def batch(n=6, seed=0):
    a, b = (parts.images(n, 2 * seed + i) for i in range(2))
    return a, b, ((np.arange(n) + seed) % 3 == 0).astype(int)


class TestMarginContrastive(MethodContract):
    def make(self):
        return make(margin=2.0)

    def batch(self, n=6, seed=0):
        return batch(n, seed)

    def wrong_batches(self):
        return [(wrong, wrong, np.zeros(4, bool)) for wrong in super().wrong_batches()]


def compiled():
    method = make()
    method.compile(keras.optimizers.SGD(0.1))
    return method


@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_the_loss_is_the_equation(margin):
    method = make(margin=margin)
    a, b, similar = batch()
    terms = method.objective(
        **method.forward(tuple(map(ops.convert_to_tensor, (a, b, similar))), training=False)
    )
    d = np.linalg.norm(method.predict(a, verbose=0) - method.predict(b, verbose=0), axis=1)
    attraction = np.where(similar, d**2, 0).mean() / 2
    repulsion = np.where(similar, 0, np.maximum(0, margin - d) ** 2).mean() / 2
    assert float(terms["attraction"]) == pytest.approx(attraction, rel=1e-4)
    assert float(terms["repulsion"]) == pytest.approx(repulsion, rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(attraction + repulsion, rel=1e-4)


def test_the_paper_says_2_dimensions_for_digits():
    method = zoo.MarginContrastive.for_images((16, 16, 1))
    assert method.predict(np.zeros((3, 16, 16, 1), "uint8"), verbose=0).shape == (3, 2)
    assert method.margin == 1


def test_one_image_twice_has_finite_gradients():
    method = compiled()
    a, _, similar = batch()
    method.fit((a, a, similar), verbose=0)
    assert all(np.isfinite(weight).all() for weight in method.get_weights())


def test_it_trains_on_pairs_of_labelled_data():
    data = zoo.data.load("digits").resized(16)
    method = zoo.MarginContrastive.for_images(data.image_shape)
    method.compile(keras.optimizers.Adam(1e-3))
    history = method.fit(method.batches(data, 8), steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_data_without_labels_are_refused(cache):
    message = r"Expected data with class labels to make pairs of.*Received: dsprites"
    with pytest.raises(ValueError, match=message):
        make().batches(zoo.data.load("dsprites"), 4)


@pytest.mark.parametrize("given", [batch()[0], batch()[:2], (*batch(), batch()[0])])
def test_what_is_no_pair_is_refused_with_what_makes_pairs(given):
    message = r"Expected pairs of images \(a, b, similar\).*method\.batches.*Received: "
    with pytest.raises(ValueError, match=message):
        make().forward(given, training=True)


def test_pairs_of_different_shape_are_refused():
    a, b, similar = batch()
    for wrong in (b[:, :4], b[:4]):
        with pytest.raises(ValueError, match="Expected a and b of one shape"):
            compiled().fit((a, wrong, similar), verbose=0)


@pytest.mark.parametrize("similar", [np.zeros((6, 1), bool), np.zeros(6), np.zeros(5, bool)])
def test_what_does_not_say_of_each_pair_is_refused(similar):
    a, b, _ = batch()
    with pytest.raises(ValueError, match=r"Expected similar of shape \(N,\), integers or booleans"):
        compiled().fit((a, b, similar), verbose=0)


@pytest.mark.parametrize("margin", [0, -1, float("nan"), "1"])
def test_a_strange_margin_is_refused(margin):
    with pytest.raises(ValueError, match="Expected margin to be a number above 0"):
        make(margin=margin)


@pytest.mark.parametrize("size", [0, 2.0])
def test_a_strange_size_is_refused(size):
    with pytest.raises(ValueError, match="Expected latent_size to be an integer of at least 1"):
        zoo.MarginContrastive.for_images((16, 16, 1), latent_size=size)


@pytest.mark.slow
def test_it_learns_to_bring_classes_together_and_apart():
    rng = np.random.default_rng(0)
    first, second = np.arange(48) % 3, rng.integers(0, 3, 48)
    centres = rng.random((3, 8, 8, 1))
    a, b = (
        np.clip(centres[labels] + rng.normal(0, 0.1, (48, 8, 8, 1)), 0, 1)
        for labels in (first, second)
    )
    method = make()
    method.compile(keras.optimizers.Adam(1e-2))
    history = method.fit((a, b, first == second), batch_size=48, epochs=30, verbose=0).history
    codes = [method.predict(images, verbose=0) for images in (a, b)]
    apart = np.linalg.norm(codes[0] - codes[1], axis=1)
    assert history["loss"][-1] < history["loss"][0] / 4
    assert apart[first == second].max() < apart[first != second].min()
