"""Resume: runs of `zoo train` killed by SIGKILL at random moments end as one never killed.

    python tests/benchmarks/resume_kills.py

Each of 10 runs of the main job, shortened, is killed at one or two moments drawn uniformly over
the time in which a run trains, and taken up with --resume each time. Compared to the bit: every
array in model.keras (weights, optimizer, random states, step counter), history.json, scores.json.
Takes some ten minutes on two cores. Result to expect: 10 of 10 bit-identical.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).parents[2]
ZOO = [sys.executable, "-c", "from zoo.cli import main; main()"]
SHORT = ["--steps", "60", "--epochs", "6", "--samples", "500"]


def start(out: Path, resume: bool = False) -> subprocess.Popen:
    """`zoo train beta_vae`, its output beside its folder."""
    command = [*ZOO, "train", "beta_vae", *SHORT, "--out", str(out), *["--resume"] * resume]
    with open(out.with_suffix(".log"), "a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log, stderr=log)


def wait_for(process: subprocess.Popen, done) -> bool:
    """Waits until `done()`; False if the process ended before."""
    while process.poll() is None:
        if done():
            return True
        time.sleep(0.02)
    return done()


def wait_until(process: subprocess.Popen, moment: float, out: Path) -> None:
    """Waits until a moment, or until all is trained."""
    wait_for(process, lambda: time.monotonic() > moment or trained(out))


def finish(process: subprocess.Popen, out: Path) -> None:
    """Waits for the end of a run."""
    if process.wait():
        raise SystemExit(f"exit code {process.returncode}:\n{out.with_suffix('.log').read_text()}")


def training(out: Path) -> bool:
    """Whether data and method are ready: the run's settings are written just before it trains."""
    return (out / "config.json").exists()


def resumed(out: Path) -> bool:
    """Whether the run has said that it goes on."""
    return "resuming" in out.with_suffix(".log").read_text()


def trained(out: Path) -> bool:
    """Whether the last epoch is over."""
    return (out / "checkpoints" / "epoch-000006-batch-00000000").exists()


def checkpoints(out: Path) -> list[str]:
    """Their names, by progress."""
    return sorted(path.name for path in out.glob("checkpoints/epoch-*"))


def arrays(out: Path) -> dict[str, np.ndarray]:
    """Everything that model.keras holds, by path."""
    found: dict[str, np.ndarray] = {}

    def collect(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(out / "model.keras") as archive:
        body = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(body) as file:
        file.visititems(collect)
    return found


def differences(out: Path, whole: Path) -> list[str]:
    """What two runs left that is not equal."""
    one, other = arrays(out), arrays(whole)
    names = [
        n for n in {*one, *other} if n not in one or n not in other or differ(one[n], other[n])
    ]
    files = ("history.json", "scores.json")
    return sorted(names) + [n for n in files if (out / n).read_bytes() != (whole / n).read_bytes()]


def differ(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays differ in a bit."""
    return a.shape != b.shape or a.dtype != b.dtype or a.tobytes() != b.tobytes()


def killed(out: Path, random: np.random.Generator, seconds: float) -> list[str]:
    """A run killed once or twice, then finished; where the kills found it."""
    places = []
    for kill in range(random.integers(1, 3)):
        process = start(out, resume=kill > 0)
        wait_for(process, lambda: training(out))
        if kill:  # the settings are there from before: wait until it has loaded them
            wait_for(process, lambda: resumed(out))
            out.with_suffix(".log").unlink()
        wait_until(process, time.monotonic() + random.uniform(0, seconds), out)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        places.append((checkpoints(out) or ["no checkpoint"])[-1])
        if not checkpoints(out) or trained(out):
            break  # --resume would begin anew, and say nothing; or there is nothing left to kill
    finish(start(out, resume=True), out)
    return places


def main() -> None:
    """Prints N of 10."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        process = start(whole)
        wait_for(process, lambda: training(whole))
        began = time.monotonic()
        wait_for(process, lambda: trained(whole))
        seconds = time.monotonic() - began
        finish(process, whole)
        print(f"one run, not killed: {seconds:.1f} s of training, {len(arrays(whole))} arrays")
        equal = 0
        for number in range(options.runs):
            out = Path(folder) / f"killed-{number}"
            places = killed(out, random, seconds)
            wrong = differences(out, whole)
            equal += not wrong
            print(f"run {number + 1}: killed at {', '.join(places)}: {wrong or 'bit-identical'}")
    print(f"{equal} of {options.runs} bit-identical")
    sys.exit(equal != options.runs)


if __name__ == "__main__":
    main()
