"""Labelled data: the protocol, scikit-learn's digits, and `.npz` files."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.data import LabelledData, LabelledImages, load
from zoo.data import labels as labels_module
from zoo.data.labels import split_rows
from zoo.data.pixels import ArrayPixels


def half(images: np.ndarray, labels: np.ndarray | None) -> LabelledImages:
    return LabelledImages("toy", ArrayPixels(images), labels)


def blank(n: int, side: int = 4) -> np.ndarray:
    return np.zeros((n, side, side, 1), np.uint8)


@pytest.fixture(scope="module")
def digits() -> LabelledData:
    data = load("digits")
    assert isinstance(data, LabelledData)
    return data


def test_digits_are_what_scikit_learn_has(digits: LabelledData) -> None:
    from sklearn.datasets import load_digits

    found = load_digits()
    assert digits.image_shape == (8, 8, 1)
    assert digits.class_names == tuple("0123456789")
    assert digits.num_classes == 10
    assert (len(digits.train), len(digits.test)) == (1497, 300)
    together = np.concatenate([digits.train.images, digits.test.images])[..., 0]
    assert together.min() == 0
    assert together.max() == 255
    original = {image.tobytes() for image in found.images}
    # 17 grey levels survive the scaling to 0..255, and no image is lost or in both halves.
    back = np.round(together / 255 * 16)
    assert {image.tobytes() for image in back} == original
    assert len(digits.train) + len(digits.test) == len(found.images)
    assert digits.train.labels is not None
    assert set(digits.train.labels.tolist()) == set(range(10))


def test_digits_have_their_own_labels(digits: LabelledData) -> None:
    from sklearn.datasets import load_digits

    found = load_digits()
    label_of = {i.tobytes(): t for i, t in zip(found.images, found.target, strict=True)}
    for part in (digits.train, digits.test):
        assert part.labels is not None
        images = np.round(part.images[..., 0] / 255 * 16)
        assert [label_of[image.tobytes()] for image in images] == part.labels.tolist()


def test_the_split_is_always_the_same() -> None:
    train, test = split_rows(100, 0.1)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(100))
    assert len(test) == 10
    np.testing.assert_array_equal(test, split_rows(100, 0.1)[1])
    assert [len(rows) for rows in split_rows(1, 0.9)] == [1, 0]


def test_sample_pairs_images_with_labels(digits: LabelledData) -> None:
    images, labels = digits.train.sample(50, seed=1)
    assert labels is not None
    assert digits.train.labels is not None
    again = digits.train.sample_rows(50, seed=1)
    np.testing.assert_array_equal(images, digits.train.read(again))
    np.testing.assert_array_equal(labels, digits.train.labels[again])
    assert len(set(again.tolist())) == 50


def test_resized_applies_to_both_halves(digits: LabelledData) -> None:
    larger = digits.resized(16)
    assert larger.image_shape == larger.train.image_shape == larger.test.image_shape == (16, 16, 1)
    np.testing.assert_array_equal(larger.test.images[:, ::2, 1::2], digits.test.images)
    assert larger.describe() == {"name": "digits", "size": [16, 16]}
    assert larger.settings == larger.describe()
    assert "1,497 training and 300 test images (16, 16, 1), 10 classes" in repr(larger)


def test_without_labels_samples_have_none() -> None:
    images, labels = half(blank(5), None).sample(3, seed=0)
    assert images.shape == (3, 4, 4, 1)
    assert labels is None


def test_attributes_are_rows_of_labels() -> None:
    attributes = np.array([[True, False, True], [False, False, True]])
    data = LabelledData("faces", half(blank(2), attributes), half(blank(0), None), "abc")
    assert data.train.labels is not None
    np.testing.assert_array_equal(data.train.labels, attributes.astype(int))
    assert data.num_classes == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(2, int), r"Expected 3 labels, integers\. Received: shape \(2,\), dtype int64"),
        (np.zeros(3), r"Expected 3 labels, integers\. Received: shape \(3,\), dtype float64"),
    ],
)
def test_refuses_labels_that_do_not_fit(labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        half(blank(3), labels)


def test_refuses_halves_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"of one shape\. Received: \(4, 4, 1\) and \(8, 8, 1\)"):
        LabelledData("bad", half(blank(1), None), half(blank(1, side=8), None), "ab")
    one_too_many = half(blank(2), np.array([0, 2]))
    with pytest.raises(ValueError, match=r"labels of 'bad' from 0 to 1\. Received: 0 to 2\."):
        LabelledData("bad", one_too_many, half(blank(0), None), "ab")


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (6, 5, 4), dtype=np.uint8),
        "y_train": np.arange(6),
        "x_test": rng.integers(0, 256, (2, 5, 4), dtype=np.uint8),
        "y_test": np.array([[3], [1]]),
    }


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_npz_is_read_as_it_is(tmp_path: Path, arrays: dict[str, np.ndarray], name: str) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    data = load(name, file=path)
    assert isinstance(data, LabelledData)
    assert data.image_shape == (5, 4, 1)
    np.testing.assert_array_equal(data.train.images[..., 0], arrays["x_train"])
    assert data.test.labels is not None
    assert data.test.labels.tolist() == [3, 1]
    assert data.num_classes == 10
    assert data.class_names[9] == {"mnist": "9", "cifar10": "truck"}[name]
    assert data.describe() == {"name": name, "file": str(path)}
    assert load(f"{name}:{path}").describe() == data.describe()


def test_npz_with_channels(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    for part in ("x_train", "x_test"):
        arrays[part] = np.stack([arrays[part]] * 3, axis=-1)
    np.savez(tmp_path / "data.npz", **arrays)  # type: ignore[arg-type]
    assert load("cifar10", file=tmp_path / "data.npz").image_shape == (5, 4, 3)


def test_mnist_itself(published: Path) -> None:
    data = load("mnist", file=published / "mnist.npz")
    assert isinstance(data, LabelledData)
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert data.image_shape == (28, 28, 1)
    assert data.train.labels is not None
    assert data.train.labels[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.95])
def test_refuses_a_truncated_npz(
    tmp_path: Path, arrays: dict[str, np.ndarray], keep: float
) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(ValueError, match=r"data\.npz to be a whole \.npz file with arrays x_train"):
        load("mnist", file=path)


def test_refuses_another_npz(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, **{key: arrays[key] for key in ("x_train", "y_train")})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Received: .*no x_test, y_test"):
        load("mnist", file=path)
    np.savez(path, **{**arrays, "x_train": arrays["x_train"] / 255})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"x_train of .* to be uint8 .* dtype float64"):
        load("mnist", file=path)
    np.savez(path, **{**arrays, "y_test": np.array([object(), 1])})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        load("mnist", file=path)
    np.save(tmp_path / "data.npy", arrays["x_train"])
    with pytest.raises(ValueError, match=r"data\.npy to be a whole \.npz file"):
        load("mnist", file=tmp_path / "data.npy")


# A validation split


def marked(classes: list[int], labels: list[list[int]] | None = None) -> LabelledData:
    """Training images whose first pixel is their row, and no test images."""
    images = blank(len(classes))
    images[:, 0, 0, 0] = np.arange(len(classes))
    given = np.array(classes if labels is None else labels)
    names = [str(i) for i in range(max(classes) + 1)] if given.ndim == 1 else ["odd", "big"]
    return LabelledData("toy", half(images, given), half(blank(0), given[:0]), names)


def rows_of(images: LabelledImages) -> list[int]:
    return images.images[:, 0, 0, 0].tolist()


def test_examples_run() -> None:
    assert doctest.testmod(labels_module, extraglobs={"zoo": zoo}).failed == 0


def test_a_validation_split_divides_the_training_images(digits: LabelledData) -> None:
    parts = digits.validation()
    assert digits.train.labels is not None
    assert parts.test.labels is not None
    together = np.concatenate([parts.train.images, parts.test.images])
    assert sorted(i.tobytes() for i in together) == sorted(i.tobytes() for i in digits.train.images)
    counts, kept = (np.bincount(labels) for labels in (digits.train.labels, parts.test.labels))
    np.testing.assert_array_equal(kept, np.ceil(counts / 10))
    assert (parts.name, parts.class_names, parts.num_classes) == ("digits", digits.class_names, 10)
    assert parts.describe() == digits.describe()


def test_images_of_a_validation_split_keep_their_labels() -> None:
    data = marked([0, 1, 2, 1, 0, 1, 2, 2, 0, 0])
    assert data.train.labels is not None
    parts = data.validation(0.3, seed=5)
    for part in (parts.train, parts.test):
        assert part.labels is not None
        np.testing.assert_array_equal(data.train.labels[rows_of(part)], part.labels)
        assert rows_of(part) == sorted(rows_of(part))
        assert not part.labels.flags.writeable
        images, labels = part.sample(2, 0)
        np.testing.assert_array_equal(data.train.labels[images[:, 0, 0, 0]], labels)
    again = parts.validation(0.5)  # of a part too
    assert sorted(rows_of(again.train) + rows_of(again.test)) == rows_of(parts.train)


def test_validation_splits_are_frozen_or_drawn() -> None:
    data = marked(list(np.arange(60) % 3))
    assert rows_of(data.validation().test) == rows_of(data.validation().test)
    assert rows_of(data.validation(seed=1).test) != rows_of(data.validation().test)


def test_a_validation_split_can_be_resized(digits: LabelledData) -> None:
    before, after = digits.resized(4).validation(), digits.validation().resized(4)
    assert before.image_shape == after.image_shape == (4, 4, 1)
    np.testing.assert_array_equal(before.test.images, after.test.images)


def test_a_class_keeps_its_last_image_for_training() -> None:
    parts = marked([0, 1, 1, 2]).validation(0.9)
    assert parts.test.labels is not None
    assert parts.test.labels.tolist() == [1]


def test_attributes_and_images_without_labels_are_divided_at_random() -> None:
    attributes = [[i % 2, int(i > 5)] for i in range(10)]
    parts = marked([0] * 10, attributes).validation(0.2)
    assert (len(parts.train), len(parts.test)) == (8, 2)
    assert parts.test.labels is not None
    assert parts.test.labels.tolist() == [attributes[row] for row in rows_of(parts.test)]
    none = LabelledData("toy", half(blank(10), None), half(blank(0), None), ())
    assert (len(none.validation().train), len(none.validation().test)) == (9, 1)
    assert none.validation().test.labels is None


def test_nothing_to_validate_on_is_refused() -> None:
    message = (
        r"^Expected a class of 'toy' with several images, of which some are kept to validate on\. "
        r"Received: 3 images\.$"
    )
    with pytest.raises(ValueError, match=message):
        marked([0, 1, 2]).validation()
    with pytest.raises(ValueError, match="Expected share to be a number between 0 and 1"):
        marked([0, 0]).validation(1.0)
    with pytest.raises(ValueError, match="Expected seed to be an integer of at least 0"):
        marked([0, 0]).validation(seed=-1)
