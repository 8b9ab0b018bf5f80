"""Views: what is drawn is what is defined, and done as PIL does it; streams come again."""

from __future__ import annotations

import colorsys
import dataclasses
import doctest
import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from scipy import ndimage

import zoo
from zoo.data import (
    FactorData,
    Images,
    LabelledData,
    LabelledImages,
    load,
    two_views,
    viewing,
    views,
)
from zoo.data.pixels import ArrayPixels
from zoo.data.view_matrices import (
    LUMA,
    blurring,
    crop_boxes,
    hue_turns,
    middle_box,
    recolouring,
)
from zoo.data.views import PRESETS, View, Views

STILL = View(
    area=(1.0, 1.0), aspect=(1.0, 1.0), flip=0, jitter=0, grey=0, blur=0, solarise=0
)  # an image as it is
WHOLE = dataclasses.replace(STILL, jitter=1.0, brightness=0, contrast=0, saturation=0, hue=0)


def photographs(n: int = 4, side: int = 32, channels: int = 3) -> np.ndarray:
    """Smooth images of many colours, uint8."""
    rough = np.random.default_rng(0).integers(0, 256, (n, 5, 5, channels), dtype=np.uint8)
    smooth = [
        Image.fromarray(image.squeeze()).resize((side, side), Image.Resampling.BICUBIC)
        for image in rough
    ]
    return np.stack([np.asarray(image) for image in smooth]).reshape(n, side, side, channels)


def first(view: View, images: np.ndarray, step: int = 0, **options: Any) -> np.ndarray:
    return Views(view, **options)(images, step=step)[0].numpy()


@pytest.mark.parametrize("module", [viewing, views])
def test_examples_run(module: ModuleType) -> None:
    assert doctest.testmod(module, extraglobs={"np": np, "zoo": zoo}).failed == 0


# Seeds


def test_the_same_seed_gives_the_same_views_and_another_gives_others() -> None:
    images, made = photographs(), Views.of("simclr")
    (a, b), (again, _), (other, _), (later, _) = (
        made(images, *key) for key in ((1, 2), (1, 2), (2, 2), (1, 3))
    )
    np.testing.assert_array_equal(a, again)
    for changed in (b, other, later):
        assert (np.abs(a - changed).max(axis=(1, 2, 3)) > 0.02).all()


def test_views_of_an_image_do_not_depend_on_the_others() -> None:
    images = photographs()
    other = images.copy()
    other[1:] = 0
    a, b = (Views.of("simclr")(batch)[0].numpy() for batch in (images, other))
    np.testing.assert_allclose(a[0], b[0], atol=1e-6)


def test_the_draws_are_not_those_of_others_with_the_same_seed_and_step() -> None:
    drawn = views.uniform(4, 0, 0)["area"].numpy().ravel()
    others = tf.random.stateless_uniform([1000], (0, 0), alg="philox").numpy()
    assert not set(drawn) & set(others)


def test_presets_draw_from_a_stream_of_their_own() -> None:
    drawn = views.uniform(3, 5, 7)
    key = (5 ^ views._STREAM, 7)
    whole = tf.random.stateless_uniform([2, 3, sum(views._DRAWN.values())], key, alg="philox")
    parts = [np.reshape(drawn[name], (2, 3, -1)) for name in views._DRAWN]
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1), whole)
    apart = [np.ravel(drawn[name]) for name in views._DRAWN_APART]
    assert not {*np.concatenate(apart)} & {*np.ravel(whole)}


# Motion and mixing


def moved(images: np.ndarray, draws: dict[str, Any], **options: Any) -> np.ndarray:
    """The first view where these numbers were drawn, 0..1."""
    drawn = views.uniform(len(images), 0, 0)
    drawn |= {name: tf.fill(drawn[name].shape, value) for name, value in draws.items()}
    return Views(dataclasses.replace(STILL, **options)).made_of(tf.constant(images), drawn)[0]


def test_a_quarter_turn_is_clockwise() -> None:
    images = photographs()
    turned = moved(images, {"rotation": 0.75}, rotation=180)
    np.testing.assert_allclose(turned, np.rot90(images, -1, axes=(1, 2)) / 255, atol=1e-4)


def test_a_shift_goes_on_beyond_the_edge_as_at_the_edge() -> None:
    images = photographs(side=16)
    shifted = moved(images, {"translation": 1.0}, translation=0.25)  # 4 down, 4 to the right
    padded = np.pad(images, ((0, 0), (4, 0), (4, 0), (0, 0)), "edge")[:, :16, :16]
    np.testing.assert_allclose(shifted, padded / 255, atol=1e-5)


