"""Folders of several trainings that follow a plan, such as sweeps and searches.

The plan is kept in a file of its own, with versions; by it the same command finds its work again,
and another is refused.
"""

from __future__ import annotations

import abc
import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

import filelock
import pydantic

from zoo.files import remove_partials, write_json

LOCK = ".lock"


class Plan(pydantic.BaseModel):
    """What several trainings are told. It refuses names that it does not know."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    @abc.abstractmethod
    def differs_from(self, old: Self) -> str | None:
        """What keeps this from going on with `old`, to follow "Expected"; or None."""


Kind = TypeVar("Kind", bound=Plan)


class PlanFolder(abc.ABC, Generic[Kind]):
    """A folder that is kept by a plan.

    Args:
        path: The folder.

    Attributes:
        noun: What is planned, in messages.
        file: Of the plan.
        kind: Its class.
        patience: Seconds until a process that is at work here is taken to stay.
    """

    noun: ClassVar[str]
    file: ClassVar[str]
    kind: type[Kind]
    patience: ClassVar[float] = 0.0

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a plan of this kind."""
        return (self.path / self.file).is_file()

    @property
    def plan(self) -> Kind:
        """What is planned.

        Raises:
            ValueError: The plan is damaged, or something else's.
        """
        path = self.path / self.file
        try:
            told = json.loads(path.read_text())
            return self.kind(**{name: told[name] for name in self.kind.model_fields})
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{path} is damaged, or not the {self.file} of a {self.noun}."
            ) from None

    @abc.abstractmethod
    def check_records(self) -> None:
        """Refuses records that are damaged."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Removes what followed the plan, the plan too, and nothing else that may lie there."""

    def check(self, plan: Kind, overwrite: bool = False) -> None:
        """Refuses to hold `plan` where something else is held; changes nothing.

        Raises:
            ValueError: The folder is a file, holds anything but such a plan, or (unless
                `overwrite`) another one, or damaged records.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(
                f"Expected a folder for the {self.noun}. Received: {self.path}, a file."
            )
        if not self.exists:
            found = self.path.iterdir() if self.path.exists() else ()
            strange = sorted(path.name for path in found if not path.name.startswith("."))
            if strange:
                raise ValueError(
                    f"Expected {self.path} to be free or to hold a {self.noun}. Received: a folder "
                    f"without {self.file} that holds {', '.join(strange[:3])}. Name another with "
                    "--out."
                )
        elif not overwrite:
            differs = plan.differs_from(self.plan)
            if differs:
                raise ValueError(
                    f"{self.path} holds another {self.noun}. Expected {differs}. Replace it with "
                    "--overwrite, or name another folder with --out."
                )
            self.check_records()

    def begin(self, plan: Kind, versions: Mapping[str, str], overwrite: bool = False) -> None:
        """Makes the folder that of `plan`; with `overwrite` without what it held."""
        if overwrite:
            self.clear()
        remove_partials(self.path)
        if not self.exists or self.plan != plan:
            write_json(
                self.path / self.file, {**plan.model_dump(mode="json"), "versions": dict(versions)}
            )

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Within it no other process is at work here.

        Raises:
            ValueError: One is already.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self.path / LOCK, timeout=self.patience):
                yield
        except filelock.Timeout:
            raise ValueError(
                f"Another process is at work on the {self.noun} {self.path}."
            ) from None
