"""Progress of a run on a terminal, and a line with the scores after each epoch."""

from __future__ import annotations

from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressLines(keras.callbacks.Callback):
    """A bar over all steps with the time left, and a line for each epoch.

    Where the output is no terminal, the lines alone, each with the time left.

    Args:
        console: Where to write.
        total_steps: Steps of the whole run.
        done: Steps done before, by a run that is resumed.
    """

    reads_logs = True

    def __init__(self, console: Console, total_steps: int, done: int = 0) -> None:
        super().__init__()
        self.console, self.total_steps, self.done = console, total_steps, done

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the bar and its clock."""
        self._step = self.done
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, left:"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._bar.start()
        self._task = self._bar.add_task("training", total=self.total_steps, completed=self.done)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        self._step = self._epoch_start + batch + 1
        if self._step > self.done:
            self._bar.update(self._task, completed=self._step)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers where the epoch starts."""
        self._epoch, self._epoch_start = epoch, epoch * self.params["steps"]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Prints the epoch's loss, terms and scores."""
        logs = logs or {}
        first = [metric.name for metric in self.model.metrics if metric.name in logs]
        names = [*first, *(name for name in logs if name not in first)]  # the loss, terms, scores
        values = "  ".join(f"{name} {logs[name]:.4g}" for name in names)
        elapsed = self._bar.tasks[0].elapsed or 0.0
        pace = elapsed / max(self._step - self.done, 1)
        left = round(pace * (self.total_steps - self._step))
        ending = f"  [dim]{left // 60}:{left % 60:02} left[/dim]" if left else ""
        epochs = self.params["epochs"]
        number = f"{epoch + 1:>{len(str(epochs))}}/{epochs}"
        self.console.print(f"epoch {number}  {values}{ending}", soft_wrap=True)

    def on_train_end(self, logs: Any = None) -> None:
        """Takes the bar away."""
        self._bar.stop()

    def part(self) -> None:
        """Takes the bar away, however `fit` ended."""
        if hasattr(self, "_bar"):
            self._bar.stop()
