"""`zoo evaluate`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from zoo.cli.border import RUN, open_run, quiet_tensorflow
from zoo.cli.output import print_table
from zoo.cli.settings import MetricNames
from zoo.messages import formatted
from zoo.metrics.arrays import BINS
from zoo.metrics.scoring import (
    DEFAULT,
    FINISHED_LABELLED,
    FINISHED_SUBSPACES_OF_FACTORS,
    SAMPLES,
    SUBSPACES,
    TRAIN_SAMPLES,
)
from zoo.runs import Run


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
@click.option(
    "--train-samples",
    type=click.IntRange(1),
    default=TRAIN_SAMPLES,
    show_default=True,
    help="Training images that k-NN and probes of labelled data learn from.",
)
@click.option(
    "--metrics",
    type=MetricNames(),
    help=f"Names of metrics, or all. Default: {','.join(DEFAULT)} where factors are known, "
    f"{','.join(FINISHED_LABELLED)} where images have class labels; of codes of several "
    f"subspaces also {','.join((*SUBSPACES, *FINISHED_SUBSPACES_OF_FACTORS))}, as far as factors "
    "are known.",
)
@click.option(
    "--embedding",
    type=click.Choice(("pca", "tsne", "umap")),
    default="pca",
    show_default=True,
    help="How codes of labelled images come into the plane of a picture.",
)
def command(
    run: Path,
    samples: int,
    seed: int,
    train_samples: int,
    metrics: list[str] | None,
    embedding: str,
) -> None:
    """Score a finished RUN; every score with its protocol.

    Of labelled images it also draws the codes in a plane and the nearest neighbours.
    """
    opened = open_run(run)
    if embedding == "umap" and find_spec("umap") is None:
        raise click.UsageError("--embedding umap needs umap-learn: pip install umap-learn.")
    with quiet_tensorflow():
        from zoo.evaluation import evaluate as score
    console = Console(stderr=True)
    with console.status("scoring") as status:

        def tell(name: str) -> None:
            status.update(f"scoring: {name}")
            if not console.is_terminal:  # where no status is shown
                console.print(f"scoring: {name}", highlight=False)

        results = score(
            opened,
            samples,
            seed,
            metrics=metrics,
            tell=tell,
            train_samples=train_samples,
            embedding=embedding,
        )
    rows = [
        (result.name, formatted(result.value, ".4f") or "NaN", result.phrase())
        for result in results
    ]
    print_table(("score", "value", "protocol"), *rows)
    click.echo(f"also in {run / 'evaluation.json'}")
    if (run / "subspaces.json").exists():
        _print_matrix(opened)
    if (run / "confusion.json").exists():
        click.echo(f"what the linear probe took for what: {opened.pictures / 'confusion.png'}")


def _print_matrix(run: Run) -> None:
    """What each subspace holds of each factor, in per cent."""
    found = run.read("subspaces")
    rows = zip(
        [*found["subspaces"], "all together", "chance"],
        [*found["accuracy"], found["whole"], found["chance"]],
        strict=True,
    )
    click.echo("how often a linear probe of each subspace names a factor's value, in per cent:")
    print_table(
        ("subspace", *found["factors"]),
        *(
            (name, *("" if share is None else f"{100 * share:.1f}" for share in shares))
            for name, shares in rows
        ),
    )
    click.echo(f"also in {run.path / 'subspaces.json'} and {run.pictures / 'subspaces.png'}")
