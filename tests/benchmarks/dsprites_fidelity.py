"""Compares the generated dSprites with the frames that its authors published.

For each frame, looks for the generated image that differs in the fewest pixels.
Expected: 0 pixels in all 320; exits with 1 otherwise. Seconds, and 3 more for the first build.

    REPZOO_TEST_DATA=FOLDER python tests/benchmarks/dsprites_fidelity.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from zoo.data import FactorData
from zoo.data.dsprites import dsprites

FRAMES = 320


def published_frames(path: Path) -> np.ndarray:
    """The frames of the published animation, as bits: uint8 (n, 512)."""
    with Image.open(path) as animation:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(animation)]
    return np.packbits(np.stack(frames).reshape(len(frames), -1) > 127, axis=1)


def nearest(frames: np.ndarray, data: FactorData) -> tuple[np.ndarray, np.ndarray]:
    """For each frame, the row of the generated image nearest to it, and the differing pixels.

    Args:
        frames: Bits, uint8 (n, 512).
        data: The generated images.
    """
    # A weighted sum of an image's 64-bit words, modulo 2^64, finds equal images in one pass.
    weights = np.random.default_rng(0).integers(1, 1 << 63, 64, dtype=np.uint64)
    keys = np.concatenate([(part.view(np.uint64) * weights).sum(axis=1) for part in _bits(data)])
    order = np.argsort(keys)
    wanted = (frames.view(np.uint64) * weights).sum(axis=1)
    rows = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    found = np.packbits(data.read(rows).reshape(len(rows), -1), axis=1)
    differing = np.bitwise_count(found ^ frames).sum(axis=1, dtype=np.int64)
    for frame in np.flatnonzero(differing):  # none is equal: count against every image
        counts = np.concatenate(
            [
                np.bitwise_count(part.view(np.uint64) ^ frames[frame].view(np.uint64)).sum(
                    axis=1, dtype=np.int64
                )
                for part in _bits(data)
            ]
        )
        rows[frame], differing[frame] = counts.argmin(), counts.min()
    return rows, differing


def _bits(data: FactorData) -> Iterator[np.ndarray]:
    for start in range(0, len(data), 8192):
        images = data.read(slice(start, start + 8192))
        yield np.packbits(images.reshape(len(images), -1), axis=1)


def main() -> int:
    """Prints the comparison; 0 if every frame is found."""
    folder = os.environ.get("REPZOO_TEST_DATA")
    if folder is None:
        print("Set REPZOO_TEST_DATA to the folder with data/dsprites_frames.gif.", file=sys.stderr)
        return 2
    frames = published_frames(Path(folder) / "data" / "dsprites_frames.gif")
    data = dsprites()
    rows, differing = nearest(frames, data)
    same = int((differing == 0).sum())
    print(f"{same} of {len(frames)} published frames are in the generated set, pixel by pixel")
    for frame in np.flatnonzero(differing):
        factors = dict(zip(data.factor_names, data.factors[rows[frame]].tolist(), strict=True))
        print(f"frame {frame}: {differing[frame]} pixels differ from the nearest, {factors}")
    return 0 if same == len(frames) == FRAMES else 1


if __name__ == "__main__":
    sys.exit(main())
