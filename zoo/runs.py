"""Run folders: what a training leaves behind, and how it is found again.

RUN/config.json      settings, data, versions, seed: enough to repeat it
RUN/history.json     loss, terms and scores of each epoch
RUN/scores.json      the last scores, each with its protocol
RUN/codes.json       quantiles of codes that are to be edited: of subspaces, or for a decoder
RUN/evaluation.json  what `zoo evaluate` found since
RUN/confusion.json   how often its linear probe took which class for which
RUN/subspaces.json   how well each factor is read off each subspace of the codes
RUN/model.keras      the method with its optimizer and random states
RUN/pictures/        what the method allows: reconstructions, traversal (PNG and GIF), information,
                     codes in a plane, neighbours, views, their similarities; curves; the arrays
                     behind them
RUN/saved_model/1/   SavedModel with its card
RUN/tensorboard/     scalars and images
RUN/report.html      what `zoo report` wrote of it
RUN/labels.csv       what `zoo disambiguate` made of candidate labels
RUN/checkpoints/     what `--resume` goes on from
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pydantic

from zoo import registry
from zoo.files import replacing, write_json
from zoo.messages import unknown
from zoo.metrics.arrays import BINS
from zoo.metrics.scoring import SAMPLES, chosen

if TYPE_CHECKING:
    from zoo.method import Method

CONFIG = "config.json"
FOLDERS = ("checkpoints", "pictures", "saved_model", "tensorboard")
REPORT = "report.html"
LABELS = "labels.csv"
FILES = (
    "history.json",
    "scores.json",
    "codes.json",
    "evaluation.json",
    "confusion.json",
    "subspaces.json",
    LABELS,
    "model.keras",
    REPORT,
    CONFIG,
)


class Settings(pydantic.BaseModel):
    """What a training is told, from recipe, file and flags. Refuses names it does not know."""

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, strict=True
    )

    method: str
    data: str
    image_size: int | None = pydantic.Field(None, ge=1)
    subset: dict[str, int | list[int]] | None = pydantic.Field(None, min_length=1)
    skip_bad: bool = False
    candidates: str | None = None  # as zoo.data.partial.named_candidates takes it
    encoder: str | None = None  # the run whose encoder is used, of a method that uses one
    steps: int = pydantic.Field(ge=1)
    epochs: int = pydantic.Field(ge=1)
    batch_size: int = pydantic.Field(ge=1)
    learning_rate: float = pydantic.Field(gt=0)
    optimizer: Literal["adam", "sgd", "lars"] = "adam"
    weight_decay: float = pydantic.Field(0.0, ge=0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = pydantic.Field(0, ge=0)
    precision: Literal["float32", "mixed_bfloat16"] = "float32"  # what layers compute in
    seed: int = pydantic.Field(0, ge=0, lt=2**32 - 1)  # NumPy's range, less the decoder's seed + 1
    samples: int = pydantic.Field(SAMPLES, ge=BINS)
    metrics: list[str] | None = pydantic.Field(None, min_length=1)  # None: scoring.default
    hyperparameters: dict[str, Any] = {}

    @property
    def steps_per_epoch(self) -> int:
        """Steps between two scorings."""
        return self.steps // self.epochs

    @property
    def command(self) -> str:
        """The command that trains by these settings, whatever the method's recipe becomes."""
        words = ["zoo", "train", self.method]
        for name, value in self.model_dump(exclude={"method", "hyperparameters"}).items():
            if isinstance(value, dict):
                for item in value.items():
                    words += ["--" + name, subset_assignment(*item)]
            elif value is True:
                words += ["--" + name.replace("_", "-")]
            elif value is not False and value is not None:
                text = ",".join(value) if isinstance(value, list) else str(value)
                words += ["--" + name.replace("_", "-"), text]
        sets = [f"--set {assignment(*item)}" for item in self.hyperparameters.items()]
        return " ".join([shlex.join(words), *sets])

    def of_its_encoder(self) -> dict[str, Any]:
        """The settings that a run takes over with this one's encoder: those of its data.

        Example:
            >>> Run.open("runs/moco").settings.of_its_encoder()  # doctest: +SKIP
            {'data': 'digits', 'image_size': 16, 'subset': None, 'skip_bad': False}
        """
        return self.model_dump(include={"data", "image_size", "subset", "skip_bad"})

    def with_candidates(self, data: Any) -> Any:
        """The data with the candidate sets that are named here, where any are.

        What is drawn is drawn by the seed of the run: methods that are compared at one seed learn
        from the same sets, and over several seeds the sets vary as all else does.
        """
        if self.candidates is None:
            return data
        from zoo.data.partial import named_candidates

        return named_candidates(data, self.candidates, self.seed)

    @classmethod
    def told(cls, fields: Mapping[str, Any]) -> Settings:
        """The settings of these fields.

        Raises:
            ValueError: A name that is unknown or missing, or a value that cannot be, in one line.
        """
        try:
            return cls(**fields)
        except pydantic.ValidationError as error:
            raise ValueError(_one_line(error)) from None

    @classmethod
    def merged(cls, method: str, *layers: Mapping[str, Any]) -> Settings:
        """Settings from layers that override one another: recipe, file, flags.

        `hyperparameters` are merged name by name. For other data than the recipe's, its image size,
        its subset, its candidates and what else suits its data (`Method.suited_to_data`, such as
        views) are left out. A file of candidates and the run of an encoder are named by their whole
        paths, from wherever the run goes on.
        Epochs divide the steps: where only the steps are given, epochs are as long as the
        recipe's, and at most 100; the warm-up is as large a part, and so is all else that the
        recipe counts in steps (hyperparameters called ..._steps, such as PiCO's moco_steps).

        Raises:
            ValueError: An unknown setting, or a value that cannot be.
        """
        given: dict[str, Any] = {}
        hyperparameters: dict[str, Any] = {}
        named_later: set[str] = set()
        for i, layer in enumerate(layers):
            unheard_of = set(layer) - set(cls.model_fields)
            if unheard_of:
                raise ValueError(unknown("setting", sorted(unheard_of)[0], cls.model_fields))
            if layer.get("method", method) != method:
                raise ValueError(f"Expected settings of {method}. Received: {layer['method']!r}'s.")
            named = layer.get("hyperparameters") or {}
            if not isinstance(named, Mapping):
                raise ValueError(
                    f"Expected hyperparameters to be names and values. Received: {named!r}."
                )
            hyperparameters |= named
            named_later |= set(named) if i else set()
            given |= layer
        recipe, last = layers[0], {k: v for layer in layers[1:] for k, v in layer.items()}
        if not _same_data(given["data"], recipe["data"]):  # what suits the recipe's data alone
            for name in ("image_size", "subset", "candidates"):
                if name not in last:
                    given[name] = None
            for name in registry.method(method).suited_to_data:
                if name not in named_later:
                    hyperparameters.pop(name, None)
        if "steps" in last:
            if "epochs" not in last:
                pace = recipe["steps"] // recipe["epochs"]
                given["epochs"] = _most_epochs(given["steps"], pace)
            if isinstance(given["steps"], int):
                now, before = given["steps"], recipe["steps"]
                if "warmup_steps" not in last:
                    given["warmup_steps"] = recipe.get("warmup_steps", 0) * now // before
                for name, value in recipe.get("hyperparameters", {}).items():
                    if is_of_steps(name) and name not in named_later:
                        hyperparameters[name] = value * now // before
        if isinstance(given.get("encoder"), str):
            given["encoder"] = str(Path(given["encoder"]).expanduser().resolve())
        if isinstance(given.get("candidates"), str):
            given["candidates"] = _absolute(given["candidates"])
        settings = cls.told({**given, "method": method, "hyperparameters": hyperparameters})
        chosen(settings.metrics or ())  # refuses unknown names
        if settings.warmup_steps >= settings.steps:
            raise ValueError(
                f"Expected fewer warmup_steps than steps, {settings.steps}. Received: "
                f"{settings.warmup_steps}."
            )
        if settings.steps % settings.epochs:
            nearest = max(settings.steps // settings.epochs, 1) * settings.epochs
            raise ValueError(
                f"Expected steps to be a multiple of epochs, e.g. {nearest}. Received: "
                f"{settings.steps} steps, {settings.epochs} epochs."
            )
        return settings


def is_of_steps(name: str) -> bool:
    """Whether a hyperparameter is counted in steps, and so is a part of a run.

    Example:
        >>> is_of_steps("moco_steps")
        True
    """
    return name.endswith("_steps")


def _absolute(candidates: str) -> str:
    """A file of candidates by its whole path; what is to be drawn as it is.

    Raises:
        ValueError: Neither.
    """
    from zoo.data.partial import candidate_source

    source = candidate_source(candidates)
    return str(source.expanduser().resolve()) if isinstance(source, Path) else candidates


def subset_assignment(name: str, values: int | list[int]) -> str:
    """FACTOR=VALUE,... as --subset takes it.

    Example:
        >>> subset_assignment("orientation", 0), subset_assignment("scale", [0, 3])
        ('orientation=0', 'scale=0,3')
    """
    return f"{name}={','.join(map(str, values if isinstance(values, list) else [values]))}"


def assignment(name: str, value: Any) -> str:
    """NAME=VALUE as a shell takes it after --set.

    Example:
        >>> assignment("beta", 4.0), assignment("projection_sizes", [256, 128])
        ('beta=4.0', "'projection_sizes=[256, 128]'")
    """
    return shlex.quote(f"{name}={_as_yaml(value)}")


def _as_yaml(value: Any) -> str:
    """A value as --set reads it: a word that cannot be taken for anything else stays as it is."""
    mistaken = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
    if isinstance(value, str) and value.isidentifier() and value.lower() not in mistaken:
        return value
    return json.dumps(value)


def _same_data(name: Any, other: str) -> bool:
    """Whether a data set is the other one, or a local file of it: `dsprites:PATH`."""
    return name == other or str(name).startswith(f"{other}:")


def _most_epochs(steps: Any, pace: int) -> int:
    if not isinstance(steps, int) or steps < 1:
        return 1  # refused by the model, with a better message
    wanted = max(1, min(steps // pace, 100))
    return next(epochs for epochs in range(wanted, 0, -1) if steps % epochs == 0)


def _one_line(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    wanted = first["msg"].replace("Input should be", "to be")
    return f"Expected {name} {wanted}. Received: {first.get('input')!r}."


def without_folders(name: Any) -> Any:
    """A data set's name or file without the folders that lead to it: "folder:photos"."""
    if not isinstance(name, str):
        return name
    kind, colon, path = name.rpartition(":")
    return f"{kind}{colon}{Path(path).name}"


def runs_in(folder: Path) -> list[Run]:
    """The runs in a folder that holds runs, or in a sweep's, which holds them in runs/.

    Returns:
        Finished or not, sorted by name, "beta-2" before "beta-16"; none where the folder holds
        none or is none.
    """
    found = [
        Run(path.parent) for path in (*folder.glob(f"*/{CONFIG}"), *folder.glob(f"runs/*/{CONFIG}"))
    ]
    return sorted(found, key=lambda run: _natural(run.path))


def _natural(path: Path) -> list[Any]:
    parts = re.split(r"(\d+)", str(path))
    return [int(part) if part.isdecimal() else part for part in parts]


class Run:
    """A run folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str], finished: bool = True) -> Run:
        """The run at `path`.

        Raises:
            FileNotFoundError: No run is there, or (where `finished`) it has no model yet.
        """
        run = cls(path)
        if not run.exists:
            raise FileNotFoundError(f"Expected a run folder with {CONFIG}. Received: {path}.")
        if finished and not run.model_path.exists():
            raise FileNotFoundError(
                f"The run {path} has not finished: it has no {run.model_path.name}. "
                f"Go on with: {run.resume_command}"
            )
        return run

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return (self.path / CONFIG).is_file()

    @property
    def resume_command(self) -> str:
        """The command that goes on with the run."""
        method = self.config["settings"]["method"]
        return f"zoo train {method} --resume --out {shlex.quote(str(self.path))}"

    @property
    def model_path(self) -> Path:
        """The saved method."""
        return self.path / "model.keras"

    @property
    def exported(self) -> bool:
        """Whether it has its SavedModel, which a training writes last."""
        return any((self.path / "saved_model").glob("*/saved_model.pb"))

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def pictures(self) -> Path:
        """The folder of pictures."""
        return self.path / "pictures"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's log folder."""
        return self.path / "tensorboard"

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds: settings, data, versions.

        Raises:
            ValueError: It is damaged, or something else's config.json.
        """
        config = self.read("config")
        if not isinstance(config, dict) or not {"settings", "data"} <= set(config):
            raise ValueError(f"{self.path / CONFIG} is not the {CONFIG} of a run.")
        return config

    @property
    def settings(self) -> Settings:
        """The settings of the training."""
        fields = self.config["settings"]
        try:
            return Settings.told(fields)
        except ValueError as error:
            raise ValueError(f"{self.path / CONFIG}: {error}") from None

    def read(self, name: str) -> Any:
        """The value in NAME.json.

        Raises:
            ValueError: The file is damaged.
            FileNotFoundError: It is absent.
        """
        path = self.path / f"{name}.json"
        try:
            return json.loads(path.read_text())
        except ValueError as error:  # no JSON, or no text
            raise ValueError(f"{path} is damaged: {error}.") from None

    def write(self, name: str, value: Any) -> None:
        """Writes NAME.json, whole or not at all."""
        write_json(self.path / f"{name}.json", value)

    def remove(self, name: str) -> None:
        """Removes NAME.json, if it is there."""
        (self.path / f"{name}.json").unlink(missing_ok=True)

    def clear(self) -> None:
        """Removes what a run left in the folder, and nothing else that may lie there.

        Raises:
            ValueError: The folder holds no run, but something of a run's names.
        """
        if not self.exists:
            strange = [name for name in (*FOLDERS, *FILES) if (self.path / name).exists()]
            if strange:
                raise ValueError(
                    f"Expected {self.path} to be free or to hold a run. Received: a folder "
                    f"without {CONFIG} that holds {', '.join(strange)}. Name another with --out."
                )
            return
        for name in FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)

    def remove_weights(self) -> None:
        """Removes what is large: checkpoints, method, export. Settings, scores, pictures stay."""
        for name in ("checkpoints", "saved_model"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        self.model_path.unlink(missing_ok=True)

    def save_method(self, method: Method) -> None:
        """Writes model.keras, whole or not at all."""
        with replacing(self.model_path) as partial:
            method.save(partial)

    def load_method(self) -> Method:
        """The trained method.

        Raises:
            ValueError: The file is damaged.
        """
        import keras

        from zoo import registry

        registry.method(self.settings.method)  # registers the class with Keras
        try:
            return keras.models.load_model(self.model_path)
        except Exception as error:  # Keras raises many kinds for a damaged archive
            raise ValueError(f"{self.model_path} cannot be loaded: {error}") from error

    def load_data(self) -> Any:
        """The data that the run trained on; errors as `with_candidates`."""
        from zoo import data

        return self.with_candidates(data.load(**self.config["data"]))

    def with_candidates(self, data: Any) -> Any:
        """The data of the run with the candidates that it began with, where it has any.

        Raises:
            ValueError: There are other images now, or other candidates.
        """
        began = self.config.get("candidates")
        if began is None:
            return data
        if len(data.train) != began["images"]:
            raise ValueError(
                f"Expected the {began['images']:,} training images that {self.path} began with. "
                f"Received: {len(data.train):,}."
            )
        now = data.train.describe_images()
        if now != {name: began.get(name, value) for name, value in now.items()}:
            raise ValueError(
                f"Expected the training images that {self.path} began with. Received: as many, of "
                f"other {'labels' if data.train.paths is None else 'paths'}."
            )
        data = self.settings.with_candidates(data)
        if data.train.describe_candidates() != {**now, **began}:
            raise ValueError(
                f"Expected the candidates that {self.path} began with. Received: others, from "
                f"{self.settings.candidates}."
            )
        return data
