"""`zoo traverse`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import checks, registry
from zoo.cli.border import RUN, open_run, quiet_tensorflow, usage


@click.command("traverse")
@RUN
@click.option("--steps", type=click.IntRange(2), default=9, show_default=True, help="Columns.")
@click.option(
    "--reach",
    type=float,
    default=2.0,
    show_default=True,
    help="Standard deviations to either side: of the prior, or of codes that have none.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the image.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder. Default: RUN/pictures.")
def command(run: Path, steps: int, reach: float, seed: int, out: Path | None) -> None:
    """Draw what each latent of a finished RUN changes, and each subspace where it has some."""
    opened = open_run(run)
    with usage():
        checks.number("reach", reach, low=0)
    with quiet_tensorflow():
        from zoo.reporting.drawing import Drawing
    with usage():
        name = opened.settings.method
        if not hasattr(registry.method(name), "decode"):
            raise ValueError(
                "Expected a run of a method that decodes, to draw what its latents change. "
                f"Received: {name}, which has no decoder; {opened.pictures} shows its codes."
            )
    data = opened.load_data()
    drawing = Drawing(opened.load_method(), data, steps=steps, reach=reach, seed=seed)
    for path in drawing.save(out or opened.pictures):
        click.echo(path)
