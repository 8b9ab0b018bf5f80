"""Whether an edit changes what it is to change and nothing else: by latent, and by swap.

    python tests/benchmarks/applications_edit.py

"latent": the b-VAE of dSprites in saved_models. The latent that holds x, y or scale most moves from
the 1 % to the 99 % quantile of its codes, in images drawn by the seed. "swap": codes of several
subspaces of coloured sprites, and a decoder on them. Each subspace in turn is taken from another
image. The encoder and its decoder are trained in --out, unless they are there or --decoder names
the decoder's finished run; one that was stopped goes on.

What an edit did is read off the decoded images by a network that has learned from other, real
images and from means of such that agree in what it reads (see `applications.reader`): a decoder
shows means over what its codes do not hold. The table also says what is read by one that has
learned from single images alone: it sees no shape in these means, and scale less steadily.
Expected:
    latent: x, y and scale, each by its latent: moved by at least half its range, while the two
    others stay put, both to a tenth of their ranges, in at least 80 % of the images
    swap: the factors of the subspace as in the other image, and the rest as in the own one, each in
    at least 85 % of the images
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kept_runs import told
from rich.console import Console
from rich.table import Table

from applications import SavedModel, edit, load_data
from applications.outputs import as_json
from applications.reader import Reader, known, learned_reader
from zoo.cli import main as zoo
from zoo.files import write_json
from zoo.runs import Run

VAE = Path(__file__).parents[2] / "saved_models/beta_vae-dsprites/1"
MOVED, STAYS, MATCHES = 0.5, 0.8, 0.85
POSITIONS = ("scale", "x_position", "y_position")
HELD = ("shape", "x_position", "y_position", "colour")
READERS = {"means": True, "single": False}


def trained(arguments: argparse.Namespace) -> Path:
    """The finished run of a decoder on codes of subspaces."""
    if arguments.decoder is not None:
        return arguments.decoder
    encoder, decoder = arguments.out / "encoder", arguments.out / "decoder"
    told_encoder = ["train", "subspace_contrastive", "--seed", str(arguments.seed)]
    told_decoder = ["train", "decoder", "--encoder", str(encoder), "--seed", str(arguments.seed)]
    for folder, command in ((encoder, told_encoder), (decoder, told_decoder)):
        begun = ["--resume"] if Run(folder).exists else []
        if arguments.steps and not begun:
            begun = ["--steps", str(arguments.steps)]
        try:
            zoo([*command, "--out", str(folder), *begun])
        except SystemExit as ended:
            if ended.code:
                raise
    return decoder


def reader_of(
    data: Any, names: Sequence[str], averaged: bool, arguments: argparse.Namespace
) -> Reader:
    """One that has learned from images that are not edited: those of other rows."""
    facts = known(data)
    edited_rows = np.random.default_rng(arguments.seed).permutation(len(data))[: arguments.samples]
    pool = np.setdiff1d(np.arange(len(data)), edited_rows)
    return learned_reader(facts, names, pool, averaged=averaged, seed=arguments.seed)


def main(given: Sequence[str] | None = None) -> int:
    """Edits, prints every factor of every edit and each bar; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="of each training, in place of the recipe's")
    parser.add_argument("--decoder", type=Path, help="a finished run, in place of training one")
    parser.add_argument("--out", type=Path, default=Path("runs/applications-edit"))
    arguments = parser.parse_args(given)
    cases = {
        "latent": (VAE, POSITIONS, "factor", POSITIONS),
        "swap": (trained(arguments), HELD, "swap", ("shape", "colour", "position")),
    }
    table = Table("task", "reader", "edited", "factor", "moved or matches", "stays or before")
    bars: dict[str, bool] = {}
    results = {}
    for task, (path, names, way, edits) in cases.items():
        model = SavedModel.open(path, needs=("encode", "decode"))
        data = load_data(model)
        for kind, averaged in READERS.items():
            reader = reader_of(data, names, averaged, arguments)
            for argument in edits:
                result = edit(
                    model, data, way, argument, arguments.samples, reader=reader,
                    seed=arguments.seed,
                )  # fmt: skip
                results[f"{task}, {argument}, {kind}"] = result.facts
                found = result.found
                for row in result.table[1:]:
                    mark = "*" if row[1] == "yes" else ""
                    table.add_row(task, kind, argument, row[0] + mark, row[2], row[3])
                if not averaged:
                    continue
                if task == "latent":
                    column = names.index(argument)
                    moved, others = found.moved[column], found.others[column]
                    bars[f"{argument} moved by {moved:.2f} of its range, at least {MOVED}"] = (
                        moved >= MOVED
                    )
                    bars[f"{argument}: others stay put in {others:.3f}, at least {STAYS}"] = (
                        others >= STAYS
                    )
                else:
                    least = found.matched.min()
                    bars[f"{argument} of B: every factor as it should be, {least:.3f}, "
                         f"at least {MATCHES}"] = least >= MATCHES  # fmt: skip
        table.add_section()
    write_json(arguments.out / "result.json", as_json(results))
    Console(width=120).print(table)
    return told({bar: bool(met) for bar, met in bars.items()})


if __name__ == "__main__":
    sys.exit(main())
