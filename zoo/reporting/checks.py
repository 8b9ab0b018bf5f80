"""What the pictures refuse: each check returns its argument as an array, or says what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def _received(array: np.ndarray) -> str:
    return f"Received: {array.dtype} of shape {array.shape}."


def images(name: str, value: Any, leading: str) -> np.ndarray:
    """A uint8 array (*leading, H, W, 1 or 3) that holds something.

    Args:
        name: What the caller calls it.
        value: What was passed.
        leading: The names of the axes before height, for the message: "n" or "latents, steps".
    """
    array = np.asarray(value)
    rank = len(leading.split(",")) + 3
    if (
        array.dtype != np.uint8
        or array.ndim != rank
        or array.shape[-1] not in (1, 3)
        or array.size == 0
    ):
        raise ValueError(
            f"Expected {name}: uint8 images 0..255 of shape ({leading}, height, width, 1 or 3), "
            f"none of them 0. {_received(array)}"
        )
    return array


def vector(name: str, value: Any, length: int, what: str) -> np.ndarray:
    """A float64 array of `length` numbers, one for each `what`."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.shape != (length,):
        raise ValueError(
            f"Expected {name}: {length} numbers, one for each {what}. {_received(array)}"
        )
    return array.astype(np.float64)


def names(name: str, value: Sequence[str], length: int | None, what: str) -> list[str]:
    """A list of strings; `length` of them, one for each `what`, unless it is None."""
    listed = [] if isinstance(value, str) else list(value)
    wrong = not listed or not all(isinstance(item, str) for item in listed)
    if wrong or (length is not None and len(listed) != length):
        many = "" if length is None else f"{length} "
        raise ValueError(f"Expected {name}: {many}names, one for each {what}. Received: {value!r}.")
    return listed


def indices(value: Any, rows: int) -> np.ndarray:
    """The latents' own numbers, one for each row: 0, 1, ... where none are given."""
    if value is None:
        return np.arange(rows)
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.shape != (rows,) or (array < 0).any():
        raise ValueError(
            f"Expected latents: {rows} whole numbers from 0, one for each row. "
            f"{_received(array)[:-1]}, {array.tolist()!r}."
        )
    return array


def information(value: Any, shape: tuple[int | None, int], *, normalised: bool) -> np.ndarray:
    """A float64 array (latents, factors) of nats, or of shares of each factor's entropy.

    NaN stands where a factor has no information to carry. Rounding just below 0, or above 1 in a
    share, is mended.
    """
    array = np.asarray(value)
    rows = "latents" if shape[0] is None else shape[0]
    if (
        array.dtype.kind not in "iuf"
        or array.ndim != 2
        or array.shape[1] != shape[1]
        or array.shape[0] == 0
        or shape[0] not in (None, array.shape[0])
    ):
        raise ValueError(
            f"Expected information: numbers of shape ({rows}, {shape[1]}), a row for each latent "
            f"and a column for each factor. {_received(array)}"
        )
    array = array.astype(np.float64)
    finite = array[~np.isnan(array)]
    top = 1.0 if normalised else np.inf
    if (finite < -1e-6).any() or (finite > top + 1e-6).any() or np.isinf(finite).any():
        expected = (
            "shares of each factor's entropy, 0..1 (divide nats by the entropy)"
            if normalised
            else "nats, 0 or more"
        )
        raise ValueError(
            f"Expected information: {expected}. "
            f"Received: values from {finite.min():.6g} to {finite.max():.6g}."
        )
    return np.clip(array, 0, top)


def correlations(name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """A float64 array of numbers from -1 to 1; None in the shape is any length above 0.

    NaN stands where there is none. Rounding beyond the ends is mended.
    """
    array = np.asarray(value)
    sides = ", ".join("any" if side is None else str(side) for side in shape)
    fits = array.ndim == len(shape) and all(
        side in (None, received) for side, received in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind not in "iuf" or not fits or array.size == 0:
        raise ValueError(
            f"Expected {name}: numbers of shape ({sides}), none of them 0. {_received(array)}"
        )
    array = array.astype(np.float64)
    if (np.abs(array) > 1 + 1e-3).any():
        raise ValueError(
            f"Expected {name}: -1..1. "
            f"Received: values from {np.nanmin(array):.6g} to {np.nanmax(array):.6g}."
        )
    return np.clip(array, -1, 1)


def distances(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A float64 array of numbers of 0 and more."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.shape != shape or not (array >= 0).all():
        raise ValueError(
            f"Expected {name}: distances of shape {shape}, each 0 or more. {_received(array)}"
        )
    return array.astype(np.float64)


def shares(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A float64 array of numbers from 0 to 1; NaN stands where there is none."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.shape != shape:
        raise ValueError(f"Expected {name}: numbers of shape {shape}. {_received(array)}")
    array = array.astype(np.float64)
    if ((array < 0) | (array > 1)).any():
        raise ValueError(
            f"Expected {name}: 0..1. "
            f"Received: values from {np.nanmin(array):.6g} to {np.nanmax(array):.6g}."
        )
    return array


def labels(
    name: str, value: Any, shape: tuple[int, ...], class_names: Sequence[str] | None
) -> np.ndarray:
    """An integer array of class numbers, each of which has a name where there are names."""
    array = np.asarray(value)
    if array.dtype.kind not in "iub" or array.shape != shape:
        raise ValueError(f"Expected {name}: integers of shape {shape}. {_received(array)}")
    array = array.astype(np.int64)
    if class_names is not None and ((array < 0) | (array >= len(class_names))).any():
        raise ValueError(
            f"Expected {name}: 0 to {len(class_names) - 1}, as there are {len(class_names)} names. "
            f"Received: {array.min()} to {array.max()}."
        )
    return array


def counts(name: str, value: Any) -> np.ndarray:
    """An int64 matrix (K, K) of counts that counts something."""
    array = np.asarray(value)
    square = array.ndim == 2 and array.shape[0] == array.shape[1]
    if array.dtype.kind not in "iu" or not square or (array < 0).any() or not array.any():
        raise ValueError(
            f"Expected {name}: whole numbers of shape (classes, classes), 0 or more and not all 0. "
            f"{_received(array)}"
        )
    return array.astype(np.int64)


def codes(name: str, value: Any) -> np.ndarray:
    """A float64 array (N, L) of finite numbers, N and L above 0."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.ndim != 2 or array.size == 0:
        raise ValueError(f"Expected {name}: numbers of shape (n, dimensions). {_received(array)}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"Expected {name}: finite numbers. Received: NaN or infinity among them.")
    return array
