"""Whether 12 trials that a Gaussian process proposes beat 12 that are drawn.

    python tests/benchmarks/tuning_tuners.py

b-VAE over beta and learning rate, on sprites of one orientation in one row at 16x16, as
`tuning_gain.py`; three repeats of each search, whose first trials differ. What is done is kept in
--out, and the same command goes on. 72 runs of 600 steps: half an hour of
one processor.
"""

import argparse
import statistics
import sys
from pathlib import Path

import tuning

SETTINGS = {
    "image_size": 16,
    "subset": {"orientation": 0, "y_position": 16},
    "metrics": ["mig"],
    "epochs": 1,
    "samples": 2000,
}
TUNERS = ("bayesian", "random")


def main() -> int:
    """Searches, prints the best MIG of each repeat; 1 where Bayesian's median is not higher."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("runs/tuning_tuners"))
    arguments = parser.parse_args()
    best = {
        tuner: [
            tuning.search(
                "beta_vae",
                "dsprites",
                tuner=tuner,
                max_trials=arguments.trials,
                directory=arguments.out / f"{tuner}-{seed}",
                settings={**SETTINGS, "steps": arguments.steps},
                ranges={"beta": (0.1, 10.0), "learning_rate": (5e-4, 5e-3)},
                seed=seed,
            ).best.mean("mig")
            for seed in range(arguments.repeats)
        ]
        for tuner in TUNERS
    }
    print("tuner     best MIG of each repeat   median")
    for tuner, values in best.items():
        told = "  ".join(f"{value:.3f}" for value in values)
        print(f"{tuner:<9} {told:<25} {statistics.median(values):.3f}")
    return 0 if statistics.median(best["bayesian"]) > statistics.median(best["random"]) else 1


if __name__ == "__main__":
    sys.exit(main())
