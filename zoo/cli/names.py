"""Groups of commands that answer an unknown name with the nearest."""

from __future__ import annotations

from typing import Any

import click

from zoo.messages import unknown


class Names(click.Group):
    """A group that answers an unknown command with the nearest name."""

    kind = "command"

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Click's own, with the zoo's message."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(unknown(self.kind, args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)
