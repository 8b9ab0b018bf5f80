import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import cli, registry, training
from zoo.runs import Run, Settings, assignment

TINY = ("--data", "digits", "--steps", "4", "--epochs", "2", "--batch-size", "8")
ZOO = [sys.executable, "-c", "from zoo.cli import main; main()"]


@pytest.fixture
def told(monkeypatch):
    """Settings of the trainings that would have begun; none of them does."""
    trainings = []
    monkeypatch.setattr(training, "train", lambda settings, *_: trainings.append(settings))
    return trainings


@pytest.fixture
def no_cache(tmp_path_factory, monkeypatch):
    """An empty cache folder: whatever builds a dataset leaves something there."""
    folder = tmp_path_factory.mktemp("no-cache")
    monkeypatch.setenv("REPZOO_CACHE", str(folder))
    return folder


def refused(answer, code, *said):
    """Checks that a command ended with one readable line, after those of its progress."""
    assert answer.code == code
    *progress, line = answer.err.splitlines()
    assert all(told.startswith("scoring: ") for told in progress)
    assert line.startswith("zoo: ")
    assert "Traceback" not in line
    assert len(line) < 400
    for words in said:
        assert words in line


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


# Help


def all_commands(group=cli.cli, path=("zoo",)):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))


CHEAP = [
    ("--help", 0, "train         Train a method"),
    ("-h", 0, "evaluate"),
    ("--version", 0, zoo.__version__),
    ("", 2, "Usage: zoo"),
    ("list", 0, "  disentangled  The b-VAE."),
    ("train", 2, "beta_vae"),
    ("train --help", 0, "beta_vae"),
    ("evaluate --help", 0, "Images to score."),
    ("tran", 2, "zoo: Unknown command 'tran'. Did you mean 'train'"),
    ("train bta_vae", 2, "zoo: Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
    ("train bta_vae --help", 2, "zoo: Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
    ("train vae --data mnits", 2, "zoo: Unknown dataset 'mnits'. Did you mean 'mnist'"),
    ("sweep --help", 0, "zoo sweep beta_vae --param beta --values 1 2 4 8 16"),
    ("tune --help", 0, "zoo tune beta_vae --max-trials 12 --seeds 3"),
    ("tune bta_vae", 2, "zoo: Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
    ("tune vae --range beta", 2, "zoo: Expected --range NAME=LOW:HIGH or NAME=LOW:HIGH:log."),
    ("sweep bta_vae vae", 2, "zoo: Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
    ("sweep vae", 2, "zoo: Expected several methods to compare, or one and the number"),
    ("sweep vae vae", 2, "zoo: Expected each method once. Received: vae twice."),
    ("train vae --stps 4", 2, "zoo: No such option '--stps'. (Did you mean one of: "),
    ("evaluate", 2, "zoo: Missing argument 'RUN'."),
    ("evaluate nothing --metrics mgi,sap", 2, "Unknown metric 'mgi'. Did you mean 'mig'"),
    ("train vae --metrics mig,spa", 2, "Unknown metric 'spa'. Did you mean 'sap'"),
    ("apply --help", 0, "Use an exported SavedModel"),
    ("apply prob", 2, "zoo: Unknown command 'prob'. Did you mean 'probe'"),
    ("apply search --help", 0, "Images found for each query."),
    ("apply probe", 2, "zoo: Missing argument 'SAVED_MODEL'."),
    ("evaluate nothing", 2, "zoo: Expected a run folder with config.json. Received: nothing."),
]


@pytest.mark.parametrize(("arguments", "code", "said"), CHEAP)
def test_help_and_names(command, tmp_path, arguments, code, said):
    answer = command(*arguments.split())
    assert answer.code == code
    assert said in (answer.out if code == 0 else answer.err)
    assert contents(tmp_path) == []


def test_help_and_names_cost_no_tensorflow(tmp_path):
    script = """if True:
        import sys
        from zoo.cli import main
        for arguments in sys.argv[1:]:
            try:
                main(arguments.split())
            except SystemExit:
                loaded = {"tensorflow", "keras", "sklearn", "matplotlib"} & set(sys.modules)
                assert not loaded, (arguments, loaded)
    """
    subprocess.run(
        [sys.executable, "-c", script, *(arguments for arguments, *_ in CHEAP)], check=True
    )


def test_list_names_every_method_and_dataset(command):
    answer = command("list")
    assert answer.code == 0
    for name in (*registry.names(), *zoo.data.names()):
        assert re.search(rf"\b{name}\b", answer.out)
    assert all(line == line.rstrip() for line in answer.out.splitlines())


def test_everything_has_help():
    for path, found in all_commands():
        assert found.get_short_help_str(), path
        for parameter in found.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)


def test_every_setting_has_a_flag():
    from zoo.runs import Settings

    flags = {p.name for p in cli.train.command.get_command(None, "vae").params}
    assert set(Settings.model_fields) - {"method", "hyperparameters"} <= flags


@pytest.mark.parametrize("name", registry.names())
def test_the_help_of_a_method_lists_its_arguments_and_its_recipe(command, name):
    answer = command("train", name, "--help")
    assert answer.code == 0
    cls = registry.method(name)
    shown = re.sub(r"\n {4,}", " ", answer.out)  # each argument in a line
    filled_in = {"total_steps": "that of --steps"}
    filled_in |= dict.fromkeys(cls.from_data, "that of the data")
    filled_in |= dict.fromkeys(cls.from_encoder, "that of --encoder")
    for argument, parameter in training.arguments(cls).items():
        default = f"[default: {filled_in.get(argument, repr(parameter.default))}]"
        said = re.search(rf"^  {argument} +(\S[^\[]+ )" + re.escape(default), shown, re.MULTILINE)
        assert said, argument
        assert not said[1].startswith(("As for", "Likewise")), argument
    for setting, value in cls.recipe.items():
        if setting != "hyperparameters":
            flag = "--" + setting.replace("_", "-")
            assert re.search(rf"^  {flag} +{value}$", answer.out, re.MULTILINE)
    for argument, value in cls.recipe.get("hyperparameters", {}).items():
        told = re.escape(assignment(argument, value))
        assert re.search(rf"^  --set +{told}$", shown, re.MULTILINE)


# What a training is told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("1.5E2", 150.0),
        (".5e+1", 5.0),
        ("true", True),
        ("gaussian", "gaussian"),
        ("e", "e"),
        ("1e", "1e"),
        ("null", None),
        ("[1, 2e0]", [1, 2.0]),
        ("a: [", "a: ["),
        ("x=y", "x=y"),
        ("'8'", "8"),
    ],
)
def test_assignments_are_parsed(text, value):
    name, parsed = cli.settings._assignment(f"beta={text}")
    assert name == "beta"
    assert parsed == value
    assert type(parsed) is type(value)


def test_flags_reach_the_settings(command, told):
    flags = (
        "--learning-rate",
        "1e-2",
        "--seed",
        "3",
        "--samples",
        "50",
        "--skip-bad",
        "--metrics",
        "sap, mig",
        *("--optimizer", "sgd", "--weight-decay", "1e-4"),
        *("--schedule", "cosine", "--warmup-steps", "2"),
        *("--subset", "orientation=0", "--subset", "scale=0,3"),
        *("--precision", "mixed_bfloat16"),
    )
    sets = ("--set", "beta=8", "--set", "latent_size=3", "--set", "reconstruction=gaussian")
    assert command("train", "beta_vae", *TINY, *flags, *sets, "--image-size", "20").code == 0
    assert told[0].model_dump() == {
        "method": "beta_vae",
        "encoder": None,
        "data": "digits",
        "image_size": 20,
        "subset": {"orientation": [0], "scale": [0, 3]},
        "skip_bad": True,
        "candidates": None,
        "steps": 4,
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 1e-2,
        "optimizer": "sgd",
        "weight_decay": 1e-4,
        "schedule": "cosine",
        "warmup_steps": 2,
        "precision": "mixed_bfloat16",
        "seed": 3,
        "samples": 50,
        "metrics": ["sap", "mig"],
        "hyperparameters": {"beta": 8, "latent_size": 3, "reconstruction": "gaussian"},
    }


def test_without_flags_the_recipe_is_run(command, told):
    assert command("train", "beta_vae").code == 0
    given = told[0].model_dump()
    assert {name: given[name] for name in zoo.BetaVAE.recipe} == zoo.BetaVAE.recipe
    others = {name: field.default for name, field in Settings.model_fields.items() if name in given}
    for name in set(given) - set(zoo.BetaVAE.recipe) - {"method"}:
        assert given[name] == others[name]


FILE = {
    "data": "digits",
    "steps": 30,
    "epochs": 3,
    "hyperparameters": {"beta": 3, "latent_size": 4},
}


@pytest.mark.parametrize(
    "settings",
    [
        {"data": "digits", "steps": 40, "epochs": 4, "seed": 3, "metrics": ["mig", "sap"]},
        {"data": "dsprites", "image_size": 16, "learning_rate": 1e-05, "skip_bad": True},
        {"subset": {"orientation": [0], "scale": [0, 3, 5]}},
        {"hyperparameters": {"beta": 1e-3, "latent_size": 7, "reconstruction": "gaussian"}},
    ],
)
def test_the_command_of_settings_gives_the_settings(command, told, settings):
    settings = Settings.merged("beta_vae", zoo.BetaVAE.recipe, settings)
    assert command(*shlex.split(settings.command)[1:]).code == 0
    assert told == [settings]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_file_overrides_the_recipe_and_flags_the_file(command, told, tmp_path, form):
    if form == "json":
        text = json.dumps(FILE)
    else:
        text = (
            "data: digits\nsteps: 30\nepochs: 3\nhyperparameters:\n  beta: 3e0\n  latent_size: 4\n"
        )
    (tmp_path / f"settings.{form}").write_text(text)
    flags = ("--config", f"settings.{form}", "--epochs", "5", "--set", "latent_size=2")
    assert command("train", "beta_vae", *flags).code == 0
    assert (told[0].steps, told[0].epochs) == (30, 5)
    assert told[0].batch_size == zoo.BetaVAE.recipe["batch_size"]
    assert told[0].data == "digits"
    assert told[0].hyperparameters == {"beta": 3.0, "latent_size": 2}


# What is refused, before anything is built or written


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--data mnits", "Unknown dataset 'mnits'. Did you mean 'mnist'"),
        ("--data folder:", "Expected 'folder:' and what to read."),
        ("--set bta=4", "Unknown argument of beta_vae 'bta'. Did you mean 'beta'?"),
        ("--set =4", "Unknown argument of beta_vae ''."),
        ("--set beta", "Expected --set NAME=VALUE. Received: 'beta'."),
        ("--subset scale", "Expected --subset FACTOR=VALUE,... Received: 'scale'."),
        ("--subset scale=small", "Expected --subset FACTOR=VALUE,... Received: 'scale=small'."),
        ("--set beta=-1", "Expected beta to be a number of at least 0. Received: -1."),
        ("--set beta=nan", "Expected beta to be a number of at least 0. Received: 'nan'."),
        ("--set beta=.nan", "Expected beta to be a number of at least 0. Received: nan."),
        ("--set beta=1e400", "Expected beta to be a number of at least 0. Received: inf."),
        ("--set beta=", "Expected beta to be a number of at least 0. Received: None."),
        ("--set latent_size=0", "Received: 0."),
        ("--set latent_size=two", "Received: 'two'."),
        ("--set reconstruction=gausian", "Did you mean 'gaussian'?"),
        ("--steps 0", "Expected steps to be greater than or equal to 1. Received: 0."),
        ("--steps many", "Invalid value for '--steps': 'many' is not a valid integer."),
        ("--epochs 0", "Expected epochs to be greater than or equal to 1. Received: 0."),
        ("--steps 10 --epochs 3", "Expected steps to be a multiple of epochs, e.g. 9."),
        ("--batch-size 0", "Expected batch_size to be greater than or equal to 1. Received: 0."),
        ("--learning-rate 0", "Expected learning_rate to be greater than 0. Received: 0.0."),
        ("--learning-rate nan", "Expected learning_rate to be a finite number. Received: nan."),
        ("--image-size 8", "Expected images of at least 16 x 16 pixels. Received: 8 x 8."),
        ("--samples 1", "Expected samples to be greater than or equal to 20. Received: 1."),
        (
            "--metrics mgi",
            "Unknown metric 'mgi'. Did you mean 'mig'? Expected one of: active_units, all, ",
        ),
        (
            "--config mgi.yaml",
            "Unknown metric 'mgi'. Did you mean 'mig'? Expected one of: active_units, all, ",
        ),
        ("--config few.yaml", "Expected metrics"),
        ("--seed -1", "Expected seed to be greater than or equal to 0. Received: -1."),
        ("--resume --overwrite", "Expected --resume or --overwrite. Received both."),
        ("--config absent.yaml", "File 'absent.yaml' does not exist."),
        ("--config a.file", "Expected a.file to hold names and values."),
        ("--out a.file", "Expected a folder for the run. Received: a.file, a file."),
    ],
)
def test_bad_flags_are_refused(command, no_cache, told, tmp_path, flags, said):
    files = {"a.file": "just words", "few.yaml": "metrics: []", "mgi.yaml": "metrics: [mgi]"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    refused(command("train", "beta_vae", *flags.split()), 2, said)
    assert not told
    assert contents(no_cache) == []
    assert contents(tmp_path) == sorted(files)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"stps: 40", "Unknown setting 'stps'. Did you mean 'steps'"),
        (b"batch-size: 40", "Unknown setting 'batch-size'. Did you mean 'batch_size'"),
        (b"steps: [", "is neither YAML nor JSON: expected the node content"),
        (b'{"steps": 40,,}', "is neither YAML nor JSON: "),
        (b"\xff\xfe\x00", "is neither YAML nor JSON: 'utf-8' codec can't decode byte 0xff"),
        (b"", "to hold names and values. Received: None."),
        (b"- steps", "to hold names and values. Received: ['steps']."),
        (b"1: 2", "to hold names and values. Received: {1: 2}."),
        (b"method: vae", "Expected settings of beta_vae. Received: 'vae''s."),
        (b"hyperparameters: 4", "Expected hyperparameters to be names and values. Received: 4."),
        (b"hyperparameters: {bta: 4}", "Unknown argument of beta_vae 'bta'"),
        (b"data: 4", "Unknown dataset '4'."),
        (b"data: null", "Unknown dataset 'None'."),
        (b"steps: '40'", "Expected steps to be a valid integer. Received: '40'."),
        (b"!!python/object/apply:os.system [ls]", "is neither YAML nor JSON: could not determine"),
    ],
)
def test_bad_files_are_refused(command, no_cache, told, tmp_path, text, said):
    (tmp_path / "settings.yaml").write_bytes(text)
    refused(command("train", "beta_vae", "--config", "settings.yaml"), 2, said)
    assert not told
    assert contents(no_cache) == []
    assert contents(tmp_path) == ["settings.yaml"]


