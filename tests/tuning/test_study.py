"""Plans of studies, and the folder that holds one."""

import dataclasses
import io
import json

import pytest
from rich.console import Console

from tests.tuning.conftest import TINY, planned
from tuning.searching import run_study
from tuning.study import Study, StudyFolder, Trial, best_of
from zoo.metrics import Score


def trial(number, *values, status="finished", epochs=3, reason="", seconds=4.0):
    scores = tuple({"mig": Score("mig", value)} for value in values)
    return Trial(number, {"beta": 1.0 + number}, epochs, status, reason, seconds, scores)


# Plans


def test_what_is_varied_is_not_among_the_settings():
    study = planned()
    assert "beta" not in study.settings["hyperparameters"]
    settings = study.settings_of({"beta": 2.5}, seed=3)
    assert (settings.method, settings.seed, settings.hyperparameters) == (
        "beta_vae",
        3,
        {"beta": 2.5},
    )
    assert (settings.data, settings.steps, settings.epochs) == ("digits", 6, 3)


def test_what_is_set_is_not_varied():
    with pytest.raises(ValueError, match="no search space but what is set"):
        planned(settings={"hyperparameters": {"beta": 3.0}})
    ranges = {"learning_rate": (1e-4, 1e-2)}
    study = planned(settings={"hyperparameters": {"beta": 3.0}}, ranges=ranges)
    settings = study.settings_of({"learning_rate": 0.005})
    assert (settings.learning_rate, settings.hyperparameters) == (0.005, {"beta": 3.0})
    with pytest.raises(ValueError, match="Expected learning_rate to be set or varied"):
        planned(settings={"learning_rate": 1e-3}, ranges=ranges)


@pytest.mark.parametrize(
    ("most", "ranges", "said"),
    [
        (9, {}, "grid of 5 settings, all of them tried"),
        (3, {}, "grid of 5 settings, 3 of them tried"),
        (1, {}, "grid of 5 settings, 1 of them tried: beta stays at 0.5"),
        (
            5,
            {"latent_size": (2, 4)},
            "grid of 15 settings (5 of beta by 3 of latent_size), 5 of them tried",
        ),
        (
            3,
            {"latent_size": (2, 4)},
            "grid of 15 settings (5 of beta by 3 of latent_size), 3 of them tried: beta stays at "
            "0.5",
        ),
    ],
)
def test_a_grid_says_how_large_it_is_and_what_stays(folder, tried, most, ranges, said):
    study = planned("grid", max_trials=most, ranges=ranges)
    console = Console(file=io.StringIO(), width=200)
    run_study(study, folder, console)
    assert console.file.getvalue().startswith(f"{said}\n")
    values = [trial.values["beta"] for trial in folder.trials]
    assert len(values) == study.most
    assert ("stays" in said) == (len({*values}) == 1)


def test_what_is_no_grid_may_try_all_that_is_asked_for():
    assert (planned(max_trials=30).most, planned("grid", max_trials=30).most) == (30, 5)


def test_a_run_of_fewer_epochs_is_a_shorter_run():
    study = planned(settings={"schedule": "cosine", "warmup_steps": 4})
    settings = study.settings_of({"beta": 1.0}, epochs=1)
    assert (settings.epochs, settings.steps, settings.warmup_steps) == (1, 2, 1)
    assert settings.steps_per_epoch == study.settings_of({"beta": 1.0}).steps_per_epoch


def test_what_is_counted_in_steps_is_as_large_a_part_of_a_shorter_run():
    layer = {"data": "digits", "steps": 90, "epochs": 9, "hyperparameters": {"moco_steps": 30}}
    study = Study.planned("pico", "covering_rate", "hyperband", layers=[layer])
    values = {knob.name: knob.low for knob in study.space}
    for epochs, moco_steps in ((None, 30), (9, 30), (3, 10), (1, 3)):
        settings = study.settings_of(values, epochs=epochs)
        assert settings.hyperparameters["moco_steps"] == moco_steps
    ranges = {"moco_steps": (1, 30)}
    varied = Study.planned("pico", "covering_rate", layers=[TINY | {"steps": 90}], ranges=ranges)
    settings = varied.settings_of({**values, "moco_steps": 30}, epochs=1)
    assert settings.hyperparameters["moco_steps"] == 30


