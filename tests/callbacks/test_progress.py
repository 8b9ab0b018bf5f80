"""Progress: a line an epoch everywhere, and a bar where there is a terminal."""

import io
import re

import keras
import pytest
from rich.console import Console

from tests.callbacks import tiny
from zoo.callbacks import DisentanglementMetrics, ProgressLines


def shown(data, *others, terminal=False, epochs=3, steps=2, **settings):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, color_system=None, **settings)
    callbacks = [*others, ProgressLines(console, epochs * steps)]
    tiny.fit(tiny.make(), data, callbacks, epochs=epochs, steps=steps)
    return file.getvalue()


def test_without_a_terminal_there_is_a_plain_line_an_epoch(data):
    text = shown(data)
    lines = text.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, 1):
        numbers = r"loss [\d.e+-]+  reconstruction [\d.e+-]+  kl [\d.e+-]+"
        assert re.fullmatch(rf"epoch {number}/3  {numbers}(  \d+:\d\d left)?", line)
    assert "left" not in lines[-1]  # nothing is left
    assert "\x1b" not in text
    assert "\r" not in text


def test_the_line_has_the_scores(data):
    scorer = DisentanglementMetrics(data, metrics="mig", samples=60)
    text = shown(data, scorer, epochs=1)
    assert f"mig {scorer.last['mig']:.4g}" in text


def test_a_long_line_is_not_broken(data):
    assert len(shown(data, width=30).splitlines()) == 3


def test_numbers_of_epochs_line_up(data):
    lines = shown(data, epochs=10, steps=1).splitlines()
    assert lines[0].startswith("epoch  1/10  ")
    assert lines[-1].startswith("epoch 10/10  ")


def test_on_a_terminal_there_is_a_bar_over_all_steps(data):
    text = shown(data, terminal=True)
    assert "training" in text
    assert "/6" in text
    assert "steps, left:" in text
    assert "\x1b[?25h" in text  # the cursor is shown again
    assert sum("epoch" in line for line in text.splitlines()) == 3


def test_the_bar_is_gone_though_fit_raises(data):
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError

    file = io.StringIO()
    lines = ProgressLines(Console(file=file, force_terminal=True), 6)
    with pytest.raises(RuntimeError):
        tiny.fit(tiny.make(), data, [Fails(), lines])
    assert file.getvalue().count("\x1b[?25h") == file.getvalue().count("\x1b[?25l") == 1


def test_a_resumed_bar_begins_where_the_run_stopped(data):
    places = []

    class Watching(ProgressLines):
        def on_train_begin(self, logs=None):
            super().on_train_begin(logs)
            places.append(self._bar.tasks[0].completed)

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            places.append(self._bar.tasks[0].completed)

    lines = Watching(Console(file=io.StringIO(), force_terminal=True), 4, done=3)
    tiny.fit(tiny.make(), data, [lines], epochs=2)
    assert places == [3, 3, 3, 3, 4]


def test_the_time_left_is_that_of_the_steps_left(data):
    now = [0.0]

    class HalfAMinute(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 30

    lines = shown(data, HalfAMinute(), get_time=lambda: now[0]).splitlines()
    assert lines[0].endswith("  2:00 left")
    assert lines[1].endswith("  1:00 left")


def test_a_score_that_is_no_number_is_shown(data):
    class Writes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mig"] = float("nan")

    assert "mig nan" in shown(data, Writes(), epochs=1)
