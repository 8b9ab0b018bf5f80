"""The discriminator: its layers, its sizes, its seeds."""

import itertools

import numpy as np
import pytest
from keras import layers

from zoo import networks


def test_it_is_the_papers():
    network = networks.discriminator(latent_size=10)
    assert network.input_shape == (None, 10)
    assert network.output_shape == (None, 2)
    kinds = [type(layer) for layer in network.layers[1:]]
    assert kinds == [layers.Dense, layers.LeakyReLU] * 6 + [layers.Dense]
    dense = [layer for layer in network.layers if isinstance(layer, layers.Dense)]
    assert [layer.units for layer in dense] == [1000] * 6 + [2]
    slopes = [layer.negative_slope for layer in network.layers if hasattr(layer, "negative_slope")]
    assert slopes == [pytest.approx(0.2)] * 6
    assert network.count_params() == 11 * 1000 + 5 * 1001 * 1000 + 1001 * 2


def test_equal_seeds_give_equal_weights_and_others_others():
    first, again, other = (networks.discriminator(3, seed).get_weights() for seed in (3, 3, 4))
    assert all(map(np.array_equal, first, again))
    kernels = [i for i, weight in enumerate(first) if weight.ndim > 1]
    assert not any(np.array_equal(first[i], other[i]) for i in kernels)
    hidden = [weight for weight in first if weight.shape == (1000, 1000)]
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(hidden))


def test_the_logits_stay_in_float32_under_mixed_precision(mixed_float16):
    network = networks.discriminator(3)
    assert network(np.zeros((1, 3), "float32")).dtype.name == "float32"
    assert network.layers[1].compute_dtype == "float16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), r"Expected latent_size to be an integer of at least 1\. Received: 0\."),
        ((2.5,), r"Expected latent_size to be .* Received: 2\.5\."),
        ((2, -1), r"Expected seed to be an integer of at least 0\. Received: -1\."),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        networks.discriminator(*arguments)
