"""Dense heads: their layers, sizes, seeds; the papers' heads."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from zoo import networks


def kinds(network):
    return [type(layer).__name__ for layer in network.layers[1:]]


HIDDEN = ["Dense", "BatchNormalization", "ReLU"]


@pytest.mark.parametrize(
    ("settings", "expected", "biases"),
    [
        ({"sizes": (4,)}, ["Dense"], [True]),
        ({"sizes": (8, 4), "hidden_norm": False}, ["Dense", "ReLU", "Dense"], [True, True]),
        ({"sizes": (8, 4)}, [*HIDDEN, "Dense"], [False, True]),
        ({"sizes": (8, 8, 4), "last_bias": False}, [*HIDDEN * 2, "Dense"], [False] * 3),
        ({"sizes": (8, 4), "last_norm": True}, [*HIDDEN, *HIDDEN[:2]], [False, False]),
    ],
    ids=["moco v1", "moco v2", "plain", "barlow twins", "simsiam"],
)
def test_the_papers_heads(settings, expected, biases):
    network = networks.projector(6, **settings)
    assert kinds(network) == expected
    dense = [layer for layer in network.layers if isinstance(layer, layers.Dense)]
    assert [layer.units for layer in dense] == [*settings["sizes"]]
    assert [layer.use_bias for layer in dense] == biases
    assert network.output_shape == (None, 4)


def test_normalised_projections_have_no_scale_and_offset():
    network = networks.projector(6, (8, 4), last_norm=True)
    assert not network.layers[-1].trainable_weights
    random = np.random.default_rng(0)
    projections = network(random.normal(size=(64, 6)).astype("float32"), training=True)
    np.testing.assert_allclose(np.mean(projections, axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.std(projections, axis=0), 1, atol=1e-3)


def test_statistics_are_of_all_replicas():
    network = networks.projector(6, (8, 4), last_norm=True)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert [norm.synchronized for norm in norms] == [True, True]


def test_weights_are_as_many_as_the_layers_make_them():
    network = networks.projector(20, (80, 80, 80), last_bias=False)
    assert network.count_params() == 20 * 80 + 2 * 80 * 80 + 2 * 4 * 80


def test_weights_start_as_pytorchs():
    kernel, bias = networks.projector(100, (200,)).get_weights()
    assert np.abs(kernel).max() <= 0.1
    assert kernel.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.02)
    assert not bias.any()


def test_equal_seeds_give_equal_weights_and_others_others():
    first, again, other = (networks.projector(8, (8, 8), seed=s).get_weights() for s in (3, 3, 4))
    assert all(map(np.array_equal, first, again))
    squares = [i for i, weight in enumerate(first) if weight.ndim == 2]
    assert not any(np.array_equal(first[i], other[i]) for i in squares)
    assert not any(np.array_equal(first[i], first[j]) for i, j in itertools.pairwise(squares))


@pytest.mark.parametrize("last_norm", [True, False])
def test_projections_stay_in_float32_under_mixed_precision(last_norm, mixed_float16):
    network = networks.projector(8, (8, 4), last_norm=last_norm)
    assert network(np.zeros((2, 8), "float32"), training=True).dtype.name == "float32"
    assert network.layers[1].compute_dtype == "float16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, r"Expected features to be an integer of at least 1\. Received: 0\."),
        ({"sizes": ()}, r"Expected sizes to be a sequence of at least .* Received: \(\)\."),
        ({"sizes": (8, 0)}, r"Expected sizes to be an integer of at least 1\. Received: 0\."),
        ({"sizes": 128}, r"Expected sizes to be a sequence .* Received: 128\."),
        ({"hidden_norm": "batch"}, r"Expected hidden_norm to be True or False\. Received: 'batch'"),
        ({"last_norm": 1}, r"Expected last_norm to be True or False\. Received: 1\."),
        ({"last_bias": None}, r"Expected last_bias to be True or False\. Received: None\."),
        ({"seed": -1}, r"Expected seed to be an integer of at least 0\. Received: -1\."),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        networks.projector(**{"features": 8, **arguments})
