"""A SavedModel folder as functions of NumPy arrays, and the images that it takes."""

from __future__ import annotations

import hashlib
import json
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from zoo import checks
from zoo import data as zoo_data
from zoo.data import FactorData, Images, LabelledData, LabelledImages
from zoo.data.folders import read_image
from zoo.data.progress import progress as progress_bar
from zoo.data.resizing import area_resize
from zoo.files import sha256
from zoo.metrics.scoring import Score

CARD = "card.json"
PROTO = "saved_model.pb"
DTYPES = ("uint8", "float32")  # of images: 0..255, or 0..1
LOADED = {"name", "file", "folder", "size", "subset", "skip_bad"}  # what a card says of its data
TABLES = ("data", "hyperparameters", "scores", "subspaces", "training")  # of names and values
LONG = 10  # batches from which a bar is worth drawing


class Signature(NamedTuple):
    """What a function of a SavedModel takes and gives, and how one comes by it."""

    takes: tuple[str, ...]
    gives: str
    made_by: str


SIGNATURES = {
    "encode": Signature(("image",), "codes", "`zoo export RUN` writes it"),
    "encode_conditioned": Signature(
        ("image", "condition"),
        "codes",
        "`zoo export RUN` writes it of an encoder with conditional normalisation "
        "(subspace_contrastive)",
    ),
    "decode": Signature(
        ("codes",),
        "image",
        "`zoo export RUN` writes it of a VAE, and of what `zoo train decoder --encoder RUN` "
        "trained on the codes of another method",
    ),
    "classify": Signature(
        ("image",),
        "probabilities",
        "`zoo export RUN` writes it of a method of candidate labels, and `zoo apply probe` of any "
        "encoder and its labels",
    ),
}