def test_values_that_no_training_can_have_are_refused_in_a_line():
    study = planned(ranges={"learning_rate": (0, 1)})
    with pytest.raises(ValueError, match=r"^Expected learning_rate to be greater than 0\. Rec.*$"):
        study.ends()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tuner": "bayesain"}, "Did you mean 'bayesian'"),
        ({"max_trials": 0}, "Expected max_trials to be an integer of at least 1. Received: 0."),
        ({"seeds": 0}, "Expected seeds to be an integer of at least 1. Received: 0."),
        ({"seed": -1}, "Expected seed to be an integer from 0 to"),
        ({"objective": "mgi"}, "Unknown objective for beta_vae 'mgi'. Did you mean 'mig'"),
        ({"objective": "udr"}, "Expected seeds of 2 or more for udr"),
        ({"ranges": {"beta": (2, 1)}}, "Expected the range of beta to rise."),
        ({"settings": {"hyperparameters": 5}}, "Expected hyperparameters to be names and values."),
        ({"settings": {"seed": 1}}, "Expected no seed among the settings of a study"),
        (
            {"tuner": "hyperband", "settings": {"epochs": 2}},
            "Expected epochs of 3 or more for hyperband",
        ),
    ],
)
def test_bad_plans_are_refused(given, said):
    with pytest.raises(ValueError, match=r"Expected|Unknown") as error:
        planned(**given)
    assert said in str(error.value)


def test_the_second_aim_is_the_reconstruction_or_else_the_weights():
    assert planned(objective="mig").against.name == "reconstruction"
    assert planned(objective="reconstruction").against.name == "weights"  # not against itself
    told = Study.planned("simclr", "knn_accuracy", layers=[{"data": "digits"}])
    assert told.against.name == "weights"
    assert told.against.direction == "min"


# Trials


def test_a_trial_survives_json():
    for told in (
        trial(3, 0.25, 0.5),
        trial(3, 0.5, seconds=None),
        dataclasses.replace(trial(3, 0.5), weights=7),
        trial(4, status="failed", reason="Out of memory."),
    ):
        assert Trial.from_json(json.loads(json.dumps(told.to_json()))) == told


def test_the_mean_and_the_spread_are_over_the_seeds():
    told = trial(0, 0.25, 0.5)
    assert told.mean("mig") == 0.375
    assert told.spread("mig") == (0.25, 0.5)
    assert told.mean("seconds") == 2.0
    assert str(trial(0, 0.25, 0.5, seconds=None).mean("seconds")) == "nan"
    assert str(told.mean("weights")) == "nan"
    assert dataclasses.replace(told, weights=7).mean("weights") == 7


def test_a_record_from_before_weights_were_counted_is_read():
    told = trial(0, 0.25, 0.5)
    record = told.to_json()
    del record["weights"]
    assert Trial.from_json(record) == told


def test_a_score_is_found_by_its_own_name_and_by_that_of_the_objective(folder):
    study = Study.planned("simclr", "knn_accuracy", layers=[TINY])
    folder.begin(study, {})
    values = {"temperature": 0.1}
    scores = [{"knn": Score("knn", value), "loss": Score("loss", 4.0)} for value in (0.25, 0.75)]
    folder.record(Trial(0, values, 3, "finished", scores=scores))
    folder.record(Trial(1, values, 3, "failed", "Out of memory."))
    best = folder.best
    assert best.mean() == best.mean("knn_accuracy") == best.mean("knn") == 0.5
    assert best.spread() == (0.25, 0.75)
    assert best.values_of() == [0.25, 0.75]
    assert str(folder.trials[1].mean()) == "nan"  # it has no scores at all
    for name in ("knn_acuracy", "nonsense", "mig"):
        with pytest.raises(ValueError, match="Unknown score of trial 0") as error:
            best.mean(name)
        assert str(error.value).endswith("Expected one of: knn, loss, seconds, weights.")


