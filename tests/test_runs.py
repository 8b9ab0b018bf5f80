import doctest
import errno
import json
import os

import numpy as np
import pytest

import zoo
from zoo import runs
from zoo.metrics.scoring import held_out
from zoo.runs import Run, Settings, runs_in, without_folders

RECIPE = {
    "data": "dsprites",
    "image_size": 32,
    "steps": 4000,
    "epochs": 10,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "hyperparameters": {"beta": 2.0},
}


def merged(*layers, **flags):
    return Settings.merged("beta_vae", RECIPE, *layers, flags)


@pytest.fixture
def begun(tmp_path):
    """A run folder as it is before the first step."""
    run = Run(tmp_path / "a run")
    settings = merged().model_dump()
    run.write("config", {"settings": settings, "data": {"name": "digits"}, "versions": {}})
    return run


# Settings

STEPPING = ("optimizer", "weight_decay", "schedule", "warmup_steps", "precision")  # have defaults


def test_a_recipe_alone_is_enough():
    settings = merged()
    unset = {"method", "encoder", "subset", "skip_bad", "candidates", "seed", "samples", "metrics"}
    assert settings.model_dump(exclude=unset | {*STEPPING}) == RECIPE
    assert settings.steps_per_epoch == 400


def test_later_layers_win():
    settings = merged({"batch_size": 16, "seed": 1}, seed=2)
    assert (settings.batch_size, settings.seed, settings.learning_rate) == (16, 2, 1e-3)


def test_hyperparameters_are_merged_name_by_name():
    file = {"hyperparameters": {"beta": 8.0, "latent_size": 3}}
    settings = merged(file, hyperparameters={"latent_size": 5})
    assert settings.hyperparameters == {"beta": 8.0, "latent_size": 5}
    assert RECIPE["hyperparameters"] == {"beta": 2.0}


def test_no_hyperparameters_are_none():
    assert merged({"hyperparameters": None}).hyperparameters == {"beta": 2.0}


@pytest.mark.parametrize(
    ("steps", "epochs"),
    [
        (4000, 10),
        (8000, 20),  # as long as the recipe's 400 steps
        (300_000, 100),  # but at most 100
        (1200, 3),
        (1000, 2),
        (400, 1),
        (4, 1),
        (4001, 1),  # a prime
    ],
)
def test_epochs_divide_the_steps_where_only_steps_are_given(steps, epochs):
    settings = merged(steps=steps)
    assert settings.epochs == epochs
    assert settings.steps_per_epoch * epochs == steps


@pytest.mark.parametrize("data", ["dsprites", "coloured_sprites"])
def test_a_recipes_subset_is_for_the_recipes_data(data):
    settings = Settings.merged("beta_vae", {**RECIPE, "subset": {"orientation": 0}}, {"data": data})
    assert settings.subset == ({"orientation": 0} if data == RECIPE["data"] else None)


def test_epochs_that_are_given_are_kept():
    assert merged(steps=30, epochs=15).epochs == 15
    assert merged({"epochs": 2}, steps=30).epochs == 2


@pytest.mark.parametrize(
    ("flags", "side"),
    [
        ({}, 32),
        ({"data": "dsprites"}, 32),
        ({"data": "dsprites:/data/dsprites.npz"}, 32),
        ({"data": "digits"}, None),
        ({"data": "tfds:dsprites_large"}, None),
        ({"data": "digits", "image_size": 20}, 20),
        ({"image_size": 64}, 64),
        ({"image_size": None}, None),
    ],
)
def test_the_recipes_image_size_is_for_the_recipes_data(flags, side):
    assert merged(**flags).image_size == side


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"steps": 0}, "Expected steps to be greater than or equal to 1. Received: 0."),
        ({"steps": "40"}, "Expected steps to be a valid integer. Received: '40'."),
        ({"steps": 40.0}, "Expected steps to be a valid integer. Received: 40.0."),
        ({"steps": True}, "Expected steps to be a valid integer. Received: True."),
        ({"steps": None}, "Expected steps to be a valid integer. Received: None."),
        ({"epochs": 0}, "Expected epochs to be greater than or equal to 1. Received: 0."),
        ({"batch_size": 0}, "Expected batch_size to be greater than or equal to 1. Received: 0."),
        ({"batch_size": -8}, "Expected batch_size to be greater than or equal to 1. Received: -8."),
        ({"learning_rate": 0}, "Expected learning_rate to be greater than 0. Received: 0."),
        ({"learning_rate": np.nan}, "Expected learning_rate to be a finite number. Received: nan."),
        ({"learning_rate": np.inf}, "Expected learning_rate to be a finite number. Received: inf."),
        ({"image_size": 0}, "Expected image_size to be greater than or equal to 1. Received: 0."),
        ({"seed": -1}, "Expected seed to be greater than or equal to 0. Received: -1."),
        ({"seed": 2**32}, "Expected seed to be less than 4294967295. Received: 4294967296."),
        ({"samples": 1}, "Expected samples to be greater than or equal to 20. Received: 1."),
        ({"steps": 10, "epochs": 4}, "a multiple of epochs, e.g. 8. Received: 10 steps, 4 epochs."),
        ({"steps": 4, "epochs": 8}, "a multiple of epochs, e.g. 8. Received: 4 steps, 8 epochs."),
        ({"step": 4}, "Unknown setting 'step'. Did you mean 'steps'"),
        ({"method": "vae"}, "Expected settings of beta_vae. Received: 'vae''s."),
        ({"hyperparameters": 3}, "Expected hyperparameters to be names and values. Received: 3."),
        ({"hyperparameters": ["a"]}, r"to be names and values. Received: \['a'\]."),
    ],
)
def test_settings_that_cannot_be_are_refused(flags, message):
    with pytest.raises(ValueError, match=message) as caught:
        merged(**flags)
    assert "\n" not in str(caught.value)


