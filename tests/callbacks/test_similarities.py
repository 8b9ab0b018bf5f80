"""Similarities of views in TensorBoard."""

import numpy as np
import pytest

import zoo
from tests import contract, faults, parts
from tests.callbacks import tiny
from zoo.callbacks import Similarities


class Views(faults.TinyMoCo):
    """Momentum contrast of views."""

    def batches(self, data, batch_size, seed=0, start=0):
        return zoo.data.two_views(data, "digits", batch_size, seed, start)


def make():
    method = Views(parts.encoder(), parts.projector())
    method.compile("sgd", run_eagerly=True)
    return method


def written(folder):
    """Name -> {epoch: array} of what is in TensorBoard's folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder / "similarities"), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: {event.step: make_ndarray(event.tensor_proto) for event in events.Tensors(tag)}
        for tag in events.Tags()["tensors"]
    }


def test_histograms_of_the_same_pairs_are_written_each_epoch(data, tmp_path):
    method = make()
    tiny.fit(method, data, [Similarities(data, tmp_path, samples=6, seed=3)], epochs=2)
    found = written(tmp_path)
    assert set(found) == {"similarity/positive", "similarity/negative"}
    batch = next(iter(method.batches(data, 6, 3)))
    outputs = method.forward(batch, training=False)
    positive = np.sum(outputs["q"] * outputs["k"], axis=1)
    for tag, count in (("similarity/positive", 6), ("similarity/negative", 6 * 12)):
        assert sorted(found[tag]) == [0, 1]
        assert all(table[:, 2].sum() == count for table in found[tag].values())
    low, high = found["similarity/positive"][1][[0, -1], [0, 1]]
    np.testing.assert_allclose((low, high), (positive.min(), positive.max()), atol=1e-5)


def test_every_so_many_epochs(data, tmp_path):
    tiny.fit(make(), data, [Similarities(data, tmp_path, every=2, samples=4)], epochs=5)
    assert sorted(written(tmp_path)["similarity/positive"]) == [1, 3]


def test_a_queue_says_how_full_it_is(data, tmp_path):
    method = zoo.MoCo(parts.encoder(), parts.projector(), queue_size=24, views="digits")
    method.compile("sgd", run_eagerly=True)
    tiny.fit(method, data, [Similarities(data, tmp_path, samples=4)], epochs=3)
    found = written(tmp_path)
    filled, negative = found["queue/filled"], found["similarity/negative"]
    counts = {epoch: table[:, 2].sum() for epoch, table in negative.items()}
    assert counts == {0: 4 * 12, 1: 4 * 24, 2: 4 * 24}  # with the keys that are there
    assert {epoch: float(value) for epoch, value in filled.items()} == {0: 0.5, 1: 1.0, 2: 1.0}


def test_watching_changes_no_training_result(data, tmp_path):
    runs = []
    for callbacks in ([], [Similarities(data, tmp_path, samples=4)]):
        method = make()
        tiny.fit(method, data, callbacks, epochs=2)
        runs.append(contract.values(contract.state(method)))
    for got, expected in zip(*runs, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_method_without_views_is_refused_before_training(data, method, fit, tmp_path):
    message = r"Expected outputs called za and zb, or q and k.* Received: images, decoded"
    with pytest.raises(ValueError, match=message):
        fit(method, [Similarities(data, tmp_path, samples=4)], epochs=1)
    assert int(method.step) == 0


@pytest.mark.parametrize(("name", "value"), [("every", 0), ("samples", 1), ("seed", -1)])
def test_strange_settings_are_refused(data, tmp_path, name, value):
    with pytest.raises(ValueError, match=rf"Expected {name} to be an integer .* Received: {value}"):
        Similarities(data, tmp_path, **{name: value})
