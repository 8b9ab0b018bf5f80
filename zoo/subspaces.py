"""Codes of several subspaces: what each is to hold, what is compared, what keeps them apart.

What `SubspaceContrastive` is told, and the batches that it is given, are read and refused here.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras

from zoo import checks, losses, networks
from zoo.data.subspaces import listed, told_apart
from zoo.layers import AdaptiveSubspaces, ConditionalBatchNormalization
from zoo.messages import described, unknown
from zoo.networks.subspaces import HEAD
from zoo.optimizers import FusedAdam, of_its_own

MISSING = -1
"""A condition that is not known."""

MOTIONS = {"crop", "rotation", "translation", "zoom"}
"""What moves what an image shows."""

SELDOM = 1e-6
"""Of so small a part of all batches it does not matter that a subspace has no negative in them."""


class Relatives(NamedTuple):
    """What a batch holds.

    Attributes:
        image: (N, H, W, C), uint8 or float 0..1.
        positives: For each subspace such images, which share with `image` what it is to hold.
        negatives: For subspaces with hard negatives such images, which share all else.
        factors: (N, F) integers, of `image`; None where no factors are known.
        conditions: (N, 1 + P + Q) integers, of `image`, of the P positives and of the Q negatives,
            -1 where missing; None where the encoder depends on none.
    """

    image: Any
    positives: dict[str, Any]
    negatives: dict[str, Any]
    factors: Any
    conditions: Any


# What subspaces hold and what they are compared with


def check_codes(encoder: keras.Model, subspaces: Mapping[str, int]) -> None:
    """Refuses an encoder whose codes are not as wide as the subspaces."""
    shape = tuple(encoder.output_shape) if isinstance(encoder.output_shape, tuple) else ()
    total = sum(subspaces.values())
    if len(shape) != 2 or shape[1] != total:
        raise ValueError(
            f"Expected an encoder that gives codes (N, {total}), the subspaces "
            f"{', '.join(f'{name} {width}' for name, width in subspaces.items())} side by side. "
            f"Received one that gives {encoder.output_shape}."
        )


def of_every(
    argument: str, given: Any, kind: str, subspaces: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    """What belongs to every subspace, and to no other, in their order.

    Args:
        argument: What a refusal calls it.
        given: Name -> one thing or several, by their names.
        kind: What they are, in one word.
        subspaces: The names that there are.
    """
    named = listed(argument, given, kind)
    for name in named:
        if name not in subspaces:
            raise ValueError(unknown("subspace", name, subspaces))
    for name in subspaces:
        if name not in named:
            raise ValueError(f"Expected {argument} of every subspace. Received none of {name!r}.")
    return {name: tuple(named[name]) for name in subspaces}


def names_of_factors(names: Any) -> tuple[str, ...]:
    """The columns of known factors by name; refuses a single word, and what is there twice."""
    several = isinstance(names, Sequence) and not isinstance(names, str)
    if not several or len({*names}) < len(names):
        raise ValueError(
            "Expected factor_names as the columns of known factors, each once, such as "
            f"data.factor_names. Received: {names!r}."
        )
    return tuple(names)


def factors_held(
    held: Any, ignored: Any, subspaces: Mapping[str, int], factor_names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The known factors of each subspace; of none where views stand for factors."""
    if ignored:
        if held:
            raise ValueError(
                "Expected held, factors that are known, or ignored, views that stand for "
                f"them. Received both: {held!r} and {ignored!r}."
            )
        return {}
    held = {name: (name,) for name in subspaces} if held is None else held
    held = of_every("held", held, "factor", subspaces)
    if not factor_names:
        raise ValueError(
            "Expected factor_names, the columns of known factors, such as data.factor_names; "
            "or ignored, where views stand for factors. Received: none."
        )
    for factor in itertools.chain(*held.values()):
        if factor not in factor_names:
            raise ValueError(unknown("factor", factor, factor_names))
    return held


def with_hard_negatives(
    held: Mapping[str, Any], ignored: Mapping[str, Any] | None, channels: int
) -> tuple[str, ...]:
    """The subspaces that can have hard negatives, of images of so many channels."""
    return tuple(told_apart(ignored, channels) if ignored else held)


