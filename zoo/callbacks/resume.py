"""Exact resume: a killed run goes on to the same bits."""

from __future__ import annotations

import collections
import hashlib
import json
import os
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from zoo import checks
from zoo.files import remove_partials, replacing, sha256

WEIGHTS = "state.keras"  # HDF5 by itself crashes the process when the disk is full
STATE = "state.json"
KEEP = 2  # checkpoints: should the newest be damaged, there is the one before
PLAIN = (bool, int, float, str, type(None))
STDERR = 2
STOPPING = b"\nzoo: stopping once this step is done; Ctrl-C again stops at once\n"
SETTINGS = ("params", "min_delta")  # Keras turns min_delta's sign when it first compares


class Resume(keras.callbacks.Callback):
    """Keeps checkpoints in a folder, and goes on from the newest when `fit` is called again.

    A run that was killed at any step and started again with the same arguments ends with the
    weights, optimizer, random states, history and scores of one that was never killed. The data
    must go on where it stopped too: `zoo.data` batches take the step to start from.

    A checkpoint is written after each epoch and, where the data are an endless stream as those
    are, every `minutes` within an epoch and on Ctrl-C or SIGTERM (which then end the run as they
    would have). Each is written beside the last, synced and renamed; a damaged one is noticed and
    the one before used.

    Ctrl-C waits for the step to be done, of which the first takes long, and says that it was heard;
    a second one ends the run at once.

    Put it last in the list of callbacks. What the others hold in plain attributes (EarlyStopping's
    patience, ModelCheckpoint's best) is saved and restored too. A copy of the best weights in
    memory is not: EarlyStopping(restore_best_weights=True) is refused, and so is a CSVLogger
    without append=True, which would begin its file anew.

    Args:
        path: The folder of checkpoints. Made if absent.
        minutes: Time between checkpoints within an epoch.

    Attributes:
        step: Training batches done by the newest checkpoint, 0 without one: where data start.
        epoch: Epochs done by the newest checkpoint.

    Raises:
        ValueError: In `fit`, where the checkpoint is of another method, of other settings, or of
            epochs of another length; or where other callbacks stand after this one.

    Example:
        >>> resume = Resume("run/checkpoints")  # doctest: +SKIP
        >>> batches = data.batches(64, seed=0, start=resume.step)  # doctest: +SKIP
        >>> method.fit(batches, steps_per_epoch=300, callbacks=[resume])  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str], minutes: float = 10.0) -> None:
        super().__init__()
        self.path = Path(path)
        self.minutes = checks.number("minutes", minutes, low=0)
        self._checkpoint, self._state = _newest(self.path)
        self._neighbours: dict[str, Any] | None = None
        self._endless = True
        self._fresh: dict[str, dict[str, Any]] = {}  # what the neighbours held before training
        self._history: dict[str, list[float]] = {}
        self._epoch = self._batch = self._step = 0  # epochs, batches within this one, all batches
        self._pending = False  # weights are loaded; callbacks and history are not yet put back
        self._signal: int | None = None
        self._handlers: dict[int, Any] = {}

    @property
    def step(self) -> int:
        """Training batches done by the newest checkpoint."""
        return self._state.get("step", 0)

    @property
    def epoch(self) -> int:
        """Epochs done by the newest checkpoint."""
        return self._state.get("epoch", 0)

    def meet(self, neighbours: Sequence[Any], endless: bool) -> keras.callbacks.Callback:
        """Remembers the other callbacks, whose plain attributes are part of a checkpoint.

        Args:
            neighbours: All callbacks, this one last.
            endless: Whether the data are a stream without end, which can start at any batch.
                Other data begin anew with each `fit`, so that only whole epochs can be saved.

        Returns:
            A callback that puts them back before any of them hears of the first epoch.

        Raises:
            ValueError: This is not the last, or one cannot go on: it holds weights in memory, or
                begins its file anew.
        """
        self._endless = endless
        if neighbours[-1] is not self:
            raise ValueError(
                "Expected Resume last in `callbacks`: it saves what the others hold. "
                f"Received: {', '.join(type(callback).__name__ for callback in neighbours)}."
            )
        for callback in neighbours:
            if getattr(callback, "restore_best_weights", False):
                raise ValueError(
                    "Expected callbacks that hold no weights in memory beside Resume, e.g. "
                    "ModelCheckpoint(save_best_only=True). Received: "
                    f"{type(callback).__name__}(restore_best_weights=True)."
                )
            if not getattr(callback, "append", True):
                raise ValueError(
                    "Expected callbacks that go on with their files beside Resume: "
                    f"{type(callback).__name__}(append=True). Received: append=False."
                )
        self._neighbours = _named(neighbours[:-1])
        return keras.callbacks.LambdaCallback(on_epoch_begin=self._before_epoch)

    def on_train_begin(self, logs: Any = None) -> None:
        """Restores the newest checkpoint and listens for Ctrl-C and SIGTERM."""
        if self._neighbours is None:
            raise ValueError(
                "Expected Resume in the fit of a zoo.Method. "
                f"Received: {type(self.model).__name__}."
            )
        self._fresh = {name: _plain_state(callback) for name, callback in self._neighbours.items()}
        remove_partials(self.path)
        self._saved_at = time.monotonic()
        self._epoch, self._batch, self._step = self.epoch, 0, self.step
        self._history = {}
        if self._state:
            self._check_fits(self._state)
            self.model.load_weights(self._checkpoint / WEIGHTS)
            self._batch = self._state["batch"]
            self._history = {k: list(v) for k, v in self._state["history"].items()}
            # As Keras's BackupAndRestore tells fit; a run that stopped early has no epoch left.
            left_from = self.params["epochs"] if self._state["stopped"] else self._epoch
            self.model._initial_epoch = left_from
            self._pending = True
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)

    def _before_epoch(self, epoch: int, logs: Any = None) -> None:
        if self._pending and not self._batch:
            self._restore()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Goes to the checkpoint's place within the epoch: its running means and its batch."""
        if self._pending:
            for variable, value in zip(self._means(), self._state["means"], strict=True):
                variable.assign(value)
            self._skip(self._batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves within the epoch, when it is time or the run is told to stop."""
        if self._pending:
            if batch + 1 >= self._batch:  # at the checkpoint's place
                self._restore()
            return
        self._step += batch + 1 - self._batch
        self._batch = batch + 1
        if self.model.stop_training:  # the epoch ends here, and is saved there
            return
        due = time.monotonic() - self._saved_at > 60 * self.minutes
        if self._endless and (due or self._signal):
            self._save()
        self._obey()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves after the epoch."""
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(float(value))
        self._epoch, self._batch = epoch + 1, 0
        self._save()
        self._obey()

    def on_train_end(self, logs: Any = None) -> None:
        """Leaves the whole history to a run that had nothing left to do."""
        if self._pending:
            self._restore()

    def part(self) -> None:
        """Gives the signals back, however `fit` ended."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
        self._handlers = {}
        self._neighbours = None
        if self.model is not None:
            self.model._initial_epoch = None
            if self._pending:  # fit ended before the checkpoint's place
                self.model.train_function = None
        self._pending = False
        self._checkpoint, self._state = _newest(self.path)
        self._obey()

    def _on_signal(self, number: int, frame: Any) -> None:
        told_before, self._signal = self._signal, number
        if told_before:  # at once, without a checkpoint
            self._obey()
        elif number == signal.SIGINT:  # someone waits for an answer; the first step takes long
            os.write(STDERR, STOPPING)  # print may be what was interrupted

    def _obey(self) -> None:
        number, self._signal = self._signal, None
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        if number:
            raise SystemExit(128 + number)

    def _skip(self, batches: int) -> None:
        """Lets `fit` count through the batches that were done before the checkpoint."""
        train = self.model.train_function
        remaining = -(-batches // self.model.steps_per_execution)

        def already_done(iterator: Any) -> dict[str, Any]:
            nonlocal remaining
            remaining -= 1
            if remaining == 0:
                self.model.train_function = train
            return self.model.get_metrics_result()

        self.model.train_function = already_done

    def _means(self) -> list[keras.Variable]:
        """Running means of the epoch's logs: `fit` resets them when an epoch begins."""
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _restore(self) -> None:
        """Puts back what the callbacks and the history held."""
        self._pending = False
        history = self.model.history
        history.history = {k: list(v) for k, v in self._history.items()}
        history.epoch = list(range(self._epoch))
        for name, callback in (self._neighbours or {}).items():
            vars(callback).update(self._state["neighbours"].get(name, {}))

    def _moved_neighbours(self) -> dict[str, dict[str, Any]]:
        """Of each neighbour the plain attributes that training has changed."""
        moved = {}
        for name, callback in (self._neighbours or {}).items():
            fresh, state = self._fresh[name], _plain_state(callback)
            moved[name] = {k: v for k, v in state.items() if k not in fresh or fresh[k] != v}
        return moved

    def _check_fits(self, state: dict[str, Any]) -> None:
        method, steps = _fingerprint(self.model), (self.params or {}).get("steps")
        if state["method"] != method:
            raise ValueError(
                f"Expected the method that wrote {self.path}: {state['method']}. "
                f"Received: {method}."
            )
        if None not in (steps, state["steps_per_epoch"]) and steps != state["steps_per_epoch"]:
            raise ValueError(
                f"Expected epochs of {state['steps_per_epoch']} steps, as in the run that wrote "
                f"{self.path}. Received: {steps}."
            )
        if state["batch"] % self.model.steps_per_execution:
            raise ValueError(
                f"Expected steps_per_execution to divide {state['batch']}, the batches of this "
                f"epoch that {self.path} has done. Received: {self.model.steps_per_execution}."
            )

    def _save(self) -> None:
        state = {
            "step": self._step,
            "epoch": self._epoch,
            "batch": self._batch,
            "stopped": self.model.stop_training,
            "steps_per_epoch": (self.params or {}).get("steps"),
            "method": _fingerprint(self.model),
            "history": self._history,
            "means": [keras.ops.convert_to_numpy(v).tolist() for v in self._means()],
            "neighbours": self._moved_neighbours(),
        }
        name = f"epoch-{self._epoch:06}-batch-{self._batch:08}"
        with replacing(self.path / name) as folder:
            folder.mkdir()
            self.model.save(folder / WEIGHTS)
            state["weights"] = sha256(folder / WEIGHTS)
            body = json.dumps(state)
            record = {"sha256": hashlib.sha256(body.encode()).hexdigest(), "state": body}
            (folder / STATE).write_text(json.dumps(record))
        found = _checkpoints(self.path)
        kept = [folder for folder in found if folder.name <= name][:KEEP]  # later ones are damaged
        for folder in found:
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)
        self._saved_at = time.monotonic()


