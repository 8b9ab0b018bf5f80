"""Files that are whole or absent: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PARTIAL = (".zoo-", ".partial")  # how the name of a folder with something half-written begins, ends

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; what is written there takes its place at the end.

    Write a file or make a folder at the yielded path. It is synced to disk and renamed to
    `path` when the block ends without an exception, and removed otherwise, so that `path`
    never holds half of anything. The temporary name keeps the suffix (`.png`, `.keras`).

    Args:
        path: The file or folder to make or replace. Its parent folders are made.

    Raises:
        OSError: The disk is full: with the path, whichever library said so, in whatever words.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short whatever `path` is called, so that a name that fits the file system has one that fits.
    room = Path(tempfile.mkdtemp(prefix=PARTIAL[0], suffix=PARTIAL[1], dir=path.parent))
    partial = room / ("partial" + path.suffix)
    try:
        yield partial
        sync(partial)
        _take_place(partial, path, room / "old")
        _sync_entry(path.parent)
    except Exception as error:
        number = disk_full(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuses a path that `replacing` could not write to, before any work is done for it.

    Raises:
        OSError: The nearest folder above it that is there is a file, or may not be written to.
    """
    above = next(folder for folder in Path(path).absolute().parents if os.path.lexists(folder))
    number = None
    if not above.is_dir():
        number = errno.ENOTDIR
    elif not os.access(above, os.W_OK | os.X_OK):
        number = errno.EACCES
    if number is not None:
        raise OSError(number, os.strerror(number), str(above))


def _take_place(new: Path, path: Path, aside: Path) -> None:
    """Renames `new` to `path`; what was there goes aside, and comes back should that fail."""
    if not (path.is_dir() and new.is_dir()):
        os.replace(new, path)
        return
    path.rename(aside)  # a folder cannot be renamed over a full one
    try:
        os.replace(new, path)
    except BaseException:  # Ctrl-C too
        aside.rename(path)
        raise


def disk_full(error: Exception) -> int | None:
    """The errno of a full disk, if that is what an error says: not all libraries set it."""
    for number in FULL:
        if getattr(error, "errno", None) == number or os.strerror(number) in str(error):
            return number
    return None


def remove_partials(folder: Path) -> None:
    """Removes what processes that were killed within `replacing` left in a folder."""
    for room in folder.glob(f"{PARTIAL[0]}*{PARTIAL[1]}"):
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
    """Writes `value` as indented JSON, whole or not at all.

    Raises:
        ValueError: It holds NaN or infinity, which JSON does not know: see `to_json_number`.
    """
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")


def to_json_number(value: float) -> float | str | None:
    """A number as JSON holds it: "inf" and "-inf" as words, NaN as null.

    Example:
        >>> [to_json_number(value) for value in (0.5, math.inf, math.nan)]
        [0.5, 'inf', None]
    """
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(float(value))


def from_json_number(value: float | str | None) -> float:
    """The number that `to_json_number` wrote.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, float | int) and not isinstance(value, bool):
        return value
    if value not in (None, "inf", "-inf"):
        raise ValueError(f"Expected a number, inf, -inf or null. Received: {value!r}.")
    return math.nan if value is None else float(value)


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