def test_the_command_says_every_setting():
    settings = merged(
        data="folder:my photos", skip_bad=True, metrics=["mig", "sap"], hyperparameters={"a": "x y"}
    )
    assert settings.command == (
        "zoo train beta_vae --data 'folder:my photos' --skip-bad --steps 4000 --epochs 10 "
        "--batch-size 64 --learning-rate 0.001 --optimizer adam --weight-decay 0.0 "
        "--schedule constant --warmup-steps 0 --precision float32 --seed 0 --samples 10000 "
        "--metrics mig,sap --set beta=2.0 --set 'a=\"x y\"'"
    )


def test_examples_run():
    assert doctest.testmod(runs).failed == 0


def test_the_warm_up_is_as_large_a_part_of_other_steps():
    recipe = {**RECIPE, "warmup_steps": RECIPE["steps"] // 10}
    assert Settings.merged("simclr", recipe, {"steps": 50}).warmup_steps == 5
    assert Settings.merged("simclr", recipe, {"steps": 50, "warmup_steps": 9}).warmup_steps == 9


def test_what_a_recipe_counts_in_steps_is_as_large_a_part_of_other_steps():
    recipe = {**RECIPE, "hyperparameters": {"moco_steps": RECIPE["steps"] // 10, "decay": 0.5}}

    def hyperparameters(**given):
        return Settings.merged("pico", recipe, given).hyperparameters

    assert hyperparameters() == recipe["hyperparameters"]
    assert hyperparameters(steps=50) == {"moco_steps": 5, "decay": 0.5}
    assert hyperparameters(steps=50, hyperparameters={"moco_steps": 9})["moco_steps"] == 9
    assert hyperparameters(batch_size=1)["moco_steps"] == RECIPE["steps"] // 10


def test_a_warm_up_that_never_ends_is_refused():
    with pytest.raises(ValueError, match=r"Expected fewer warmup_steps than steps, 50\..*: 50\."):
        merged(steps=50, warmup_steps=50)


def test_the_recipes_subspaces_are_for_its_data():
    theirs = {"subspaces": {"hue": 4}, "held": {"hue": ["hue"]}, "variance_weight": 2.0}
    recipe = {**RECIPE, "hyperparameters": {**theirs, "temperature": 0.2}}
    name = "subspace_contrastive"
    assert Settings.merged(name, recipe).hyperparameters == recipe["hyperparameters"]
    other = {"data": "digits"}
    assert Settings.merged(name, recipe, other).hyperparameters == {"temperature": 0.2}
    named = {**other, "hyperparameters": {"subspaces": {"size": 3}}}
    merged = Settings.merged(name, recipe, named).hyperparameters
    assert merged == {"subspaces": {"size": 3}, "temperature": 0.2}
    another = {**RECIPE, "hyperparameters": {"variance_weight": 50.0}}  # of another method
    assert Settings.merged("vicreg", another, other).hyperparameters == {"variance_weight": 50.0}


def test_the_recipes_views_are_for_its_data():
    recipe = {**RECIPE, "hyperparameters": {"views": "digits", "temperature": 0.2}}
    other = {"data": "cifar10:photos"}
    assert Settings.merged("simclr", recipe).hyperparameters["views"] == "digits"
    assert Settings.merged("simclr", recipe, other).hyperparameters == {"temperature": 0.2}
    named = {**other, "hyperparameters": {"views": "simclr"}}
    assert Settings.merged("simclr", recipe, named).hyperparameters["views"] == "simclr"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": "adamw"}, "optimizer"),
        ({"schedule": "linear"}, "schedule"),
        ({"weight_decay": -1.0}, "Expected weight_decay to be greater than or equal to 0"),
    ],
)
def test_a_strange_way_of_stepping_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        merged(given)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("dsprites", "dsprites"),
        ("folder:/home/me/photos", "folder:photos"),
        ("/home/me/a.npz", "a.npz"),
        (32, 32),
        (None, None),
    ],
)
def test_a_name_without_folders(name, shown):
    assert without_folders(name) == shown