def _newest(path: Path) -> tuple[Path, dict[str, Any]]:
    """The newest checkpoint that is whole, and its state; an empty state without one."""
    for folder in _checkpoints(path):
        try:
            record = json.loads((folder / STATE).read_text())
            body = record["state"]
            whole = record["sha256"] == hashlib.sha256(body.encode()).hexdigest()
            state = json.loads(body)
            if whole and state["weights"] == sha256(folder / WEIGHTS):
                return folder, state
        except (OSError, ValueError, KeyError, TypeError):
            pass
        warnings.warn(f"The checkpoint {folder} is damaged and left aside.", stacklevel=3)
    return path, {}


def _checkpoints(path: Path) -> list[Path]:
    """The folders of checkpoints, newest first: their names sort by progress."""
    return sorted(path.glob("epoch-*-batch-*"), reverse=True)


def _fingerprint(model: keras.Model) -> str:
    """What a checkpoint must fit: the method, its settings, its size, its optimizer."""
    settings = getattr(model, "hyperparameters", {})
    named = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    optimizer = type(model.optimizer).__name__
    return f"{type(model).__name__}({named}) of {model.count_params():,} weights under {optimizer}"


def _named(callbacks: Sequence[Any]) -> dict[str, Any]:
    """Callbacks by class and number within it: a list that grows keeps the names it had."""
    seen: collections.Counter[str] = collections.Counter()
    named = {}
    for callback in callbacks:
        kind = type(callback).__name__
        named[f"{kind} {seen[kind]}"] = callback
        seen[kind] += 1
    return named


def _plain_state(callback: Any) -> dict[str, Any]:
    """What a callback holds in attributes that are numbers, words, or flat tables of them."""
    state = {}
    for name, value in vars(callback).items():
        if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a NumPy number
            value = value.item()
        table = isinstance(value, dict) and all(isinstance(v, PLAIN) for v in value.values())
        if name not in SETTINGS and (table or isinstance(value, PLAIN)):
            state[name] = dict(value) if table else value
    return state