def paint(path, shade=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16), shade).save(path)


def test_data_that_are_not_there_are_refused(command, tmp_path):
    for name in ("folder:absent", "mnist:absent.npz", "dsprites:absent.npz"):
        path = tmp_path / name.partition(":")[2]
        said = f"Expected a file or folder at {path}. Received: nothing is there."
        refused(command("train", "vae", "--data", name), 1, said)
    assert contents(tmp_path) == []


def test_an_empty_folder_is_refused(command, tmp_path):
    (tmp_path / "images").mkdir()
    refused(command("train", "vae", "--data", "folder:images"), 1, "Expected images (.bmp, ")
    assert contents(tmp_path) == ["images"]


def test_an_unreadable_image_is_named_and_skipped_only_on_request(command, tmp_path, monkeypatch):
    for shade in range(4):
        paint(tmp_path / "images" / f"{shade}.png", shade)
    (tmp_path / "images" / "2.png").write_bytes(b"\x89PNG and then nothing")
    tiny = ("train", "vae", "--data", "folder:images", "--out", "run", "--steps", "1")
    refused(command(*tiny), 1, f"Expected {tmp_path / 'images' / '2.png'} to be a readable image")
    assert contents(tmp_path) == ["images"]

    monkeypatch.setattr(training, "Resume", lambda *_: 1 / 0)  # far enough
    with pytest.raises(ZeroDivisionError):
        cli.main([*tiny, "--skip-bad"])
    assert Run(tmp_path / "run").config["images"] == 3
    assert Run(tmp_path / "run").config["data"]["skip_bad"] is True


