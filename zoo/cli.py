"""The command `zoo`. Help and names are answered without importing TensorFlow."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console

from zoo import __version__, checks, registry
from zoo.files import disk_full
from zoo.messages import unknown
from zoo.metrics.arrays import BINS
from zoo.metrics.scoring import SAMPLES
from zoo.runs import Run, Settings, held_out

RUN = click.argument("run", type=click.Path(path_type=Path))


class Names(click.Group):
    """A group that answers an unknown command with the nearest name."""

    kind = "command"

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Click's own, with the zoo's message."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(unknown(self.kind, args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)


class Methods(Names):
    """A command for each method: `zoo train beta_vae`."""

    kind = "method"

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The registry's names."""
        return sorted(registry.names())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The training of one method."""
        return _train_command(name) if name in registry.names() else None


@click.group(cls=Names, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zoo")
def cli() -> None:
    """Contrastive and disentangled representation learning for Keras 3."""


@cli.command("list")
def list_() -> None:
    """Methods and data sets."""
    from zoo import data

    modules = sorted(registry.names().items())
    rows = [(name, module.split(".")[1], registry.summary(name)) for name, module in modules]
    print_table(("method", "family", "what"), *rows)
    click.echo("\ndata: " + ", ".join(data.names()))


@cli.group(cls=Methods)
def train() -> None:
    """Train a method: `zoo train beta_vae` runs its recipe."""


class TrainMethod(click.Command):
    """Training of one method; its help ends with the method's own arguments."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists what --set takes, read from the constructor."""
        with quiet_tensorflow():
            from zoo.training import arguments
        cls = registry.method(str(self.name))
        rows = [(name, _default(parameter)) for name, parameter in arguments(cls).items()]
        with formatter.section(f"Arguments of {cls.__name__} (--set NAME=VALUE)"):
            formatter.write_dl(rows)
        with formatter.section("Recipe (used where no flag is given)"):
            formatter.write_dl(_as_flags(cls.recipe))


