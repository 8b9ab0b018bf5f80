"""The literature's networks: their layers, their sizes, their seeds."""

import numpy as np
import pytest
from keras import layers

from zoo import networks

PAIR = [networks.gaussian_encoder, networks.image_decoder]


def only(network, kind):
    return [layer for layer in network.layers if type(layer) is kind]


@pytest.mark.parametrize(
    "image_shape",
    [
        (16, 16, 1),
        (17, 17, 3),
        (28, 28, 1),
        (33, 33, 3),
        (64, 64, 1),
        (16, 40, 3),
        (31, 18, 1),
    ],
)
def test_any_image_goes_down_and_comes_up_again(image_shape):
    encoder = networks.gaussian_encoder(image_shape, latent_size=4)
    decoder = networks.image_decoder(image_shape, latent_size=4)
    mean, logvar = encoder(np.zeros((2, *image_shape), "f4"))
    assert mean.shape == logvar.shape == (2, 4)
    assert decoder(mean).shape == (2, *image_shape)
    assert decoder.output_shape == encoder.input_shape
    assert [decoder.input_shape] * 2 == encoder.output_shape


def test_the_encoder_is_the_literatures():
    encoder = networks.gaussian_encoder((64, 64, 1), latent_size=10)
    convolutions = only(encoder, layers.Conv2D)
    assert [c.filters for c in convolutions] == [32, 32, 64, 64]
    assert {c.kernel_size for c in convolutions} == {(4, 4)}
    assert {c.strides for c in convolutions} == {(2, 2)}
    assert [c.output.shape[1:3] for c in convolutions] == [(32, 32), (16, 16), (8, 8), (4, 4)]
    assert [d.units for d in only(encoder, layers.Dense)] == [256, 10, 10]
    assert {c.activation.__name__ for c in convolutions} == {"relu"}
    assert [d.activation.__name__ for d in only(encoder, layers.Dense)] == [
        "relu",
        "linear",
        "linear",
    ]


def test_the_decoder_is_the_literatures():
    decoder = networks.image_decoder((64, 64, 1), latent_size=10)
    convolutions = only(decoder, layers.Conv2DTranspose)
    assert [d.units for d in only(decoder, layers.Dense)] == [256, 4 * 4 * 64]
    assert [c.filters for c in convolutions] == [64, 32, 32, 1]
    assert {c.kernel_size for c in convolutions} == {(4, 4)}
    assert {c.strides for c in convolutions} == {(2, 2)}
    assert [c.output.shape[1:3] for c in convolutions] == [(8, 8), (16, 16), (32, 32), (64, 64)]
    assert [c.activation.__name__ for c in convolutions] == ["relu"] * 3 + ["linear"]
    assert not only(decoder, layers.Cropping2D)  # a power of two needs none


def test_weights_are_as_many_as_the_layers_make_them():
    convolutions = 16 * (1 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 32 + 32 + 64 + 64
    dense = (1024 + 1) * 256 + 2 * (256 + 1) * 10
    encoder = networks.gaussian_encoder((64, 64, 1), latent_size=10)
    assert encoder.count_params() == convolutions + dense
    up = 16 * (64 * 64 + 64 * 32 + 32 * 32 + 32 * 1) + 64 + 32 + 32 + 1
    decoder = networks.image_decoder((64, 64, 1), latent_size=10)
    assert decoder.count_params() == (10 + 1) * 256 + (256 + 1) * 1024 + up


@pytest.mark.parametrize("make", PAIR)
def test_equal_seeds_give_equal_weights_and_others_others(make):
    first, again, other = (make((16, 16, 1), 2, seed).get_weights() for seed in (3, 3, 4))
    assert all(map(np.array_equal, first, again))
    kernels = [i for i, weight in enumerate(first) if weight.ndim > 1]
    assert not any(np.array_equal(first[i], other[i]) for i in kernels)


@pytest.mark.parametrize("make", PAIR)
def test_no_two_layers_start_alike(make):
    kernels = [w.ravel() for w in make((16, 16, 1), 2, seed=0).get_weights() if w.ndim > 1]
    units = [kernel[:8] / np.abs(kernel).max() for kernel in kernels]
    assert not any(
        np.allclose(a, b) for i, a in enumerate(units) for b in units[i + 1 :]
    )  # scaled alike, for layers of other sizes


def test_weights_start_as_glorot_has_them():
    kernel = networks.gaussian_encoder((64, 64, 1), seed=0).layers[2].get_weights()[0]
    limit = np.sqrt(6 / (4 * 4 * 32 + 4 * 4 * 32))
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)


@pytest.mark.parametrize("make", PAIR)
def test_sizes_may_be_numpys(make):
    shape = np.array([16, 16, 1])
    assert make(shape, np.int64(2)).count_params() == make((16, 16, 1), 2).count_params()


@pytest.mark.parametrize("make", PAIR)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((15, 64, 1),), r"at least 16 x 16 pixels\. Received: 15 x 64\..*--image-size 16"),
        (((64, 8, 1),), r"at least 16 x 16 pixels\. Received: 64 x 8\."),
        (((64, 64, 2),), r"Expected images of 1 or 3 channels\. Received: 2\."),
        (((64, 64),), r"\(height, width, channels\)\. Received: \(64, 64\)\."),
        (((64.0, 64, 1),), r"\(height, width, channels\)\. Received: \(64\.0, 64, 1\)\."),
        (((64, 64, 1), 0), r"Expected latent_size to be an integer of at least 1\. Received: 0\."),
        (((64, 64, 1), 2.5), r"Expected latent_size to be .* Received: 2\.5\."),
        (((64, 64, 1), True), r"Expected latent_size to be .* Received: True\."),
        (((64, 64, 1), 2, -1), r"Expected seed to be an integer of at least 0\. Received: -1\."),
        (((64, 64, 1), 2, "a"), r"Expected seed to be .* Received: 'a'\."),
    ],
)
def test_what_cannot_be_is_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(*arguments)


def test_the_heads_stay_in_float32_under_mixed_precision(mixed_float16):
    encoder = networks.gaussian_encoder((16, 16, 1), 2)
    decoder = networks.image_decoder((16, 16, 1), 2)
    mean, logvar = encoder(np.zeros((1, 16, 16, 1), "f2"))
    assert {str(x.dtype.name) for x in (mean, logvar, decoder(mean))} == {"float32"}
    assert encoder.layers[1].compute_dtype == "float16"


def test_a_pair_of_another_width_has_as_many_times_the_filters_and_units():
    encoder = networks.gaussian_encoder((16, 16, 1), latent_size=3, width=0.25)
    decoder = networks.image_decoder((16, 16, 1), latent_size=3, width=0.25)
    assert [c.filters for c in only(encoder, layers.Conv2D)] == [8, 8, 16, 16]
    assert [d.units for d in only(encoder, layers.Dense)] == [64, 3, 3]
    assert [d.units for d in only(decoder, layers.Dense)] == [64, 16]
    assert [c.filters for c in only(decoder, layers.Conv2DTranspose)] == [16, 8, 8, 1]


@pytest.mark.parametrize("make", PAIR)
@pytest.mark.parametrize("width", [0, -1.0, float("nan"), "wide"])
def test_a_width_that_is_no_number_above_0_is_refused(make, width):
    with pytest.raises(ValueError, match="Expected width to be a number above 0"):
        make((16, 16, 1), width=width)
