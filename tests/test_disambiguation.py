"""What a method makes of candidate labels: its scores, and the labels as a file."""

import csv

import keras
import numpy as np
import pytest

from tests.told import CLASSES, numbered, told
from zoo import disambiguation
from zoo.data import LabelledData, LabelledImages
from zoo.metrics import approximated_accuracy, covering_rate
from zoo.metrics.approximated_accuracy import within

TRUE = np.arange(256) % 4


def drawn(seed=0):
    """Probabilities of 4 classes for each of 256 images, and others within any candidates."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(4), 256), rng.dirichlet(np.ones(4), 256)


# Scores


def test_the_scores_are_of_the_parts_that_they_name():
    data, (p, q) = numbered(200, test=40), drawn()
    method = told(p, q)
    found = disambiguation.scored(method, data)
    learned, kept = data.validation_rows()
    sets = data.train.candidates
    expected = {
        "accuracy": np.mean(p[kept].argmax(axis=1) == TRUE[kept]),
        "disambiguated": np.mean((q[learned] * sets[learned]).argmax(axis=1) == TRUE[learned]),
        "max_confidence": (q[learned] * sets[learned]).max(axis=1).mean(),
        "covering_rate": covering_rate(p[kept], sets[kept]),
        "approximated_accuracy": approximated_accuracy(p[kept], sets[kept]),
    }
    assert list(found) == list(expected) == list(disambiguation.names_of(data))
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value), name
        of_learned = name in ("disambiguated", "max_confidence")
        assert found[name].protocol == {
            "data": "numbers",
            "candidates_per_image": round(sets.sum(axis=1).mean(), 2),
            "split": "train" if of_learned else "validation",
            "samples": len(learned) if of_learned else len(kept),
            "seed": 0,
        }
    assert "split train" in str(found["disambiguated"])


def test_of_the_test_half_there_is_the_accuracy_alone():
    data, (p, q) = numbered(200, test=40), drawn()
    before = disambiguation.scored(told(p, q), data)
    found = disambiguation.scored(told(p, q), data, split="test")
    accuracy = found.pop("accuracy")
    assert accuracy.value == np.mean(p[160:200].argmax(axis=1) == TRUE[160:200])
    assert (accuracy.protocol["split"], accuracy.protocol["samples"]) == ("test", 40)
    before.pop("accuracy")
    assert found == before
    without = disambiguation.scored(told(p, q), numbered(200), split="test")  # there is no test
    assert without["accuracy"].protocol["split"] == "validation"


def test_where_no_true_label_is_known_there_are_no_accuracies():
    data, (p, q) = numbered(labels=False), drawn()
    found = disambiguation.scored(told(p, q), data)
    assert list(found) == ["max_confidence", "covering_rate", "approximated_accuracy"]
    assert list(found) == list(disambiguation.names_of(data))


def test_a_method_that_knows_the_truth_scores_one():
    sure = np.eye(4)[TRUE]
    found = disambiguation.scored(told(sure, sure), numbered())
    assert {score.value for score in found.values()} == {1.0}


def test_a_label_is_not_resolved_where_candidates_are_equally_likely():
    data, (p, _) = numbered(), drawn()
    learned = data.validation_rows()[0]
    single = data.train.candidates.sum(axis=1)[learned] == 1
    equal = disambiguation.scored(told(p, np.ones((256, 4))), data)["disambiguated"]
    assert equal.value == pytest.approx(single.mean())


def test_samples_are_drawn_and_many_images_are_read_in_parts(monkeypatch):
    data, (p, q) = numbered(), drawn()
    whole = disambiguation.scored(told(p, q), data)
    monkeypatch.setattr(disambiguation, "READ", 7)
    assert disambiguation.scored(told(p, q), data) == whole
    some, other = (disambiguation.scored(told(p, q), data, 15, seed) for seed in (0, 1))
    assert {score.protocol["samples"] for score in some.values()} == {15}
    assert some["max_confidence"].value != other["max_confidence"].value


def test_an_image_is_asked_about_by_its_row_among_those_learned_from():
    data, method = numbered(), told(*drawn())
    learned = data.validation().train
    disambiguation.resolved(method, learned, np.array([3, 1]))
    assert method.asked.tolist() == [3, 1]


def test_what_is_not_finite_is_no_score():
    p, q = drawn()
    with pytest.raises(disambiguation.NotFinite, match=r"Received: NaN or infinity"):
        disambiguation.scored(told(p * np.nan, q), numbered())


def test_data_need_candidates():
    bare = numbered().train
    bare = LabelledData("bare", LabelledImages("bare", bare._pixels, bare.labels), bare, CLASSES)
    for verb in (disambiguation.scored, disambiguation.cleaned):
        with pytest.raises(ValueError, match=r"candidate labels.* Received: bare, which has none"):
            verb(told(*drawn()), bare)


def test_a_method_for_other_images_is_not_asked():
    """Each row that it would be asked about is there, but is another image's."""
    data, method = numbered(), told(*drawn())
    method.num_samples = 200  # those that validate among them
    for verb in (disambiguation.scored, disambiguation.cleaned):
        with pytest.raises(ValueError, match=r"Expected Told to learn .*, 180 images\..*=200\."):
            verb(method, data)
        with pytest.raises(ValueError, match=r"a zoo\.data\.LabelledData\. Received: LabelledImag"):
            verb(method, data.train)
        with pytest.raises(ValueError, match=r"learns from candidates\. Received: Model\."):
            verb(keras.Model(), data)


