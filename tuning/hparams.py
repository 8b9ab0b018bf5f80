"""A study in TensorBoard's HParams: a table and parallel coordinates of its trials.

    tensorboard --logdir STUDY/tensorboard

Each seed of a trial is a session, and those of a trial a group, which TensorBoard shows the mean
of. Trials that failed are there without scores.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf
from tensorboard.plugins.hparams import api as hp
from tensorboard.plugins.hparams import api_pb2, summary

from tuning.study import TENSORBOARD, WEIGHTS, StudyFolder, Trial
from zoo.files import remove_partials, replacing

PLAN = "study"  # the run that says what is varied


def begin(folder: StudyFolder) -> None:
    """Writes what is varied and what is asked for, once."""
    path = folder.path / TENSORBOARD / PLAN
    if path.exists():
        return
    study = folder.study
    varied = [
        hp.HParam(
            knob.name,
            hp.IntInterval(int(knob.low), int(knob.high))
            if knob.whole
            else hp.RealInterval(float(knob.low), float(knob.high)),
        )
        for knob in study.space
    ]
    asked = dict.fromkeys((study.aim.score, study.against.score))
    with replacing(path) as partial, _writer(partial):
        hp.hparams_config(varied, [hp.Metric(name) for name in asked])


def write(folder: StudyFolder, trials: Sequence[Trial]) -> None:
    """Writes trials that have ended, each once."""
    for trial in trials:
        path = folder.path / TENSORBOARD / trial.name
        if not path.exists():
            with replacing(path) as partial:
                for seed in range(max(len(trial.scores), 1)):
                    with _writer(partial / f"seed-{seed}"):
                        _session(folder, trial, seed)


def tidy(folder: StudyFolder) -> None:
    """Removes what processes that were killed left half-written, once none is at work."""
    remove_partials(folder.path / TENSORBOARD)


def _session(folder: StudyFolder, trial: Trial, seed: int) -> None:
    """One seed of a trial: values, scores, how it ended."""
    study, failed = folder.study, trial.status == "failed"
    hp.hparams(dict(trial.values), trial_id=trial.name)
    scores = {} if failed else {k: score.value for k, score in trial.scores[seed].items()}
    if not failed and study.against.score == WEIGHTS:
        scores[WEIGHTS] = trial.mean(WEIGHTS)
    for name, value in scores.items():
        if math.isfinite(value):
            tf.summary.scalar(name, value, step=trial.epochs)
    ended = api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
    tf.summary.experimental.write_raw_pb(
        summary.session_end_pb(ended).SerializeToString(), step=trial.epochs
    )


@contextlib.contextmanager
def _writer(path: Path) -> Iterator[None]:
    writer = tf.summary.create_file_writer(str(path))
    with contextlib.closing(writer), writer.as_default():
        yield
