"""What a search asks for: a score of a run, and whether more of it is better.

| name | of what | better |
|---|---|---|
| a metric of `zoo.metrics` | the codes; `dci` is its disentanglement, `knn_accuracy` is `knn` | more, but for `uniformity`, `gaussian_total_correlation`, `subspace_information` and `subspace_probe_leak` |
| `udr` | how far the seeds of a trial agree; needs no factors and no labels | more |
| `covering_rate`, `approximated_accuracy` | a method that learns from candidate labels, by those alone | more |
| `accuracy`, `disambiguated` | the same, by true labels | more |
| `loss`, `reconstruction` | images that are held out | less |

All are taken of images that are kept to choose by: see `zoo.evaluation.evaluate`.
"""  # noqa: E501

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from zoo import registry
from zoo.messages import unknown
from zoo.metrics import scoring
from zoo.metrics.scoring import Score
from zoo.runs import Settings

Direction = Literal["max", "min"]

OTHER_NAMES = {"knn_accuracy": "knn", "dci": "dci_disentanglement"}
LESS_IS_BETTER = (
    "loss",
    "reconstruction",
    "weights",
    "gaussian_total_correlation",
    "subspace_information",
    "subspace_probe_leak",
    "uniformity",
)
TERMS = ("loss", "reconstruction")  # of the method itself
CANDIDATES = ("covering_rate", "approximated_accuracy", "accuracy", "disambiguated")
UDR = "udr"
UDR_SAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Objective:
    """A score, and whether more of it is better.

    Attributes:
        name: As it was asked for.
    """

    name: str

    @property
    def score(self) -> str:
        """The name of the score in a run's evaluation."""
        return OTHER_NAMES.get(self.name, self.name)

    @property
    def direction(self) -> Direction:
        """Whether more ("max") or less ("min") is better."""
        return "min" if self.score in LESS_IS_BETTER else "max"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that a run is to be scored by for it: none for what comes anyway."""
        return (self.score,) if self.score in scoring.scores() else ()

    def better(self, value: float, other: float) -> bool:
        """Whether a value is better than another."""
        return value > other if self.direction == "max" else value < other


def names(method: str) -> list[str]:
    """Every objective that a method may have, whatever its data and seeds allow."""
    cls = registry.method(method)
    own = [*(name for name in TERMS if name in ("loss", *cls.terms))]
    parted = "subspaces" in cls.from_data
    return [
        *(
            name
            for name, metric in scoring.scores().items()
            if parted or "subspaces" not in metric.needs
        ),
        *OTHER_NAMES,
        UDR,
        *own,
        *(CANDIDATES if cls.learns_candidates else ()),
    ]


def called(objectives: Iterable[str]) -> list[str]:
    """Objectives as messages list them, else a page: short names, no parts of a metric."""
    others = {score: name for name, score in OTHER_NAMES.items()}
    metrics = scoring.scores()
    whole = (one for one in objectives if one not in metrics or one in (metrics[one].name, *others))
    return sorted({others.get(one, one) for one in whole})


def objective_of(method: str, name: str, seeds: int) -> Objective:
    """The objective of a search over a method, as far as that is known without data.

    Raises:
        ValueError: An unknown name, with the nearest; `udr` of one seed.
    """
    known = names(method)
    if name not in known:
        raise ValueError(unknown(f"objective for {method}", name, called(known)))
    if name == UDR and seeds < 2:
        raise ValueError(
            "Expected seeds of 2 or more for udr, which is how far the seeds of a trial agree. "
            f"Received: {seeds}."
        )
    return Objective(name)


def check_data(method: str, objective: Objective, data: Any) -> None:
    """Refuses an objective that the data cannot give.

    Args:
        method: A name in the registry.
        objective: What was asked for.
        data: With the candidates that a training has.

    Raises:
        ValueError: With those that they can give.
    """
    if objective.score not in given_by(method, data):
        raise ValueError(
            f"Expected an objective that {method} on {data.describe()['name']} can give: "
            f"{', '.join(called(given_by(method, data)))}. Received: {objective.name}, which "
            f"{_lacking(objective, data)}."
        )


def given_by(method: str, data: Any) -> list[str]:
    """The objectives that a method on some data can give, `udr` with two seeds or more."""
    from zoo import disambiguation

    known: list[str] = []
    # How wide its subspaces are is known once it is built, and does not matter here.
    parted = "subspaces" in registry.method(method).from_data
    subspaces: dict[str, int] | None = {} if parted else None
    for name in names(method):
        if name in scoring.scores():
            with contextlib.suppress(ValueError):
                scoring.chosen_for(data, [name], subspaces)
                known.append(name)
        elif name in CANDIDATES:
            if name in disambiguation.names_of(data):
                known.append(name)
        elif name not in OTHER_NAMES:
            known.append(name)
    return known


def _lacking(objective: Objective, data: Any) -> str:
    metric = scoring.scores().get(objective.score)
    needs = " and ".join(sorted(metric.needs)) if metric else "true labels"
    return f"needs {needs}"


def udr_of(methods: Iterable[Any], data: Any, seed: int = 0) -> Score:
    """How far methods of one setting and several seeds agree: the mean of their UDR.

    Args:
        methods: Trained ones.
        data: What they learned from. The images are of the half that is kept to choose by, where
            there is one.
        seed: Of the draw of images.

    Returns:
        The score, 0..1, with its protocol.
    """
    from zoo.losses import gaussian_kl_per_latent
    from zoo.metrics import udr

    part = data.validation() if hasattr(data, "validation") else data
    images = scoring.held_out(part)
    n = min(UDR_SAMPLES, len(images))
    rows = np.sort(np.random.default_rng(seed).choice(len(images), n, replace=False))
    read = images.read(rows)
    codes, kl = [], []
    for method in methods:
        codes.append(method.predict(read, batch_size=scoring.BATCH, verbose=0))
        if hasattr(method, "encode"):
            mean, logvar = method.encode(read[: scoring.BATCH])
            kl.append(np.maximum(np.asarray(gaussian_kl_per_latent(mean, logvar)), 0))
    found = udr(codes, kl or None)
    protocol = {"data": images.name, "samples": n, "models": len(codes), "seed": seed}
    return Score(UDR, float(np.mean(found)), protocol)


def rescaling(ends: Mapping[str, tuple[Settings, Settings]], data: Any) -> str | None:
    """The first of several numbers that changes what the loss of the same weights is, or None.

    Two methods that differ in that number alone begin with the same weights; they are asked for
    their loss on the same batch, as it is at the end of training, where schedules have their way.

    Args:
        ends: The name of each number, and settings with its least and with its largest value.
        data: With the candidates that a training has.

    Returns:
        The name of the number. One by which weights have another shape, such as latent_size, makes
        another network, and is none.
    """
    from zoo.attempts import forget
    from zoo.training import build_for, learned_from

    for name, both in ends.items():
        found = []
        for settings in both:
            method = build_for(data, settings)
            method.step.assign(settings.steps)
            images = learned_from(data, settings)
            batches = method.batches(images, settings.batch_size, settings.seed).take(1)
            loss = method.evaluate(batches, verbose=0, return_dict=True)["loss"]
            found.append(([tuple(weight.shape) for weight in method.weights], loss))
            forget()
        (shapes, low), (others, high) = found
        if shapes == others and not np.isclose(low, high, rtol=1e-6):
            return name
    return None