def test_a_zoom_is_about_the_middle() -> None:
    ramp = np.tile(np.linspace(0, 1, 16, dtype="float32"), (16, 1))[None, ..., None]
    np.testing.assert_allclose(
        moved(ramp, {"zoom": 0.3}, zoom=(2.0, 2.0)), 0.25 + ramp / 2, atol=1e-6
    )


def test_of_two_views_one_may_stay_where_it_is() -> None:
    images = photographs()
    still, turned = Views(STILL, dataclasses.replace(STILL, rotation=180))(images)
    np.testing.assert_allclose(still, images / 255, atol=1e-5)
    assert (np.abs(turned - still).max(axis=(1, 2, 3)) > 0.1).all()


def test_mixed_channels_are_sums_of_all() -> None:
    images = photographs()
    images[:, :4] = 0
    drawn = views.uniform(len(images), 0, 0)
    mixed = Views(dataclasses.replace(STILL, mix=1.3)).made_of(tf.constant(images), drawn)[0]
    weights = 1.3 * drawn["mix"][0].numpy().reshape(-1, 1, 3, 3)
    expected = np.einsum("nhij,nhwj->nhwi", np.tile(weights, (1, 32, 1, 1)), images / 255)
    np.testing.assert_allclose(mixed, np.clip(expected, 0, 1), atol=1e-5)
    assert not mixed[:, :4].numpy().any()  # what is dark stays dark
    grey = photographs(channels=1)
    np.testing.assert_allclose(moved(grey, {}, mix=1.3), grey / 255, atol=1e-6)


# Streams


def batches(*arguments: Any, take: int = 6, **options: Any) -> list[tuple[np.ndarray, ...]]:
    return list(two_views(*arguments, **options).take(take).as_numpy_iterator())


def test_a_stream_is_the_views_of_the_images_in_order(toy: FactorData) -> None:
    plain = toy.batches(5, seed=3).take(3).as_numpy_iterator()
    stream = two_views(toy, "barlow", 5, 3)
    assert [spec.shape for spec in stream.element_spec] == [(5, 4, 6, 3)] * 2  # known beforehand
    found = stream.take(3).as_numpy_iterator()
    for step, (views_of_it, images) in enumerate(zip(found, plain, strict=True)):
        for one, wanted in zip(views_of_it, Views.of("barlow")(images, 3, step), strict=True):
            np.testing.assert_allclose(one, wanted, atol=1e-6)


def test_a_stream_resumes_from_any_batch(toy: FactorData) -> None:
    whole = batches(toy, "simclr", 5, 2)
    resumed = batches(toy, "simclr", 5, 2, start=4, take=2)
    np.testing.assert_array_equal(resumed, whole[4:])  # to the bit
    assert not np.array_equal(batches(toy, "simclr", 5, 3), whole)


def test_labels_are_those_of_the_images() -> None:
    """Images of one grey each, the darkness of their label: crops and flips leave it."""
    labels = np.random.default_rng(0).integers(0, 10, 30)
    pixels = ArrayPixels(np.tile(labels.astype(np.uint8)[:, None, None, None], (1, 8, 8, 1)))
    data = LabelledImages("shades", pixels, labels)
    still = dataclasses.replace(View(), jitter=0)
    for a, b, label in batches(data, Views(still), 7, 1, start=3, labels=True):
        assert label.dtype == np.int64
        np.testing.assert_allclose(255 * a[:, 0, 0, 0], label, atol=1e-4)
        np.testing.assert_allclose(255 * b[:, 7, 7, 0], label, atol=1e-4)


