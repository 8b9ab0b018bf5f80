"""`zoo list`."""

from __future__ import annotations

import click

from zoo import registry
from zoo.cli.output import print_table


@click.command("list")
def command() -> None:
    """Methods and data sets."""
    from zoo import data

    modules = sorted(registry.names().items())
    rows = [(name, module.split(".")[1], registry.summary(name)) for name, module in modules]
    print_table(("method", "family", "what"), *rows)
    click.echo("\ndata: " + ", ".join(data.names()))
