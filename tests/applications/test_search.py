import importlib.util
import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from applications import Index, Output, SavedModel, load_data
from applications.searching import search, write
from tests.applications.conftest import IMAGE, quadrant_means, save_model
from zoo.data import FactorData, LabelledImages
from zoo.data.pixels import ArrayPixels


@pytest.fixture(scope="module")
def model(quadrants):
    return SavedModel.open(quadrants)


@pytest.fixture(scope="module")
def index(model, quadrant_factors):
    return Index.of(model, quadrant_factors)


def of_codes(codes, **about):
    codes = np.asarray(codes, np.float32)
    images = np.zeros((len(codes), 2, 2, 1), np.uint8)
    return Index(codes, images, [str(i) for i in range(len(codes))], about)


# Neighbours


@pytest.mark.parametrize("count", [1, 5, 300])
def test_they_are_those_of_scikit_learn(count):
    rng = np.random.default_rng(0)
    bank, queries = rng.normal(size=(300, 6)), rng.normal(size=(20, 6))
    found = of_codes(bank).nearest(queries, count)
    peer = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(bank)
    distances, rows = peer.kneighbors(queries)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.values, 1 - distances, atol=1e-6)


@pytest.mark.parametrize("count", [1, 5, 300])
def test_by_distance_too(count):
    rng = np.random.default_rng(0)
    bank, queries = rng.normal(3, 1, (300, 6)), rng.normal(3, 1, (20, 6))
    found = of_codes(bank).nearest(queries, count, near="distance")
    peer = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(bank)
    distances, rows = peer.kneighbors(queries)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.values, distances, atol=1e-5)


def test_distance_knows_the_length_of_codes():
    index = of_codes([[1, 0], [9, 0], [4, 1]], subspaces={"first": [0, 1], "rest": [1, 2]})
    assert index.nearest([[4, 0]], 3).rows.tolist() == [[0, 1, 2]]
    near = index.nearest([[4, 0]], 3, near="distance")
    assert near.rows.tolist() == [[2, 0, 1]]
    np.testing.assert_allclose(near.values, [[1, 3, 5]], atol=1e-6)
    part = index.nearest([[4, 7]], 1, "first", without=[2], near="distance")
    assert (part.rows.tolist(), part.values.tolist()) == ([[0]], [[3]])
    with pytest.raises(ValueError, match=r"Unknown measure 'distnce'. Did you mean 'distance'"):
        index.nearest([[4, 0]], 1, near="distnce")


def test_many_queries_are_searched_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    index, queries = of_codes(rng.normal(size=(50, 3))), rng.normal(size=(7, 3))
    whole = index.nearest(queries, 4)
    monkeypatch.setattr("applications.searching.PRODUCTS", 120)  # two queries at once
    apart = index.nearest(queries, 4)
    np.testing.assert_array_equal(apart.rows, whole.rows)
    np.testing.assert_allclose(apart.values, whole.values, atol=1e-6)


def test_codes_that_are_alike_stand_in_their_order():
    found = of_codes([[1, 0], [2, 0], [0, 1], [3, 0]]).nearest([[5, 0]], 3)
    assert found.rows.tolist() == [[0, 1, 3]]
    assert of_codes(np.zeros((4, 2))).nearest([[0, 0]], 3).rows.tolist() == [[0, 1, 2]]


def test_a_query_of_the_index_may_be_left_out():
    index = of_codes([[1, 0], [0, 1], [1, 1]])
    assert index.nearest(index.codes, 1).rows.tolist() == [[0], [1], [2]]
    without = index.nearest(index.codes, 2, without=[0, 1, 2])
    assert without.rows.tolist() == [[2, 1], [2, 0], [0, 1]]


def test_by_a_subspace_the_rest_does_not_matter(index, quadrant_factors):
    query = quadrant_factors.rows_of(np.array([[4, 1, 0, 3]]))
    right = index.nearest(index.codes[query], 20, "right", without=query)
    factors = quadrant_factors.factors[right.rows[0]]
    assert (factors[:, 2] == 0).all()  # of the direction (0, 3)
    assert (factors[:, 3] > 0).all()
    left = quadrant_factors.factors[index.nearest(index.codes[query], 20, "left").rows[0]]
    assert (left[:, 0] == 4).all()
    assert (left[:, 1] == 1).all()


