"""`zoo apply explore`."""

from __future__ import annotations

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
    samples_option,
)
from zoo.cli.border import usage

PAGE = "explore.html"


@click.command("explore")
@SAVED_MODEL
@click.option(
    "--neighbours",
    is_flag=True,
    default=None,
    help="Show the images whose codes are nearest, as for a model that does not decode.",
)
@data_options
@samples_option(2_000)
@SEED
@out_option("explore")
@OVERWRITE
def command(
    saved_model: Path,
    neighbours: bool | None,
    data: str | None,
    resize: bool,
    subset: tuple[str, ...],
    skip_bad: bool,
    samples: int,
    seed: int,
    out: Path,
    overwrite: bool,
) -> None:
    """Write a page with a slider for each code of a SAVED_MODEL.

    One HTML file that needs nothing beside it. The decoded image follows the sliders, computed in
    the browser; of a model that does not decode, the images whose codes are nearest. Sliders are
    named after the factors or labels that their codes hold, where the data know some.
    """
    output = open_output(out, overwrite, saved_model)
    model = open_saved_model(saved_model)
    images = load_data(model, data, resize, subset, skip_bad)
    from applications.exploring import explore

    with usage():
        text = explore(model, images, samples, neighbours, seed)
    protocol = {
        "saved_model": model.path,
        "data": images.describe(),
        "samples": min(samples, len(getattr(images, "train", images))),
        "seed": seed,
        "shows": "neighbours" if neighbours or not model.has("decode") else "decoded images",
    }
    with output.writing(protocol) as room:
        (room / PAGE).write_text(text, encoding="utf-8")
    click.echo(f"{out / PAGE}: {len(text.encode()) / 2**20:.1f} MiB, opens in any browser")
