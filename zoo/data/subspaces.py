"""Batches for codes of several subspaces, each of which is to hold one part of what varies.

A subspace learns by comparison: its positive shares with an image what the subspace is to hold and
nothing else, its hard negative shares all else and not that. What varies are known factors, or,
without any, what is done to the images.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import checks
from zoo.data.factors import FactorData
from zoo.data.images import Images
from zoo.data.labels import LabelledData
from zoo.data.order import shuffled_rows
from zoo.data.pairing import check_factors
from zoo.data.viewing import images_of
from zoo.data.views import View, Views, uniform
from zoo.messages import unknown

if TYPE_CHECKING:
    import tensorflow as tf

TRANSFORMATIONS: dict[str, tuple[str, ...]] = {
    "crop": ("area", "aspect", "place"),
    "flip": ("flip",),
    "rotation": ("rotation",),
    "translation": ("translation",),
    "zoom": ("zoom",),
    "colour": ("order", "jitter", "brightness", "contrast", "saturation", "hue", "grey", "mix"),
    "blur": ("blur", "sigma"),
    "solarise": ("solarise",),
}
"""What is done to an image, and the draws of a view that say how."""

USUAL = View(
    area=(0.5, 1.0), jitter=1.0, contrast=0.0, saturation=0.0, hue=0.0, grey=0.0, mix=1.3,
    blur=0.5, solarise=0.5, rotation=180.0, translation=0.25, zoom=(0.8, 1.25),
)  # fmt: skip
"""How strong each transformation is where nobody says. No two views share a colour."""

# What a view has where a transformation does not happen.
_WITHOUT: dict[str, dict[str, Any]] = {
    "crop": {"area": (1.0, 1.0)},
    "flip": {"flip": 0.0},
    "rotation": {"rotation": 0.0},
    "translation": {"translation": 0.0},
    "zoom": {"zoom": (1.0, 1.0)},
    "colour": {"jitter": 0.0, "grey": 0.0, "mix": 0.0},
    "blur": {"blur": 0.0},
    "solarise": {"solarise": 0.0},
}


def factor_pairs(
    data: FactorData,
    subspaces: Mapping[str, str | Sequence[str]],
    batch_size: int,
    seed: int = 0,
    start: int = 0,
    hard_negatives: bool = True,
    condition: str | None = None,
) -> tf.data.Dataset:
    """An endless stream of images, each with relatives in every subspace, by known factors.

    For each subspace an image has a positive, which has the same values of the subspace's factors
    and another value of every other factor that varies, and a hard negative, which has the same
    values of all other factors and another value of the subspace's; of several, another
    combination, each as likely as the next.

    Images come in the order of `data.batches`. What becomes of each is drawn from (seed, batch)
    alone, so `start=n` resumes a run where it was.

    Args:
        data: Images with known factors, one for each combination of their values.
        subspaces: The factors that each subspace is to hold, one or several; a factor in at most
            one of them. Factors in none are what every subspace is to ignore.
        batch_size: Images a batch.
        seed: Draws the order and the relatives.
        start: The number of the first batch, from 0.
        hard_negatives: Whether there are any. Without, "negatives" is an empty dictionary, and
            the rest is the same.
        condition: A factor whose values come with all images, for an encoder that depends on them.

    Returns:
        A tf.data.Dataset of {"image": uint8 (batch_size, H, W, C), "positives": {subspace: such
        images}, "negatives": {subspace: such images}, "factors": int64 (batch_size, F), of
        "image"}; with a condition also "conditions": int64 (batch_size, 1 + the number of all
        relatives), of "image", then of the positives, then of the negatives.

    Raises:
        ValueError: Data without known factors, or in which combinations are missing or repeated;
            subspaces without a name or a factor, of unknown factors, of factors that have one
            value, of a factor twice, or of all that vary; a `batch_size` below 1, a `seed` or a
            `start` below 0.

    Example:
        >>> data = zoo.data.load("coloured_sprites", size=32)
        >>> subspaces = {"shape": "shape", "position": ("x_position", "y_position")}
        >>> batch = next(iter(zoo.data.factor_pairs(data, subspaces, batch_size=64)))
        >>> list(batch), list(batch["positives"])
        (['image', 'positives', 'negatives', 'factors'], ['shape', 'position'])
        >>> batch["negatives"]["position"].shape, batch["factors"].shape
        (TensorShape([64, 32, 32, 3]), TensorShape([64, 7]))
    """
    import tensorflow as tf

    batch_size = checks.integer("batch_size", batch_size, low=1)
    seed = checks.integer("seed", seed, low=0)
    start = checks.integer("start", start, low=0)
    hard_negatives = checks.truth("hard_negatives", hard_negatives)
    check_factors(data)
    columns = columns_of(data, subspaces)
    if condition is not None and condition not in data.factor_names:
        raise ValueError(unknown("factor", str(condition), data.factor_names))

    def related(rows: np.ndarray, batch: int) -> list[np.ndarray]:
        """The images, all positives, all negatives, the images' factors, and the conditions."""
        rng = np.random.default_rng((seed, int(batch)))
        factors = data.factors[rows]
        wanted = [factors]
        wanted += [positives(factors, data.factor_sizes, of, rng) for of in columns.values()]
        if hard_negatives:
            wanted += [negatives(factors, data.factor_sizes, of, rng) for of in columns.values()]
        images = data.images(np.concatenate(wanted))
        found = [*images.reshape(len(wanted), len(rows), *data.image_shape), factors]
        if condition is not None:
            column = data.factor_names.index(condition)
            found.append(np.stack([of[:, column] for of in wanted], axis=1))
        return found

    count = 1 + len(columns) * (2 if hard_negatives else 1)

    def batch(rows: tf.Tensor, number: tf.Tensor) -> dict[str, Any]:
        tables = 1 if condition is None else 2
        found = tf.numpy_function(related, [rows, number], [tf.uint8] * count + [tf.int64] * tables)
        images = [tf.ensure_shape(part, (batch_size, *data.image_shape)) for part in found[:count]]
        factors, *conditions = found[count:]
        image, others = images[0], images[1:]
        made = {
            "image": image,
            "positives": dict(zip(columns, others, strict=False)),
            "negatives": dict(zip(columns, others[len(columns) :], strict=False)),
            "factors": tf.ensure_shape(factors, (batch_size, len(data.factor_names))),
        }
        for of in conditions:
            made["conditions"] = tf.ensure_shape(of, (batch_size, count))
        return made

    order = shuffled_rows(len(data), batch_size, seed, start)
    numbered = tf.data.Dataset.zip(order, tf.data.Dataset.counter(start, dtype=tf.int64))
    return numbered.map(tf.autograph.experimental.do_not_convert(batch)).prefetch(2)


