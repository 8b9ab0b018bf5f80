"""`zoo apply probe`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from zoo.cli.apply.options import (
    OVERWRITE,
    SAVED_MODEL,
    SEED,
    data_options,
    load_data,
    open_output,
    open_saved_model,
    out_option,
    refuse_without,
    samples_option,
)
from zoo.cli.border import quiet_tensorflow, usage
from zoo.cli.output import print_table
from zoo.messages import counted


@click.command("probe")
@SAVED_MODEL
@data_options
@click.option("--factor", help="The factor or attribute that is the label, of data with several.")
@click.option(
    "--labels",
    "amounts",
    multiple=True,
    default=("1%", "10%", "all"),
    show_default=True,
    help="How many labels are seen: all, a share of each class, or a number of each, such as 5. "
    "May be repeated.",
)
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How often few labels are drawn anew.",
)
@click.option(
    "--neighbours",
    type=click.IntRange(1),
    help="Of k-NN. Default: the square root of how many labels are seen, 200 at most.",
)
@click.option("--fine-tune", is_flag=True, help="Also train encoder and head together.")
@click.option(
    "--steps", type=click.IntRange(1), default=300, show_default=True, help="Of fine-tuning."
)
@click.option(
    "--batch-size", type=click.IntRange(1), default=64, show_default=True, help="Of fine-tuning."
)
@click.option(
    "--learning-rate", type=float, default=1e-3, show_default=True, help="Of fine-tuning."
)
@samples_option(10_000, low=2)
@SEED
@out_option("probe")
@OVERWRITE
def command(
    saved_model: Path,
    data: str | None,
    resize: bool,
    subset: tuple[str, ...],
    skip_bad: bool,
    factor: str | None,
    amounts: tuple[str, ...],
    draws: int,
    neighbours: int | None,
    fine_tune: bool,
    steps: int,
    batch_size: int,
    learning_rate: float,
    samples: int,
    seed: int,
    out: Path,
    overwrite: bool,
) -> None:
    """Read labels off the codes of SAVED_MODEL, with all of them and with few.

    A linear probe, a vote of the nearest neighbours, and, if asked for, encoder and head trained
    together. The classifier that saw most labels is written as a SavedModel whose `classify` gives
    the probability of each class.
    """
    if not fine_tune:
        refuse_without("--fine-tune", "steps", "batch_size", "learning_rate")
    output = open_output(out, overwrite, saved_model)
    with quiet_tensorflow(), usage():
        from applications.probing import FineTuning, accuracies, labelled, probe, write

        tuning = FineTuning(steps, batch_size, learning_rate) if fine_tune else None
    model = open_saved_model(saved_model)
    loaded = load_data(model, data, resize, subset, skip_bad)
    with usage():
        images = labelled(loaded, factor, samples, seed)
        found = probe(model, images, amounts, tuning, neighbours, draws, seed, progress=True)
    protocol = {
        "saved_model": model.path,
        "data": loaded.describe(),
        "factor": factor,
        "images": len(images.labels),
        "neighbours": neighbours,
        "fine_tuning": None if tuning is None else dataclasses.asdict(tuning),
        "seed": seed,
    }
    folder = write(found, output, protocol)
    header, rows = accuracies(found)
    print_table(header, *rows)
    voted = sorted({row.neighbours for row in found.rows})
    click.echo(
        f"accuracy on {counted(len(images.test_labels), 'test image')}; few labels drawn "
        f"{counted(draws, 'time')}; k-NN of {', '.join(map(str, voted))} neighbours"
    )
    click.echo(f"{folder}: a SavedModel with `classify`, accuracy {found.accuracy:.4f}")
    click.echo(f"also in {out}")