def test_a_truncated_npz_is_refused(command, tmp_path):
    images, labels = np.zeros((9, 28, 28), np.uint8), np.zeros(9, np.uint8)
    whole = tmp_path / "mnist.npz"
    np.savez(whole, x_train=images, y_train=labels, x_test=images, y_test=labels)
    whole.write_bytes(whole.read_bytes()[:-200])
    refused(command("train", "vae", "--data", "mnist:mnist.npz"), 1, "to be a whole .npz file")
    assert contents(tmp_path) == ["mnist.npz"]


# Folders that hold a run


@pytest.fixture
def run(digits_run, tmp_path):
    """A finished run that may be changed, with somebody's notes beside it."""
    folder = Path(shutil.copytree(digits_run, tmp_path / "run"))
    (folder / "notes.txt").write_text("mine")
    return folder


def test_a_run_is_not_overwritten_by_chance(command, run):
    before = (run / "config.json").read_bytes()
    answer = command("train", "beta_vae", *TINY, "--out", run)
    refused(answer, 2, "run already holds a run. Go on with --resume, replace it with --overwrite")
    assert (run / "config.json").read_bytes() == before


def test_the_default_folder_is_named_after_the_run(command, told, tmp_path):
    for folder in ("vae-digits-seed3", "vae-mnist-a-b.npz-seed0"):
        (tmp_path / "runs" / folder).mkdir(parents=True)
        (tmp_path / "runs" / folder / "config.json").write_text("{}")
    refused(command("train", "vae", "--data", "digits", "--seed", "3"), 2, "vae-digits-seed3")
    refused(command("train", "vae", "--data", "mnist:/a/b.npz"), 2, "vae-mnist-a-b.npz-seed0")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--steps 8", "Expected steps 4, with which run began. Received: 8."),
        ("--data dsprites", "Expected data 'digits', with which run began."),
        ("--learning-rate 1", "Expected learning_rate 0.001, with which run began."),
        ("--set beta=8", "Expected hyperparameters {'beta': 2.0}, with which run began."),
        ("--seed 1", "Expected seed 0, with which run began. Received: 1."),
        ("--config settings.yaml", "Expected hyperparameters {'beta': 2.0}"),
        ("--set bta=8", "Unknown argument of beta_vae 'bta'"),
    ],
)
def test_resuming_with_other_settings_is_refused(command, told, run, tmp_path, flags, said):
    (tmp_path / "settings.yaml").write_text("hyperparameters: {beta: 16}")
    arguments = ("train", "beta_vae", "--resume", "--out", "run", *flags.split())
    refused(command(*arguments), 2, said)
    assert not told


