"""Whether codes that tell least of the domain carry labels into another one, over several seeds.

    python tests/benchmarks/applications_adapt.py

Sprites: codes of three subspaces (shape, colour, position) that `subspace_learning.py` trains; its
kept runs are taken from --sprites, and what is missing there is trained. Digits: a subspace of
shape and one of colour, learned from views of the unlabelled training images of both domains, in
warm and in cool hues. Of each pair the labels of the source alone are used; the codes are chosen by
what they tell of the domain, as `zoo apply adapt` does, which says the protocol. Photographs:
where --photographs names exports of encoders of CIFAR-10, one a seed. Exports are kept in --out
with the results: nothing that is there is computed again.
Expected, of the mean over three seeds, of the two pairs in which a cue tells the label in the
source and not in the target: the chosen codes beat all codes on the target by at least 5 points,
and lose at most 2 on the source. Of the other pairs the table alone tells: where the cue tells
nearly all (warm:0.9), the classifier of all codes is right to use it in the source, and leaving it
out may cost more; backgrounds, which no subspace holds, hues that tell nothing and noise leave
nothing to gain; and of inverted digits, unlike all that was learned from, codes are of no use.
Of photographs no single code tells much of a corruption: CORAL is the better way there, and what
is chosen on 400 images may lose more than 2 points on others.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import subspace_learning
from kept_runs import told
from rich.console import Console
from rich.table import Table

import zoo
from applications.adapting import adapt
from applications.domains import drawn
from applications.saved_model import SavedModel
from zoo import training
from zoo.callbacks import ProgressLines, Resume
from zoo.data import LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels
from zoo.files import write_json
from zoo.runs import Settings

GAIN, LOSS = 0.05, 0.02  # of accuracy: on the target at least, on the source at most
SAMPLES = 2_000
SIDE = 16  # of digits, which are 8 pixels wide


class Pair(NamedTuple):
    """Two domains of some data."""

    data: str
    source: str
    target: str
    label: str | None = None
    barred: bool = False


PAIRS = {
    "sprites, colour tells shape": Pair(
        "sprites", "colour=0,1,2:1", "colour=4,5,6", "shape", barred=True
    ),
    "sprites, other backgrounds": Pair("sprites", "background=0,1,2", "background=3,4", "shape"),
    "digits, hue tells half": Pair("digits", "warm:0.5", "cool", barred=True),
    "digits, hue tells nearly all": Pair("digits", "warm:0.9", "cool"),
    "digits, other hues": Pair("digits", "warm", "cool"),
    "digits, inverted": Pair("digits", "plain", "inverted"),
    "digits, noise": Pair("digits", "plain", "gaussian_noise:5"),
    "photographs, noise": Pair("photographs", "plain", "gaussian_noise:3"),
    "photographs, blur": Pair("photographs", "plain", "gaussian_blur:5"),
    "photographs, contrast": Pair("photographs", "plain", "contrast:4"),
}


def learned_pictures(seed: int) -> LabelledData:
    """Digits in both domains, without labels: those that the pair's classifiers train on."""
    data = zoo.data.load("digits", size=SIDE)
    parts = [
        drawn(data, name, SAMPLES, 3, place=place, seed=seed).images
        for place, name in enumerate(("warm:0.5", "cool"))
    ]
    train, test = (
        LabelledImages("digits", ArrayPixels(images), None)
        for images in (np.concatenate(parts), parts[0][:1])
    )
    return LabelledData("digits", train, test, ())


def settings_of_digits(seed: int, steps: int) -> Settings:
    """What a run on digits is told."""
    return Settings(
        method="subspace_contrastive",
        data="digits",
        image_size=SIDE,
        steps=steps,
        epochs=4,
        batch_size=64,
        learning_rate=2e-3,
        schedule="cosine",
        seed=seed,
        hyperparameters={
            "subspaces": {"shape": 64, "colour": 8},
            "held": None,
            "ignored": {"shape": ["colour"], "colour": ["crop", "flip"]},
            "temperature": 0.2,
        },
    )


def model_of(folder: Path, checkpoints: Path, settings: Settings, data: Any) -> SavedModel:
    """The export of a training: made unless it is there, from checkpoints as far as there are."""
    if not folder.exists():
        method = training.build_for(data, settings)
        resume = Resume(checkpoints)
        console = Console()
        console.print(checkpoints.parent.name, highlight=False)
        learned = training.learned_from(data, settings)
        method.fit(
            method.batches(learned, settings.batch_size, settings.seed, resume.step),
            steps_per_epoch=settings.steps_per_epoch,
            epochs=settings.epochs,
            verbose=0,
            callbacks=[ProgressLines(console, settings.steps, resume.step), resume],
        )
        zoo.export(method, folder)
    return SavedModel.open(folder)


