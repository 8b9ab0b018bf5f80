"""One HTML file in which sliders move codes, and the decoded image follows.

The page computes the decoder itself (`applications.program`), for any position of all sliders at
once: frames computed beforehand could show one slider moving, and two only as a grid, and what two
do together is not the sum of what each does. Of an encoder without a decoder the page shows the
images whose codes are nearest to the sliders'.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from applications.edits import information_shares
from applications.interpreting import WEAK, still, unseen_codes
from applications.program import decoder_program
from applications.reader import Known, known
from applications.saved_model import SavedModel, as_data
from zoo import checks
from zoo.reporting import pages, sheet
from zoo.reporting.latents import percent

LIMIT = 20  # MiB that a page may have
SPARE = 1 / 20  # of them, for what is neither an image nor a code
SIDES = (64, 48, 32, 24, 16)  # of neighbours: the largest of which all fit on the page
STARTS = 8  # images that one may start from
NEIGHBOURS = 12
ENDS = (0.005, 0.995)  # quantiles of a code between which its slider goes
STEPS = 200  # of a slider
FEW = 32  # sliders that are shown at once, where codes are many


class Slider(NamedTuple):
    """One code's slider: its number, what it holds in words, and its ends."""

    number: int
    words: str
    low: float
    high: float
    step: float


def explore(
    model: SavedModel,
    data: Any,
    samples: int = 2_000,
    neighbours: bool | None = None,
    seed: int = 0,
) -> str:
    """The page as text.

    Args:
        model: One that encodes, and decodes unless neighbours are shown.
        data: Images uint8 (N, H, W, C) that the model takes, or any `zoo.data` set of such. Their
            codes say how far sliders go; where factors or labels are known, they name the codes
            that hold them.
        samples: Images that are looked at, and among which neighbours are. These are shown smaller
            where so many would not fit.
        neighbours: Whether nearest images are shown in place of a decoded one. Default: where the
            model does not decode.
        seed: Draws the images.

    Raises:
        ValueError: A decoder that a page cannot compute; fewer images than neighbours; a page of
            more than 20 MiB.

    Example:
        >>> page = explore(SavedModel.open("run"), images)  # doctest: +SKIP
    """
    neighbours = not model.has("decode") if neighbours is None else neighbours
    data = as_data(data)
    facts = known(data)
    images = facts.images if facts else getattr(data, "train", data)
    count = min(checks.integer("samples", samples, low=1), len(images))
    least = NEIGHBOURS if neighbours else 2
    if count < least:
        raise ValueError(
            f"Expected at least {least} images, of which {'neighbours' if neighbours else 'codes'} "
            f"are shown. Received: {count}."
        )
    side = _side(model, count) if neighbours else 0
    rows = images.sample_rows(count, seed)
    pixels = images.read(rows)
    codes = model.encode(pixels, progress=True)
    values = facts.values[rows] if facts else np.zeros((len(rows), 0), np.int64)
    unseen = [] if neighbours else unseen_codes(model, codes)
    shares = information_shares(codes, values, unseen)
    groups, rest, rest_words = _sliders(model, codes, facts, shares)
    kept = slice(None) if neighbours else slice(STARTS)
    # Neighbours are real images, which may be shown smaller; a decoder gives what it gives.
    shown = sheet.reduced(pixels, side) if neighbours else pixels[kept]
    deviations = codes.std(axis=0, dtype=np.float64)
    contents: dict[str, Any] = {
        "shape": [*shown.shape[1:]],
        "size": model.code_size,
        "images": _base64(shown),
        "codes": _base64(codes[kept]),
        "deviations": np.where(deviations > 0, deviations, 1).tolist(),
    }
    if not neighbours:
        program = decoder_program(model)
        contents["program"] = {**program._asdict(), "numbers": _base64(program.numbers)}
    script = resources.files("zoo").joinpath("templates/explore.js").read_text(encoding="utf-8")
    text = pages.template("explore.html.j2").render(
        title=model.name,
        lead=(
            "Each slider moves one code. "
            + ("The nearest images follow." if neighbours else "The decoded image follows.")
            + (" Per cent: the code's share of the factor's information." if shares.any() else "")
        ),
        starts=min(STARTS, len(shown)),
        neighbours=NEIGHBOURS if neighbours else 0,
        height=shown.shape[1],
        width=shown.shape[2],
        groups=groups,
        rest=rest,
        rest_words=rest_words,
        protocol=f"Codes of {len(rows):,} images of {images.name}, seed {seed}; sliders go from "
        "the 0.5 % to the 99.5 % quantile of each.",
        page=Markup(json.dumps(contents).replace("<", "\\u003c")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    if len(text.encode()) > LIMIT * 2**20:
        raise ValueError(
            f"Expected a page of at most {LIMIT} MiB. Received: {len(text.encode()) / 2**20:.1f} "
            "MiB: so large is the decoder. "
            "neighbours=True (--neighbours) shows nearest images instead."
        )
    return text


def _side(model: SavedModel, count: int) -> int:
    """How large so many neighbours may be, in pixels; refuses more than fit at the smallest."""
    room = (1 - SPARE) * LIMIT * 2**20 * 3 / 4  # bytes, of which base64 makes four of three
    blank = np.zeros((1, *model.image_shape), np.uint8)
    for side in SIDES:
        each = sheet.reduced(blank, side).nbytes + 4 * model.code_size
        if count * each <= room:
            return side
    raise ValueError(
        f"Expected a page of at most {LIMIT} MiB, which is {int(room / each):,} images of "
        f"{SIDES[-1]} pixels and their {model.code_size:,} codes. Received: {count:,} samples; "
        "fewer take less."
    )


def _sliders(
    model: SavedModel,
    codes: NDArray[np.float32],
    facts: Known | None,
    shares: NDArray[np.float64],
) -> tuple[list[tuple[str, list[Slider]]], list[Slider], str]:
    """Sliders in groups by subspace; those that stand back, and why."""
    low, high = np.quantile(codes, ENDS, axis=0)
    first = codes[:STARTS]
    low, high = np.minimum(low, first.min(axis=0)), np.maximum(high, first.max(axis=0))
    high = np.where(high > low, high, low + 1)
    deviations = codes.std(axis=0, dtype=np.float64)
    front = ~still(codes)
    words = "hardly vary"
    if front.sum() > FEW:
        front = np.zeros(len(front), bool)
        front[np.argsort(-deviations, kind="stable")[:FEW]] = True
        words = "vary less"
    sliders = [
        Slider(
            number=k,
            words=_words(facts, shares[k]),
            low=float(low[k]),
            high=float(high[k]),
            step=float((high[k] - low[k]) / STEPS),
        )
        for k in range(model.code_size)
    ]
    parts = model.subspaces or {"": slice(0, model.code_size)}
    groups = [
        (name, [sliders[k] for k in range(part.start, part.stop) if front[k]])
        for name, part in parts.items()
    ]
    rest = [slider for slider in sliders if not front[slider.number]]
    return [group for group in groups if group[1]], rest, words


def _words(facts: Known | None, shares: NDArray[np.float64]) -> str:
    """The factors that a code holds, the most first: "x_position 63 %"."""
    if facts is None:
        return ""
    order = [k for k in np.argsort(-shares, kind="stable")[:2] if shares[k] >= WEAK]
    return ", ".join(f"{facts.names[k]} {percent(shares[k])}" for k in order)


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
