"""Settings and folders that all tests share."""

import contextlib
import dataclasses
import io
import os
import pathlib
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import pytest


@pytest.fixture
def test_data() -> pathlib.Path:
    """The folder of published data and reference values; tests that need it skip without it."""
    root = os.environ.get("REPZOO_TEST_DATA")
    if not root or not pathlib.Path(root).is_dir():
        pytest.skip("REPZOO_TEST_DATA names no folder with the published data")
    return pathlib.Path(root)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The folder where dSprites is built, once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("REPZOO_CACHE"):
            patch.setenv("REPZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield pathlib.Path(os.environ["REPZOO_CACHE"])


@dataclasses.dataclass
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Runs `zoo ARGUMENTS` in this process, in an empty folder, and gives its Answer."""
    from zoo import cli

    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        return Answer(ended.value.code, *capsys.readouterr())

    return run


def _trained(folder, *arguments):
    from zoo import cli

    tiny = ["--batch-size", "8", "--epochs", "2", "--learning-rate", "1e-3", "--set", "beta=2.0"]
    command = ["train", "beta_vae", *tiny, "--out", str(folder)]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
        cli.main([*command, *arguments])
    assert ended.value.code == 0
    folder.with_name("said.txt").write_text(said.getvalue())
    return folder


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """The folder of a tiny finished run on digits, said.txt beside it. Copy it to change it."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    return _trained(folder, "--data", "digits", "--steps", "4")


@pytest.fixture(scope="session")
def sprites_run(cache, tmp_path_factory):
    """The folder of a tiny finished run on dSprites, scored. Copy it to change it."""
    small = ("--image-size", "16", "--steps", "4", "--samples", "200")
    return _trained(tmp_path_factory.mktemp("runs") / "sprites", *small)


@pytest.fixture(scope="session")
def digits_sweep(tmp_path_factory):
    """The folder of a tiny finished sweep on digits, its last run diverged. Copy it to change it.

    The run of beta = 2 has the settings of `digits_run`. What the command said is in said.txt
    beside it.
    """
    from zoo import cli

    folder = tmp_path_factory.mktemp("sweeps") / "digits"
    values = ["--param", "beta", "--values", "1", "2", "1e39", "--seeds", "1"]
    tiny = ["--data", "digits", "--steps", "4", "--epochs", "2", "--batch-size", "8"]
    said = io.StringIO()
    with (
        warnings.catch_warnings(action="ignore", category=RuntimeWarning),  # 1e39 is no float32
        contextlib.redirect_stdout(said),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main(["sweep", "beta_vae", *values, *tiny, "--out", str(folder)])
    assert ended.value.code == 0
    folder.with_name("said.txt").write_text(said.getvalue())
    return folder


@pytest.fixture
def mixed_float16():
    """Networks made within the test compute in float16."""
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session")
def browser():
    """A Chromium without a network, see tests/browser.py; tests that need it skip without it."""
    from tests import browser

    if not browser.installed():
        pytest.skip("no chromium and chromedriver are installed to look at pages with")
    opened = browser.Browser()
    yield opened
    opened.close()
