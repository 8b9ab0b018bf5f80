import errno
import json
import math
import os

import numpy as np
import pytest

from zoo.files import (
    check_writable,
    from_json_number,
    replacing,
    sha256,
    to_json_number,
    write_json,
)


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folders" / "a.txt"
    with replacing(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
        assert partial.suffix == ".txt"
    assert path.read_text() == "whole"
    assert contents(path.parent) == ["a.txt"]


def write_half(path, error):
    with replacing(path) as partial:
        partial.write_text("ne")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError, OSError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert contents(tmp_path) == ["a.txt"]


def test_nothing_written_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        pass
    assert contents(tmp_path) == []


def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_json(path, {"new": True})
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert contents(tmp_path) == ["a.txt"]


def test_a_full_disk_is_recognised_in_other_libraries_words(tmp_path):
    with (
        pytest.raises(OSError, match="No space left on device") as caught,
        replacing(tmp_path / "model") as partial,
    ):
        raise RuntimeError(f"{{node}} {partial}/data.tempstate42; No space left on device [Op]")
    assert caught.value.filename == str(tmp_path / "model")


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(OSError, match="Permission denied") as caught, replacing(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "Permission denied", "elsewhere")
    assert caught.value.filename == "elsewhere"


def test_a_folder_takes_the_place_of_a_full_folder(tmp_path):
    path = tmp_path / "model"
    for text in ("old", "new"):
        with replacing(path) as partial:
            (partial / "inside").mkdir(parents=True)
            (partial / "inside" / f"{text}.txt").write_text(text)
    assert contents(tmp_path) == ["model"]
    assert contents(path / "inside") == ["new.txt"]


def test_a_folder_that_cannot_take_its_place_gives_the_old_one_back(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old.txt").write_text("old")
    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"), replacing(path) as partial:
        partial.mkdir()
    assert contents(tmp_path) == ["model"]
    assert contents(path) == ["old.txt"]


def test_a_folder_does_not_take_the_place_of_a_file(tmp_path):
    path = tmp_path / "model"
    path.write_text("old")
    with pytest.raises(NotADirectoryError), replacing(path) as partial:
        partial.mkdir()
    assert path.read_text() == "old"
    assert contents(tmp_path) == ["model"]


def test_the_longest_name_that_fits_fits(tmp_path):
    path = tmp_path / ("n" * 251 + ".txt")
    write_json(path, 1)
    assert contents(tmp_path) == [path.name]


def test_json_reads_back(tmp_path):
    value = {"b": [1, 2.5, None], "a": "é"}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == value
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [0.5, -3, math.inf, -math.inf, math.nan])
def test_every_number_survives_json(value):
    text = json.dumps(to_json_number(value), allow_nan=False)
    np.testing.assert_equal(from_json_number(json.loads(text)), value)


@pytest.mark.parametrize("value", ["0.5", "nan", True, [1], {}])
def test_what_is_no_number_of_json_is_refused(value):
    with pytest.raises(ValueError, match=r"^Expected a number, inf, -inf or null\. Received: "):
        from_json_number(value)


def test_a_path_that_cannot_be_written_to_is_known_before(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    check_writable(tmp_path / "new" / "folders" / "a.txt")
    check_writable(tmp_path / "file")
    with pytest.raises(NotADirectoryError, match="file"):
        check_writable(tmp_path / "file" / "new" / "a.txt")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may do anything
    with pytest.raises(PermissionError, match=tmp_path.name):
        check_writable(tmp_path / "new" / "a.txt")


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_what_json_does_not_know_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", [value])
    assert contents(tmp_path) == []


def test_what_is_no_json_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {1, 2})
    assert (tmp_path / "a.json").read_text() == "1\n"
    assert contents(tmp_path) == ["a.json"]


def test_sha256_is_the_published_one(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == digest
