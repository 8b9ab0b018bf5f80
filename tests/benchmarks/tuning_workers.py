"""How much sooner two workers finish a study than one, each of one thread.

    python tests/benchmarks/tuning_workers.py

A grid of eight equal trials of a b-VAE on sprites of one orientation at 32x32. Starting the
processes counts. Expected on two free cores: at most 0.6 of the time, and the same trials, after
about five minutes.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tuning.searching import begun
from tuning.study import Study, StudyFolder
from tuning.workers import run_workers

MOST = 0.6
SETTINGS = {"image_size": 32, "subset": {"orientation": 0}, "metrics": ["mig"], "epochs": 1}


def timed(study: Study, path: Path, count: int) -> tuple[float, list[dict[str, float]]]:
    """Seconds that so many workers take, and the values that they tried."""
    folder = StudyFolder(path)
    with begun(study, folder):
        pass
    began = time.monotonic()
    run_workers(folder, Console(), count, threads=1)
    return time.monotonic() - began, [dict(trial.values) for trial in folder.trials]


def main() -> int:
    """Runs both, prints the times; 1 where two take more than 0.6 of one, or try other trials."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    arguments = parser.parse_args()
    study = Study.planned(
        "beta_vae",
        tuner="grid",
        max_trials=8,
        ranges={"beta": (1.0, 8.0), "learning_rate": (5e-4, 2e-3)},
        layers=[{**SETTINGS, "steps": arguments.steps}],
    )
    with tempfile.TemporaryDirectory() as folder:
        one, two = (timed(study, Path(folder) / str(count), count) for count in (1, 2))
    print(f"one worker {one[0]:.0f} s, two {two[0]:.0f} s, ratio {two[0] / one[0]:.2f}")
    same = one[1] == two[1]
    print("the same trials" if same else f"other trials: {one[1]}, {two[1]}")
    return 0 if same and two[0] <= MOST * one[0] else 1


if __name__ == "__main__":
    sys.exit(main())
