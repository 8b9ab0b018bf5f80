"""Relatives share with an image what their subspace holds or all else, and come again."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from zoo.data import FactorData, Images, View, factor_pairs, factor_views, subspaces, two_views
from zoo.data.pixels import ArrayPixels

HELD = {"form": ("hue", "angle"), "size": "size"}


def drawn(data: FactorData, batches: int, *arguments: Any, **options: Any) -> list[dict]:
    dataset = factor_pairs(data, *arguments, **options).take(batches)
    return list(dataset.as_numpy_iterator())


def factors_of(toy: FactorData, images: np.ndarray) -> np.ndarray:
    return toy.factors[images[:, 0, 0, 0]]


def flat(batches: list[dict]) -> list[np.ndarray]:
    return [np.asarray(part) for part in keras.tree.flatten(batches)]


def assert_equal(found: list[dict], expected: list[dict]) -> None:
    for part, other in zip(flat(found), flat(expected), strict=True):
        np.testing.assert_array_equal(part, other)


def test_examples_run(cache: Path) -> None:
    found = doctest.testmod(subspaces, extraglobs={"np": np, "zoo": zoo})
    assert found.failed == 0
    assert found.attempted > 5


def test_a_batch_is_what_the_method_takes(toy: FactorData) -> None:
    stream = factor_pairs(toy, HELD, 5)
    spec = stream.element_spec
    assert set(spec) == {"image", "positives", "negatives", "factors"}
    assert set(spec["positives"]) == set(spec["negatives"]) == {"form", "size"}
    images = [spec["image"], *spec["positives"].values(), *spec["negatives"].values()]
    assert {(tuple(part.shape), part.dtype.name) for part in images} == {((5, 4, 6, 3), "uint8")}
    assert (tuple(spec["factors"].shape), spec["factors"].dtype.name) == ((5, 3), "int64")


def test_positives_share_what_is_held_and_nothing_else(toy: FactorData) -> None:
    for batch in drawn(toy, 10, HELD, 8):
        own = factors_of(toy, batch["image"])
        np.testing.assert_array_equal(own, batch["factors"])
        same = {name: factors_of(toy, p) == own for name, p in batch["positives"].items()}
        assert (same["form"] == [True, False, True]).all()
        assert (same["size"] == [False, True, False]).all()


def test_hard_negatives_share_all_else_and_not_what_is_held(toy: FactorData) -> None:
    for batch in drawn(toy, 10, HELD, 8):
        own = batch["factors"]
        same = {name: factors_of(toy, n) == own for name, n in batch["negatives"].items()}
        assert same["form"][:, 1].all()
        assert not same["form"][:, [0, 2]].all(axis=1).any()
        assert (same["size"] == [True, False, True]).all()


@pytest.mark.parametrize("hard", [True, False])
def test_a_condition_is_told_of_all_images(toy: FactorData, hard: bool) -> None:
    told = {"hard_negatives": hard, "condition": "angle"}
    [batch], [plain] = drawn(toy, 1, HELD, 8, **told), drawn(toy, 1, HELD, 8, hard_negatives=hard)
    images = [batch["image"], *batch["positives"].values(), *batch["negatives"].values()]
    expected = np.stack([factors_of(toy, part)[:, 2] for part in images], axis=1)
    np.testing.assert_array_equal(batch["conditions"], expected)
    assert len(images) == (5 if hard else 3)
    assert_equal([{k: v for k, v in batch.items() if k != "conditions"}], [plain])
    with pytest.raises(ValueError, match=r"Unknown factor 'angel'\. Did you mean 'angle'"):
        factor_pairs(toy, HELD, 8, condition="angel")


def test_factors_of_no_subspace_are_ignored_by_all(toy: FactorData) -> None:
    [batch] = drawn(toy, 1, {"size": "size"}, 30)
    own = batch["factors"]
    assert (factors_of(toy, batch["positives"]["size"])[:, [0, 2]] != own[:, [0, 2]]).all()
    negative = factors_of(toy, batch["negatives"]["size"])
    np.testing.assert_array_equal(negative[:, [0, 2]], own[:, [0, 2]])


def test_every_other_value_and_combination_is_as_likely() -> None:
    rng = np.random.default_rng(0)
    sizes, factors = (2, 3, 4, 1), np.tile([1, 2, 0, 0], (30_000, 1))
    positive = subspaces.positives(factors, sizes, [0], rng)
    assert (positive[:, [0, 3]] == [1, 0]).all()
    shares = [np.bincount(positive[:, i], minlength=sizes[i]) / 30_000 for i in (1, 2)]
    np.testing.assert_allclose(shares[0], [1 / 2, 1 / 2, 0], atol=0.02)
    np.testing.assert_allclose(shares[1], [0, 1 / 3, 1 / 3, 1 / 3], atol=0.02)
    negative = subspaces.negatives(factors, sizes, [2, 0], rng)
    assert (negative[:, [1, 3]] == [2, 0]).all()
    found, counts = np.unique(negative[:, [0, 2]], axis=0, return_counts=True)
    others = [[hue, angle] for hue in range(2) for angle in range(4) if (hue, angle) != (1, 0)]
    assert found.tolist() == others
    np.testing.assert_allclose(counts / 30_000, 1 / 7, atol=0.01)


def test_images_come_in_the_order_of_training(toy: FactorData) -> None:
    alone = list(toy.batches(5, seed=3).take(4).as_numpy_iterator())
    found = [batch["image"] for batch in drawn(toy, 4, HELD, 5, seed=3)]
    np.testing.assert_array_equal(found, alone)


def test_it_resumes_from_any_batch_and_repeats(toy: FactorData) -> None:
    whole = drawn(toy, 6, HELD, 5, seed=2)
    assert_equal(drawn(toy, 2, HELD, 5, seed=2, start=4), whole[4:])
    other = drawn(toy, 6, HELD, 5, seed=3)
    assert not np.array_equal(other[0]["positives"]["size"], whole[0]["positives"]["size"])


def test_without_hard_negatives_the_rest_is_the_same(toy: FactorData) -> None:
    whole, bare = drawn(toy, 2, HELD, 5), drawn(toy, 2, HELD, 5, hard_negatives=False)
    assert [batch["negatives"] for batch in bare] == [{}, {}]
    assert_equal(bare, [{**batch, "negatives": {}} for batch in whole])


@pytest.mark.parametrize("hard_negatives", [True, False])
def test_fit_takes_them(toy: FactorData, hard_negatives: bool) -> None:
    class Counting(keras.Model):
        def train_step(self, batch: dict) -> dict:
            return {"negatives": float(len(batch["negatives"])), "n": batch["image"].shape[0]}

    model = Counting()
    model.compile()
    stream = factor_pairs(toy, HELD, 5, hard_negatives=hard_negatives)
    history = model.fit(stream, steps_per_epoch=1, shuffle=False, verbose=0).history
    assert history == {"negatives": [2.0 * hard_negatives], "n": [5]}


def test_of_coloured_sprites_only_the_colour_changes(cache: Path) -> None:
    data = zoo.data.load("coloured_sprites", size=32)
    assert isinstance(data, FactorData)
    [batch] = drawn(data, 1, {"colour": "colour"}, 16)
    brightest = [batch[part] for part in ("image",)] + [batch["negatives"]["colour"]]
    own, other = (images.reshape(16, -1, 3).astype(int) for images in brightest)
    changed = (own != other).any(axis=2)
    assert changed.any(axis=1).all()
    assert (changed.mean(axis=1) < 0.15).all()  # the sprite, not what is behind


# What is refused


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": "hew"}, r"Unknown factor 'hew'\. Did you mean 'hue'\? Expected one of: angle, hue"),
        ({"a": ("size", 3)}, r"Unknown factor '3'"),
        ({"a": ()}, r"at least one factor for every subspace\. Received: \{'a': \(\)\}"),
        ({"": "hue"}, r"a name and at least one factor.*Received: \{'': 'hue'\}"),
        ({3: "hue"}, r"a name and at least one factor.*Received: \{3: 'hue'\}"),
        ({}, r"subspaces as a dictionary of factors.*Received: \{\}"),
        (["hue"], r"subspaces as a dictionary.*Received: \['hue'\]"),
        ({"a": "hue", "b": ("size", "hue")}, r"each factor once.*'hue' in subspaces 'a' and 'b'"),
        ({"a": ("hue", "hue")}, r"each factor once.*'hue' in subspaces 'a' and 'a'"),
        (
            {"a": ("hue", "size", "angle")},
            r"a factor that varies and is not in subspace 'a'.*hue, size, angle, all that vary in",
        ),
    ],
)
def test_subspaces_that_do_not_fit_are_refused(toy: FactorData, held: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        factor_pairs(toy, held, 4)


def test_a_factor_that_never_varies_is_refused(toy: FactorData) -> None:
    thin = toy.subset(hue=1)
    with pytest.raises(ValueError, match=r"factors that vary\. Received: 'hue' of subspace 'a'"):
        factor_pairs(thin, {"a": "hue"}, 4)
    with pytest.raises(ValueError, match=r"is not in subspace 'a'.*size, angle, all that vary in"):
        factor_pairs(thin, {"a": ("size", "angle")}, 4)
    assert factor_pairs(thin, {"a": "size"}, 4)


def test_data_that_make_no_pairs_are_refused(toy: FactorData) -> None:
    plain: Any = Images("plain", toy._pixels)
    with pytest.raises(ValueError, match=r"Expected data with known factors.*Received: plain"):
        factor_pairs(plain, {"a": "hue"}, 4)
    holes = FactorData("holes", toy._pixels, toy.factors // 2, toy.factor_names, (2, 3, 4))
    with pytest.raises(ValueError, match="each of the 24 combinations"):
        factor_pairs(holes, {"a": "hue"}, 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size to be an integer of at least 1"),
        ({"seed": -1}, "seed to be an integer of at least 0"),
        ({"start": -1}, "start to be an integer of at least 0"),
        ({"hard_negatives": 1}, "hard_negatives to be True or False. Received: 1"),
    ],
)
def test_strange_arguments_are_refused(toy: FactorData, options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f"Expected {said}"):
        factor_pairs(toy, HELD, **{"batch_size": 4, **options})


# Views in place of factors

IGNORED = {"shape": "colour", "colour": "flip", "thing": ("colour", "flip")}
BRIGHT = View(area=(1, 1), aspect=(1, 1), flip=0.5, jitter=1, brightness=0.5, contrast=0,
              saturation=0, hue=0, grey=0)  # fmt: skip


@pytest.fixture
def photographs() -> Images:
    """Twelve images in which no pixel is as its mirror image, and none clips when it is lit."""
    pixels = np.random.default_rng(0).integers(40, 150, (12, 4, 6, 3), dtype=np.uint8)
    return Images("photographs", ArrayPixels(pixels))


def viewed(data: Images, batches: int, *arguments: Any, **options: Any) -> list[dict]:
    return list(factor_views(data, *arguments, **options).take(batches).as_numpy_iterator())


def relations(own: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each pair, whether one is mirrored, and how much brighter the other is."""
    mirrored, light = [], []
    for a, b in zip(own, other, strict=True):
        ratios = b / a, b / a[:, ::-1]
        fits = [np.ptp(ratio) < 1e-3 for ratio in ratios]
        assert sum(fits) == 1
        mirrored.append(fits[1])
        light.append(ratios[fits.index(True)].mean())
    return np.array(mirrored), np.array(light)


