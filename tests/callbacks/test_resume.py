"""Exact resume: however a run ends, what follows is the run that was never stopped."""

import copy
import errno
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time

import keras
import numpy as np
import pytest

import zoo
from tests import parts
from tests.callbacks import killed, tiny
from zoo.callbacks import ProgressLines, Resume
from zoo.callbacks import resume as module

EPOCHS, STEPS = killed.EPOCHS, killed.STEPS


class Killed(BaseException):
    """As if the process had died."""


class KillAt(keras.callbacks.Callback):
    """Dies at one of its moments."""

    def __init__(self, moment, number):
        super().__init__()
        self.moment = (moment, number)

    def on_train_batch_end(self, batch, logs=None):
        self._die("step", int(self.model.step))

    def on_epoch_begin(self, epoch, logs=None):
        self._die("epoch begin", epoch)

    def on_epoch_end(self, epoch, logs=None):
        self._die("epoch end", epoch)

    def _die(self, *moment):
        if moment == self.moment:
            raise Killed


class Interrupt(keras.callbacks.Callback):
    """Is sent signals at one step, as Ctrl-C sends them."""

    def __init__(self, step, *signals):
        super().__init__()
        self.step, self.signals = step, signals

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step) == self.step:
            for number in self.signals:
                signal.raise_signal(number)


def go(folder, **settings):
    """A run to its end."""
    folder.mkdir(exist_ok=True)
    killed.train(folder, **settings)
    return folder


def die(folder, moment, number, **settings):
    """A run that dies."""
    folder.mkdir(exist_ok=True)
    with pytest.raises(Killed):
        killed.train(folder, between=[KillAt(moment, number)], **settings)


