"""Processes that search together: what they are told, and what becomes of those that die."""

import io
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.tuning.conftest import planned
from tuning import workers
from tuning.study import StudyFolder, Trial
from tuning.workers import Address


def test_an_address_is_a_host_and_a_port():
    assert workers.address_of("host:7000") == Address("host", 7000)
    assert str(workers.address_of("::1:80")) == "::1:80"


@pytest.mark.parametrize("text", ["", "host", ":80", "host:", "host:x", "host:0", "host:70000"])
def test_bad_addresses_are_refused(text):
    with pytest.raises(ValueError, match=r"Expected HOST:PORT, the port from 1 to 65535\."):
        workers.address_of(text)


def test_a_port_in_use_is_refused():
    address = workers.free_address()
    workers.check_free(address)
    with socket.socket() as other:
        other.bind(address)
        other.listen(1)
        with pytest.raises(ValueError, match=r"Expected a free port .*: address already in use\."):
            workers.check_free(address)
        workers.check_answers(address, patience=0)


def test_a_host_that_is_another_machine_is_refused():
    with pytest.raises(ValueError, match="Expected a free port of this machine for the chief"):
        workers.check_free(Address("192.0.2.1", 7000))


def test_a_chief_that_does_not_answer_is_refused():
    with pytest.raises(ValueError, match=r"Expected a chief at 127\.0\.0\.1:\d+\. Received no an"):
        workers.check_answers(workers.free_address(), patience=0)


