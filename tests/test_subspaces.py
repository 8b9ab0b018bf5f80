"""What a code of several subspaces is told, without an encoder."""

import warnings

import pytest

from zoo import subspaces

WIDTHS = {"form": 3, "size": 2}


def test_penalties_without_a_weight_are_not_in_use():
    weights = {"correlation": 0, "hsic": 2, "variance": 0.5}
    assert subspaces.penalties_in_use(weights, WIDTHS) == {"hsic": 2.0, "variance": 0.5}


def test_of_a_single_subspace_those_between_several_are_not_in_use():
    with pytest.warns(UserWarning, match=r"hsic_weight: between subspaces.* one, 'form'\. It has"):
        used = subspaces.penalties_in_use({"hsic": 2, "variance": 0.5}, {"form": 3})
    assert used == {"variance": 0.5}
    with warnings.catch_warnings(action="error"):
        assert subspaces.penalties_in_use({"hsic": 0, "variance": 1}, {"form": 3})


@pytest.mark.parametrize(
    ("given", "hard", "ignored", "expected"),
    [
        (None, ["form", "size"], None, ("form", "size")),
        (None, ["form", "size"], {"form": ["colour"], "size": ["crop", "flip"]}, ("form",)),
        (None, ["form"], {"form": ["colour"], "size": ["crop", "flip"]}, ("form", "size")),
        (None, ["size"], {"form": ["colour", "zoom"], "size": ["rotation"]}, ("form",)),
        (None, [], {"form": ["colour"], "size": ["crop"]}, ("form", "size")),
        ("size", ["form", "size"], None, ("size",)),
        ([], ["form", "size"], None, ()),
    ],
)
def test_other_images_are_negatives_where_they_differ_in_what_is_seen(
    given, hard, ignored, expected
):
    assert subspaces.with_batch_negatives(given, hard, ignored, WIDTHS) == expected


def test_the_least_batch_holds_two_values_but_once_in_a_million():
    sizes, held = {"hue": 2, "angle": 5}, {"form": ("hue", "angle")}
    for least, subspace in ((21, {"size": ("hue",)}), (7, held)):
        subspaces.check_told_apart(least, subspace, sizes)
        with pytest.raises(ValueError, match=f"Expected a batch_size of at least {least}: .*"):
            subspaces.check_told_apart(least - 1, subspace, sizes)
    values = 10  # of both together: all of a batch of 7 share one with a chance of 10 / 10^7
    assert values ** (1 - 7) == pytest.approx(subspaces.SELDOM)


def test_what_is_no_penalty_is_refused():
    with pytest.raises(ValueError, match=r"Expected a penalty\. Received: 'hsik'\."):
        subspaces.penalty("hsik", {}, {}, [], [])