def test_resuming_as_another_method_is_refused(command, told, run):
    answer = command("train", "vae", "--resume", "--out", run)
    refused(answer, 2, "Expected the run's method, beta_vae. Received: vae.")
    assert not told


def test_resuming_goes_on_with_the_settings_of_the_run(command, told, run):
    assert command("train", "beta_vae", "--resume", "--out", run).code == 0
    flags = (*TINY, "--set", "beta=2.0")
    assert command("train", "beta_vae", "--resume", "--out", run, *flags).code == 0
    assert told == [Run(run).settings] * 2


def test_resuming_where_there_is_no_run_begins_one(command, told, tmp_path):
    assert command("train", "beta_vae", *TINY, "--resume", "--out", "new").code == 0
    assert told[0].steps == 4


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_the_folder_of_something_else_is_left_alone(command, told, tmp_path, flag):
    (tmp_path / "editor" / "pictures").mkdir(parents=True)
    (tmp_path / "editor" / "config.json").write_text('{"theme": "dark"}')
    answer = command("train", "vae", "--out", "editor", flag)
    refused(answer, 2, "editor/config.json is not the config.json of a run.")
    assert contents(tmp_path / "editor") == ["config.json", "pictures"]
    assert not told


def test_overwriting_keeps_the_old_run_until_the_new_one_can_begin(command, run):
    before = contents(run)
    answer = command("train", "beta_vae", "--overwrite", "--out", run, "--data", "folder:absent")
    refused(answer, 1, "Received: nothing is there.")
    assert contents(run) == before


