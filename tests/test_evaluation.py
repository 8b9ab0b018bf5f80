"""The batches in which a run's terms are measured."""

import json
import pathlib
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from tests import parts
from tests.callbacks import tiny
from zoo.data.images import Images
from zoo.data.labels import LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels
from zoo.data.views import View, Views
from zoo.evaluation import BATCH, _in_batches, evaluate
from zoo.metrics.linear_probe import probed


class Finished:
    """As much of a run as is scored: a method and n images."""

    pictures = pathlib.Path("none")

    def __init__(self, cls, n, **hyperparameters):
        networks = parts.gaussian_encoder(), parts.decoder()
        self.method = cls(*networks, **hyperparameters)
        self.method.compile(run_eagerly=True)
        self.images = parts.images(n)
        self.written = {}

    def load_method(self):
        return self.method

    def load_data(self):
        return Images("drawn", ArrayPixels(self.images))

    def write(self, name, value):
        self.written[name] = value

    def remove(self, name):
        self.written.pop(name, None)


def terms(scores):
    return {score.name: score.value for score in scores}


@pytest.mark.parametrize(("n", "size"), [(501, 251), (1001, 334)])
@pytest.mark.parametrize(
    ("cls", "hyperparameters"),
    [
        (zoo.DIPVAEI, {}),
        (zoo.DIPVAEII, {}),
        (zoo.InfoVAE, {}),
        (zoo.BetaTCVAE, {"dataset_size": 2000}),
        (zoo.FactorVAE, {"discriminator": parts.discriminator()}),
    ],
)
def test_one_image_more_than_whole_batches_is_no_batch_of_its_own(cls, hyperparameters, n, size):
    run = Finished(cls, n, **hyperparameters)
    scores = evaluate(run, samples=n)
    assert [score.name for score in scores] == ["loss", *cls.terms]
    assert np.isfinite([score.value for score in scores]).all()
    protocol = {"data": "drawn", "samples": n, "batch_size": size, "seed": 0}
    assert all(score.protocol == protocol for score in scores)
    assert run.written["evaluation"]["loss"]["protocol"] == protocol


@pytest.mark.parametrize(("dataset_size", "n", "size"), [(100, 201, 67), (2, 41, 2)])
def test_batches_are_no_larger_than_the_method_takes(dataset_size, n, size):
    scores = evaluate(Finished(zoo.BetaTCVAE, n, dataset_size=dataset_size))
    assert np.isfinite([score.value for score in scores]).all()
    kept = n // size * size
    assert (scores[0].protocol["samples"], scores[0].protocol["batch_size"]) == (kept, size)


