"""How long every score takes on dSprites, from its images on, metric by metric.

    python tests/benchmarks/score_all.py                  (a few minutes on two cores)

10,000 images of 64x64 and 5,000 more to test on are encoded by the literature's encoder, untrained:
the time hardly depends on the weights. With `--run RUN` they are encoded, and sized, as a finished
run does, whose codes take the slower metrics longer.

The scores of FactorVAE and b-VAE at full protocol (10,000 + 5,000 votes of 64), with the encoding:
at most 3 minutes. All together: at most 20. Prints whether both hold, and exits with 1 where one
does not.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

import numpy as np

import zoo
from zoo.metrics import scoring
from zoo.runs import Run

MOST_VOTE_SECONDS = 180.0
MOST_SECONDS = 1200.0
VOTES = ("factor_vae_score", "beta_vae_score")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="folder of a finished run on data with factors")
    parser.add_argument("--metrics", default="all", help="names with commas between them")
    options = parser.parse_args()
    if options.run:
        run = Run.open(options.run)
        data, method = run.load_data(), run.load_method()
    else:
        data = zoo.data.load("dsprites")
        method = zoo.BetaVAE.for_images(data.image_shape)

    clock = [("drawing images", time.perf_counter())]
    pool = scoring.Pool.draw(data, options.metrics.split(","))

    def encode(images: np.ndarray) -> np.ndarray:
        clock.append(("encoding", time.perf_counter()))
        return method.predict(images, batch_size=scoring.BATCH, verbose=0)

    results = pool.score(encode, tell=lambda name: clock.append((name, time.perf_counter())))
    clock.append(("", time.perf_counter()))

    seconds: dict[str, float] = {}
    for (name, start), (_, end) in itertools.pairwise(clock):
        seconds[name] = seconds.get(name, 0.0) + end - start
    for name, took in seconds.items():
        print(f"{name:28s} {took:8.2f} s")
    print(*results.values(), sep="\n")

    before = seconds["drawing images"] + seconds["encoding"]
    votes = before + sum(seconds.get(name, 0.0) for name in VOTES)
    everything = sum(seconds.values())
    held = votes <= MOST_VOTE_SECONDS and everything <= MOST_SECONDS
    print(
        f"scores by votes, encoding included: {votes:.1f} s, at most {MOST_VOTE_SECONDS:.0f}; "
        f"all: {everything:.1f} s, at most {MOST_SECONDS:.0f}: {'yes' if held else 'NO'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
