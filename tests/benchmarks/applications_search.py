"""How fast 60,000 images are indexed and searched, beside scikit-learn.

    python tests/benchmarks/applications_search.py         (half a minute on two cores)

The images are MNIST's, from $REPZOO_TEST_DATA/data/mnist.npz, encoded by the export that the
repository carries; where they are not there, the index is of as many random codes. Queries are
images of the test half, one at a time, as a user asks. The two sides search the same codes in turn,
so that both see the same state of the machine: `Index.nearest`, and scikit-learn's brute-force
`NearestNeighbors` by cosine. They must name the same neighbours.

The same is then done with random codes of a contrastive encoder's width, 512.

Indexed: in seconds, 60 at most with the encoding and 5 without. A query: under 50 ms, its encoding
counted in. Prints whether both hold, and exits with 1 where one does not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from applications import Index, SavedModel, load_data

MODEL = Path(__file__).parents[2] / "saved_models" / "beta_vae-dsprites"
IMAGES, COUNT = 60_000, 8
MOST_SECONDS, MOST_BARE_SECONDS, MOST_QUERY_SECONDS = 60.0, 5.0, 0.05


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a function takes, and what it gives."""
    began = time.perf_counter()
    value = function()
    return time.perf_counter() - began, value


def searched(index: Index, queries: np.ndarray) -> tuple[float, float]:
    """The median seconds of a query, ours and scikit-learn's, which must agree."""
    peer = NearestNeighbors(n_neighbors=COUNT, metric="cosine", algorithm="brute").fit(index.codes)
    queries = queries.astype(np.float32)  # as the codes: scikit-learn would make doubles of both
    index.nearest(queries[:1], COUNT)  # codes are brought to length 1 once
    ours, theirs, alike, busy = [], [], [], 0.0
    for query in queries:
        began = time.process_time()
        seconds, near = timed(lambda query=query: index.nearest(query[None], COUNT))
        busy += time.process_time() - began
        ours.append(seconds)
        seconds, (_, rows) = timed(lambda query=query: peer.kneighbors(query[None]))
        theirs.append(seconds)
        alike.append(len(set(near.rows[0]) & set(rows[0])) / COUNT)
    print(f"  the same neighbours: {100 * statistics.mean(alike):.1f} %")
    print(f"  processor time of a search: {1000 * busy / len(queries):.1f} ms, all cores together")
    return statistics.median(ours), statistics.median(theirs)


def bare(codes: np.ndarray) -> tuple[float, Index]:
    """Seconds in which codes become an index that lies in a file, is read and asked once."""
    images = np.zeros((len(codes), 1, 1, 1), np.uint8)
    names = [str(row) for row in range(len(codes))]
    about = {"data": "codes", "model": "none", "fingerprint": ""}

    def made() -> Index:
        with tempfile.TemporaryDirectory() as folder:
            index = Index(codes, images, names, about)
            index = Index.load(index.save(Path(folder) / "index.npz"))
        index.nearest(codes[:1], COUNT)
        return index

    return timed(made)


def told(what: str, seconds: float, most: float) -> bool:
    """Prints a measurement and its bar; whether it is met."""
    met = seconds <= most
    print(f"  {what}: {seconds:.3f} s, at most {most:g}: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    """Measures, prints, and says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--queries", type=int, default=50)
    queries = parser.parse_args().queries
    met = []
    file = Path(os.environ.get("REPZOO_TEST_DATA", "")) / "data" / "mnist.npz"
    if file.is_file():
        model = SavedModel.open(MODEL)
        data = load_data(model, f"mnist:{file}", resize=True)
        whole = data.with_halves(data.train, data.test._chosen(np.arange(0)))
        print(f"{len(data.train):,} images of MNIST, {model.code_size} codes of {model.name}")
        seconds, index = timed(lambda: Index.of(model, whole, progress=True))
        met.append(told("read, resized, encoded and indexed", seconds, MOST_SECONDS))
        images = data.test.read(range(queries))
        encoding = [timed(lambda image=image: model.encode(image[None]))[0] for image in images]
        ours, theirs = searched(index, model.encode(images))
        encoded = statistics.median(encoding)
        met.append(told("a query, its encoding counted in", encoded + ours, MOST_QUERY_SECONDS))
        print(f"  of that the search {1000 * ours:.1f} ms; scikit-learn {1000 * theirs:.1f} ms")
    rng = np.random.default_rng(0)
    for width in (10, 512):
        codes = rng.normal(size=(IMAGES, width)).astype(np.float32)
        print(f"{IMAGES:,} random codes of {width}")
        seconds, index = bare(codes)
        met.append(told("indexed, written, read, asked once", seconds, MOST_BARE_SECONDS))
        ours, theirs = searched(index, rng.normal(size=(queries, width)))
        met.append(told("a search", ours, MOST_QUERY_SECONDS))
        print(f"  scikit-learn {1000 * theirs:.1f} ms, {theirs / ours:.1f} times as long")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
