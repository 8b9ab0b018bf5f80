"""The learning measurement of candidate labels in short: kept, compared, and not mixed."""

import json

import numpy as np
import pytest

from tests.benchmarks import partial_learning


@pytest.fixture
def short(tmp_path):
    """Arguments of a few steps on a few images."""
    rng = np.random.default_rng(0)
    halves = {"train": 200, "test": 50}
    arrays = {f"x_{half}": rng.integers(0, 256, (n, 28, 28), "uint8") for half, n in halves.items()}
    labels = {f"y_{half}": np.arange(n) % 10 for half, n in halves.items()}
    np.savez(tmp_path / "mnist.npz", **arrays, **labels)
    data = ["--data", f"mnist:{tmp_path / 'mnist.npz'}", "--tasks", "mnist-0.3"]
    few = ["--steps", "4", "--epochs", "2", "--seeds", "1", "--batch-size", "16"]
    return [*data, *few, "--out", str(tmp_path / "out")]


@pytest.mark.slow
def test_a_run_is_kept_with_its_curve_and_compared(short, tmp_path, capsys):
    assert partial_learning.main([*short, "--only", "pico", "supervised"]) == 1
    said = capsys.readouterr().out
    assert "MISSED  mnist-0.3, pico: accuracy" in said
    record = tmp_path / "out" / "mnist-0.3-pico-seed0" / "result.json"
    result = json.loads(record.read_text())
    assert 0 <= result["accuracy"] <= 1
    assert len(result["history"]["accuracy"]) == 2
    supervised = tmp_path / "out" / "mnist-0.3-supervised-seed0" / "result.json"
    assert json.loads(supervised.read_text())["disambiguated"] == 1
    written = record.stat().st_mtime_ns
    partial_learning.main([*short, "--only", "pico"])  # there: not trained again
    assert record.stat().st_mtime_ns == written
    with pytest.raises(SystemExit) as ended:
        partial_learning.main([*short, "--only", "pico", "--learning-rate", "0.1"])
    assert ended.value.code == 2
    assert "trained with other settings" in capsys.readouterr().err


def test_bars_are_of_means_over_seeds():
    def results(*accuracies):
        history = {"processor_seconds": [60.0, 600.0]}
        return [{"accuracy": a, "disambiguated": 0.995, "history": history} for a in accuracies]

    bars = partial_learning.bars_of(
        "mnist-0.3", {"pico": results(0.984, 0.986, 0.988), "cc": results(0.987, 0.989, 0.988)}
    )
    assert all(bars.values())  # 98.6 %, of at least 98.5 and at most 0.2 below 98.8
    assert any("10.0 processor minutes" in bar for bar in bars)
    bars = partial_learning.bars_of(
        "mnist-0.7", {"pico": results(0.97, 0.98), "proden": results(0.98, 0.98)}
    )
    missed = [bar for bar, met in bars.items() if not met]
    assert missed == ["mnist-0.7: pico 97.50 %, proden 98.00 %, at most 0.2 below"]


def test_data_that_a_task_needs_are_asked_for(short, capsys):
    with pytest.raises(SystemExit):
        partial_learning.main([*short, "--tasks", "cifar10-0.5"])
    assert "Expected cifar10:... with --data for cifar10-0.5" in capsys.readouterr().err
