"""One training among several, as sweeps and searches run them: its scores, or why it has none."""

from __future__ import annotations

import gc
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console

from zoo.evaluation import evaluate
from zoo.metrics.scoring import Metrics, Score
from zoo.runs import Run, Settings
from zoo.training import RunFailed, train_on

# What ends one run and leaves the others their chance. A full disk would end them all.
FAILURES = (RunFailed, ValueError, ArithmeticError, MemoryError, tf.errors.OpError)


def attempt(
    run: Run,
    settings: Settings,
    data: Any,
    console: Console,
    metrics: Metrics | None = None,
    resume: bool = False,
) -> dict[str, Score]:
    """Trains a run, unless that is done, and scores it.

    Args:
        run: Where.
        settings: Of the training.
        data: Loaded, without the candidates that the settings name.
        console: Where progress is shown.
        metrics: What it is scored by: see `zoo.evaluation.evaluate`.
        resume: Whether to go on from the run's newest checkpoint.

    Returns:
        Name -> Score of images kept to choose by: the test images have no part in what is best.
    """
    data = (run if resume else settings).with_candidates(data)
    if not (run.model_path.exists() and run.exported):
        train_on(data, settings, run, console, resume)
    found = evaluate(run, settings.samples, metrics=metrics, data=data, split="validation")
    return {score.name: score for score in found}


def forget() -> None:
    """Frees what Keras and TensorFlow keep of the last method; the precision stays as it is.

    The method, its weights and its data go. TensorFlow itself keeps the traced training step, some
    10 MB a run: a hundred runs cost a gigabyte.
    """
    policy = keras.config.dtype_policy()
    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy(policy)
    gc.collect()


def reason_of(error: Exception) -> str:
    """Why a run failed, in a line, as tables show it: never nothing."""
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return "Out of memory."
    words = " ".join(str(error).split())
    if not words or not isinstance(error, FAILURES):  # what nobody foresaw says little by itself
        words = f"{type(error).__name__}: {words}".removesuffix(": ")
    return words if len(words) <= 300 else words[:299] + "…"
