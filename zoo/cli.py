"""The command `zoo`. Help and names are answered without importing TensorFlow."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table

from zoo import __version__, registry
from zoo.messages import unknown

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

    table = Table("method", "family", box=None)
    for name, module in sorted(registry.names().items()):
        table.add_row(name, module.split(".")[1])
    console().print(table)
    console().print("\ndata: " + ", ".join(data.names()), highlight=False)


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
            formatter.write_dl([(name, str(value)) for name, value in cls.recipe.items()])


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
        click.Option(["--epochs"], type=int, help="Parts of the run, each ending in scores."),
        click.Option(["--batch-size"], type=int, help="Images a step."),
        click.Option(["--learning-rate"], type=float, help="Of Adam."),
        click.Option(["--samples"], type=int, help="Images scored after each epoch."),
        click.Option(["--seed"], type=int, help="Of weights, noise and order."),
        click.Option(
            ["--set", "assignments"],
            multiple=True,
            metavar="NAME=VALUE",
            help="An argument of the method, see below. May be repeated.",
        ),
        click.Option(["--config"], type=file, help="Settings as YAML or JSON; flags override it."),
        click.Option(["--out"], type=folder, help="Run folder. Default: runs/METHOD-DATA-seedN."),
        click.Option(["--resume"], is_flag=True, help="Go on from the newest checkpoint."),
        click.Option(["--overwrite"], is_flag=True, help="Replace the run in --out."),
    ]
    return TrainMethod(
        method,
        callback=lambda **given: _train(method, **given),
        params=list(options),
        help=f"Train {method}.",
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
    from zoo.runs import Run, Settings

    with usage():
        if resume and overwrite:
            raise ValueError("Expected --resume or --overwrite. Received both.")
        layers = [_from_file(config), {k: v for k, v in flags.items() if v is not None}]
        layers[-1]["hyperparameters"] = dict(map(_assignment, assignments))
        named = {k: v for layer in layers for k, v in layer.items()}
        split_name(str(named.get("data", "dsprites")))
    with quiet_tensorflow():
        from zoo.training import RunFailed, check_hyperparameters, train
    with usage():
        settings = Settings.merged(method, registry.method(method).recipe, *layers)
        check_hyperparameters(settings)
        run = Run(out or Path("runs") / f"{method}-{_slug(settings.data)}-seed{settings.seed}")
        if run.exists and not (resume or overwrite):
            raise ValueError(
                f"{run.path} already holds a run. Go on with --resume, replace it with "
                "--overwrite, or name another folder with --out."
            )
        if resume:
            settings = _resumed(run, method, named, settings)
    if overwrite:
        run.clear()
    try:
        train(settings, run, console(), resume and run.exists)
    except RunFailed as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console().print(
            f"\nStopped; a checkpoint is in {run.checkpoints}. "
            f"Go on with: zoo train {method} --resume --out {run.path}",
            highlight=False,
        )
        raise


def _resumed(run: Any, method: str, named: dict[str, Any], settings: Any) -> Any:
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
        settings = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is neither YAML nor JSON: {_first_line(error)}") from None
    if not isinstance(settings, dict):
        raise ValueError(f"Expected {path} to hold names and values. Received: {settings!r}.")
    return settings


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"Expected --set NAME=VALUE. Received: {text!r}.")
    try:  # "1e-3" is a number here, though not in YAML
        return name, float(value) if "e" in value.lower() else yaml.safe_load(value)
    except (ValueError, yaml.YAMLError):
        return name, value


def _slug(data: str) -> str:
    """A data set's name as part of a folder's."""
    return "-".join(part for part in data.replace(":", "/").split("/") if part)[-60:]


@cli.command()
@RUN
@click.option("--samples", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def evaluate(run: Path, samples: int, seed: int) -> None:
    """Score a finished RUN; every score with its protocol."""
    opened = _open(run)
    with quiet_tensorflow():
        from zoo.evaluation import evaluate as score
    results = score(opened, samples, seed)
    table = Table("score", "value", "protocol", box=None, pad_edge=False)
    for result in results:
        table.add_row(result.name, f"{result.value:.4f}", result.phrase())
    console().print(table)
    console().print(f"also in {run / 'scores.json'}", highlight=False)


@cli.command()
@RUN
@click.option("--steps", type=click.IntRange(2), default=9, show_default=True, help="Columns.")
@click.option("--reach", type=float, default=2.0, show_default=True, help="Prior deviations.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the image.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder. Default: RUN/pictures.")
def traverse(run: Path, steps: int, reach: float, seed: int, out: Path | None) -> None:
    """Draw what each latent of a finished RUN changes."""
    opened = _open(run)
    with quiet_tensorflow():
        from zoo.reporting.drawing import Pictures
    data = opened.load_data()
    images = getattr(data, "test", None) or getattr(data, "train", data)
    drawing = Pictures(opened.load_method(), images, steps=steps, reach=reach, seed=seed)
    for path in drawing.save(out or opened.pictures):
        console().print(str(path), highlight=False)


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
    path = export(opened.load_method(), out, card_of(opened), overwrite)
    console().print(str(path), highlight=False)


def _open(path: Path) -> Any:
    from zoo.runs import Run

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
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def console() -> Console:
    """Standard output, plain where it is no terminal."""
    return Console(soft_wrap=True)


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def main(arguments: list[str] | None = None) -> None:
    """The console script: one readable line for an error; 2 for usage, 1 for failure."""
    try:
        code = cli.main(arguments, prog_name="zoo", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"zoo: {_first_line(error)}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (ValueError, OSError) as error:
        click.echo(f"zoo: {_first_line(error)}", err=True)
        sys.exit(1)
