"""What every command does before its work: refuses wrong calls, opens runs, wakes TensorFlow."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from zoo.runs import Run

RUN = click.argument("run", type=click.Path(path_type=Path))


def open_run(path: Path) -> Run:
    """A finished run, or a refusal that says how it is finished."""
    with usage():
        try:
            return Run.open(path)
        except FileNotFoundError as error:
            raise ValueError(str(error)) from None


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Within it a ValueError means that the command was called wrongly: exit code 2."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keeps TensorFlow's log lines off the terminal, those of its C++ while it is imported too.

    Of a GPU's memory it takes what it needs: the workers of a search start beside the command.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow as tf

        tf.constant(1)  # the devices speak when they are first used
        for name in ("absl", "tensorflow"):  # the latter warns of each run that traces its own step
            logging.getLogger(name).setLevel(logging.ERROR)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
