"""Search: the images whose codes are nearest to an image's, over a folder or a data set.

Near is what has a large cosine, as for k-NN (zoo.metrics.knn), or a small Euclidean distance, which
suits the codes of VAEs: their length means something. Whole codes are compared, or a subspace. The
search is exact: a product of the query with every code, which takes milliseconds for tens of
thousands of images. An approximate one, for millions, walks a graph of neighbours (HNSW, Malkov and
Yashunin 2018, https://arxiv.org/abs/1603.09320) where faiss is installed: `repzoo[search]`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from applications.outputs import Output
from applications.saved_model import SavedModel, as_data, subspaces_of
from zoo import checks
from zoo.data import Images
from zoo.files import check_writable, replacing
from zoo.messages import unknown
from zoo.metrics.arrays import checked_codes, unit

PRODUCTS = 2**22  # cosines that are held at once: 16 MB
READ = 4096  # images that are read at once
LINKS = 32  # of each code in the graph of an approximate search
WIDTH = 128  # candidates that such a search keeps in view, at least
NEAR = ("cosine", "distance")
MEMBERS = ("about", "codes", "images", "names")
# What numpy and zipfile raise on files that are cut off or damaged, or that hold something else.
_DAMAGE = (OSError, ValueError, TypeError, AttributeError, EOFError, KeyError,
           zipfile.BadZipFile, zlib.error)  # fmt: skip


class Nearest(NamedTuple):
    """Rows of an index (Q, n), the nearest first, and their cosines or distances (Q, n)."""

    rows: NDArray[np.intp]
    values: NDArray[np.floating]


class Index:
    """Codes of images that can be searched: made once, saved, and asked often.

    Make one with `Index.of`.

    Args:
        codes: (N, L) float32.
        images: uint8 (N, H, W, C).
        names: N names: paths within a folder, or the numbers of rows.
        about: "data", "model", "fingerprint", where it is known how it was "made" ("data" as
            `load` takes them, "of" how many images it holds some, the "seed" that drew them), and
            where there are any "subspaces" (name -> first code and the one after the last) and
            "class_names".
        labels: (N,) integers, or None.
        graph: What `with_graph` made, or None.

    Example:
        >>> index = Index.of(model, load_data(model, "folder:photos"), "folder:photos")
        >>> rows, values = index.nearest(model.encode(queries), 8)  # doctest: +SKIP
    """

    def __init__(
        self,
        codes: ArrayLike,
        images: NDArray[np.uint8],
        names: Sequence[str],
        about: Mapping[str, Any],
        labels: NDArray[np.int64] | None = None,
        graph: NDArray[np.uint8] | None = None,
    ) -> None:
        self.codes = checked_codes(codes).astype(np.float32)
        self.images, self.names, self.labels, self.graph = images, list(names), labels, graph
        self.about = dict(about)
        self.subspaces = subspaces_of(self.about.get("subspaces"), self.codes.shape[1])
        self._banks: dict[tuple[str, str | None], tuple[NDArray[np.float32], Any]] = {}
        self._walked: Any = None
        if not len(self.codes) == len(images) == len(self.names):
            raise ValueError(
                f"Expected an image and a name for each of {len(self.codes)} codes. "
                f"Received: {len(images)} images and {len(self.names)} names."
            )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def made_of(self) -> int:
        """Of how many images it holds some, or all."""
        return self.about.get("made", {}).get("of", len(self))

    @property
    def class_names(self) -> list[str] | None:
        """The names of the labels, where the images have some."""
        return self.about.get("class_names") or None

    @classmethod
    def of(
        cls,
        saved_model: SavedModel,
        data: Any,
        name: str | None = None,
        samples: int | None = None,
        seed: int = 0,
        progress: bool = False,
    ) -> Self:
        """The index of a data set: of both halves, where it has two.

        Args:
            saved_model: A model that encodes.
            data: Images uint8 (N, H, W, C), or any `zoo.data` set of images, as `load_data` gives
                it.
            name: What the data are called. Default: their name.
            samples: Images at most, drawn where there are more. Default: all.
            seed: Draws them.
            progress: Whether a bar is drawn on a terminal.
        """
        data = as_data(data)
        images, names, labels = _contents(data, samples, seed)
        places = {k: [part.start, part.stop] for k, part in saved_model.subspaces.items()}
        about = {
            "data": name or data.name,
            "model": saved_model.name,
            "fingerprint": saved_model.fingerprint,
            "made": {"data": data.describe(), "of": sum(map(len, _parts(data))), "seed": seed},
            "subspaces": places,
            "class_names": list(getattr(data, "class_names", ())) if labels is not None else [],
        }
        return cls(saved_model.encode(images, progress=progress), images, names, about, labels)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the index as an `.npz` file without pickle, whole or not at all.

        Raises:
            ValueError: As `check_place`.
        """
        path = check_place(path)
        arrays = {
            "about": np.array(json.dumps(self.about)),
            "codes": self.codes,
            "images": self.images,
            "names": np.array(self.names, dtype=np.str_),
        }
        optional = {"labels": self.labels, "graph": self.graph}
        there = {key: array for key, array in optional.items() if array is not None}
        with replacing(path) as partial:
            np.savez(partial, allow_pickle=False, **arrays, **there)
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str], saved_model: SavedModel | None = None) -> Self:
        """The index in a file.

        Args:
            path: The file.
            saved_model: The model that will encode the queries, which must be the one that
                encoded the index.

        Raises:
            ValueError: The file is damaged or something else, or another model made it.
            FileNotFoundError: It is not there.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"Expected an index at {path}. Received: nothing is there.")
        try:
            # numpy leaves a damaged file open if it opens it itself.
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
                about, codes, images, names = (archive[member] for member in MEMBERS)
                labels, graph = archive.get("labels"), archive.get("graph")
            index = cls(codes, images, names.tolist(), json.loads(str(about)), labels, graph)
            maker, fingerprint = index.about["model"], index.about["fingerprint"]
        except _DAMAGE as error:
            raise ValueError(
                f"Expected {path} to be a whole index, as `zoo apply search` writes it. "
                f"Received: {error}"
            ) from error
        if saved_model is not None and fingerprint != saved_model.fingerprint:
            raise ValueError(
                f"Expected an index of codes of {saved_model.name}. Received: {path}, of codes of "
                f"{maker}, another model. Make one at another path (--index), or in its place "
                "(--overwrite with --data)."
            )
        return index

    def with_graph(self) -> Index:
        """The same index with a graph for approximate search: minutes for a million images.

        Raises:
            ModuleNotFoundError: faiss is not installed.
        """
        import faiss

        graph = faiss.IndexHNSWFlat(self.codes.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.add(np.ascontiguousarray(self._bank("cosine", None)[0]))
        bytes_ = np.asarray(faiss.serialize_index(graph), np.uint8)
        return Index(self.codes, self.images, self.names, self.about, self.labels, bytes_)

    def nearest(
        self,
        codes: ArrayLike,
        count: int,
        subspace: str | None = None,
        without: ArrayLike | None = None,
        near: str = "cosine",
    ) -> Nearest:
        """The rows whose codes have the largest cosine with those of queries, or are least distant.

        Exact, but for an index with a graph, which is walked, where faiss is installed, for whole
        codes by cosine where nothing is to be left out; where a walk meets too few, that query's
        neighbours are exact. What is equally near stands in the order of the rows.

        Args:
            codes: (Q, L) the queries' whole codes.
            count: Neighbours of each.
            subspace: Of which part of the codes. Default: all of them.
            without: A row for each query that is not to be among its neighbours: itself.
            near: "cosine", or "distance" for the Euclidean one.

        Raises:
            ValueError: More neighbours than there are, codes of another width, an unknown subspace.
        """
        checks.one_of("measure", near, NEAR)
        queries = checked_codes(codes)
        if queries.shape[1] != self.codes.shape[1]:
            raise ValueError(
                f"Expected codes of {self.codes.shape[1]} dimensions, as the index has. "
                f"Received: {queries.shape[1]}."
            )
        if subspace is not None and subspace not in self.subspaces:
            raise ValueError(unknown("subspace", subspace, self.subspaces))
        least = 1 if without is not None else 0
        checks.integer("count", count, low=1)
        if count > len(self) - least:
            raise ValueError(
                f"Expected at most {len(self) - least} neighbours, as many as there are"
                f"{' other' if least else ''} images in the index. Received: {count}."
            )
        part = slice(None) if subspace is None else self.subspaces[subspace]
        q = queries[:, part].astype(np.float32)
        if near == "cosine":
            q = unit(q)
        if self.walks(subspace, without, near):
            return self._walk(q, count)
        return self._exact(q, count, subspace, without, near)

    def walks(self, subspace: str | None, without: ArrayLike | None, near: str) -> bool:
        """Whether `nearest` walks the graph for such neighbours; else they are exact."""
        asked = near == "cosine" and subspace is None and without is None
        return asked and self.graph is not None and graphs_installed()

    def _exact(
        self,
        q: NDArray[np.float32],
        count: int,
        subspace: str | None,
        without: ArrayLike | None,
        near: str,
    ) -> Nearest:
        """As `nearest`, of checked queries (Q, l) of the codes that are compared."""
        bank, half_squares = self._bank(near, subspace)
        rows, values = np.empty((len(q), count), np.intp), np.empty((len(q), count), np.float32)
        size = max(1, PRODUCTS // len(bank))
        for start in range(0, len(q), size):
            stop = min(start + size, len(q))
            table = q[start:stop] @ bank.T - half_squares  # the larger, the nearer
            if without is not None:
                table[np.arange(len(table)), np.asarray(without)[start:stop]] = -np.inf
            kth = np.partition(table, len(bank) - count, axis=1)[:, len(bank) - count]
            for i, (line, least_near) in enumerate(zip(table, kth, strict=True), start):
                found = np.flatnonzero(line >= least_near)
                rows[i] = found[np.argsort(-line[found], kind="stable")[:count]]
                values[i] = line[rows[i]]
        if near == "cosine":
            return Nearest(rows, np.clip(values, -1, 1))
        return Nearest(rows, np.linalg.norm(bank[rows] - q[:, None], axis=2))

    def _bank(self, near: str, subspace: str | None) -> tuple[NDArray[np.float32], Any]:
        """All codes, or a part of each, as they are compared, and what is taken off each product.

        |b - q|^2 / 2 = |q|^2 / 2 - (q b - |b|^2 / 2), of which the first does not matter.
        """
        if (near, subspace) not in self._banks:
            bank = self.codes[:, slice(None) if subspace is None else self.subspaces[subspace]]
            halves: Any = 0
            if near == "cosine":
                bank = unit(bank)
            else:
                halves = (bank**2).sum(axis=1) / 2
            self._banks[near, subspace] = bank, halves
        return self._banks[near, subspace]

    def _walk(self, queries: NDArray[np.float32], count: int) -> Nearest:
        import faiss

        if self._walked is None:
            self._walked = faiss.deserialize_index(self.graph)
        self._walked.hnsw.efSearch = max(WIDTH, 2 * count)
        cosines, rows = self._walked.search(np.ascontiguousarray(queries), count)
        found = Nearest(rows.astype(np.intp), np.clip(cosines, -1, 1))
        short = np.flatnonzero((found.rows < 0).any(axis=1))  # -1 stands for what was not met
        if len(short):
            exact = self._exact(queries[short], count, None, None, "cosine")
            found.rows[short], found.values[short] = exact
        return found


def check_place(path: str | os.PathLike[str]) -> Path:
    """A path that an index may be written to.

    Raises:
        ValueError: It does not end in `.npz`, or what is there is no index: only an index is
            replaced by one.
        OSError: It lies where nothing may be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"Expected a path that ends in .npz. Received: {str(path)!r}.")
    check_writable(path)
    if not os.path.lexists(path):
        return path
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            whole = set(MEMBERS) <= set(archive.files) and {"model", "fingerprint"} <= set(about)
    except _DAMAGE:
        whole = False
    if not whole:
        raise ValueError(
            f"Expected nothing at {path}, or an earlier index. Received: something else, which "
            "is not replaced."
        )
    return path


