"""What a search varies: a method's `search_space`, with ranges changed, fixed or joined to it.

A method names its knobs, `search_space = {"beta": (0.5, 32.0, "log")}`, and nothing else has to be
known of it. Any other argument of a method that is a number may join, latent_size for one, and so
may the learning rate of its training; `width` is how many times the filters its networks have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import pydantic

from zoo import checks, registry
from zoo.messages import unknown
from zoo.sweeps import default_values

if TYPE_CHECKING:
    import keras_tuner

Number = int | float
Scale = Literal["linear", "log"]
Range = Sequence[Any]  # (low, high) or (low, high, scale)

OF_TRAINING = ("learning_rate",)  # settings, not arguments of the method
DIGITS = 4  # significant ones, of a value that is tried


class Knob(pydantic.BaseModel):
    """A number that is varied.

    Attributes:
        name: Of an argument of the method, or "learning_rate".
        low: Its least value.
        high: Its largest.
        scale: On which values are spread evenly: "linear" or "log".
        whole: Whether it is an integer.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    low: Number
    high: Number
    scale: Scale = "linear"
    whole: bool = False

    @classmethod
    def checked(
        cls, name: str, given: Range, scale: str | None = None, whole: bool = False
    ) -> Self:
        """A knob from the range that was given for it.

        Args:
            name: Of the argument.
            given: (low, high) or (low, high, scale).
            scale: Where none is given; without it "log" for a range of a decade or more above 0.
            whole: Whether values must be integers.

        Raises:
            ValueError: No range, an empty one, or one that a scale does not have.
        """
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) not in (2, 3):
            raise ValueError(
                f"Expected the range of {name} as low, high and, if need be, linear or log. "
                f"Received: {given!r}."
            )
        kind = checks.integer if whole else checks.number
        low, high = (kind(f"the range of {name}", value) for value in given[:2])
        if low >= high:
            raise ValueError(
                f"Expected the range of {name} to rise. Received: {given[0]} to {given[1]}."
            )
        if len(given) == 3:
            scale = checks.one_of("scale", given[2], ("linear", "log"))
        elif scale is None or (scale == "log" and low <= 0):
            scale = "log" if low > 0 and high / low >= 10 else "linear"
        if scale == "log" and low <= 0:
            raise ValueError(
                f"Expected the range of {name} above 0, to be spread on a log scale. "
                f"Received: {given[0]} to {given[1]}."
            )
        return cls(name=name, low=low, high=high, scale=scale, whole=whole)  # type: ignore[arg-type]

    def grid(self) -> tuple[Number, ...]:
        """Five values over the range, fewer where there are not so many integers."""
        return default_values(self.low, self.high, self.scale, self.whole)

    def rounded(self, value: Number) -> Number:
        """A value in the range, to four significant digits."""
        if self.whole:
            return int(value)
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


def space_of(
    method: str,
    fixed: Collection[str] = (),
    ranges: Mapping[str, Range] | None = None,
) -> tuple[Knob, ...]:
    """What a search over a method varies.

    Args:
        method: A name in the registry.
        fixed: Arguments that are set, and so not varied.
        ranges: Argument -> (low, high) or (low, high, scale), in place of that in the method's
            `search_space`, or beside it.

    Raises:
        ValueError: An argument that the method does not have or that is no number, one that is
            both fixed and to be varied, a range that does not rise, or nothing to vary.
    """
    from zoo.training import arguments

    cls = registry.method(method)
    known = arguments(cls)
    ranges = ranges or {}
    names = [*(name for name in cls.search_space if name not in fixed)]
    names += [name for name in ranges if name not in names]
    knobs = []
    for name in names:
        if name not in known and name not in OF_TRAINING:
            numbers = [one for one in known if not isinstance(known[one].default, str | bool)]
            raise ValueError(unknown(f"argument of {method}", name, [*numbers, *OF_TRAINING]))
        if name in fixed:
            raise ValueError(f"Expected {name} to be set or varied. Received both.")
        default = None if name in OF_TRAINING else known[name].default
        if isinstance(default, str | bool):
            raise ValueError(
                f"Expected a number of {method} to vary. Received: {name}, which is {default!r} "
                "by default."
            )
        own = cls.search_space.get(name, ())
        scale = own[2] if own else None
        given = ranges.get(name, own)
        knobs.append(Knob.checked(name, given, scale, whole=isinstance(default, int)))
    if not knobs:
        raise ValueError(
            f"Expected something to vary: {method} has no search space "
            f"{'but what is set' if cls.search_space else 'of its own'}. Name a range, e.g. "
            "--range learning_rate=1e-4:1e-2."
        )
    return tuple(knobs)


def hyperparameters(space: Sequence[Knob], grid: bool = False) -> keras_tuner.HyperParameters:
    """The space as keras-tuner takes it.

    Args:
        space: What is varied.
        grid: Whether each knob has a few values only, `Knob.grid`.
    """
    import keras_tuner

    found = keras_tuner.HyperParameters()
    for knob in space:
        if grid:
            found.Choice(knob.name, list(knob.grid()), ordered=True)
        elif knob.whole:
            found.Int(knob.name, int(knob.low), int(knob.high), sampling=knob.scale)
        else:
            found.Float(knob.name, float(knob.low), float(knob.high), sampling=knob.scale)
    return found


def values_of(space: Sequence[Knob], found: Mapping[str, Any]) -> dict[str, Number]:
    """The value of each knob among what keras-tuner proposes, rounded."""
    return {knob.name: knob.rounded(found[knob.name]) for knob in space}


def applied(settings: Mapping[str, Any], values: Mapping[str, Number]) -> dict[str, Any]:
    """Settings of a training with the values of knobs: those of the method, and of the training."""
    of_training = {name: value for name, value in values.items() if name in OF_TRAINING}
    of_method = {name: value for name, value in values.items() if name not in OF_TRAINING}
    together = {**settings.get("hyperparameters", {}), **of_method}
    return {**settings, **of_training, "hyperparameters": together}
