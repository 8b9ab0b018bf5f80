"""The folder that an application leaves behind: whole or absent."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.files import check_writable, replacing, to_json_number

RESULT = "result.json"
MAKER = "repzoo applications"  # what result.json says under "made_by": others use its name too


class Output:
    """A folder for the result of an application: `result.json`, pictures, a page, a model.

    Args:
        folder: Where. It is refused at once, before any work, where something is there.
        overwrite: Whether an earlier result is replaced: a folder that an application wrote, and
            that holds nothing else.

    Raises:
        FileExistsError: Something is at `folder`, and `overwrite` is False or it is no such result.
        OSError: It lies where nothing may be written.

    Example:
        >>> output = Output("applied/probe")  # doctest: +SKIP
        >>> with output.writing({"accuracy": 0.9}) as room:  # doctest: +SKIP
        ...     save(figure, room / "confusion.png")
    """

    def __init__(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        self.folder, self.overwrite = Path(folder), overwrite
        self._check()
        check_writable(self.folder)

    def _check(self) -> None:
        """Refuses what is at the folder, but an earlier result that may be replaced."""
        if not os.path.lexists(self.folder):
            return
        if not self.overwrite:
            raise FileExistsError(
                f"{self.folder} is there already. Use --overwrite, or another --out."
            )
        if not (self.folder / RESULT).is_file():
            raise FileExistsError(f"{self.folder} holds no {RESULT}, and is not replaced.")
        written = _written(self.folder / RESULT)
        if written is None:
            raise FileExistsError(
                f"{self.folder} holds a {RESULT} that no application wrote, and is not replaced."
            )
        others = [name for name in files_in(self.folder) if name not in written]
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            raise FileExistsError(
                f"{self.folder} also holds {others[0]}{more}, which no application wrote there, "
                "and is not replaced."
            )

    @contextlib.contextmanager
    def writing(self, result: Mapping[str, Any]) -> Iterator[Path]:
        """Yields a folder to write in, which takes its place when the block ends without an error.

        Args:
            result: What was measured, and how: model, data, samples, seed. Arrays become lists, NaN
                null. It may still grow within the block: it is written at its end, with the names
                of all files.

        Raises:
            FileExistsError: Something that is not replaced has come to be at the folder since.
        """
        with replacing(self.folder) as room:
            room.mkdir()
            yield room
            told = {**result, "made_by": MAKER, "files": [*files_in(room), RESULT]}
            text = json.dumps(as_json(told), indent=2, allow_nan=False)
            (room / RESULT).write_text(text + "\n", encoding="utf-8")
            self._check()


def files_in(folder: Path) -> list[str]:
    """The names of all files in a folder and in those within, with "/", in order.

    A folder that holds none has none: nothing is lost with it.
    """
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _written(path: Path) -> set[str] | None:
    """The files that a result.json names as written with it; None: no application wrote it."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return set(told["files"]) if told["made_by"] == MAKER else None
    except (ValueError, TypeError, KeyError):  # no JSON, or JSON of something else
        return None


def as_json(value: Any) -> Any:
    """A value as JSON holds it: arrays as lists, NaN as null, infinity as a word.

    Example:
        >>> as_json({"codes": np.array([0.5, np.nan]), "seed": np.int64(3), "at": (1, 2)})
        {'codes': [0.5, None], 'seed': 3, 'at': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return to_json_number(value)
    return value