def test_overwriting_replaces_the_run_and_nothing_else(command, run):
    (run / "checkpoints" / "epoch-000099-batch-00000000").mkdir()
    arguments = ("train", "vae", "--data", "digits", "--steps", "2", "--batch-size", "4")
    answer = command(*arguments, "--overwrite", "--out", run)
    assert answer.code == 0
    assert (run / "notes.txt").read_text() == "mine"
    assert Run(run).settings.method == "vae"
    lengths = {name: len(values) for name, values in Run(run).read("history").items()}
    assert lengths == {"loss": 1, "reconstruction": 1, "kl": 1, "knn": 1}
    assert contents(run / "checkpoints") == ["epoch-000001-batch-00000000"]
    assert type(Run(run).load_method()) is zoo.VAE


# A whole run


def test_a_run_holds_what_it_promises(digits_run):
    assert contents(digits_run) == [
        "checkpoints",
        "config.json",
        "history.json",
        "model.keras",
        "pictures",
        "saved_model",
        "scores.json",
        "tensorboard",
    ]
    pictures = ["curves.png", "reconstructions.png", "traversal.gif", "traversal.png"]
    pictures += ["embedding.png", "neighbours.png"]
    assert contents(digits_run / "pictures") == sorted([*pictures, "drawn.npz"])
    for name in pictures:
        with Image.open(digits_run / "pictures" / name) as image:
            image.verify()
    assert {"card.json", "README.md"} <= set(contents(digits_run / "saved_model" / "1"))
    assert list((digits_run / "tensorboard").rglob("events.out.tfevents.*"))
    assert contents(digits_run / "checkpoints") == [
        "epoch-000001-batch-00000000",
        "epoch-000002-batch-00000000",
    ]


def test_a_run_says_how_it_came_about(digits_run):
    run = Run.open(digits_run)
    assert run.settings.steps == 4
    assert run.settings.hyperparameters == {"beta": 2.0}
    assert run.config["data"] == {"name": "digits", "size": [16, 16]}
    versions = {"python", "repzoo", "tensorflow", "keras", "numpy", "scikit-learn"}
    assert set(run.config["versions"]) == versions
    history = run.read("history")
    assert {name: len(values) for name, values in history.items()} == {
        "loss": 2,
        "reconstruction": 2,
        "kl": 2,
        "knn": 2,
    }
    assert np.isfinite(list(history.values())).all()
    (score,) = run.read("scores").values()
    assert score["value"] == history["knn"][-1] > 0.15  # ten classes
    assert score["protocol"] == {
        "data": "digits",
        "split": "validation",
        "train_samples": 1344,
        "samples": 153,
        "k": 200,
        "temperature": 0.1,
        "seed": 0,
    }


def test_a_run_with_factors_is_scored(sprites_run):
    run = Run.open(sprites_run)
    scores, history = run.read("scores"), run.read("history")
    assert set(scores) == {"mig", "sap"}
    assert set(history) == {"loss", "reconstruction", "kl", "mig", "sap"}
    for name, score in scores.items():
        assert score["value"] == history[name][-1]
        assert 0 <= score["value"] <= 1
        assert score["protocol"]["samples"] == 200
        assert score["protocol"]["data"] == "dsprites"
    assert "information.png" in contents(run.pictures)


@pytest.mark.slow
def test_a_contrastive_encoder_is_scored_by_factors(command, cache, tmp_path):
    small = ("--image-size", "16", "--steps", "2", "--batch-size", "8", "--samples", "200")
    parts = ("--set", "projection_sizes=[16, 8]", "--set", "queue_size=16")
    run = tmp_path / "run"
    flags = ("--data", "dsprites", "--epochs", "1", *small, *parts, "--out", run)
    answer = command("train", "moco", *flags)
    assert answer.code == 0, answer.err
    scores = Run(run).read("scores")
    assert set(scores) == {"mig", "sap"}
    assert 0 <= scores["mig"]["value"] <= 1
    protocol = {"data": "dsprites", "samples": 200, "bins": 20, "seed": 0}
    assert scores["mig"]["protocol"] == protocol
    assert Run(run).read("history")["mig"] == [scores["mig"]["value"]]


