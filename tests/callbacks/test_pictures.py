"""Pictures in TensorBoard: which, when, and that they disturb nothing."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.callbacks import tiny
from zoo.callbacks import Pictures


def images(folder):
    """Name -> [(epoch, array)] of the images in TensorBoard's folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder / "pictures"), size_guidance={"tensors": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["tensors"]:
        for event in events.Tensors(tag):
            width, height, png = make_ndarray(event.tensor_proto)[:3]
            picture = np.asarray(Image.open(io.BytesIO(png)))
            assert picture.shape[:2] == (int(height), int(width))
            found.setdefault(tag, []).append((event.step, picture))
    return found


def test_every_picture_of_every_drawn_epoch_is_there(method, data, fit, tmp_path):
    fit(method, [Pictures(data, tmp_path, every=2, samples=40)], epochs=4)
    found = images(tmp_path)
    assert set(found) == {
        *("reconstructions", "traversal", "information"),
        *("embedding", "neighbours"),
    }
    for pictures in found.values():
        assert [step for step, _ in pictures] == [1, 3]
        assert all(picture.std() > 0 for _, picture in pictures)
    (_, before), (_, after) = found["reconstructions"]
    assert not np.array_equal(before, after)


def test_drawing_changes_no_training_result(data, fit, tmp_path):
    runs = []
    for callbacks in ([], [Pictures(data, tmp_path, samples=20)]):
        method = tiny.make()
        fit(method, callbacks, epochs=2)
        runs.append(tiny.everything(method))
    for got, expected in zip(*runs, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_codes_that_are_not_finite_are_not_drawn(method, data, fit, tmp_path):
    method.encoder.layers[-2].bias.assign([np.nan] * 3)
    fit(method, [Pictures(data, tmp_path, samples=20)], epochs=1)
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize(("name", "value"), [("every", 0), ("samples", 0), ("seed", -1)])
def test_strange_settings_are_refused(data, tmp_path, name, value):
    with pytest.raises(ValueError, match=rf"Expected {name} to be an integer .* Received: {value}"):
        Pictures(data, tmp_path, **{name: value})
