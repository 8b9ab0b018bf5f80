"""Probe: how well labels of one's own are read off the codes, and a classifier made of them.

Three ways, each with all labels and with few:
    linear      a logistic regression on the frozen codes (zoo.metrics.linear_probe)
    k-NN        a vote of the nearest codes; nothing is fitted (zoo.metrics.knn)
    fine-tuned  encoder and linear head learn together, from where the linear probe ends, after
                Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
                Out-of-Distribution", ICLR 2022 (https://arxiv.org/abs/2202.10054)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from applications.outputs import Output
from applications.saved_model import SavedModel
from zoo import checks
from zoo.cards import signature, versions, write_card
from zoo.data import FactorData, LabelledData, LabelledImages
from zoo.data.progress import progress as progress_bar
from zoo.files import replacing
from zoo.messages import unknown
from zoo.metrics.arrays import checked_labels, mean_and_deviation
from zoo.metrics.knn import knn
from zoo.metrics.linear_probe import classifier, seen_labels
from zoo.metrics.scoring import Score
from zoo.splits import stratified

AMOUNTS = ("1%", "10%", "all")  # of labels, of each class
MODEL = "saved_model/1"  # in the folder of the result, where it is found as that of a run is
DRAWS = 3  # of few labels, which vary by what is drawn
NEIGHBOURS = 200  # that vote at most, as zoo.metrics.knn has it


class Labelled(NamedTuple):
    """Images with a label each, to fit on and to test on, and the names of the labels."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class FineTuning:
    """How encoder and head learn: Adam at a rate that falls to 0 along a cosine.

    Batch normalisation stays as the encoder was exported, and images are seen as they are, without
    augmentation.

    Attributes:
        steps: Of how many batches.
        batch_size: Images in each; all where there are fewer.
        learning_rate: The highest.
    """

    steps: int = 300
    batch_size: int = 64
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        checks.integer("steps", self.steps, low=1)
        checks.integer("batch_size", self.batch_size, low=1)
        checks.positive("learning_rate", self.learning_rate)


@dataclass(frozen=True)
class Row:
    """Accuracies with so many labels, each of as many draws of the labels.

    Attributes:
        labels: "all", a share of each class such as "10%", or how many of each such as "5".
        images: How many images had a label.
        neighbours: How many of them voted.
        linear: Of the linear probe.
        knn: Of the nearest neighbours.
        fine_tuned: Of encoder and head that learned together; empty where they did not.
    """

    labels: str
    images: int
    neighbours: int
    linear: tuple[float, ...]
    knn: tuple[float, ...]
    fine_tuned: tuple[float, ...] = ()


@dataclass(frozen=True)
class Probe:
    """What `probe` found.

    Attributes:
        rows: An accuracy for each amount of labels and each way.
        classifier: The classifier that saw the most labels.
        accuracy: Its accuracy.
        confusion: (K, K): how many test images of class row it took for class column.
        class_names: The K names.
    """

    rows: tuple[Row, ...]
    classifier: Classifier
    accuracy: float
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]