def test_the_best_is_of_those_that_finished_and_were_longest():
    aim = planned(objective="mig").aim
    trials = [
        trial(0, 0.2, 0.4),
        trial(1, 0.25, 0.5),
        trial(2, 0.375, 0.375),  # as good, but later
        trial(3, 0.9, epochs=1),
        trial(4, status="failed"),
    ]
    assert best_of(trials, aim).number == 1
    assert best_of(trials[4:], aim) is None
    less = planned(objective="gaussian_total_correlation").aim
    scores = [{"gaussian_total_correlation": Score("x", v)} for v in (3.0, 2.0)]
    told = [Trial(i, {}, 1, "finished", scores=[one]) for i, one in enumerate(scores)]
    assert best_of(told, less).number == 1


# Folders


@pytest.fixture
def begun(folder):
    folder.begin(planned(), {"keras": "3"})
    return folder


def test_a_study_is_found_again(begun):
    opened = StudyFolder.open(begun.path)
    assert opened.study == planned()
    assert (opened.trials, opened.best) == ([], None)
    opened.check(planned(max_trials=9))
    with pytest.raises(FileNotFoundError, match=r"Expected a study folder with study\.json"):
        StudyFolder.open(begun.path / "trials")


def test_records_hold_the_settings_too(begun):
    told = Trial(2, {"beta": 2.0}, 1, "failed", "Out of memory.")
    begun.record(told)
    record = json.loads((begun.path / "trials" / "0002" / "trial.json").read_text())
    assert record["settings"]["hyperparameters"] == {"beta": 2.0}
    assert (record["settings"]["epochs"], record["settings"]["steps"]) == (1, 2)
    assert begun.trials == [told]
    assert begun.trial(1) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": 2}, "Expected seeds 1, with which it began. Received: 2."),
        ({"objective": "loss"}, "Expected objective 'reconstruction', with which"),
        ({"settings": {"data": "dsprites"}}, "Expected data 'digits', with which it began."),
        ({"ranges": {"beta": (1, 8)}}, "Expected space 'beta=0.5:32:log', with which it began."),
    ],
)
def test_another_study_is_refused(begun, given, said):
    with pytest.raises(ValueError, match="holds another study") as error:
        begun.check(planned(**given))
    assert said in str(error.value)
    begun.check(planned(**given), overwrite=True)


def test_another_method_is_refused(begun):
    other = Study.planned("vae", "loss", ranges={"learning_rate": (1e-4, 1e-2)}, layers=[TINY])
    with pytest.raises(ValueError, match="Expected method 'beta_vae', with which it began"):
        begun.check(other)


def test_what_is_no_study_is_refused(folder):
    folder.path.mkdir()
    (folder.path / "letter.txt").write_text("dear")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"without study\.json that holds letter\.txt\. Name"):
            folder.check(planned(), overwrite)
    file = StudyFolder(folder.path / "letter.txt")
    with pytest.raises(ValueError, match=r"a folder for the study. Received: .*letter\.txt, a f"):
        file.check(planned())


@pytest.mark.parametrize("words", ["", "{", "[]", '{"method": "vae"}'])
def test_damaged_files_are_refused(begun, words):
    record = begun.path / "trials" / "0000" / "trial.json"
    record.parent.mkdir(parents=True)
    record.write_text(words)
    with pytest.raises(ValueError, match=r"trial\.json is damaged\. Without it the trial is run"):
        begun.check(planned())
    (begun.path / "study.json").write_text(words)
    with pytest.raises(ValueError, match=r"study\.json is damaged, or not the study\.json of a s"):
        _ = begun.study


def test_two_processes_cannot_search_one_study(begun):
    with (
        begun.alone(),
        pytest.raises(ValueError, match="Another process is at work on the study"),
        StudyFolder(begun.path).alone(),
    ):
        pass


def test_what_was_half_written_at_a_trial_is_removed_by_the_next(begun):
    rooms = [
        begun.path / "trials" / "0000" / name
        for name in (".zoo-a.partial", "seed-0/.zoo-b.partial")
    ]
    for room in rooms:
        room.mkdir(parents=True)
    with begun.claimed(0):
        assert not any(room.exists() for room in rooms)


def test_overwriting_leaves_what_is_not_the_studys(begun):
    (begun.path / "mine.txt").touch()
    begun.record(Trial(0, {"beta": 1.0}, 3, "failed", "no"))
    begun.begin(planned(), {}, overwrite=True)
    assert sorted(path.name for path in begun.path.iterdir()) == ["mine.txt", "study.json"]
