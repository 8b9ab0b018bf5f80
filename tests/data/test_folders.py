"""Folders of images: the layouts, mixed sizes and colours, and what is unreadable."""

from __future__ import annotations

import logging
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data import LabelledData, load


def draw(path: Path, value: int | tuple[int, int, int] = 0, size: tuple[int, int] = (6, 4)) -> Path:
    """A plain image: grey for one value, RGB for three; `size` is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(value, int) else "RGB", size, value).save(path)
    return path


def read(folder: Path, **arguments: object) -> LabelledData:
    data = load(f"folder:{folder}", **arguments)  # type: ignore[arg-type]
    assert isinstance(data, LabelledData)
    return data


def values(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_train_and_test_with_classes(tmp_path: Path) -> None:
    for i, name in enumerate(("ant", "bee")):
        for k in range(3):
            draw(tmp_path / "train" / name / f"{k}.png", 100 * i + k)
    draw(tmp_path / "test" / "bee" / "deep" / "0.png", 103)
    (tmp_path / "train" / "ant" / "notes.txt").write_text("not an image")
    draw(tmp_path / "train" / ".hidden" / "0.png")
    draw(tmp_path / "train" / "ant" / "._0.png")
    data = read(tmp_path)
    assert data.class_names == ("ant", "bee")
    assert data.image_shape == (4, 6, 1)
    assert values(data.train.images) == [0, 1, 2, 100, 101, 102]
    assert data.train.labels is not None
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert values(data.test.images) == [103]
    assert data.test.labels is not None
    assert data.test.labels.tolist() == [1]
    assert data.describe() == {"name": f"folder:{tmp_path}"}
    assert data.name == data.train.name == f"folder:{tmp_path.name}"  # as pictures and scores say


@pytest.mark.parametrize("inside", ["", "train"])
def test_classes_alone_are_split(tmp_path: Path, inside: str) -> None:
    for i, name in enumerate(("ant", "bee")):
        for k in range(10):
            draw(tmp_path / inside / name / f"{k}.png", 100 * i + k)
    data, again = read(tmp_path), read(tmp_path)
    assert (len(data.train), len(data.test)) == (18, 2)
    both = np.concatenate([data.train.images, data.test.images])
    assert sorted(values(both)) == [100 * i + k for i in range(2) for k in range(10)]
    assert data.train.labels is not None
    assert [v // 100 for v in values(data.train.images)] == data.train.labels.tolist()
    np.testing.assert_array_equal(data.test.images, again.test.images)


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    for k in range(3):
        draw(tmp_path / f"{k}.JPG", 50 * k)
    data = read(tmp_path)
    assert values(data.train.images) == [0, 50, 100]
    assert data.train.labels is None
    assert data.class_names == ()
    assert len(data.test) == 0
    assert data.resized(2).test.images.shape == (0, 2, 2, 1)


def test_flat_train_and_test(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "a.png", 1)
    draw(tmp_path / "test" / "b.png", 2)
    data = read(tmp_path)
    assert data.train.labels is data.test.labels is None
    assert values(data.test.images) == [2]


def test_names_with_a_path_are_folders_too(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "7" / "a.png", 1)
    draw(tmp_path / "test" / "7" / "b.png", 2)
    data = load("mnist", folder=tmp_path)
    assert isinstance(data, LabelledData)
    assert data.name == "mnist"
    assert data.class_names == ("7",)
    assert data.describe() == {"name": "mnist", "folder": str(tmp_path)}
    assert load(f"mnist:{tmp_path}").describe() == data.describe()
    assert load(**data.describe()).describe() == data.describe()


def test_grey_turns_rgb_where_one_image_has_colour(tmp_path: Path) -> None:
    draw(tmp_path / "0.png", 10)
    draw(tmp_path / "1.png", (1, 2, 3))
    draw(tmp_path / "2.png", 20)
    data = read(tmp_path)
    assert data.image_shape == (4, 6, 3)
    assert data.train.images[:, 0, 0].tolist() == [[10, 10, 10], [1, 2, 3], [20, 20, 20]]


def test_all_kinds_of_pixels(tmp_path: Path) -> None:
    Image.new("1", (6, 4), 1).save(tmp_path / "0.png")
    Image.new("LA", (6, 4), (7, 100)).save(tmp_path / "1.png")
    Image.fromarray(np.full((4, 6), 0x1234, np.uint16)).save(tmp_path / "2.png")
    assert values(read(tmp_path).train.images) == [255, 7, 0x12]
    Image.new("RGBA", (6, 4), (1, 2, 3, 0)).save(tmp_path / "3.png")
    Image.new("RGB", (6, 4), (4, 5, 6)).quantize(4).save(tmp_path / "4.gif")
    images = read(tmp_path).train.images
    assert images[3:, 0, 0].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_photographs_are_turned_as_their_camera_says(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: rotate by 90 degrees
    Image.new("L", (6, 4)).save(tmp_path / "0.jpg", exif=turned)
    assert read(tmp_path).image_shape == (6, 4, 1)


def test_sizes_must_agree_unless_one_is_given(tmp_path: Path) -> None:
    first = draw(tmp_path / "0.png", 10)
    draw(tmp_path / "1.png", 20, size=(9, 9))
    with pytest.raises(
        ValueError, match=r"Expected images of one size, 4x6 .* Received: 9x9"
    ) as info:
        read(tmp_path)
    assert str(first) in str(info.value)
    assert "size=" in str(info.value)
    data = read(tmp_path, size=(3, 2))
    assert data.image_shape == (3, 2, 1)
    assert values(data.train.images) == [10, 20]
    assert data.describe() == {"name": f"folder:{tmp_path}", "size": [3, 2]}


def test_one_unreadable_image_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    draw(tmp_path / "a" / "0.png", 10)
    bad = draw(tmp_path / "a" / "1.png", 20)
    bad.write_bytes(bad.read_bytes()[:40])
    (tmp_path / "a" / "2.jpg").write_bytes(b"")
    draw(tmp_path / "b" / "3.png", 30)
    with pytest.raises(ValueError, match=r"1\.png to be a readable image\. Received: .*--skip-bad"):
        read(tmp_path)
    with caplog.at_level(logging.WARNING):
        data = read(tmp_path, skip_bad=True)
    assert "skipped 2 images that cannot be read" in caplog.text
    assert sorted(values(np.concatenate([data.train.images, data.test.images]))) == [10, 30]
    assert data.train.labels is not None
    assert [v // 20 for v in values(data.train.images)] == data.train.labels.tolist()
    assert data.describe()["skip_bad"] is True


def test_nothing_readable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"an image for training in .*\. Received: none\."):
        read(tmp_path, skip_bad=True)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(ValueError, match=r"Expected images \(\.bmp, .*\) in .*\. Received: none\."):
        read(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(ValueError, match=r"in .*train\. Received: none\."):
        read(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Expected a folder of images\. Received: .*a file"):
        read(draw(tmp_path / "0.png"))


def test_a_folder_is_either_flat_or_in_classes(tmp_path: Path) -> None:
    draw(tmp_path / "0.png")
    draw(tmp_path / "thumbnails" / "0.png")
    with pytest.raises(
        ValueError, match=r"one folder for each class\. Received: both, 0\.png and th"
    ):
        read(tmp_path)


def test_test_has_the_classes_of_train(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "ant" / "0.png")
    draw(tmp_path / "test" / "wasp" / "0.png")
    with pytest.raises(ValueError, match=r"those for training, ant\. Received: wasp\."):
        read(tmp_path)
    (tmp_path / "test" / "wasp" / "0.png").rename(tmp_path / "test" / "0.png")
    with pytest.raises(ValueError, match=r"those for training, ant\. Received: images without"):
        read(tmp_path)


def test_cifar10_itself(tmp_path: Path, published: Path) -> None:
    with tarfile.open(published / "cifar10_jpeg.tar.xz") as archive:
        for member in archive:
            if member.name.endswith("00.jpg"):
                archive.extract(member, tmp_path, filter="data")
    data = load("cifar10", folder=tmp_path)
    assert isinstance(data, LabelledData)
    assert data.image_shape == (32, 32, 3)
    assert data.num_classes == 10
    assert data.class_names[0] == "airplane"
    assert data.train.labels is not None
    assert data.train.labels.tolist() == sorted(data.train.labels.tolist())
    assert 30 < data.train.images.std() < 90  # photographs, not flat colours
