"""`zoo evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.border import RUN, open_run, quiet_tensorflow
from zoo.cli.output import print_table
from zoo.metrics.arrays import BINS
from zoo.metrics.scoring import SAMPLES


@click.command("evaluate")
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
def command(run: Path, samples: int, seed: int) -> None:
    """Score a finished RUN; every score with its protocol."""
    opened = open_run(run)
    with quiet_tensorflow():
        from zoo.evaluation import evaluate as score
    results = score(opened, samples, seed)
    rows = [(result.name, f"{result.value:.4f}", result.phrase()) for result in results]
    print_table(("score", "value", "protocol"), *rows)
    click.echo(f"also in {run / 'evaluation.json'}")