def test_threads_are_shared_out_and_gpus_dealt_out(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    told = workers.environments(2, cores=16)
    assert [one["TF_NUM_INTRAOP_THREADS"] for one in told] == ["8", "8"]
    assert [one["OMP_NUM_THREADS"] for one in told] == ["8", "8"]
    assert not any("CUDA_VISIBLE_DEVICES" in one for one in told)
    told = workers.environments(3, threads=1, gpus=[2, 5])
    assert [one["CUDA_VISIBLE_DEVICES"] for one in told] == ["2", "5", "2"]
    assert {one["TF_FORCE_GPU_ALLOW_GROWTH"] for one in told} == {"true"}
    assert workers.environments(8, cores=2)[0]["OMP_NUM_THREADS"] == "1"
    with pytest.raises(ValueError, match="Expected threads to be an integer of at least 1"):
        workers.environments(1, threads=0)


@pytest.mark.parametrize("seen", ["4,6,7", "GPU-4,GPU-6,GPU-7"])
def test_gpus_are_dealt_out_of_those_that_are_lent(monkeypatch, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    told = workers.environments(3, gpus=[0, 2])
    first, _, last = seen.split(",")
    assert [one["CUDA_VISIBLE_DEVICES"] for one in told] == [first, last, first]


@pytest.mark.parametrize(
    ("asked", "present", "numbers"),
    [(None, 4, []), ("all", 4, [0, 1, 2, 3]), ("1,3", 4, [1, 3]), ("0", 1, [0])],
)
def test_gpus_are_those_that_are_there(asked, present, numbers):
    assert workers.gpus_from(asked, present) == numbers


@pytest.mark.parametrize(
    ("asked", "present", "said"),
    [
        (
            "all",
            0,
            "Expected GPUs on a machine with one. Received: 'all', and this machine has none.",
        ),
        ("2", 2, "Expected GPUs among the 2 that are there. Received: '2'."),
        ("both", 2, "Expected --gpus all or numbers, e.g. 0,1. Received: 'both'."),
        ("", 2, "Expected --gpus all or numbers, e.g. 0,1. Received: ''."),
    ],
)
def test_gpus_that_are_not_there_are_refused(asked, present, said):
    with pytest.raises(ValueError, match="Expected") as error:
        workers.gpus_from(asked, present)
    assert str(error.value) == said


def test_no_two_workers_are_called_alike():
    names = [workers.worker_name(i, machine) for i in (0, 1) for machine in ("", "worker", "m-0")]
    assert len({*names}) == len(names)
    assert workers.worker_name(1) == "worker-1"
    assert "chief" not in workers.worker_name(0, "chief-1")  # else keras-tuner takes it for one


def test_a_machine_joins_once(folder):
    folder.begin(planned(), {})
    with (
        workers._alone_here(folder),
        pytest.raises(ValueError, match=r"Expected one --join of a study on a machine, with --wor"),
        workers._alone_here(StudyFolder(folder.path)),
    ):
        pass


# Processes. Those that stand for the chief and its workers do what a line of Python says.


@pytest.fixture
def crew(folder, monkeypatch):
    """A crew whose processes run `crew.script`."""
    folder.begin(planned("grid"), {})
    begin = subprocess.Popen

    def popen(command, **given):
        return begin([sys.executable, "-S", "-c", crew.script], **given)

    crew = workers._Crew(folder, workers.free_address())
    monkeypatch.setattr(workers.subprocess, "Popen", popen)
    yield crew
    for process in crew.processes.values():
        process.kill()
        process.wait()


def settle(crew):
    for process in crew.processes.values():
        process.wait()


def test_a_process_is_told_who_it_is(crew):
    crew.script = "import os; print(os.getpgrp(), *(f'{k}={v}' for k, v in os.environ.items()))"
    crew.start("worker-1", {"OMP_NUM_THREADS": "3"})
    settle(crew)
    said = (crew.folder.path / "workers" / "worker-1.log").read_text()
    assert said.startswith(f"{crew.processes['worker-1'].pid} ")  # a group of its own
    for words in (
        "KERASTUNER_TUNER_ID=worker-1",
        "KERASTUNER_ORACLE_IP=127.0.0.1",
        f"KERASTUNER_ORACLE_PORT={crew.address.port}",
        "OMP_NUM_THREADS=3",
    ):
        assert words in said
    assert not crew.is_at_work(["worker-1"], wait_for_chief=False)


def test_what_dies_is_started_again_but_not_for_ever(crew):
    crew.script = "print('no luck'); raise SystemExit(9)"
    crew.start("worker-0", {})
    for _ in range(2):
        settle(crew)
        assert crew.is_at_work(["worker-0"], wait_for_chief=False)
        crew.replace_dead()
    settle(crew)
    with pytest.raises(ValueError, match=r"died 3 times, with exit code 9: no luck See .*log\."):
        crew.replace_dead()


def test_a_reason_ends_it_at_once(crew):
    crew.script = "print('The disk is full.'); raise SystemExit(3)"
    crew.start("worker-0", {})
    settle(crew)
    with pytest.raises(ValueError, match=r"^The disk is full\.$"):
        crew.replace_dead()


def test_a_trial_at_which_processes_die_is_noted_as_failed(crew, monkeypatch):
    state = {
        "ongoing_trials": {"worker-0": "1"},
        "trials": {"1": {"hyperparameters": {"values": {"beta": 1.41}}}},
    }
    monkeypatch.setattr(StudyFolder, "state", state)
    crew.script = "import os; os.kill(os.getpid(), 9)"
    crew.start("worker-0", {})
    for _ in range(3):
        settle(crew)
        crew.replace_dead()
    (trial,) = crew.folder.trials
    assert (trial.number, trial.values, trial.status) == (1, {"beta": 1.41}, "failed")
    assert trial.reason == "Its process died 3 times, with exit code -9."


def test_no_process_is_left(crew):
    crew.script = "import time; time.sleep(60)"
    with crew.dismissed():
        crew.start("chief", {})
        crew.start("worker-0", {})
        assert crew.is_at_work(["worker-0"], wait_for_chief=False)
        running = list(crew.processes.values())
    assert all(process.poll() == -signal.SIGTERM for process in running)


def test_processes_are_told_once_that_it_ends(crew):
    """By the one that started them: the terminal tells a whole group of Ctrl-C."""
    crew.script = "import time; time.sleep(60)"
    before = signal.getsignal(signal.SIGTERM)

    def told_to_end():
        with crew.dismissed():
            crew.start("worker-0", {})
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

    with pytest.raises(SystemExit, match="143"):
        told_to_end()
    (process,) = crew.processes.values()
    assert process.poll() == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_processes_import_what_this_one_does(crew, monkeypatch):
    commands = []
    monkeypatch.setattr(workers.subprocess, "Popen", lambda command, **_: commands.append(command))
    crew.start("chief", {})
    crew.processes.clear()
    assert commands[0][1:4] == ["-P", "-m", "tuning.workers"]


def test_what_begins_is_shown_and_what_ends(folder, monkeypatch):
    """Once each; a worker that died and comes back to its trial has not begun another."""
    folder.begin(planned("grid"), {})
    held = {str(i): {"hyperparameters": {"values": {"beta": 2.0**i}}} for i in range(3)}
    state = {"ongoing_trials": {}, "trials": held}
    monkeypatch.setattr(StudyFolder, "state", state)
    said = io.StringIO()
    tells = workers._Tells(folder, Console(file=said, width=200))
    for ongoing in ({}, {"worker-1": "1", "worker-0": "0"}, {"worker-1": "1", "worker-0": "0"}):
        state["ongoing_trials"] = ongoing
        tells.news()
    folder.record(Trial(0, {"beta": 1.0}, 3, "failed", "Out of memory."))
    tells.news()
    state["ongoing_trials"] = {"worker-0": "2", "worker-1": "1"}
    tells.news()
    assert said.getvalue().splitlines() == [
        "worker-0 begins trial 0000, 1 of at most 4: beta 1",
        "worker-1 begins trial 0001, 2 of at most 4: beta 2",
        "trial 0000, 1 of at most 4: beta 1: failed: Out of memory.",
        "worker-0 begins trial 0002, 3 of at most 4: beta 4",
    ]


# A chief and its workers as they are, but for the training


WORKER = """
import sys, time
from tests.tuning.conftest import Tried
from tuning import searching, workers

told = Tried()
def attempt(run, *rest, **given):
    with open(sys.argv[1] + ".runs", "a") as file:
        file.write(f"{run.path.parent.name}\\n")
    time.sleep(0.2)
    return told.attempt(run, *rest, **given)

searching.attempt = attempt
searching.load = lambda *_: None
searching.scoring.default = lambda data: ()
workers.main(sys.argv[1], int(sys.argv[2]))
"""


@pytest.fixture
def stand_ins(monkeypatch):
    """Processes of a search that train nothing; each takes a moment for a run."""
    begin = subprocess.Popen

    def popen(command, **given):
        return begin([sys.executable, "-c", WORKER, *command[-2:]], **given)

    monkeypatch.setattr(workers.subprocess, "Popen", popen)


def runs_of(folder):
    return [int(line) for line in folder.path.with_name("study.runs").read_text().split()]


@pytest.mark.slow
def test_two_workers_try_the_grid_of_one_process(folder, stand_ins):
    folder.begin(planned("grid", max_trials=9), {})
    said = io.StringIO()
    workers.run_workers(folder, Console(file=said, width=200), 2)
    assert [trial.values["beta"] for trial in folder.trials] == [0.5, 1.41, 4.0, 11.3, 32.0]
    assert sorted(runs_of(folder)) == [0, 1, 2, 3, 4]
    lines = said.getvalue().splitlines()
    assert lines[0] == "grid of 5 settings, all of them tried"
    assert lines[1] == f"2 workers on this machine; logs in {folder.path / 'workers'}"
    assert "trial 0002, 3 of at most 5: beta 4: reconstruction 0" in lines
    assert any(line.endswith(" begins trial 0000, 1 of at most 5: beta 0.5") for line in lines)


@pytest.mark.slow
def test_a_chief_and_workers_that_are_killed_lose_and_repeat_nothing(
    folder, stand_ins, monkeypatch
):
    rng = random.Random(0)
    folder.begin(planned(max_trials=30), {})
    killed = []
    replace = workers._Crew.replace_dead

    def kill_and_replace(crew):
        if len(killed) < 10 and time.monotonic() > kill_and_replace.next:
            name = rng.choice(sorted(crew.processes))
            if crew.processes[name].poll() is None and runs_of_or_none(folder):
                crew.processes[name].send_signal(signal.SIGKILL)
                crew.processes[name].wait()
                killed.append(name)
            kill_and_replace.next = time.monotonic() + rng.uniform(0.3, 3)
        crew.deaths.clear()  # these are no fault of the trial's
        replace(crew)

    kill_and_replace.next = time.monotonic()
    monkeypatch.setattr(workers._Crew, "replace_dead", kill_and_replace)
    workers.run_workers(folder, Console(file=io.StringIO()), 2)
    assert {"chief", "worker-0", "worker-1"} <= {*killed}
    assert [trial.number for trial in folder.trials] == [*range(30)]
    runs = runs_of(folder)
    assert sorted({*runs}) == [*range(30)]
    assert len(runs) <= 30 + len(killed)
    assert not [*folder.path.glob("trials/*/.zoo-*/trial.json")]


def runs_of_or_none(folder):
    return folder.path.with_name("study.runs").exists()


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them():
    child = (
        "import sys; from tuning.workers import _die_with; print(1); _die_with(int(sys.argv[1]))"
    )
    script = f"""if True:
        import os, subprocess, sys, time
        command = [sys.executable, "-u", "-c", {child!r}, str(os.getpid())]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
        print(child.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 20
    while _lives(child):
        assert time.monotonic() < until
        time.sleep(0.1)


def _lives(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