def test_a_run_shows_what_happens(digits_run):
    lines = digits_run.with_name("said.txt").read_text().splitlines()
    assert lines[0] == "digits: images enlarged to 16 pixels a side"
    assert lines[1].startswith("BetaVAE on 1,497 images of 16x16x1: 4 steps of 8 images")
    for line, epoch, left in zip(lines[2:4], "12", (r"  \d+:\d\d left", ""), strict=True):
        values = "".join(rf"(?=.*  {name} [-0-9.e]+)" for name in ("loss", "reconstruction", "kl"))
        assert re.fullmatch(rf"epoch {epoch}/2{values}.*{left}", line)
    assert lines[4:6] == ["", f"{digits_run} holds the run:"]
    assert f"  tensorboard    tensorboard --logdir {digits_run}/tensorboard" in lines
    assert re.fullmatch(r"\d+ s in all, \d+ s of them up to the last step", lines[-1])


# What a finished run is good for


def test_evaluate_scores_the_test_half_and_keeps_the_scores(command, run):
    flags = ("--samples", "50", "--train-samples", "300", "--seed", "1")
    answer = command("evaluate", run, *flags)
    assert answer.code == 0
    header, *rows, last, also = answer.out.splitlines()
    assert header.split() == ["score", "value", "protocol"]
    terms, probes = ["loss", "reconstruction", "kl"], ["knn", "linear_probe", "label_probe"]
    names = [*terms, *probes[:2], *(f"label_probe_{n}_percent" for n in ("one", "ten"))]
    assert [row.split()[0] for row in rows] == names
    assert all(row.endswith("  data digits, 50 samples, batch size 50, seed 1") for row in rows[:3])
    how = "  data digits, split test, 300 train samples, 50 samples, "
    assert rows[3].endswith(f"{how}k 200, temperature 0.1, seed 1")
    assert rows[4].endswith(f"{how}label share 1.0, seed 1")
    assert re.search(rf"{how}\d+ train labels, seed 1$", rows[5])
    assert last == f"also in {run}/evaluation.json"
    assert also == f"what the linear probe took for what: {run}/pictures/confusion.png"
    scores = Run(run).read("evaluation")
    confused = Run(run).read("confusion")
    matrix = np.array(confused["matrix"])
    assert (matrix.shape, matrix.sum()) == ((10, 10), 50)
    assert np.trace(matrix) / 50 == pytest.approx(scores["linear_probe"]["value"])
    _, labels = zoo.data.load("digits").test.sample(50, seed=1)
    np.testing.assert_array_equal(matrix.sum(axis=1), np.bincount(labels, minlength=10))
    assert confused["class_names"] == list("0123456789")
    assert confused["protocol"] == scores["linear_probe"]["protocol"]
    assert command("evaluate", run, *flags, "--metrics", "knn").code == 0
    assert not (run / "confusion.json").exists()  # of scores that are no longer there
    assert not (run / "pictures" / "confusion.png").exists()
    terms = [scores[name]["value"] for name in ("loss", "reconstruction", "kl")]
    assert terms[0] == pytest.approx(terms[1] + 2.0 * terms[2], rel=1e-5)
    assert scores["loss"]["protocol"] == {
        "data": "digits",
        "samples": 50,
        "batch_size": 50,
        "seed": 1,
    }


def test_evaluate_draws_codes_in_a_plane_as_it_is_told(command, run, monkeypatch):
    flags = ("--samples", "50", "--metrics", "effective_rank")
    drawn = []
    for told in ((), ("--embedding", "tsne")):
        for name in ("embedding", "neighbours"):
            (run / "pictures" / f"{name}.png").unlink()
        assert command("evaluate", run, *flags, *told).code == 0
        assert (run / "pictures" / "neighbours.png").exists()
        drawn.append((run / "pictures" / "embedding.png").read_bytes())
    assert drawn[0] != drawn[1]
    monkeypatch.setitem(sys.modules, "umap", None)
    answer = command("evaluate", run, "--embedding", "umap")
    refused(answer, 2, "--embedding umap needs umap-learn: pip install umap-learn.")


def test_evaluate_agrees_with_the_training(command, sprites_run, tmp_path):
    run = shutil.copytree(sprites_run, tmp_path / "run")
    before = Run(run).read("scores")
    assert command("evaluate", run, "--samples", "200").code == 0
    after = Run(run).read("evaluation")
    assert list(after) == ["loss", "reconstruction", "kl", "mig", "sap"]
    assert {name: after[name] for name in before} == before
    assert Run(run).read("scores") == before


