"""What the commands of `zoo apply` share: their arguments, and how they open a SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from zoo.cli.border import quiet_tensorflow, usage
from zoo.cli.settings import kept

if TYPE_CHECKING:
    from applications.outputs import Output
    from applications.saved_model import SavedModel

SAVED_MODEL = click.argument("saved_model", type=click.Path(path_type=Path))
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace an earlier result in --out.")
SEED = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn."
)


def out_option(name: str) -> Callable[[Any], Any]:
    """--out, by default applied/NAME."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("applied") / name,
        show_default=True,
        help="Folder of the result.",
    )


def samples_option(default: int, low: int = 1) -> Callable[[Any], Any]:
    """--samples, at least `low`."""
    return click.option(
        "--samples",
        type=click.IntRange(low),
        default=default,
        show_default=True,
        help="Images that are used, drawn by --seed where there are more.",
    )


def data_options(function: Any) -> Any:
    """--data, --resize, --subset and --skip-bad, which `load_data` here takes."""
    for option in (
        click.option("--skip-bad", is_flag=True, help="Skip files that cannot be read."),
        click.option(
            "--subset",
            multiple=True,
            metavar="FACTOR=VALUE,...",
            help="Keep images of these values of a factor. May be repeated, for other factors.",
        ),
        click.option("--resize", is_flag=True, help="Resize images to the size of the model's."),
        click.option(
            "--data",
            help="Data set: dsprites, digits, mnist:PATH, folder:PATH, ... Default: what the "
            "model's card says that it learned from.",
        ),
    ):
        function = option(function)
    return function


def kinds_options(function: Any) -> Any:
    """--circular and --categories, which `told_kinds` takes."""
    for option in (
        click.option(
            "--categories",
            multiple=True,
            metavar="FACTOR",
            help="A factor whose values have no order.",
        ),
        click.option(
            "--circular",
            multiple=True,
            metavar="FACTOR",
            help="A factor whose last value is by its first.",
        ),
    ):
        function = option(function)
    return function


def told_kinds(circular: Sequence[str], categories: Sequence[str]) -> dict[str, str]:
    """The kinds of factors by name, as the flags tell them."""
    both = set(circular) & set(categories)
    if both:
        raise click.UsageError(
            f"Expected one of --circular and --categories for {min(both)}. Received: both."
        )
    return {**dict.fromkeys(circular, "circular"), **dict.fromkeys(categories, "categories")}


def named(*options: str) -> list[str]:
    """Those of some options of the command that were named, as flags: not left at their default."""
    source = click.get_current_context().get_parameter_source
    return [
        f"--{option.replace('_', '-')}"
        for option in options
        if source(option) is not ParameterSource.DEFAULT
    ]


def refuse_without(needed: str, *options: str) -> None:
    """Refuses options that were named where what they belong to was not: they would do nothing."""
    idle = named(*options)
    if idle:
        belong = "belongs" if len(idle) == 1 else "belong"
        raise click.UsageError(
            f"Expected {needed}, to which {' and '.join(idle)} {belong}. Received: none."
        )


def open_output(out: Path, overwrite: bool, saved_model: Path) -> Output:
    """The folder of the result, refused before any work where something is there.

    An earlier result may be replaced, but not one that holds the model that is used.
    """
    from applications.outputs import Output

    if overwrite and saved_model.resolve().is_relative_to(out.resolve()):
        raise click.UsageError(
            f"Expected SAVED_MODEL outside of --out, which is replaced. Received: {saved_model} "
            f"and {out}."
        )
    try:
        return Output(out, overwrite)
    except FileExistsError as error:
        raise click.UsageError(str(error)) from None


def find_saved_model(path: Path) -> Path:
    """The folder of the SavedModel at a path, or a refusal."""
    from applications.saved_model import found

    try:
        return found(path)
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from None


def open_saved_model(path: Path, needs: Sequence[str] = ("encode",)) -> SavedModel:
    """The SavedModel at a path, or a refusal; it wakes TensorFlow."""
    from applications.saved_model import SavedModel

    folder = find_saved_model(path)
    with quiet_tensorflow(), usage():
        return SavedModel.open(folder, needs)


def load_data(
    saved_model: SavedModel,
    data: str | None,
    resize: bool,
    subset: Sequence[str] = (),
    skip_bad: bool = False,
    any_colours: bool = False,
) -> Any:
    """The data set that the flags name, as `applications.load_data` gives and refuses it."""
    from applications import saved_model as module

    with usage():
        return module.load_data(
            saved_model,
            data,
            resize=resize,
            subset=dict(map(kept, subset)) or None,
            skip_bad=skip_bad,
            any_colours=any_colours,
        )
