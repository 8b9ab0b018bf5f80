"""The learning measurement of the README in short: what larger betas must lead to."""

import shutil

import pytest

from tests.benchmarks import disentangled_learning


@pytest.mark.slow
def test_beta_trades_reconstruction_for_kl(cache, tmp_path, capsys):
    short = ["--steps", "900", "--epochs", "1", "--seeds", "1", "--out", str(tmp_path)]
    settings = ["--only", "VAE", *disentangled_learning.OVER_BETA]
    assert disentangled_learning.main([*short, *settings]) == 0
    said = capsys.readouterr().out
    assert said.count("met     ") == 2
    trained = {path.stat().st_mtime_ns for path in tmp_path.glob("*/model.keras")}
    assert len(trained) == 3
    assert disentangled_learning.main([*short, *settings]) == 0  # all there: none again
    assert {path.stat().st_mtime_ns for path in tmp_path.glob("*/model.keras")} == trained


@pytest.mark.parametrize(
    ("flag", "other"), [("steps", "8"), ("image-size", "32"), ("learning-rate", "0.01")]
)
def test_runs_of_other_settings_are_refused(sprites_run, tmp_path, capsys, flag, other):
    shutil.copytree(sprites_run, tmp_path / "vae-seed0")
    asked = {"image-size": "16", "steps": "4", "epochs": "2", "batch-size": "8"}
    asked = {**asked, "learning-rate": "0.001", flag: other}
    flags = [word for name, value in asked.items() for word in (f"--{name}", value)]
    with pytest.raises(SystemExit) as ended:
        disentangled_learning.main(["--only", "VAE", "--out", str(tmp_path), *flags])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    name = flag.replace("-", "_")
    assert f"vae-seed0 to be trained with {name} {other}. Received: {name} " in said
    assert "Name another folder with --out." in said


@pytest.mark.parametrize(("factor_vae", "place"), [(0.1, "below"), (0.3, "not below")])
def test_the_total_correlation_of_means_is_a_note(factor_vae, place):
    medians = {"VAE": {"tc_of_means": 0.2}, "FactorVAE, gamma 10": {"tc_of_means": factor_vae}}
    (note,) = disentangled_learning.notes(medians)
    assert f"of means, is {place} the VAE's" in note
    assert disentangled_learning.notes({"VAE": {"tc_of_means": 0.2}}) == []