class Classifier:
    """An encoder with a linear head.

    Args:
        saved_model: The encoder.
        weights: (L, C) float32.
        biases: (C,) float32.
        class_names: C names.
        tuned: Whether the encoder was trained with the head.

    Example:
        >>> found.classifier.save("saved_models/flowers/1")  # doctest: +SKIP
    """

    def __init__(
        self,
        saved_model: SavedModel,
        weights: ArrayLike,
        biases: ArrayLike,
        class_names: Sequence[str],
        tuned: bool = False,
    ) -> None:
        self.saved_model = saved_model
        self.weights = np.asarray(weights, np.float32)
        self.biases = np.asarray(biases, np.float32)
        self.class_names = tuple(class_names)
        self.tuned = tuned

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.floating]:
        """The probability of each class, (N, C), of images uint8 (N, H, W, C)."""
        return self.classify_codes(self.saved_model.encode(images))

    def classify_codes(self, codes: NDArray[np.floating]) -> NDArray[np.floating]:
        """The probability of each class, (N, C), of codes (N, L)."""
        from scipy.special import softmax  # half a second

        return softmax(codes @ self.weights + self.biases, axis=1)

    def save(self, path: str | os.PathLike[str], card: Mapping[str, Any] | None = None) -> Path:
        """Writes encoder and head as a SavedModel with the signature `classify`, and a card.

        The encoder's other signatures stay, but of one that was fine-tuned: what decodes its
        codes of before, or knows subspaces of them, does not fit its codes of now.

        Args:
            path: The folder to write, whole or absent.
            card: What else the card is to say, beside what that of the encoder said.

        Raises:
            FileExistsError: There is something at `path`, which is not replaced.
        """
        if os.path.lexists(path):
            raise FileExistsError(f"{path} is there already. Save elsewhere.")
        import tensorflow as tf

        module = tf.Module()
        module.encoder = self.saved_model.loaded
        weights = module.head_weights = tf.Variable(self.weights, name="head_weights")
        biases = module.head_biases = tf.Variable(self.biases, name="head_biases")
        encode = self.saved_model.signature("encode")

        def classify(image: Any) -> dict[str, Any]:
            codes = encode(image=image)["codes"]
            return {"probabilities": tf.nn.softmax(codes @ weights + biases)}

        spec = encode.structured_input_signature[1]["image"]
        images = tf.TensorSpec(spec.shape, spec.dtype, name="image")
        added = tf.function(classify, autograph=False).get_concrete_function(images)
        kept = {} if self.tuned else dict(self.saved_model.loaded.signatures)
        signatures = {**kept, "serving_default": encode, "encode": encode, "classify": added}
        with replacing(path) as folder:
            tf.saved_model.save(module, str(folder), signatures=signatures)
            write_card(folder, self._card(signatures, card or {}))
        return Path(path)

    def _card(self, signatures: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        """The encoder's card, less what no longer holds of it, and what is known of the head."""
        card = dict(self.saved_model.card)
        if self.tuned:
            for name in ("codes", "closed_subspaces", "scores", "subspaces"):
                card.pop(name, None)
        how = "fine-tuned together with it" if self.tuned else "on its frozen codes"
        told = {
            name: signature(function)
            for name, function in signatures.items()
            if name != "serving_default"
        }
        return {
            **card,
            "method": f"{card.get('method', self.saved_model.name)}, with a classifier",
            "summary": f"{card.get('summary', 'An encoder.')} A linear classifier, {how}.",
            "signatures": told,
            "classes": list(self.class_names),
            "versions": versions(),
            **more,
            "scores": {**card.get("scores", {}), **more.get("scores", {})},
        }


def probe(
    saved_model: SavedModel,
    data: Labelled,
    amounts: Sequence[str] = AMOUNTS,
    fine_tuning: FineTuning | None = None,
    k: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    progress: bool = False,
) -> Probe:
    """Reads labels off the codes of a model, with all of them and with few.

    All codes of the images to fit on are standardised by; of few labels the seen ones alone are
    fitted to. The strength of the linear probe's penalty is searched on a fifth of them. The test
    images have no part in anything.

    Args:
        saved_model: A model that encodes. It is not changed: fine-tuning moves a copy.
        data: Images and labels, see `labelled`.
        amounts: How many labels of each class are seen: "all", a share such as "10%" (rounded
            down, one at least), or a number such as "5" (all where a class has fewer).
        fine_tuning: How encoder and head learn together; None leaves it out.
        k: Neighbours that vote. Default: the square root of how many images have a label, at most
            the 200 of `zoo.metrics.knn`, which of few images are nearly all.
        draws: How often few labels are drawn anew, each time other ones.
        seed: Of all that is drawn.
        progress: Whether a bar is drawn on a terminal.

    Raises:
        ValueError: Labels of one class, or not one for each image; an unknown amount; a model
            whose variables cannot be trained, where it is to be.

    Example:
        >>> model = SavedModel.open("saved_models/beta_vae-dsprites/1")  # doctest: +SKIP
        >>> data = labelled(load_data(model), factor="shape")  # doctest: +SKIP
        >>> probe(model, data).rows[-1].linear  # doctest: +SKIP
    """
    checks.integer("draws", draws, low=1)
    checks.integer("seed", seed, low=0)
    if not amounts:
        raise ValueError("Expected at least one amount of labels. Received: none.")
    if len(np.unique(data.labels)) < 2:
        alone = ", ".join(data.class_names[label] for label in np.unique(data.labels)[:1])
        raise ValueError(
            f"Expected labels of at least two classes. Received: {alone or 'none'} alone."
        )
    counts = [len(seen_rows(data.labels, amount, seed)) for amount in amounts]
    if fine_tuning is not None:
        trainable(saved_model)
    codes = _Codes.of(saved_model, data, progress)
    times = [1 if count == len(data.labels) else draws for count in counts]
    found: list[list[_Drawn]] = []
    with progress_bar("probing", sum(times)) as advance:
        for amount, repeats in zip(amounts, times, strict=True):
            found.append([])
            for draw in range(repeats):
                found[-1].append(_drawn(codes, data, amount, fine_tuning, k, seed + draw))
                advance(1)
    rows = tuple(
        Row(
            amount,
            count,
            votes(count, k),
            linear=tuple(one.linear for one in several),
            knn=tuple(one.knn for one in several),
            fine_tuned=tuple(one.fine_tuned for one in several if one.fine_tuned is not None),
        )
        for amount, count, several in zip(amounts, counts, found, strict=True)
    )
    best = found[counts.index(max(counts))][0]
    return Probe(
        rows,
        best.classifier,
        float(np.mean(best.answers == data.test_labels)),
        confusion(data.test_labels, best.answers, len(data.class_names)),
        data.class_names,
    )


def write(found: Probe, output: Output, protocol: Mapping[str, Any], card: Any = None) -> Path:
    """Writes what `probe` found: result.json, confusion.png, and saved_model/1.

    Args:
        found: What it found.
        output: The folder.
        protocol: Of what it was found, ready for JSON: model, data, seed.
        card: What else the classifier's card is to say.

    Returns:
        The folder of the SavedModel.
    """
    from zoo.reporting import confusion_matrix, save

    images = int(found.confusion.sum())
    seen = max(found.rows, key=lambda row: row.images)
    way = "Fine-tuned" if found.classifier.tuned else "Linear probe"
    result = {
        **protocol,
        "test_images": images,
        "accuracies": [asdict(row) for row in found.rows],
        "classifier": {"way": way, "labels": seen.images, "accuracy": found.accuracy},
        "class_names": found.class_names,
        "confusion": found.confusion,
    }
    score = {"labels": seen.images, "test_images": images, "seed": protocol.get("seed")}
    name = "fine_tuned" if found.classifier.tuned else "linear_probe"
    scored = {name: Score(name, found.accuracy, score).to_json()}
    how = f"{way}, {seen.images:,} labels, {images:,} test images"
    with output.writing(result) as room:
        save(confusion_matrix(found.confusion, found.class_names, how), room / "confusion.png")
        found.classifier.save(room / MODEL, {**(card or {}), "scores": scored})
    return output.folder / MODEL


def accuracies(found: Probe) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """What `probe` found as a table: its header, and its rows, all in words."""
    ways = {"linear": "linear probe", "knn": "k-NN", "fine_tuned": "fine-tuned"}
    shown = {name: words for name, words in ways.items() if getattr(found.rows[0], name)}
    lines = [
        (
            _amount(row, len(found.class_names)),
            f"{row.images:,}",
            *(_spread(getattr(row, name)) for name in shown),
        )
        for row in found.rows
    ]
    return ("labels", "images", *shown.values()), lines


def _amount(row: Row, classes: int) -> str:
    """How many labels were seen, in words."""
    if row.labels == "all" or row.labels.endswith("%"):
        return row.labels
    fewer = row.images < float(row.labels) * classes  # some class has not as many
    return f"up to {row.labels} each" if fewer else f"{row.labels} each"


def votes(images: int, k: int | None = None) -> int:
    """How many of so many images vote: `k`, or all where there are fewer.

    By default it is the square root of their number, 200 at most.

    Example:
        >>> [votes(images) for images in (15, 150, 1500, 60_000)], votes(15, k=20)
        ([4, 12, 39, 200], 15)
    """
    return min(images, round(min(images**0.5, NEIGHBOURS)) if k is None else k)


def _spread(accuracies: Sequence[float]) -> str:
    """The mean of several accuracies, and their standard deviation where there are several."""
    mean = f"{np.mean(accuracies):.4f}"
    return mean if len(accuracies) == 1 else f"{mean} ± {np.std(accuracies, ddof=1):.4f}"


class _Drawn(NamedTuple):
    """What one draw of labels came to."""

    linear: float
    knn: float
    fine_tuned: float | None
    classifier: Classifier
    answers: NDArray[np.integer]  # of the classifier, on the test images


class _Codes(NamedTuple):
    """The codes of images with labels, and what those to fit on are standardised by."""

    saved_model: SavedModel
    train: NDArray[np.floating]
    test: NDArray[np.floating]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, saved_model: SavedModel, data: Labelled, progress: bool) -> _Codes:
        """The codes of a model, refused where they are not finite or not one for each label."""
        encode = saved_model.encode
        train, _ = checked_labels(encode(data.images, progress=progress), data.labels)
        test = encode(data.test_images, progress=progress)
        test, _ = checked_labels(test, data.test_labels, "test_")
        return cls(saved_model, train, test, *mean_and_deviation(train))

    def fitted(self, rows: NDArray[np.intp], labels: NDArray[Any], seed: int) -> Any:
        """The weights (L, K) and biases (K,) of a linear probe of some rows, for codes as is."""
        z = ((self.train[rows] - self.mean) / self.deviation).astype(np.float32)
        machine = classifier(z, labels, seed)
        weights, biases = machine.coef_.T, machine.intercept_
        if weights.shape[1] == 1:  # of two classes scikit-learn gives the second's lead
            weights, biases = np.hstack([0 * weights, weights]), np.append(0, biases)
        weights = weights / self.deviation[:, None]
        return weights, biases - self.mean @ weights


