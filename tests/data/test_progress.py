"""The progress bar: on terminals only, and never in the way."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.progress import Progress

from zoo.data.progress import progress


def test_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Counting", 2) as advance:
        advance(1)
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_draws_on_a_terminal_and_vanishes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with progress("Counting", 2) as advance:
        advance(2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Counting" in err
    assert err.endswith("\x1b[2K")  # the last thing drawn is an erased line


def test_does_not_mind_another_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Progress(console=Console(stderr=True)), progress("Counting", 1) as advance:
        advance(1)


def test_lets_errors_through() -> None:
    with pytest.raises(KeyboardInterrupt), progress("Counting", 1):
        raise KeyboardInterrupt
