"""The learning measurement of the README in short: what larger betas must lead to."""

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
