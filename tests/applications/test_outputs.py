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
        "made_by": "repzoo applications",
        "files": ["note.txt", "result.json"],
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


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, r"photos holds no result\.json, and is not replaced"),
        ('{"accuracy": 0.9}', r"photos holds a result\.json that no application wrote, and is not"),
        ('{"made_by": "me", "files": ["mine.txt", "result.json"]}', "that no application wrote"),
        ('{"made_by": "repzoo applications"}', "that no application wrote"),
        ("[1]", "that no application wrote"),
        ("{", "that no application wrote"),
    ],
)
def test_what_is_no_result_is_never_replaced(tmp_path, told, said):
    """A kept run, say: it has a result.json too, beside weights that took hours."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.txt").write_text("dear")
    if told is not None:
        (tmp_path / "photos" / "result.json").write_text(told)
    with pytest.raises(FileExistsError, match=said):
        Output(tmp_path / "photos", overwrite=True)
    assert (tmp_path / "photos" / "mine.txt").read_text() == "dear"


def test_a_result_beside_other_files_is_not_replaced(tmp_path):
    with Output(tmp_path / "probe").writing({}) as room:
        (room / "saved_model" / "1").mkdir(parents=True)
        (room / "saved_model" / "1" / "saved_model.pb").write_bytes(b"graph")
    Output(tmp_path / "probe", overwrite=True)
    (tmp_path / "probe" / "saved_model" / "2").mkdir()
    Output(tmp_path / "probe", overwrite=True)  # nothing is in it
    (tmp_path / "probe" / "saved_model" / "2" / "saved_model.pb").write_bytes(b"mine")
    with pytest.raises(
        FileExistsError, match=r"also holds saved_model/2/saved_model\.pb, which no application"
    ):
        Output(tmp_path / "probe", overwrite=True)
    (tmp_path / "probe" / "index.npz").symlink_to(tmp_path)
    with pytest.raises(FileExistsError, match=r"also holds index\.npz and 1 more, which no appli"):
        Output(tmp_path / "probe", overwrite=True)


def write_note(output):
    with output.writing({}) as room:
        (room / "note.txt").write_text("new")
        output.folder.mkdir(exist_ok=True)
        (output.folder / "mine.txt").write_text("dear")


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_came_to_be_there_meanwhile_is_not_replaced(tmp_path, overwrite):
    with pytest.raises(FileExistsError, match=r"probe (is there already|holds no result\.json)"):
        write_note(Output(tmp_path / "probe", overwrite))
    assert [path.name for path in tmp_path.iterdir()] == ["probe"]
    assert [path.name for path in (tmp_path / "probe").iterdir()] == ["mine.txt"]


def test_where_nothing_may_be_written_no_work_is_begun(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="file"):
        Output(tmp_path / "file" / "probe")
