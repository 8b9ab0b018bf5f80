"""A file a study: its command, how long it takes, and what to look for in it.

    python -m tuning.studies.beta_vae

runs one into runs/studies/NAME, or goes on with it where it was stopped. `STUDY` in each file holds
the arguments of `tuning.search`. Times are estimates for two free cores; no study was timed in
full.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def run(name: str, study: Mapping[str, Any]) -> None:
    """Searches, and says what was found."""
    from rich.console import Console

    from tuning.searching import say_where, search

    console = Console(soft_wrap=True)
    say_where(search(**study, directory=Path("runs/studies") / name, console=console), console)
