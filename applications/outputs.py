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

from zoo.files import replacing, to_json_number

RESULT = "result.json"


class Output:
    """A folder for the result of an application: `result.json`, pictures, a page, a model.

    Args:
        folder: Where. It is refused at once, before any work, where something is there.
        overwrite: Whether an earlier result is replaced.

    Raises:
        FileExistsError: Something is at `folder`, and `overwrite` is False or it is no result.

    Example:
        >>> output = Output("applied/probe")  # doctest: +SKIP
        >>> with output.writing({"accuracy": 0.9}) as room:  # doctest: +SKIP
        ...     save(figure, room / "confusion.png")
    """

    def __init__(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        self.folder = Path(folder)
        if not os.path.lexists(self.folder):
            return
        if not overwrite:
            raise FileExistsError(
                f"{self.folder} is there already. Use --overwrite, or another --out."
            )
        if not (self.folder / RESULT).is_file():
            raise FileExistsError(f"{self.folder} holds no {RESULT}, and is not replaced.")

    @contextlib.contextmanager
    def writing(self, result: Mapping[str, Any]) -> Iterator[Path]:
        """Yields a folder to write in, which takes its place when the block ends without an error.

        Args:
            result: What was measured, and how: model, data, samples, seed. Arrays become lists, NaN
                null. It may still grow within the block: it is written at its end.
        """
        with replacing(self.folder) as room:
            room.mkdir()
            yield room
            text = json.dumps(as_json(result), indent=2, allow_nan=False)
            (room / RESULT).write_text(text + "\n", encoding="utf-8")


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
