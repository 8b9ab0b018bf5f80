"""Measures building dSprites, decoding random batches, and the stream that training reads.

Expected on 2 cores: built in at most 15 s and 1 GiB of memory; random batches of 64 decoded at
200,000 images/s or more; a batch of the stream far below a training step of 25 ms. Exits with 1
where one of the three is missed. About half a minute, most of it TensorFlow's import and waiting.

    python tests/benchmarks/data_speed.py
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

BATCH = 64
MAX_BUILD_SECONDS, MAX_BUILD_MIB = 15, 1024
MIN_DECODED_PER_SECOND = 200_000
MAX_STREAM_MS = 2.5  # a tenth of a step of 25 ms

_BUILD = """
import json, resource, time
start = time.perf_counter()
from zoo.data.dsprites import dsprites
dsprites()
built = time.perf_counter() - start
start = time.perf_counter()
dsprites()
print(json.dumps({
    "build": built,
    "reload": time.perf_counter() - start,
    "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def build(cache: str) -> dict[str, float]:
    """Builds dSprites in a fresh process: seconds to build and to load again, peak MiB."""
    result = subprocess.run(
        [sys.executable, "-c", _BUILD],
        env={**os.environ, "REPZOO_CACHE": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(result.stdout)


def median_seconds(things: Iterator[object], n: int, rounds: int = 7) -> float:
    """The median over rounds of the mean time to make one of n things."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(n):
            next(things)
        times.append((time.perf_counter() - start) / n)
    return statistics.median(times)


def main() -> int:
    """Prints the measurements; 0 if all meet what is expected."""
    with tempfile.TemporaryDirectory() as cache:
        builds = [build(tempfile.mkdtemp(dir=cache)) for _ in range(3)]
        seconds, reload, mib = (
            statistics.median(one[key] for one in builds) for key in ("build", "reload", "mib")
        )
        print(f"build   {seconds:8.2f} s with {mib:.0f} MiB; checked and loaded in {reload:.2f} s")
        os.environ["REPZOO_CACHE"] = os.path.join(cache, os.listdir(cache)[0])
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

        import numpy as np

        from zoo.data.dsprites import dsprites

        data = dsprites()
        rng = np.random.default_rng(0)
        decoded, streamed = [], []
        for shown in (data, data.resized(32), data.resized(16)):
            rows = [rng.integers(len(data), size=BATCH) for _ in range(1000)]
            calls = map(shown.read, itertools.cycle(rows))
            decoded.append(BATCH / median_seconds(calls, len(rows)))
            print(f"decode  {decoded[-1]:10,.0f} images/s at {shown.image_shape}")
        for shown in (data, data.resized(32)):
            batches = iter(shown.batches(BATCH, seed=0))
            median_seconds(batches, 100, rounds=1)
            streamed.append(1e3 * median_seconds(batches, 300))
            rate = 1e3 / streamed[-1]
            print(f"stream  {streamed[-1]:8.2f} ms a batch, {rate:,.0f}/s at {shown.image_shape}")
    good = (
        seconds <= MAX_BUILD_SECONDS
        and mib <= MAX_BUILD_MIB
        and decoded[0] >= MIN_DECODED_PER_SECOND
        and max(streamed) <= MAX_STREAM_MS
    )
    print("all within what is expected" if good else "NOT all within what is expected")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
