"""A search in several processes, on this machine or on many: keras-tuner's chief and workers.

The chief says what to try, workers try it; they speak over a port and share the study's folder,
which machines must all reach at the same place. What is here starts them and starts again what
dies: a worker comes back under its own name, and so to its own trial.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import filelock
from rich.console import Console

from tuning.study import LOGS, StudyFolder, Trial
from zoo import checks
from zoo.messages import counted

CHIEF = "chief"
REFUSED = 3  # exit code of a process that says why it cannot go on
MOST_DEATHS = 3  # of processes at one trial, or of one process while no trial ends
PATIENCE = 60.0  # seconds for a chief to answer
TICK = 0.2
VISIBLE = "CUDA_VISIBLE_DEVICES"  # in the environment: the GPUs that a process sees


class Address(NamedTuple):
    """Where a chief listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def address_of(text: str) -> Address:
    """HOST:PORT as an address.

    Raises:
        ValueError: It is none.
    """
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(f"Expected HOST:PORT, the port from 1 to 65535. Received: {text!r}.")
    return Address(host, int(port))


def free_address() -> Address:
    """A port of this machine that nobody listens on, for a chief of this machine alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


def check_free(address: Address) -> None:
    """Refuses an address that a chief cannot listen on.

    Raises:
        ValueError: The port is in use, or the host is no name of this machine.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as after a chief that died
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            raise ValueError(
                f"Expected a free port of this machine for the chief. Received: {address}: "
                f"{(error.strerror or str(error)).lower()}."
            ) from None