def test_attributes_are_labels_too_and_halves_are_taken_by_their_training_images() -> None:
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] + np.zeros((6, 8, 8, 1), np.uint8)
    attributes = (np.arange(6)[:, None] >> np.arange(3)) & 1
    train = LabelledImages("bits", ArrayPixels(images), attributes)
    empty = LabelledImages("bits", ArrayPixels(images[:0]), None)
    data = LabelledData("bits", train, empty, ("one", "two", "four"))
    ((a, _, label),) = batches(data, Views(STILL), 6, labels=True, take=1)
    np.testing.assert_allclose(255 * a[:, 0, 0, 0], label @ [1, 2, 4], atol=1e-4)


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        ("sprites", {"labels": True}, r"Expected images with labels. Received: toy, which has no"),
        ("array", {}, r"Expected images of zoo.data.*Received: ndarray"),
        ("digits", {"preset": "digit"}, "Unknown preset 'digit'. Did you mean 'digits'"),
        ("digits", {"preset": None}, r"Expected preset to be the name of .* Received: None\."),
        ("digits", {"labels": 1}, "Expected labels to be True or False. Received: 1"),
        ("digits", {"batch_size": 0}, "Expected batch_size to be an integer of at least 1"),
        ("digits", {"seed": -1}, "Expected seed to be an integer of at least 0"),
        ("digits", {"start": -1}, "Expected start to be an integer of at least 0"),
    ],
)
def test_streams_that_cannot_be_are_refused(
    toy: FactorData, data: str, options: dict, said: str
) -> None:
    given: Any = {"sprites": toy, "array": np.zeros((4, 8, 8, 1)), "digits": load("digits")}[data]
    with pytest.raises(ValueError, match=said):
        two_views(given, **{"preset": "digits", "batch_size": 4, **options})


def test_data_that_have_no_labels_or_no_images_are_refused() -> None:
    pixels = ArrayPixels(np.zeros((3, 8, 8, 1), np.uint8))
    with pytest.raises(ValueError, match=r"Expected images with labels. Received: bare"):
        two_views(LabelledImages("bare", pixels, None), "digits", 2, labels=True)
    with pytest.raises(ValueError, match=r"Expected images in 'none'. Received: an empty"):
        two_views(Images("none", pixels, np.arange(0)), "digits", 2)


# Shape


def test_nothing_to_do_leaves_the_image() -> None:
    images = photographs()
    for given in (images, (images / 255).astype(np.float32)):
        np.testing.assert_allclose(first(STILL, given), images / 255, atol=1e-6)


def test_flipping_is_the_mirror_image() -> None:
    images = photographs()
    mirrored = first(dataclasses.replace(STILL, flip=1), images)
    np.testing.assert_allclose(mirrored, images[:, :, ::-1] / 255, atol=1e-6)


def test_flips_come_as_often_as_they_should() -> None:
    ramp = np.tile(np.linspace(0, 255, 4, dtype=np.uint8)[:, None], (2000, 4, 1, 1))
    found = first(dataclasses.replace(STILL, flip=0.3), ramp)
    assert abs(np.mean(found[:, 0, 0, 0] > 0.5) - 0.3) < 0.04


@pytest.mark.parametrize("size", [(28, 36), (14, 20), (48, 40), (20, 60)])
def test_crops_are_resized_as_pil_resizes_them(size: tuple[int, int]) -> None:
    """Within 0.01 of 255: wider and narrower, from images that are not square either."""
    images = photographs(8, side=36)[:, :28].astype(np.float32)
    made = Views(dataclasses.replace(STILL, area=(0.1, 0.9), aspect=(3 / 4, 4 / 3)), size=size)
    boxes = made._boxes(28, 36, views.uniform(8, 5, 7)).numpy()
    for found, places in zip(made(images / 255, 5, 7), boxes, strict=True):
        for image, (top, left, tall, wide), one in zip(images, places, found, strict=True):
            box = (left, top, left + wide, top + tall)
            for channel, resized in zip(image.transpose(2, 0, 1), one.numpy().T, strict=True):
                wanted = Image.fromarray(channel).crop(box)
                wanted = wanted.resize(size[::-1], Image.Resampling.BILINEAR)
                np.testing.assert_allclose(255 * resized.T, np.asarray(wanted), atol=0.01)


def test_boxes_are_distributed_as_defined() -> None:
    rng = np.random.default_rng(0)
    low, high = 3 / 4, 4 / 3
    drawn = (
        0.2 + 0.4 * rng.random((10_000, 10)),
        np.exp(rng.uniform(np.log(low), np.log(high), (10_000, 10))),
        rng.random((10_000, 2)),
        np.zeros(4),
    )
    boxes = crop_boxes(300, 300, *(tf.constant(part, tf.float32) for part in drawn)).numpy()
    check_boxes(boxes, 300, (0.2, 0.6))