def _drawn(
    codes: _Codes,
    data: Labelled,
    amount: str,
    fine_tuning: FineTuning | None,
    k: int | None,
    seed: int,
) -> _Drawn:
    """Reads the labels once, by what a seed draws of them."""
    rows = seen_rows(data.labels, amount, seed)
    present, y = np.unique(data.labels[rows], return_inverse=True)
    names = [data.class_names[label] for label in present]
    weights, biases = codes.fitted(rows, y, seed)
    head = Classifier(codes.saved_model, weights, biases, names)
    answers = present[head.classify_codes(codes.test).argmax(axis=1)]
    linear = float(np.mean(answers == data.test_labels))
    near = votes(len(rows), k)
    voted = knn(codes.train[rows], data.labels[rows], codes.test, data.test_labels, k=near)
    if fine_tuning is None:
        return _Drawn(linear, voted, None, head, answers)
    head = fine_tuned(head, data.images[rows], y, fine_tuning, seed)
    answers = present[head.classify(data.test_images).argmax(axis=1)]
    return _Drawn(linear, voted, float(np.mean(answers == data.test_labels)), head, answers)


def fine_tuned(
    head: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    fine_tuning: FineTuning,
    seed: int = 0,
) -> Classifier:
    """A copy of a classifier, its encoder and its head trained together on the cross-entropy.

    Args:
        head: Where they begin: with a linear probe's weights the first steps do not spoil the
            encoder, as those of a random head do.
        images: uint8 (N, H, W, C).
        labels: (N,) columns of the head, 0 to C - 1.
        fine_tuning: How.
        seed: Draws the batches.

    Raises:
        ValueError: No variable of the encoder can be trained.
    """
    import tensorflow as tf

    copy = SavedModel.open(head.saved_model.path)
    encode = copy.signature("encode")
    weights, biases = tf.Variable(head.weights), tf.Variable(head.biases)
    learned = [*trainable(copy), weights, biases]
    size = min(fine_tuning.batch_size, len(images))
    rates = tf.optimizers.schedules.CosineDecay(fine_tuning.learning_rate, fine_tuning.steps)
    optimizer = tf.optimizers.Adam(rates)
    optimizer.build(learned)

    @tf.function
    def step(image: Any, label: Any) -> None:
        with tf.GradientTape() as tape:
            logits = encode(image=image)["codes"] @ weights + biases
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(label, logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, learned), learned, strict=True))

    rng = np.random.default_rng(seed)
    order = np.empty(0, np.intp)
    for _ in range(fine_tuning.steps):
        if len(order) < size:
            order = np.concatenate([order, rng.permutation(len(images))])
        rows, order = order[:size], order[size:]
        step(tf.constant(copy.prepared(images[rows])), tf.constant(labels[rows]))
    return Classifier(copy, weights.numpy(), biases.numpy(), head.class_names, tuned=True)


