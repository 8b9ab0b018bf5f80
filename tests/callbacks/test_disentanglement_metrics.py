"""The scores in the logs: who sees them, when they are taken, that they disturb nothing."""

import copy
import csv
import math
from typing import NamedTuple

import keras
import keras_tuner
import numpy as np
import pytest

import zoo
from tests.callbacks import tiny
from zoo.callbacks import DisentanglementMetrics, Scores
from zoo.metrics import scoring


class Fixed(keras.callbacks.Callback):
    """Stands in for a score: writes `mig` as it is told to."""

    writes = ("mig",)

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["mig"] = self.values[epoch]


def scorer(data, **settings):
    return DisentanglementMetrics(data, **{"samples": 60, **settings})


@pytest.fixture
def counted(monkeypatch):
    """The epochs that were scored."""
    scored = []
    score = Scores.score

    def counting(self):
        scored.append(int(self.model.optimizer.iterations) // 2 - 1)  # epochs of 2 steps
        return score(self)

    monkeypatch.setattr(Scores, "score", counting)
    return scored


# The scores


def test_the_scores_are_those_of_the_metrics(method, data, fit):
    callback = scorer(data, seed=3)
    history = fit(method, [callback], epochs=1)
    expected = scoring.evaluate(
        lambda x: method.predict(x, verbose=0), data, ("mig", "sap"), 60, 5_000, seed=3
    )
    for name, score in expected.items():
        assert history[name] == [pytest.approx(score.value, abs=1e-9)]
        assert callback.scores[name] == score
    assert callback.scores["mig"].protocol == {
        "data": "bars",
        "samples": 60,
        "bins": 20,
        "seed": 3,
    }
    assert callback.scores["sap"].protocol["test_samples"] == 5_000
    assert callback.scores["sap"].protocol["predictor"] == "svm"


def test_a_method_whose_codes_are_the_factors_scores_high(data, fit):
    class Knows(zoo.Method):
        def forward(self, batch, training):
            return {"codes": self.encoder(self.prepare(batch), training=training)}

        def objective(self, codes):
            return {"loss": 0 * keras.ops.mean(codes)}

    images = keras.layers.Input((8, 8, 1))
    row = keras.layers.Flatten()(keras.layers.MaxPooling2D((1, 8))(images))  # (8,)
    column = keras.layers.Flatten()(keras.layers.MaxPooling2D((8, 1))(images))  # (8,)
    place = keras.layers.Dense(1, kernel_initializer=weighing(np.arange(8)))(sign(row))
    shade = keras.layers.Dense(1, kernel_initializer=weighing(np.eye(8)[0]))(column)
    width = keras.layers.Dense(1, kernel_initializer=weighing(np.ones(8)))(sign(column))
    method = Knows(keras.Model(images, keras.layers.Concatenate()([place, shade, width])))
    method.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    history = fit(method, [scorer(data, samples=1000)], epochs=1)
    assert history["mig"][0] > 0.9
    assert history["sap"][0] > 0.3


def sign(tensor):
    return keras.layers.ReLU(max_value=1.0)(keras.layers.Rescaling(1e3)(tensor))


def weighing(weights):
    return keras.initializers.Constant(np.reshape(weights, (-1, 1)))


@pytest.mark.parametrize("metrics", [("sap",), "mig", ["sap", "mig"]])
def test_only_the_named_metrics_are_scored(method, data, fit, metrics):
    callback = scorer(data, metrics=metrics)
    history = fit(method, [callback], epochs=1)
    named = {metrics} if isinstance(metrics, str) else {*metrics}
    assert set(history) - {"loss", "kl", "reconstruction"} == named
    assert {*callback.writes} == named


class Halves(NamedTuple):
    """What a metric of several scores gives."""

    low: float
    high: float


@pytest.fixture
def invented(monkeypatch):
    """Two more metrics: `spread` needs no factors, `halves` gives two scores."""

    def spread(codes, least: int = 1) -> float:
        if len(codes) < least:
            raise ValueError(f"Expected {least} codes. Received: {len(codes)}.")
        return float(np.ptp(codes))

    def halves(codes, factors) -> Halves:
        return Halves(float(np.min(codes)), float(np.max(codes)))

    for function in (spread, halves):
        monkeypatch.setattr(zoo.metrics, function.__name__, function, raising=False)
    names = [*zoo.metrics.__all__, "spread", "halves"]
    monkeypatch.setattr(zoo.metrics, "__all__", names)


@pytest.mark.filterwarnings("always:left out")
def test_of_all_what_the_data_do_not_allow_is_left_out(method, data, fit, monkeypatch):
    def picky(codes) -> float:
        raise ValueError("Expected better codes.")

    monkeypatch.setattr(zoo.metrics, "picky", picky, raising=False)
    monkeypatch.setattr(zoo.metrics, "__all__", ["mig", "picky"])
    callback = scorer(data, metrics="all")
    with pytest.warns(UserWarning, match=r"^left out: picky: Expected better codes\.$") as warned:
        history = fit(method, [callback], epochs=1)
    assert len(warned) == 1  # nothing before the epoch
    assert "mig" in history
    assert {*callback.scores} == {*callback.last} == {"mig"}
    with pytest.raises(ValueError, match="better codes"):
        fit(method, [scorer(data, metrics="picky")], epochs=1)


def test_a_metric_of_several_scores_writes_them_all(invented, method, data, fit):
    callback = scorer(data, metrics=("halves", "spread"))
    assert callback.writes == ("halves_low", "halves_high", "spread")
    history = fit(method, [callback], epochs=2)
    for low, high, spread in zip(*(history[name] for name in callback.writes), strict=True):
        assert spread == pytest.approx(high - low)
    method.encoder.layers[-2].bias.assign([np.nan] * 3)
    assert callback.score() == {}
    assert set(callback.last) == set(callback.writes)


def test_images_without_factors_are_scored_by_what_needs_none(invented, method, data, fit):
    images = zoo.data.load("digits")
    history = fit(method, [scorer(images, metrics="spread")], epochs=1)
    assert history["spread"][0] > 0


def test_too_few_for_the_rehearsal_may_be_enough_in_all(invented, method, data, fit):
    callback = scorer(data, metrics={"spread": {"least": 600}}, samples=600)
    assert fit(method, [callback], epochs=1)["spread"]
    callback = scorer(data, metrics={"spread": {"least": 601}}, samples=600)
    with pytest.raises(ValueError, match=r"Expected 601 codes\. Received: 600\."):
        fit(method, [callback])


@pytest.mark.parametrize(
    ("every", "epochs", "expected"),
    [(1, 3, [0, 1, 2]), (2, 5, [0, 1, 3, 4]), (3, 4, [0, 2, 3]), (10, 3, [0, 2]), (10, 1, [0])],
)
def test_it_scores_the_first_the_last_and_every_so_many(
    method, data, fit, counted, every, epochs, expected
):
    history = fit(method, [scorer(data, metrics="mig", every=every)], epochs=epochs)
    assert counted == expected
    assert len(history["mig"]) == epochs
    for epoch in range(1, epochs):  # in between the last value is carried
        if epoch not in expected:
            assert history["mig"][epoch] == history["mig"][epoch - 1]


def test_scoring_changes_no_training_result(data, fit):
    runs = []
    for callbacks in ([], [scorer(data)]):
        method = tiny.make(eager=False)
        history = fit(method, callbacks)
        runs.append([*tiny.everything(method), history["loss"]])
    for got, expected in zip(*runs, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_images_are_drawn_once_and_before_training(method, data, fit, monkeypatch):
    draws = []
    sample = type(data).sample
    monkeypatch.setattr(
        type(data), "sample", lambda self, n, seed: draws.append(n) or sample(self, n, seed)
    )
    callback = scorer(data)
    assert draws == []
    fit(method, [callback])
    assert draws == [60, 5_000]


def test_codes_that_are_not_finite_score_nan(method, data, fit):
    method.encoder.layers[-1].bias.assign([np.nan] * 3)  # of logvar: the loss is NaN from the start
    method.encoder.layers[-2].bias.assign([np.nan] * 3)
    callback = scorer(data)
    history = fit(method, [callback], epochs=2)
    assert all(math.isnan(value) for name in ("mig", "sap") for value in history[name])
    assert callback.scores == {}


# Who sees them


def test_keras_callbacks_see_the_scores(method, data, fit, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="mig", mode="max", save_best_only=True
    )
    callbacks = [
        scorer(data),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.TensorBoard(tmp_path / "tensorboard", write_graph=False),
        checkpoint,
    ]
    history = fit(method, callbacks)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    for name in ("mig", "sap"):
        assert [float(row[name]) for row in rows] == pytest.approx(history[name])
    assert checkpoint.best == pytest.approx(max(history["mig"]))
    assert (tmp_path / "best.keras").exists()
    assert "epoch_mig" in scalars(tmp_path / "tensorboard" / "train")


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events.Tags()["tensors"]


def test_early_stopping_watches_a_score(method, fit):
    watch = keras.callbacks.EarlyStopping(monitor="mig", mode="max", patience=2)
    history = fit(method, [Fixed([0.1, 0.3, 0.2, 0.2, 0.9, 0.9]), watch], epochs=6)
    assert len(history["mig"]) == 4
    assert watch.best == 0.3


READERS = {
    "CSVLogger": lambda folder: keras.callbacks.CSVLogger(folder / "log.csv"),
    "TensorBoard": lambda folder: keras.callbacks.TensorBoard(folder),
    "EarlyStopping": lambda folder: keras.callbacks.EarlyStopping(monitor="mig", mode="max"),
    "ModelCheckpoint": lambda folder: keras.callbacks.ModelCheckpoint(
        folder / "best.keras", monitor="sap", mode="max", save_best_only=True
    ),
    "ReduceLROnPlateau": lambda folder: keras.callbacks.ReduceLROnPlateau("mig", mode="max"),
    "ProgressLines": lambda folder: zoo.callbacks.ProgressLines(None, 6),
}


@pytest.mark.parametrize("reader", READERS)
def test_it_refuses_to_stand_after_a_reader(method, data, fit, tmp_path, reader):
    callbacks = [READERS[reader](tmp_path), scorer(data)]
    message = (
        rf"Expected DisentanglementMetrics before {reader} in `callbacks`, which reads what it "
        rf"writes \(mig, sap\)\. Received: {reader}, DisentanglementMetrics\."
    )
    with pytest.raises(ValueError, match=message):
        fit(method, callbacks)
    assert int(method.step) == 0


def test_it_may_stand_after_what_reads_something_else(method, data, fit):
    watch = keras.callbacks.EarlyStopping(monitor="loss")
    assert fit(method, [watch, keras.callbacks.TerminateOnNaN(), scorer(data)], epochs=1)["mig"]


def test_a_lone_callback_needs_no_list(method, data, fit):
    assert len(fit(method, scorer(data))["mig"]) == 3


def test_a_keras_callback_list_is_looked_into(method, data, fit):
    watch = keras.callbacks.EarlyStopping(monitor="mig", mode="max")
    with pytest.raises(ValueError, match="Expected DisentanglementMetrics before EarlyStopping"):
        fit(method, keras.callbacks.CallbackList([watch, scorer(data)]))
    assert fit(method, keras.callbacks.CallbackList([scorer(data), watch]), epochs=1)["mig"]


# Copies


def test_a_copy_is_fresh_and_shares_the_data(method, data, fit):
    callback = scorer(data, metrics=("sap",), samples=70, every=2, seed=5)
    fit(method, [callback], epochs=1)
    again = copy.deepcopy(callback)
    assert again.data is data
    settings = ("metrics", "samples", "every", "seed")
    assert [getattr(again, s) for s in settings] == [("sap",), 70, 2, 5]
    assert again.last == again.scores == {}
    assert again.model is None
    assert fit(method, [again], epochs=1)["sap"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")
def test_keras_tuner_searches_by_a_score(data, tmp_path):
    def build(hp):
        return tiny.make(beta=hp.Float("beta", 0.5, 8.0, sampling="log"))

    tuner = keras_tuner.RandomSearch(
        build,
        objective=keras_tuner.Objective("mig", "max"),
        max_trials=2,
        directory=tmp_path,
        seed=0,
    )
    batches = data.batches(6)
    callbacks = [scorer(data, every=2)]
    tuner.search(batches, steps_per_epoch=2, epochs=2, callbacks=callbacks, verbose=0)
    assert all(0 <= trial.score <= 1 for trial in tuner.oracle.trials.values())
    assert len(tuner.oracle.trials) == 2


# Refusals


def test_an_unknown_metric_is_refused_with_the_nearest(data):
    with pytest.raises(ValueError, match=r"Unknown metric 'mgi'\. Did you mean 'mig'\?"):
        DisentanglementMetrics(data, metrics=("mgi",))


def test_no_metric_is_refused(data):
    with pytest.raises(ValueError, match="Expected at least one metric"):
        DisentanglementMetrics(data, metrics=())


@pytest.mark.parametrize(
    ("name", "value"),
    [("samples", 0), ("samples", 2.5), ("every", 0), ("every", True), ("seed", -1)],
)
def test_strange_settings_are_refused(data, name, value):
    with pytest.raises(ValueError, match=rf"Expected {name} to be an integer .* Received: {value}"):
        DisentanglementMetrics(data, **{name: value})


def test_data_without_factors_are_refused():
    images = zoo.data.load("digits")
    with pytest.raises(ValueError, match=r"Expected known factors for mig, sap\. .* digits"):
        DisentanglementMetrics(images)
