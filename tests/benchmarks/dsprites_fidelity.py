"""Compares the generated dSprites with the frames that its authors published.

For each frame, looks for the generated image that differs in the fewest pixels.
Expected: 0 pixels in all 320. Exits with 1 otherwise. Some 20 s, most of it for the first build.

    REPZOO_TEST_DATA=<folder> python tests/benchmarks/dsprites_fidelity.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from zoo.data.dsprites import dsprites


def published_frames(path: Path) -> np.ndarray:
    """The frames of the published animation, as bits: uint8 (n, 512)."""
    with Image.open(path) as animation:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(animation)]
    return np.packbits(np.stack(frames).reshape(len(frames), -1) > 127, axis=1)


def nearest(frames: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each frame, the row of the generated image nearest to it and in how many pixels it differs.

    Args:
        frames: Bits, uint8 (n, 512).
        generated: Bits, uint8 (N, 512).
    """
    words = generated.view(np.uint64)
    # A weighted sum of an image's words, modulo 2^64, finds the equal ones in one pass.
    weights = np.random.default_rng(0).integers(1, 1 << 63, words.shape[1], dtype=np.uint64)
    keys = (words * weights).sum(axis=1) if len(words) < 10_000 else np.concatenate(
        [(part * weights).sum(axis=1) for part in np.array_split(words, 100)]
    )
    order = np.argsort(keys)
    wanted = (frames.view(np.uint64) * weights).sum(axis=1)
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    rows = order[place]
    differing = np.bitwise_count(generated[rows] ^ frames).sum(axis=1, dtype=np.int64)
    for frame in np.flatnonzero(differing):  # no equal image: compare with all of them
        for start in range(0, len(generated), 50_000):
            counts = np.bitwise_count(generated[start : start + 50_000] ^ frames[frame])
            counts = counts.sum(axis=1, dtype=np.int64)
            if counts.min() < differing[frame]:
                rows[frame], differing[frame] = start + counts.argmin(), counts.min()
    return rows, differing


def main() -> int:
    folder = os.environ.get("REPZOO_TEST_DATA")
    if folder is None:
        print("Set REPZOO_TEST_DATA to the folder with data/dsprites_frames.gif.", file=sys.stderr)
        return 2
    frames = published_frames(Path(folder) / "data" / "dsprites_frames.gif")
    data = dsprites()
    generated = np.packbits(data.read(slice(0, 0)).reshape(0, 4096), axis=1)  # noqa: F841
    rows, differing = nearest(frames, data._pixels.bits)
    same = int((differing == 0).sum())
    print(f"{same} of {len(frames)} published frames are in the generated set without a differing pixel")
    for frame in np.flatnonzero(differing):
        factors = dict(zip(data.factor_names, data.factors[rows[frame]].tolist(), strict=True))
        print(f"frame {frame}: {differing[frame]} pixels differ from the nearest image, {factors}")
    return 0 if same == len(frames) == 320 else 1


if __name__ == "__main__":
    sys.exit(main())
