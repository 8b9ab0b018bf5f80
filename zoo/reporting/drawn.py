"""What a run's pictures show, as arrays: for pages that lay it out anew, beside other runs."""

from __future__ import annotations

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np

from zoo.files import replacing

FILE = "drawn.npz"


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """The arrays behind reconstructions, traversals and the information map.

    What a method cannot do (decode) or its data do not know (factors) is None.

    Attributes:
        originals: (n, H, W, C) uint8.
        reconstructions: (n, H, W, C) uint8, what the decoder makes of their codes.
        traversal: (L, S, H, W, C) uint8: row l decodes S codes that differ in latent l only.
        values: (S,) that latent's values.
        kl: (L,) KL of each latent in nats, averaged over images.
        factors: (F,) names of the data's factors.
        information: (L, F) the share of each factor's entropy that each latent holds, 0..1; NaN
            for a factor of one value.
        protocol: How the information was measured.
    """

    originals: np.ndarray | None = None
    reconstructions: np.ndarray | None = None
    traversal: np.ndarray | None = None
    values: np.ndarray | None = None
    kl: np.ndarray | None = None
    factors: np.ndarray | None = None
    information: np.ndarray | None = None
    protocol: str = ""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes an NPZ file, whole or not at all; the same arrays are the same bytes."""
        arrays = {name: value for name, value in vars(self).items() if value is not None}
        with replacing(path) as partial:
            np.savez_compressed(partial, **arrays)
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Drawn:
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: No file is there.
            ValueError: It is damaged, or something else.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        try:
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            return cls(**{**arrays, "protocol": str(arrays["protocol"])})
        except FileNotFoundError:
            raise
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"Expected {path} to hold {', '.join(sorted(names))}. It is damaged: {error}."
            ) from None
