"""Probes and the watch for collapse: scores in the logs, of images that are never the test half."""

import copy
import math
import warnings

import keras
import numpy as np
import pytest

import zoo
from tests import parts
from tests.callbacks import tiny
from zoo.callbacks import Collapse, KNNProbe, LinearProbe, Scores
from zoo.data import LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels
from zoo.metrics import scoring

PROBES = {"knn": KNNProbe, "linear_probe": LinearProbe}
each = pytest.mark.parametrize("name", PROBES)


def bars(n, test=20, attributes=False, classes=4):
    """Bars in one of four rows, which is their class, of random shades."""
    rng = np.random.default_rng(0)

    def half(n):
        labels = np.arange(n) % classes
        images = np.zeros((n, *parts.IMAGE_SHAPE), "uint8")
        for image, row in zip(images, labels, strict=True):
            image[2 * row : 2 * row + 2] = rng.integers(100, 255)
        given = np.stack([labels % 2, labels // 2], axis=1) if attributes else labels
        return LabelledImages("bars", ArrayPixels(images), given)

    names = "ab" if attributes else "abcd"[:classes]
    return LabelledData("bars", half(n), half(test), names)


@pytest.fixture(scope="session")
def labelled():
    return bars(400)


class Fixed(zoo.Method):
    """A method whose codes are what a given encoder makes of images; it learns nothing."""

    def forward(self, batch, training):
        return {"codes": self.encoder(self.prepare(batch), training=training)}

    def objective(self, codes):
        return {"loss": 0 * keras.ops.mean(codes)}


def knowing(scale=1.0):
    """A method whose codes are the rows' shades: the class of `bars`, times a scale, plus one."""
    images = keras.layers.Input(parts.IMAGE_SHAPE)
    rows = keras.layers.Flatten()(keras.layers.MaxPooling2D((2, 8))(images))
    codes = keras.layers.Rescaling(scale, offset=float(scale == 0))(rows)
    # A weight that trains, for the optimizer to hold on to.
    codes = keras.layers.Dense(4, kernel_initializer="identity", use_bias=False)(codes)
    method = Fixed(keras.Model(images, codes))
    method.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return method


@pytest.fixture(autouse=True)
def no_test_half(monkeypatch, labelled):
    """Nothing here may look at test images."""

    def read(self, rows, read=LabelledImages.read):
        assert self is not labelled.test, "the test half was read"
        return read(self, rows)

    monkeypatch.setattr(LabelledImages, "read", read)


# Probes


@each
def test_codes_that_are_the_class_score_one(name, labelled):
    callback = PROBES[name](labelled)
    history = tiny.fit(knowing(), labelled.train, [callback], epochs=2)
    assert history[name] == [1.0, 1.0]
    protocol = callback.scores[name].protocol
    assert (protocol["split"], protocol["train_samples"], protocol["samples"]) == (
        "validation",
        360,
        40,
    )


@each
def test_the_scores_are_those_of_the_metrics(name, labelled):
    options = {"knn": {"k": 9, "temperature": 0.5}, "linear_probe": {"label_share": 0.1}}[name]
    callback = PROBES[name](labelled, **options, samples=30, train_samples=50, seed=3)
    method = tiny.make()
    history = tiny.fit(method, labelled.train, [callback], epochs=1)
    expected = scoring.evaluate(
        lambda x: method.predict(x, verbose=0),
        labelled,
        {name: options},
        samples=30,
        train_samples=50,
        seed=3,
        split="validation",
    )
    assert callback.writes == (name,)
    assert history[name] == [expected[name].value]
    assert callback.scores == expected


@each
def test_a_probe_need_not_look_at_each_epoch(name, labelled):
    """Every second epoch: the first, the second, the fourth."""
    callback = PROBES[name](labelled, every=2)
    counts = []
    score = callback.score
    callback.score = lambda: counts.append(1) or score()
    history = tiny.fit(knowing(), labelled.train, [callback], epochs=4)
    assert len(counts) == 3
    assert history[name] == [1.0] * 4


@each
def test_codes_that_are_all_equal_are_at_chance(name, labelled):
    callback = PROBES[name](labelled)
    history = tiny.fit(knowing(scale=0.0), labelled.train, [callback], epochs=1)
    assert history[name] == [0.25]


@each
def test_codes_that_are_not_finite_score_nan(name, labelled):
    method = knowing()
    method.encoder.layers[-1].kernel.assign(np.full((4, 4), np.nan))
    callback = PROBES[name](labelled)
    history = tiny.fit(method, labelled.train, [callback], epochs=1)
    assert math.isnan(history[name][0])
    assert callback.scores == {}


@each
def test_probes_change_no_training_result(name, labelled):
    found = []
    for callbacks in ([], [PROBES[name](labelled)]):
        method = tiny.make(eager=False)
        history = tiny.fit(method, labelled.train, callbacks, epochs=2)
        found.append([*tiny.everything(method), history["loss"]])
    for got, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(got, expected)


@each
def test_a_probe_stands_before_what_reads_it(name, labelled):
    probe = PROBES[name](labelled)
    watch = keras.callbacks.EarlyStopping(monitor=name, mode="max")
    message = rf"Expected {type(probe).__name__} before EarlyStopping .*\({name}\)"
    with pytest.raises(ValueError, match=message):
        tiny.fit(tiny.make(), labelled.train, [watch, probe])


@pytest.mark.parametrize(
    "callback",
    [
        lambda data: KNNProbe(data, 5, 0.2, 30, 40, 2, 7),
        lambda data: LinearProbe(data, 0.5, 30, 40, 2, 7),
        lambda data: Collapse(data, 0.2, 1.5, True, 30, 2, 7),
        lambda data: Scores(data, "knn", 30, 2, 7, 40),
    ],
)
def test_a_copy_is_fresh_and_shares_the_data(callback, labelled):
    callback = callback(labelled)
    tiny.fit(tiny.make(), labelled.train, [callback], epochs=1)
    again = copy.deepcopy(callback)
    assert again.data is labelled
    fresh = {"scores", "last", "_pool", "_model", "params", "collapsed", "_dimensions"}
    kept = [name for name in vars(callback) if name not in fresh]
    assert [getattr(again, name) for name in kept] == [getattr(callback, name) for name in kept]
    assert again.last == again.scores == {}
    assert again.model is None


def test_an_encoder_of_any_method_is_scored_by_factors_too():
    history = tiny.fit(knowing(), tiny.bars(), [Scores(tiny.bars(), samples=200)], epochs=1)
    assert history["mig"][0] > 0
    assert history["sap"][0] > 0


def test_momentum_contrast_on_known_factors_is_scored_by_mig():
    data = tiny.bars()
    method = zoo.MoCo(parts.encoder(), parts.projector(), queue_size=24, views="digits")
    method.compile("sgd", run_eagerly=True)
    callback = zoo.callbacks.DisentanglementMetrics(data, metrics="mig", samples=48)
    history = tiny.fit(method, data, [callback], epochs=1, steps=1)
    images, factors = data.sample(48, seed=0)
    expected = zoo.metrics.mig(method.predict(images, verbose=0), factors)
    assert history["mig"] == [pytest.approx(expected, abs=1e-9)]
    assert callback.scores["mig"].protocol["data"] == "bars"


# Collapse


def test_codes_that_differ_have_not_collapsed(labelled):
    callback = Collapse(labelled)
    history = tiny.fit(knowing(), labelled.train, [callback], epochs=2)  # warnings are errors
    assert not callback.collapsed
    assert history["feature_deviation"][0] > 0.3
    assert 3 < history["effective_rank"][0] < 4  # four classes, of several shades


def test_collapse_is_told_once(labelled):
    callback = Collapse(labelled)
    message = (
        r"^The codes have collapsed in epoch 1: their feature deviation is 0 \(collapsed below "
        r"0\.01\), their effective rank 0 \(below 1\.1\)\.$"
    )
    with pytest.warns(UserWarning, match=message) as told:
        history = tiny.fit(knowing(scale=0.0), labelled.train, [callback], epochs=3)
    assert len(told) == 1
    assert callback.collapsed
    assert history["feature_deviation"] == history["effective_rank"] == [0.0] * 3
    with pytest.warns(UserWarning, match="collapsed in epoch 1"):  # another training
        tiny.fit(knowing(scale=0.0), labelled.train, [callback], epochs=1)


def test_a_line_is_a_collapse_too(labelled):
    method = knowing()
    kernel = np.zeros((4, 4))
    kernel[:, 0] = [1, -1, 2, -2]
    method.encoder.layers[-1].kernel.assign(kernel)
    with pytest.warns(UserWarning, match="effective rank 1 "):
        history = tiny.fit(method, labelled.train, [Collapse(labelled)], epochs=1)
    assert history["feature_deviation"][0] > 0.3


def of_one_dimension(weights):
    """A method whose code is a weighted sum of the rows' shades."""
    images = keras.layers.Input(parts.IMAGE_SHAPE)
    rows = keras.layers.Flatten()(keras.layers.MaxPooling2D((2, 8))(images))
    kernel = keras.initializers.Constant(np.reshape(weights, (4, 1)))
    method = Fixed(keras.Model(images, keras.layers.Dense(1, kernel_initializer=kernel)(rows)))
    method.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return method


def test_codes_of_one_dimension_are_a_line_and_no_collapse(labelled):
    callback = Collapse(labelled)
    history = tiny.fit(of_one_dimension([1, -1, 2, -2]), labelled.train, [callback], epochs=1)
    assert not callback.collapsed  # warnings are errors
    assert history["effective_rank"] == [1.0]
    with pytest.warns(UserWarning, match=r"deviation is 0 .* effective rank 0 \(below 0\)"):
        tiny.fit(of_one_dimension([0] * 4), labelled.train, [callback], epochs=1)


def test_collapse_can_stop_the_training(labelled):
    callback = Collapse(labelled, stop=True)
    with pytest.warns(UserWarning, match="collapsed in epoch 1"):
        history = tiny.fit(knowing(scale=0.0), labelled.train, [callback], epochs=5)
    assert len(history["loss"]) == 1


class Worn(Fixed):
    """Its codes differ, but something else of it does not."""

    def collapsed(self):
        return "all keys are one."


def test_a_method_says_what_else_has_collapsed(labelled):
    method = Worn(knowing().encoder)
    method.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    with pytest.warns(UserWarning, match=r"^In epoch 1: all keys are one\.$") as told:
        tiny.fit(method, labelled.train, [Collapse(labelled)], epochs=2)
    assert len(told) == 1


def test_bounds_of_zero_are_never_passed(labelled):
    callback = Collapse(labelled, least_deviation=0, least_rank=0)
    tiny.fit(knowing(scale=0.0), labelled.train, [callback], epochs=1)
    assert not callback.collapsed


def test_a_diverged_encoder_has_not_collapsed(labelled):
    method = knowing()
    method.encoder.layers[-1].kernel.assign(np.full((4, 4), np.nan))
    callback = Collapse(labelled)
    history = tiny.fit(method, labelled.train, [callback], epochs=1)
    assert math.isnan(history["effective_rank"][0])
    assert not callback.collapsed


def test_any_images_can_be_watched():
    for data in (tiny.bars(), bars(60).train, bars(60, attributes=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            history = tiny.fit(knowing(), getattr(data, "train", data), [Collapse(data)], epochs=1)
        assert np.isfinite(history["effective_rank"][0])


# Refusals


@each
def test_data_without_classes_are_refused(name, labelled):
    message = rf"^Expected class labels for {name}\. Received: {{}}, which has none\."
    for data, called in (
        (tiny.bars(), "bars"),
        (labelled.train, "bars"),
        (bars(40, attributes=True), r"bars \(labelled by attributes\)"),
    ):
        with pytest.raises(ValueError, match=message.format(called)):
            PROBES[name](data)


@each
def test_a_single_class_is_refused_before_training(name):
    data = bars(60, classes=1)
    method = knowing()
    with pytest.raises(ValueError, match=r"^Expected labels of at least two classes\. Received: 0"):
        tiny.fit(method, data.train, [PROBES[name](data)])
    assert int(method.step) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda data: KNNProbe(data, k=0), r"k to be an integer of at least 1\. Received: 0"),
        (lambda data: KNNProbe(data, temperature=0.0), r"temperature to be a number above 0"),
        (lambda data: KNNProbe(data, samples=19), r"samples to be an integer of at least 20"),
        (lambda data: KNNProbe(data, train_samples=0), r"train_samples to be an integer"),
        (lambda data: LinearProbe(data, label_share=0), r"label_share to be a number above 0"),
        (lambda data: LinearProbe(data, every=0), r"every to be an integer of at least 1"),
        (lambda data: Collapse(data, least_rank=-1), r"least_rank to be a number of at least 0"),
        (lambda data: Collapse(data, least_deviation="0"), r"least_deviation to be a number"),
        (lambda data: Collapse(data, stop=1), r"stop to be True or False\. Received: 1"),
        (lambda data: Collapse(data, seed=-1), r"seed to be an integer of at least 0"),
    ],
)
def test_strange_settings_are_refused(make, message, labelled):
    with pytest.raises(ValueError, match=f"^Expected {message}"):
        make(labelled)


def test_the_default_metrics_are_those_of_the_data(labelled):
    assert Scores(labelled).writes == ("knn",)
    assert Scores(tiny.bars()).writes == ("mig", "sap")
    with pytest.raises(ValueError, match=r"^Expected known factors for mig, sap\. "):
        Scores(labelled.train)