def trainable(saved_model: SavedModel) -> list[Any]:
    """The variables of `encode` that its codes depend on and that may be trained.

    Raises:
        ValueError: There is none: it was exported frozen, or holds constants.
    """
    import tensorflow as tf

    encode = saved_model.signature("encode")
    variables = [variable for variable in encode.variables if variable.trainable]
    blank = saved_model.prepared(np.zeros((1, *saved_model.image_shape), np.uint8))
    with tf.GradientTape() as tape:
        codes = encode(image=tf.constant(blank))["codes"]
    slopes = tape.gradient(codes, variables)
    found = [v for v, slope in zip(variables, slopes, strict=True) if slope is not None]
    if not found:
        raise ValueError(
            "Expected an encoder with variables that can be trained. Received: "
            f"{saved_model.path}, which was exported frozen. Without fine-tuning its codes are "
            "read as they are."
        )
    return found


def seen_rows(labels: NDArray[np.integer], amount: str, seed: int = 0) -> NDArray[np.intp]:
    """The rows whose labels are seen: all, a share of each class, or so many of each.

    Args:
        labels: (N,) integers.
        amount: "all", a share such as "10%", rounded down but one at least, or a number such as
            "5": all of a class that has fewer.
        seed: Draws them.

    Returns:
        Ascending rows.

    Raises:
        ValueError: Another amount.

    Example:
        >>> labels = np.arange(100) % 5
        >>> [len(seen_rows(labels, amount)) for amount in ("all", "10%", "3")]
        [100, 10, 15]
    """
    if amount == "all":
        return np.arange(len(labels))
    digits, percent = amount.removesuffix("%"), amount.endswith("%")
    try:
        value = float(digits)
    except ValueError:
        value = 0.0
    if percent and 0 < value <= 100:
        return seen_labels(labels, value / 100, seed)
    if percent or value < 1 or not value.is_integer():
        raise ValueError(
            "Expected labels to be all, a share of each class such as 10%, or how many of each, "
            f"such as 5. Received: {amount!r}."
        )
    rng = np.random.default_rng(seed)
    classes = (np.flatnonzero(labels == label) for label in np.unique(labels))
    chosen = [rng.permutation(rows)[: int(value)] for rows in classes]
    return np.sort(np.concatenate(chosen))


