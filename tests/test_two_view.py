"""What methods of two views share: networks and views by name, and what they refuse."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import parts
from zoo.data.labels import LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels
from zoo.data.views import View, Views
from zoo.two_view import similarities

OWN = Views(View(), View(area=(0.2, 1.0), solarise=0.2), size=(16, 16))
SMALL = {"network": "convnet", "projection_sizes": [8, 4]}


def test_networks_and_projector_are_those_named():
    method = zoo.SimCLR.for_images((16, 16, 3), **SMALL)
    assert method.encoder.output_shape == (None, 256)
    assert method.projector.output_shape == (None, 4)
    assert zoo.SimCLR.for_images((16, 16, 3), network="convnet").projector.output_shape[1] == 128


@pytest.mark.parametrize(
    ("cls", "side", "views"),
    [
        (zoo.SimCLR, 64, "simclr_small"),
        (zoo.SimCLR, 65, "simclr"),
        (zoo.MoCo, 32, "moco_v2_small"),
        (zoo.MoCo, 96, "moco_v2"),
    ],
)
def test_small_images_get_the_small_views(cls, side, views):
    assert cls.for_images((side, side, 3), **SMALL).views == views


def test_views_that_were_named_are_kept():
    assert zoo.SimCLR.for_images((16, 16, 1), views="digits", **SMALL).views == "digits"


def test_views_of_ones_own_are_kept_saved_and_named(data, tmp_path):
    method = zoo.SimCLR.for_images(data.image_shape, views=OWN, **SMALL)
    assert method.views is OWN
    assert zoo.SimCLR.from_config(method.get_config()).views == OWN
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    assert loaded.views == OWN
    for found in zip(*(next(iter(m.batches(data, 4))) for m in (method, loaded)), strict=True):
        np.testing.assert_array_equal(*found)
    named = json.loads(json.dumps(method.hyperparameters))["views"]
    assert named == "Views(View(), View(area=(0.2, 1.0), solarise=0.2), size=(16, 16))"


def test_the_seed_makes_the_weights():
    first, same, other = (zoo.SimCLR.for_images((16, 16, 1), seed=s, **SMALL) for s in (0, 0, 1))
    assert all(map(np.array_equal, first.get_weights(), same.get_weights()))
    assert not all(map(np.array_equal, first.get_weights(), other.get_weights()))


@pytest.fixture
def data():
    images = LabelledImages("toy", ArrayPixels(parts.images(20, image_shape=(16, 16, 1))), None)
    return LabelledData("toy", images, images, ())


def test_batches_are_two_views_of_any_data(data):
    method = zoo.SimCLR.for_images(data.image_shape, **SMALL)
    for source in (data, data.train):
        a, b = next(iter(method.batches(source, 4, seed=1, start=2)))
        assert a.shape == b.shape == (4, 16, 16, 1)
        assert not np.array_equal(a, b)
    method.compile("sgd")
    assert method.fit(method.batches(data, 8), steps_per_epoch=2, verbose=0).history["loss"]


def test_a_resumed_stream_goes_on(data):
    method = zoo.SimCLR.for_images(data.image_shape, **SMALL)
    whole = list(method.batches(data, 4, seed=3).take(4))
    rest = list(method.batches(data, 4, seed=3, start=2).take(2))
    for got, expected in zip(rest, whole[2:], strict=True):
        assert all(map(np.array_equal, got, expected))


def test_a_pipeline_of_single_images_is_refused_with_what_to_do():
    method = zoo.SimCLR(parts.encoder(), parts.projector())
    method.compile("sgd")
    single = tf.data.Dataset.from_tensor_slices(parts.images()).batch(3)
    with pytest.raises(ValueError, match=r"Expected two views .* zoo\.data\.two_views"):
        method.fit(single, verbose=0)


def test_images_with_labels_are_no_views():
    method = zoo.SimCLR(parts.encoder(), parts.projector())
    method.compile("sgd")
    with pytest.raises(ValueError, match=r"Expected two views .*Received: a tuple of 2"):
        method.fit((parts.images(), np.arange(6)), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"views": "simcl"}, r"Unknown views 'simcl'\. Did you mean 'simclr'"),
        ({"views": View(blur=1)}, r"Expected views to be .* Received: View\(blur=1\)\."),
        ({"views": ["simclr"]}, r"zoo\.data\.Views\. Received: \['simclr'\]\."),
        ({"network": "resnet"}, r"'resnet'\. Did you mean"),
        ({"projection_sizes": []}, "Expected projection_sizes to be .* at least one layer"),
        ({"projection_sizes": [8, 0]}, "projection_sizes to be an integer of at least 1"),
        ({"projection_sizes": 128}, "a sequence of at least one layer's units. Received: 128"),
        ({"temperatur": 1}, "temperatur"),
    ],
)
def test_strange_arguments_are_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        zoo.SimCLR.for_images((16, 16, 1), **{"network": "convnet", **arguments})


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("SimCLR", {}, {"BatchNormalization"}),
        ("MoCo", {}, {"SplitBatchNormalization"}),
        ("MoCo", {"normalization": "batch"}, {"BatchNormalization"}),
        ("MoCo", {"normalization": None}, set()),
    ],
)
def test_the_encoders_normalisation_is_the_methods_unless_told(name, told, expected):
    method = getattr(zoo, name).for_images((16, 16, 1), network="convnet", **told)
    kinds = {type(layer).__name__ for layer in method.encoder.layers}
    assert {kind for kind in kinds if kind.endswith("BatchNormalization")} == expected


def test_a_projector_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"Expected a projector that takes \(None, 3\)"):
        zoo.SimCLR(parts.encoder(), parts.projector(units=5))


def test_similarities_of_known_vectors():
    za, zb = ops.convert_to_tensor([[2.0, 0], [0, 1]]), ops.convert_to_tensor([[0, 3.0], [0, 5]])
    positive, negative = similarities(za, zb)
    assert float(positive) == pytest.approx(0.5)  # 0 and 1
    assert float(negative) == pytest.approx((0 + 0 + 1 + 1) / 4)  # a0a1, a0b1, a1b0, b0b1