def test_search_knows_every_subspace_that_holds_something(quadrants, quadrant_labels):
    index = Index.of(SavedModel.open(quadrants), quadrant_labels)
    rows = np.arange(10)
    found = search(index, index.codes[rows], 3, rows)
    assert set(found.subspaces) == {"left", "right"}
    same = index.labels[found.whole.rows] == index.labels[rows][:, None]
    assert found.agreement == same.mean() > 0.8
    index.codes[:, index.subspaces["right"]] = 0
    assert set(search(index, index.codes[rows], 3).subspaces) == {"left"}
    assert search(index, index.codes[rows], 3).agreement is None


# What is indexed


def test_both_halves_of_a_folder_are_indexed(model, picture_folder):
    name = f"folder:{picture_folder}"
    index = Index.of(model, load_data(model, name), name)
    assert len(index) == 80
    assert index.names[0].startswith("train/bottom-left/")
    assert index.names[-1].startswith("test/top-right/")
    assert [index.class_names[label].replace("-", " ") for label in index.labels] == [
        name.split("/")[1].replace("-", " ") for name in index.names
    ]
    some = Index.of(model, load_data(model, name), name, samples=30)
    assert len(some) == len(some.labels) == 30
    rows = [index.names.index(name) for name in some.names]
    np.testing.assert_array_equal(some.images, index.images[rows])
    np.testing.assert_array_equal(some.labels, index.labels[rows])
    np.testing.assert_allclose(some.codes, index.codes[rows], atol=1e-6)


def test_some_images_with_factors_are_indexed(model, quadrant_factors):
    index = Index.of(model, quadrant_factors, samples=50, seed=1)
    rows = [int(name) for name in index.names]
    assert len(set(rows)) == 50
    np.testing.assert_array_equal(index.images, quadrant_factors.read(rows))
    assert index.labels is None


def test_images_of_an_array_are_indexed(model, quadrant_factors):
    images = quadrant_factors.read(slice(None))
    index = Index.of(model, images)
    assert (len(index), index.about["data"], index.labels) == (625, "images", None)
    assert search(index, model.encode(images[[7]])).whole.rows[0, 0] == 7
    labels = np.arange(625) % 2
    known = Index.of(model, LabelledImages("mine", images, labels), samples=50)
    np.testing.assert_array_equal(known.labels, labels[[int(name) for name in known.names]])
    with pytest.raises(
        ValueError, match=r"Expected images of shape \(N, H, W, C\) and dtype uint8"
    ):
        Index.of(model, "folder:pictures")


def test_images_are_read_once_and_those_that_are_taken_alone(model, quadrant_labels, monkeypatch):
    """A million images of which some are drawn may not fit in memory."""
    monkeypatch.setattr("applications.searching.READ", 7)
    read, whole = [], Index.of(model, quadrant_labels)
    monkeypatch.setattr(
        ArrayPixels, "read", lambda self, rows: read.append(len(rows)) or self.images[rows]
    )
    assert len(Index.of(model, quadrant_labels)) == sum(read) == len(whole)
    both = np.concatenate([quadrant_labels.train.images, quadrant_labels.test.images])
    np.testing.assert_array_equal(whole.images, both)
    read.clear()
    some = Index.of(model, quadrant_labels, samples=30)
    assert sum(read) == 30
    assert max(read) <= 7
    rows = np.array(some.names, int)
    assert rows[0] < len(quadrant_labels.train) <= rows[-1]
    np.testing.assert_array_equal(some.images, both[rows])
    np.testing.assert_array_equal(some.labels, whole.labels[rows])
    with pytest.raises(ValueError, match="Expected samples to be an integer of at least 1"):
        Index.of(model, quadrant_labels, samples=0)


# Its file


def test_a_saved_index_is_the_same(model, quadrant_labels, tmp_path):
    index = Index.of(model, quadrant_labels, "mine")
    loaded = Index.load(index.save(tmp_path / "index.npz"), model)
    for name in ("codes", "images", "labels"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(index, name))
    assert loaded.names == index.names
    assert loaded.about == index.about
    assert loaded.subspaces == model.subspaces
    assert loaded.class_names == list(quadrant_labels.class_names)
    with np.load(tmp_path / "index.npz", allow_pickle=False) as archive:  # holds no pickle
        assert {archive[name].dtype.kind for name in archive} == {"U", "f", "u", "i"}