def test_evaluate_scores_by_the_metrics_that_are_named(command, sprites_run, tmp_path):
    run = shutil.copytree(sprites_run, tmp_path / "run")
    assert command("evaluate", run, "--samples", "200", "--metrics", "sap").code == 0
    assert list(Run(run).read("evaluation")) == ["loss", "reconstruction", "kl", "sap"]


def test_evaluate_scores_data_without_factors_by_all_that_need_none(command, run):
    assert command("evaluate", run, "--samples", "50", "--metrics", "all").code == 0
    scores = Run(run).read("evaluation")
    assert {"active_units", "gaussian_total_correlation", "effective_rank", "knn"} <= set(scores)
    assert "mig" not in scores
    assert scores["active_units"]["protocol"] == {
        "data": "digits",
        "split": "test",
        "samples": 50,
        "threshold": 0.01,
        "seed": 0,
    }


@pytest.mark.filterwarnings("default:left out")
def test_evaluate_tells_what_all_leaves_out(command, sprites_run, tmp_path):
    run = shutil.copytree(sprites_run, tmp_path / "run")
    answer = command("evaluate", run, "--samples", "20", "--metrics", "all")
    assert answer.code == 0
    said = [line for line in answer.err.splitlines() if "left out" in line]
    assert [line.split(": ")[2] for line in said] == ["beta_vae_score", "factor_vae_score"]
    assert said[0].startswith("zoo: left out: beta_vae_score: Expected at least 10 samples")
    names = set(Run(run).read("evaluation"))
    assert {"mig", "dci_completeness", "modularity"} < names
    assert not {"beta_vae_score", "factor_vae_score"} & names


def test_evaluate_refuses_metrics_that_need_factors_where_there_are_none(command, run):
    before = contents(run)
    answer = command("evaluate", run, "--metrics", "mig")
    refused(answer, 1, "Expected known factors for mig. Received: digits, which has none.")
    assert contents(run) == before


def test_train_refuses_metrics_that_need_factors_where_there_are_none(command, tmp_path):
    answer = command("train", "vae", *TINY, "--metrics", "sap", "--out", "run")
    refused(answer, 1, "Expected known factors for sap. Received: digits, which has none.")
    assert contents(tmp_path) == []


def test_traverse_draws(command, run, tmp_path):
    answer = command("traverse", run, "--steps", "3", "--reach", "1.5", "--out", "drawn")
    assert answer.code == 0
    drawn = ["reconstructions.png", "traversal.png", "embedding.png", "neighbours.png"]
    drawn += ["traversal.gif", "drawn.npz"]
    assert answer.out.splitlines() == [f"drawn/{name}" for name in drawn]
    assert contents(tmp_path / "drawn") == sorted(drawn)


def test_traverse_refuses_a_method_that_does_not_decode(command, run):
    config = json.loads((run / "config.json").read_text())
    config["settings"]["method"] = "simclr"
    (run / "config.json").write_text(json.dumps(config))
    answer = command("traverse", run)
    refused(answer, 2, "a method that decodes", "Received: simclr, which has no decoder")
    assert answer.err.count("\n") == 1


def test_resume_refuses_data_that_have_changed(command, tmp_path):
    for shade in range(4):
        paint(tmp_path / "images" / f"{shade}.png", shade)
    tiny = ("train", "vae", "--data", "folder:images", "--out", "run", "--steps", "2")
    assert command(*tiny, "--batch-size", "2").code == 0
    paint(tmp_path / "images" / "new.png", 9)
    refused(command("train", "vae", "--out", "run", "--resume"), 1, "the 4 images", "Received: 5")


def test_a_folder_that_is_no_run_is_not_cleared(command, tmp_path):
    photo = tmp_path / "home" / "pictures" / "holiday.png"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"dear to somebody")
    answer = command("train", "vae", "--data", "digits", "--steps", "1", "--out", "home")
    refused(answer, 1, "to be free or to hold a run", "pictures")
    assert photo.read_bytes() == b"dear to somebody"


def test_a_code_that_no_score_takes_is_refused_before_training(command, cache, tmp_path):
    answer = command("train", "vae", "--set", "latent_size=1", "--out", "run")
    refused(answer, 1, "Expected codes of at least 2 dimensions")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_export_writes_once(command, run, tmp_path):
    answer = command("export", run)
    assert (answer.code, answer.out) == (0, "saved_models/run/1\n")
    folder = tmp_path / "saved_models" / "run" / "1"
    card = json.loads((folder / "card.json").read_text())
    assert card["training"]["steps"] == 4
    refused(command("export", run), 2, "saved_models/run/1 is there already. Use --overwrite")
    assert command("export", run, "--overwrite").code == 0
    answer = command("export", run, "--out", run / "pictures", "--overwrite")
    refused(answer, 1, "pictures holds no export")


