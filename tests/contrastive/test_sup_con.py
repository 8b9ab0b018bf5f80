"""SupCon: views of one class among all others, and labels that are there."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.contract import TwoViewContract
from zoo.reporting.cosines import between_views


def make(**hyperparameters):
    return zoo.SupCon(parts.encoder(), parts.projector(), **hyperparameters)


def batch(n=6, seed=0):
    a, b = (parts.images(n, 2 * seed + i) for i in range(2))
    return a, b, (np.arange(n) // (seed + 2)) % 3


class TestSupCon(TwoViewContract):
    def make(self):
        return make()

    def batch(self, n=6, seed=0):
        return batch(n, seed)


def compiled():
    method = make()
    method.compile(keras.optimizers.SGD(0.1))
    return method


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_loss_is_the_equation(temperature):
    method = make(temperature=temperature)
    outputs = method.forward(keras.tree.map_structure(ops.convert_to_tensor, batch()), False)
    terms = method.objective(**outputs)
    z = np.concatenate([outputs["za"], outputs["zb"]]).astype("float64")
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    y = np.tile(outputs["labels"], 2)
    loss, same, different = [], [], []
    for i in range(12):
        others = [a for a in range(12) if a != i]
        total = sum(np.exp(z[i] @ z[a] / temperature) for a in others)
        positives = [p for p in others if y[p] == y[i]]
        loss.append(
            -np.mean([np.log(np.exp(z[i] @ z[p] / temperature) / total) for p in positives])
        )
        same += [z[i] @ z[p] for p in positives]
        different += [z[i] @ z[a] for a in others if y[a] != y[i]]
    assert float(terms["loss"]) == pytest.approx(np.mean(loss), rel=1e-5)
    assert float(terms["positive_similarity"]) == pytest.approx(np.mean(same), rel=1e-4)
    assert float(terms["negative_similarity"]) == pytest.approx(np.mean(different), rel=1e-4)


def test_with_a_class_for_each_image_it_is_simclr():
    a, b, _ = batch()
    simclr = zoo.SimCLR(parts.encoder(), parts.projector(), temperature=0.3)
    views = tuple(map(ops.convert_to_tensor, (a, b)))
    expected = simclr.objective(**simclr.forward(views, training=False))
    method = make(temperature=0.3)
    found = method.objective(**method.forward((*views, ops.arange(6)), training=False))
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-4), name


def test_histograms_leave_out_views_of_one_class():
    given = keras.tree.map_structure(ops.convert_to_tensor, batch())
    labels = batch()[2]
    found = between_views(make().forward(given, training=False))
    assert len(found.negative) == (labels[:, None] != labels).sum()


def test_one_class_alone_has_nothing_to_be_told_from():
    a, b, _ = map(ops.convert_to_tensor, batch())
    terms = make().objective(**make().forward((a, b, ops.zeros(6, "int64")), training=False))
    assert float(terms["negative_similarity"]) == 0
    assert np.isfinite(float(terms["loss"]))


def test_the_papers_settings_are_the_defaults():
    method = make()
    assert method.temperature == 0.1
    assert method.views == "simclr"
    assert method.projection == {"sizes": (2048, 128), "hidden_norm": False}


def test_batches_come_with_labels():
    data = zoo.data.load("digits").resized(16)
    method = zoo.SupCon.for_images(
        data.image_shape, network="convnet", projection_sizes=(8, 4), views="digits"
    )
    stream = method.batches(data, 16, seed=1)
    method.check(stream)
    a, _, labels = next(iter(stream))
    assert a.shape == (16, 16, 16, 1)
    images = np.asarray(next(iter(data.train.batches(16, seed=1))))
    for image, label in zip(images, np.asarray(labels), strict=True):
        rows = np.flatnonzero((data.train.images == image).all(axis=(1, 2, 3)))
        assert label in data.train.labels[rows]


def test_data_without_labels_are_refused():
    data = zoo.data.LabelledImages("plain", zoo.data.load("digits").train._pixels, None)
    with pytest.raises(ValueError, match=r"Expected images with labels\. Received: plain"):
        make().batches(data, 4)


def test_data_of_a_single_class_are_refused():
    pixels = zoo.data.load("digits").train._pixels
    data = zoo.data.LabelledImages("alike", pixels, np.full(len(pixels), 3))
    with pytest.raises(ValueError, match=r"at least two classes for SupCon\. Received: alike"):
        make().batches(data, 4)


def test_views_without_labels_are_refused_with_what_gives_them():
    with pytest.raises(ValueError, match=r"\(a, b, labels\) for SupCon.*labels=True\).*tuple of 2"):
        compiled().fit(batch()[:2], verbose=0)


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        (np.zeros((6, 2), int), r"shape: \(6, 2\), dtype: int64"),
        (np.zeros(6), r"shape: \(6,\), dtype: float64"),
        (np.zeros(5, int), r"shape: \(5,\), dtype: int64"),
    ],
)
def test_strange_labels_are_refused(labels, received):
    message = r"Expected labels of shape \(N,\), integers or booleans, one for each of 6 images"
    for verb in (compiled().fit, compiled().evaluate):
        with pytest.raises(ValueError, match=rf"{message}\. Received {received}"):
            verb((*batch()[:2], labels), verbose=0)


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), "0.5"])
def test_a_strange_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="Expected temperature to be a number above 0"):
        make(temperature=temperature)


def test_it_learns_to_tell_classes_apart():
    rng = np.random.default_rng(0)
    labels = np.arange(32) % 3
    centres = rng.random((3, 8, 8, 1))[labels]
    a, b = (np.clip(centres + rng.normal(0, 0.1, centres.shape), 0, 1) for _ in range(2))
    method = make()
    method.compile(keras.optimizers.Adam(1e-2))
    history = method.fit((a, b, labels), batch_size=32, epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.2
