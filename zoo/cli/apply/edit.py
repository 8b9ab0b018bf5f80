"""`zoo apply edit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.apply.options import (
    OVERWRITE,
    SAVED_MODEL,
    SEED,
    data_options,
    kinds_options,
    load_data,
    open_output,
    open_saved_model,
    out_option,
    refuse_without,
    samples_option,
    told_kinds,
)
from zoo.cli.border import usage
from zoo.cli.output import print_table

WAYS = ("latent", "factor", "swap", "attribute", "between")


@click.command("edit")
@SAVED_MODEL
@click.option("--latent", type=int, help="Move this latent, 0 or more.")
@click.option("--factor", help="Move the latent that holds this factor most.")
@click.option(
    "--swap",
    metavar="PART",
    help="Take a part of another image's code: a subspace, or latents (0,3).",
)
@click.option(
    "--attribute",
    metavar="NAME=FROM:TO",
    help="Go from one value of a factor to another, or, with FROM:TO, from one class to another.",
)
@click.option("--between", is_flag=True, default=None, help="Go from one image to another.")
@click.option(
    "--direction",
    type=click.Choice(["means", "probe"]),
    default="means",
    show_default=True,
    help="Of --attribute: from mean to mean, or across the boundary of a linear probe.",
)
@click.option("--steps", type=click.IntRange(2), default=9, show_default=True, help="In pictures.")
@click.option(
    "--read",
    metavar="FACTOR,...",
    help="The factors to measure. Default: those that subspaces are to hold, or of which one code "
    "holds a third.",
)
@click.option(
    "--sharp",
    is_flag=True,
    help="Let the reader of factors learn from single images alone, and not from means of images "
    "that agree in what it reads.",
)
@kinds_options
@data_options
@samples_option(500, low=4)
@SEED
@out_option("edit")
@OVERWRITE
def command(
    saved_model: Path,
    direction: str,
    steps: int,
    read: str | None,
    sharp: bool,
    circular: tuple[str, ...],
    categories: tuple[str, ...],
    data: str | None,
    resize: bool,
    subset: tuple[str, ...],
    skip_bad: bool,
    samples: int,
    seed: int,
    out: Path,
    overwrite: bool,
    **ways: Any,
) -> None:
    """Change one thing in images, by the codes of a SAVED_MODEL that encodes and decodes.

    One of --latent, --factor, --swap, --attribute and --between says what. The pictures show the
    original beside the edited image; where factors or labels are known, the table says how far the
    factor moved and how often all others stayed, as a network reads them in the decoded images that
    has learned from real ones.
    """
    given = [name for name in WAYS if ways[name] is not None]
    if len(given) != 1:
        named = ", ".join(f"--{name}" for name in WAYS)
        received = ", ".join(f"--{name}" for name in given) or "none"
        raise click.UsageError(f"Expected one of {named}. Received: {received}.")
    if given != ["attribute"]:
        refuse_without("--attribute", "direction")
    if given == ["between"]:
        measured = "--latent, --factor, --swap or --attribute"
        refuse_without(measured, "read", "sharp", "circular", "categories")
    output = open_output(out, overwrite, saved_model)
    model = open_saved_model(saved_model, needs=("encode", "decode"))
    images = load_data(model, data, resize, subset, skip_bad)
    from applications.editing import edit

    with usage():
        result = edit(
            model,
            images,
            given[0],
            ways[given[0]],
            samples=samples,
            steps=steps,
            read=None if read is None else [name.strip() for name in read.split(",")],
            direction=direction,
            averaged=not sharp,
            kinds=told_kinds(circular, categories),
            seed=seed,
        )
    with output.writing(result.facts) as room:
        result.save(room)
    click.echo(f"{result.title}.")
    if result.table:
        print_table(*result.table)
        click.echo(result.sentence)
    else:
        click.echo("Nothing is measured: it needs factors or labels, and one that is to change.")
    click.echo(f"also in {out}")
