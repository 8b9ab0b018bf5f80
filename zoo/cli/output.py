"""What the command prints: tables, warnings and errors in a line."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import click


def print_table(header: tuple[str, ...], *rows: tuple[str, ...]) -> None:
    """Prints rows as aligned columns, a row a line however wide the terminal."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.secho("  ".join(cells).rstrip(), bold=True if row is header else None)


@contextlib.contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Within it a warning is shown without the code that it came from."""

    def show(message: Warning | str, *_: Any) -> None:
        click.echo(f"zoo: {one_line(message)}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def one_line(error: object) -> str:
    """An error in one readable line."""
    if isinstance(error, click.ClickException):
        error = error.format_message()
    if isinstance(error, OSError) and error.strerror and error.filename:
        error = f"{error.strerror}: {error.filename}"
    return " ".join(str(error).split())
