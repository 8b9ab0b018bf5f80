"""What the contrastive methods learn on CIFAR-10 in minutes, over several seeds.

    python tests/benchmarks/contrastive_learning.py --data cifar10:FOLDER

Trains each method below with a small convnet (3x3 convolutions of 32, 64, 128, 256) on the 50,000
training images without their labels, and scores its features by a weighted k-NN (k = 200, T = 0.1,
cosine). While it learns, every epoch on a validation split of the training images: the curve, from
which settings were chosen. At the end, once, on the 10,000 test images. Scoring stays off the
clock, which counts seconds, and processor seconds for when other work goes on. Runs are kept in
--out: one that is there is not trained again, one that was stopped goes on to the same bits.
Expected, of the median over three seeds, each within ten minutes on 2 cores:
    SimCLR at least 55 %; MoCo and Barlow Twins at least 52 %
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from kept_runs import in_time, kept_run, minutes, told
from rich.console import Console
from rich.table import Table

from zoo import metrics, training
from zoo.callbacks import KNNProbe
from zoo.registry import method as class_of
from zoo.runs import Settings

BATCH = 500  # images encoded at once


class Plan(NamedTuple):
    """How a method is trained, as chosen on the validation split, and what it is to reach."""

    steps: int
    batch_size: int
    least_knn: float
    hyperparameters: dict[str, Any]


PLANS = {
    "simclr": Plan(
        steps=1500,
        batch_size=256,
        least_knn=0.55,
        hyperparameters={
            "temperature": 0.1,
            "views": "moco_v2_small",
            "projection_sizes": [256, 128],
        },
    ),
    "moco": Plan(
        steps=2500,
        batch_size=256,
        least_knn=0.52,
        hyperparameters={
            "queue_size": 4096,
            "decay": 0.99,
            "temperature": 0.1,
            "projection_sizes": [256, 128],
        },
    ),
    "barlow_twins": Plan(
        steps=3500,
        batch_size=128,
        least_knn=0.52,
        hyperparameters={
            "redundancy_weight": 0.02,
            "views": "moco_v2_small",
            "projection_sizes": [512, 512],
        },
    ),
}


def settings_of(name: str, seed: int, arguments: argparse.Namespace) -> Settings:
    """What one run is told."""
    plan = PLANS[name]
    steps = arguments.steps or plan.steps
    return Settings(
        method=name,
        data=arguments.data,
        steps=steps,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size or plan.batch_size,
        learning_rate=arguments.learning_rate,
        schedule="cosine",
        warmup_steps=steps // 20,
        seed=seed,
        hyperparameters={"network": "convnet", **plan.hyperparameters},
    )


def run(name: str, seed: int, data: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """What one method with one seed came to: trained unless it is there."""
    settings = settings_of(name, seed, arguments)
    return kept_run(
        arguments.out / f"{name}-seed{seed}",
        settings,
        data,
        [KNNProbe(data, seed=seed)],
        lambda method: {"test_knn": score(method.predict, data)},
    )


def score(predict: Any, data: Any) -> float:
    """Accuracy on the test images of a k-NN among all training images."""
    train, test = (
        predict(half.read(slice(None)), batch_size=BATCH, verbose=0)
        for half in (data.train, data.test)
    )
    return metrics.knn(train, data.train.labels, test, data.test.labels)


def baselines(data: Any, arguments: argparse.Namespace) -> dict[str, float]:
    """What needs no learning, by the same k-NN."""
    mean = data.train.read(slice(None)).mean(axis=0, dtype="float32")

    def pixels(images: np.ndarray, **_: Any) -> np.ndarray:
        return images.reshape(len(images), -1).astype("float32")

    def centred(images: np.ndarray, **_: Any) -> np.ndarray:
        return pixels(images - mean)

    untrained = training.build_for(data, settings_of("simclr", 0, arguments))
    return {
        "raw pixels": score(pixels, data),
        "mean-centred pixels": score(centred, data),
        "untrained network": score(untrained.predict, data),
    }


def main(given: Sequence[str] | None = None) -> int:
    """Runs what is missing, prints every seed, curve and bar; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="e.g. cifar10:FOLDER")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="default: each method's own")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, help="default: each method's own")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--out", type=Path, default=Path("runs/contrastive-learning"))
    parser.add_argument("--only", nargs="+", choices=PLANS, default=[*PLANS])
    parser.add_argument("--baselines", action="store_true", help="also what needs no learning")
    arguments = parser.parse_args(given)
    for name in arguments.only:
        class_of(name)  # refused before any is trained
    data = training.load_data(settings_of(arguments.only[0], 0, arguments), Console())
    wanted = list(itertools.product(arguments.only, range(arguments.seeds)))
    try:
        results = {(name, seed): run(name, seed, data, arguments) for name, seed in wanted}
    except ValueError as error:
        parser.error(str(error))
    if arguments.baselines:
        for name, accuracy in baselines(data, arguments).items():
            print(f"{name}: {100 * accuracy:.1f} %")
    table = Table("method", "seed", "test k-NN, %", "minutes", "processor minutes", "curve, %")
    met = {}
    for name in arguments.only:
        of_method = [results[name, seed] for seed in range(arguments.seeds)]
        for seed, result in enumerate(of_method):
            history = result["history"]
            table.add_row(
                name,
                str(seed),
                f"{100 * result['test_knn']:.1f}",
                f"{minutes(result):.1f}",
                f"{minutes(result, 'processor_seconds'):.1f}",
                " ".join(f"{100 * value:.0f}" for value in history["knn"]),
            )
        median = statistics.median(result["test_knn"] for result in of_method)
        table.add_row(name, "median", f"{100 * median:.1f}", end_section=True)
        least = PLANS[name].least_knn
        met[f"{name}: {100 * median:.1f} %, at least {100 * least:.0f} %"] = median >= least
        words, quick = in_time(of_method)
        met[f"{name}: {words}"] = quick
    Console(width=120).print(table)
    return told(met)


if __name__ == "__main__":
    sys.exit(main())
