"""Every picture that a method and its data allow, from the method's own networks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo import disambiguation, losses, reporting
from zoo.metrics import ProbedSubspaces, probed_subspaces
from zoo.metrics.arrays import BINS, checked_subspaces, unit
from zoo.metrics.mutual_information import information_and_entropy
from zoo.metrics.scoring import BATCH, SAMPLES, columns_held, held_out
from zoo.reporting import embeddings, matrices, sheet
from zoo.reporting.cosines import Cosines, between_views
from zoo.reporting.drawn import FILE, Drawn
from zoo.reporting.latents import left_out, telling
from zoo.reporting.resolved import examples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.method import Method

SHOWN = 10  # images reconstructed
VIEWED = 8  # images whose views are shown, and images whose neighbours are
NEAREST = 10  # neighbours of each
EMBEDDED = 2_000  # codes in a plane, and among which neighbours are found
COMPARED = 128  # images whose views are compared with one another
PANELS = 6  # factors or attributes that colour the codes in the plane
QUERIES, APART = 4, 8  # images whose neighbours are shown in each subspace, and how many of each
SWAPPED = 6  # pairs of images of which one takes a subspace of the other's
PROBED = 5_000  # codes that the subspaces are probed by, a fifth of them for the test
KEPT = 256  # rows of a correlation matrix that drawn.npz keeps
REACH = 2.0  # a latent moves so many standard deviations to either side


class Drawing:
    """Draws what a method has learnt: as many pictures as it and its data allow.

    Each picture says what it needs (`PICTURES`): a method that decodes has reconstructions and
    traversals, one that trains on views a sheet of them and their similarities, data with factors
    the information map; codes in a plane and nearest neighbours need codes alone.

    Args:
        method: A method with built networks.
        data: Any `zoo.data` set (with factors, labels, or neither) of images that the method
            takes. The held-out half, where there is one, is drawn; views are made of the training
            half, as training makes them.
        samples: Images behind the mutual information. At most 2,000 of them are embedded; of data
            without factors no more are read.
        steps: Values each latent takes in a traversal.
        reach: Standard deviations that a latent moves to either side: of the prior, or of the
            sample's codes where they have none.
        seed: Of the sample; the first image is the one traversed.
        embedding: How codes come into a plane: "pca", "tsne" or "umap", as in
            `zoo.reporting.embedding`.

    Attributes:
        images: (N, H, W, C) uint8, the sample.
        labels: Of the sample: int64 (N,) classes or (N, A) attributes or factors; None where the
            data know none.
        names: Of the classes, the attributes or the factors.
    """

    def __init__(
        self,
        method: Method,
        data: Any,
        samples: int = SAMPLES,
        steps: int = 9,
        reach: float = REACH,
        seed: int = 0,
        embedding: str = "pca",
    ) -> None:
        self.method = method
        self.data = data
        self.seed = seed
        self.embedding = embedding
        self.values = np.linspace(-reach, reach, steps)
        images = held_out(data)
        self.factor_names: tuple[str, ...] = tuple(getattr(images, "factor_names", ()))
        self.names = [*(self.factor_names or getattr(data, "class_names", ()))] or None
        if self.factor_names:
            self.images, self.labels = images.sample(samples, seed)
        else:
            rows = images.sample_rows(min(samples, EMBEDDED, len(images)), seed)
            known = getattr(images, "labels", None)
            self.images, self.labels = images.read(rows), None if known is None else known[rows]
        self.protocol = f"{len(self.images):,} samples, {BINS} bins, seed {seed}"

    # What there is to draw from

    @property
    def can_decode(self) -> bool:
        """Whether the method turns codes into images."""
        return hasattr(self.method, "decode")

    @property
    def takes_views(self) -> bool:
        """Whether the method trains on two views of each image."""
        return hasattr(self.method, "views")

    def offers(self, need: str) -> bool:
        """Whether the method and its data have what a picture needs; no more is found out."""
        match need:
            case "decoder":
                return self.can_decode
            case "factors":
                return bool(self.factor_names)
            case "views":
                return self.takes_views
            case "projections":
                return self.takes_views and hasattr(self.method, "projector")
            case "codes":
                return len(self.images) > 1 and bool(np.isfinite(self.codes).all())
            case "correlation":
                return self.takes_views and self.correlation is not None
            case "classes":
                return self.class_similarity is not None
            case "subspaces":
                return self.offers("codes") and self.subspaces is not None
            case "held":
                return self.offers("subspaces") and bool(self.factor_names)
            case "swaps":
                return self.offers("subspaces") and self.can_decode
            case "candidates":
                return self.method.learns_candidates and len(self.resolved["ambiguous"]) > 0
        raise ValueError(f"Expected something that pictures need. Received: {need!r}.")

    @functools.cached_property
    def codes(self) -> np.ndarray:
        """(N, L) codes of the sample."""
        return self.method.predict(self.images, batch_size=BATCH, verbose=0)

    @functools.cached_property
    def kl(self) -> np.ndarray | None:
        """(L,) KL of each latent in nats, averaged over (at most 500 of) the sample.

        None where codes have no prior, as those of a frozen encoder.
        """
        if not hasattr(self.method, "encode"):
            return None
        mean, logvar = self.method.encode(self.images[:BATCH])
        return np.asarray(losses.gaussian_kl_per_latent(mean, logvar))

    @functools.cached_property
    def information(self) -> np.ndarray:
        """(L, F) share of each factor's entropy that each latent holds; NaN for a fixed factor."""
        shared, entropy = information_and_entropy(self.codes, self.labels, bins=BINS)
        entropy = np.where(entropy > 0, entropy, np.nan)
        return np.clip(shared / entropy, 0, 1)

    def traversed(self) -> np.ndarray:
        """(L, S, H, W, C) uint8: the first image's code, one latent at a time moved through.

        In standard deviations of the prior, or, of codes without one, of the sample's codes.
        """
        code = self.codes[0]
        prior = self.kl is not None
        centre = np.zeros(len(code)) if prior else self.codes.mean(axis=0)
        spread = np.ones(len(code)) if prior else self.codes.std(axis=0)
        grid = np.tile(code, (len(code), len(self.values), 1))
        for latent, row in enumerate(grid):
            row[:, latent] = centre[latent] + spread[latent] * self.values
        flat = grid.reshape(-1, len(code)).astype("float32")
        decoded = np.concatenate(
            [
                np.asarray(self.method.decode(flat[i : i + BATCH]))
                for i in range(0, len(flat), BATCH)
            ]
        )
        return decoded.reshape(*grid.shape[:2], *decoded.shape[1:])

    @functools.cached_property
    def plane(self) -> embeddings.Plane:
        """At most 2,000 codes in two dimensions."""
        return embeddings.plane(self.codes[:EMBEDDED], self.embedding, self.seed)

    @functools.cached_property
    def known(self) -> tuple[np.ndarray | None, list[str] | None]:
        """Labels and names that colour the plane: classes, or the factors that vary most evenly."""
        if self.labels is None:
            return None, None
        labels = self.labels[:EMBEDDED]
        if labels.ndim == 1:
            return labels, self.names
        varied = np.flatnonzero(np.ptp(labels, axis=0))
        if not len(varied):
            return None, None
        evenness = labels[:, varied].std(axis=0) / np.ptp(labels[:, varied], axis=0)
        chosen = np.sort(varied[np.argsort(-evenness, kind="stable")[:PANELS]])
        names = self.names or range(labels.shape[1])
        return labels[:, chosen], [str(names[i]) for i in chosen]

    @functools.cached_property
    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows (Q, 1 + K) of queries and of their neighbours, and the latter's cosines (Q, K)."""
        codes = self.codes[:EMBEDDED]
        return nearest(codes, np.arange(min(VIEWED, len(codes))), NEAREST)

    @property
    def subspaces(self) -> Any:
        """The name and dimensions of each part of the codes; None where they have no parts."""
        return getattr(self.method, "subspaces", None)

    @functools.cached_property
    def columns(self) -> dict[str, slice]:
        """Which columns of the codes each subspace is."""
        return checked_subspaces(self.subspaces or {}, self.codes.shape[1])

    @functools.cached_property
    def held(self) -> np.ndarray:
        """(S, F) booleans: which of the data's factors each subspace is to hold."""
        columns = columns_held(getattr(self.method, "held", None), self.factor_names) or {}
        matrix = np.zeros((len(self.columns), len(self.factor_names)), bool)
        for row, name in zip(matrix, self.columns, strict=True):
            row[columns.get(name, [])] = True
        return matrix

    @functools.cached_property
    def probed(self) -> ProbedSubspaces:
        """How well each factor is read off each subspace, in at most 5,000 codes."""
        factors = np.asarray(self.labels)[:PROBED]
        return probed_subspaces(self.codes[:PROBED], factors, self.subspaces, seed=self.seed)

    @property
    def probing(self) -> str:
        """How these probes are fitted, in words."""
        return (
            f"{min(PROBED, len(self.images)):,} samples of {held_out(self.data).name}, a fifth of "
            f"them for the test, seed {self.seed}"
        )

    @functools.cached_property
    def apart(self) -> dict[str, Any]:
        """Images, and those that are nearest to each in each subspace."""
        codes, queries = self.codes[:EMBEDDED], np.arange(min(QUERIES, len(self.images)))
        places, cosines = [], []
        for part in self.columns.values():
            rows, values = nearest(codes[:, part], queries, APART)
            places.append(rows)
            cosines.append(values)
        rows = np.stack(places, axis=1)
        wrong = None
        if self.held.any():
            values = np.asarray(self.labels)[rows]
            differs = (values != values[:, :, :1]) & self.held[None, :, None]
            wrong = differs.any(axis=-1)
        return {
            "apart": sheet.reduced(self.images[rows]),
            "apart_cosines": np.stack(cosines, axis=1),
            "apart_wrong": wrong,
        }

    def swapped(self) -> np.ndarray:
        """(P, 3 + S, H, W, C) uint8: pairs A and B, A decoded, and A with each subspace of B."""
        pairs = min(SWAPPED, len(self.images) // 2)
        (a, b), (first, second) = (
            np.split(rows[: 2 * pairs], 2) for rows in (self.images, self.codes)
        )
        mixed = [first]
        for part in self.columns.values():
            other = first.copy()
            other[:, part] = second[:, part]
            mixed.append(other)
        decoded = [np.asarray(self.method.decode(codes)) for codes in mixed]
        return np.stack([a, b, *decoded], axis=1)

    @functools.cached_property
    def batch(self) -> Any:
        """A batch as the method trains on: views of at most 128 images."""
        return next(iter(self.method.batches(self.data, self._compared, self.seed)))

    @property
    def _compared(self) -> int:
        fewest, most = self.method.batch_sizes
        return int(max(fewest, min(COMPARED, most, len(self._trained))))

    @property
    def _trained(self) -> Any:
        return getattr(self.data, "train", self.data)

    @functools.cached_property
    def viewed(self) -> np.ndarray:
        """(3, n, H, W, C) uint8: images, and the two views of each."""
        originals = next(iter(self._trained.batches(self._compared, self.seed)))  # the same order
        batch = self.batch
        views = (batch["weak"], batch["strong"]) if isinstance(batch, Mapping) else batch[:2]
        return np.stack([_pixels(part[:VIEWED]) for part in (originals, *views)])

    @functools.cached_property
    def cosines(self) -> Cosines:
        """Of the projections of the batch's views, as `between_views` picks them."""
        return between_views(self.method.forward(self.batch, training=False), self._compared)

    @functools.cached_property
    def correlation(self) -> np.ndarray | None:
        """(D, D) what `Method.correlation` says of the batch."""
        found = self.method.correlation(self.batch)
        return None if found is None else np.asarray(found)

    @functools.cached_property
    def class_similarity(self) -> np.ndarray | None:
        """(C, C) what `Method.class_similarity` says; NaN for classes unlike themselves."""
        found = self.method.class_similarity()
        if found is None:
            return None
        matrix = np.array(found, np.float64)
        unknown = np.diag(matrix) == 0  # nothing is known of them yet
        matrix[unknown] = matrix[:, unknown] = np.nan
        return matrix

    @functools.cached_property
    def resolved(self) -> dict[str, Any]:
        """Some of the images that the method learns from, and what it knows of their candidates."""
        images = self._trained
        rows = np.sort(images.sample_rows(min(EMBEDDED, len(images)), self.seed))
        sets = images.candidates[rows]
        confidence = disambiguation.resolved(self.method, images, rows)
        truth = None if images.labels is None else images.labels[rows]
        shown, words = examples(sets, confidence, truth, self.seed)
        return {
            "ambiguous": sheet.reduced(images.read(rows[shown])),
            "candidates": sets[shown],
            "confidence": confidence[shown],
            "truth": None if truth is None else truth[shown],
            "resolved": words,
        }

    # What is drawn of it

    @functools.cached_property
    def drawn(self) -> Drawn:
        """All that the pictures show; images over 128 pixels a side averaged down."""
        arrays: dict[str, Any] = {}
        for picture in self._allowed().values():
            arrays |= picture.arrays(self)
        return Drawn(**arrays, protocol=self.protocol)

    def figures(self, names: Collection[str] | None = None) -> dict[str, Figure]:
        """Name -> figure, for files and for TensorBoard: all, or of those named what there is."""
        return {name: picture.figure(self) for name, picture in self._allowed(names).items()}

    def _allowed(self, names: Collection[str] | None = None) -> dict[str, Picture]:
        asked = {n: picture for n, picture in PICTURES.items() if names is None or n in names}
        return {n: picture for n, picture in asked.items() if self.offers(picture.needs)}

    def save(self, folder: Path) -> list[Path]:
        """Writes all figures as PNG, the traversal as a GIF, and the arrays behind them.

        Returns:
            The paths; none where there is nothing to draw.
        """
        paths = [
            reporting.save(figure, folder / f"{name}.png")
            for name, figure in self.figures().items()
        ]
        if self.can_decode:
            gif = folder / "traversal.gif"
            paths.append(reporting.traversal_gif(self.drawn.traversal, gif, **_latents(self)))
        return [*paths, self.drawn.save(folder / FILE)] if paths else []

    @property
    def sampled(self) -> str:
        """Where codes in the plane and neighbours come from, in words."""
        images = held_out(self.data)
        kind = "images" if images is self._trained else "held-out images"
        return f"{min(EMBEDDED, len(self.images)):,} {kind} of {images.name}, seed {self.seed}"

    @property
    def compared(self) -> str:
        """What views are compared, in words."""
        return f"{self._compared:,} images of {self._trained.name}, {self.preset}"

    @property
    def preset(self) -> str:
        """How the views are made, in words."""
        views = self.method.views
        named = f"views {views}" if isinstance(views, str) else str(views)
        if self.method.learns_candidates:
            named += ", the first weak, the second strong"
        return f"{named}, seed {self.seed}"


class Picture(NamedTuple):
    """What a picture needs, keeps and shows.

    Attributes:
        needs: As `Drawing.offers` takes it.
        arrays: Fields of `Drawn`, which pages lay out anew.
        figure: The picture.
    """

    needs: str
    arrays: Callable[[Drawing], Mapping[str, Any]]
    figure: Callable[[Drawing], Figure]


def _show_views(drawing: Drawing) -> Figure:
    originals, first, second = drawing.viewed
    return reporting.views(originals, first, second, drawing.preset)


def _reconstructions(drawing: Drawing) -> dict[str, Any]:
    originals = drawing.images[:SHOWN]
    decoded = np.asarray(drawing.method.reconstruct(originals))
    return {"originals": sheet.reduced(originals), "reconstructions": sheet.reduced(decoded)}


def _traversal(drawing: Drawing) -> dict[str, Any]:
    images = sheet.reduced(drawing.traversed())
    return {"traversal": images, "values": drawing.values, "kl": drawing.kl}


def _latents(drawing: Drawing) -> dict[str, Any]:
    """What labels the rows of a traversal."""
    labels: dict[str, Any] = {"values": drawing.values, "kl": drawing.kl}
    if drawing.factor_names:
        labels |= {"factors": drawing.factor_names, "information": drawing.information}
        labels["protocol"] = f"Shares of factor entropy: {drawing.protocol}."
    if drawing.kl is None:
        moved = "Values are in standard deviations of the code, from its mean."
        labels["protocol"] = f"{moved} {labels.get('protocol', '')}".strip()
    return labels


def _information(drawing: Drawing) -> dict[str, Any]:
    return {"factors": np.array(drawing.factor_names), "information": drawing.information}


def _show_information(drawing: Drawing) -> Figure:
    rows = telling(drawing.information)
    return reporting.information(
        drawing.information[rows],
        drawing.factor_names,
        rows,
        normalised=True,
        protocol=f"{drawing.protocol}{left_out(drawing.information)}",
    )


def _embedding(drawing: Drawing) -> dict[str, Any]:
    labels, names = drawing.known
    known = {"labels": labels, "names": None if names is None else np.array(names)}
    plane = {"points": drawing.plane.points, "explained": drawing.plane.explained}
    return {**plane, **known, "sampled": drawing.sampled}


def _neighbours(drawing: Drawing) -> dict[str, Any]:
    rows, cosines = drawing.nearest
    kept: dict[str, Any] = {"neighbours": sheet.reduced(drawing.images[rows]), "cosines": cosines}
    if drawing.labels is not None and drawing.labels.ndim == 1:
        kept |= {"classes": drawing.labels[rows]}
    return {**kept, "sampled": drawing.sampled}


def _correlation(drawing: Drawing) -> dict[str, Any]:
    matrix = matrices.square("correlation", drawing.correlation)
    words = f"{len(matrix)} x {len(matrix)} dimensions. {matrices.described(matrix)}"
    return {"correlation": matrices.pooled(matrix, KEPT), "correlated": words}


def _class_names(drawing: Drawing) -> dict[str, Any]:
    return {"class_names": None if drawing.names is None else np.array(drawing.names)}


def _probed(drawing: Drawing) -> dict[str, Any]:
    found = drawing.probed
    return {
        "subspaces": np.array([*drawing.columns]),
        "factors": np.array(drawing.factor_names),
        "probed": np.vstack([found.accuracy, found.whole]),
        "chance": found.chance,
        "held": drawing.held,
        "probing": drawing.probing,
    }


def _show_probed(drawing: Drawing) -> Figure:
    found = drawing.probed
    return reporting.subspace_factors(
        found.accuracy,
        found.whole,
        found.chance,
        [*drawing.columns],
        drawing.factor_names,
        drawing.held,
        drawing.probing,
    )


def _named(drawing: Drawing) -> dict[str, Any]:
    return {"subspaces": np.array([*drawing.columns]), "sampled": drawing.sampled}


def _show_apart(drawing: Drawing) -> Figure:
    found = drawing.apart
    return reporting.subspace_neighbours(
        found["apart"],
        found["apart_cosines"],
        [*drawing.columns],
        found["apart_wrong"],
        f"Among {drawing.sampled}.",
    )


def _show_resolved(drawing: Drawing) -> Figure:
    found = dict(drawing.resolved)
    return reporting.resolved_labels(
        found["ambiguous"],
        found["candidates"],
        found["confidence"],
        drawing.names or (),
        found["truth"],
        found["resolved"],
        f"Training images of {drawing._trained.name}, seed {drawing.seed}",
    )


PICTURES: dict[str, Picture] = {
    "views": Picture(
        "views",
        lambda drawing: {"views": sheet.reduced(drawing.viewed), "preset": drawing.preset},
        _show_views,
    ),
    "reconstructions": Picture(
        "decoder",
        _reconstructions,
        lambda drawing: reporting.reconstructions(
            drawing.drawn.originals, drawing.drawn.reconstructions
        ),
    ),
    "traversal": Picture(
        "decoder",
        _traversal,
        lambda drawing: reporting.traversal(drawing.drawn.traversal, **_latents(drawing)),
    ),
    "information": Picture(
        "factors",
        _information,
        _show_information,
    ),
    "embedding": Picture(
        "codes",
        _embedding,
        lambda drawing: embeddings.plotted(
            drawing.plane, *drawing.known, drawing.embedding, drawing.sampled
        ),
    ),
    "neighbours": Picture(
        "codes",
        _neighbours,
        lambda drawing: reporting.neighbours(
            drawing.drawn.neighbours,
            drawing.drawn.cosines,
            drawing.drawn.classes,
            drawing.names,
            f"Among {drawing.sampled}.",
        ),
    ),
    "similarities": Picture(
        "projections",
        lambda drawing: {**drawing.cosines._asdict(), "compared": drawing.compared},
        lambda drawing: reporting.similarities(*drawing.cosines, protocol=drawing.compared),
    ),
    "correlation": Picture(
        "correlation",
        _correlation,
        lambda drawing: reporting.correlation_matrix(drawing.correlation, drawing.compared),
    ),
    "classes": Picture(
        "classes",
        lambda drawing: {"class_similarity": drawing.class_similarity, **_class_names(drawing)},
        lambda drawing: reporting.class_similarities(drawing.class_similarity, drawing.names),
    ),
    "subspaces": Picture("held", _probed, _show_probed),
    "apart": Picture(
        "subspaces", lambda drawing: {**drawing.apart, **_named(drawing)}, _show_apart
    ),
    "swaps": Picture(
        "swaps",
        lambda drawing: {"swapped": sheet.reduced(drawing.swapped()), **_named(drawing)},
        lambda drawing: reporting.swaps(
            drawing.drawn.swapped, [*drawing.columns], f"{drawing.sampled}."
        ),
    ),
    "labels": Picture(
        "candidates",
        lambda drawing: {**drawing.resolved, **_class_names(drawing)},
        _show_resolved,
    ),
}


def nearest(codes: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (Q, 1 + K) of queries and of the codes nearest to each, and the latter's cosines (Q, K).

    Args:
        codes: (N, L).
        queries: (Q,) rows of them.
        count: K, unless there are fewer others.
    """
    codes = unit(codes)
    table = codes[queries] @ codes.T
    table[np.arange(len(queries)), queries] = -np.inf
    rows = np.argsort(-table, axis=1, kind="stable")[:, : min(count, len(codes) - 1)]
    cosines = np.clip(np.take_along_axis(table, rows, axis=1), -1, 1)
    return np.concatenate([queries[:, None], rows], axis=1), cosines


def _pixels(images: Any) -> np.ndarray:
    """Images as uint8 0..255, from uint8 or float 0..1."""
    images = np.asarray(images)
    return images if images.dtype == np.uint8 else np.rint(255 * images).astype(np.uint8)