def check_boxes(boxes: np.ndarray, side: int, areas: tuple[float, float]) -> None:
    """That 10,000 boxes are whole, inside, and uniform in area, log aspect and place."""
    top, left, height, width = boxes.T
    np.testing.assert_array_equal(boxes, np.round(boxes))
    assert (boxes >= [0, 0, 1, 1]).all()
    assert (top + height <= side).all()
    assert (left + width <= side).all()
    uniform = {
        "area": (height * width / side**2 - areas[0]) / (areas[1] - areas[0]),
        "aspect": np.log(width / height) / (2 * np.log(4 / 3)) + 0.5,
        "top": top / (side - height),
        "left": left / (side - width),
    }
    for name, values in uniform.items():
        quantiles = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9])
        np.testing.assert_allclose(quantiles, [0.1, 0.25, 0.5, 0.75, 0.9], atol=0.02, err_msg=name)
    correlations = np.corrcoef(list(uniform.values())) - np.eye(4)
    assert np.abs(correlations).max() < 0.04


def test_views_crop_as_defined() -> None:
    """Boxes of both views, as they are drawn for 5,000 images."""
    made = Views(View(area=(0.2, 0.6)))
    boxes = made._boxes(300, 300, views.uniform(5000, 0, 0)).numpy()
    check_boxes(boxes.reshape(-1, 4), 300, (0.2, 0.6))
    assert np.abs(np.corrcoef(boxes[0, :, 0], boxes[1, :, 0])[0, 1]) < 0.05  # are independent


def test_a_box_that_never_fits_is_the_largest_in_the_middle() -> None:
    made = Views(View(area=(1.0, 1.0), aspect=(1.0, 1.0)))
    for sides, expected in (((20, 40), [0, 10, 20, 20]), ((40, 20), [10, 0, 20, 20])):
        boxes = made._boxes(*sides, views.uniform(2, 0, 0)).numpy()
        assert boxes.tolist() == [[expected] * 2] * 2
    assert middle_box(30, 30, (3 / 4, 4 / 3)) == [0, 0, 30, 30]
    assert middle_box(10, 90, (3 / 4, 4 / 3)) == [0, 38, 10, 13]


def test_blur_is_a_gaussian_with_reflected_edges() -> None:
    sigma = np.array([0.5, 2.0], "float32")
    matrices = blurring(60, tf.constant(sigma), tf.constant([True, True])).numpy()
    for matrix, deviation in zip(matrices, sigma, strict=True):
        weights = np.exp(-0.5 * (np.arange(-3, 4) / deviation) ** 2)
        line = np.random.default_rng(0).random(60)
        padded = np.pad(line, 3, mode="reflect")
        expected = np.convolve(padded, weights / weights.sum(), mode="valid")
        np.testing.assert_allclose(matrix @ line, expected, atol=1e-5)
    still = blurring(8, tf.constant(sigma[:1]), tf.constant([False])).numpy()
    np.testing.assert_array_equal(still[0], np.eye(8))
    np.testing.assert_allclose(blurring(1, tf.constant(sigma), tf.constant([True])), 1)


# Colour


def colour_map(
    means: Any, order: tuple[int, ...] = (0, 1, 2, 3), greyed: bool = False, **factors: float
) -> tuple[np.ndarray, np.ndarray]:
    """The matrix and offset of one image, the operations in that order."""
    still = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    arguments = [tf.constant([value]) for value in {**still, **factors}.values()]
    ranks = tf.constant([np.argsort(order)], tf.float32)
    matrix, offset = recolouring(
        tf.constant([means], tf.float32), *arguments, ranks, tf.constant([greyed])
    )
    return matrix[0].numpy(), offset[0].numpy()


@pytest.mark.parametrize("factor", [0.2, 0.6, 1.4, 1.8])
@pytest.mark.parametrize(
    ("name", "enhance"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
    ],
)
def test_a_colour_operation_is_pils(name: str, enhance: type, factor: float) -> None:
    image = photographs(1)[0]
    matrix, offset = colour_map(image.mean(axis=(0, 1)) / 255, **{name: factor})
    found = np.clip(image / 255 @ matrix.T + offset, 0, 1)
    expected = np.asarray(enhance(Image.fromarray(image)).enhance(factor))
    assert np.abs(255 * found - expected).max() < 2.1  # PIL rounds the grey and the mean