def with_batch_negatives(
    given: Any,
    hard: Sequence[str],
    ignored: Mapping[str, Sequence[str]] | None,
    subspaces: Mapping[str, int],
) -> tuple[str, ...]:
    """The subspaces in which other images are negatives, once all have some negatives.

    Args:
        given: One name or several; None for the usual ones.
        hard: The subspaces with hard negatives.
        ignored: What each subspace ignores, where views stand for factors.
        subspaces: The names that there are.
    """
    if given is None:
        places = {name: MOTIONS.isdisjoint((ignored or {}).get(name, ())) for name in subspaces}
        given = [name for name in subspaces if name not in hard or places[name]]
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, Iterable):
        raise ValueError(
            f"Expected batch_negatives as names of subspaces or None. Received: {given!r}."
        )
    given = tuple(given)
    for name in given:
        if name not in subspaces:
            raise ValueError(unknown("subspace", str(name), subspaces))
    for name in subspaces:
        if name not in hard and name not in given:
            raise ValueError(
                "Expected negatives for every subspace: hard_negatives, or batch_negatives "
                f"with its name. Received none for {name!r}."
            )
    return given


def check_told_apart(
    batch_size: int, held: Mapping[str, Sequence[str]], sizes: Mapping[str, int]
) -> None:
    """Refuses batches so small that some would hold one value of what a subspace is to hold.

    Args:
        batch_size: Images a batch.
        held: The known factors of each subspace that has no other negatives.
        sizes: How many values each factor has.
    """
    for name, factors in held.items():
        values = math.prod(sizes[factor] for factor in factors)
        least = 1 + math.ceil(-math.log(SELDOM) / math.log(values))
        if batch_size < least:
            raise ValueError(
                f"Expected a batch_size of at least {least}: subspace {name} has no negatives but "
                f"other images, and smaller batches may hold one of the {values} values of "
                f"{', '.join(factors)} alone. Received: {batch_size}."
            )


# What the encoder depends on


def check_condition(
    condition: str | None, conditional: bool, factor_names: Sequence[str]
) -> str | None:
    """Returns the factor that an encoder depends on, or None; refuses what it cannot."""
    if condition is None:
        return None
    if not conditional:
        raise ValueError(
            "Expected an encoder that depends on a condition, as for_images(..., conditions=K) "
            f"makes it, for condition {condition!r}. Received one that takes images alone."
        )
    if condition not in factor_names:
        raise ValueError(unknown("factor", str(condition), factor_names))
    return condition


def check_conditions(encoder: keras.Model, condition: str, data: Any) -> None:
    """Refuses a factor of more values than an encoder tells apart: the others would be missing."""
    values = dict(zip(data.factor_names, data.factor_sizes, strict=True))[condition]
    for layer in encoder._flatten_layers():
        if isinstance(layer, ConditionalBatchNormalization) and values > layer.conditions:
            raise ValueError(
                f"Expected at most {layer.conditions} values of {condition}, the conditions that "
                f"the encoder depends on. Received: {values}, of {data.name}."
            )


# What keeps subspaces apart


def penalties_in_use(weights: Mapping[str, Any], subspaces: Mapping[str, int]) -> dict[str, float]:
    """The weights of the penalties that have one and something to do, by their names.

    Args:
        weights: Name -> weight of every penalty.
        subspaces: The names that there are.

    Raises:
        ValueError: A weight that is no number of at least 0.

    Warns:
        UserWarning: A penalty between subspaces, of which there is but one.
    """
    used = {name: checks.number(f"{name}_weight", w, low=0) for name, w in weights.items()}
    used = {name: weight for name, weight in used.items() if weight}
    between = [name for name in used if name != "variance"]
    if len(subspaces) == 1 and between:
        warnings.warn(
            f"{', '.join(f'{name}_weight' for name in between)}: between subspaces, of which "
            f"there is but one, {next(iter(subspaces))!r}. It has no effect.",
            stacklevel=3,
        )
        used = {name: weight for name, weight in used.items() if name not in between}
    return used


def check_penalties(
    used: Mapping[str, float],
    encoder: keras.Model,
    subspaces: Mapping[str, int],
    held: Mapping[str, Any],
) -> None:
    """Refuses penalties that nothing is known for, or that there is nothing to do for."""
    if "variance" in used and not held:
        raise ValueError(
            "Expected known factors for variance_weight, which separates their values, or a "
            f"weight of 0. Received: {used['variance']:g}, and views that stand for factors."
        )
    if "orthogonality" not in used:
        return
    if gates_of(encoder) is not None:
        raise ValueError(
            "Expected an orthogonality_weight of 0: subspaces that share out dimensions have "
            f"none in common, and are orthogonal. Received: {used['orthogonality']:g}."
        )
    if not heads_of(encoder, subspaces) and len({*subspaces.values()}) > 1:
        heads = ", ".join(HEAD.format(name) for name in subspaces)
        raise ValueError(
            f"Expected an encoder with layers {heads} on one trunk, as for_images makes it, "
            "or subspaces of equal width, for orthogonality_weight. Received: neither, "
            f"{dict(subspaces)}."
        )


