import json
import math
import subprocess
import sys

import filelock
import pytest

from zoo.metrics import Score
from zoo.sweeps import Outcome, Sweep, SweepFolder, check_names, default_values

TINY = {"data": "digits", "steps": 4, "epochs": 2, "batch_size": 8}


def planned(*methods, param=None, values=None, seeds=2, layers=(TINY,), metrics=None):
    return Sweep.planned(methods, param, values, seeds, metrics, layers)


def over_beta(values=(1, 4), **changed):
    return planned("beta_vae", param="beta", values=values, **changed)


# What is swept


def test_every_value_and_seed_is_a_run_the_first_seed_of_all_first():
    trials = over_beta((4, 1, 0.5)).trials()
    names = ["beta-0.5-seed0", "beta-1-seed0", "beta-4-seed0"]
    assert [trial.name for trial in trials][:3] == names
    assert [(trial.value, trial.seed) for trial in trials][3:] == [(0.5, 1), (1, 1), (4, 1)]
    assert [trial.settings.hyperparameters for trial in trials][:2] == [{"beta": 0.5}, {"beta": 1}]
    assert {(t.method, t.settings.steps, t.settings.data) for t in trials} == {
        ("beta_vae", 4, "digits")
    }


def test_the_recipe_is_the_start_and_its_own_value_gives_way():
    import zoo

    sweep = Sweep.planned(["beta_vae"], "latent_size", [2, 4])
    assert {k: sweep.settings[k] for k in ("steps", "data")} == {
        k: zoo.BetaVAE.recipe[k] for k in ("steps", "data")
    }
    assert sweep.trials()[0].settings.hyperparameters == {"beta": 3.0, "latent_size": 2}
    assert sweep.seeds == 3


def test_metrics_among_the_settings_are_those_that_finished_runs_are_scored_by():
    named = planned("beta_vae", "vae", layers=({**TINY, "metrics": ["sap"]},))
    assert named.metrics == ("sap",)
    assert {trial.settings.metrics for trial in named.trials()} == {None}
    layers = ({**TINY, "metrics": ["sap"]},)
    assert planned("beta_vae", "vae", layers=layers, metrics=["mig"]).metrics == ("mig",)


def test_methods_are_compared_at_the_defaults_of_their_classes():
    trials = planned("beta_vae", "vae", seeds=1).trials()
    assert [trial.name for trial in trials] == ["beta_vae-seed0", "vae-seed0"]
    assert [trial.settings.hyperparameters for trial in trials] == [{}, {}]
    first, second = (trial.settings.model_dump(exclude={"method"}) for trial in trials)
    assert first == second


def test_values_come_from_the_search_space():
    sweep = over_beta(None)
    assert sweep.values == (0.5, 1.41, 4.0, 11.3, 32.0)
    assert sweep.scale == "log"


@pytest.mark.parametrize(
    ("space", "whole", "values"),
    [
        ((0.0, 1.0, "linear"), False, (0.0, 0.25, 0.5, 0.75, 1.0)),
        ((1.0, 100.0, "log"), False, (1.0, 3.16, 10.0, 31.6, 100.0)),
        ((1, 3, "linear"), True, (1, 2, 3)),
    ],
)
def test_default_values_are_evenly_spaced(space, whole, values):
    assert default_values(*space, whole=whole) == values


@pytest.mark.parametrize(
    ("values", "scale"), [((2, 4, 8), "linear"), ((2, 20), "log"), ((0, 20), "linear")]
)
def test_the_scale_of_a_number_without_range_follows_its_values(values, scale):
    sweep = planned("vae", param="latent_size", values=values)
    assert sweep.scale == scale


ONE = {"methods": ["beta_vae"], "param": "beta"}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"methods": ["bta_vae", "vae"]}, "Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
        ({"methods": ["vae", "vae"]}, "Expected each method once. Received: vae twice."),
        ({"methods": ["vae"]}, r"number to vary \(--param\). Received: vae alone."),
        (
            {"methods": ["vae", "beta_vae"], "param": "beta"},
            "Expected one method to vary beta of. Received: vae, beta_vae.",
        ),
        (
            {"methods": ["vae", "beta_vae"], "values": [1]},
            "Expected values of a named --param. Received: 1.",
        ),
        ({"values": [1, "x"]}, "each of the values to be a finite number. Received: 'x'."),
        ({"values": [1, math.nan]}, "each of the values to be a finite number. Received: nan."),
        ({"values": [1, True]}, "each of the values to be a finite number. Received: True."),
        ({"values": [1, 2, 1.0]}, "Expected each value once. Received: 1.0 twice."),
        ({"values": []}, "Expected at least one value of beta. Received: none."),
        ({"param": "bta"}, "Unknown argument of beta_vae 'bta'. Did you mean 'beta'"),
        (
            {"param": "reconstruction", "values": [1]},
            "Expected param to be a number of beta_vae, e.g. beta. Received: reconstruction",
        ),
        ({"param": "latent_size"}, "Expected values for latent_size, which has no range"),
        ({"seeds": 0}, "Expected seeds to be an integer of at least 1. Received: 0."),
        ({"metrics": ["mgi"]}, "Unknown metric 'mgi'. Did you mean 'mig'"),
        ({"layers": [{"seed": 3}]}, "Expected no seed among the settings of a sweep"),
        ({"layers": [{"stps": 3}]}, "Unknown setting 'stps'. Did you mean 'steps'"),
        (
            {"values": [1], "layers": [{"hyperparameters": {"beta": 2}}]},
            "Expected beta among the values of the sweep alone. Received it among .* too: 2.",
        ),
    ],
)
def test_bad_plans_are_refused(told, message):
    with pytest.raises(ValueError, match=message):
        Sweep.planned(**({} if "methods" in told else ONE) | told)


