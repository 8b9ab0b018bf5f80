"""Files that are whole or absent: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; what is written there takes its place at the end.

    Write a file or make a folder at the yielded path. It is synced to disk and renamed to
    `path` when the block ends without an exception, and removed otherwise, so that `path`
    never holds half of anything. The temporary name keeps the suffix (`.png`, `.keras`).

    Args:
        path: The file or folder to make or replace. Its parent folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short whatever `path` is called, so that a name that fits the file system has one that fits.
    room = Path(tempfile.mkdtemp(prefix=".zoo-", suffix=".partial", dir=path.parent))
    partial = room / ("partial" + path.suffix)
    try:
        yield partial
        sync(partial)
        if path.is_dir() and partial.is_dir():  # a folder cannot be renamed over a full one
            path.rename(room / "old")
        os.replace(partial, path)
        _sync_entry(path.parent)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def sync(path: Path) -> None:
    """Waits until a file, or a folder with all it holds, is on disk."""
    if path.is_dir():
        for child in path.iterdir():
            sync(child)
        _sync_entry(path)
    else:
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def _sync_entry(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2) + "\n")


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
