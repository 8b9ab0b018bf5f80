"""Domains: the same images in another look, and draws in which a look tells the class.

Pure functions of uint8 images. Corruptions and their five severities are those of Hendrycks and
Dietterich ("Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR
2019) for 32x32 images, as far as they need nothing but arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo import checks
from zoo.data import FactorData, LabelledData
from zoo.messages import unknown

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
Generator = np.random.Generator


def inverted(images: Images) -> Images:
    """Each value v as 255 - v."""
    return 255 - images


def tinted(images: Images, hues: NDArray[np.float64]) -> Images:
    """Grey images in colours: white becomes a hue, black stays black.

    Args:
        images: uint8 (N, H, W, 1), or (N, H, W, 3) whose channels are averaged.
        hues: (N,), 0 red, 1/3 green, 2/3 blue, 1 red again.

    Returns:
        uint8 (N, H, W, 3).

    Example:
        >>> tinted(np.full((1, 1, 1, 1), 255, np.uint8), np.array([1 / 3])).ravel()
        array([  0, 255,   0], dtype=uint8)
    """
    from matplotlib.colors import hsv_to_rgb  # a tenth of a second

    rgb = hsv_to_rgb(np.stack([hues % 1, np.ones_like(hues), np.ones_like(hues)], axis=1))
    grey = images.mean(axis=3, keepdims=True)
    return np.rint(grey * rgb[:, None, None]).astype(np.uint8)


def on_background(images: Images, colour: Sequence[int]) -> Images:
    """Grey images as masks: white stays white, black becomes a colour.

    Args:
        images: uint8 (N, H, W, 1), or (N, H, W, 3) whose channels are averaged.
        colour: Red, green and blue, 0..255.

    Returns:
        uint8 (N, H, W, 3).

    Example:
        >>> on_background(np.zeros((1, 1, 1, 1), np.uint8), (16, 24, 112)).ravel()
        array([ 16,  24, 112], dtype=uint8)
    """
    light = images.mean(axis=3, keepdims=True) / 255
    return np.rint(255 * light + (1 - light) * np.asarray(colour)).astype(np.uint8)


def cues(labels: NDArray[np.integer], count: int, tie: float, seed: int) -> NDArray[np.intp]:
    """What else varies with the class: for each label one of `count` values.

    Args:
        labels: (N,) integers from 0.
        count: How many values there are.
        tie: How often the value is the class's own, label modulo count; else any, each as likely.
        seed: Draws them.

    Returns:
        (N,) values 0 to count - 1.

    Example:
        >>> cues(np.array([0, 1, 2, 3]), count=3, tie=1.0, seed=0)
        array([0, 1, 2, 0])
    """
    checks.integer("count", count, low=1)
    checks.number("tie", tie, low=0, high=1)
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    free = rng.integers(0, count, len(labels))
    return np.where(rng.random(len(labels)) < tie, labels % count, free)


# Corruptions, of images as floats 0..1


def _gaussian_noise(x: Floats, c: float, rng: Generator) -> Floats:
    return x + rng.normal(0, c, x.shape)


def _shot_noise(x: Floats, c: float, rng: Generator) -> Floats:
    return rng.poisson(x * c) / c


def _impulse_noise(x: Floats, c: float, rng: Generator) -> Floats:
    struck, white = rng.random(x.shape) < c, rng.random(x.shape) < 0.5
    return np.where(struck, white, x)


def _gaussian_blur(x: Floats, c: float, rng: Generator) -> Floats:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(x, sigma=(0, c, c, 0), mode="nearest")


def _contrast(x: Floats, c: float, rng: Generator) -> Floats:
    mean = x.mean(axis=(1, 2), keepdims=True)
    return (x - mean) * c + mean


def _brightness(x: Floats, c: float, rng: Generator) -> Floats:
    """Adds to the value of hue, saturation, value: the largest channel, the others in proportion.

    Black, which has neither, becomes grey.
    """
    value = x.max(axis=3, keepdims=True)
    wanted = np.minimum(value + c, 1)
    scaled = np.divide(x, value, out=np.ones_like(x), where=value > 0)
    return scaled * wanted


Corruption = Callable[[Floats, float, Generator], Floats]
CORRUPTIONS: Mapping[str, tuple[Corruption, tuple[float, ...]]] = {
    "gaussian_noise": (_gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": (_shot_noise, (500, 250, 100, 75, 50)),
    "impulse_noise": (_impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "gaussian_blur": (_gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1)),
    "contrast": (_contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "brightness": (_brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
}
"""Name -> what it does, and how much of it at severities 1 to 5."""


def corrupted(images: Images, kind: str, severity: int = 3, seed: int = 0) -> Images:
    """Images as a worse camera takes them.

    Args:
        images: uint8 (N, H, W, C).
        kind: One of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: Draws the noise.

    Returns:
        uint8 (N, H, W, C).

    Raises:
        ValueError: An unknown kind, another severity.

    Example:
        >>> corrupted(np.array([0, 200], np.uint8).reshape(1, 1, 2, 1), "contrast", 2).ravel()
        array([ 50, 150], dtype=uint8)
    """
    function, amounts = CORRUPTIONS[checks.one_of("corruption", kind, tuple(CORRUPTIONS))]
    amount = amounts[checks.integer("severity", severity, low=1, high=len(amounts)) - 1]
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    changed = function(images / 255, amount, rng)
    return np.rint(255 * np.clip(changed, 0, 1)).astype(np.uint8)


# Domains by name

HUES = {"warm": np.linspace(0, 0.45, 10), "cool": np.linspace(0.5, 0.95, 10)}
"""Ten hues each: from red to green, and from cyan to magenta."""
BACKGROUNDS = {"maroon": (96, 32, 32), "green": (0, 80, 48), "navy": (16, 24, 112)}
"""Red, green and blue, as behind the coloured sprites."""
NAMES = ("plain", "inverted", *HUES, *BACKGROUNDS, *CORRUPTIONS)


def in_domain(
    images: Images, labels: NDArray[np.integer], name: str, channels: int, seed: int = 0
) -> Images:
    """Images in a domain by its name.

    | name | what becomes of images |
    |---|---|
    | plain | they stay |
    | inverted | black is white |
    | warm, cool | in one of ten hues, drawn for each |
    | warm:0.7, cool:0.7 | of 70 % the hue is their class's |
    | maroon, green, navy | on this background |
    | gaussian_noise:3, ... | one of `CORRUPTIONS` at this severity; 3 where none is named |

    Args:
        images: uint8 (N, H, W, C).
        labels: (N,) integers from 0, which hues may be tied to.
        name: One of the above.
        channels: Of the images that are wanted: grey ones are given three where it takes them.
        seed: Draws what is drawn.

    Returns:
        uint8 (N, H, W, channels).

    Raises:
        ValueError: An unknown name, a number that it does not take, colours where one channel is
            wanted.
    """
    kind, _, rest = name.partition(":")
    if kind not in NAMES:
        raise ValueError(unknown("domain", kind, NAMES))
    takes = {**dict.fromkeys(HUES, float), **dict.fromkeys(CORRUPTIONS, int)}.get(kind)
    try:
        number = takes(rest) if rest and takes else None
    except ValueError:
        number = None
    if rest and number is None:
        raise ValueError(
            f"Expected {kind!r} " + (f"and a number, as {kind}:1" if takes else "alone") + ". "
            f"Received: {name!r}."
        )
    if kind in HUES:
        tie = 0.0 if number is None else checks.number("tie", number, low=0, high=1)
        images = tinted(images, HUES[kind][cues(labels, len(HUES[kind]), tie, seed)])
    elif kind in BACKGROUNDS:
        images = on_background(images, BACKGROUNDS[kind])
    elif kind == "inverted":
        images = inverted(images)
    elif kind in CORRUPTIONS:
        images = corrupted(images, kind, 3 if number is None else int(number), seed)
    if images.shape[3] == 1 < channels:
        images = images.repeat(channels, axis=3)
    if images.shape[3] != channels:
        raise ValueError(
            f"Expected a domain of images of {channels} channels, as the model takes. "
            f"Received: {name!r}, whose have {images.shape[3]}."
        )
    return images


def rows_in_domain(
    data: FactorData,
    rows: NDArray[np.intp],
    factor: str,
    values: Sequence[int],
    label: str,
    count: int,
    tie: float = 0.0,
    seed: int = 0,
) -> NDArray[np.intp]:
    """Rows of images whose factor has some values, which may be tied to another factor, the label.

    Args:
        data: Images with known factors.
        rows: Those of its rows that may be drawn.
        factor: What tells the domain.
        values: Its values in this domain.
        label: The factor that is the label; each of its values is as likely.
        count: How many rows are drawn at most, none of them twice: the draw ends where it comes to
            a label and value all of whose rows are drawn, so that each is as frequent as it should.
        tie: How often the value is the label's own, as for `cues`.
        seed: Draws them.

    Returns:
        (n,) rows, n at most `count`.

    Raises:
        ValueError: An unknown factor, the label itself, values that are not there, combinations of
            label and value without a row.
    """
    for name in (factor, label):
        checks.one_of("factor", name, data.factor_names)
    if factor == label:
        raise ValueError(f"Expected a domain that is not the label. Received: {factor!r} for both.")
    column, of_label = (data.factor_names.index(name) for name in (factor, label))
    size = data.factor_sizes[column]
    wanted = [checks.integer(f"a value of {factor}", v, low=0, high=size - 1) for v in values]
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    y = rng.integers(0, data.factor_sizes[of_label], count)
    cue = np.asarray(wanted)[cues(y, len(wanted), tie, seed + 1)]
    drawn, found = np.empty(count, np.intp), np.zeros(count, bool)
    there = data.factors[rows]
    for pair in np.unique(np.stack([y, cue], axis=1), axis=0):
        mine = np.flatnonzero((y == pair[0]) & (cue == pair[1]))
        fits = rows[(there[:, of_label] == pair[0]) & (there[:, column] == pair[1])]
        if not len(fits):
            raise ValueError(
                f"Expected an image of {label} {pair[0]} with {factor} {pair[1]}. Received: none."
            )
        mine = mine[: len(fits)]
        drawn[mine], found[mine] = rng.choice(fits, len(mine), replace=False), True
    return drawn[: count if found.all() else int(found.argmin())]


class Drawn(NamedTuple):
    """Images of one domain.

    Attributes:
        images: uint8 (N, H, W, C) to learn from.
        labels: (N,) integers.
        test_images: (M, H, W, C), others.
        test_labels: (M,).
    """

    images: Images
    labels: NDArray[np.integer]
    test_images: Images
    test_labels: NDArray[np.integer]


def drawn(
    data: FactorData | LabelledData,
    name: str,
    samples: int,
    channels: int,
    label: str | None = None,
    place: int = 0,
    seed: int = 0,
) -> Drawn:
    """Images of a domain of some data: no image is in two domains' training, or in that and a test.

    Of labelled data the domain is one of `in_domain`; a half of the training images is of the
    source, the other of the target, and both are tested by the same test images, each in its own
    look. Of data with factors it is "FACTOR=VALUE,..." as for `rows_in_domain`, with ":TIE" where
    the value is tied to the label; two fifths of the images are of each, a fifth tests both.

    Args:
        data: Labelled images, or images with known factors.
        name: The domain.
        samples: Images to learn from, and to test by, at most; at least 10.
        channels: Of the images that are wanted.
        label: Of data with factors, the one that is the label.
        place: 0 of the source, 1 of the target.
        seed: Draws all that is drawn.

    Raises:
        ValueError: A domain that the data do not have, data without labels or without test images,
            a label where there are no factors or none where there are.
    """
    samples = checks.integer("samples", samples, low=10)
    own = 2 * seed + place  # noise and hues are others in the other domain
    rng = np.random.default_rng(seed)
    if isinstance(data, FactorData):
        if label is None:
            raise ValueError(
                f"Expected label= (--label), the factor of {data.name!r} that is the label: "
                f"{', '.join(data.factor_names)}. Received: none."
            )
        factor, values, tie = _parsed(name)
        order, fifth = rng.permutation(len(data)), len(data) // 5
        parts = (order[place * 2 * fifth : (place + 1) * 2 * fifth], order[4 * fifth :])
        rows = [
            rows_in_domain(data, part, factor, values, label, samples, tie, 10 * own + test)
            for test, part in enumerate(parts)
        ]
        column = data.factor_names.index(label)
        of_label = data.factors[:, column]
        images = [data.read(part) for part in rows]
        if images[0].shape[3] != channels:
            raise ValueError(
                f"Expected images of {channels} channels, as the model takes. Received: "
                f"{images[0].shape[3]}."
            )
        return Drawn(images[0], of_label[rows[0]], images[1], of_label[rows[1]])
    if label is not None:
        raise ValueError(
            f"Expected no label= (--label): {data.name!r} has no factors. Received: {label!r}."
        )
    found: list[NDArray[Any]] = []
    for half, start, step in ((data.train, place, 2), (data.test, 0, 1)):
        labels = half.labels
        if labels is None or labels.ndim != 1 or not len(half):
            raise ValueError(
                f"Expected data with a training and a test half, and one class an image. "
                f"Received: {data!r}."
            )
        some = rng.permutation(len(half))[start::step][:samples]
        pictures = in_domain(half.read(some), labels[some], name, channels, 10 * own + len(found))
        found += [pictures, labels[some]]
    return Drawn(*found)


def _parsed(name: str) -> tuple[str, list[int], float]:
    """FACTOR=VALUE,...[:TIE] as its parts."""
    found = re.fullmatch(r"([^=:]+)=(\d+(?:,\d+)*)(?::([\d.]+))?", name)
    try:
        if found:
            values = [int(value) for value in found[2].split(",")]
            return found[1], values, float(found[3] or 0)
    except ValueError:  # 1.2.3
        pass
    raise ValueError(
        "Expected a domain of data with factors, FACTOR=VALUE,... or FACTOR=VALUE,...:TIE. "
        f"Received: {name!r}."
    )