# Folders of runs


def test_the_runs_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("beta-16", "beta-2", "beta-2.5", "a"):
        Run(tmp_path / name).write("config", {})
    (tmp_path / "notes").mkdir()
    assert [run.path.name for run in runs_in(tmp_path)] == ["a", "beta-2", "beta-2.5", "beta-16"]


def test_a_sweep_holds_its_runs_a_folder_deeper(tmp_path):
    Run(tmp_path / "sweep" / "runs" / "1").write("config", {})
    assert [run.path.name for run in runs_in(tmp_path / "sweep")] == ["1"]
    assert runs_in(tmp_path) == runs_in(tmp_path / "absent") == []


# Run


def test_a_folder_without_a_config_holds_no_run(tmp_path):
    assert not Run(tmp_path).exists
    for nothing in (tmp_path, tmp_path / "absent"):
        with pytest.raises(FileNotFoundError, match=r"Expected a run folder with config\.json\."):
            Run.open(nothing)


def test_a_run_that_has_not_finished_says_how_to_go_on(begun):
    message = r"has no model\.keras\. Go on with: zoo train beta_vae --resume --out '.*/a run'$"
    with pytest.raises(FileNotFoundError, match=message):
        Run.open(begun.path)
    assert Run.open(begun.path, finished=False).settings == merged()


def test_settings_survive_json(begun):
    assert begun.settings == merged()
    assert begun.load_data().train.image_shape == (8, 8, 1)


@pytest.mark.parametrize("text", ["", "{", "\ufffd\x00"])
def test_damaged_json_is_named(begun, text):
    (begun.path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is damaged: "):
        _ = begun.config


def test_json_that_is_no_text_is_named(begun):
    (begun.path / "scores.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"scores\.json is damaged: "):
        begun.read("scores")


@pytest.mark.parametrize("value", [[], {}, {"settings": {}}, {"theme": "dark"}, None])
def test_the_config_of_something_else_is_refused(begun, value):
    (begun.path / "config.json").write_text(json.dumps(value))
    with pytest.raises(ValueError, match=r"config\.json is not the config\.json of a run\."):
        _ = begun.config


def test_settings_of_another_version_are_refused(begun):
    config = begun.config
    config["settings"]["warmth"] = 3
    begun.write("config", config)
    with pytest.raises(ValueError, match=r"config\.json: Expected warmth .*Received: 3") as caught:
        _ = begun.settings
    assert "\n" not in str(caught.value)


def test_clearing_removes_what_a_run_left_and_nothing_else(tmp_path, digits_run):
    run = Run(tmp_path)
    for path in digits_run.iterdir():
        left = tmp_path / path.name
        if path.is_dir():
            left.mkdir()
            (left / "something").write_text("of the run")
        else:
            left.write_text("of the run")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "data").mkdir()
    run.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "notes.txt"]
    run.clear()  # an empty one as well


def test_a_full_disk_leaves_the_old_scores(begun, monkeypatch):
    begun.write("scores", {"mig": 1})

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        begun.write("scores", {"mig": 2})
    assert begun.read("scores") == {"mig": 1}


def test_a_damaged_model_is_named(begun):
    begun.model_path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match=r"model\.keras cannot be loaded: "):
        begun.load_method()


def test_a_saved_method_loads_in_full(digits_run):
    method = Run.open(digits_run).load_method()
    assert type(method) is zoo.BetaVAE
    assert method.step.numpy() == 4
    assert method.optimizer.iterations.numpy() == 4
    assert method.beta == 2.0


# Data


def test_the_test_half_is_held_out():
    digits = zoo.data.load("digits")
    assert held_out(digits) is digits.test


def test_without_a_test_half_the_training_images_are_shown(tmp_path):
    from PIL import Image

    for shade in range(3):
        Image.new("L", (16, 16), shade).save(tmp_path / f"{shade}.png")
    flat = zoo.data.load(f"folder:{tmp_path}")
    assert held_out(flat) is flat.train


def test_data_without_halves_are_held_out_whole():
    data = object()
    assert held_out(data) is data