def test_views_change_in_what_a_subspace_ignores_or_in_what_it_sees(photographs: Images) -> None:
    for batch in viewed(photographs, 3, IGNORED, 8, BRIGHT):
        positive = {n: relations(batch["image"], b) for n, b in batch["positives"].items()}
        negative = {n: relations(batch["image"], b) for n, b in batch["negatives"].items()}
        assert list(negative) == ["shape", "colour"]  # nothing is left for the third to see
        for recoloured in (positive["shape"], negative["colour"]):
            assert not recoloured[0].any()
            assert (abs(recoloured[1] - 1) > 1e-3).all()
        for turned in (positive["colour"], negative["shape"]):
            assert 0 < turned[0].sum() < 8
            np.testing.assert_allclose(turned[1], 1, rtol=1e-4)
        np.testing.assert_array_equal(positive["thing"][0], positive["colour"][0])
        np.testing.assert_allclose(positive["thing"][1], positive["shape"][1], rtol=1e-4)


def test_they_are_the_two_views_where_all_is_ignored(photographs: Images) -> None:
    streams = two_views(photographs, zoo.data.Views(BRIGHT), 5, seed=3).take(3).as_numpy_iterator()
    found = viewed(photographs, 3, IGNORED, 5, BRIGHT, seed=3)
    for (a, b), batch in zip(streams, found, strict=True):
        np.testing.assert_allclose(batch["image"], a, atol=1e-6)
        np.testing.assert_allclose(batch["positives"]["thing"], b, atol=1e-6)


