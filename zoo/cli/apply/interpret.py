"""`zoo apply interpret`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

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
    samples_option,
    told_kinds,
)
from zoo.cli.border import usage
from zoo.cli.output import print_table

FEWEST = 20  # images, as a code's histogram has bins


@click.command("interpret")
@SAVED_MODEL
@data_options
@samples_option(5_000, low=FEWEST)
@SEED
@click.option(
    "--split",
    type=click.Choice(("train", "test")),
    help="Which half of labelled data. Default: the test half, where there is one.",
)
@kinds_options
@out_option("interpret")
@OVERWRITE
def command(
    saved_model: Path,
    data: str | None,
    resize: bool,
    subset: Sequence[str],
    skip_bad: bool,
    samples: int,
    seed: int,
    split: str | None,
    circular: Sequence[str],
    categories: Sequence[str],
    out: Path,
    overwrite: bool,
) -> None:
    """Say which code of SAVED_MODEL holds which factor, class or attribute, in sentences.

    A page holds the sentences, the matrix of codes and factors, what each code changes, and the
    images that excite it most and least. Of data without factors and labels, pictures alone tell.
    """
    output = open_output(out, overwrite, saved_model)
    model = open_saved_model(saved_model)
    loaded = load_data(model, data, resize, subset, skip_bad)
    from applications.interpret_page import page, worth_showing
    from applications.interpreting import kinds_of, look_at_codes, read_codes, unseen_codes
    from zoo.data import FactorData
    from zoo.reporting.latents import TOLD, percent

    whole = isinstance(loaded, FactorData)
    if whole and split:
        raise click.UsageError(
            f"Expected --split for data of a training and a test half. Received: {loaded.name}, "
            "which has factors and no halves."
        )
    half = "" if whole else split or ("test" if len(loaded.test) else "train")
    images_of = getattr(loaded, half) if half else loaded
    if not len(images_of):
        raise click.UsageError(f"{loaded.name} has no images in its {half} half.")
    if len(images_of) < FEWEST:
        other = "" if half != "test" or len(loaded.train) < FEWEST else " --split train takes more."
        raise click.UsageError(
            f"Expected at least {FEWEST} images. Received: {len(images_of)} in "
            f"{f'the {half} half of ' if half else ''}{loaded.name}.{other}"
        )
    samples = min(samples, len(images_of))
    images, factors = images_of.sample(samples, seed)
    names, kinds, values = _known(loaded, factors)
    with usage():
        kinds = kinds_of(loaded.name, names, {**kinds, **told_kinds(circular, categories)})
    codes = model.encode(images, progress=True)
    named = names if factors is not None else None
    unseen = unseen_codes(model, codes)
    found = read_codes(codes, factors, named, kinds, values, model.subspaces, unseen, seed)
    shown = worth_showing(found)
    looks = look_at_codes(model, images, codes, shown)
    kind = {"test": "test images", "train": "training images"}.get(half, "images")
    protocol = (
        f"{samples:,} {kind} of {loaded.name}, seed {seed}; histograms of 20 bins, less what they "
        "count of shuffled samples"
    )
    result = {
        "saved_model": model.path,
        "data": loaded.describe(),
        "samples": samples,
        "half": half,
        "seed": seed,
        "kinds": kinds,
        "factors": found.factor_names,
        "of_factor": found.of_factor,
        "of_code": found.of_code,
        "codes": [dataclasses.asdict(reading) for reading in found.readings],
        "notes": found.notes,
    }
    with output.writing(result) as folder:
        (folder / "interpret.html").write_text(
            page(found, looks, model.name, f"{protocol}."), encoding="utf-8"
        )
    told_of = found.readings
    if len(told_of) > TOLD:
        told_of = tuple(found.readings[code] for code in sorted(shown))
    if found.factor_names:
        print_table(
            ("code", *found.factor_names),
            *(
                (
                    str(reading.code),
                    *("" if np.isnan(v) else percent(v) for v in found.of_factor[reading.code]),
                )
                for reading in told_of
            ),
        )
    for reading in told_of:
        click.secho(reading.sentence, dim=reading.verdict == "nothing")
    if len(told_of) < len(found.readings):
        click.echo(f"and {len(found.readings) - len(told_of)} more, in {out / 'result.json'}")
    for note in found.notes:
        click.echo(note)
    click.echo(f"{protocol}.")
    click.echo(f"also in {out / 'interpret.html'}")


def _known(
    data: Any, factors: Any
) -> tuple[tuple[str, ...], dict[str, str], Mapping[str, Sequence[str]]]:
    """The names of factors, attributes or of the class, their kinds, and the names of values."""
    if factors is None:
        return (), {}, {}
    if hasattr(data, "factor_names"):
        return data.factor_names, {}, {}
    if factors.ndim == 1:
        return ("class",), {"class": "categories"}, {"class": data.class_names}
    return data.class_names, dict.fromkeys(data.class_names, "categories"), {}
