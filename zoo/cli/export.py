"""`zoo export`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.border import RUN, open_run, quiet_tensorflow


@click.command("export")
@RUN
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder. Default: saved_models/RUN's name/1.",
)
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
def command(run: Path, out: Path | None, overwrite: bool) -> None:
    """Write a finished RUN as a SavedModel with its card."""
    opened = open_run(run)
    out = out or Path("saved_models") / run.resolve().name / "1"
    if out.exists() and not overwrite:
        raise click.UsageError(f"{out} is there already. Use --overwrite, or another --out.")
    with quiet_tensorflow():
        from zoo.exporting import export
        from zoo.training import card_of
    click.echo(export(opened.load_method(), out, card_of(opened), overwrite))