def test_an_index_of_another_model_is_refused(index, tmp_path):
    path = index.save(tmp_path / "index.npz")
    other = save_model(
        tmp_path / "other", {"encode": (lambda x: 2 * quadrant_means(x), {"image": IMAGE}, "codes")}
    )
    with pytest.raises(
        ValueError, match=r"of codes of other. Received: .*of codes of quad.*/1, an"
    ):
        Index.load(path, SavedModel.open(other))


def test_damaged_files_are_refused(index, tmp_path):
    path = index.save(tmp_path / "index.npz")
    (tmp_path / "half.npz").write_bytes(path.read_bytes()[:1000])
    (tmp_path / "text.npz").write_text("no index")
    np.savez(tmp_path / "other.npz", x_train=np.zeros(3))
    np.savez(tmp_path / "pickle.npz", about=np.array([{}], dtype=object))
    for name in ("half", "text", "other", "pickle"):
        with pytest.raises(ValueError, match=rf"Expected .*{name}\.npz to be a whole index"):
            Index.load(tmp_path / f"{name}.npz")
    with pytest.raises(FileNotFoundError, match=r"Expected an index at .*nothing is there"):
        Index.load(tmp_path / "nothing.npz")
    with pytest.raises(ValueError, match=r"Expected a path that ends in \.npz"):
        index.save(tmp_path / "index.npy")


def test_what_is_no_index_is_not_replaced(index, tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros(3))
    np.savez(tmp_path / "about.npz", about=np.array('{"model": "m", "fingerprint": "f"}'))
    np.savez(tmp_path / "pickle.npz", about=np.array([{}], dtype=object))
    (tmp_path / "text.npz").write_text("no index")
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "loose.npz").symlink_to(tmp_path / "elsewhere")
    there = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    for path in tmp_path.iterdir():
        with pytest.raises(ValueError, match=rf"nothing at .*{path.name}, or an earlier index"):
            index.save(path)
    assert {path: path.read_bytes() for path in there} == there
    index.save(index.save(tmp_path / "index.npz"))
    with pytest.raises(NotADirectoryError, match=r"text\.npz"):
        index.save(tmp_path / "text.npz" / "index.npz")


# What is refused


def test_more_neighbours_than_images_are_refused():
    index = of_codes(np.eye(3))
    with pytest.raises(ValueError, match=r"at most 3 neighbours, .*there are images.*Received: 4"):
        index.nearest(np.eye(3), 4)
    with pytest.raises(ValueError, match=r"at most 2 neighbours, .*other images.*Received: 3"):
        index.nearest(np.eye(3), 3, without=[0, 1, 2])
    with pytest.raises(ValueError, match="Expected count to be an integer of at least 1"):
        index.nearest(np.eye(3), 0)


def test_other_codes_and_subspaces_are_refused():
    index = of_codes(np.eye(3), subspaces={"shape": [0, 2], "colour": [2, 3]})
    with pytest.raises(ValueError, match=r"codes of 3 dimensions, as the index has. Received: 2"):
        index.nearest(np.zeros((1, 2)), 1)
    with pytest.raises(ValueError, match=r"Unknown subspace 'shap'. Did you mean 'shape'"):
        index.nearest(np.eye(3), 1, "shap")
    with pytest.raises(ValueError, match=r"Unknown subspace 'shape'\. There is none\."):
        of_codes(np.eye(3)).nearest(np.eye(3), 1, "shape")
    with pytest.raises(ValueError, match="NaN or infinity"):
        of_codes([[np.nan, 1]])
    with pytest.raises(
        ValueError, match=r"Expected subspaces: .*of 3 codes.* Received: {'shape': \[0, 4"
    ):
        of_codes(np.eye(3), subspaces={"shape": [0, 4]})
    with pytest.raises(ValueError, match="an image and a name for each of 2 codes"):
        Index(np.eye(2), np.zeros((1, 2, 2, 1), np.uint8), ["a", "b"], {})


# Approximate search


