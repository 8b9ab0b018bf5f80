"""Settings as flags and files give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from zoo.metrics.scoring import DEFAULT, DEFAULT_LABELLED, chosen
from zoo.runs import Run


def setting_options() -> list[click.Option]:
    """A flag for each setting of a training but seed and metrics, and --config for all of them."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return [
        click.Option(["--data"], help="Data set: dsprites, digits, mnist:PATH, folder:PATH, ..."),
        click.Option(["--image-size"], type=int, help="Side in pixels to resize to."),
        click.Option(
            ["--subset"],
            multiple=True,
            metavar="FACTOR=VALUE,...",
            help="Keep images of these values of a factor. May be repeated, for other factors.",
        ),
        click.Option(["--skip-bad"], is_flag=True, default=None, help="Skip unreadable images."),
        click.Option(
            ["--candidates"],
            help="Candidate labels: uniform:RATE, hierarchical:RATE, or a .csv or .npy file.",
        ),
        click.Option(
            ["--encoder"],
            type=click.Path(),
            help="The finished run whose encoder is used, by methods that use one (decoder); its "
            "data too, unless others are named.",
        ),
        click.Option(["--steps"], type=int, help="Training steps in all."),
        click.Option(
            ["--epochs"],
            type=int,
            help="Parts of the run, each ending in scores. With --steps alone: as long as the "
            "recipe's, and at most 100.",
        ),
        click.Option(["--batch-size"], type=int, help="Images a step."),
        click.Option(["--learning-rate"], type=float, help="The highest, where it changes."),
        click.Option(["--optimizer"], help="adam (default), sgd or lars, both of momentum 0.9."),
        click.Option(["--weight-decay"], type=float, help="Default: 0."),
        click.Option(["--schedule"], help="Of the learning rate: constant (default) or cosine."),
        click.Option(["--warmup-steps"], type=int, help="Steps of a rising rate. Default: 0."),
        click.Option(
            ["--precision"],
            help="What layers compute in: float32 (default) or mixed_bfloat16, for GPUs.",
        ),
        click.Option(
            ["--samples"],
            type=int,
            help="Images scored after each epoch. Default: 10000.",
        ),
        click.Option(
            ["--set", "assignments"],
            multiple=True,
            metavar="NAME=VALUE",
            help="An argument of the method (`zoo train METHOD --help`). May be repeated.",
        ),
        click.Option(["--config"], type=file, help="Settings as YAML or JSON; flags override it."),
    ]


class MetricNames(click.ParamType):
    """Names of metrics, with commas between them; refused with the nearest if one is unknown."""

    name = "name,..."
    help = (
        f"Names of metrics, or all. Default: {','.join(DEFAULT)} where factors are known, "
        f"{','.join(DEFAULT_LABELLED)} where images have class labels."
    )

    def convert(self, value: Any, param: Any, ctx: Any) -> list[str]:
        """The names, all of them known."""
        names = [name.strip() for name in value.split(",")]
        try:
            chosen(names)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return names


def given_layers(
    config: Path | None, assignments: Sequence[str], subset: Sequence[str], **flags: Any
) -> list[dict[str, Any]]:
    """The settings that were given: those of the file, and the flags that override it.

    Where a run is named whose encoder is used, its data come first.

    Raises:
        ValueError: A file or an assignment that cannot be read, unknown data, or a run that is not
            there or has not finished.
    """
    from zoo.data.loading import split_name

    layers = [_from_file(config), {k: v for k, v in flags.items() if v is not None}]
    layers[-1]["hyperparameters"] = dict(map(_assignment, assignments))
    if subset:
        layers[-1]["subset"] = dict(map(kept, subset))
    encoder = named_in(layers).get("encoder")
    if isinstance(encoder, str):
        try:
            layers.insert(0, Run.open(encoder).settings.of_its_encoder())
        except FileNotFoundError as error:
            raise ValueError(str(error)) from None
    split_name(str(named_in(layers).get("data", "dsprites")))
    return layers


def named_in(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All that layers name, a later one before an earlier one; hyperparameters one by one."""
    named = {name: value for layer in layers for name, value in layer.items()}
    tables = [table for layer in layers if isinstance(table := layer.get("hyperparameters"), dict)]
    return {**named, "hyperparameters": {k: v for table in tables for k, v in table.items()}}


def _from_file(path: Path | None) -> dict[str, Any]:
    """Settings from a YAML or JSON file (JSON is YAML)."""
    if path is None:
        return {}
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), YAML)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise ValueError(f"{path} is neither YAML nor JSON: {error.problem}{line}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is neither YAML nor JSON: {error}.") from None
    if not isinstance(settings, dict) or not all(isinstance(name, str) for name in settings):
        raise ValueError(f"Expected {path} to hold names and values. Received: {settings!r}.")
    return settings


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"Expected --set NAME=VALUE. Received: {text!r}.")
    return name, parsed(value)


def kept(text: str) -> tuple[str, list[int]]:
    """The values of a factor that --subset names."""
    name, _, values = text.partition("=")
    try:
        return name, [int(value) for value in values.split(",")]
    except ValueError:
        raise ValueError(f"Expected --subset FACTOR=VALUE,... Received: {text!r}.") from None


def parsed(text: str) -> Any:
    """A value as YAML reads it: 8, 1e-3, true, [1, 2]; words where it is none."""
    try:
        return yaml.load(text, YAML)
    except (ValueError, yaml.YAMLError):
        return text


class YAML(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, as it is everywhere else."""


YAML.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def slug(data: str) -> str:
    """A data set's name as part of a folder's."""
    return "-".join(part for part in data.replace(":", "/").split("/") if part)[-60:]