def graphs_installed() -> bool:
    """Whether there is faiss, which approximate search needs."""
    return importlib.util.find_spec("faiss") is not None


class Searched(NamedTuple):
    """What `search` found.

    Attributes:
        whole: The neighbours by whole codes.
        subspaces: Those by each subspace; none where the codes have no subspaces.
        agreement: The share of neighbours of the query's class; None where classes are not known.
        near: "cosine" or "distance".
        exact: Whether all neighbours by whole codes are, as no graph was walked.
    """

    whole: Nearest
    subspaces: dict[str, Nearest]
    agreement: float | None
    near: str
    exact: bool


def search(
    index: Index,
    codes: ArrayLike,
    count: int = 8,
    rows: ArrayLike | None = None,
    near: str = "cosine",
) -> Searched:
    """The neighbours of queries, by whole codes and by each subspace that holds something.

    Args:
        index: What is searched.
        codes: (Q, L) of the queries.
        count: Neighbours of each.
        rows: Where the queries are images of the index, their rows: none is its own neighbour.
        near: "cosine", or "distance" for the Euclidean one.

    Raises:
        ValueError: As `Index.nearest`.
    """
    whole = index.nearest(codes, count, without=rows, near=near)
    open_ = [name for name, part in index.subspaces.items() if index.codes[:, part].any()]
    parts = {name: index.nearest(codes, count, name, rows, near) for name in open_}
    agreement = None
    if rows is not None and index.labels is not None:
        own = index.labels[np.asarray(rows)]
        agreement = float(np.mean(index.labels[whole.rows] == own[:, None]))
    return Searched(whole, parts, agreement, near, not index.walks(None, rows, near))


