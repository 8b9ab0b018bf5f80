"""`zoo disambiguate`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import registry
from zoo.cli.border import RUN, open_run, quiet_tensorflow, usage
from zoo.runs import LABELS

MANY = 0.1  # of the ambiguous labels: where more differ from the classifier's, it is said


@click.command("disambiguate")
@RUN
@click.option(
    "--out", type=click.Path(path_type=Path), help="CSV file. Default: labels.csv in RUN."
)
@click.option(
    "--by-classifier",
    is_flag=True,
    help="Take the candidate that the classifier holds likeliest, in place of what the method "
    "remembers of each image that it learned from.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file in --out.")
def command(run: Path, out: Path | None, by_classifier: bool, overwrite: bool) -> None:
    """Write the labels that a finished RUN makes of ambiguous ones.

    A line for each training image: its path or index, the likeliest of its candidates, how sure
    that is from 0 to 1, how many candidates there were, whether that was ambiguous, and whether
    the image was held out of training.
    """
    opened = open_run(run)
    taken = out is not None and out.exists() and not overwrite
    if out is not None and (taken or out.is_dir()):
        what = "a folder" if out.is_dir() else "a file"
        hint = "" if out.is_dir() else "Use --overwrite, or another --out. "
        raise click.UsageError(f"Expected --out to be free. {hint}Received: {out}, {what}.")
    with quiet_tensorflow():
        from zoo.disambiguation import cleaned, write_csv
    with usage():
        name = opened.settings.method
        if not registry.method(name).learns_candidates:
            raise ValueError(
                "Expected a run of a method that learns from candidate labels. "
                f"Received: {name}, which does not."
            )
    out = out or run / LABELS
    data = opened.load_data()
    method = opened.load_method()
    labels = cleaned(method, data, by_classifier)
    write_csv(out, data, labels)
    ambiguous = labels.candidates > 1
    sure = labels.confidence[ambiguous].mean() if ambiguous.any() else 1.0
    click.echo(
        f"{out}: labels of {len(ambiguous):,} images, {ambiguous.sum():,} of them ambiguous; "
        f"mean confidence of these {sure:.3f}"
    )
    if not by_classifier:
        others = labels.labels != cleaned(method, data, by_classifier=True).labels
        if others.sum() > MANY * ambiguous.sum():
            click.echo(
                f"by the classifier {100 * others.sum() / ambiguous.sum():.0f} % of the ambiguous "
                "ones would have another label: --by-classifier writes its labels"
            )
    if data.train.labels is not None:
        right = labels.labels == data.train.labels
        click.echo(f"of the true labels it finds {100 * right.mean():.2f} %")
