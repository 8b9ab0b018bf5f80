"""`zoo apply adapt`."""

from __future__ import annotations

from collections.abc import Sequence
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
from zoo.cli.border import usage
from zoo.cli.output import print_table


@click.command("adapt")
@SAVED_MODEL
@data_options
@click.option(
    "--source",
    required=True,
    metavar="DOMAIN",
    help="The domain with labels: plain, inverted, warm, cool, maroon, green, navy, a corruption "
    "such as gaussian_noise:3, or FACTOR=VALUE,... of data with factors. warm:0.7 and "
    "FACTOR=VALUE,...:0.7 are tied to the label, 70 % of them.",
)
@click.option("--target", required=True, metavar="DOMAIN", help="The domain without labels.")
@click.option("--label", metavar="FACTOR", help="The factor that is the label, of such data.")
@samples_option(2_000, low=10)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="Accuracy on the source that the chosen codes may lose.",
)
@click.option(
    "--conditions",
    nargs=2,
    type=click.IntRange(-1),
    default=(0, 1),
    show_default=True,
    help="Of source and target, for a model whose encoder depends on a condition.",
)
@SEED
@out_option("adapt")
@OVERWRITE
def command(
    saved_model: Path,
    data: str | None,
    resize: bool,
    subset: Sequence[str],
    skip_bad: bool,
    source: str,
    target: str,
    label: str | None,
    samples: int,
    tolerance: float,
    conditions: tuple[int, int],
    seed: int,
    out: Path,
    overwrite: bool,
) -> None:
    """Use labels of a --source domain on a --target domain that has none.

    Compares all codes of SAVED_MODEL, those chosen for telling least of the domain, CORAL, and
    conditional normalisation where the model takes a condition, by a linear classifier.
    """
    if source == target:
        raise click.UsageError(f"Expected two domains. Received: {source!r} for both.")
    output = open_output(out, overwrite, saved_model)
    model = open_saved_model(saved_model)
    if not model.has("encode_conditioned"):
        refuse_without("a SavedModel with the signature 'encode_conditioned'", "conditions")
    from applications.adapting import LABELLED, adapt, compared
    from applications.domains import drawn
    from zoo.reporting import save
    from zoo.reporting.latents import TOLD

    with usage():
        loaded = load_data(model, data, resize, subset, skip_bad, any_colours=True)
        first, second = (
            drawn(loaded, name, samples, model.image_shape[2], label, place, seed)
            for place, name in enumerate((source, target))
        )
    found = adapt(model, first, second, conditions, tolerance, seed, progress=True)
    protocol = (
        f"linear classifier fitted to {len(first.labels):,} labels of the source, tested on "
        f"{len(first.test_labels):,} images of {source} and {len(second.test_labels):,} "
        f"of {target}; {loaded.name}, seed {seed}"
    )
    result = {
        "saved_model": model.path,
        "data": loaded.describe(),
        "source": source,
        "target": target,
        "label": label,
        "conditions": conditions if model.has("encode_conditioned") else None,
        "samples": samples,
        "images": {"source": len(first.labels), "target": len(second.labels)},
        "test_images": {"source": len(first.test_labels), "target": len(second.test_labels)},
        "tolerance": tolerance,
        "seed": seed,
        "protocol": protocol,
        "ways": [way._asdict() for way in found.ways],
        "units": [
            {"name": unit.name, "domain": unit.domain, "chosen": unit.chosen}
            for unit in found.units
        ],
    }
    with output.writing(result) as folder:
        count = min(9, len(first.test_images), len(second.test_images))
        shown = first.test_images[:count], second.test_images[:count]
        figure = compared(found, *shown, (source, target), f"{protocol}.")
        save(figure, folder / "adapt.png")
    if len(found.units) <= TOLD:
        rows = (
            (unit.name, f"{100 * unit.domain:.1f} %", "yes" if unit.chosen else "no")
            for unit in found.units
        )
        print_table(("codes", "tell the domain", "chosen"), *rows)
    else:
        click.echo(
            f"{len(found.chosen)} of {len(found.units)} codes are chosen: {out / 'result.json'}"
        )
    click.echo(found.choice)
    click.echo(
        "Tell the domain: how often codes tell it of images not seen before; half is chance."
    )
    click.echo()
    print_table(
        ("way", "codes", "source", "target"),
        *(
            (way.name, str(way.codes), f"{100 * way.source:.1f} %", f"{100 * way.target:.1f} %")
            for way in found.ways
        ),
    )
    click.echo(f"{protocol}.")
    click.echo(f"{LABELLED}: all codes, fitted to the labels of both domains, for comparison.")
    click.echo(f"also in {out / 'adapt.png'}")