@pytest.mark.parametrize("greyed", [False, True])
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_operations_in_any_order_are_those_one_after_the_other(
    order: tuple[int, ...], greyed: bool
) -> None:
    colours = np.random.default_rng(0).random((50, 3))
    factors = {"brightness": 1.3, "contrast": 0.6, "saturation": 1.7, "hue": 0.15}
    matrix, offset = colour_map(colours.mean(axis=0), order, greyed, **factors)
    turn = hue_turns(tf.constant(0.15)).numpy()
    expected = colours
    for name in (list(factors)[i] for i in order):
        grey = (expected @ LUMA)[:, None]
        expected = {
            "brightness": 1.3 * expected,
            "contrast": 0.6 * expected + 0.4 * grey.mean(),
            "saturation": 1.7 * expected - 0.7 * grey,
            "hue": expected @ turn.T,
        }[name]
    if greyed:
        expected = np.tile((expected @ LUMA)[:, None], 3)
    np.testing.assert_allclose(colours @ matrix.T + offset, expected, atol=1e-5)


def test_grey_is_pils() -> None:
    images = photographs()
    found = first(dataclasses.replace(STILL, grey=1.0), images)
    for image, grey in zip(images, found, strict=True):
        expected = np.asarray(ImageOps.grayscale(Image.fromarray(image)))
        assert np.abs(255 * grey - expected[..., None]).max() < 1.1


@pytest.mark.parametrize("turn", [-0.1, 0.05, 0.1, 0.2])
def test_hue_is_near_the_turn_in_hsv(turn: float) -> None:
    """Bounds the departure: a turn about the grey axis keeps the mean, HSV keeps the maximum."""
    colours = 0.3 + 0.4 * np.random.default_rng(0).random((500, 3))  # as muted as photographs
    rotated = colours @ hue_turns(tf.constant(turn)).numpy().T
    wanted = [colorsys.rgb_to_hsv(*colour) for colour in colours]
    expected = [colorsys.hsv_to_rgb((h + turn) % 1, s, v) for h, s, v in wanted]
    assert np.abs(rotated - expected).mean() < 0.04
    hues = np.array([colorsys.rgb_to_hsv(*np.clip(colour, 0, 1))[0] for colour in rotated])
    apart = np.abs((hues - [h for h, _, _ in wanted] - turn + 0.5) % 1 - 0.5)
    assert np.median(apart) < 0.02


def test_a_third_of_the_circle_turns_red_into_green() -> None:
    turned = hue_turns(tf.constant(1 / 3)).numpy() @ [1, 0, 0]
    np.testing.assert_allclose(turned, [0, 1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("brightness", 0.6, 1.4),
        ("contrast", 0.0, 2.5),
        ("saturation", 0.8, 1.2),
        ("hue", -0.1, 0.1),
    ],
)
def test_factors_are_distributed_as_defined(name: str, low: float, high: float) -> None:
    spread = high if name == "hue" else high - 1
    made = Views(dataclasses.replace(WHOLE, **{name: spread}))
    drawn = made._between(name, views.uniform(5000, 0, 0)).numpy().ravel()
    wanted = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    found = np.quantile((drawn - low) / (high - low), wanted)
    np.testing.assert_allclose(found, wanted, atol=0.02)
    assert low <= drawn.min() <= drawn.max() <= high


