"""What a search tries, keeps and survives. Almost no run of it is trained: see conftest."""

import dataclasses
import errno
import io
import json
import math
import os
import random
import signal
import subprocess
import sys
import time

import keras_tuner
import pytest
import tensorflow as tf
from rich.console import Console

import tuning
import zoo
from tests.tuning.conftest import TINY, planned
from tuning import searching
from tuning.oracles import Random, oracle_for
from tuning.searching import Tuner, run_study
from tuning.study import Study, StudyFolder
from zoo.training import RunFailed


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def betas(folder):
    return [trial.values["beta"] for trial in folder.trials]


# What is tried


def test_the_grid_is_tried_in_full(folder, tried, console):
    run_study(planned("grid", max_trials=20), folder, console)
    assert betas(folder) == [0.5, 1.41, 4.0, 11.3, 32.0]
    assert folder.best.values == {"beta": 4.0}
    assert [trial for trial, *_ in tried] == [0, 1, 2, 3, 4]


def test_random_trials_are_those_of_their_seed(tmp_path, tried, console):
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = StudyFolder(tmp_path / name)
        run_study(planned(max_trials=3, seed=seed), folder, console)
        found.append(betas(folder))
    assert found[0] == found[1] != found[2]
    assert all(0.5 <= beta <= 32 for beta in found[0])


def test_bayesian_trials_are_drawn_and_then_proposed(folder, tried, console):
    run_study(planned("bayesian", max_trials=3), folder, console)
    run_study(planned("random", max_trials=2), other := StudyFolder(folder.path / "x"), console)
    assert betas(folder)[:2] == betas(other)
    assert len({*betas(folder)}) == 3


def test_hyperband_runs_the_best_for_longer(folder, tried, console):
    run_study(
        planned("hyperband", max_trials=99, settings={"steps": 18, "epochs": 9}), folder, console
    )
    lengths = [trial.epochs for trial in folder.trials]
    assert {*lengths} == {1, 3, 9}
    first = [trial for trial in folder.trials if trial.epochs == 1]
    best = min(first, key=lambda trial: trial.mean("reconstruction"))
    assert sum(trial.values == best.values for trial in folder.trials) == 3  # all three rounds
    assert folder.best.epochs == 9


def test_a_search_is_on_the_mean_of_its_seeds(folder, tried, console):
    tried.scored = lambda beta, seed: beta + 10 * seed
    run_study(planned("grid", seeds=3), folder, console)
    assert [(trial, seed) for trial, seed, *_ in tried] == [
        (t, s) for t in range(4) for s in range(3)
    ]
    for trial in folder.trials:
        assert trial.mean("reconstruction") == pytest.approx(trial.values["beta"] + 10)
    state = json.loads((folder.path / "oracle.json").read_text())
    told = [trial["score"] for trial in state["trials"].values()]
    assert told == pytest.approx([10.5, 11.41, 14.0, 21.3])
    assert "reconstruction 10.5 (0.5 to 20.5 over 3 seeds)" in console.file.getvalue()


def test_values_that_were_tried_are_not_trained_again(folder, tried, console):
    """A search proposes them again at the end of a range, or where few differ when rounded."""
    tried.fails = {(0, None): MemoryError()}
    run_study(planned(max_trials=4, seeds=2, ranges={"beta": (1.00004, 1.00006)}), folder, console)
    assert [(trial, seed) for trial, seed, *_ in tried] == [(0, 0), (1, 0), (1, 1)]
    failed, first, *others = folder.trials
    assert failed.reason == "seed 0: Out of memory."  # which may be another time
    assert [dataclasses.replace(trial, number=1) for trial in others] == [first] * 2
    assert folder.best == first


def test_weights_of_the_best_alone_are_kept(folder, tried, console):
    run_study(planned("grid", max_trials=9, seeds=2), folder, console)
    kept = sorted(path.parent.parent.name for path in folder.path.glob("trials/*/*/model.keras"))
    assert kept == [folder.best.name] * 2
    assert len([*folder.path.glob("trials/*/*/config.json")]) == 10


