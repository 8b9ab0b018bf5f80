import doctest
import json

import numpy as np
import pytest
import tensorflow as tf

from applications import FineTuning, SavedModel, labelled, load_data
from applications import probing as module
from applications.probing import Labelled, fine_tuned, probe, trainable
from tests.applications.conftest import ENCODE, paint, save_model
from zoo.data import FactorData, LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels
from zoo.metrics import knn, label_probe, linear_probe


@pytest.fixture(scope="module")
def model(quadrants):
    return SavedModel.open(quadrants)


@pytest.fixture(scope="module")
def data(quadrant_labels):
    return labelled(quadrant_labels)


@pytest.fixture(scope="module")
def found(model, data):
    return probe(model, data, ("5", "10%", "all"), k=20)


@pytest.fixture(scope="session")
def learner(tmp_path_factory):
    """An encoder with weights: two codes of 64 pixels, which begin as noise."""
    kernel = tf.Variable(np.random.default_rng(0).normal(0, 0.1, (64, 2)).astype("float32"))
    idle = tf.Variable(np.ones(2, "float32"))

    def encode(images):
        pixels = tf.reshape(tf.cast(images, "float32") / 255, (-1, 64))
        return pixels @ kernel + tf.stop_gradient(0 * idle)

    functions = {"encode": (encode, {"image": ((None, 8, 8, 1), "uint8")}, "codes")}
    card = {"method": "Learner", "subspaces": {"one": [0, 1], "two": [1, 2]}}
    return save_model(tmp_path_factory.mktemp("learners") / "learner", functions, card)


