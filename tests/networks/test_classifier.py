"""The linear classifier: its size, its seeds, its precision."""

import numpy as np
import pytest

from zoo import networks


def test_it_is_a_dense_layer():
    network = networks.classifier(6, num_classes=4)
    kernel, bias = network.get_weights()
    features = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    np.testing.assert_allclose(network(features), features @ kernel + bias, atol=1e-6)
    assert kernel.shape == (6, 4)
    assert np.abs(kernel).max() <= 1 / np.sqrt(6)
    assert not bias.any()


def test_the_seed_makes_the_weights():
    first, again, other = (networks.classifier(3, 2, seed).get_weights()[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_logits_stay_in_float32_under_mixed_precision(mixed_float16):
    network = networks.classifier(3, 2)
    assert network(np.zeros((1, 3), "float32")).dtype.name == "float32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2), r"Expected features to be an integer of at least 1\. Received: 0\."),
        ((3, 1), r"Expected num_classes to be an integer of at least 2\. Received: 1\."),
        ((3, 2, -1), r"Expected seed to be an integer of at least 0\. Received: -1\."),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        networks.classifier(*arguments)