def test_a_report_is_written_at_the_end_and_whenever_it_goes_on(folder, tried, console):
    tried.fails = {(1, None): KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run_study(planned(), folder, console)
    assert not tried.reported
    tried.fails = {}
    run_study(planned(), folder, console)
    run_study(planned(), folder, console)
    assert tried.reported == [folder.path] * 2


def test_data_are_named_as_they_load_again(cache):
    data = zoo.data.load("coloured_sprites", size=16, subset={"scale": 1})
    told = searching.named(data)
    assert told == {
        "data": "coloured_sprites",
        "image_size": 16,
        "subset": {"scale": [1]},
        "skip_bad": False,
    }
    study = planned(objective="mig", settings=told)
    again = searching.load_data(study.settings_of({"beta": 1.0}), Console(file=io.StringIO()))
    assert (len(again), again.image_shape) == (len(data), data.image_shape)


# What goes wrong


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RunFailed("The loss is nan in epoch 1."), "The loss is nan in epoch 1."),
        (MemoryError(), "Out of memory."),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"), "Out of memory."),
        (ValueError("Expected\n less"), "Expected less"),
        (KeyError("whatever"), "KeyError: 'whatever'"),
        (AssertionError(), "AssertionError"),
        (ValueError(), "ValueError"),
    ],
)
def test_a_trial_that_fails_is_noted_and_the_rest_goes_on(folder, tried, console, error, reason):
    tried.fails = {(trial, None): error for trial in range(4)}  # more than keras-tuner would bear
    run_study(planned(max_trials=6), folder, console)
    assert [trial.status for trial in folder.trials] == ["failed"] * 4 + ["finished"] * 2
    assert {trial.reason for trial in folder.trials[:4]} == {reason}
    assert f"failed: {reason}" in console.file.getvalue()
    assert folder.best.number in (4, 5)


def test_a_seed_that_fails_is_named(folder, tried, console):
    tried.fails = {(0, 1): RunFailed("The loss is nan in epoch 2.")}
    run_study(planned(max_trials=1, seeds=2), folder, console)
    assert folder.trials[0].reason == "seed 1: The loss is nan in epoch 2."


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_a_failure(folder, tried, console, value):
    tried.scored = lambda beta, seed: value
    run_study(planned(max_trials=1), folder, console)
    assert folder.trials[0].reason == f"seed 0: reconstruction is {value}."


def test_a_full_disk_ends_the_search(folder, tried, console):
    tried.fails = {(1, None): OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.keras")}
    with pytest.raises(OSError, match="No space left"):
        run_study(planned(), folder, console)
    assert [trial.number for trial in folder.trials] == [0]
    tried.fails = {}
    run_study(planned(), folder, console)
    assert len(folder.trials) == 4


@pytest.mark.parametrize("where", ["record", "keep_best"])
def test_a_disk_that_is_full_later_ends_the_search_too(folder, tried, console, monkeypatch, where):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "trial.json")

    with monkeypatch.context() as patch:
        patch.setattr(StudyFolder, where, full)
        with pytest.raises(OSError, match="No space left"):
            run_study(planned(max_trials=2), folder, console)
    run_study(planned(max_trials=2), folder, console)
    assert [trial.status for trial in folder.trials] == ["finished"] * 2


def test_a_result_that_cannot_be_told_ends_the_search(folder, tried, console, monkeypatch):
    """So does a worker whose chief was killed; begun again it tells it."""
    with monkeypatch.context() as patch:
        patch.setattr(Random, "update_trial", lambda *_, **__: 1 / 0)
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            run_study(planned(max_trials=1), folder, console)
    assert [trial.status for trial in folder.trials] == ["finished"]
    tried.clear()
    run_study(planned(max_trials=1), folder, console)
    assert not tried
    [told] = json.loads((folder.path / "oracle.json").read_text())["trials"].values()
    assert told["status"] == "COMPLETED"


# What stops it