def write(
    found: Searched,
    index: Index,
    queries: NDArray[np.uint8],
    names: Sequence[str],
    output: Output,
    protocol: Mapping[str, Any],
    rows: ArrayLike | None = None,
) -> None:
    """Writes what `search` found: result.json, neighbours.png, and subspaces.png where there are.

    Args:
        found: What it found.
        index: What was searched.
        queries: uint8 (Q, H, W, C).
        names: Q names.
        output: The folder.
        protocol: Of what it was found, ready for JSON.
        rows: The rows of the queries, where they are images of the index.
    """
    from zoo.reporting import neighbours, save, subspace_neighbours

    result = {
        **protocol,
        **{key: index.about[key] for key in ("data", "model", "fingerprint")},
        "images": len(index),
        "made": index.about.get("made"),
        "near": found.near,
        "exact": found.exact,
        "agreement": found.agreement,
        "queries": [
            {
                "query": name,
                "neighbours": _listed(index, found.whole, i, found.near),
                "subspaces": {
                    k: _listed(index, part, i, found.near) for k, part in found.subspaces.items()
                },
            }
            for i, name in enumerate(names)
        ],
    }
    how = f"{len(index):,} images of {index.about['data']}, codes of {index.about['model']}"
    by_distance = found.near == "distance"
    labels = None
    if rows is not None and index.labels is not None:
        labels = index.labels[np.column_stack([np.asarray(rows), found.whole.rows])]
    with output.writing(result) as room:
        sheet = np.stack([_row(index, queries, found.whole, i) for i in range(len(queries))])
        figure = neighbours(sheet, found.whole.values, labels, index.class_names, how, by_distance)
        save(figure, room / "neighbours.png")
        if found.subspaces:
            sheets = np.stack(
                [
                    [_row(index, queries, part, i) for part in found.subspaces.values()]
                    for i in range(len(queries))
                ]
            )
            values = np.stack([part.values for part in found.subspaces.values()], axis=1)
            figure = subspace_neighbours(
                sheets, values, [*found.subspaces], protocol=how, distances=by_distance
            )
            save(figure, room / "subspaces.png")