def test_names_are_refused_without_importing_tensorflow():
    script = (
        "import sys; from zoo.sweeps import check_names; check_names(['vae', 'beta_vae']); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    with pytest.raises(ValueError, match="Unknown method"):
        check_names(["va", "beta_vae"])


# Folders


@pytest.fixture
def folder(tmp_path):
    return SweepFolder(tmp_path / "sweep")


def test_a_sweep_is_read_as_it_was_written(folder):
    sweep = over_beta((1, 0.5), metrics=["mig"])
    folder.begin(sweep, {"keras": "3"})
    assert folder.sweep == sweep
    assert json.loads((folder.path / "sweep.json").read_text())["versions"] == {"keras": "3"}


def test_outcomes_are_read_as_they_were_written(folder):
    sweep = over_beta()
    first, second = sweep.trials()[:2]
    score = Score("mig", 0.25, {"samples": 100, "bins": 20})
    good = Outcome("finished", "", 12.5, ("mig",), {"mig": score})
    folder.record(first, good)
    folder.record(second, Outcome("failed", "The loss is nan in epoch 1.", 3.0))
    assert folder.outcomes[first.name] == good
    assert folder.outcomes[second.name].reason == "The loss is nan in epoch 1."


def test_a_score_that_is_no_number_is_valid_json(folder):
    trial = over_beta().trials()[0]
    scores = {"mig": Score("mig", math.nan), "sap": Score("sap", math.inf)}
    folder.record(trial, Outcome("finished", scores=scores))
    text = (folder.path / "results.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    read = folder.outcomes[trial.name].scores
    assert math.isnan(read["mig"].value)
    assert read["sap"].value == math.inf


@pytest.mark.parametrize(
    "grown",
    [
        over_beta,
        lambda: over_beta((0.5, 1, 4)),
        lambda: over_beta(seeds=3),
        lambda: over_beta(metrics=["mig"]),
    ],
)
def test_the_same_sweep_and_a_larger_one_go_on(folder, grown):
    folder.begin(over_beta(), {})
    folder.check(grown())
    folder.begin(grown(), {})
    assert folder.sweep == grown()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: over_beta((1, 2)), "Expected 4 among its values, as before. Received: 1, 2."),
        (lambda: over_beta(seeds=1), "Expected 1 among its seeds, as before. Received: 0."),
        (
            lambda: over_beta(layers=[{**TINY, "steps": 8}]),
            "Expected steps 4, with which it began. Received: 8.",
        ),
        (
            lambda: planned("vae", param="latent_size", values=[2]),
            "Expected param 'beta', with which it began. Received: 'latent_size'.",
        ),
        (
            lambda: planned("vae", "beta_vae"),
            "Expected param 'beta', with which it began. Received: None.",
        ),
    ],
)
def test_another_sweep_is_refused_and_the_difference_named(folder, other, message):
    folder.begin(over_beta(), {})
    with pytest.raises(ValueError, match=f"holds another sweep. {message} Replace it with --over"):
        folder.check(other())
    folder.check(other(), overwrite=True)
    assert folder.sweep == over_beta()


def test_what_is_no_sweep_is_neither_used_nor_cleared(folder):
    folder.path.mkdir()
    photo = folder.path / "holiday.png"
    photo.write_bytes(b"dear to somebody")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"Received: a folder without sweep.json that holds"):
            folder.check(over_beta(), overwrite)
    with pytest.raises(ValueError, match=r"Received: .*holiday.png, a file."):
        SweepFolder(photo).check(over_beta())
    assert photo.exists()


def test_overwriting_removes_what_a_sweep_left_and_nothing_else(folder):
    sweep = over_beta()
    folder.begin(sweep, {})
    trial = sweep.trials()[0]
    folder.run(trial).write("config", {"settings": {}, "data": {}})
    folder.record(trial, Outcome("failed", "why"))
    folder.pictures.mkdir()
    (folder.path / "notes.txt").write_text("mine")
    folder.begin(over_beta((3, 9)), {}, overwrite=True)
    names = sorted(path.name for path in folder.path.iterdir())
    assert names == ["notes.txt", "sweep.json"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"methods": 3}', "null"])
def test_damaged_files_are_named(folder, text):
    folder.begin(over_beta(), {})
    for name in ("results.json", "sweep.json"):
        (folder.path / name).write_text(text)
        if text == "{}" and name == "results.json":
            continue  # no run has ended
        with pytest.raises(ValueError, match=rf"{name} is damaged"):
            folder.check(over_beta())


def test_two_processes_do_not_share_a_folder(folder):
    folder.path.mkdir()
    with (
        filelock.FileLock(folder.path / ".lock"),
        pytest.raises(ValueError, match="Another process is at work on the sweep"),
        folder.alone(),
    ):
        pass
    with folder.alone():
        pass
    folder.check(over_beta())  # the lock alone is no sweep, and in nobody's way