def _as_flags(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A recipe as the flags that would say the same."""
    flags = {k: v for k, v in recipe.items() if k != "hyperparameters"}
    assignments = recipe.get("hyperparameters", {})
    return [
        *((f"--{name.replace('_', '-')}", str(value)) for name, value in flags.items()),
        *(("--set", f"{name}={value}") for name, value in assignments.items()),
    ]


def _default(parameter: Any) -> str:
    if parameter.default is parameter.empty:
        return "required"
    return f"default {parameter.default!r}"


def _train_command(method: str) -> click.Command:
    folder = click.Path(path_type=Path)
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    options = [
        click.Option(["--data"], help="Data set: dsprites, digits, mnist:PATH, folder:PATH, ..."),
        click.Option(["--image-size"], type=int, help="Side in pixels to resize to."),
        click.Option(["--skip-bad"], is_flag=True, default=None, help="Skip unreadable images."),
        click.Option(["--steps"], type=int, help="Training steps in all."),
        click.Option(
            ["--epochs"],
            type=int,
            help="Parts of the run, each ending in scores. With --steps alone: as long as the "
            "recipe's, and at most 100.",
        ),
        click.Option(["--batch-size"], type=int, help="Images a step."),
        click.Option(["--learning-rate"], type=float, help="Of Adam."),
        click.Option(
            ["--samples"],
            type=int,
            help="Images scored after each epoch, where factors are known. Default: 10000.",
        ),
        click.Option(["--seed"], type=int, help="Of weights, noise and order. Default: 0."),
        click.Option(
            ["--set", "assignments"],
            multiple=True,
            metavar="NAME=VALUE",
            help="An argument of the method, see below. May be repeated.",
        ),
        click.Option(["--config"], type=file, help="Settings as YAML or JSON; flags override it."),
        click.Option(["--out"], type=folder, help="Run folder. Default: runs/METHOD-DATA-seedN."),
        click.Option(
            ["--resume"],
            is_flag=True,
            help="Go on from the newest checkpoint, or start where there is none.",
        ),
        click.Option(["--overwrite"], is_flag=True, help="Replace the run in --out."),
    ]
    return TrainMethod(
        method,
        callback=lambda **given: _train(method, **given),
        params=list(options),
        help=f"{registry.summary(method)}\n\nWithout options it is trained by the recipe below.",
        short_help=registry.summary(method),
    )


def _train(
    method: str,
    assignments: tuple[str, ...],
    config: Path | None,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    **flags: Any,
) -> None:
    from zoo.data.loading import split_name

    with usage():
        if resume and overwrite:
            raise ValueError("Expected --resume or --overwrite. Received both.")
        layers = [_from_file(config), {k: v for k, v in flags.items() if v is not None}]
        layers[-1]["hyperparameters"] = dict(map(_assignment, assignments))
        named: dict[str, Any] = {k: v for layer in layers for k, v in layer.items()}
        split_name(str(named.get("data", "dsprites")))
    with quiet_tensorflow():
        from zoo.training import RunFailed, check_hyperparameters, train
    with usage():
        settings = Settings.merged(method, registry.method(method).recipe, *layers)
        tables = [layer.get("hyperparameters") or {} for layer in layers]
        named["hyperparameters"] = {k: v for table in tables for k, v in table.items()}
        check_hyperparameters(settings)
        run = Run(out or Path("runs") / f"{method}-{_slug(settings.data)}-seed{settings.seed}")
        if run.path.exists() and not run.path.is_dir():
            raise ValueError(f"Expected a folder for the run. Received: {run.path}, a file.")
        if run.exists and not (resume or overwrite):
            raise ValueError(
                f"{run.path} already holds a run. Go on with --resume, replace it with "
                "--overwrite, or name another folder with --out."
            )
        if run.exists:
            _ = run.config  # refuses a config.json that is not a run's, before it is overwritten
        if resume:
            settings = _resumed(run, method, named, settings)
    console = Console(soft_wrap=True)  # plain where standard output is no terminal
    try:
        train(settings, run, console, resume and run.exists)
    except RunFailed as error:
        raise click.ClickException(str(error)) from None
    except (KeyboardInterrupt, SystemExit) as stop:  # Ctrl-C, or SIGTERM, once all is saved
        if run.exists:
            click.echo(f"zoo: stopped. Go on with: {run.resume_command}", err=True)
        raise SystemExit(getattr(stop, "code", 130)) from None


def _resumed(run: Run, method: str, named: dict[str, Any], settings: Settings) -> Settings:
    """The settings of the run that goes on; refuses flags that contradict them."""
    if not run.exists:
        return settings
    old = run.settings
    if old.method != method:
        raise ValueError(f"Expected the run's method, {old.method}. Received: {method}.")
    for name in named:
        before, now = getattr(old, name), getattr(settings, name)
        if name == "hyperparameters":
            now = {**before, **named[name]}
        if before != now:
            raise ValueError(
                f"Expected {name} {before!r}, with which {run.path} began. Received: {now!r}."
            )
    return old


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
    try:
        return name, yaml.load(value, YAML)
    except (ValueError, yaml.YAMLError):
        return name, value


class YAML(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, as it is everywhere else."""


YAML.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def _slug(data: str) -> str:
    """A data set's name as part of a folder's."""
    return "-".join(part for part in data.replace(":", "/").split("/") if part)[-60:]


@cli.command()
@RUN
@click.option(
    "--samples",
    type=click.IntRange(BINS),
    default=SAMPLES,
    show_default=True,
    help="Images to score.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw of images."
)
def evaluate(run: Path, samples: int, seed: int) -> None:
    """Score a finished RUN; every score with its protocol."""
    opened = _open(run)
    with quiet_tensorflow():
        from zoo.evaluation import evaluate as score
    results = score(opened, samples, seed)
    rows = [(result.name, f"{result.value:.4f}", result.phrase()) for result in results]
    print_table(("score", "value", "protocol"), *rows)
    click.echo(f"also in {run / 'evaluation.json'}")


@cli.command()
@RUN
@click.option("--steps", type=click.IntRange(2), default=9, show_default=True, help="Columns.")
@click.option("--reach", type=float, default=2.0, show_default=True, help="Prior deviations.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the image.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder. Default: RUN/pictures.")
def traverse(run: Path, steps: int, reach: float, seed: int, out: Path | None) -> None:
    """Draw what each latent of a finished RUN changes."""
    opened = _open(run)
    with usage():
        checks.number("reach", reach, low=0)
    with quiet_tensorflow():
        from zoo.reporting.drawing import Drawing
    images = held_out(opened.load_data())
    drawing = Drawing(opened.load_method(), images, steps=steps, reach=reach, seed=seed)
    for path in drawing.save(out or opened.pictures):
        click.echo(path)


@cli.command("export")
@RUN
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder. Default: saved_models/RUN's name/1.",
)
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
def export_(run: Path, out: Path | None, overwrite: bool) -> None:
    """Write a finished RUN as a SavedModel with its card."""
    opened = _open(run)
    out = out or Path("saved_models") / run.resolve().name / "1"
    if out.exists() and not overwrite:
        raise click.UsageError(f"{out} is there already. Use --overwrite, or another --out.")
    with quiet_tensorflow():
        from zoo.exporting import export
        from zoo.training import card_of
    click.echo(export(opened.load_method(), out, card_of(opened), overwrite))


def _open(path: Path) -> Run:
    with usage():
        try:
            return Run.open(path)
        except FileNotFoundError as error:
            raise ValueError(str(error)) from None


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Within it a ValueError means that the command was called wrongly: exit code 2."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keeps the log lines that TensorFlow's C++ prints while it is imported off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow as tf

        tf.constant(1)  # the devices speak when they are first used
        logging.getLogger("absl").setLevel(logging.ERROR)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def print_table(header: tuple[str, ...], *rows: tuple[str, ...]) -> None:
    """Prints rows as aligned columns, a row a line however wide the terminal."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.secho("  ".join(cells).rstrip(), bold=True if row is header else None)


@contextlib.contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Within it a warning is shown without the code that it came from."""

    def show(message: Warning | str, *_: Any) -> None:
        click.echo(f"zoo: {_one_line(message)}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _one_line(error: object) -> str:
    if isinstance(error, click.ClickException):
        error = error.format_message()
    if isinstance(error, OSError) and error.strerror and error.filename:
        error = f"{error.strerror}: {error.filename}"
    return " ".join(str(error).split())


def main(arguments: list[str] | None = None) -> None:
    """The console script: one readable line for an error; 2 for usage, 1 for failure."""
    with warnings_in_a_line():
        sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="zoo", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        click.echo(f"zoo: {_one_line(error)}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("zoo: stopped.", err=True)
        return 130
    except (ValueError, OSError) as error:
        click.echo(f"zoo: {_one_line(error)}", err=True)
        return 1
    except Exception as error:
        if disk_full(error):  # in TensorFlow's words
            click.echo(f"zoo: The disk is full: {_one_line(error)}", err=True)
            return 1
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
            raise  # the latter is TensorFlow's, which may not be imported here
        click.echo(
            "zoo: Out of memory. A smaller --image-size or --batch-size needs less.", err=True
        )
        return 1
