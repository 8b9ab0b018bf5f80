"""`zoo apply search`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.apply.options import (
    OVERWRITE,
    SAVED_MODEL,
    SEED,
    data_options,
    find_saved_model,
    load_data,
    named,
    open_output,
    open_saved_model,
    out_option,
    samples_option,
)
from zoo.cli.border import usage
from zoo.cli.output import print_table
from zoo.cli.settings import kept

if TYPE_CHECKING:
    from applications.searching import Index

SHOWN = 3  # neighbours of a query in the table
ALIKE = 0.99  # cosines above which what is near says little


@click.command("search")
@SAVED_MODEL
@data_options
@click.option(
    "--index",
    "index_path",
    type=click.Path(path_type=Path),
    show_default="applied/index-MODEL.npz",
    help="File of the index: made of --data where it is not there, else used as it is.",
)
@click.option(
    "--query",
    "queries",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Image file to search for. May be repeated. Default: some images of the index.",
)
@click.option(
    "--neighbours",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Images found for each query.",
)
@click.option(
    "--near",
    type=click.Choice(["cosine", "distance"]),
    default="cosine",
    show_default=True,
    help="What is near: codes of a large cosine, or of a small distance, as suits VAEs.",
)
@click.option(
    "--draw",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Queries that are drawn where none is named.",
)
@click.option(
    "--approximate",
    is_flag=True,
    help="Also make a graph that millions of images are searched by, where faiss is installed.",
)
@samples_option(60_000)
@SEED
@out_option("search")
@OVERWRITE
def command(
    saved_model: Path,
    data: str | None,
    resize: bool,
    subset: tuple[str, ...],
    skip_bad: bool,
    index_path: Path | None,
    queries: tuple[Path, ...],
    neighbours: int,
    near: str,
    draw: int,
    approximate: bool,
    samples: int,
    seed: int,
    out: Path,
    overwrite: bool,
) -> None:
    """Find the images whose codes by SAVED_MODEL are nearest to those of others.

    The images of --data are encoded once, into --index; from then on the index alone is asked, and
    --data, --subset, --samples and --approximate are refused where they are not what it was made
    by. With --overwrite the index is made anew if --data is named.
    """
    if queries and named("draw"):
        raise click.UsageError("Expected --draw or --query. Received: both.")
    output = open_output(out, overwrite, saved_model)
    from applications.saved_model import load_images, name_of

    if index_path is None:
        name = name_of(find_saved_model(saved_model)).replace("/", "-")
        index_path = Path("applied") / f"index-{name}.npz"
    if index_path.resolve().is_relative_to(out.resolve()):
        raise click.UsageError(
            f"Expected --index outside of --out, which is written anew each time. "
            f"Received: {index_path} and {out}."
        )
    made = not index_path.exists() or (overwrite and data is not None)
    with usage():
        from applications.searching import Index, check_place, graphs_installed, search, write

        if made:
            check_place(index_path)
    model = open_saved_model(saved_model)
    import numpy as np

    from zoo.reporting.latents import decimals

    with usage():
        pictures = load_images(model, queries, resize) if queries else None
        index = None if made else Index.load(index_path, model)
        if index is not None:
            wanted = samples if named("samples") else None
            lacks = _lacks(index, data, wanted, subset, approximate and graphs_installed())
            if lacks:
                raise ValueError(
                    f"Expected an index {lacks[0]}. Received: {index_path}, {lacks[1]}. Name "
                    "another --index, or make it anew: --overwrite with --data."
                )
    if approximate and not graphs_installed():
        click.echo("faiss is not installed (repzoo[search]): the search is exact")
    if index is not None:
        some = f" of {index.made_of:,}" if len(index) < index.made_of else ""
        click.echo(
            f"{index_path}: {len(index):,}{some} images of {index.about['data']}, indexed before"
        )
    else:
        loaded = load_data(model, data, resize, subset, skip_bad)
        began = time.monotonic()
        index = Index.of(model, loaded, data, samples, seed, progress=True)
        if approximate and graphs_installed():
            index = index.with_graph()
        index.save(index_path)
        seconds = time.monotonic() - began
        click.echo(f"{index_path}: {len(index):,} images indexed in {seconds:.1f} s")
    rows = None
    if pictures is None:
        count = min(draw, len(index))
        rows = np.random.default_rng(seed).choice(len(index), count, replace=False)
        pictures = index.images[rows]
    names = [path.name for path in queries] if rows is None else [index.names[i] for i in rows]
    codes = model.encode(pictures)
    with usage():
        began = time.monotonic()
        found = search(index, codes, neighbours, rows, near)
        seconds = time.monotonic() - began
    protocol = {"saved_model": model.path, "neighbours": neighbours, "seed": seed}
    write(found, index, pictures, names, output, protocol, rows)
    shown = found.whole.values[:, :SHOWN]
    digits = decimals(shown, least=3)
    print_table(
        ("query", f"nearest, by {near}"),
        *(
            (
                name,
                ", ".join(
                    f"{index.names[row]} {value:.{digits}f}"
                    for row, value in zip(nearest[:SHOWN], values, strict=True)
                ),
            )
            for name, nearest, values in zip(names, found.whole.rows, shown, strict=True)
        ),
    )
    if near == "cosine" and np.median(shown) > ALIKE:
        click.echo(
            "These cosines hardly differ: --near distance knows the length of codes too, which "
            "suits those of VAEs."
        )
    if found.agreement is not None:
        share = 100 * found.agreement
        click.echo(f"of the query's class: {share:.1f} % of {neighbours} neighbours each")
    way = "" if found.exact else ", by walks of the graph"
    each = 1000 * seconds / len(names)
    click.echo(f"searched {len(index):,} images in {each:.1f} ms a query{way}")
    click.echo(f"also in {out}")


def _lacks(
    index: Index,
    data: str | None,
    samples: int | None,
    subset: Sequence[str],
    approximate: bool,
) -> tuple[str, str] | None:
    """What an index is asked to be by the flags that were given, and is not, and what it is."""
    if data not in (None, index.about["data"]):
        return f"of {data}", f"of {index.about['data']}"
    kept_values = {name: sorted(values) for name, values in map(kept, subset)}
    known = index.about.get("made", {}).get("data", {}).get("subset")
    if subset and kept_values != known:
        return f"of --subset {' '.join(subset)}", f"of {known or 'all values'}"
    if samples is not None and min(samples, index.made_of) != len(index):
        return f"of {samples:,} images", f"of {len(index):,} of {index.made_of:,}"
    if approximate and index.graph is None:
        return "with a graph", "made without --approximate"
    return None