def penalty(
    name: str,
    z: Mapping[str, Any],
    values: Mapping[str, Any],
    kernels: Sequence[Any],
    answers: Sequence[Any],
) -> Any:
    """One of the penalties, without its weight.

    Args:
        name: Its own: that of its weight, without "_weight".
        z: {subspace: (N, width)}.
        values: {subspace: (N, f)}: the factors that it is to hold, where they are known.
        kernels: (F, width) each: of linear heads on one trunk, where there are such.
        answers: For each pair of subspaces a before b: b, and what `networks.conditionals` says
            of it, mean and logvar.

    Returns:
        A scalar, to be minimised.
    """
    pairs = [*itertools.combinations(z.values(), 2)]
    match name:
        case "correlation":
            return sum(losses.squared_correlation(a, b) for a, b in pairs)
        case "gaussian_mi":
            return sum(losses.gaussian_mutual_information(a, b) for a, b in pairs)
        case "club":
            return sum(losses.club(*answer) for answer in answers)
        case "hsic":
            return sum(losses.hsic(a, b) for a, b in pairs)
        case "orthogonality" if kernels:
            return losses.head_orthogonality(kernels)
        case "orthogonality":
            return losses.vector_orthogonality([*z.values()])
        case "variance":
            return sum(losses.variance_separation(z[name], values[name]) for name in z)
    raise ValueError(f"Expected a penalty. Received: {name!r}.")


def heads_of(encoder: keras.Model, subspaces: Mapping[str, int]) -> list[keras.layers.Dense]:
    """The linear heads on one trunk; none where an encoder has others."""
    layers = {layer.name: layer for layer in encoder.layers}
    named = [layers.get(HEAD.format(name)) for name in subspaces]
    heads = [layer for layer in named if isinstance(layer, keras.layers.Dense)]
    shared = len({id(head.input) for head in heads}) == 1
    return heads if shared and len(heads) == len(named) else []


def gates_of(encoder: keras.Model) -> AdaptiveSubspaces | None:
    """The layer by which an encoder's subspaces share out dimensions; None where they do not."""
    found = (layer for layer in encoder.layers if isinstance(layer, AdaptiveSubspaces))
    return next(found, None)


def bound(
    network: Any, optimizer: Any, weight: float, subspaces: Mapping[str, int], seed: int
) -> tuple[Any, Any]:
    """The network of the bound of `losses.club` and its optimizer, where it has something to do.

    Args:
        network: One's own, or None for `networks.conditionals`.
        optimizer: Of the network, not yet built, or None for Adam(1e-3).
        weight: Of the bound.
        subspaces: The width of each.
        seed: Of the initial weights.

    Returns:
        Both, the optimizer built; or None and None.
    """
    if not weight or len(subspaces) == 1:
        if network is not None or optimizer is not None:
            raise ValueError(
                "Expected club_network and club_optimizer with a club_weight above 0, and "
                f"several subspaces. Received: a weight of {weight:g}, {len(subspaces)} subspaces."
            )
        return None, None
    usual = networks.conditionals(subspaces, seed)
    network = usual if network is None else network
    for side in ("input_shape", "output_shape"):
        if getattr(network, side, None) != getattr(usual, side):
            raise ValueError(
                "Expected a club_network as zoo.networks.conditionals makes it, from "
                f"{usual.input_shape} to {usual.output_shape}. Received: {_sides(network)}."
            )
    optimizer = FusedAdam(1e-3) if optimizer is None else optimizer
    return network, of_its_own("club_optimizer", optimizer, network)


def _sides(network: Any) -> str:
    """What a network takes and gives, or what else it is."""
    if not isinstance(network, keras.Model):
        return repr(network)
    return f"one from {network.input_shape} to {network.output_shape}"


# What a batch holds


def images_of_each(
    argument: str, given: Any, names: Sequence[str] | Mapping[str, Any], image: Any
) -> dict[str, Any]:
    """A batch's images for each of these subspaces, once it is known that they fit."""
    if not names:
        return {}
    if not isinstance(given, Mapping) or not set(names) <= set(given):
        raise ValueError(
            f"Expected {argument} of every subspace, {', '.join(map(repr, names))}. Received: "
            f"{described(given)}."
        )
    for name in names:
        checks.alike(**{"image": image, f"{argument} of {name}": given[name]})
    return {name: given[name] for name in names}


def check_table(name: str, table: Any, image: Any, width: int, wanted: str) -> None:
    """Refuses what is no table (N, width) of integers, a row for each image."""
    shape, n = tuple(table.shape), image.shape[0]
    dtype = getattr(table.dtype, "name", str(table.dtype))
    fits = len(shape) == 2 and shape[1] == width and (None in (shape[0], n) or shape[0] == n)
    if not fits or "int" not in dtype:
        raise ValueError(
            f"Expected {name} of shape ({'N' if n is None else n}, {width}), {wanted}. Received "
            f"shape: {shape}, dtype: {dtype}."
        )
