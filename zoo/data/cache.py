"""Files that are made once, checked at every use, and made again when they are damaged."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock
import platformdirs

from zoo.files import remove_partials, replacing, sha256

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where generated data are kept: REPZOO_CACHE, or else the user's cache folder."""
    return Path(os.environ.get("REPZOO_CACHE") or platformdirs.user_cache_dir("repzoo"))


def cached(name: str, size: int, write: Callable[[Path], None]) -> Path:
    """The path of a file in the cache folder, made first where it is absent or damaged.

    Beside the file lies its SHA-256 (`name.sha256`, as `sha256sum -c` reads it). Of several
    processes that want it at the same time one makes it and the others wait.

    Args:
        name: The file's name.
        size: Its length in bytes.
        write: Writes the file at the path that it is given.

    Raises:
        OSError: If the folder cannot be written or has too little room; nothing is left behind.
    """
    path = cache_folder() / name
    if _damage(path, size) is None:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.parent / "cache.lock"):
            damage = _damage(path, size)  # again: another process may have made it meanwhile
            if damage is not None:
                if path.exists():
                    _log.warning("%s: %s. Making it again.", path, damage)
                _make(path, size, write)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _no_room(path, size) from error
        raise OSError(
            f"Expected to write {path}. Received: {error}. "
            "Set REPZOO_CACHE to a folder that can be written."
        ) from error
    return path


def _make(path: Path, size: int, write: Callable[[Path], None]) -> None:
    if shutil.disk_usage(path.parent).free < size:
        raise _no_room(path, size)
    remove_partials(path.parent)  # of processes that were killed; the lock keeps others out
    with replacing(path) as partial:
        write(partial)
        digest = sha256(partial)
    with replacing(_sidecar(path)) as partial:
        partial.write_text(f"{digest}  {path.name}\n")


def _damage(path: Path, size: int) -> str | None:
    """What is wrong with the file, or None."""
    if not path.is_file():
        return "it is absent"
    if path.stat().st_size != size:
        return f"expected {size} bytes, received {path.stat().st_size}"
    try:
        expected = _sidecar(path).read_text().split()[0]
    except (OSError, ValueError, IndexError):
        return f"its checksum {_sidecar(path).name} is absent or damaged"
    return None if sha256(path) == expected else "its checksum does not match"


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _no_room(path: Path, size: int) -> OSError:
    return OSError(
        errno.ENOSPC,
        f"Expected {size / 1e6:.0f} MB of free disk in {path.parent} for {path.name}, received "
        "less. Free some, or set REPZOO_CACHE to another folder",
    )
