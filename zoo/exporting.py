"""SavedModels that downstream tasks use without this package, each with its model card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from zoo.cards import CARD, signature, versions, write_card
from zoo.files import replacing
from zoo.method import Endpoint, Method
from zoo.metrics.arrays import checked_subspaces


def export(
    method: Method,
    path: str | os.PathLike[str],
    card: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a method as a SavedModel with named signatures, and a model card beside it.

    Signatures, each for any batch size, preprocessing inside:
        serving_default, encode   image uint8 (N, H, W, C) -> codes float32 (N, L)
        encode_conditioned        image, condition int32 (N,) -> codes, where the encoder depends
                                  on a condition; -1 is a missing one
        decode                    codes float32 (N, L) -> image uint8 (N, H, W, C), where the
                                  method decodes
        reconstruct               image -> image, where the method decodes
        classify                  image -> probabilities float32 (N, C), where the method classifies

    They load with `tf.saved_model.load(path).signatures["encode"]` in a process that never
    imports this package or Keras. TensorFlow Serving takes a folder whose numbered sub-folders
    are versions: export to "saved_models/NAME/1".

    Args:
        method: A built method.
        path: The folder to write. Written beside it and renamed, so it is whole or absent.
        card: What is known of the training: data, classes (their names, in the order of the
            columns of `classify`), steps, seed, scores with their protocols.
        overwrite: Whether a folder that is there already is replaced.

    Returns:
        The path.

    Raises:
        ValueError: `method` is no Method, or the card holds NaN or infinity, which JSON does not
            know: scores come as `Score.to_json` gives them.
        FileExistsError: There is something at `path`, and `overwrite` is False or it is no export.

    Example:
        >>> zoo.export(method, "saved_models/sprites/1")  # doctest: +SKIP
    """
    if not isinstance(method, Method):
        raise ValueError(f"Expected a zoo.Method to export. Received: {type(method).__name__}.")
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already. Export with overwrite, or elsewhere.")
    if path.exists() and not (path / CARD).is_file():
        raise FileExistsError(f"{path} holds no export ({CARD}), and is not replaced.")
    functions = {name: _function(endpoint) for name, endpoint in method.endpoints().items()}
    contents = {**_facts(method, functions), **(card or {})}
    with replacing(path) as folder:
        _write_saved_model(functions, folder)
        write_card(folder, contents)
    return path


def _facts(method: Method, functions: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of any method: its name, settings, signatures and versions."""
    return {
        "method": type(method).__name__,
        "summary": (type(method).__doc__ or "").partition("\n")[0],
        "hyperparameters": method.hyperparameters,
        "signatures": {name: signature(function) for name, function in functions.items()},
        **_subspaces(method),
        "steps": int(method.step.numpy()),
        "versions": versions(),
    }


def _subspaces(method: Method) -> dict[str, Any]:
    """Which codes each subspace is, from its first to before its last, where there are any.

    And the names of those that are closed, whose codes are zero, where dimensions are shared out.
    """
    widths = getattr(method, "subspaces", None)
    if widths is None:
        return {}
    columns = checked_subspaces(widths, sum(widths.values()))
    places = {name: [part.start, part.stop] for name, part in columns.items()}
    remaining = method.remaining() if hasattr(method, "remaining") else widths
    closed = [name for name in widths if name not in remaining]
    return {"subspaces": places, **({"closed_subspaces": closed} if closed else {})}


def _function(endpoint: Endpoint) -> Any:
    """An endpoint traced for batches of any size."""
    specs = [
        tf.TensorSpec((None, *shape), dtype, name=argument)
        for argument, (shape, dtype) in endpoint.inputs.items()
    ]

    def checked(*tensors: Any) -> dict[str, Any]:
        """The endpoint. Signatures let tensors of any shape in, on which its layers would crash."""
        shaped = (tf.ensure_shape(x, spec.shape) for x, spec in zip(tensors, specs, strict=True))
        return endpoint.named(*shaped)

    return tf.function(checked, autograph=False).get_concrete_function(*specs)


def _write_saved_model(functions: Mapping[str, Any], folder: Path) -> None:
    module = tf.Module()
    # What the functions read, and no more: no optimizer, no queue.
    variables = {id(v): v for function in functions.values() for v in function.graph.variables}
    module.saved_variables = list(variables.values())
    signatures = {**functions, "serving_default": functions["encode"]}
    tf.saved_model.save(module, str(folder), signatures=signatures)