def confusion(
    labels: NDArray[np.integer], answers: NDArray[np.integer], size: int
) -> NDArray[np.int64]:
    """How often class row was taken for class column, (size, size).

    Example:
        >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    return np.bincount(labels * size + answers, minlength=size**2).reshape(size, size)


def labelled(
    data: Any, factor: str | None = None, samples: int = 10_000, seed: int = 0
) -> Labelled:
    """Images with labels to fit on and to test on, of a data set.

    Args:
        data: A `LabelledData`, a `LabelledImages`, or a `FactorData`. Where there is no test half,
            nor images enough for two halves, a fifth of the images is one.
        factor: Which factor, or which attribute, is the label; None for data with class labels.
        samples: Images of each half at most, drawn where there are more.
        seed: Draws them.

    Raises:
        ValueError: Data without labels; factors or attributes, and none is named; an unknown one.
    """
    checks.integer("samples", samples, low=2)
    if isinstance(data, FactorData):
        rows = data.sample_rows(min(2 * samples, len(data)), seed)
        column = _column("factor", factor, data.factor_names, data.name)
        y, names = data.factors[rows, column], tuple(map(str, data.factor_values[column]))
        images = data.read(rows)
        if len(rows) < 2 * samples:
            return _halved(images, y, names, seed)
        return Labelled(images[:samples], y[:samples], images[samples:], y[samples:], names)
    if isinstance(data, LabelledImages):
        data = _with_no_test_half(data)
    names = data.class_names
    if data.train.labels is None:
        raise ValueError(
            f"Expected images with labels: folder:PATH of a folder for each class. Received: "
            f"{data.name!r}, which has none."
        )
    images, y = data.train.sample(min(samples, len(data.train)), seed)
    tested = data.test.sample(min(samples, len(data.test)), seed) if len(data.test) else None
    if y.ndim == 2:
        column = _column("attribute", factor, names, data.name)
        y = y[:, column]
        tested = tested and (tested[0], tested[1][:, column])
        names = (f"not {names[column]}", names[column])
    elif factor is not None:
        raise ValueError(
            f"Expected no factor= (--factor) for {data.name!r}, whose images have a class each. "
            f"Received: {factor!r}."
        )
    if tested is None:
        return _halved(images, y, names, seed)
    return Labelled(images, y, tested[0], tested[1], names)


def _with_no_test_half(images: LabelledImages) -> LabelledData:
    """Images alone as labelled data; classes, or attributes, are called by their numbers."""
    labels = images.labels
    count = 0
    if labels is not None and labels.size:
        count = labels.shape[1] if labels.ndim == 2 else int(labels.max()) + 1
    none = np.zeros((0, *images.image_shape), np.uint8)
    no_labels = None if labels is None else labels[:0]
    nothing = LabelledImages(images.name, none, no_labels)
    return LabelledData(images.name, images, nothing, tuple(map(str, range(count))))


def _column(kind: str, name: str | None, known: Sequence[str], data: str) -> int:
    if name is None:
        raise ValueError(
            f"Expected factor= (--factor), the {kind} of {data!r} that is the label: "
            f"{', '.join(known)}. Received: none."
        )
    if name not in known:
        raise ValueError(unknown(kind, name, known))
    return list(known).index(name)


def _halved(
    images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...], seed: int
) -> Labelled:
    """A fifth of the images, of each class, kept for the test."""
    rest, kept = stratified(labels, 1 / 5, seed)
    if not len(kept):
        raise ValueError(
            "Expected several images of a class, of which a fifth is kept for the test. "
            f"Received: {len(labels)} images."
        )
    return Labelled(images[rest], labels[rest], images[kept], labels[kept], names)