def run(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """What one pair comes to with the model of one seed."""
    pair, slug = PAIRS[name], name.replace(", ", "-").replace(" ", "-")
    record = arguments.out / f"{slug}-seed{seed}.json"
    if record.exists():
        return json.loads(record.read_text())
    export = arguments.out / f"{pair.data}-seed{seed}" / "saved_model" / "1"
    if pair.data == "sprites":
        settings = subspace_learning.settings_of(
            subspace_learning.TASKS["pairs"], seed, argparse.Namespace(steps=None, epochs=10)
        )
        data = training.load_data(settings, Console())
        checkpoints = arguments.sprites / f"pairs-seed{seed}" / "checkpoints"
        model = model_of(export, checkpoints, settings, data)
    elif pair.data == "photographs":
        model = SavedModel.open(arguments.photographs.format(seed=seed))
        data = zoo.data.load(arguments.cifar10)
    else:
        settings = settings_of_digits(seed, arguments.steps)
        checkpoints = arguments.out / f"digits-seed{seed}" / "checkpoints"
        model = model_of(export, checkpoints, settings, learned_pictures(seed))
        data = zoo.data.load("digits", size=SIDE)
    parts = [
        drawn(data, domain, SAMPLES, model.image_shape[2], pair.label, place, seed)
        for place, domain in enumerate((pair.source, pair.target))
    ]
    found = adapt(model, *parts, seed=seed)
    result = {
        "ways": {way.name: {"source": way.source, "target": way.target} for way in found.ways},
        "chosen": found.chosen,
        "domain": {unit.name: unit.domain for unit in found.units},
    }
    write_json(record, result)
    return result


def means_of(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The mean of every way over seeds, of source and target."""
    return {
        way: {
            where: statistics.mean(result["ways"][way][where] for result in results)
            for where in ("source", "target")
        }
        for way in results[0]["ways"]
    }


def bars_of(name: str, results: Sequence[Mapping[str, Any]]) -> dict[str, bool]:
    """What is expected of a pair, and whether it holds."""
    means = means_of(results)
    everything, chosen = means["all codes"], means["chosen codes"]
    gain = chosen["target"] - everything["target"]
    loss = everything["source"] - chosen["source"]
    return {
        f"{name}: chosen codes gain {100 * gain:.1f} points on the target, at least 5": gain
        >= GAIN,
        f"{name}: they lose {100 * loss:.1f} points on the source, at most 2": loss <= LOSS,
    }


def main(given: Sequence[str] | None = None) -> int:
    """Runs what is missing, prints every seed and bar; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", nargs="+", choices=PAIRS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1_000, help="of each training on digits")
    parser.add_argument("--sprites", type=Path, default=Path("runs/subspace-learning"))
    parser.add_argument("--photographs", help="SavedModels, such as exports/simclr-{seed}")
    parser.add_argument("--cifar10", default="cifar10", help="where the photographs are")
    parser.add_argument("--out", type=Path, default=Path("runs/applications-adapt"))
    arguments = parser.parse_args(given)
    able = [name for name in PAIRS if arguments.photographs or PAIRS[name].data != "photographs"]
    pairs = arguments.pairs or able
    if not set(pairs) <= set(able):
        parser.error("Expected --photographs, the encoders of photographs. Received: none.")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in pairs}
    for seed, name in itertools.product(range(arguments.seeds), pairs):
        results[name].append(run(name, seed, arguments))
    table = Table("pair", "seed", "way", "source", "target", "chosen")
    for name, of_pair in results.items():
        shown = [(str(seed), r["ways"], ", ".join(r["chosen"])) for seed, r in enumerate(of_pair)]
        for seed, ways, chosen in [*shown, ("mean", means_of(of_pair), "")]:
            for way, found in ways.items():
                shares = (f"{100 * found[where]:.1f}" for where in ("source", "target"))
                table.add_row(name, seed, way, *shares, chosen if way == "chosen codes" else "")
        table.add_section()
    Console(width=140).print(table)
    bars = [bars_of(name, of) for name, of in results.items() if PAIRS[name].barred]
    return told({bar: holds for of in bars for bar, holds in of.items()})


if __name__ == "__main__":
    sys.exit(main())