def test_brightness_reaches_the_image_as_drawn() -> None:
    """Seen in 10,000 views: four of five images change, by uniform factors."""
    images = np.full((5000, 2, 2, 3), 100, np.uint8)
    made = Views(dataclasses.replace(WHOLE, jitter=0.8, brightness=0.4))
    factors = np.stack(made(images))[:, :, 0, 0].reshape(-1, 3) * 2.55
    np.testing.assert_allclose(factors - factors[:, :1], 0, atol=1e-5)
    changed = np.abs(factors[:, 0] - 1) > 1e-5
    assert abs(changed.mean() - 0.8) < 0.013
    found = np.quantile(factors[changed, 0], [0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(found, [0.64, 0.8, 1.0, 1.2, 1.36], atol=0.015)


def test_solarising_inverts_light_pixels() -> None:
    images = photographs()
    found = first(dataclasses.replace(STILL, solarise=1.0), images)
    for image, one in zip(images, found, strict=True):
        expected = np.asarray(ImageOps.solarize(Image.fromarray(image)))
        np.testing.assert_allclose(255 * one, expected, atol=1e-3)


# All together


def one_after_the_other(made: Views, images: np.ndarray, index: int) -> np.ndarray:
    """The views as torchvision makes them from the same draws: PIL's operations on whole 255ths."""
    drawn = views.uniform(len(images), 0, 0)
    size = images.shape[1:3]
    boxes = made._boxes(*size, drawn)[index].numpy()
    order = np.argsort(drawn["order"][index].numpy(), axis=-1)
    happens = {
        name: made._happens(name, drawn)[index].numpy()
        for name in ("flip", "jitter", "grey", "blur", "solarise")
    }
    factors = {
        name: made._between(name, drawn)[index].numpy().astype(float)
        for name in ("brightness", "contrast", "saturation", "hue", "sigma")
    }
    enhances = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)

    def jittered(image: Image.Image, i: int, operation: int) -> Image.Image:
        name = ("brightness", "contrast", "saturation", "hue")[operation]
        if name != "hue":
            return enhances[operation](image).enhance(factors[name][i])
        hue, *others = image.convert("HSV").split()
        turned = np.asarray(hue).astype(int) + round(255 * factors[name][i])
        hue = Image.fromarray((turned % 256).astype(np.uint8))
        return Image.merge("HSV", (hue, *others)).convert("RGB")

    def blurred(image: Image.Image, deviation: float) -> Image.Image:
        weights = np.exp(-0.5 * (np.array([-1, 0, 1]) / deviation) ** 2)
        pixels = np.asarray(image).astype(float)
        for axis in (0, 1):
            pixels = ndimage.convolve1d(pixels, weights / weights.sum(), axis, mode="mirror")
        return Image.fromarray(np.round(pixels).astype(np.uint8))

    found = []
    for i, (pixels, (top, left, tall, wide)) in enumerate(zip(images, boxes, strict=True)):
        image = Image.fromarray(pixels).crop((left, top, left + wide, top + tall))
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        if happens["flip"][i]:
            image = ImageOps.mirror(image)
        for operation in order[i] if happens["jitter"][i] else ():
            image = jittered(image, i, operation)
        if happens["grey"][i]:
            image = ImageOps.grayscale(image).convert("RGB")
        if happens["blur"][i]:
            image = blurred(image, factors["sigma"][i])
        if happens["solarise"][i]:
            image = ImageOps.solarize(image)
        found.append(np.asarray(image))
    return np.stack(found)


@pytest.mark.parametrize(("hue", "bound"), [(0.0, 2.0), (None, 4.0)])
@pytest.mark.parametrize("name", ["simclr", "barlow"])
def test_views_are_near_those_of_operations_one_after_the_other(
    name: str, hue: float | None, bound: float
) -> None:
    """Bounds all departures at once: clipping at the end, no rounding, blur before colour, hue."""
    grey, colour = photographs(100, channels=1), photographs(100)
    images = (30 + 0.5 * grey[::-1] + 0.3 * colour).astype(np.uint8)  # about as muted as CIFAR's
    made = Views.of(name)
    if hue is not None:
        pair = (dataclasses.replace(view, hue=hue) for view in made._pair)
        made = Views(*pair)
    for index, view in enumerate(made(images)):
        apart = 255 * view.numpy() - one_after_the_other(made, images, index)
        assert np.abs(apart).mean() < bound  # of 255


def detailed(n: int, side: int = 32) -> np.ndarray:
    """Images whose detail is that of photographs: amplitudes fall as 1/f, deviation about 50."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    frequency[0, 0] = 1
    noise = np.random.default_rng(0).normal(size=(n, 3, side, side))
    images = np.fft.ifft2(np.fft.fft2(noise) / frequency).real
    images = 1.5 * images.mean(axis=1, keepdims=True) + 0.5 * images  # channels are much alike
    images -= images.mean(axis=(1, 2, 3), keepdims=True)
    images *= 50 / images.std(axis=(1, 2, 3), keepdims=True)
    return np.clip(115 + images, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def test_crops_are_near_those_resized_bicubically() -> None:
    """Bounds the departure from papers whose code resizes so."""
    for images, bound in ((photographs(50), 2.0), (detailed(50), 5.0)):
        made = Views(dataclasses.replace(STILL, area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)))
        boxes = made._boxes(32, 32, views.uniform(50, 0, 0))[0].numpy()
        expected = [
            Image.fromarray(image)
            .crop((left, top, left + wide, top + tall))
            .resize((32, 32), Image.Resampling.BICUBIC)
            for image, (top, left, tall, wide) in zip(images, boxes, strict=True)
        ]
        apart = 255 * made(images)[0].numpy() - np.stack([np.asarray(one) for one in expected])
        assert np.abs(apart).mean() < bound  # of 255


@pytest.mark.parametrize(("sigma", "bound"), [(0.5, 2.0), (1.0, 5.0), (2.0, 14.0)])
def test_blur_is_not_far_from_pils_on_small_images(sigma: float, bound: float) -> None:
    """Bounds the departure: 3 pixels of 32, of which PIL's kernel takes more where sigma is large.

    So blurred images stay sharper; they are nearer to PIL's than images left as they are.
    """
    images = detailed(20)
    matrix = blurring(32, tf.constant([sigma]), tf.constant([True])).numpy()[0]
    found = np.einsum("ij,njkc,lk->nilc", matrix, images, matrix)
    blurs = [Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma)) for image in images]
    expected = np.stack([np.asarray(image) for image in blurs]).astype(float)
    apart = np.abs(found - expected).mean()
    assert apart < bound  # of 255
    assert apart < np.abs(images - expected).mean()


@pytest.mark.parametrize("strength", [0.1, 0.4, 0.8])
def test_rounding_and_clipping_once_changes_little(strength: float) -> None:
    """Bounds the departure alone: no blur, no hue."""
    jitter = dict.fromkeys(("brightness", "contrast", "saturation"), strength)
    made, images = Views(dataclasses.replace(WHOLE, **jitter)), detailed(50)
    apart = 255 * made(images)[0].numpy() - one_after_the_other(made, images, 0)
    assert np.abs(apart).mean() < 2.5  # of 255


@pytest.mark.parametrize(("strength", "bound"), [(0.1, 0.2), (0.4, 1.0), (0.8, 3.0)])
def test_blur_before_colour_is_nearly_blur_after_it(strength: float, bound: float) -> None:
    """Bounds the departure alone: they commute but for the clipping."""
    jitter = dict.fromkeys(("brightness", "contrast", "saturation"), strength)
    plain, images = dataclasses.replace(WHOLE, **jitter), detailed(50)
    found = first(dataclasses.replace(plain, blur=1.0), images)
    sigma = Views(plain)._between("sigma", views.uniform(50, 0, 0))[0]
    matrix = blurring(32, sigma, tf.fill([50], True)).numpy()
    expected = np.einsum("nij,njkc,nlk->nilc", matrix, first(plain, images), matrix)
    assert 255 * np.abs(found - expected).mean() < bound


# Presets

# Of each preset both views, as the papers have them; the docstring of PRESETS says which they are:
# least area, flip, jitter, its strengths, grey, blur, solarise.
PAPERS = {
    "simclr": [(0.08, 0.5, 0.8, (0.8, 0.8, 0.8, 0.2), 0.2, 0.5, 0.0)] * 2,
    "simclr_small": [(0.08, 0.5, 0.8, (0.4, 0.4, 0.4, 0.1), 0.2, 0.0, 0.0)] * 2,
    "moco_v2": [(0.2, 0.5, 0.8, (0.4, 0.4, 0.4, 0.1), 0.2, 0.5, 0.0)] * 2,
    "moco_v2_small": [(0.2, 0.5, 0.8, (0.4, 0.4, 0.4, 0.1), 0.2, 0.0, 0.0)] * 2,
    "barlow": [
        (0.08, 0.5, 0.8, (0.4, 0.4, 0.2, 0.1), 0.2, 1.0, 0.0),
        (0.08, 0.5, 0.8, (0.4, 0.4, 0.2, 0.1), 0.2, 0.1, 0.2),
    ],
    "barlow_small": [
        (0.08, 0.5, 0.8, (0.4, 0.4, 0.2, 0.1), 0.2, 0.0, 0.0),
        (0.08, 0.5, 0.8, (0.4, 0.4, 0.2, 0.1), 0.2, 0.0, 0.2),
    ],
    "pico": [
        (0.2, 0.5, 0.8, (0.4, 0.4, 0.4, 0.1), 0.2, 0.0, 0.0),
        (0.2, 0.5, 1.0, (0.6, 0.6, 0.6, 0.1), 0.0, 0.0, 0.2),
    ],
    "pico_digits": [
        (0.6, 0.0, 0.8, (0.4, 0.4, 0.0, 0.0), 0.0, 0.0, 0.0),
        (0.4, 0.0, 1.0, (0.6, 0.6, 0.0, 0.0), 0.0, 0.0, 0.0),
    ],
    "digits": [(0.4, 0.0, 0.8, (0.4, 0.4, 0.0, 0.0), 0.0, 0.0, 0.0)] * 2,
}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_those_of_the_papers(name: str) -> None:
    made = PRESETS[name]
    assert made.size is None
    for view, expected in zip((made.first, made.second or made.first), PAPERS[name], strict=True):
        strengths = view.brightness, view.contrast, view.saturation, view.hue
        found = view.area[0], view.flip, view.jitter, strengths, view.grey, view.blur, view.solarise
        assert found == expected
        assert (view.area[1], view.aspect, view.sigma) == (1.0, (3 / 4, 4 / 3), (0.1, 2.0))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_keep_the_range_and_their_views_differ(name: str) -> None:
    for channels in (1, 3):
        a, b = (view.numpy() for view in Views.of(name)(photographs(8, channels=channels)))
        for view in (a, b):
            assert view.shape == (8, 32, 32, channels)
            assert view.dtype == np.float32
            assert 0 <= view.min() <= view.max() <= 1
        assert (np.abs(a - b).mean(axis=(1, 2, 3)) > 0.01).all()


def test_digits_are_never_mirrored() -> None:
    ramp = np.tile(np.linspace(0, 255, 8, dtype=np.uint8)[:, None], (500, 8, 1, 1))
    for view in Views.of("digits")(ramp):
        assert (view[:, :, 0, 0].numpy() < view[:, :, -1, 0].numpy()).all()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_views_survive_their_config(name: str) -> None:
    made = dataclasses.replace(Views.of(name), size=(24, 16))
    assert Views.from_config(made.get_config()) == made
    assert made(photographs(2))[0].shape == (2, 24, 16, 3)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Views(View()), "Views(View())"),
        (Views(View(blur=0.5), size=(8, 12)), "Views(View(blur=0.5), size=(8, 12))"),
        (
            Views(View(), View(area=(0.2, 1.0), hue=0)),
            "Views(View(), View(area=(0.2, 1.0), hue=0))",
        ),
    ],
)
def test_views_say_what_is_not_as_by_default(made: Views, said: str) -> None:
    assert repr(made) == said
    assert eval(said) == made


# What is refused


@pytest.mark.parametrize(
    ("shape", "dtype", "said"),
    [
        ((4, 8, 8), "uint8", r"shape \(N, H, W, C\), C = 1 or 3. Received shape: \(4, 8, 8\)"),
        (
            (4, 8, 8, 2),
            "uint8",
            r"shape \(N, H, W, C\), C = 1 or 3. Received shape: \(4, 8, 8, 2\)",
        ),
        ((4, 8, 8, 3), "int32", "Expected images as uint8 in 0..255 or float.*dtype: int32"),
        ((2, 3, 3, 1), "uint8", r"every crop has a pixel or more a side: 0.08 of.*down to 0.73 pi"),
    ],
)
def test_images_that_cannot_be_used_are_refused(
    shape: tuple[int, ...], dtype: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Views.of("simclr")(np.zeros(shape, dtype))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"flip": 1.5}, "Expected flip to be a number from 0 to 1"),
        ({"hue": 0.6}, "Expected hue to be a number from 0 to 0.5"),
        ({"contrast": -1}, "Expected contrast to be a number of at least 0"),
        ({"area": (0.5, 0.2)}, r"Expected area to be a range.*Received: \(0.5, 0.2\)"),
        ({"area": (0.5, 2.0)}, "Expected area to be a range"),
        ({"area": 0.5}, "Expected area to be a range"),
        ({"area": (0, 1)}, "Expected area to be a number above 0"),
        ({"sigma": (1, 2, 3)}, "Expected sigma to be a range"),
        ({"rotation": 181}, "Expected rotation to be a number from 0 to 180"),
        ({"translation": -0.1}, "Expected translation to be a number of at least 0"),
        ({"zoom": (2, 1)}, r"Expected zoom to be a range.*Received: \(2, 1\)"),
        ({"mix": -1}, "Expected mix to be a number of at least 0"),
    ],
)
def test_views_that_cannot_be_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        View(**options)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((0, 8), r"Expected size to be an integer of at least 1\. Received: 0\."),
        ((8, 2.5), r"Expected size to be an integer of at least 1\. Received: 2\.5\."),
        (32, r"Expected size to be a pair \(height, width\)\. Received: 32\."),
        ((8,), r"Expected size to be a pair \(height, width\)\. Received: \(8,\)\."),
        ("88", r"Expected size to be a pair \(height, width\)\. Received: '88'\."),
    ],
)
def test_a_size_that_cannot_be_is_refused(size: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Views(View(), size=size)