def stand_in():
    """What of faiss is used, exact, in NumPy."""

    class Graph:
        def __init__(self, width, links, metric):
            self.hnsw, self.codes = types.SimpleNamespace(efSearch=0), np.zeros((0, width))
            assert (links, metric) == (32, "inner product")

        def add(self, codes):
            self.codes = codes

        def search(self, queries, count):
            table = queries @ self.codes.T
            rows = np.argsort(-table, axis=1, kind="stable")[:, :count]
            return np.take_along_axis(table, rows, axis=1), rows

    def restored(stored):
        codes = stored.view(np.float32).reshape(-1, 4)
        graph = Graph(4, 32, "inner product")
        graph.add(codes)
        return graph

    module = types.ModuleType("faiss")
    module.METRIC_INNER_PRODUCT = "inner product"
    module.IndexHNSWFlat, module.deserialize_index = Graph, restored
    module.serialize_index = lambda graph: np.frombuffer(graph.codes.tobytes(), np.uint8)
    module.__spec__ = importlib.util.spec_from_loader("faiss", None)
    return module


@pytest.mark.parametrize("real", [False, True], ids=["stand-in", "faiss"])
def test_a_graph_finds_nearly_all_neighbours(index, model, tmp_path, monkeypatch, real):
    if real:
        pytest.importorskip("faiss")
    else:
        monkeypatch.setitem(sys.modules, "faiss", stand_in())
    queries = np.random.default_rng(0).normal(size=(30, 4))
    exact = index.nearest(queries, 5)
    path = index.with_graph().save(tmp_path / "index.npz")
    walked = Index.load(path, model)
    found = walked.nearest(queries, 5)
    np.testing.assert_allclose(found.values, exact.values, atol=0.02)
    assert found.rows.shape == (30, 5)
    by_part, by_part_exact = (one.nearest(queries, 5, "left") for one in (walked, index))
    np.testing.assert_array_equal(by_part.rows, by_part_exact.rows)


def test_where_a_walk_meets_too_few_the_search_is_exact(index, monkeypatch):
    queries = np.random.default_rng(0).normal(size=(5, 4))
    exact = index.nearest(queries, 3)
    module = stand_in()
    search_all = module.IndexHNSWFlat.search

    def cut_off(self, codes, count):
        cosines, rows = search_all(self, codes, count)
        rows[1, 2:], cosines[1, 2:] = -1, -3.4e38  # as faiss fills them
        rows[4], cosines[4] = -1, -3.4e38
        return cosines, rows

    module.IndexHNSWFlat.search = cut_off
    monkeypatch.setitem(sys.modules, "faiss", module)
    found = index.with_graph().nearest(queries, 3)
    np.testing.assert_array_equal(found.rows, exact.rows)
    np.testing.assert_allclose(found.values, exact.values, atol=1e-6)


