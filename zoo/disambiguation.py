"""What a method makes of candidate labels: how well it resolves them, and the labels themselves.

A method that learns from candidates (`Method.learns_candidates`) has

    classify(images, batch_size)                      (N, C) probabilities of the classes
    resolve(images, candidates, index, batch_size)    (N, C) of the candidates, of which one is
                                                      true, for images that it learns from
"""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.files import replacing
from zoo.metrics.approximated_accuracy import approximated_accuracy, within
from zoo.metrics.covering_rate import covering_rate
from zoo.metrics.scoring import BATCH, JSON, SAMPLES, Score, answers

if TYPE_CHECKING:
    from zoo.data import LabelledData, LabelledImages
    from zoo.method import Method

Rows = NDArray[np.intp]
Table = NDArray[np.float64]  # (n, C)

SCORES = {
    "accuracy": "How many held-out images the classifier gives their true label.",
    "disambiguated": "How many training images have one likeliest candidate, the true label.",
    "max_confidence": "The confidence of the likeliest candidate of a training image, in the mean.",
    "covering_rate": "How many held-out images the classifier gives a candidate of theirs.",
    "approximated_accuracy": "The accuracy, if its probabilities of the candidates were true.",
}
"""What a method that learns from candidates is scored by, and what each is."""
READ = 4_000  # images in memory at once
BY_TRUTH = ("accuracy", "disambiguated")  # which need true labels


class NotFinite(FloatingPointError):
    """Probabilities that are NaN or infinite."""


def classified(method: Method, images: LabelledImages, rows: Rows) -> Table:
    """The class probabilities of some images."""
    return _joined([method.classify(images.read(part), BATCH) for part in _parts(rows)])


def resolved(method: Method, images: LabelledImages, rows: Rows) -> Table:
    """What a method knows of the candidates of some of the images that it learns from."""
    sets = sets_of(images).astype(np.float32)
    return _joined(
        [method.resolve(images.read(part), sets[part], part, BATCH) for part in _parts(rows)]
    )


def sets_of(images: LabelledImages) -> NDArray[np.bool_]:
    """The candidate sets (N, C) of images, which are refused where they have none."""
    sets = getattr(images, "candidates", None)
    if sets is None:
        raise ValueError(
            "Expected images with candidate labels, such as data.with_candidates(sets) gives. "
            f"Received: {images.name}, which has none."
        )
    return sets


def checked_data(data: Any) -> LabelledData:
    """Data with candidates, of which a part validates; anything else is refused."""
    if not hasattr(data, "validation"):
        raise ValueError(
            "Expected data in a training and a test half, a zoo.data.LabelledData. Received: "
            f"{type(data).__name__}."
        )
    sets_of(data.train)
    return data


def _halves(method: Method, data: Any) -> LabelledData:
    """The images that a method learns from, and those held out, once it is known to fit them.

    It is asked about the former by their rows. One that learned from another number of images
    would answer of others.
    """
    name, parts = type(method).__name__, checked_data(data).validation()
    if not getattr(method, "learns_candidates", False):
        raise ValueError(f"Expected a method that learns from candidates. Received: {name}.")
    images = len(parts.train)
    had = getattr(method, "num_samples", images)
    if had != images:
        raise ValueError(
            f"Expected {name} to learn from data.validation().train, {images:,} images. "
            f"Received: num_samples={had:,}."
        )
    return parts


def _parts(rows: Rows) -> list[Rows]:
    return [rows[start : start + READ] for start in range(0, len(rows), READ)]


def _joined(parts: list[Any]) -> Table:
    table = np.concatenate([np.asarray(part) for part in parts]).astype(np.float64)
    if not np.isfinite(table).all():
        raise NotFinite(
            "Expected probabilities. Received: NaN or infinity among them, as of a training that "
            "diverged."
        )
    return table


# Scores


def names_of(data: LabelledData) -> tuple[str, ...]:
    """The scores that data with candidates allow: all, or those that need no true labels."""
    known = data.train.labels is not None
    return tuple(name for name in SCORES if known or name not in BY_TRUTH)


