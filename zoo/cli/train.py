"""`zoo train`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import docstring_parser
from docstring_parser import google
from rich.console import Console

from zoo import registry
from zoo.cli.border import quiet_tensorflow, usage
from zoo.cli.names import Names
from zoo.cli.settings import MetricNames, given_layers, named_in, setting_options, slug
from zoo.runs import Run, Settings, assignment

if TYPE_CHECKING:
    from tuning.study import StudyFolder
    from zoo.method import Method


class Methods(Names):
    """A command for each method: `zoo train beta_vae`."""

    kind = "method"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click's own; where a study comes first, its method is meant."""
        flag, equals, path = args[0].partition("=") if args else ("", "", "")
        if flag == "--pick":
            raise click.UsageError("Expected a study first: --from-study STUDY --pick PICK.")
        if flag == "--from-study" and (equals or len(args) > 1):
            args = [_open_study(Path(path if equals else args[1])).study.method, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The registry's names."""
        return sorted(registry.names())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The training of one method."""
        return _train_command(name) if name in registry.names() else None


@click.group("train", cls=Methods)
def command() -> None:
    """Train a method: `zoo train beta_vae` runs its recipe.

    `zoo train --from-study STUDY` trains what `zoo tune` found: the best setting, or --pick.
    """


class TrainMethod(click.Command):
    """Training of one method; its help ends with the method's own arguments."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists what --set takes, read from the constructor."""
        with quiet_tensorflow():
            from zoo.training import RUN_KNOWS, arguments
        cls = registry.method(str(self.name))
        said = _said_of_arguments(cls)
        filled_in = {
            **dict.fromkeys(cls.from_data, "that of the data"),
            **dict.fromkeys(cls.from_encoder, "that of --encoder"),
            **RUN_KNOWS,
        }
        rows = [
            (name, f"{said[name]} [default: {filled_in.get(name, repr(parameter.default))}]")
            for name, parameter in arguments(cls).items()
        ]
        with formatter.section(f"Arguments of {cls.__name__} (--set NAME=VALUE)"):
            formatter.write_dl(rows)
        with formatter.section("Recipe (used where no flag is given)"):
            formatter.write_dl(_as_flags(cls.recipe))
        if logged := _said_of_logs(cls):
            with formatter.section("Logged each epoch"):
                formatter.write_dl(logged)


def _said_of_arguments(cls: type) -> dict[str, str]:
    """What docstrings say of the arguments of a class and of its `for_images`.

    A class that refers to another, "As for `TwoView`", says what that one says.
    """
    said: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for documented in (vars(base).get("for_images"), base):
            for argument in docstring_parser.parse(inspect.getdoc(documented) or "").params:
                text = " ".join((argument.description or "").replace("`", "").split())
                for name in argument.arg_name.split(", "):
                    if not text.startswith(("As for", "Likewise")) or name not in said:
                        said[name] = text
    return said


def _said_of_logs(cls: type[Method]) -> list[tuple[str, str]]:
    """What `objective` says of the loss and of each term, and what scores of candidates are."""
    named = google.Section("Returns", "attribute", google.SectionType.MULTIPLE)
    documented = google.GoogleParser([named]).parse(inspect.getdoc(cls.objective) or "").params
    rows = [(said.arg_name, said.description or "") for said in documented]
    if cls.learns_candidates:
        from zoo.disambiguation import SCORES

        rows += SCORES.items()
    return [(name, " ".join(text.split())) for name, text in rows]


def _as_flags(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A recipe as the flags that would say the same."""
    flags = {k: v for k, v in recipe.items() if k != "hyperparameters"}
    assignments = recipe.get("hyperparameters", {})
    return [
        *((f"--{name.replace('_', '-')}", str(value)) for name, value in flags.items()),
        *(("--set", assignment(name, value)) for name, value in assignments.items()),
    ]


def _train_command(method: str) -> click.Command:
    options = [
        *setting_options(),
        click.Option(
            ["--metrics"], type=MetricNames(), help=f"To score each epoch by. {MetricNames.help}"
        ),
        click.Option(
            ["--from-study"],
            type=click.Path(path_type=Path),
            metavar="STUDY",
            help="Train by what a study of `zoo tune` found, in place of the recipe.",
        ),
        click.Option(
            ["--pick"],
            help="Which of its trials: best (default), knee (where the objective begins to cost "
            "much reconstruction, or weights), or a number.",
        ),
        click.Option(["--seed"], type=int, help="Of weights, noise and order. Default: 0."),
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path),
            help="Run folder. Default: runs/METHOD-DATA-seedN.",
        ),
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
    from_study: Path | None,
    pick: str | None,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    **flags: Any,
) -> None:
    with usage():
        if resume and overwrite:
            raise ValueError("Expected --resume or --overwrite. Received both.")
        if pick is not None and from_study is None:
            raise ValueError("Expected --pick of a study: name it with --from-study.")
        layers = given_layers(**flags)
    with quiet_tensorflow():
        from zoo.callbacks import Resume
        from zoo.training import RunFailed, check_hyperparameters, train
    with usage():
        recipe = registry.method(method).recipe
        base = _found(from_study, pick or "best") if from_study else recipe
        settings = Settings.merged(method, base, *layers)
        run = Run(out or Path("runs") / f"{method}-{slug(settings.data)}-seed{settings.seed}")
        if resume and run.exists and settings.encoder is None:  # it need not be named again
            settings = settings.model_copy(update={"encoder": run.settings.encoder})
        check_hyperparameters(settings)
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
            named = named_in(layers)
            if from_study:  # what it found is named by it
                named |= settings.model_dump(exclude={"seed"})
            settings = _resumed(run, method, named, settings)
    console = Console(soft_wrap=True)  # plain where standard output is no terminal
    try:
        train(settings, run, console, resume and run.exists)
    except RunFailed as error:
        advice = "Start again with --overwrite and a smaller --learning-rate."
        raise click.ClickException(f"{error} {advice}") from None
    except (KeyboardInterrupt, SystemExit) as stop:  # Ctrl-C, or SIGTERM, once all is saved
        if run.exists:
            step = Resume(run.checkpoints).step
            click.echo(
                f"zoo: stopped, step {step:,} is saved. Go on with: {run.resume_command}", err=True
            )
        raise SystemExit(getattr(stop, "code", 130)) from None


def _open_study(path: Path) -> StudyFolder:
    """A study that `zoo tune` made, or a refusal."""
    from tuning.study import StudyFolder

    with usage():
        try:
            return StudyFolder.open(path)
        except FileNotFoundError as error:
            raise ValueError(str(error)) from None


def _found(path: Path, pick: str) -> dict[str, Any]:
    """The settings of one trial of a study, of the length of its longest."""
    from tuning.pareto import picked

    folder = _open_study(path)
    study = folder.study
    trial = picked(folder.trials, (study.aim, study.against), pick)
    return study.settings_of(trial.values).model_dump(exclude={"seed"})


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
