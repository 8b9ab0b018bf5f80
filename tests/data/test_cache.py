"""The cache: made once, checked, repaired, and whole or absent."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from zoo.data.cache import cache_folder, cached

CONTENT = b"0123456789" * 100


class Writer:
    """Writes the content, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: Path) -> None:
        self.calls += 1
        path.write_bytes(CONTENT)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def write() -> Writer:
    return Writer()


def test_makes_once(folder: Path, write: Writer) -> None:
    path = cached("thing.bits", len(CONTENT), write)
    assert path == cached("thing.bits", len(CONTENT), write) == folder / "thing.bits"
    assert path.read_bytes() == CONTENT
    assert write.calls == 1
    assert (folder / "thing.bits.sha256").read_text() == (
        hashlib.sha256(CONTENT).hexdigest() + "  thing.bits\n"
    )


def test_the_folder_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPZOO_CACHE") if "REPZOO_CACHE" in os.environ else None
    assert cache_folder().name == "repzoo"
    monkeypatch.setenv("REPZOO_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(CONTENT[:-1]), "expected 1000 bytes, received 999"),
        (lambda path: path.write_bytes(b"x" + CONTENT[1:]), "its checksum does not match"),
        (lambda path: path.with_name("thing.bits.sha256").unlink(), "sha256 is absent or damaged"),
        (
            lambda path: path.with_name("thing.bits.sha256").write_text(""),
            "sha256 is absent or damaged",
        ),
        (
            lambda path: path.with_name("thing.bits.sha256").write_bytes(b"\xff\xfe\xfd"),
            "sha256 is absent or damaged",
        ),
    ],
)
def test_notices_damage_and_repairs_it(
    folder: Path,
    write: Writer,
    caplog: pytest.LogCaptureFixture,
    damage: object,
    said: str,
) -> None:
    path = cached("thing.bits", len(CONTENT), write)
    damage(path)  # type: ignore[operator]
    with caplog.at_level(logging.WARNING):
        cached("thing.bits", len(CONTENT), write)
    assert path.read_bytes() == CONTENT
    assert write.calls == 2
    assert said in caplog.text
    cached("thing.bits", len(CONTENT), write)
    assert write.calls == 2


def test_two_processes_make_it_once(folder: Path) -> None:
    folder.mkdir()
    code = """
import sys, time
from pathlib import Path
from zoo.data.cache import cached
def write(path):
    with open(Path(sys.argv[1]) / "calls", "a") as calls: calls.write("x")
    time.sleep(0.5)
    path.write_bytes(b"done")
assert cached("thing", 4, write).read_bytes() == b"done"
"""
    command = [sys.executable, "-c", code, str(folder)]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert (folder / "calls").read_text() == "x"


def test_refuses_a_disk_that_is_too_small(
    folder: Path, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9, 10**6))
    with pytest.raises(OSError, match=r"Expected 377 MB of free disk in .*cache for thing") as info:
        cached("thing", 377_487_360, write)
    assert info.value.errno == errno.ENOSPC
    assert str(folder) in str(info.value)
    assert write.calls == 0
    assert _left(folder) == []


def test_leaves_nothing_when_the_disk_fills(folder: Path) -> None:
    def write(path: Path) -> None:
        path.write_bytes(CONTENT[:500])
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"MB of free disk in .*cache for thing.*REPZOO_CACHE"):
        cached("thing", len(CONTENT), write)
    assert _left(folder) == []


def test_leaves_nothing_when_it_is_interrupted(folder: Path) -> None:
    def write(path: Path) -> None:
        path.write_bytes(CONTENT[:500])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", len(CONTENT), write)
    assert _left(folder) == []


def test_says_when_the_folder_cannot_be_written(
    tmp_path: Path, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("REPZOO_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match=r"Expected to write .*Set REPZOO_CACHE to a folder"):
        cached("thing", len(CONTENT), write)


def _left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix != ".lock"]