def test_what_nobody_ignores_does_not_happen_unless_it_is_asked_for(photographs: Images) -> None:
    usual = subspaces.view_of({"a": "flip", "b": ("rotation", "flip")})
    assert (usual.flip, usual.rotation) == (0.5, 180)
    others = (usual.area, usual.aspect, usual.zoom, usual.translation, usual.jitter, usual.mix)
    assert others == ((1, 1), (1, 1), (1, 1), 0, 0, 0)
    assert (usual.grey, usual.blur, usual.solarise) == (0, 0, 0)
    plain = photographs.read(slice(None)) / 255
    for batch in viewed(photographs, 2, {"a": "flip", "b": ("flip",)}, 6):
        assert not batch["negatives"]
        for image in batch["image"]:
            found = [np.abs(plain - seen).max(axis=(1, 2, 3)) for seen in (image, image[:, ::-1])]
            assert np.min(found) < 1e-5  # mirrored, or as it was


@pytest.mark.parametrize("name", subspaces.TRANSFORMATIONS)
def test_every_transformation_can_be_ignored_by_one_and_seen_by_another(name: str) -> None:
    rough = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    other = "flip" if name != "flip" else "crop"
    [batch] = viewed(Images("rough", ArrayPixels(rough)), 1, {"a": name, "b": other}, 12)

    def differs(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.abs(one - two).max(axis=(1, 2, 3)) > 1e-3

    image, positives, negatives = batch["image"], batch["positives"], batch["negatives"]
    sometimes = differs(image, positives["a"])
    assert sometimes.any()
    assert sometimes.all() or name in ("flip", "blur", "solarise", "crop")
    np.testing.assert_array_equal(positives["a"], negatives["b"])  # all else that happens
    np.testing.assert_array_equal(positives["b"], negatives["a"])


def test_views_resume_from_any_batch(photographs: Images) -> None:
    ignored = {"a": "colour", "b": "rotation"}
    whole = viewed(photographs, 5, ignored, 5, seed=2)
    assert_equal(viewed(photographs, 2, ignored, 5, seed=2, start=3), whole[3:])
    bare = viewed(photographs, 5, ignored, 5, seed=2, hard_negatives=False)
    assert_equal(bare, [{**batch, "negatives": {}} for batch in whole])


@pytest.mark.parametrize(
    ("ignored", "said"),
    [
        ({"a": "color"}, r"Unknown transformation 'color'\. Did you mean 'colour'\?"),
        ({"a": "blur"}, r"sometimes happen in the view\. Received: 'blur' of subspace 'a', of fl"),
        ({"a": ("flip", "crop")}, r"sometimes happen.*Received: 'crop' of subspace 'a'"),
        ({"a": []}, r"a name and at least one transformation for every.*Received: \{'a': \[\]\}"),
        ("colour", r"ignored as a dictionary of transformations.*Received: 'colour'"),
    ],
)
def test_what_no_view_does_is_refused(photographs: Images, ignored: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        factor_views(photographs, ignored, 4, BRIGHT)


def test_grey_images_have_no_hue_to_ignore(photographs: Images) -> None:
    grey = Images("grey", ArrayPixels(photographs.read(slice(None))[..., :1]))
    turned = View(brightness=0, contrast=0)
    assert factor_views(photographs, {"a": "colour"}, 4, turned)
    with pytest.raises(ValueError, match=r"Received: 'colour' of subspace 'a', of crop, flip\."):
        factor_views(grey, {"a": "colour"}, 4, turned)


def test_what_are_no_images_is_refused() -> None:
    nothing: Any = [1]
    with pytest.raises(ValueError, match=r"Expected images of zoo\.data"):
        factor_views(nothing, {"a": "colour"}, 4)