@pytest.mark.parametrize("n", [20, 500, 1000])
def test_whole_batches_are_as_large_as_they_may_be(n):
    run = Finished(zoo.VAE, n)
    found = terms(evaluate(run))
    batches = run.method.batches(run.load_data(), min(n, BATCH), seed=0)
    steps = -(-n // BATCH)
    expected = run.method.evaluate(batches, steps=steps, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [501, 1001])
def test_means_over_images_do_not_depend_on_the_batches(n):
    run = Finished(zoo.VAE, n)
    mean, logvar = run.method.encode(run.images)
    kl = float(zoo.losses.gaussian_kl(mean, logvar))
    assert terms(evaluate(run))["kl"] == pytest.approx(kl, rel=1e-5)


def test_too_few_images_to_compare_are_refused():
    run = Finished(zoo.DIPVAEI, 1)
    message = r"^Expected at least 2 images for DIPVAEI\. Received: 1 of drawn\.$"
    with pytest.raises(ValueError, match=message):
        evaluate(run)


# Labels, and views


class Labelled(Finished):
    """A method that learns labels, and images of three classes, of whose test the labels vary."""

    def __init__(self, method, test_labels):
        method.compile(run_eagerly=True)
        self.method, self.test_labels, self.written = method, test_labels, {}

    def load_data(self):
        train = LabelledImages("three", ArrayPixels(parts.images(60)), np.arange(60) % 3)
        test = LabelledImages("three", ArrayPixels(parts.images(5, seed=1)), self.test_labels)
        return LabelledData("three", train, test, "abc")


def sup_con(views="digits"):
    return zoo.SupCon(parts.encoder(), parts.projector(), views=views)


@pytest.mark.parametrize(
    ("views", "said"),
    [("digits", "digits"), (Views(View(area=(0.5, 1.0))), "Views(View(area=(0.5, 1.0)))")],
)
def test_the_loss_says_of_which_views_it_is(views, said):
    loss, *_ = evaluate(Labelled(sup_con(views), np.arange(5) % 3), metrics="effective_rank")
    assert loss.protocol == {
        "data": "three",
        "samples": 5,
        "batch_size": 5,
        "views": said,
        "seed": 0,
    }


def test_without_labels_in_the_test_the_loss_is_of_images_that_validate():
    scores = evaluate(Labelled(sup_con(), None), metrics=["knn", "linear_probe"])
    assert [score.name for score in scores] == [
        *("loss", *zoo.SupCon.terms),
        *("knn", "linear_probe"),
    ]
    assert np.isfinite([score.value for score in scores]).all()
    assert {score.protocol["split"] for score in scores} == {"validation"}
    assert {score.protocol["samples"] for score in scores} == {6}  # a tenth of the training half


def test_images_that_make_no_batch_cost_the_loss_and_no_score():
    run = Labelled(zoo.MarginContrastive(parts.encoder()), np.array([0, 0, 1, 1, 2]))
    said = "left out: loss, attraction, repulsion: Expected at least two classes of at least two"
    with pytest.warns(UserWarning, match=said):
        scores = evaluate(run, metrics="knn")
    assert [score.name for score in scores] == ["knn"]
    assert list(run.written["evaluation"]) == ["knn"]


def test_the_linear_probe_is_fitted_once(tmp_path, monkeypatch):
    fitted = []

    def watched(**arguments):
        fitted.append(arguments["seed"])
        return probed(**arguments)

    monkeypatch.setattr("zoo.evaluation.probed", watched)
    run = Labelled(sup_con(), np.array([0, 1, 2, 0, 1]))
    run.pictures = tmp_path
    scores = terms(evaluate(run, metrics="linear_probe", seed=3))
    assert fitted == [3]
    matrix = np.array(run.written["confusion"]["matrix"])
    assert (matrix.sum(), np.trace(matrix) / 5) == (5, scores["linear_probe"])
    np.testing.assert_array_equal(matrix.sum(axis=1), [2, 2, 1])
    assert (tmp_path / "confusion.png").exists()


@pytest.mark.parametrize("embedding", ["pca", "tsne"])
def test_codes_and_neighbours_of_labelled_data_are_drawn(tmp_path, embedding):
    run = Labelled(sup_con(), np.arange(5) % 3)
    run.pictures = tmp_path
    evaluate(run, metrics="effective_rank", embedding=embedding)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["embedding.png", "neighbours.png"]


# Codes of several subspaces


class Parted(zoo.VAE):
    """A method whose codes have two parts."""

    subspaces = {"down": 2, "rest": 1}
    held = {"down": ("row",), "rest": ("shade", "unknown")}


class OfBars(Finished):
    """A finished run on images of known factors."""

    def load_data(self):
        return tiny.bars()


def test_subspaces_are_scored_and_their_matrix_is_kept(tmp_path):
    run = OfBars(Parted, 1)
    run.pictures = tmp_path
    scores = {score.name: score for score in evaluate(run, samples=300)}
    assert list(scores) == [
        *("loss", "reconstruction", "kl", "mig", "sap"),
        *("subspace_probe_held", "subspace_probe_leak", "subspace_probe_utility"),
        "subspace_mig",
        *(
            f"subspace_dci_{part}"
            for part in ("disentanglement", "completeness", "informativeness")
        ),
        "subspace_information",
    ]
    held = scores["subspace_probe_held"]
    assert (held.protocol["subspaces"], held.protocol["held"]) == ("down 2, rest 1", "as named")
    found = run.written["subspaces"]
    assert found["subspaces"] == {"down": 2, "rest": 1}
    assert found["held"] == {"down": ["row"], "rest": ["shade"]}
    assert found["factors"] == ["row", "shade", "width"]
    accuracy = np.array(found["accuracy"])
    assert accuracy.shape == (2, 3)
    assert held.value == (accuracy[0, 0] + accuracy[1, 1]) / 2
    assert scores["subspace_probe_utility"].value == pytest.approx(np.mean(found["whole"]))
    assert found["information"][0][1] == pytest.approx(scores["subspace_information"].value)
    assert found["information"][0][0] is None
    assert found["protocol"] == dict(held.protocol)
    json.dumps(found, allow_nan=False)
    assert (tmp_path / "subspaces.png").exists()
    evaluate(run, samples=300, metrics="mig")
    assert "subspaces" not in run.written


class Whole(zoo.VAE):
    """A method whose codes have a single part."""

    subspaces = {"all": 3}
    held = {"all": ("row",)}


def test_of_a_single_subspace_nothing_is_compared(tmp_path):
    run = OfBars(Whole, 1)
    run.pictures = tmp_path
    with pytest.raises(ValueError, match=r"Expected at least 2 subspaces.*\{'all': 3\}"):
        evaluate(run, samples=100, metrics="subspace_probe")
    with warnings.catch_warnings(record=True) as left_out:
        warnings.simplefilter("always")
        found = {score.name for score in evaluate(run, samples=50, metrics="all")}
    assert any("subspace_probe: Expected at least 2 subs" in str(w.message) for w in left_out)
    assert "mig" in found
    assert "subspace_probe_held" not in found
    assert "subspaces" not in run.written


def test_a_method_without_subspaces_is_asked_for_none():
    scores = evaluate(OfBars(zoo.VAE, 1), samples=100)
    assert [score.name for score in scores] == ["loss", "reconstruction", "kl", "mig", "sap"]
    with pytest.raises(ValueError, match="Expected codes of named subspaces for subspace_mig"):
        evaluate(OfBars(zoo.VAE, 1), metrics="subspace_mig")


@given(st.data(), st.integers(1, 9), st.integers(0, 600))
def test_every_batch_is_within_the_bounds(data, fewest, beyond):
    most = fewest + beyond
    n = data.draw(st.integers(fewest, 5000))
    size, kept = _in_batches(n, fewest, most)
    assert n - fewest < kept <= n
    assert fewest <= size <= most
    assert not kept % size or fewest <= kept % size
    if beyond >= fewest:  # two batches of the fewest fit one of the most: nearly equal ones exist
        assert -(-kept // size) <= -(-n // most)
