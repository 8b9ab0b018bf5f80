"""What `zoo sweep` is told and what it refuses; what it does is in test_sweeping."""

import pytest

from tests.test_cli import contents, refused
from zoo import sweeping
from zoo.cli.sweep import spread
from zoo.sweeps import Outcome, Sweep, SweepFolder


@pytest.fixture
def told(monkeypatch):
    """Sweeps that would have begun; none of them does."""
    sweeps = []

    def run_sweep(sweep, folder, console, retry_failed, overwrite):
        sweeps.append((sweep, folder.path, retry_failed, overwrite))
        return {"a run": Outcome("finished", metrics=sweep.metrics)}

    monkeypatch.setattr(sweeping, "run_sweep", run_sweep)
    monkeypatch.setattr(sweeping, "say_where", lambda *_: None)
    return sweeps


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vae --values 1 2 --seeds 3", "vae --values=1 --values=2 --seeds 3"),
        ("--values -1 -.5 1e-3 --out x vae", "--values=-1 --values=-.5 --values=1e-3 --out x vae"),
        ("--values 1 --values 2", "--values=1 --values=2"),
        ("--values=1 vae", "--values=1 vae"),
        ("--values=1 2 -3 vae 4", "--values=1 --values=2 --values=-3 vae 4"),
        ("--values= 2 --out=x 3", "--values= --values=2 --out=x 3"),
        ("--values --seeds 3", "--values --seeds 3"),
        ("vae --values", "vae --values"),
        ("--values 1 -h", "--values=1 -h"),
        ("vae beta_vae", "vae beta_vae"),
    ],
)
def test_an_option_takes_all_that_follows(line, expected):
    assert spread(line.split(), {"--values"}) == expected.split()


def test_flags_reach_the_sweep(command, told):
    line = "beta_vae --param beta --values 1 2e0 0.5 --seeds 2 --metrics mig --data digits"
    line += " --steps 8 --epochs 2 --batch-size 4 --image-size 20 --set latent_size=3 --samples 50"
    answer = command("sweep", *line.split(), "--retry-failed", "--out", "there")
    assert answer.code == 0
    assert answer.out == "6 runs in there\n"
    ((sweep, path, retry_failed, overwrite),) = told
    assert sweep == Sweep.planned(
        ["beta_vae"],
        "beta",
        [0.5, 1, 2.0],
        2,
        ["mig"],
        [
            {
                "data": "digits",
                "steps": 8,
                "epochs": 2,
                "batch_size": 4,
                "image_size": 20,
                "samples": 50,
                "hyperparameters": {"latent_size": 3},
            }
        ],
    )
    assert (str(path), retry_failed, overwrite) == ("there", True, False)


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("beta_vae --param beta --data digits", "runs/sweep-beta_vae-beta-digits"),
        ("vae beta_vae --overwrite", "runs/sweep-vae-beta_vae-dsprites"),
    ],
)
def test_a_sweep_has_a_folder_by_default(command, told, line, folder):
    assert command("sweep", *line.split()).code == 0
    assert str(told[0][1]) == folder
    assert told[0][3] == ("--overwrite" in line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Missing argument 'METHOD...'."),
        ("bta_vae --param beta", "Unknown method 'bta_vae'. Did you mean 'beta_vae'"),
        ("vae", "Expected several methods to compare, or one and the number to vary (--param)."),
        ("vae vae", "Expected each method once. Received: vae twice."),
        ("beta_vae --param bta", "Unknown argument of beta_vae 'bta'. Did you mean 'beta'"),
        ("beta_vae --param beta --values", "Option '--values' requires an argument."),
        ("beta_vae --param beta --values 1 x", "to be a finite number. Received: 'x'."),
        ("beta_vae --param beta --values 1 1.0", "Expected each value once. Received: 1.0 twice."),
        ("beta_vae --param beta --values -1", "to be a number of at least 0. Received: -1."),
        ("beta_vae --param latent_size --values 2 2.5", "Received: 2.5"),
        ("beta_vae --param beta --seeds 0", "Expected seeds to be an integer of at least 1."),
        ("beta_vae --param beta --seeds two", "Invalid value for '--seeds'"),
        ("beta_vae --param beta --metrics mgi", "Unknown metric 'mgi'. Did you mean 'mig'"),
        (
            "beta_vae --param beta --set beta=3",
            "Expected beta among the values of the sweep alone.",
        ),
        ("beta_vae --param beta --set btch=3", "Unknown argument of beta_vae 'btch'."),
        ("vae beta_vae --set beta=3", "Unknown argument of vae 'beta'."),
        ("vae beta_vae --steps 10 --epochs 3", "Expected steps to be a multiple of epochs"),
        ("vae beta_vae --data mnits", "Unknown dataset 'mnits'. Did you mean 'mnist'"),
        ("vae beta_vae --image-size 8", "Expected images of at least 16 x 16 pixels."),
        ("vae beta_vae --out a.file", "Expected a folder for the sweep. Received: a.file, a file."),
        ("vae beta_vae --out home", "Expected home to be free or to hold a sweep."),
        ("vae beta_vae --out home --overwrite", "Expected home to be free or to hold a sweep."),
        ("vae beta_vae --out held", "held holds another sweep. Expected param 'beta'"),
    ],
)
def test_bad_sweeps_are_refused_before_anything_is_built(command, told, tmp_path, line, said):
    (tmp_path / "a.file").write_text("just words")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    SweepFolder(tmp_path / "held").begin(Sweep.planned(["beta_vae"], "beta"), {})
    refused(command("sweep", *line.split()), 2, said)
    assert not told
    assert contents(tmp_path) == ["a.file", "held", "home"]
    assert contents(tmp_path / "held") == ["sweep.json"]


def test_the_help_says_what_is_compared(command):
    answer = command("sweep", "--help")
    assert answer.code == 0
    for words in ("paper's defaults", "METHOD...", "--values NUMBER...", "--retry-failed"):
        assert words in answer.out