def check_answers(address: Address, patience: float = PATIENCE) -> None:
    """Refuses an address where no chief listens.

    Raises:
        ValueError: Nobody does within `patience` seconds.
    """
    until = time.monotonic() + patience
    while True:
        try:
            socket.create_connection(address, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise ValueError(
                    f"Expected a chief at {address}. Received no answer in {patience:g} s: {error}."
                ) from None
        time.sleep(TICK)


def environments(
    count: int, threads: int | None = None, gpus: Sequence[int] = (), cores: int | None = None
) -> list[dict[str, str]]:
    """What each of several workers is told of the machine: its threads, and its GPU.

    Args:
        count: Of workers.
        threads: Of each. Default: the cores, shared out.
        gpus: Numbers of GPUs among those that this process sees, dealt out in turn; none where
            there are none.
        cores: Of the machine. Default: those that this process may use.

    Raises:
        ValueError: Fewer than one thread.
    """
    if cores is None:  # macOS does not say which of them are this process's
        own = hasattr(os, "sched_getaffinity")
        cores = len(os.sched_getaffinity(0)) if own else os.cpu_count() or 1
    shared_out = max(1, cores // count)
    each = checks.integer("threads", shared_out if threads is None else threads, low=1)
    told = {
        "OMP_NUM_THREADS": str(each),
        "OPENBLAS_NUM_THREADS": str(each),
        "TF_NUM_INTRAOP_THREADS": str(each),
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # else the first process takes a GPU's memory whole
    }
    if not gpus:
        return [dict(told) for _ in range(count)]
    seen = [name for name in os.environ.get(VISIBLE, "").split(",") if name]
    named = [seen[number] if seen else str(number) for number in gpus]  # numbered as seen from here
    return [{**told, VISIBLE: named[i % len(named)]} for i in range(count)]


def gpus_from(asked: str | None, present: int) -> list[int]:
    """The numbers of the GPUs that workers are pinned to.

    Args:
        asked: "all", or numbers with commas between them; None for no pinning.
        present: How many there are.

    Raises:
        ValueError: Something else, or a GPU that is not there.
    """
    if asked is None:
        return []
    parts = [str(number) for number in range(present)] if asked == "all" else asked.split(",")
    if not all(part.isdecimal() for part in parts):
        raise ValueError(f"Expected --gpus all or numbers, e.g. 0,1. Received: {asked!r}.")
    numbers = [int(part) for part in parts]
    missing = [number for number in numbers if number >= present]
    if missing or not numbers:
        there = f"among the {present} that are there" if present else "on a machine with one"
        none = "" if present else ", and this machine has none"
        raise ValueError(f"Expected GPUs {there}. Received: {asked!r}{none}.")
    return numbers


def worker_name(number: int, machine: str = "") -> str:
    """What a worker is called: in all that search together no two are called alike.

    Args:
        number: From 0, on its machine.
        machine: The name of a machine that joins another's chief.
    """
    # To keras-tuner whatever is called something with "chief" is one.
    own = f"{machine.replace(CHIEF, 'ch-ief')}-" if machine else ""
    return f"{own}worker-{number}"


@contextlib.contextmanager
def _alone_here(folder: StudyFolder) -> Iterator[None]:
    """Within it no other process of this machine joins the study, with workers called alike."""
    lock = folder.path / LOGS / f".{platform.node()}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(lock, timeout=0):
            yield
    except filelock.Timeout:
        raise ValueError(
            "Expected one --join of a study on a machine, with --workers for more at once. "
            f"Received: another process has joined {folder.path} already."
        ) from None


def run_workers(
    folder: StudyFolder,
    console: Console,
    count: int,
    address: Address | None = None,
    joins: bool = False,
    threads: int | None = None,
    gpus: Sequence[int] = (),
) -> None:
    """Searches with processes of their own for the chief and for each worker, until all is tried.

    One that dies is started again. A trial at which three have died is noted as failed.

    Args:
        folder: Of a study that has begun, and whose data are known to fit it.
        console: Where trials are shown as they begin and as they end.
        count: Workers on this machine; none, where others join from elsewhere.
        address: Where the chief listens, see `check_free`. Default: where only this machine
            reaches it.
        joins: Whether the chief is another's.
        threads: Of each worker. Default: the cores, shared out.
        gpus: Numbers of the GPUs that workers are pinned to, in turn.

    Raises:
        ValueError: No chief answers, another process of this machine has joined, or what a process
            says for which going on makes no sense.
    """
    from tuning.searching import say_grid, show

    shared = address is not None
    address = address or free_address()
    if joins:
        check_answers(address)
    names = [worker_name(i, platform.node() if joins else "") for i in range(count)]
    told = environments(max(count, 1), threads, gpus)
    crew = _Crew(folder, address)
    with _alone_here(folder) if joins else contextlib.nullcontext(), crew.dismissed():
        if not joins:
            crew.start(CHIEF, {VISIBLE: ""})
        for name, environment in zip(names, told, strict=False):
            crew.start(name, environment)
        tells = _Tells(folder, console)
        say_grid(folder.study, console)
        tells.say(f"{counted(count, 'worker')} on this machine; logs in {folder.path / LOGS}")
        while crew.is_at_work(names, wait_for_chief=shared and not joins):
            time.sleep(TICK)
            crew.replace_dead()
            tells.news()
    tells.news()
    if not joins:
        show(folder)


class _Tells:
    """Shows which trials begin, and by whom, and what became of those that end."""

    def __init__(self, folder: StudyFolder, console: Console) -> None:
        self.folder, self.console = folder, console
        self.ended = self._records()
        self.at_work: dict[str, str] = {}

    def say(self, words: str) -> None:
        """Prints a line."""
        self.console.print(words, markup=False, highlight=False, soft_wrap=True)

    def news(self) -> None:
        """Prints what has begun and what has ended since it was last asked."""
        from tuning.searching import called, in_a_line, label_of
        from tuning.space import values_of

        study, state = self.folder.study, self.folder.state
        records = self._records()
        at_work: dict[str, str] = state.get("ongoing_trials", {})
        for worker, held in sorted(at_work.items()):
            if self.at_work.get(worker) != held and int(held) not in records:
                found = state["trials"][held]["hyperparameters"]["values"]
                values = label_of(values_of(study.space, found))
                self.say(f"{worker} begins {called(study, int(held))}: {values}")
        self.at_work = at_work
        for number in sorted(records - self.ended):
            trial = self.folder.trial(number)
            if trial is not None:
                words = in_a_line(trial, study.aim)
                self.say(f"{called(study, number)}: {label_of(trial.values)}: {words}")
        self.ended = records

    def _records(self) -> set[int]:
        return {int(path.parent.name) for path in self.folder.records()}


class _Crew:
    """The processes of a search on this machine."""

    def __init__(self, folder: StudyFolder, address: Address) -> None:
        self.folder, self.address = folder, address
        self.environments: dict[str, Mapping[str, str]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.deaths: Counter[tuple[object, ...]] = Counter()

    def start(self, name: str, environment: Mapping[str, str]) -> None:
        """Starts the chief, or a worker, with a log of its own."""
        self.environments[name] = environment
        log = self._log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        told = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **environment,
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": self.address.host,
            "KERASTUNER_ORACLE_PORT": str(self.address.port),
        }
        module = ["-P", "-m", "tuning.workers"]  # -P: as this process finds it, in whatever folder
        command = [sys.executable, *module, str(self.folder.path), str(os.getpid())]
        with open(log, "ab") as file:
            self.processes[name] = subprocess.Popen(
                command,
                env=told,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,  # else Ctrl-C reaches it too, and a second signal ends it at once
            )

    def is_at_work(self, names: Sequence[str], wait_for_chief: bool) -> bool:
        """Whether a worker still is, or a chief for whose other workers there is to wait."""
        working = any(self.processes[name].poll() != 0 for name in names)
        chief = self.processes.get(CHIEF)
        waits = chief is not None and (wait_for_chief or not names)
        return working or (waits and chief is not None and chief.poll() != 0)

    def replace_dead(self) -> None:
        """Starts again what died.

        Raises:
            ValueError: It said why it cannot go on, or died again and again.
        """
        for name, process in list(self.processes.items()):
            code = process.poll()
            if code in (None, 0):
                continue
            if code == REFUSED:
                raise ValueError(self._last_line(name))
            number = self._trial_of(name)
            cause = (name, len(self.folder.records())) if number is None else (number,)
            self.deaths[cause] += 1
            if self.deaths[cause] >= MOST_DEATHS:
                if number is None:
                    raise ValueError(
                        f"{name} died {MOST_DEATHS} times, with exit code {code}: "
                        f"{self._last_line(name)} See {self._log(name)}."
                    )
                self._give_up(number, code)
            self.start(name, self.environments[name])

    def _trial_of(self, name: str) -> int | None:
        """The trial that a worker is at, as the chief's state has it."""
        found = self.folder.state.get("ongoing_trials", {}).get(name)
        return None if found is None else int(found)

    def _give_up(self, number: int, code: int) -> None:
        """Notes a trial at which processes die as failed."""
        if self.folder.trial(number) is not None:
            return
        from tuning.space import values_of

        study = self.folder.study
        state = self.folder.state["trials"]
        [held] = [trial for trial_id, trial in state.items() if int(trial_id) == number]
        found = held["hyperparameters"]["values"]
        reason = f"Its process died {MOST_DEATHS} times, with exit code {code}."
        epochs = found.get("tuner/epochs", study.settings["epochs"])
        self.folder.record(Trial(number, values_of(study.space, found), epochs, "failed", reason))

    def _log(self, name: str) -> Path:
        return self.folder.path / LOGS / f"{name}.log"

    def _last_line(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "It said nothing.")

    @contextlib.contextmanager
    def dismissed(self) -> Iterator[None]:
        """After it no process is left: workers that are at a trial save it first.

        Within it SIGTERM raises SystemExit, as Ctrl-C raises KeyboardInterrupt.
        """
        ours = threading.current_thread() is threading.main_thread()  # no other may listen
        before = signal.signal(signal.SIGTERM, _leave) if ours else None
        try:
            yield
        finally:
            if ours:
                signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
            for process in self.processes.values():
                with contextlib.suppress(OSError):
                    process.terminate()
            for process in self.processes.values():
                try:
                    process.wait(timeout=PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def main(path: str, parent: int) -> None:
    """The chief or a worker of a study, as the environment says, until all is tried."""
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    import keras

    from tuning.searching import Tuner, load
    from zoo.files import disk_full

    folder = StudyFolder.open(path)
    study = folder.study
    console = Console(soft_wrap=True, width=200)
    is_chief = os.environ["KERASTUNER_TUNER_ID"] == CHIEF
    keras.utils.disable_interactive_logging()
    try:
        data = None if is_chief else load(study, console)
        with folder.alone() if is_chief else contextlib.nullcontext():
            Tuner(study, folder, data, console).search()
    except Exception as error:
        if isinstance(error, ValueError) or disk_full(error):
            print(" ".join(str(error).split()), file=sys.stderr, flush=True)  # noqa: T201
            sys.exit(REFUSED)
        raise


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _die_with(parent: int) -> None:
    """Ends this process once the one that started it is gone; what it was at is taken up again."""
    while os.getppid() == parent:
        time.sleep(TICK)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