def factor_views(
    images: Images | LabelledData,
    ignored: Mapping[str, str | Sequence[str]],
    batch_size: int,
    view: View | None = None,
    seed: int = 0,
    start: int = 0,
    hard_negatives: bool = True,
) -> tf.data.Dataset:
    """An endless stream of images, each with relatives in every subspace, without known factors.

    What is done to an image stands for a factor: an image is a view, transformed in several ways,
    and for each subspace it has a positive, another view of the same image in which what the
    subspace ignores was drawn anew and all else is the same; and a hard negative, in which what
    the subspace ignores is the same and all else was drawn anew. With

        {"shape": "colour", "colour": ("crop", "flip")}

    images are cropped, mirrored and coloured; the shape subspace must not tell two colourings of
    one view apart, and the colour subspace must.

    Images come in the order of `two_views`, of which "image" is the first view, and are drawn from
    (seed, batch) alone, so `start=n` resumes a run where it was.

    Args:
        images: Any `zoo.data` set; of one with a training and a test half, the training half.
        ignored: What each subspace ignores, one or several of "crop", "flip", "rotation",
            "translation", "zoom", "colour", "blur" and "solarise"; the rest of what happens it
            sees.
        batch_size: Images a batch.
        view: What happens, how strong and how often. A colour should always change (mix, or
            jitter=1, grey=0), or some hard negatives are the image itself. None: what some
            subspace ignores happens, as strongly as in `USUAL`, and nothing else.
        seed: Draws the order and the views.
        start: The number of the first batch, from 0.
        hard_negatives: Whether there are any. A subspace that ignores all that happens has none.

    Returns:
        A tf.data.Dataset of {"image": float32 (batch_size, H, W, C), 0..1, "positives": {subspace:
        such images}, "negatives": {subspace: such images}}.

    Raises:
        ValueError: Subspaces without a name or anything to ignore, transformations that are
            unknown or that the view does not have; and as `two_views`.

    Example:
        >>> data = zoo.data.load("coloured_sprites", size=32)
        >>> ignored = {"shape": "colour", "colour": ("crop", "flip")}
        >>> batch = next(iter(zoo.data.factor_views(data, ignored, batch_size=64)))
        >>> batch["positives"]["shape"].shape, list(batch["negatives"])
        (TensorShape([64, 32, 32, 3]), ['shape', 'colour'])
    """
    import tensorflow as tf

    batch_size = checks.integer("batch_size", batch_size, low=1)
    seed = checks.integer("seed", seed, low=0)
    start = checks.integer("start", start, low=0)
    hard_negatives = checks.truth("hard_negatives", hard_negatives)
    images = images_of(images)
    height, width, channels = images.image_shape
    view = view or view_of(ignored, width / height)
    anew = _drawn_anew(ignored, view, channels)
    # Every image of a batch by what is drawn anew for it: the images, positives, negatives.
    seen = {name: others for name, (_, others) in anew.items() if others and hard_negatives}
    wanted = [set(), *(own for own, _ in anew.values()), *seen.values()]
    views = Views(view)

    def batch(pixels: tf.Tensor, number: tf.Tensor) -> dict[str, Any]:
        drawn = uniform(batch_size, seed, number)
        made: list[tf.Tensor] = []
        for first in range(0, len(wanted), 2):
            pair = wanted[first], wanted[min(first + 1, len(wanted) - 1)]
            chosen = {
                name: tf.stack([either[int(name in draws)] for draws in pair])
                for name, either in drawn.items()
            }
            made += views.made_of(pixels, chosen)
        image, others = made[0], made[1:]
        return {
            "image": image,
            "positives": dict(zip(anew, others, strict=False)),
            "negatives": dict(zip(seen, others[len(anew) :], strict=False)),
        }

    numbered = tf.data.Dataset.zip(
        images.batches(batch_size, seed, start, distinct=True),
        tf.data.Dataset.counter(start, dtype=tf.int64),
    )
    return numbered.map(tf.autograph.experimental.do_not_convert(batch)).prefetch(2)