def test_an_index_with_a_graph_is_searched_without_faiss(index, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", stand_in())
    walked = index.with_graph()
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr("applications.searching.graphs_installed", lambda: False)
    queries = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_array_equal(walked.nearest(queries, 3).rows, index.nearest(queries, 3).rows)


# The command


def test_a_folder_is_indexed_once_and_asked_often(command, quadrants, picture_folder, tmp_path):
    folder = f"folder:{picture_folder}"
    answer = command("apply", "search", quadrants, "--data", folder, "--neighbours", "3")
    assert answer.code == 0, answer.err
    made, header, *table, agreed, timed, also = answer.out.splitlines()
    own = f"applied/index-{quadrants.parent.name}-1.npz"
    assert made.startswith(f"{own}: 80 images indexed in ")
    assert header.split() == ["query", "nearest,", "by", "cosine"]
    assert len(table) == 6
    assert table[0].count(".png") == 4
    assert agreed.startswith("of the query's class: ")
    assert timed.startswith("searched 80 images in ")
    assert also == "also in applied/search"
    result = json.loads((tmp_path / "applied/search/result.json").read_text())
    assert (result["data"], result["images"], len(result["queries"])) == (folder, 80, 6)
    for name in ("neighbours.png", "subspaces.png"):
        assert (tmp_path / "applied" / "search" / name).is_file()

    picture = next((picture_folder / "test").rglob("*.png"))
    asking = ("apply", "search", quadrants, "--query", picture, "--out", "again")
    answer = command(*asking, "--near", "distance")
    assert answer.code == 0, answer.err
    there, header, row, *_ = answer.out.splitlines()
    assert there == f"{own}: 80 images of {folder}, indexed before"
    assert header.endswith("nearest, by distance")
    assert row.startswith(picture.name)
    [asked] = json.loads((tmp_path / "again/result.json").read_text())["queries"]
    assert asked["neighbours"][0]["distance"] == 0
    assert len(asked["neighbours"]) == len(asked["subspaces"]["left"]) == 8

    np.savez("mnist.npz", x_train=np.zeros(3))
    refusals = [
        (
            ("--data", "digits"),
            f"Expected an index of digits. Received: {own}, of folde",
        ),
        (
            ("--data", folder, "--index", picture, "--overwrite"),
            "Expected a path that ends in .npz. Received: ",
        ),
        (
            ("--data", "digits", "--index", "mnist.npz", "--overwrite"),
            "Expected nothing at mnist.npz, or an earlier index. Received: something else",
        ),
        (("--query", picture, "--draw", "2"), "Expected --draw or --query. Received: both."),
        (("--neighbours", "80"), "Expected at most 79 neighbours"),
        (("--index", "index.zip"), "Expected a path that ends in .npz. Received: 'index.zip'"),
        (("--query", tmp_path / "again/result.json"), "result.json to be an image"),
        ((), "applied/search is there already"),
    ]
    for i, (arguments, said) in enumerate(refusals):
        out = ("--out", f"out{i}") if arguments else ()
        answer = command("apply", "search", quadrants, *arguments, *out)
        assert answer.code == 2
        assert said in answer.err
        assert not (tmp_path / f"out{i}").exists()


def test_each_model_has_an_index_of_its_own(command, quadrants, encoder_only, picture_folder):
    given = ("--data", f"folder:{picture_folder}", "--neighbours", "1", "--draw", "1")
    for model, again in ((quadrants, ()), (encoder_only, ()), (quadrants, ("--overwrite",))):
        answer = command("apply", "search", model, *given, "--out", f"of-{model.name}", *again)
        assert answer.code == 0, answer.err
    [other] = Path("applied").glob(f"index-{quadrants.parent.name}-1.npz")
    answer = command("apply", "search", encoder_only, "--index", other, "--overwrite")
    assert answer.code == 2
    assert "another model. Make one at another path (--index), or in its place (--ov" in answer.err


def test_cosines_that_are_nearly_1_are_told_apart(command, tmp_path, picture_folder):
    def encode(image):  # codes of one direction, nearly: what is far from 0 has such
        return quadrant_means(image) + 4

    folder = save_model(tmp_path / "far", {"encode": (encode, {"image": IMAGE}, "codes")})
    given = ("apply", "search", folder, "--data", f"folder:{picture_folder}", "--draw", "2")
    answer = command(*given)
    assert answer.code == 0, answer.err
    row, hint = answer.out.splitlines()[2], answer.out.splitlines()[4]
    values = [word.rstrip(",") for word in row.split() if word.startswith(("0.9", "1.0"))]
    assert len(set(values)) > 1
    assert hint.startswith("These cosines hardly differ: --near distance knows the length of codes")
    assert "hardly differ" not in command(*given, "--near", "distance", "--out", "far-off").out


def test_an_index_in_the_folder_of_the_result_is_refused(command, quadrants):
    for index in ("out/index.npz", "out/../out/made/index.npz"):
        answer = command("apply", "search", quadrants, "--index", index, "--out", "out")
        assert answer.code == 2
        assert "Expected --index outside of --out, which is written anew each time" in answer.err
        assert index in answer.err


def test_flags_that_an_index_was_not_made_by_are_refused(
    command, tmp_path, quadrants, quadrant_factors, monkeypatch
):
    monkeypatch.setitem(sys.modules, "faiss", stand_in())
    factors, names = quadrant_factors.factors, quadrant_factors.factor_names
    pixels = ArrayPixels(quadrant_factors.read(slice(None)))
    monkeypatch.setattr(
        "zoo.data.load",
        lambda name, subset=None: FactorData(name, pixels, factors, names).subset(**(subset or {})),
    )
    given = ("apply", "search", quadrants, "--index", "index.npz", "--draw", "1")
    made = (*given, "--data", "quadrants", "--subset", "top left=1,0")
    answer = command(*made, "--samples", "50")
    assert answer.code == 0, answer.err
    result = json.loads((tmp_path / "applied/search/result.json").read_text())
    settings = {"name": "quadrants", "subset": {"top left": [0, 1]}}
    assert result["made"] == {"data": settings, "of": 250, "seed": 0}
    assert result["saved_model"] == str(quadrants)
    for i, again in enumerate((given, made, (*made, "--samples", "50"))):
        answer = command(*again, "--seed", "2", "--out", f"out{i}")
        assert answer.code == 0, answer.err
        assert answer.out.startswith("index.npz: 50 of 250 images of quadrants, indexed before\n")
    for flags, said in (
        (("--samples", "60"), "Expected an index of 60 images. Received: index.npz, of 50 of 250."),
        (("--subset", "top left=1"), "Expected an index of --subset top left=1. Received: index"),
        (("--data", "digits"), "Expected an index of digits. Received: index.npz, of quadrants."),
        (("--approximate",), "Expected an index with a graph. Received: index.npz, made without"),
    ):
        answer = command(*given, *flags, "--out", "out")
        assert answer.code == 2
        assert said in answer.err
    index = Index.load("index.npz")
    index.about.pop("made")  # as it was not told once
    index.save("index.npz")
    assert command(*given, "--samples", "60", "--out", "out").code == 0
    assert "of all values" in command(*made, "--out", "out3").err


def test_without_faiss_the_search_is_exact(command, encoder_only, picture_folder, monkeypatch):
    monkeypatch.setattr("applications.searching.graphs_installed", lambda: False)
    loose = next((picture_folder / "train").iterdir())
    given = ("apply", "search", encoder_only, "--data", f"folder:{loose}", "--neighbours", "2")
    answer = command(*given, "--draw", "2", "--approximate")
    assert answer.code == 0, answer.err
    assert "faiss is not installed (repzoo[search]): the search is exact" in answer.out
    assert "class" not in answer.out


def test_the_command_makes_a_graph(command, encoder_only, picture_folder, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "faiss", stand_in())
    given = ("apply", "search", encoder_only, "--data", f"folder:{picture_folder}")
    answer = command(*given, "--approximate", "--index", "graph.npz")
    assert answer.code == 0, answer.err
    assert Index.load(tmp_path / "graph.npz").graph is not None
    assert answer.out.splitlines()[-2].endswith(" ms a query")  # none is its own neighbour
    picture = next((picture_folder / "test").rglob("*.png"))
    asked = command("apply", "search", encoder_only, "--index", "graph.npz", "--query", picture,
                    "--out", "asked")  # fmt: skip
    assert asked.out.splitlines()[-2].endswith(" ms a query, by walks of the graph")
    for out, exact in (("applied/search", True), ("asked", False)):
        assert json.loads((tmp_path / out / "result.json").read_text())["exact"] is exact
    shutil.rmtree("applied")
    changed = command(*given, "--index", "graph.npz", "--overwrite")
    assert "80 images indexed" in changed.out
    assert Index.load(tmp_path / "graph.npz").graph is None


def test_the_sheet_shows_classes_of_the_index_alone(model, quadrant_labels, tmp_path):
    index = Index.of(model, quadrant_labels)
    rows = [0, 5]
    for i, known in enumerate((rows, None)):
        found = search(index, index.codes[rows], 2, known)
        write(found, index, index.images[rows], ["a", "b"], Output(tmp_path / str(i)), {}, known)
        with Image.open(tmp_path / str(i) / "neighbours.png") as picture:
            assert picture.width > 400
    results = [json.loads((tmp_path / str(i) / "result.json").read_text()) for i in (0, 1)]
    assert [result["agreement"] is None for result in results] == [False, True]


def test_a_model_of_encode_alone_has_no_subspaces(encoder_only, quadrant_factors):
    index = Index.of(SavedModel.open(encoder_only), quadrant_factors)
    assert search(index, index.codes[:2], 3).subspaces == {}
