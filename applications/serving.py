r"""Serving: a SavedModel in other runtimes, with the answers that it gives here.

TensorFlow Serving takes the folder as it is. Its layout is NAME/1/saved_model.pb, with as many
numbered versions as one likes, of which it serves the highest; `zoo export` and `zoo apply probe`
write such folders.

    docker run -p 8501:8501 -e MODEL_NAME=sprites \
        -v "$PWD/saved_models/sprites:/models/sprites" tensorflow/serving

It is asked over REST (https://www.tensorflow.org/tfx/serving/api_rest), a row an image:

    POST http://localhost:8501/v1/models/sprites:predict
    {"signature_name": "encode", "instances": [[[[0], [255], ...
    {"predictions": [[0.31, -1.2, ...

`rest_request` makes the first of these and `rest_answer` reads the second. LiteRT (phones, boards)
and ONNX Runtime (everything else) take a file: `to_litert`, `to_onnx`. Each file is run beside the
SavedModel before it is handed over.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from applications.saved_model import SIGNATURES, SavedModel
from zoo import checks
from zoo.files import check_writable, replacing

TOLERANCE = 1e-4  # of codes and probabilities
LEVELS = 1  # of 255, of images: a pixel between two of them may be rounded either way
OPSET = 18  # of ONNX
ASKED = 8  # random images that both runtimes are asked about

Inputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Converted:
    """A model for another runtime.

    Attributes:
        path: Its file.
        differences: Signature -> the largest difference from the SavedModel's answers, of codes or
            probabilities, or in levels of 0..255 of images.
    """

    path: Path
    differences: Mapping[str, float]


def rest_request(signature: str = "encode", **inputs: ArrayLike) -> dict[str, Any]:
    """What TensorFlow Serving is asked, in its row format, ready for `json.dumps`.

    Args:
        signature: Which signature is asked.
        inputs: Each input of it by name: as many rows in each, of the type that the signature takes
            (images of a zoo's export: uint8).

    Returns:
        "signature_name" and "instances": of one input a value a row, of several a table a row.

    Raises:
        ValueError: No inputs, no rows, or not as many in each.

    Example:
        >>> images = np.zeros((1, 1, 2, 1), np.uint8)
        >>> rest_request("encode", image=images)
        {'signature_name': 'encode', 'instances': [[[[0], [0]]]]}
        >>> rest_request("encode_conditioned", image=images, condition=[3])["instances"]
        [{'image': [[[0], [0]]], 'condition': 3}]
    """
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    counts = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(counts) != 1 or not min(counts):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"Expected inputs of as many rows each. Received: {shapes or 'none'}.")
    columns = [array.tolist() for array in arrays.values()]
    rows: list[Any] = columns[0]
    if len(arrays) > 1:
        rows = [dict(zip(arrays, row, strict=True)) for row in zip(*columns, strict=True)]
    return {"signature_name": signature, "instances": rows}


def rest_answer(response: Mapping[str, Any]) -> NDArray[Any]:
    """The codes (or images, or probabilities) in what TensorFlow Serving answers.

    Args:
        response: Its JSON, read by `json.loads`.

    Returns:
        (N, ...): float32, or integers where all are.

    Raises:
        ValueError: It answers with an error, with something else, or with several outputs a row.

    Example:
        >>> rest_answer({"predictions": [[0.5, 1.0], [0.25, 2.0]]})
        array([[0.5 , 1.  ],
               [0.25, 2.  ]], dtype=float32)
    """
    if "error" in response:
        raise ValueError(f"The server answers: {response['error']}")
    rows = response.get("predictions")
    if not isinstance(rows, list) or any(isinstance(row, Mapping) for row in rows):
        raise ValueError(
            "Expected an answer with 'predictions', a value a row. Received: "
            f"{', '.join(map(repr, response)) or 'nothing'}{': tables' if rows else ''}."
        )
    answer = np.asarray(rows)
    return answer.astype(np.float32) if answer.dtype.kind == "f" else answer


def to_litert(
    saved_model: SavedModel,
    path: str | os.PathLike[str],
    seed: int = 0,
    overwrite: bool = False,
) -> Converted:
    """Writes a `.tflite` file with every signature of the zoo's that the model has.

    It is run by ai-edge-litert, where that is installed, else by TensorFlow's own interpreter.

    Args:
        saved_model: The model.
        path: The file, whole or absent.
        seed: Draws the images that both are asked about.
        overwrite: Whether a file that is there already is replaced.

    Raises:
        ValueError: The path does not end in `.tflite`, the model cannot be converted, or answers
            differ by more than 1e-4 (images: by more than one level of 255).
        FileExistsError: There is something at `path`, and `overwrite` is False or it is a folder.

    Example:
        >>> to_litert(model, "sprites.tflite").differences["encode"] < 1e-4  # doctest: +SKIP
        True
    """
    path = checked_place(path, ".tflite", overwrite)
    import tensorflow as tf

    names = [name for name in SIGNATURES if saved_model.has(name)]
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model.path), signature_keys=names
    )
    try:
        model = converter.convert()
    except Exception as error:  # the converter raises many kinds
        raise ValueError(_why(saved_model, error)) from error
    interpreter = _interpreter()(model_content=model)

    def run(name: str, inputs: Inputs) -> NDArray[Any]:
        return interpreter.get_signature_runner(name)(**inputs)[SIGNATURES[name].gives]

    differences = _differences(saved_model, names, run, "LiteRT", seed)
    return Converted(_write(model, path, overwrite), differences)


def to_onnx(
    saved_model: SavedModel,
    path: str | os.PathLike[str],
    signature: str = "encode",
    seed: int = 0,
    overwrite: bool = False,
) -> Converted:
    """Writes an `.onnx` file with one signature, and runs it by ONNX Runtime.

    Args:
        saved_model: The model.
        path: The file, whole or absent.
        signature: Which; its inputs and output keep their names.
        seed: Draws the images that both are asked about.
        overwrite: Whether a file that is there already is replaced.

    Raises:
        ValueError: As `to_litert`, or the model has no such signature.
        FileExistsError: As `to_litert`.
        ModuleNotFoundError: tf2onnx or onnxruntime is not installed: `repzoo[serving]`.

    Example:
        >>> to_onnx(model, "sprites.onnx").differences  # doctest: +SKIP
        {'encode': 4.8e-07}
    """
    path = checked_place(path, ".onnx", overwrite)
    checks.one_of("signature", signature, tuple(SIGNATURES))
    function = saved_model.signature(signature)
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    takes, gives = SIGNATURES[signature].takes, SIGNATURES[signature].gives
    given = function.structured_input_signature[1]
    specs = [tf.TensorSpec(given[name].shape, given[name].dtype, name=name) for name in takes]

    def named(*tensors: Any) -> dict[str, Any]:
        return {gives: function(**dict(zip(takes, tensors, strict=True)))[gives]}

    traced = tf.function(named, input_signature=specs, autograph=False)
    try:
        proto, _ = tf2onnx.convert.from_function(traced, input_signature=specs, opset=OPSET)
    except Exception as error:  # the converter raises many kinds
        raise ValueError(_why(saved_model, error)) from error
    model = proto.SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def run(_: str, inputs: Inputs) -> NDArray[Any]:
        return session.run([gives], inputs)[0]

    differences = _differences(saved_model, [signature], run, "ONNX Runtime", seed)
    return Converted(_write(model, path, overwrite), differences)


def onnx_installed() -> bool:
    """Whether there is all that `to_onnx` needs."""
    return all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnxruntime"))


def _differences(
    saved_model: SavedModel,
    names: list[str],
    run: Callable[[str, Inputs], NDArray[Any]],
    runtime: str,
    seed: int,
) -> dict[str, float]:
    """The largest difference of each signature's answers, refused where it is too large."""
    import tensorflow as tf

    found: dict[str, float] = {}
    for name in names:
        for count in (ASKED, 1):  # of any number
            inputs = asked(saved_model, name, count, seed)
            tensors = {key: tf.constant(value) for key, value in inputs.items()}
            expected = saved_model.signature(name)(**tensors)[SIGNATURES[name].gives].numpy()
            answer = run(name, inputs)
            if answer.shape != expected.shape:
                raise ValueError(
                    f"Expected {name} by {runtime} to give shape {expected.shape}. "
                    f"Received: {answer.shape}."
                )
            gap = np.abs(answer.astype(np.float64) - expected.astype(np.float64)).max()
            found[name] = max(float(gap), found.get(name, 0.0))
        most = LEVELS if expected.dtype == np.uint8 else TOLERANCE
        if not found[name] <= most:  # NaN neither
            raise ValueError(
                f"Expected {name} by {runtime} to give what the SavedModel gives, within {most:g}. "
                f"Received: a difference of {found[name]:.3g}."
            )
    return found


def asked(saved_model: SavedModel, name: str, count: int, seed: int) -> Inputs:
    """Inputs of a signature to compare answers by: noise of every contrast, or codes of it."""
    rng = np.random.default_rng(seed)
    size = (count, *saved_model.image_shape)
    contrast = np.linspace(1, 0, count).reshape(-1, 1, 1, 1)
    images = rng.integers(0, 256, size) * contrast + 255 * (1 - contrast) * (rng.random() < 0.5)
    prepared = saved_model.prepared(images.astype(np.uint8))
    if name == "decode":
        codes = rng.normal(size=(count, saved_model.code_size))
        return {"codes": codes.astype(np.float32)}
    if name == "encode_conditioned":
        return {"image": prepared, "condition": np.zeros(count, np.int32)}
    return {"image": prepared}


def _interpreter() -> Any:
    """LiteRT's interpreter, or TensorFlow's own where that is not installed."""
    if importlib.util.find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter
    import tensorflow as tf

    def interpreter(model_content: bytes) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"(?s).*tf\.lite\.Interpreter is deprecated")
            return tf.lite.Interpreter(model_content=model_content)

    return interpreter


def _why(saved_model: SavedModel, error: Exception) -> str:
    """That a model cannot be converted, with what the converter says first: it says a lot."""
    said = str(error).strip().partition("\n")[0]
    return f"{saved_model.path} cannot be converted: {said or type(error).__name__}"


def checked_place(path: str | os.PathLike[str], suffix: str, overwrite: bool) -> Path:
    """A path that a converted model may be written to.

    Raises:
        ValueError: It does not end in the suffix.
        FileExistsError: There is something, and `overwrite` is False or it is a folder.
        OSError: It lies where nothing may be written.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"Expected a path that ends in {suffix}. Received: {str(path)!r}.")
    check_writable(path)
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder, and is not replaced.")
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(f"{path} is there already. Use --overwrite, or another --out.")
    return path


def _write(model: bytes, path: Path, overwrite: bool) -> Path:
    """Writes a converted model, unless something has come to be there since it was looked for."""
    with replacing(path) as partial:
        partial.write_bytes(model)
        checked_place(path, path.suffix, overwrite)
    return path
