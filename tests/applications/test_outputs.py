import doctest
import json

import numpy as np
import pytest

from applications import Output, outputs


def test_examples():
    assert doctest.testmod(outputs, extraglobs={"np": np}).failed == 0


def test_a_result_is_whole(tmp_path):
    result = {"scores": np.array([0.5, np.nan, np.inf]), "at": tmp_path}
    with Output(tmp_path / "applied" / "probe").writing(result) as room:
        (room / "note.txt").write_text("here")
        result["seed"] = np.int64(3)
    folder = tmp_path / "applied" / "probe"
    assert sorted(path.name for path in folder.iterdir()) == ["note.txt", "result.json"]
    assert json.loads((folder / "result.json").read_text()) == {
        "scores": [0.5, None, "inf"],
        "at": str(tmp_path),
        "seed": 3,
    }


def write_half(output):
    with output.writing({}) as room:
        (room / "note.txt").write_text("half")
        raise ValueError("the rest went wrong")


def test_a_result_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="the rest went wrong"):
        write_half(Output(tmp_path / "probe"))
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_is_replaced_on_request_alone(tmp_path):
    with Output(tmp_path / "probe").writing({"run": 1}) as room:
        (room / "old.txt").write_text("old")
    with pytest.raises(FileExistsError, match=r"probe is there already\. Use --overwrite"):
        Output(tmp_path / "probe")
    with Output(tmp_path / "probe", overwrite=True).writing({"run": 2}):
        pass
    assert [path.name for path in (tmp_path / "probe").iterdir()] == ["result.json"]


def test_what_is_no_result_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.txt").write_text("dear")
    with pytest.raises(FileExistsError, match=r"holds no result\.json, and is not replaced"):
        Output(tmp_path / "photos", overwrite=True)
