"""The learning measurement of the README in short, on digits: kept, and not mixed with others."""

import json

import pytest

from tests.benchmarks import contrastive_learning

SHORT = ["--data", "digits", "--steps", "6", "--epochs", "2", "--seeds", "1", "--batch-size", "64"]


@pytest.mark.slow
def test_a_run_is_kept_with_its_curve_and_clock(tmp_path, capsys):
    short = [*SHORT, "--out", str(tmp_path), "--only", "simclr"]
    contrastive_learning.main([*short, "--baselines"])
    said = capsys.readouterr().out
    assert "raw pixels: " in said
    assert "simclr: " in said
    record = tmp_path / "simclr-seed0" / "result.json"
    result = json.loads(record.read_text())
    assert 0.1 < result["test_knn"] <= 1
    assert len(result["history"]["knn"]) == 2
    assert 0 < result["history"]["seconds"][0] < result["history"]["seconds"][1]
    written = record.stat().st_mtime_ns
    contrastive_learning.main(short)  # there: not trained again
    assert record.stat().st_mtime_ns == written
    with pytest.raises(SystemExit) as ended:
        contrastive_learning.main([*short, "--learning-rate", "0.1"])
    assert ended.value.code == 2
    assert "trained with other settings" in capsys.readouterr().err