def bright_or_dark(n, seed=0):
    """Pictures of noise; the label is whether the top left pixel is bright."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 8, 8, 1), "uint8")
    return images, (images[:, 0, 0, 0] > 127).astype(np.int64)


def noise(n=400, tests=200):
    return Labelled(*bright_or_dark(n), *bright_or_dark(tests, 1), ("dark", "bright"))


def test_examples():
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0


# Accuracies


def test_they_are_those_of_the_metrics(model, data, found):
    codes, tests = model.encode(data.images), model.encode(data.test_images)
    table = (codes, data.labels, tests, data.test_labels)
    five, ten, everything = found.rows
    assert everything.linear == (linear_probe(*table),)
    assert everything.knn == (knn(*table, k=20),)
    assert ten.linear[1] == label_probe(*table, seed=1).ten_percent
    assert five.fine_tuned == ten.fine_tuned == everything.fine_tuned == ()
    assert everything.linear[0] > 0.95  # the brightest of four codes is a linear question


def test_few_labels_are_drawn_several_times(data, found):
    assert [row.labels for row in found.rows] == ["5", "10%", "all"]
    assert [len(row.linear) for row in found.rows] == [3, 3, 1]
    assert [len(row.knn) for row in found.rows] == [3, 3, 1]
    assert found.rows[0].images == 20
    assert found.rows[2].images == len(data.labels)


def test_of_few_images_few_neighbours_vote(model, data, found):
    assert [row.neighbours for row in found.rows] == [20, 20, 20]
    [few, most] = probe(model, data, ("5", "all"), draws=1).rows
    assert (few.neighbours, most.neighbours) == (4, round(len(data.labels) ** 0.5))
    table = [model.encode(data.images), data.labels, model.encode(data.test_images)]
    assert most.knn == (knn(*table, data.test_labels, k=most.neighbours),)


def test_the_confusion_is_of_the_classifier_that_saw_most(data, found):
    answers = found.classifier.classify(data.test_images).argmax(axis=1)
    assert found.accuracy == np.mean(answers == data.test_labels) == found.rows[2].linear[0]
    assert found.confusion.sum() == len(data.test_labels)
    for true, taken in ((0, 0), (1, 1), (2, 0)):
        count = ((data.test_labels == true) & (answers == taken)).sum()
        assert found.confusion[true, taken] == count


def test_the_head_is_the_linear_probe_of_standardised_codes(model):
    """Codes 1,000 times as large, of another mean, make the same answers."""
    images, labels = bright_or_dark(200)
    tests = bright_or_dark(100, 1)

    class Stretched:
        path, encode = model.path, staticmethod(lambda x, **_: 1000 * model.encode(x) + 7)

    two = Labelled(images, labels, *tests, ("dark", "bright"))
    plain, stretched = (
        probe(one, two, ("all",)).classifier.classify(tests[0]) for one in (model, Stretched())
    )
    np.testing.assert_allclose(plain, stretched, atol=1e-3)
    np.testing.assert_allclose(plain.sum(axis=1), 1, atol=1e-6)


def test_a_class_that_training_lacks_is_never_predicted(model, data):
    some = data.labels != 2
    lacking = data._replace(images=data.images[some], labels=data.labels[some])
    found = probe(model, lacking, ("all",))
    assert found.classifier.class_names == (*data.class_names[:2], data.class_names[3])
    assert found.confusion[:, 2].sum() == 0
    assert found.confusion[2].sum() == (data.test_labels == 2).sum()


# Fine-tuning


def test_encoder_and_head_learn_together(learner):
    model, data = SavedModel.open(learner), noise()
    before = model.encode(data.test_images)
    how = FineTuning(steps=150, batch_size=32, learning_rate=0.03)
    [row] = (found := probe(model, data, ("all",), how)).rows
    assert row.linear[0] < 0.7  # two codes of noise hardly know one pixel
    assert row.fine_tuned[0] > 0.8
    assert found.accuracy == row.fine_tuned[0]
    np.testing.assert_array_equal(model.encode(data.test_images), before)  # a copy learned


def test_it_begins_where_the_linear_probe_ends(learner):
    data = noise(50)
    how = FineTuning(steps=1, learning_rate=1e-9)
    [row] = probe(SavedModel.open(learner), data, ("all",), how).rows
    assert row.fine_tuned == row.linear


def test_the_same_seed_gives_the_same_classifier(learner):
    images, labels = bright_or_dark(40)
    head = module.Classifier(SavedModel.open(learner), np.zeros((2, 2)), np.zeros(2), ("a", "b"))
    how = FineTuning(steps=5, batch_size=16)
    one, same, other = (fine_tuned(head, images, labels, how, seed).weights for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_variables_that_codes_do_not_depend_on_are_left_alone(learner):
    assert [tuple(variable.shape) for variable in trainable(SavedModel.open(learner))] == [(64, 2)]


def test_an_encoder_without_variables_is_refused_before_any_work(model, data):
    with pytest.raises(ValueError, match=r"variables that can be trained.*exported frozen"):
        probe(model, data, fine_tuning=FineTuning())


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch_size": 0}, {"learning_rate": 0}])
def test_settings_of_fine_tuning_are_checked(wrong):
    with pytest.raises(ValueError, match=f"Expected {next(iter(wrong))} to be"):
        FineTuning(**wrong)


# The SavedModel


def test_the_classifier_is_saved_beside_the_other_signatures(found, data, tmp_path):
    folder = found.classifier.save(tmp_path / "1", {"scores": {}})
    loaded = tf.saved_model.load(str(folder))  # by TensorFlow alone
    answers = loaded.signatures["classify"](image=tf.constant(data.test_images))["probabilities"]
    np.testing.assert_allclose(answers, found.classifier.classify(data.test_images), atol=1e-5)
    model = SavedModel.open(folder, ("encode", "decode", "encode_conditioned", "classify"))
    assert model.class_names == data.class_names
    with pytest.raises(FileExistsError, match=r"1 is there already\. Save elsewhere"):
        found.classifier.save(folder)
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match="mine is there already"):
        found.classifier.save(tmp_path / "mine")
    np.testing.assert_allclose(model.classify(data.test_images), answers, atol=1e-6)
    assert set(model.subspaces) == {"left", "right"}
    codes = loaded.signatures["serving_default"](image=tf.constant(data.test_images))["codes"]
    np.testing.assert_allclose(codes, model.encode(data.test_images), atol=1e-6)
    told = model.card["signatures"]["classify"]
    assert told == "image uint8 (N, 8, 8, 1) -> probabilities float32 (N, 4)"
    page = (folder / "README.md").read_text()
    assert page.startswith("# Quadrants, with a classifier\n")
    assert "top left, bottom left, top right, bottom right" in page


def test_of_a_fine_tuned_one_what_does_not_fit_is_left_out(learner, tmp_path):
    images, labels = bright_or_dark(20)
    head = module.Classifier(SavedModel.open(learner), np.ones((2, 2)), np.zeros(2), ("a", "b"))
    tuned = fine_tuned(head, images, labels, FineTuning(steps=2))
    model = SavedModel.open(tuned.save(tmp_path / "1"), ("encode", "classify"))
    np.testing.assert_allclose(model.classify(images), tuned.classify(images), atol=1e-6)
    assert (np.abs(model.encode(images) - head.saved_model.encode(images)) > 0).any()
    assert set(model.loaded.signatures) == {"encode", "serving_default", "classify"}
    assert "subspaces" not in model.card
    assert "fine-tuned together" in model.card["summary"]


def test_a_model_without_a_card_gets_one(encoder_only, data, tmp_path):
    found = probe(SavedModel.open(encoder_only), data, ("all",))
    model = SavedModel.open(found.classifier.save(tmp_path / "1"), ("classify",))
    assert model.card["method"] == "encoder, with a classifier"
    assert "| steps |" not in (tmp_path / "1" / "README.md").read_text()


# Data


def test_factors_are_labels(quadrant_factors):
    data = labelled(quadrant_factors, factor="top right", samples=100)
    assert data.class_names == ("0", "1", "2", "3", "4")
    assert len(data.labels) == len(data.test_labels) == 100
    few = labelled(quadrant_factors, factor="top right", samples=400)
    assert (len(few.labels), len(few.test_labels)) == (500, 125)
    np.testing.assert_allclose(data.images[:, 0, 7, 0] / 255, data.labels / 4, atol=1e-2)


def test_values_of_a_factor_keep_their_numbers_in_a_subset(model, quadrant_factors):
    part = quadrant_factors.subset(**{"top right": [1, 3]})
    assert labelled(part, factor="top right").class_names == ("1", "3")
    alone = labelled(quadrant_factors.subset(**{"top right": 3}), factor="top right")
    with pytest.raises(ValueError, match=r"at least two classes. Received: 3 alone"):
        probe(model, alone)


def test_attributes_are_labels(quadrant_factors):
    images, factors = quadrant_factors.sample(50, seed=0)
    bright = (factors > 2).astype(np.int64)
    halves = [
        LabelledImages("faces", ArrayPixels(images), bright[rows], rows)
        for rows in (np.arange(40), np.arange(40, 50))
    ]
    data = LabelledData("faces", *halves, ["a", "b", "c", "d"])
    found = labelled(data, factor="c")
    assert found.class_names == ("not c", "c")
    np.testing.assert_array_equal(found.test_labels, found.test_images[:, 0, 7, 0] > 150)
    with pytest.raises(ValueError, match=r"the attribute of 'faces' that is the label: a, b, c, d"):
        labelled(data)


def test_a_test_half_is_made_where_there_is_none(quadrant_labels):
    alone = quadrant_labels.with_halves(quadrant_labels.train, quadrant_labels.test._chosen([]))
    data = labelled(alone, samples=100)
    assert (len(data.labels), len(data.test_labels)) == (78, 22)


def test_images_and_labels_may_be_arrays(quadrant_factors):
    images, factors = quadrant_factors.sample(100, seed=0)
    classes = (factors[:, 0] > 2).astype(np.int64)
    data = labelled(LabelledImages("mine", images, classes))
    assert (len(data.labels), len(data.test_labels), data.class_names) == (79, 21, ("0", "1"))
    np.testing.assert_array_equal(data.test_labels, data.test_images[:, 0, 0, 0] > 150)
    bright = LabelledImages("mine", images, (factors > 2).astype(np.int64))
    np.testing.assert_array_equal(labelled(bright, factor="0").labels, data.labels)
    with pytest.raises(ValueError, match=r"Expected images with labels: .*'mine', which has none"):
        labelled(LabelledImages("mine", images, None))


def data_of(labels, names=("cat", "dog")):
    images = ArrayPixels(paint(np.zeros((6, 4))))
    halves = [
        LabelledImages("pets", images, None if labels is None else labels[rows], rows)
        for rows in (np.arange(4), np.arange(4, 6))
    ]
    return LabelledData("pets", *halves, names if labels is not None else ())


def test_images_without_labels_are_refused():
    with pytest.raises(ValueError, match=r"Expected images with labels: .*'pets', which has none"):
        labelled(data_of(None))


def test_one_class_only_is_refused(model):
    with pytest.raises(ValueError, match=r"at least two classes. Received: dog alone"):
        probe(model, labelled(data_of(np.ones(6, np.int64))))


def test_factors_that_are_not_there_are_refused(quadrant_factors, quadrant_labels):
    with pytest.raises(ValueError, match=r"Expected factor= \(--factor\), the factor of 'quadr"):
        labelled(quadrant_factors)
    with pytest.raises(ValueError, match=r"Unknown factor 'top lft'. Did you mean 'top left'"):
        labelled(quadrant_factors, factor="top lft")
    with pytest.raises(ValueError, match=r"Expected no factor= \(--factor\) for 'quadrants'"):
        labelled(quadrant_labels, factor="shape")


def test_images_of_which_none_can_be_kept_are_refused():
    pixels = ArrayPixels(paint(np.eye(4)[:3]))
    data = FactorData("few", pixels, np.arange(3)[:, None], ["a"])
    with pytest.raises(ValueError, match="Expected several images of a class"):
        labelled(data, factor="a")


@pytest.mark.parametrize("amount", ["most", "0", "0%", "101%", "1.5", "-3", ""])
def test_other_amounts_of_labels_are_refused(model, data, amount):
    with pytest.raises(ValueError, match=f"Expected labels to be all, a share.*{amount!r}"):
        probe(model, data, (amount,))


def test_other_arguments_are_refused(model, data):
    with pytest.raises(ValueError, match="at least one amount of labels"):
        probe(model, data, ())
    with pytest.raises(ValueError, match="Expected draws to be an integer"):
        probe(model, data, draws=0)
    with pytest.raises(ValueError, match="Expected as many test_labels as test_codes"):
        probe(model, data._replace(test_labels=data.test_labels[:-1]))


# The command


def test_the_command(command, quadrants, picture_folder, tmp_path):
    given = ("apply", "probe", quadrants, "--data", f"folder:{picture_folder}")
    answer = command(*given, "--labels", "2", "--labels", "all", "--neighbours", "5")
    assert answer.code == 0, answer.err
    header, few, most, how, where, also = answer.out.splitlines()
    assert header.split() == ["labels", "images", "linear", "probe", "k-NN"]
    assert few.startswith("2 each  8 ")
    assert few.count("±") == 2
    assert most.startswith("all     60 ")
    assert how == "accuracy on 20 test images; few labels drawn 3 times; k-NN of 5 neighbours"
    accuracy = most.split()[2]
    saved = f"applied/probe/saved_model/1: a SavedModel with `classify`, accuracy {accuracy}"
    assert where == saved
    assert also == "also in applied/probe"
    folder = tmp_path / "applied" / "probe"
    result = json.loads((folder / "result.json").read_text())
    assert result["classifier"] == {
        "way": "Linear probe",
        "labels": 60,
        "accuracy": result["accuracies"][1]["linear"][0],
    }
    assert np.sum(result["confusion"]) == 20
    assert (result["seed"], result["neighbours"], result["fine_tuning"]) == (0, 5, None)
    assert result["data"]["name"] == f"folder:{picture_folder}"
    assert result["saved_model"] == str(quadrants)
    assert (folder / "confusion.png").is_file()
    made = SavedModel.open(folder, ("classify",))
    images = load_data(made, f"folder:{picture_folder}", split="test").images
    assert made.classify(images).shape == (20, 4)
    scores = made.card["scores"]["linear_probe"]
    assert scores["value"] == result["classifier"]["accuracy"]
    assert command(*given).code == 2
    again = command(*given, "--overwrite", "--labels", "9", "--labels", "100")
    assert again.code == 0
    assert again.out.splitlines()[2].startswith("up to 100 each  60 ")
    assert again.out.splitlines()[3].endswith("k-NN of 6, 8 neighbours")
    for inside in ("applied/probe", "applied/probe/saved_model/1"):
        lost = command("apply", "probe", inside, *given[3:], "--overwrite")
        assert lost.code == 2
        assert "Expected SAVED_MODEL outside of --out, which is replaced. Received: a" in lost.err
    assert (folder / "saved_model" / "1" / "saved_model.pb").is_file()


def test_the_command_fine_tunes(command, learner, picture_folder):
    short = ("--fine-tune", "--steps", "3", "--labels", "all", "--out", "tuned")
    answer = command("apply", "probe", learner, "--data", f"folder:{picture_folder}", *short)
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0].endswith("fine-tuned")
    assert SavedModel.open("tuned", ("classify",)).has("encode")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nothing", "Expected a SavedModel: a folder with saved_model.pb"),
        ("MODEL", r"Expected the name of a data set (--data)"),
        ("MODEL --data digits --labels most", "Expected labels to be all"),
        ("MODEL --data digits --factor shape", "Expected no factor= (--factor)"),
        ("MODEL --data dgits", "Unknown dataset 'dgits'. Did you mean 'digits'"),
        ("MODEL --data digits --fine-tune", "variables that can be trained"),
        ("MODEL --data digits --steps 9", "Expected --fine-tune, to which --steps belongs"),
        ("MODEL --data digits --fine-tune --learning-rate 0", "Expected learning_rate to be"),
    ],
)
def test_the_command_refuses(command, encoder_only, tmp_path, arguments, said):
    answer = command("apply", "probe", *arguments.replace("MODEL", str(encoder_only)).split())
    assert answer.code == 2
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []


def test_damaged_results_are_not_written(command, encoder_only, tmp_path):
    (tmp_path / "applied" / "probe").mkdir(parents=True)
    answer = command("apply", "probe", encoder_only, "--data", "digits", "--overwrite")
    assert answer.code == 2
    assert "holds no result.json, and is not replaced" in answer.err


def test_the_encoder_is_known_by_its_codes_alone(tmp_path, data):
    """A SavedModel of somebody else's, without a card, with other signatures beside."""
    twice = (lambda x: 2 * ENCODE[0](x), *ENCODE[1:])
    folder = save_model(tmp_path / "theirs", {"encode": ENCODE, "twice": twice})
    found = probe(SavedModel.open(folder), data, ("all",))
    signatures = SavedModel.open(found.classifier.save(tmp_path / "1"), ("classify",)).loaded
    assert set(signatures.signatures) == {"encode", "twice", "serving_default", "classify"}
