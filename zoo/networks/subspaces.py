"""Networks of codes in several subspaces: heads on one trunk, branches, and what tells of whom.

A subspace is a linear head on features, its rows at length 1: contrastive losses see directions
alone, and lengths could otherwise carry what the directions are not to hold. Codes are the
subspaces side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import layers

from zoo import checks
from zoo.layers import AdaptiveSubspaces, UnitLength
from zoo.networks.encoders import encoder
from zoo.networks.initializers import glorots, lecun_uniforms

HEAD = "{}_head"
"""What the linear head of a subspace is called."""
CODES = "codes"
"""And the layer of all of them side by side."""

CLUB_UNITS = 64
LARGEST_LOGVAR = 5.0


def heads(
    trunk: keras.Model, subspaces: Mapping[str, int], seed: int = 0, price: float | None = None
) -> keras.Model:
    """A linear head for each subspace on the features of one trunk, or one that they share out.

    Args:
        trunk: A built model from images (N, H, W, C), or whatever else it takes, to features
            (N, F).
        subspaces: The width of each.
        seed: Of the initial weights: uniform in +-1/sqrt(F), as PyTorch starts linear layers; the
            biases start at zero.
        price: Of a dimension that is used, where subspaces share out the dimensions of one head, as
            wide as each of them: see `zoo.layers.AdaptiveSubspaces`. Of each subspace the
            dimensions that belong to others are zero. None: each has a head of its own.

    Returns:
        A model from images (N, H, W, C) to codes (N, L) float32, the subspaces side by side, each
        of length 1, or zero where it is closed.

    Raises:
        ValueError: No subspaces, a width below 2, one that is called "codes" or like a layer of
            the trunk, or several widths of what is shared out.

    Example:
        >>> trunk = encoder("convnet", (32, 32, 3))
        >>> heads(trunk, {"shape": 8, "colour": 4}).output_shape
        (None, 12)
    """
    subspaces = check_widths(subspaces)
    _check_free(subspaces, [layer.name for layer in trunk.layers])
    uniform = lecun_uniforms(seed)
    if price is not None:
        return _shared(trunk, subspaces, uniform, price, seed)
    codes = [_head(trunk.output, name, width, uniform) for name, width in subspaces.items()]
    return keras.Model(trunk.input, _joined(codes), name="encoder")


def branches(
    name: str,
    image_shape: Sequence[int],
    subspaces: Mapping[str, int],
    seed: int = 0,
    weights: str | None = None,
    normalization: str | None = "batch",
    conditions: int | None = None,
    width: float = 1.0,
) -> keras.Model:
    """An encoder of its own for each subspace, with a linear head.

    Args:
        name: Of the encoders, as `encoder` names them.
        image_shape: (H, W, C).
        subspaces: The width of each.
        seed: Of the initial weights, other ones in each branch.
        weights: As for `encoder`.
        normalization: As for `encoder`.
        conditions: As for `encoder`.
        width: As for `encoder`.

    Returns:
        A model from images (N, H, W, C) float 0..1 to codes (N, L) float32, as that of `heads`;
        with conditions from [images, condition].

    Raises:
        ValueError: As `encoder` and `heads`.

    Example:
        >>> branches("convnet", (32, 32, 3), {"shape": 8, "colour": 4}).output_shape
        (None, 12)
    """
    subspaces = check_widths(subspaces)
    _check_free(subspaces, ["image", "condition"])
    taken = layers.Input(tuple(image_shape), name="image")
    if conditions is not None:
        taken = [taken, layers.Input((), dtype="int32", name="condition")]
    codes = []
    for branch, (subspace, size) in enumerate(subspaces.items()):
        features = encoder(
            name, image_shape, seed + branch, weights, normalization, conditions, width
        )
        features.name = f"{subspace}_branch"
        head = lecun_uniforms(seed + branch)
        codes.append(_head(features(taken), subspace, size, head))
    return keras.Model(taken, _joined(codes), name="encoder")


def conditionals(subspaces: Mapping[str, int], seed: int = 0) -> keras.Model:
    """What the bound of `zoo.losses.club` asks: q(b|a) of every pair of subspaces a before b.

    dense 64 (ReLU), dense: the mean; dense (tanh) times 5: the log of the variances

    Args:
        subspaces: The width of each, at least two of them.
        seed: Of the initial weights (Glorot uniform).

    Returns:
        A model from codes (N, L) to [mean, logvar] of the first pair, then of the second ...:
        (N, B) float32 each, B the width of b. Pairs come in the order of `itertools.combinations`.

    Raises:
        ValueError: Fewer than two subspaces, or a width below 2.

    Example:
        >>> model = conditionals({"shape": 8, "colour": 4, "position": 3})
        >>> [tuple(answer.shape) for answer in model.outputs]  # of colour, position, position
        [(None, 4), (None, 4), (None, 3), (None, 3), (None, 3), (None, 3)]
    """
    widths = [*check_widths(subspaces).values()]
    if len(widths) < 2:
        raise ValueError(f"Expected at least two subspaces. Received: {dict(subspaces)}.")
    glorot = glorots(seed)
    codes = layers.Input((sum(widths),), name="codes")
    answers = []
    for a, b in itertools.combinations(range(len(widths)), 2):
        first = sum(widths[:a])
        x = codes[:, first : first + widths[a]]
        x = layers.Dense(CLUB_UNITS, activation="relu", kernel_initializer=next(glorot))(x)
        # Answers stay in float32 under mixed precision: the bound takes their exponents.
        exact = {"dtype": "float32"}
        mean = layers.Dense(widths[b], kernel_initializer=next(glorot), **exact)(x)
        logvar = layers.Dense(
            widths[b], activation="tanh", kernel_initializer=next(glorot), **exact
        )(x)
        answers += [mean, layers.Rescaling(LARGEST_LOGVAR, **exact)(logvar)]
    return keras.Model(codes, answers, name="club_network")


def check_widths(subspaces: Any) -> dict[str, int]:
    """Returns the widths of subspaces by name; refuses what names none, or none of 2 and more."""
    if not isinstance(subspaces, Mapping) or not subspaces:
        raise ValueError(
            'Expected subspaces as a dictionary of widths, such as {"shape": 8, "colour": 4}. '
            f"Received: {subspaces!r}."
        )
    for name, width in subspaces.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(
                f'Expected subspaces called by a word without "/". Received: {name!r}.'
            )
        # A single dimension of length 1 is a sign, which has no gradient.
        checks.integer(f"the width of subspace {name!r}", width, low=2)
    return {name: int(width) for name, width in subspaces.items()}


def _check_free(subspaces: Collection[str], taken: Iterable[str]) -> None:
    """Refuses subspaces that are called like other layers of their model, or like all codes."""
    used = {CODES, *taken, *map(HEAD.format, subspaces)}
    for name in subspaces:
        if name in used:
            raise ValueError(
                f"Expected another name for subspace {name!r}, for a layer beside it is called so. "
                f"Received: {', '.join(subspaces)}."
            )


def _head(features: Any, name: str, width: int, initializers: Iterator[Any]) -> Any:
    """Features (N, F) to a subspace (N, width) of length 1."""
    # Codes stay in float32 under mixed precision: losses compare them.
    dense = layers.Dense(
        width, kernel_initializer=next(initializers), dtype="float32", name=HEAD.format(name)
    )
    return UnitLength(dtype="float32", name=name)(dense(features))


def _shared(
    trunk: keras.Model,
    subspaces: Mapping[str, int],
    initializers: Iterator[Any],
    price: float,
    seed: int,
) -> keras.Model:
    """One head, whose dimensions the subspaces share out."""
    if len({*subspaces.values()}) > 1:
        raise ValueError(
            "Expected subspaces of one width, that of the dimensions which they share out. "
            f"Received: {dict(subspaces)}."
        )
    exact = {"dtype": "float32"}
    width = next(iter(subspaces.values()))
    dense = layers.Dense(width, kernel_initializer=next(initializers), name="pool", **exact)
    gates = AdaptiveSubspaces([*subspaces], price, seed, name="gates", **exact)
    parts = UnitLength(name="subspaces", **exact)(gates(dense(trunk.output)))
    codes = layers.Reshape((width * len(subspaces),), name=CODES, **exact)(parts)
    return keras.Model(trunk.input, codes, name="encoder")


def _joined(codes: list[Any]) -> Any:
    """Subspaces side by side."""
    return layers.Concatenate(dtype="float32", name=CODES)(codes) if codes[1:] else codes[0]