def scored(
    method: Method,
    data: LabelledData,
    samples: int = SAMPLES,
    seed: int = 0,
    split: str = "validation",
) -> dict[str, Score]:
    """How well a method classifies images that are held out, and resolves those it learns from.

    Of the tenth of the training half that validates (`LabelledData.validation`):
      - accuracy;
      - covering_rate and approximated_accuracy, which need no true label.
    Of the nine tenths that are learned from:
      - disambiguated: of how many images the likeliest candidate is the true label. Where several
        are equally likely, as all are in PiCO's warm-up, the label is not resolved, and not true;
      - max_confidence: the mean probability of the likeliest candidate.

    Args:
        method: It learns from `data.validation().train`.
        data: With candidates.
        samples: Images of each part, at most all.
        seed: Of the draw.
        split: Of which part the accuracy is: "validation", or "test" where that has labels.

    Returns:
        Name -> Score; without the accuracies where no true label is known.

    Raises:
        ValueError: Data without candidates, or a method that does not learn from candidates, or
            from another number of images.
        NotFinite: Probabilities that are NaN or infinite.
    """
    parts = _halves(method, data)
    learned, kept = (_Part.drawn(half, samples, seed) for half in (parts.train, parts.test))
    q = resolved(method, learned.images, learned.rows)
    p = classified(method, kept.images, kept.rows)
    sets = sets_of(kept.images)[kept.rows]
    found = {
        "max_confidence": ("train", learned, q.max(axis=1).mean()),
        "covering_rate": ("validation", kept, covering_rate(p, sets)),
        "approximated_accuracy": ("validation", kept, approximated_accuracy(p, sets)),
    }
    if data.train.labels is not None:
        resolved_right = learned.right(q) & (_likeliest(q) == 1)
        found["disambiguated"] = ("train", learned, resolved_right.mean())
        if split == "test" and answers(data.test, {"labels"}):
            kept = _Part.drawn(data.test, samples, seed)
            p = classified(method, kept.images, kept.rows)
        else:
            split = "validation"
        found["accuracy"] = (split, kept, kept.right(p).mean())
    protocol: dict[str, JSON] = {
        "data": data.name,
        "candidates_per_image": round(float(sets_of(data.train).sum(axis=1).mean()), 2),
    }
    results = {}
    for name in names_of(data):
        of, part, value = found[name]
        how = {**protocol, "split": of, "samples": len(part.rows), "seed": seed}
        results[name] = Score(name, float(value), how)
    return results


class _Part(NamedTuple):
    """Some images of a half."""

    images: LabelledImages
    rows: Rows

    @classmethod
    def drawn(cls, images: LabelledImages, samples: int, seed: int) -> _Part:
        return cls(images, images.sample_rows(min(samples, len(images)), seed))

    def right(self, probabilities: Table) -> NDArray[np.bool_]:
        """Of which of them the most probable class is the true one."""
        labels = self.images.labels
        if labels is None:
            raise ValueError(f"Expected images with labels. Received: {self.images.name}.")
        return probabilities.argmax(axis=1) == labels[self.rows]


def _likeliest(probabilities: Table) -> NDArray[np.intp]:
    """How many classes are the most probable one, of each image: 1, or more where some tie."""
    return np.sum(probabilities == probabilities.max(axis=1, keepdims=True), axis=1)


# Cleaned labels


class Cleaned(NamedTuple):
    """The labels that a method makes of the candidates of N images.

    Attributes:
        labels: int64 (N,), the likeliest candidate of each.
        confidence: float64 (N,), its probability among the candidates.
        candidates: int64 (N,), how many there were.
        held_out: bool (N,), whether the method learned from others, and only its classifier speaks.
    """

    labels: NDArray[np.int64]
    confidence: Table
    candidates: NDArray[np.int64]
    held_out: NDArray[np.bool_]


def cleaned(method: Method, data: LabelledData, by_classifier: bool = False) -> Cleaned:
    """The likeliest candidate of every training image.

    Of images that the method learns from it is what `resolve` says; of the tenth that validates,
    what its classifier says of the candidates.

    Args:
        method: It learns from `data.validation().train`.
        data: With candidates.
        by_classifier: Whether the classifier is asked about all images, whatever the method
            remembers of those that it learns from.

    Raises:
        ValueError: As `scored`.
        NotFinite: Probabilities that are NaN or infinite.
    """
    images = _halves(method, data).train
    sets = sets_of(data.train)
    learned, kept = data.validation_rows()
    table = np.zeros(sets.shape)
    asked = np.arange(len(sets)) if by_classifier else kept
    table[asked] = within(classified(method, data.train, asked), sets[asked])
    if not by_classifier:
        table[learned] = resolved(method, images, np.arange(len(learned)))
    table = np.where(sets, table, -1.0)  # nothing else is a candidate, whatever rounding left of it
    held_out = np.zeros(len(sets), bool)
    held_out[kept] = True
    return Cleaned(table.argmax(axis=1), table.max(axis=1), sets.sum(axis=1), held_out)


def write_csv(path: str | os.PathLike[str], data: LabelledData, labels: Cleaned) -> None:
    """Writes a line for each training image, whole or not at all.

    Its columns: path, or of images without paths index; label, the class's name; confidence;
    num_candidates; ambiguous, whether there were several; held_out.
    """
    paths = data.train.paths
    keys = range(len(data.train)) if paths is None else paths
    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        named = ("label", "confidence", "num_candidates", "ambiguous", "held_out")
        writer.writerow(("index" if paths is None else "path", *named))
        for key, label, confidence, count, held_out in zip(keys, *labels, strict=True):
            name, ambiguous = data.class_names[label], _word(count > 1)
            writer.writerow((key, name, f"{confidence:.6f}", count, ambiguous, _word(held_out)))


def _word(true: bool) -> str:
    return "true" if true else "false"