def columns_of(
    data: FactorData, subspaces: Mapping[str, str | Sequence[str]]
) -> dict[str, list[int]]:
    """The columns of `data.factors` that each subspace is to hold.

    Args:
        data: Images with known factors.
        subspaces: The names of each subspace's factors.

    Raises:
        ValueError: As `factor_pairs`.

    Example:
        >>> data = zoo.data.load("coloured_sprites")
        >>> columns_of(data, {"place": ("x_position", "y_position"), "colour": "colour"})
        {'place': [3, 4], 'colour': [5]}
    """
    sizes = zip(data.factor_names, data.factor_sizes, strict=True)
    varying = {name for name, size in sizes if size > 1}
    holder: dict[str, str] = {}
    columns = {}
    for subspace, factors in listed("subspaces", subspaces, "factor").items():
        for factor in factors:
            if factor not in data.factor_names:
                raise ValueError(unknown("factor", str(factor), data.factor_names))
            if factor not in varying:
                raise ValueError(
                    f"Expected factors that vary. Received: {factor!r} of subspace {subspace!r}, "
                    f"which has one value in {data.name}."
                )
            if factor in holder:
                raise ValueError(
                    f"Expected each factor once. Received: {factor!r} in subspaces "
                    f"{holder[factor]!r} and {subspace!r}."
                )
            holder[factor] = subspace
        if varying == set(factors):
            raise ValueError(
                f"Expected a factor that varies and is not in subspace {subspace!r}, for its "
                f"positives to differ in. Received: {', '.join(factors)}, all that vary in "
                f"{data.name}."
            )
        columns[subspace] = [data.factor_names.index(factor) for factor in factors]
    return columns