def _row(index: Index, queries: NDArray[np.uint8], nearest: Nearest, i: int) -> NDArray[np.uint8]:
    """A query and its neighbours, (1 + n, H, W, C)."""
    return np.concatenate([queries[i : i + 1], index.images[nearest.rows[i]]])


def _listed(index: Index, nearest: Nearest, i: int, near: str) -> list[dict[str, Any]]:
    return [
        {"name": index.names[row], near: round(float(value), 6)}
        for row, value in zip(nearest.rows[i], nearest.values[i], strict=True)
    ]


def _contents(
    data: Any, samples: int | None, seed: int
) -> tuple[NDArray[np.uint8], list[str], NDArray[np.int64] | None]:
    """Images of a data set, their names, and the class of each where there are classes."""
    parts = _parts(data)
    rows = np.arange(sum(map(len, parts)))
    if samples is not None and checks.integer("samples", samples, low=1) < len(rows):
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(rows), samples, replace=False))
    images, names, labels = _read(parts, rows), [*map(str, rows)], None
    first = parts[0]
    if getattr(first, "paths", None) is not None:
        names = np.concatenate([half.paths for half in parts])[rows].tolist()
    if getattr(first, "labels", None) is not None and first.labels.ndim == 1:
        labels = np.concatenate([half.labels for half in parts])[rows]
    return images, names, labels


def _parts(data: Any) -> list[Any]:
    """Images as they are, or the halves of labelled data that hold some."""
    if isinstance(data, Images):
        return [data]
    return [half for half in (data.train, data.test) if len(half)]


def _read(parts: Sequence[Any], rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The images at ascending rows of data sets that follow one another, no others, and once."""
    images = np.empty((len(rows), *parts[0].image_shape), np.uint8)
    ends = np.cumsum([len(part) for part in parts])
    places = np.searchsorted(rows, ends)
    for part, end, first, last in zip(parts, ends, [0, *places], places, strict=False):
        for start in range(first, last, READ):
            stop = min(start + READ, last)
            images[start:stop] = part.read(rows[start:stop] - (end - len(part)))
    return images