# Cleaned labels


def test_every_image_gets_its_likeliest_candidate():
    data, (p, q) = numbered(), drawn()
    found = disambiguation.cleaned(told(p, q), data)
    sets = data.train.candidates
    learned, kept = data.validation_rows()
    assert found.held_out[kept].all()
    assert not found.held_out[learned].any()
    np.testing.assert_array_equal(found.candidates, sets.sum(axis=1))
    table = q[:200] * sets
    table[kept] = within(p[kept], sets[kept])
    np.testing.assert_array_equal(found.labels, table.argmax(axis=1))
    np.testing.assert_allclose(found.confidence, table.max(axis=1))
    assert sets[np.arange(200), found.labels].all()


def test_the_classifier_may_be_asked_about_every_image():
    data, (p, q) = numbered(), drawn()
    found = disambiguation.cleaned(told(p, q), data, by_classifier=True)
    table = within(p[:200], data.train.candidates)
    np.testing.assert_array_equal(found.labels, table.argmax(axis=1))
    np.testing.assert_allclose(found.confidence, table.max(axis=1))
    assert found.held_out.sum() == len(data.validation_rows()[1])


def test_a_label_is_a_candidate_even_where_nothing_is_known():
    data = numbered(candidates=np.eye(4)[TRUE[:200]] + np.eye(4)[(TRUE[:200] + 1) % 4])
    found = disambiguation.cleaned(told(np.zeros((256, 4)), np.zeros((256, 4))), data)
    assert data.train.candidates[np.arange(200), found.labels].all()


def test_the_labels_as_a_file(tmp_path):
    data, (p, q) = numbered(), drawn()
    found = disambiguation.cleaned(told(p, q), data)
    disambiguation.write_csv(tmp_path / "labels.csv", data, found)
    lines = list(csv.DictReader((tmp_path / "labels.csv").read_text().splitlines()))
    assert list(lines[0]) == [
        "index",
        "label",
        "confidence",
        "num_candidates",
        "ambiguous",
        "held_out",
    ]
    assert [int(line["index"]) for line in lines] == list(range(200))
    assert [line["label"] for line in lines] == [CLASSES[label] for label in found.labels]
    confidence = [float(line["confidence"]) for line in lines]
    np.testing.assert_allclose(confidence, found.confidence, atol=1e-6)
    assert [int(line["num_candidates"]) for line in lines] == found.candidates.tolist()
    for line in lines:
        assert line["ambiguous"] == ("true" if int(line["num_candidates"]) > 1 else "false")
    assert sum(line["held_out"] == "true" for line in lines) == 20


def test_images_of_files_are_named_by_their_paths(tmp_path):
    data = numbered(4)
    images = data.train
    paths = [f"walk, {i}.png" for i in range(4)]
    named = LabelledImages("files", images._pixels, images.labels, paths=paths)
    data = LabelledData("files", named, data.test, CLASSES).with_candidates(images.candidates)
    found = disambiguation.Cleaned(
        np.array([0, 1, 2, 3]), np.ones(4), np.ones(4, int), np.zeros(4, bool)
    )
    disambiguation.write_csv(tmp_path / "labels.csv", data, found)
    lines = list(csv.reader((tmp_path / "labels.csv").read_text().splitlines()))
    assert lines[0][:2] == ["path", "label"]
    assert [line[0] for line in lines[1:]] == paths
    assert [line[1] for line in lines[1:]] == [*CLASSES]