def listed(
    argument: str, subspaces: Mapping[str, str | Sequence[str]], kind: str
) -> dict[str, list[str]]:
    """What belongs to each subspace as a list, of at least one.

    Args:
        argument: What a refusal calls it.
        subspaces: Name -> one thing or several, by their names.
        kind: What they are, in one word.

    Raises:
        ValueError: No subspaces; one without a name or with nothing that belongs to it.
    """
    if not isinstance(subspaces, Mapping) or not subspaces:
        raise ValueError(
            f'Expected {argument} as a dictionary of {kind}s, such as {{"NAME": ("{kind.upper()}", '
            f'"{kind.upper()}")}}. Received: {subspaces!r}.'
        )
    listed = {}
    for subspace, given in subspaces.items():
        several = [given] if isinstance(given, str) else given
        names = list(several) if isinstance(several, Iterable) else []
        if not isinstance(subspace, str) or not subspace or not names:
            raise ValueError(
                f"Expected a name and at least one {kind} for every subspace. "
                f"Received: {{{subspace!r}: {given!r}}}."
            )
        listed[subspace] = names
    return listed


def usual(data: Any) -> dict[str, Any]:
    """What subspaces there could be for some data, and what they compare, where nobody says.

    Args:
        data: Any `zoo.data` set.

    Returns:
        "subspaces": a width for each; "factor_names": those of the data; "ignored": what each
        subspace ignores of that which is done to images. With known factors a subspace for each
        that varies, called like it; without, those of the example of
        `factor_views`.

    Example:
        >>> told = usual(zoo.data.load("coloured_sprites").subset(background=0, orientation=0))
        >>> [*told["subspaces"]], told["ignored"]
        (['shape', 'scale', 'x_position', 'y_position', 'colour'], None)
        >>> usual(zoo.data.load("digits"))["subspaces"]
        {'shape': 8, 'colour': 8}
    """
    if not isinstance(data, FactorData):
        ignored = {"shape": ("colour",), "colour": ("crop", "flip")}
        return {"subspaces": dict.fromkeys(ignored, 8), "factor_names": (), "ignored": ignored}
    sizes = dict(zip(data.factor_names, data.factor_sizes, strict=True))
    widths = {name: 4 for name, size in sizes.items() if size > 1}
    return {"subspaces": widths, "factor_names": data.factor_names, "ignored": None}


def positives(
    factors: np.ndarray, factor_sizes: Sequence[int], held: list[int], rng: np.random.Generator
) -> np.ndarray:
    """Factors that share the held ones, and have another value of each of the rest that varies.

    Args:
        factors: int64 (N, F).
        factor_sizes: How many values each factor has.
        held: The columns that stay.
        rng: What draws; all other values are as likely.

    Returns:
        int64 (N, F).

    Example:
        >>> positives(np.zeros((2, 3), int), (2, 2, 1), [0], np.random.default_rng(0))
        array([[0, 1, 0],
               [0, 1, 0]])
    """
    sizes = np.asarray(factor_sizes)
    steps = rng.integers(1, np.maximum(sizes, 2), factors.shape)  # 1 to size - 1: another value
    steps[:, held] = 0
    return (factors + steps) % sizes


