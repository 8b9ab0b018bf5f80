"""A file a study: its command, how long it takes, and what to look for in it.

    python -m tuning.studies.beta_vae
    python -m tuning.studies.beta_vae --max-trials 2 --seeds 1 --steps 90 --out runs/short

runs one into runs/studies/NAME, or goes on with it where it was stopped; --help says what it is.
`STUDY` in each file holds the arguments of `tuning.search`. Times are estimates, but where a file
says what was measured.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


def main(
    name: str, study: Mapping[str, Any], said: str, arguments: list[str] | None = None
) -> None:
    """Answers the command of a study: searches, and says what was found.

    Args:
        name: Of its module.
        study: The arguments of `tuning.search`.
        said: The docstring of the module, which --help shows.
        arguments: Of the command. Default: those of this process.
    """
    from zoo import cli

    cli.main(arguments, command(name, study, said), f"python -m tuning.studies.{name}")


def command(name: str, study: Mapping[str, Any], said: str) -> click.Command:
    """The command of a study, which can be shortened and put elsewhere; as `main`."""

    def count(flag: str, default: int, what: str) -> click.Option:
        kind = click.IntRange(1)
        return click.Option([flag], type=kind, default=default, show_default=True, help=what)

    def run(out: Path, steps: int, max_trials: int, seeds: int, overwrite: bool) -> None:
        from rich.console import Console

        from zoo.cli.border import quiet_tensorflow, usage
        from zoo.cli.tune import stoppable

        with quiet_tensorflow():
            from tuning import searching
            from tuning.study import StudyFolder

        console = Console(soft_wrap=True)
        given = {"settings": {**study["settings"], "steps": steps}, "max_trials": max_trials}
        with usage(), stoppable(StudyFolder(out), max_trials):
            folder = searching.search(
                **{**study, **given, "seeds": seeds},
                directory=out,
                overwrite=overwrite,
                console=console,
            )
        searching.say_where(folder, console)
        if folder.best is None:
            raise click.ClickException("No trial finished.")

    parts = study["epochs"]
    paragraphs = inspect.cleandoc(said).split("\n\n")
    return click.Command(
        name,
        callback=run,
        help="\n\n".join(f"\b\n{paragraph}" for paragraph in paragraphs),
        context_settings={"help_option_names": ["-h", "--help"]},
        params=[
            click.Option(
                ["--out"],
                type=click.Path(path_type=Path),
                default=Path("runs/studies") / name,
                show_default=True,
                help="Folder.",
            ),
            count("--steps", study["settings"]["steps"], f"Of each run, a multiple of {parts}."),
            count("--max-trials", study["max_trials"], "The most trials."),
            count("--seeds", study["seeds"], "Runs of each trial."),
            click.Option(["--overwrite"], is_flag=True, help="Replace the study in --out."),
        ],
    )