@pytest.mark.parametrize("verb", ["evaluate", "traverse", "export"])
def test_only_finished_runs_are_opened(command, run, tmp_path, verb):
    refused(command(verb, "absent"), 2, "Expected a run folder with config.json. Received: absent")
    refused(command(verb, tmp_path), 2, "Expected a run folder with config.json.")
    (run / "model.keras").unlink()
    said = "has not finished: it has no model.keras. Go on with: zoo train beta_vae --resume"
    refused(command(verb, "run"), 2, said)
    (run / "config.json").write_text("{")
    refused(command(verb, "run"), 2, "run/config.json is damaged: ")


@pytest.mark.parametrize("verb", ["evaluate", "traverse", "export"])
def test_a_damaged_model_is_named(command, run, verb):
    (run / "model.keras").write_bytes(b"PK\x03\x04")
    refused(command(verb, "run"), 1, "run/model.keras cannot be loaded: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("evaluate run --samples 0", "Invalid value for '--samples'"),
        ("evaluate run --seed -1", "Invalid value for '--seed'"),
        ("traverse run --steps 1", "Invalid value for '--steps'"),
        ("traverse run --reach nan", "Expected reach to be a number of at least 0. Received: nan."),
        ("traverse run --reach -1", "Expected reach to be a number of at least 0."),
    ],
)
def test_bad_flags_of_the_other_commands_are_refused(command, run, arguments, said):
    refused(command(*arguments.split()), 2, said)


# Failures on the way


def full(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_ends_a_training_with_a_line(command, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    answer = command("train", "beta_vae", *TINY, "--out", "run")
    refused(answer, 1, "No space left on device: run/config.json")
    assert contents(tmp_path / "run") == []


@pytest.mark.parametrize(
    ("verb", "file"),
    [
        ("evaluate", "run/evaluation.json"),
        ("traverse", "run/pictures/reconstructions.png"),
        ("export --out run/saved_model/1 --overwrite", "run/saved_model/1"),
    ],
)
def test_a_full_disk_leaves_what_was_there(command, run, tmp_path, monkeypatch, verb, file):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    monkeypatch.setattr(os, "fsync", full)
    name, *flags = verb.split()
    refused(command(name, "run", *flags), 1, f"No space left on device: {file}")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_diverged_training_says_what_to_do(command, tmp_path):
    answer = command("train", "vae", *TINY, "--learning-rate", "1e30", "--out", "run")
    refused(answer, 1, "The loss is nan in epoch 1. Start again with --overwrite and a smaller")
    said = "has not finished: it has no model.keras"
    refused(command("evaluate", "run"), 2, said)


def test_what_diverged_at_the_last_step_is_a_line(command, no_cache, monkeypatch):
    """Whoever meets it first: the pictures, `zoo evaluate`, `zoo disambiguate`."""
    from zoo import disambiguation

    def meet(*_):
        disambiguation._joined([np.full((2, 3), np.nan)])

    monkeypatch.setattr(training, "check_hyperparameters", meet)
    refused(command("train", "cc"), 1, "Received: NaN or infinity among them, as of a training tha")


@pytest.mark.parametrize("kind", ["numpy", "tensorflow"])
def test_too_little_memory_is_a_line(command, no_cache, monkeypatch, kind):
    import tensorflow as tf

    def allocate(*_):
        if kind == "tensorflow":
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        np.empty(2**60, np.uint8)

    monkeypatch.setattr(training, "check_hyperparameters", allocate)
    refused(command("train", "vae"), 1, "Out of memory. A smaller --image-size or --batch-size")


def test_a_fault_of_the_zoo_itself_is_not_hidden(monkeypatch):
    monkeypatch.setattr(registry, "names", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["list"])


def test_warnings_are_a_line(command, monkeypatch, told):
    import warnings

    def warn(*_):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("a checkpoint\nis damaged", stacklevel=1)

    monkeypatch.setattr(training, "train", warn)
    answer = command("train", "vae", *TINY)
    assert answer.code == 0
    assert answer.err == "zoo: a checkpoint is damaged\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a process")
def test_ctrl_c_leaves_a_checkpoint_from_which_to_go_on(command, tmp_path):
    flags = ("--data", "digits", "--batch-size", "4", "--steps", "300", "--epochs", "3")
    process = subprocess.Popen(
        [*ZOO, "train", "beta_vae", *flags, "--out", "a run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    for line in process.stdout:
        if line.startswith("epoch 1/3"):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(
        r"\nzoo: stopping once this step is done; Ctrl-C again stops at once\n"
        r"zoo: stopped, step \d+ is saved\. "
        r"Go on with: zoo train beta_vae --resume --out 'a run'\n",
        err,
    )
    run = Run(tmp_path / "a run")
    done = len(contents(run.checkpoints))
    assert done in (1, 2)
    assert not run.model_path.exists()
    refused(command("evaluate", "a run"), 2, "zoo train beta_vae --resume --out 'a run'")

    answer = command("train", "beta_vae", "--resume", "--out", "a run")
    assert answer.code == 0
    assert re.search(r"^resuming at step [\d,]+ of 300$", answer.out, re.MULTILINE)
    assert [len(values) for values in run.read("history").values()] == [3, 3, 3, 3]
    assert run.load_method().step.numpy() == 300
