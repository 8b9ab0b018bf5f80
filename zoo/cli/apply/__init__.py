"""`zoo apply`: what people do with an exported SavedModel, a file a command."""

from __future__ import annotations

import click

from zoo.cli.apply import adapt, convert, edit, explore, interpret, probe, search
from zoo.cli.names import Names


@click.group("apply", cls=Names)
def command() -> None:
    """Use an exported SavedModel, ours or any with the same signatures."""


for module in (adapt, convert, edit, explore, interpret, probe, search):
    command.add_command(module.command)