class SavedModel:
    """The signatures of a SavedModel folder as functions of NumPy arrays.

    Make one with `SavedModel.open`.

    Attributes:
        path: The folder that holds saved_model.pb.
        card: What card.json says of it, as `zoo.export` writes it; empty where there is none.
        image_shape: (H, W, C) of the images that it takes or gives.
        image_dtype: "uint8" or "float32" (0..1): what its signatures take. Images are handed in as
            uint8 all the same.
        code_size: L, the number of codes; 0 where it neither encodes nor decodes.
        subspaces: Which codes each subspace is, where the card knows subspaces.
        loaded: What `tf.saved_model.load` gave; the variables live as long as it does.

    Example:
        >>> model = SavedModel.open("saved_models/beta_vae-dsprites/1", needs=("encode", "decode"))
        >>> again = model.decode(model.encode(images))  # doctest: +SKIP
    """

    path: Path
    card: dict[str, Any]
    image_shape: tuple[int, int, int]
    image_dtype: str
    code_size: int
    subspaces: dict[str, slice]

    def __init__(self, path: Path, loaded: Any, needs: Sequence[str]) -> None:
        self.path = path
        self.card = _card(path)
        self.loaded = loaded
        self._functions = {
            name: loaded.signatures[name] for name in SIGNATURES if name in loaded.signatures
        }
        for name in needs:
            self._check(name, loaded.signatures)
        self._functions = {
            name: function
            for name, function in self._functions.items()
            if name in needs or _misnamed(name, function) is None
        }
        self.image_shape, self.image_dtype = self._images()
        self.code_size = self._codes()
        try:
            self.subspaces = subspaces_of(self.card.get("subspaces"), self.code_size)
        except ValueError as error:
            raise ValueError(f"{path / CARD} is damaged: {error}") from None

    @classmethod
    def open(cls, path: str | os.PathLike[str], needs: Sequence[str] = ("encode",)) -> Self:
        """Loads a SavedModel.

        Args:
            path: The folder that holds saved_model.pb; or one whose numbered sub-folders do, of
                which it takes the highest; or that of a finished run.
            needs: The signatures that will be used, of "encode", "encode_conditioned", "decode"
                and "classify".

        Raises:
            FileNotFoundError: There is no SavedModel.
            ValueError: It is damaged; it lacks a signature, and how one is made; a signature whose
                inputs and outputs have other names, types or shapes than those that `zoo.export`
                writes.
        """
        folder = found(path)
        for name in needs:
            checks.one_of("signature", name, tuple(SIGNATURES))
        import tensorflow as tf

        try:
            loaded = tf.saved_model.load(str(folder))
        except Exception as error:  # TensorFlow raises many kinds for a damaged folder
            raise ValueError(f"{folder} cannot be loaded: {error}") from error
        return cls(folder, loaded, needs)

    def has(self, signature: str) -> bool:
        """Whether it has a signature that this class knows how to call."""
        return signature in self._functions

    def signature(self, name: str) -> Any:
        """A signature as TensorFlow's function of tensors, for gradients and for saving it again.

        Raises:
            ValueError: No such signature.
        """
        self._check(name, self._functions)
        return self._functions[name]

    @property
    def name(self) -> str:
        """What it is called in reports, see `name_of`."""
        return name_of(self.path)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the columns that `classify` gives, from its card, else their numbers."""
        size = self.signature("classify").structured_outputs["probabilities"].shape[1]
        named = self.card.get("classes") or ()
        return tuple(map(str, named)) if len(named) == size else tuple(map(str, range(size)))

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that another model does not have: a hash of graph and weights."""
        files = [self.path / PROTO, *sorted((self.path / "variables").glob("*"))]
        return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()

    def encode(
        self, images: NDArray[np.uint8], batch_size: int = 256, progress: bool = False
    ) -> NDArray[np.float32]:
        """The codes of images.

        Args:
            images: uint8 (N, H, W, C) of `image_shape`.
            batch_size: Images that are computed at once.
            progress: Whether a bar is drawn on a terminal where that takes many batches.

        Returns:
            float32 (N, L).

        Raises:
            ValueError: Other images, or no such signature.
        """
        return self._batched("encode", batch_size, progress, self._checked(images))

    def encode_conditioned(
        self,
        images: NDArray[np.uint8],
        condition: Any,
        batch_size: int = 256,
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """The codes of images under a condition each.

        Args:
            images: uint8 (N, H, W, C) of `image_shape`.
            condition: Integers (N,), or one for all; -1 is a missing one.
            batch_size: Images that are computed at once.
            progress: As for `encode`.

        Returns:
            float32 (N, L).

        Raises:
            ValueError: Other images or conditions, or no such signature.
        """
        checked = self._checked(images)
        given = np.asarray(condition)
        if given.shape not in ((), (len(checked),)) or given.dtype.kind not in "iu":
            raise ValueError(
                f"Expected condition: integers of shape ({len(checked)},), one for each image. "
                f"Received: {given.dtype} of shape {given.shape}."
            )
        each = np.broadcast_to(given, len(checked)).astype(np.int32)
        return self._batched("encode_conditioned", batch_size, progress, checked, each)

    def decode(
        self, codes: Any, batch_size: int = 256, progress: bool = False
    ) -> NDArray[np.uint8]:
        """The images of codes.

        Args:
            codes: (N, L) real numbers.
            batch_size: Codes that are computed at once.
            progress: As for `encode`.

        Returns:
            uint8 (N, H, W, C).

        Raises:
            ValueError: Codes of another shape, NaN or infinity, or no such signature.
        """
        z = np.asarray(codes)
        if z.ndim != 2 or z.shape[1] != self.code_size or z.dtype.kind not in "fiu":
            raise ValueError(
                f"Expected codes: numbers of shape (N, {self.code_size}). "
                f"Received: {z.dtype} of shape {z.shape}."
            )
        if not np.isfinite(z).all():
            raise ValueError("Expected codes: finite numbers. Received: NaN or infinity.")
        return self._batched("decode", batch_size, progress, z.astype(np.float32))

    def classify(
        self, images: NDArray[np.uint8], batch_size: int = 256, progress: bool = False
    ) -> NDArray[np.float32]:
        """The probability of each class of images; `class_names` names the columns.

        Args:
            images: uint8 (N, H, W, C) of `image_shape`.
            batch_size: Images that are computed at once.
            progress: As for `encode`.

        Returns:
            float32 (N, C).

        Raises:
            ValueError: Other images, or no such signature.
        """
        return self._batched("classify", batch_size, progress, self._checked(images))

    def _batched(self, name: str, batch_size: int, bar: bool, *arrays: NDArray[Any]) -> Any:
        """A signature's answers to all rows, computed `batch_size` at a time.

        Images are uint8 outside of a batch: as floats those of a whole data set may not fit.
        """
        function, signature = self.signature(name), SIGNATURES[name]
        checks.integer("batch_size", batch_size, low=1)
        import tensorflow as tf

        def answer(start: int) -> NDArray[Any]:
            given = {
                part: tf.constant(self._as_taken(part, array[start : start + batch_size]))
                for part, array in zip(signature.takes, arrays, strict=True)
            }
            answers = np.asarray(function(**given)[signature.gives])
            if name == "decode" and answers.dtype != np.uint8:
                return np.rint(255 * np.clip(answers, 0, 1)).astype(np.uint8)
            return answers

        starts = range(0, len(arrays[0]), batch_size)
        if not starts:  # many a graph cannot be run on none
            spec = function.structured_outputs[signature.gives]
            dtype = np.uint8 if name == "decode" else spec.dtype.as_numpy_dtype
            return np.zeros((0, *spec.shape[1:]), dtype)
        if not bar or len(starts) < LONG:
            return np.concatenate([answer(start) for start in starts])
        return np.concatenate(_with_bar(name, answer, starts))

    def prepared(self, images: Any) -> NDArray[Any]:
        """Images uint8 (N, H, W, C) as the signatures take them, or a refusal."""
        return self._as_taken("image", self._checked(images))

    def _as_taken(self, name: str, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows of an input as the signatures take it."""
        if name != "image" or self.image_dtype == "uint8":
            return rows
        return rows.astype(np.float32) / 255

    def _checked(self, images: Any) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, C) of the size that the model takes, or a refusal."""
        array = np.asarray(images)
        if array.dtype != np.uint8 or array.ndim != 4:
            remedy = _remedy(array, self.image_shape)
            raise ValueError(
                f"Expected images: uint8 of shape {_images(self.image_shape)}. "
                f"Received: {array.dtype} of shape {array.shape}.{remedy}"
            )
        self.check_image_shape(array.shape[1:])
        return array

    def check_image_shape(self, shape: tuple[int, ...], resizing: bool = False) -> None:
        """Refuses images (H, W, C) that it does not take.

        Args:
            shape: Of one image.
            resizing: Whether height and width do not matter, as they will be brought to its own.
        """
        if shape[2] != self.image_shape[2]:
            mode = {1: "L", 3: "RGB"}.get(self.image_shape[2])
            remedy = f" Pillow's image.convert({mode!r}) makes them so." if mode else ""
            raise ValueError(
                f"Expected {_coloured(self.image_shape[2])}, as the model takes. "
                f"Received: {_coloured(shape[2])}.{remedy}"
            )
        if not resizing and shape[:2] != self.image_shape[:2]:
            raise ValueError(
                f"Expected images of {_by(self.image_shape)}, as the model takes. Received: "
                f"{_by(shape)}. resize=True (--resize) resizes them."
            )

    def _check(self, name: str, there: Mapping[str, Any]) -> None:
        """Refuses a model without a signature, or with one of the name that is another."""
        if name not in there:
            has = ", ".join(sorted(set(there) - {"__saved_model_init_op"})) or "none"
            raise ValueError(
                f"Expected a SavedModel with the signature {name!r}. Received: {self.path}, which "
                f"has {has}. {SIGNATURES[name].made_by}."
            )
        wrong = _misnamed(name, there[name])
        if wrong:
            raise ValueError(f"Expected the signature {name!r} of {self.path} {wrong}")

    def _images(self) -> tuple[tuple[int, int, int], str]:
        """Shape and type of the images that it takes, or else of those that it gives."""
        for name in ("encode", "classify", "encode_conditioned", "decode"):
            if name in self._functions:
                spec = _inputs(self._functions[name]).get("image")
                spec = self._functions[name].structured_outputs["image"] if spec is None else spec
                height, width, channels = spec.shape[1:]
                return (height, width, channels), spec.dtype.name
        raise ValueError(
            f"Expected a SavedModel with one of the signatures {', '.join(SIGNATURES)}. Received: "
            f"{self.path}, which has {', '.join(sorted(self.loaded.signatures)) or 'none'}."
        )

    def _codes(self) -> int:
        """The number of codes, the same wherever there are codes."""
        sizes = {
            name: _codes_of(name, self._functions[name]).shape[1]
            for name in ("encode", "encode_conditioned", "decode")
            if name in self._functions
        }
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise ValueError(f"Expected as many codes in all of {self.path}. Received: {told}.")
        return next(iter(sizes.values()), 0)


def found(path: str | os.PathLike[str]) -> Path:
    """The folder with saved_model.pb that a path means, see `SavedModel.open`.

    Raises:
        FileNotFoundError: There is none.
    """
    path = Path(path)
    if (path / PROTO).is_file():
        return path
    for parent in (path, path / "saved_model"):
        versions = [p.parent for p in parent.glob(f"*/{PROTO}") if p.parent.name.isdecimal()]
        if versions:
            return max(versions, key=lambda version: int(version.name))
    what = "a file" if path.is_file() else "a folder without one" if path.exists() else "nothing"
    raise FileNotFoundError(
        f"Expected a SavedModel: a folder with {PROTO}, one of numbered versions of it, or a "
        f"finished run. Received: {path}, {what}."
    )


def name_of(folder: Path) -> str:
    """What a SavedModel is called: its folder, and the one above where that is a version.

    In a finished run it is called like the run.

    Example:
        >>> name_of(Path("saved_models/sprites/1")), name_of(Path("runs/mine/saved_model/1"))
        ('sprites/1', 'mine')
    """
    *above, last = folder.resolve().parts
    if last.isdecimal() and above[-1:] == ["saved_model"]:
        return above[-2]
    return "/".join([*above[-1:], last]) if last.isdecimal() else last


def load_data(
    saved_model: SavedModel,
    name: str | None = None,
    resize: bool = False,
    split: str | None = None,
    subset: Mapping[str, int | Iterable[int]] | None = None,
    skip_bad: bool = False,
    any_colours: bool = False,
) -> FactorData | LabelledData | LabelledImages:
    """A data set for a model: its images have the size and the colours that the model takes.

    Args:
        saved_model: The model.
        name: A name as `zoo.data.load` takes it: "dsprites", "mnist:PATH", "folder:PATH". Default:
            the data that the model's card says it learned from. These are loaded at the size that
            it learned from, also where they are named.
        resize: Whether images of another size are area-averaged to the model's.
        split: "train" or "test": that half alone, of data with labels.
        subset: Of data with factors, the values to keep.
        skip_bad: Whether files of a folder that are no images are left out.
        any_colours: Whether images may be grey for a model of coloured ones, or the reverse.

    Raises:
        ValueError: As `zoo.data.load`; images of another size and `resize` is False, grey images
            for a model of coloured ones or the reverse, a half of data that have none.
        OSError: As `zoo.data.load`.

    Example:
        >>> data = load_data(model, "mnist:mnist.npz", resize=True)  # doctest: +SKIP
    """
    given: dict[str, Any]
    own = saved_model.card.get("data") or {}
    if name is None:
        if "data" not in saved_model.card:
            raise ValueError(
                f"Expected the name of a data set (--data). Received: none, and {saved_model.path} "
                f"has no {CARD} that names the data it learned from."
            )
        given = {**saved_model.card["data"]}
        if not isinstance(given.get("name"), str) or not set(given) <= LOADED:
            raise ValueError(
                f"{saved_model.path / CARD} is damaged: expected data of "
                f"{', '.join(sorted(LOADED))}. Received: {given}. --data names others."
            )
    elif name == own.get("name") and own.get("size"):
        given = {"name": name, "size": own["size"]}
    else:
        given = {"name": name}
    options: dict[str, Any] = {"subset": subset, "skip_bad": skip_bad}
    if resize:
        options["size"] = saved_model.image_shape[:2]
    data = zoo_data.load(**{**given, **{k: v for k, v in options.items() if v}})
    channels = saved_model.image_shape[2] if any_colours else data.image_shape[2]
    saved_model.check_image_shape((*data.image_shape[:2], channels))
    if split is None:
        return data
    checks.one_of("split", split, ("train", "test"))
    if isinstance(data, FactorData):
        raise ValueError(
            f"Expected data of a training and a test half, to take the {split} half. Received: "
            f"{data.name!r}, which has factors and no halves."
        )
    half: LabelledImages = getattr(data, split)
    if not len(half):
        raise ValueError(f"Expected images in the {split} half of {data.name!r}. Received: none.")
    return half


def as_data(data: Any) -> Images | LabelledData:
    """A data set as it is; images uint8 (N, H, W, C) as one of which nothing else is known.

    Raises:
        ValueError: It is neither.

    Example:
        >>> as_data(np.zeros((50, 32, 32, 1), np.uint8))
        <Images images: 50 images (32, 32, 1)>
    """
    return data if isinstance(data, Images | LabelledData) else Images("images", np.asarray(data))


def load_images(
    saved_model: SavedModel,
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    resize: bool = False,
) -> NDArray[np.uint8]:
    """Image files for a model. Grey files join coloured ones, as in a folder.

    Args:
        saved_model: The model.
        paths: The files, or one.
        resize: Whether images of another size are area-averaged to the model's.

    Returns:
        uint8 (N, H, W, C) of the model's `image_shape`.

    Raises:
        ValueError: No files, a file that is no image, or one of another size or in colour for a
            model of grey images.
    """
    images = []
    for path in map(Path, [paths] if isinstance(paths, str | os.PathLike) else paths):
        try:
            image = read_image(path)
        except Exception as error:  # Pillow's decoders raise nearly everything on other files
            raise ValueError(f"Expected {path} to be an image. Received: {error}.") from error
        if image.shape[2] < saved_model.image_shape[2]:
            image = image.repeat(saved_model.image_shape[2], axis=2)
        try:
            saved_model.check_image_shape(image.shape, resizing=resize)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        images.append(area_resize(image[None], *saved_model.image_shape[:2])[0])
    if not images:
        raise ValueError("Expected at least one image file. Received: none.")
    return np.stack(images)


def _card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no text
        raise ValueError(f"{path} is damaged: {error}.") from None
    if not isinstance(card, dict):
        raise ValueError(f"{path} is damaged: it holds no names and values.")
    for name in TABLES:
        if not isinstance(card.get(name) or {}, dict):
            raise ValueError(f"{path} is damaged: {name} holds no names and values.")
    if not isinstance(card.get("classes") or [], list):
        raise ValueError(f"{path} is damaged: classes is no list.")
    try:
        for score in (card.get("scores") or {}).values():
            Score.from_json(score)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    return card


def subspaces_of(places: Any, width: int) -> dict[str, slice]:
    """Which codes each subspace is, of what a card or an index says.

    Args:
        places: Name -> its first code and the one after its last; None where there are none.
        width: How many codes there are; without codes there are no subspaces.

    Raises:
        ValueError: Something else, a place that is empty or beyond the codes, or a code that is in
            none of the subspaces or in several: it would be left out, or be there twice.

    Example:
        >>> subspaces_of({"shape": [0, 2], "colour": [2, 3]}, width=3)
        {'shape': slice(0, 2, None), 'colour': slice(2, 3, None)}
    """
    if not places or not width:
        return {}
    try:
        found = {
            name: slice(operator.index(start), operator.index(stop))
            for name, (start, stop) in places.items()
        }
        fits = all(0 <= part.start < part.stop <= width for part in found.values())
        held = [code for part in found.values() if fits for code in range(part.start, part.stop)]
        fits = sorted(held) == [*range(width)]
    except (TypeError, ValueError, AttributeError):  # no table, no pair, or no whole numbers
        fits = False
    if not fits:
        raise ValueError(
            f"Expected subspaces: the first code of each and the one after its last, of {width} "
            f"codes that are in one each. Received: {places!r}."
        )
    return found


def _inputs(function: Any) -> Mapping[str, Any]:
    """The inputs of a signature by name."""
    return function.structured_input_signature[1]


def _codes_of(name: str, function: Any) -> Any:
    """What a signature says of the codes that it takes or gives."""
    return _inputs(function)["codes"] if name == "decode" else function.structured_outputs["codes"]


def _misnamed(name: str, function: Any) -> str | None:
    """What a signature should be and is not, as the end of a message; None: it is."""
    wanted = SIGNATURES[name]
    takes, gives = _inputs(function), function.structured_outputs
    if set(takes) != set(wanted.takes) or wanted.gives not in gives:
        return (
            f"to take {' and '.join(wanted.takes)} and give {wanted.gives}. Received: one that "
            f"takes {' and '.join(sorted(takes))} and gives {' and '.join(sorted(gives))}."
        )
    for part, spec in (*takes.items(), (wanted.gives, gives[wanted.gives])):
        shape = spec.shape.as_list() if spec.shape.rank is not None else None
        rank = {"image": 4, "condition": 1}.get(part, 2)
        if shape is None or len(shape) != rank or None in shape[1:] or shape[0] is not None:
            form = {4: "(N, H, W, C)", 1: "(N,)", 2: "(N, L)"}[rank]
            return (
                f"to have {part} of shape {form}, for any number N and otherwise of one size. "
                f"Received: {spec.shape}."
            )
        if part == "image" and spec.dtype.name not in DTYPES:
            return f"to have images of {' or '.join(DTYPES)}. Received: {spec.dtype.name}."
    return None


def _with_bar(
    name: str, answer: Callable[[int], NDArray[Any]], starts: Sequence[int]
) -> list[NDArray[Any]]:
    answers = []
    with progress_bar(name, len(starts)) as advance:
        for start in starts:
            answers.append(answer(start))
            advance(1)
    return answers


def _remedy(array: NDArray[Any], shape: tuple[int, int, int]) -> str:
    """How an array becomes images uint8 (N, H, W, C), as a sentence; "" where none is known."""
    if array.dtype.kind in "US":
        return " load_images reads files."
    if array.ndim not in (3, 4) or array.dtype.kind not in "fiu" or not array.size:
        return ""
    steps = "images"
    if array.ndim == 3 and array.shape == shape:
        steps += "[None]"
    elif array.ndim == 3 and shape[2] == 1:
        steps += "[..., None]"
    elif array.ndim == 3:
        return ""
    if array.dtype != np.uint8:
        low, high = array.min(), array.max()
        if not 0 <= low <= high <= 255:
            return ""
        if array.dtype.kind == "f" and high <= 1:
            steps = f"(255 * {steps}).round()"
        steps += ".astype('uint8')"
    return f" {steps} is that."


def _images(shape: tuple[int, int, int]) -> str:
    return f"(N, {', '.join(map(str, shape))})"


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]} pixels (height x width)"


def _coloured(channels: int) -> str:
    kind = {1: "grey images", 3: "images in colour"}.get(channels, "images")
    return f"{kind} ({channels} channel{'s' * (channels != 1)})"