def negatives(
    factors: np.ndarray, factor_sizes: Sequence[int], held: list[int], rng: np.random.Generator
) -> np.ndarray:
    """Factors with another combination of the held ones, and the same values of all the rest.

    Args:
        factors: int64 (N, F).
        factor_sizes: How many values each factor has.
        held: The columns that change, at least one of them in each row.
        rng: What draws; all other combinations are as likely.

    Returns:
        int64 (N, F).

    Example:
        >>> negatives(np.zeros((2, 3), int), (2, 2, 9), [0], np.random.default_rng(0))
        array([[1, 0, 0],
               [1, 0, 0]])
    """
    sizes = [factor_sizes[column] for column in held]
    combinations = int(np.prod(sizes))
    own = np.ravel_multi_index(tuple(factors[:, held].T), sizes)
    drawn = (own + rng.integers(1, combinations, len(factors))) % combinations
    other = factors.copy()
    other[:, held] = np.stack(np.unravel_index(drawn, sizes), axis=1)
    return other


def view_of(ignored: Mapping[str, str | Sequence[str]], ratio: float = 1.0) -> View:
    """The usual view of what is ignored by some subspace or other, in which nothing else happens.

    Args:
        ignored: As `factor_views`.
        ratio: The images' width over their height, which a crop that is the whole image keeps.

    Raises:
        ValueError: As `factor_views`.

    Example:
        >>> view_of({"shape": "colour", "colour": "rotation"}).rotation
        180.0
    """
    named = {*itertools.chain(*_named(ignored).values())}
    still = {k: v for name, of in _WITHOUT.items() if name not in named for k, v in of.items()}
    if "crop" not in named:
        still["aspect"] = (ratio, ratio)
    return dataclasses.replace(USUAL, **still)


def told_apart(
    ignored: Mapping[str, str | Sequence[str]], channels: int, view: View | None = None
) -> list[str]:
    """The subspaces that have hard negatives in `factor_views`: they see some of what happens.

    Example:
        >>> told_apart({"shape": "colour", "all": ("crop", "flip", "colour")}, channels=3)
        ['shape']
    """
    anew = _drawn_anew(ignored, view or view_of(ignored), channels)
    return [name for name, (_, others) in anew.items() if others]


def _drawn_anew(
    ignored: Mapping[str, str | Sequence[str]], view: View, channels: int
) -> dict[str, tuple[set[str], set[str]]]:
    """For each subspace, the draws of what it ignores, and of what happens and it sees."""
    happens = _happening(view, channels)
    anew = {}
    for subspace, named in _named(ignored).items():
        for transformation in named:
            if transformation not in happens:
                raise ValueError(
                    "Expected transformations that sometimes happen in the view. Received: "
                    f"{transformation!r} of subspace {subspace!r}, of {', '.join(happens)}."
                )
        own = {draw for name in named for draw in TRANSFORMATIONS[name]}
        others = {draw for name in happens for draw in TRANSFORMATIONS[name]} - own
        anew[subspace] = own, others
    return anew


def _named(ignored: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """The transformations that each subspace ignores, once all are known."""
    named = listed("ignored", ignored, "transformation")
    for name in itertools.chain(*named.values()):
        if name not in TRANSFORMATIONS:
            raise ValueError(unknown("transformation", str(name), TRANSFORMATIONS))
    return named


def _happening(view: View, channels: int) -> list[str]:
    """The transformations that make a difference between two such views, of some images."""
    colours = [view.brightness, view.contrast]
    if channels == 3:
        colours += [view.saturation, view.hue]
    happens = {
        "crop": view.area[0] < 1,
        "flip": 0 < view.flip < 1,
        "rotation": view.rotation > 0,
        "translation": view.translation > 0,
        "zoom": view.zoom[0] < view.zoom[1],
        "colour": (view.jitter > 0 and any(colours))
        or (channels == 3 and (0 < view.grey < 1 or view.mix > 0)),
        "blur": view.blur > 0,
        "solarise": 0 < view.solarise < 1,
    }
    return [name for name, does in happens.items() if does]
