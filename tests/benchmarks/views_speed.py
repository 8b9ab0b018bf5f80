"""Measures how fast views are made, side by side with lightly's SimCLRTransform.

Two views of each of 32x32x3 uint8 images in batches of 256: by `zoo.data.two_views`, by the
same operations alone in a graph, and by lightly in a DataLoader with two workers, which is a
process of its own. They take turns, so that whatever else the machine does is shared. Expected on
2 cores: at least 25,000 source images/s and ten times lightly's rate, with and without blur.
Exits with 1 where it is missed. About a minute.

    pip install --no-deps lightly torchvision lightning-utilities
    python tests/benchmarks/views_speed.py
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

BATCH = 256
IMAGES = 20 * BATCH
ROUNDS = 5
MIN_RATE, MIN_RATIO = 25_000, 10
PRESETS: dict[str, dict[str, float]] = {  # and what they are called in lightly
    "simclr": {},
    "simclr_small": {"cj_strength": 0.5, "gaussian_blur": 0.0},
}


def photographs() -> np.ndarray:
    """Images whose colours vary as little from pixel to pixel as those of photographs."""
    from PIL import Image

    rough = np.random.default_rng(0).integers(0, 256, (IMAGES, 6, 6, 3), dtype=np.uint8)
    return np.stack([Image.fromarray(image).resize((32, 32)) for image in rough])


def rate(batches: Iterator[Any], n: int, skipped: int) -> float:
    """Images a second over n batches, after those that were made while nobody looked."""
    for _ in range(skipped):
        next(batches)
    start = time.perf_counter()
    for _ in range(n):
        next(batches)
    return n * BATCH / (time.perf_counter() - start)


def lightly(preset: str) -> None:
    """The other side: answers every line with a rate."""
    import torch

    schemas = torch.library.Library("torchvision", "DEF")  # what it registers where it is compiled
    for operator in ("nms", "qnms"):
        schemas.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from lightly.transforms import SimCLRTransform
    from PIL import Image

    images = photographs()
    transform = SimCLRTransform(input_size=32, **PRESETS[preset])

    class Views(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return IMAGES

        def __getitem__(self, row: int) -> list[torch.Tensor]:
            return transform(Image.fromarray(images[row]))

    loader = torch.utils.data.DataLoader(
        Views(), BATCH, shuffle=True, num_workers=2, drop_last=True, persistent_workers=True
    )

    def endless() -> Iterator[list[torch.Tensor]]:
        while True:
            yield from loader

    batches = endless()
    rate(batches, 1, 4)
    for _ in sys.stdin:
        print(rate(batches, 8, 4), flush=True)


def zoo_rates(preset: str) -> dict[str, Callable[[], float]]:
    """What is measured of the zoo: name -> images a second, each time it is called."""
    import tensorflow as tf

    from zoo.data import Images, Views, two_views
    from zoo.data.pixels import ArrayPixels

    images = photographs()
    stream = iter(two_views(Images("photographs", ArrayPixels(images)), preset, BATCH))
    views = tf.function(Views.of(preset).__call__, autograph=False)
    batch = tf.constant(images[:BATCH])
    alone = (views(batch, 0, tf.constant(step, tf.int64)) for step in itertools.count())
    return {
        "two_views": lambda: rate(stream, 100, 10),
        "graph": lambda: rate(alone, 100, 3),
    }


def compare(preset: str) -> bool:
    """Prints the medians of all sides for one preset; whether they are as expected."""
    command = [sys.executable, __file__, "--peer", preset]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as peer:
        assert peer.stdin
        assert peer.stdout

        def theirs() -> float:
            peer.stdin.write("\n")
            return float(peer.stdout.readline())

        sides = {**zoo_rates(preset), "lightly": theirs}
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for measured in range(ROUNDS + 1):
            for name, side in sides.items():
                found = side()
                if measured:  # the first round warms up
                    rates[name].append(found)
        peer.stdin.close()
    medians = {name: statistics.median(found) for name, found in rates.items()}
    pairs = zip(rates["two_views"], rates["lightly"], strict=True)
    ratios = [ours / other for ours, other in pairs]
    ratio = statistics.median(ratios)
    print(
        f"{preset:13}"
        + "".join(f" {name} {median:8,.0f}/s  " for name, median in medians.items())
        + f"two_views / lightly {ratio:.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
    )
    return min(medians["two_views"], medians["graph"]) >= MIN_RATE and ratio >= MIN_RATIO


def main() -> int:
    """Prints the measurements; 0 if all meet what is expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=PRESETS, help=argparse.SUPPRESS)
    peer = parser.parse_args().peer
    if peer:
        lightly(peer)
        return 0
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    good = min([compare(preset) for preset in PRESETS])
    print("all within what is expected" if good else "NOT all within what is expected")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