def checkpoints(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never stopped."""
    return go(tmp_path_factory.mktemp("whole"), minutes=10)


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """A run that died in its second epoch, two of whose steps it had saved."""
    folder = tmp_path_factory.mktemp("dead")
    die(folder, "step", STEPS + 3, minutes=0)
    assert checkpoints(folder) == [f"epoch-000001-batch-{batch:08}" for batch in (1, 2)]
    return folder


# The same bits


@pytest.mark.parametrize(
    ("moment", "number", "minutes"),
    [
        ("step", 1, 0),
        ("step", 1, 10),  # before the first checkpoint
        ("step", STEPS, 0),  # the last of an epoch, before its end
        ("step", STEPS + 1, 10),
        ("step", 2 * STEPS + 2, 0),
        ("epoch begin", 2, 10),
        ("epoch end", 2, 0),
        ("epoch end", EPOCHS - 1, 10),
    ],
)
def test_a_run_that_died_ends_as_one_that_did_not(whole, tmp_path, moment, number, minutes):
    die(tmp_path, moment, number, minutes=minutes)
    assert killed.ends_equal(go(tmp_path, minutes=minutes), whole)


@pytest.mark.slow
def test_a_run_may_die_again_and_again(whole, tmp_path):
    for moment in [("step", 2), ("step", 2), ("epoch end", 1), ("step", 8), ("epoch begin", 3)]:
        die(tmp_path, *moment, minutes=0)
    assert killed.ends_equal(go(tmp_path), whole)


def test_it_may_die_while_it_saves(whole, tmp_path, monkeypatch):
    def dying(path):
        raise Killed

    die(tmp_path, "step", 5, minutes=0)
    with monkeypatch.context() as patch:
        patch.setattr("zoo.files.sync", dying)
        with pytest.raises(Killed):
            go(tmp_path)
    assert killed.ends_equal(go(tmp_path), whole)


@pytest.mark.slow
def test_a_graph_of_several_steps_resumes_too(tmp_path):
    settings = {"steps_per_execution": 2, "eager": False, "minutes": 0}
    whole = go(tmp_path / "whole", **settings)
    for moment in [("step", 8), ("epoch end", 2)]:  # Keras makes 3 steps into two executions of 2
        die(tmp_path / "killed", *moment, **settings)
    assert killed.ends_equal(go(tmp_path / "killed", **settings), whole)


@pytest.mark.slow
def test_the_scale_of_a_float16_loss_resumes(mixed_float16, data, tmp_path):
    ends = []
    for name, stops in {"whole": [], "killed": [5]}.items():
        for stop in [*stops, None]:
            method = tiny.make(optimizer=keras.optimizers.Adam(1e-2))
            resume = Resume(tmp_path / name, minutes=0)
            kill = [KillAt("step", stop)] if stop else []
            try:
                tiny.fit(method, data, [*kill, resume], steps=4, start=resume.step)
            except Killed:
                continue
        ends.append(tiny.everything(method))
    assert type(method.optimizer).__name__ == "LossScaleOptimizer"
    for got, expected in zip(*ends, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.slow
def test_validation_is_part_of_the_history(data, tmp_path):
    def train(folder, *stops):
        method = tiny.make()
        resume = Resume(folder, minutes=0)
        return method.fit(
            method.batches(data, 6, start=resume.step),
            steps_per_epoch=3,
            epochs=3,
            validation_data=(data.read([0, 1, 2]),),
            callbacks=[*stops, resume],
            verbose=0,
        ).history

    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "killed", KillAt("step", 5))
    assert train(tmp_path / "killed") == whole
    assert len(whole["val_loss"]) == 3


def test_early_stopping_stops_where_it_would_have(data, tmp_path):
    def train(folder, *stops):
        method = tiny.make()
        watch = keras.callbacks.EarlyStopping("loss", mode="max", patience=2)  # ever worse
        resume = Resume(folder)
        history = tiny.fit(method, data, [watch, *stops, resume], epochs=9, start=resume.step)
        return history, watch.stopped_epoch, tiny.everything(method)

    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "killed", KillAt("step", 5))
    resumed = train(tmp_path / "killed")
    assert len(whole[0]["loss"]) < 9
    assert resumed[:2] == whole[:2]
    again = train(tmp_path / "killed")  # a run that stopped early has no epoch left
    assert again[0] == whole[0]
    for got, also, expected in zip(resumed[2], again[2], whole[2], strict=True):
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(also, expected)


def test_a_least_improvement_keeps_its_sign(data, tmp_path):
    for epochs in (1, 2):  # Keras turns it when a value that should fall is first compared
        watch, resume = keras.callbacks.EarlyStopping("loss", min_delta=0.5), Resume(tmp_path)
        tiny.fit(tiny.make(), data, [watch, resume], epochs=epochs, start=resume.step)
        assert watch.min_delta == -0.5


def test_a_finished_run_does_nothing_and_has_its_history(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "again")
    (tmp_path / "again" / "end.npz").unlink()
    before = checkpoints(whole)
    assert killed.ends_equal(go(tmp_path / "again"), whole)
    assert checkpoints(tmp_path / "again") == before


@pytest.mark.slow
def test_a_finished_run_may_be_made_longer(tmp_path):
    longer = go(tmp_path / "longer", epochs=4)
    go(tmp_path / "first", epochs=3)
    first = json.loads((tmp_path / "first" / "end.json").read_text())
    assert len(first["history"]["loss"]) == 3
    go(tmp_path / "first", epochs=4)
    end = [json.loads((run / "end.json").read_text()) for run in (longer, tmp_path / "first")]
    assert end[0]["history"]["loss"] == end[1]["history"]["loss"]


def test_it_tells_where_to_go_on(data, tmp_path):
    fresh = Resume(tmp_path)
    assert (fresh.step, fresh.epoch) == (0, 0)
    with pytest.raises(Killed):
        tiny.fit(tiny.make(), data, [KillAt("step", 6), Resume(tmp_path, minutes=0)], steps=4)
    there = Resume(tmp_path)
    assert (there.step, there.epoch) == (5, 1)


def test_one_resume_serves_one_fit_after_another(data, tmp_path):
    resume, method = Resume(tmp_path), tiny.make()
    for epochs in (2, 4):
        history = tiny.fit(method, data, [resume], epochs=epochs, start=resume.step)
        assert len(history["loss"]) == epochs
        assert resume.step == 2 * epochs
    assert int(method.step) == 8


def test_a_callback_that_joins_later_takes_no_others_state(data, tmp_path):
    before, first, second = (keras.callbacks.EarlyStopping("loss", patience=9) for _ in range(3))
    tiny.fit(tiny.make(), data, [before, Resume(tmp_path)])
    resume = Resume(tmp_path)
    joined = [keras.callbacks.TerminateOnNaN(), first, second, resume]
    tiny.fit(tiny.make(), data, joined, start=resume.step)
    assert first.best == before.best
    assert second.best is None


def test_a_bar_goes_on_from_the_epoch_it_is_in(data, tmp_path):
    from rich.console import Console

    class Watching(ProgressLines):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            places.append(self._step)

    def train(*stops):
        resume = Resume(tmp_path)
        with open(os.devnull, "w") as file:
            lines = Watching(Console(file=file), 8, resume.step)
            tiny.fit(tiny.make(), data, [lines, *stops, resume], epochs=4, start=resume.step)

    places = []
    with pytest.raises(Killed):
        train(KillAt("step", 5))
    places.clear()
    train()
    assert places == [5, 6, 7, 8]


def test_batches_before_the_checkpoint_are_counted_not_trained(data, tmp_path):
    with pytest.raises(Killed):
        tiny.fit(tiny.make(), data, [KillAt("step", 4), Resume(tmp_path, minutes=0)], steps=6)
    method, resume = tiny.make(), Resume(tmp_path)
    with pytest.raises(Killed):  # while it counts: the next fit must train again
        tiny.fit(method, data, [KillAt("epoch begin", 0), resume], steps=6)
    tiny.fit(method, data, [resume], steps=6, epochs=1, start=resume.step)
    assert int(method.step) == 6


# Being told to stop


@pytest.mark.parametrize(
    ("number", "error", "step"),
    [
        (signal.SIGINT, KeyboardInterrupt, 2),
        (signal.SIGTERM, SystemExit, 2),
        (signal.SIGINT, KeyboardInterrupt, STEPS),  # at the end of an epoch
    ],
)
def test_a_signal_ends_the_run_after_a_checkpoint(whole, tmp_path, capfd, number, error, step):
    before = signal.getsignal(number)
    with pytest.raises(error) as raised:
        killed.train(tmp_path, minutes=10, between=[Interrupt(step, number)])
    if error is SystemExit:
        assert raised.value.code == 143
    heard = "zoo: stopping once this step is done; Ctrl-C again stops at once"
    assert (heard in capfd.readouterr().err) == (number == signal.SIGINT)
    assert checkpoints(tmp_path) == [f"epoch-000000-batch-{step:08}"]
    assert signal.getsignal(number) is before
    assert killed.ends_equal(go(tmp_path), whole)


@pytest.mark.parametrize(
    ("second", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_second_signal_ends_it_at_once(data, tmp_path, second, error):
    both = Interrupt(2, signal.SIGINT, second)
    with pytest.raises(error):
        tiny.fit(tiny.make(), data, [both, Resume(tmp_path)], steps=4)
    assert not list(tmp_path.iterdir())


def test_a_signal_between_two_epochs_is_heard(data, tmp_path):
    class AtTheEnd(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tiny.fit(tiny.make(), data, [AtTheEnd(), Resume(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-000001-batch-00000000"]


def test_a_signal_when_all_is_trained_is_heard(data, tmp_path):
    class AtTheEnd(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tiny.fit(tiny.make(), data, [AtTheEnd(), Resume(tmp_path)], epochs=1)


def test_signals_are_given_back_when_fit_raises(data, tmp_path):
    def mine(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, mine), signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(Killed):
            tiny.fit(tiny.make(), data, [KillAt("step", 1), Resume(tmp_path)])
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is before[1]
    finally:
        signal.signal(signal.SIGTERM, before[0])


def test_all_callbacks_take_their_leave_though_one_raises(data, tmp_path):
    left = []

    class Guest(keras.callbacks.Callback):
        def part(self):
            left.append(self)

    guests = Guest(), Guest()

    class Rude(Guest):
        def part(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.fit(tiny.make(), data, [guests[0], Rude(), guests[1]], epochs=1)
    assert {*left} == {*guests}


def test_it_works_in_a_thread(whole, tmp_path):
    errors = []

    def train():
        try:
            go(tmp_path)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert not errors
    assert killed.ends_equal(tmp_path, whole)


# Damage


def truncated(folder):
    weights = folder / module.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-100])


def flipped(folder):
    state = folder / module.STATE
    body = bytearray(state.read_bytes())
    body[body.index(b"loss") + 20] ^= 1
    state.write_bytes(bytes(body))


def half_a_state(folder):
    state = folder / module.STATE
    state.write_text(state.read_text()[:50])


def no_record(folder):
    (folder / module.STATE).write_text("[]")


def without_weights(folder):
    (folder / module.WEIGHTS).unlink()


def without_state(folder):
    (folder / module.STATE).unlink()


DAMAGES = [truncated, flipped, half_a_state, no_record, without_weights, without_state]


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_a_damaged_checkpoint_the_one_before_is_used(dead, tmp_path, damage):
    shutil.copytree(dead, tmp_path / "run")
    newest = checkpoints(tmp_path / "run")[-1]
    damage(tmp_path / "run" / "checkpoints" / newest)
    with pytest.warns(UserWarning, match=rf"The checkpoint .*{newest} is damaged") as warned:
        assert Resume(tmp_path / "run" / "checkpoints").step == STEPS + 1
    assert len(warned) == 1
    assert warned[0].filename == __file__


def test_the_run_goes_on_from_the_one_before(whole, dead, tmp_path):
    shutil.copytree(dead, tmp_path / "run")
    truncated(tmp_path / "run" / "checkpoints" / checkpoints(dead)[-1])
    with pytest.warns(UserWarning, match="damaged"):
        go(tmp_path / "run")
    assert killed.ends_equal(tmp_path / "run", whole)


def test_if_all_are_damaged_the_run_starts_anew(whole, tmp_path):
    die(tmp_path, "epoch end", 2, minutes=0)
    for name in checkpoints(tmp_path):
        truncated(tmp_path / "checkpoints" / name)
    with pytest.warns(UserWarning, match="damaged") as warned:
        resume = Resume(tmp_path / "checkpoints")
    assert len(warned) == module.KEEP
    assert resume.step == 0
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(Killed):
        killed.train(tmp_path, minutes=10, between=[KillAt("step", STEPS + 2)])
    assert checkpoints(tmp_path) == ["epoch-000001-batch-00000000"]  # damaged ones are swept
    assert killed.ends_equal(go(tmp_path), whole)


def test_only_the_newest_checkpoints_stay(whole, dead):
    assert checkpoints(whole) == [f"epoch-{n:06}-batch-00000000" for n in (EPOCHS - 1, EPOCHS)]
    assert len(checkpoints(dead)) == module.KEEP


def test_what_a_killed_process_left_half_written_is_swept(data, tmp_path):
    half = tmp_path / ".zoo-abc.partial"
    half.mkdir()
    (half / "partial").write_text("half")
    tiny.fit(tiny.make(), data, [Resume(tmp_path)], epochs=1)
    assert not half.exists()


def test_a_full_disk_leaves_the_checkpoint_before(whole, tmp_path, monkeypatch):
    die(tmp_path, "step", 4, minutes=0)
    before = checkpoints(tmp_path)

    def full(*arguments, **settings):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for target in ("zoo.files.sync", "pathlib.Path.write_text", "keras.Model.save"):
        with monkeypatch.context() as patch:
            patch.setattr(target, full)
            with pytest.raises(OSError, match="No space left on device"):
                killed.train(tmp_path)
        assert checkpoints(tmp_path) == before
    assert killed.ends_equal(go(tmp_path), whole)


# Refusals


def trained(folder, data, **settings):
    tiny.fit(tiny.make(**settings), data, [Resume(folder)])


def test_a_checkpoint_of_another_method_is_refused(data, tmp_path):
    trained(tmp_path, data)
    method = zoo.VAE(parts.gaussian_encoder(), parts.decoder())
    method.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"Expected the method that wrote .*BetaVAE\(.*: VAE\("):
        tiny.fit(method, data, [Resume(tmp_path)])
    assert int(method.step) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": 8.0}, r"beta=4\.0.*Received: .*beta=8\.0"),
        ({"reconstruction": "gaussian"}, r"'bernoulli'.*Received: .*'gaussian'"),
        ({"optimizer": keras.optimizers.Adam()}, r"under SGD\. Received: .*under Adam\."),
    ],
)
def test_other_settings_are_refused(data, tmp_path, settings, message):
    trained(tmp_path, data)
    with pytest.raises(ValueError, match=message):
        tiny.fit(tiny.make(**settings), data, [Resume(tmp_path)])


def test_networks_of_another_size_are_refused(data, tmp_path):
    trained(tmp_path, data)
    networks = parts.gaussian_encoder(latents=5), parts.decoder(latents=5)
    method = zoo.BetaVAE(*networks)
    method.compile(keras.optimizers.SGD(), run_eagerly=True)
    with pytest.raises(ValueError, match=r"of \d+ weights .*Received: .* of \d+ weights"):
        tiny.fit(method, data, [Resume(tmp_path)])


def test_epochs_of_another_length_are_refused(data, tmp_path):
    trained(tmp_path, data)
    message = r"Expected epochs of 2 steps, .*Received: 3\."
    with pytest.raises(ValueError, match=message):
        tiny.fit(tiny.make(), data, [Resume(tmp_path)], steps=3)


def test_steps_per_execution_that_cannot_stop_there_are_refused(data, tmp_path):
    with pytest.raises(Killed):
        tiny.fit(tiny.make(), data, [KillAt("step", 4), Resume(tmp_path, minutes=0)], steps=6)
    method = tiny.make(eager=False, steps_per_execution=2)
    with pytest.raises(ValueError, match=r"steps_per_execution to divide 3, .*Received: 2\."):
        tiny.fit(method, data, [Resume(tmp_path)], steps=6)


def test_it_must_be_last(data, tmp_path):
    callbacks = [Resume(tmp_path), keras.callbacks.TerminateOnNaN()]
    with pytest.raises(ValueError, match=r"Expected Resume last .*Resume, TerminateOnNaN\."):
        tiny.fit(tiny.make(), data, callbacks)


def test_best_weights_in_memory_are_refused(data, tmp_path):
    watch = keras.callbacks.EarlyStopping("loss", restore_best_weights=True)
    message = r"hold no weights in memory .*EarlyStopping\(restore_best_weights=True\)\."
    with pytest.raises(ValueError, match=message):
        tiny.fit(tiny.make(), data, [watch, Resume(tmp_path)])


def test_another_kind_of_model_is_refused(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"in the fit of a zoo\.Method\. Received: Sequential\."):
        model.fit(np.zeros((4, 2)), np.zeros(4), callbacks=[Resume(tmp_path)], verbose=0)


@pytest.mark.parametrize("minutes", [-1, float("nan"), "10", None])
def test_strange_minutes_are_refused(tmp_path, minutes):
    with pytest.raises(ValueError, match="Expected minutes to be a number of at least 0"):
        Resume(tmp_path, minutes=minutes)


def test_it_can_be_copied(tmp_path):
    assert copy.deepcopy(Resume(tmp_path)).path == tmp_path


# Real processes, really killed


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")  # imports TensorFlow once for all
    context.set_forkserver_preload(["tests.callbacks.killed"])
    return context


def wait_for_step(folder, step, process):
    """Until that many steps are done."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.is_alive():
        path = folder / "step"
        if path.exists() and int(path.read_text() or 0) >= step:
            return
        time.sleep(0.001)
    raise AssertionError(f"step {step} was not reached: exit code {process.exitcode}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"eager": True, "minutes": 0.0},
        {"eager": False, "minutes": 10.0},
        {"eager": False, "minutes": 0.0, "steps_per_execution": 2},
        {"eager": False, "minutes": 0.0, "make": tiny.make_moco},
        {"eager": False, "minutes": 0.0, "make": tiny.make_pico},
    ],
    ids=[
        "each step saved",
        "each epoch saved",
        "two steps at once",
        "queue, twins and views",
        "confidences, prototypes and a queue with labels",
    ],
)
def test_runs_killed_at_random_moments(processes, tmp_path, settings):
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    for path in (whole, folder):
        path.mkdir()
    run = processes.Process(target=killed.main, args=(str(whole), settings))
    run.start()
    run.join()
    assert run.exitcode == 0
    moments = np.random.default_rng(0)
    for step in np.sort(moments.integers(1, EPOCHS * STEPS - 1, 4)):
        run = processes.Process(target=killed.main, args=(str(folder), settings))
        run.start()
        wait_for_step(folder, step, run)
        time.sleep(moments.uniform(0, 0.03))
        run.kill()
        run.join()
        assert run.exitcode == -signal.SIGKILL
    run = processes.Process(target=killed.main, args=(str(folder), settings))
    run.start()
    run.join()
    assert run.exitcode == 0
    assert killed.ends_equal(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_is_told_to_stop_saves_first(processes, whole, tmp_path, number, code):
    settings = {"eager": True, "minutes": 10.0}
    run = processes.Process(target=killed.main, args=(str(tmp_path), settings))
    run.start()
    wait_for_step(tmp_path, 3, run)
    os.kill(run.pid, number)
    run.join()
    assert run.exitcode == code
    assert Resume(tmp_path / "checkpoints").step >= 3
    assert killed.ends_equal(go(tmp_path), whole)