@pytest.mark.parametrize(
    ("tuner", "stopped"),
    [("random", 0), ("random", 3), ("grid", 1), ("grid", 4), ("hyperband", 2)],
)
def test_a_search_that_was_stopped_goes_on(tmp_path, tried, console, tuner, stopped):
    whole, halved = StudyFolder(tmp_path / "whole"), StudyFolder(tmp_path / "halved")
    study = planned(tuner, max_trials=5, seeds=2)
    run_study(study, whole, console)
    tried.clear()
    tried.fails = {(stopped, 1): KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run_study(study, halved, console)
    tried.fails = {}
    run_study(study, halved, console)
    runs = [(trial, seed) for trial, seed, *_ in tried]
    assert sorted({*runs}) == [(trial, seed) for trial in range(5) for seed in range(2)]
    again = {run for run in runs if runs.count(run) > 1}
    assert again == {(stopped, 0), (stopped, 1)}  # what has ended with its trial is not
    unknown = [trial.number for trial in halved.trials if trial.seconds is None]
    assert unknown == [stopped]  # the time of a process that is gone is not known
    assert [trial.values for trial in halved.trials] == [trial.values for trial in whole.trials]


def test_a_finished_study_trains_nothing_and_can_grow(folder, tried, console):
    run_study(planned(max_trials=9), folder, console)
    before = (folder.path / "oracle.json").read_bytes()
    tried.clear()
    run_study(planned(max_trials=9), folder, console)
    assert not tried
    assert (folder.path / "oracle.json").read_bytes() == before
    run_study(planned(max_trials=11), folder, console)
    assert [trial for trial, *_ in tried] == [9, 10]


def test_records_outlive_the_state_of_the_search(folder, tried, console):
    run_study(planned(), folder, console)
    found = betas(folder)
    (folder.path / "oracle.json").unlink()
    tried.clear()
    run_study(planned(), folder, console)
    assert not tried
    assert betas(folder) == found


def test_a_record_of_other_values_is_refused(folder, tried, console):
    run_study(planned(max_trials=1), folder, console)
    path = folder.path / "trials" / "0000" / "trial.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "values": {"beta": 1.0}}))
    (folder.path / "oracle.json").unlink()
    with pytest.raises(ValueError, match=r"Expected trial 0 of .* Received: a record of beta 1"):
        run_study(planned(max_trials=1), folder, console)


def test_a_trial_of_another_studys_chief_is_refused(folder, tried, console, monkeypatch):
    """Though it is called and has values as one that this study had."""
    monkeypatch.setattr(searching, "PATIENCE", 0.0)
    monkeypatch.setattr(Tuner, "_is_worker", lambda tuner: True)
    folder.begin(planned(), {})
    tuner = Tuner(planned(), folder, None, console)
    ours, other = (oracle_for(planned()) for _ in range(2))
    ours._set_project_dir(str(folder.path.parent), folder.path.name)
    other._set_project_dir(str(folder.path.parent), "other")
    trial = other.create_trial(tuner.tuner_id)

    def refused(trial):
        with pytest.raises(keras_tuner.errors.FatalError, match="Expected the chief of the study"):
            tuner.run_trial(trial)

    refused(trial)  # there is no state
    ours.create_trial("another worker")
    refused(trial)
    assert not tried
    ours.reload()  # as a chief that was killed
    ours.save()
    tuner.run_trial(ours.create_trial(tuner.tuner_id))
    assert [number for number, *_ in tried] == [0]
    trial.hyperparameters.values = {"gamma": 1.0}
    refused(trial)
    second = ours.create_trial("another worker")
    tuner.pre_create_trial()
    second.status = "FAILED"  # as told by one that had begun it before the chief was killed
    ours.end_trial(second)
    tuner.run_trial(second)
    tuner.pre_create_trial()
    refused(second)  # what had ended before is offered by another study's chief alone


@pytest.mark.parametrize("words", ["{", "[]", '{"trials": []}', '{"trials": {}}'])
def test_a_damaged_state_is_refused(folder, tried, console, words):
    run_study(planned(max_trials=1), folder, console)
    (folder.path / "oracle.json").write_text(words)
    with pytest.raises(ValueError, match=r"oracle\.json is damaged\. Without it the search begins"):
        run_study(planned(max_trials=1), folder, console)


@pytest.mark.parametrize("tuner", ["random", "grid", "bayesian", "hyperband"])
def test_the_state_of_an_oracle_is_whole_after_any_event(tmp_path, tuner):
    """Whenever it is killed, what was begun is offered again, and what has ended is not."""
    study = planned(tuner, max_trials=3)
    ended, offered = [], []

    def reopened():
        oracle = oracle_for(study)
        oracle._set_project_dir(str(tmp_path), "study")
        if (tmp_path / "study" / "oracle.json").exists():
            oracle.reload()
        return oracle

    while True:
        trial = reopened().create_trial("a")
        if trial.status == "STOPPED":
            break
        again = reopened().create_trial("a")
        assert (again.trial_id, again.hyperparameters.values) == (
            trial.trial_id,
            trial.hyperparameters.values,
        )
        assert trial.trial_id not in ended
        offered.append(trial.hyperparameters.values["beta"])
        oracle = reopened()
        assert oracle.create_trial("a").trial_id == trial.trial_id
        oracle.update_trial(trial.trial_id, {"objective": offered[-1]})
        oracle = reopened()  # killed between its report and its end
        last = oracle.create_trial("a")
        assert not last.metrics.exists("objective")
        oracle.update_trial(last.trial_id, {"objective": offered[-1]})
        last.status = "COMPLETED"
        oracle.end_trial(last)
        ended.append(trial.trial_id)
    assert [int(trial_id) for trial_id in ended] == [0, 1, 2]


def test_trials_that_had_not_ended_are_run_in_the_order_in_which_they_began(tmp_path):
    oracle = oracle_for(planned(max_trials=9))
    oracle._set_project_dir(str(tmp_path), "study")
    for worker in "abcdefghi":
        oracle.create_trial(worker)
    oracle.max_trials = 11  # trials are then called by two digits
    for worker in "jk":
        oracle.create_trial(worker)
    oracle.reload()
    assert [int(oracle.create_trial(worker).trial_id) for worker in "abcdefghijk"] == [*range(11)]


def test_several_workers_share_a_grid(tmp_path):
    """keras-tuner's own would give one worker a trial at a time."""
    oracle = oracle_for(planned("grid", max_trials=9))
    oracle._set_project_dir(str(tmp_path), "study")
    begun = [oracle.create_trial(worker) for worker in "abc"]
    assert [trial.hyperparameters.values["beta"] for trial in begun] == [0.5, 1.41, 4.0]
    for trial in begun[::-1]:
        oracle.update_trial(trial.trial_id, {"objective": 1.0})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    rest = [oracle.create_trial(worker) for worker in "abc"]
    assert [trial.hyperparameters.values.get("beta") for trial in rest[:2]] == [11.3, 32.0]
    assert rest[2].status == "IDLE"


SEARCH = """
import io, sys, time
import pytest
from rich.console import Console
from tests.tuning.conftest import Tried, planned
from tuning import searching
from tuning.study import Study, StudyFolder

told = Tried()
def attempt(run, *rest, **given):
    with open(sys.argv[1] + ".runs", "a") as file:
        file.write(f"{run.path.parent.name}\\n")
    time.sleep(0.05)
    return told.attempt(run, *rest, **given)

searching.attempt = attempt
searching.prepared = lambda *_: None
searching.scoring.default = lambda data: ()
print("begins", flush=True)
searching.run_study(planned(max_trials=40), StudyFolder(sys.argv[1]), Console(file=io.StringIO()))
"""


@pytest.mark.slow
def test_a_search_that_is_killed_ten_times_loses_and_repeats_nothing(folder):
    rng = random.Random(0)
    command = [sys.executable, "-c", SEARCH, str(folder.path)]
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begins\n"
        time.sleep(rng.uniform(0.0, 0.5))
        before = {trial.number for trial in folder.trials} if folder.exists else set()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert before <= {trial.number for trial in folder.trials}  # all of them whole
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    runs = [int(line) for line in folder.path.with_name("study.runs").read_text().split()]
    assert [trial.number for trial in folder.trials] == [*range(40)]
    assert sorted({*runs}) == [*range(40)]
    assert len(runs) <= 40 + 10  # at most the one that was at work, at each kill
    assert not [*folder.path.glob("**/.zoo-*")]


# A real search


@pytest.mark.slow
def test_a_search_trains_what_zoo_train_trains(tmp_path, digits_run):
    told = {**TINY, "steps": 4, "epochs": 2, "learning_rate": 1e-3}
    told.pop("epochs")
    study = tuning.search(
        "beta_vae",
        objective="knn_accuracy",
        tuner="grid",
        max_trials=1,
        epochs=2,
        directory=tmp_path / "study",
        settings=told,
        ranges={"beta": (2, 4)},
        console=Console(file=io.StringIO()),
    )
    assert study.best.values == {"beta": 2.0}
    run, alone = study.run(0, 0), zoo.runs.Run(digits_run)
    assert run.read("history") == alone.read("history")
    assert run.settings == alone.settings
    assert 0 < study.best.mean("knn") < 1
    assert study.best.scores[0]["knn"].protocol["split"] == "validation"


def test_what_does_not_fit_is_refused_before_any_training():
    """Where the learning rate alone is varied too, on which no loss hangs."""
    layer = TINY | {"batch_size": 1, "hyperparameters": {"temperature": 0.1}}
    ranges = {"learning_rate": (1e-4, 1e-2)}
    study = Study.planned("simclr", "loss", ranges=ranges, layers=[layer])
    with pytest.raises(ValueError, match="Expected batches of"):
        searching.prepared(study, Console(file=io.StringIO()))


def test_keras_tuner_is_told_what_is_better():
    for name, direction in (("mig", "max"), ("reconstruction", "min")):
        oracle = oracle_for(planned(objective=name))
        assert oracle.objective == keras_tuner.Objective("objective", direction)
