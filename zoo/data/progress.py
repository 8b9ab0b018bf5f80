"""A progress bar on stderr for the few things here that take seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.errors import LiveError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields a function `advance(steps)` that moves a bar towards `total`.

    The bar is drawn only on a terminal and vanishes at the end. Where another one is
    already being drawn, this one stays silent.

    Example:
        >>> with progress("Counting", 3) as advance:
        ...     for _ in range(3):
        ...         advance(1)
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(what, total=total)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(LiveError):  # older rich draws one bar at a time
            stack.enter_context(bar)
        yield lambda steps: bar.advance(task, steps)
