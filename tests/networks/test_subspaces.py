"""Heads and branches: subspaces of length 1, side by side; what is asked for the bound."""

import keras
import numpy as np
import pytest

from tests import parts
from zoo import networks
from zoo.networks.subspaces import CLUB_UNITS, LARGEST_LOGVAR

SUBSPACES = {"shape": 3, "colour": 2}
IMAGE_SHAPE = (8, 8, 1)


def branches(**told):
    return networks.branches("flatnet", IMAGE_SHAPE, SUBSPACES, **told)


def test_heads_are_linear_and_of_length_1():
    trunk = parts.encoder(units=4)
    network = networks.heads(trunk, SUBSPACES, seed=1)
    images = parts.images(5).astype("float32") / 255
    codes, features = np.asarray(network(images)), np.asarray(trunk(images))
    kernels = [network.get_layer(f"{name}_head").kernel for name in SUBSPACES]
    expected = [features @ np.asarray(kernel) for kernel in kernels]
    expected = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in expected]
    np.testing.assert_allclose(codes, np.concatenate(expected, axis=1), atol=1e-5)
    assert all(np.abs(kernel).max() <= 1 / np.sqrt(4) for kernel in kernels)


def test_branches_have_networks_and_weights_of_their_own():
    network = branches(seed=1)
    first, second = (network.get_layer(f"{name}_branch") for name in SUBSPACES)
    assert not any(
        map(np.array_equal, *([w for w in n.get_weights() if w.std()] for n in (first, second)))
    )
    images = parts.images(5).astype("float32") / 255
    codes = np.asarray(network(images))
    second.set_weights([weight + 1 for weight in second.get_weights()])
    changed = np.asarray(network(images))
    np.testing.assert_array_equal(changed[:, :3], codes[:, :3])
    assert not np.allclose(changed[:, 3:], codes[:, 3:], atol=1e-3)
    for z in np.split(codes, [3], axis=1):
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)


def test_a_branch_is_an_encoder_by_name():
    assert branches(normalization=None).count_params() == sum(
        networks.encoder("flatnet", IMAGE_SHAPE, normalization=None).count_params()
        + (256 + 1) * width
        for width in SUBSPACES.values()
    )
    with pytest.raises(ValueError, match=r"Unknown network 'flat'\. Did you mean 'flatnet'"):
        networks.branches("flat", IMAGE_SHAPE, SUBSPACES)


def test_the_same_seed_makes_the_same_weights():
    first, again, other = (branches(seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))


def test_branches_may_depend_on_a_condition():
    network = branches(conditions=2)
    images = parts.images(3).astype("float32") / 255
    codes = network([images, np.array([0, 1, -1], "int32")])
    np.testing.assert_allclose(codes, branches()(images), atol=1e-5)  # at the start all are alike


def test_one_subspace_is_the_code():
    network = networks.heads(parts.encoder(units=4), {"all": 3})
    assert network.output_shape == (None, 3)


def test_conditionals_see_one_subspace_and_speak_of_another():
    widths = {"a": 2, "b": 3, "c": 4}
    network = networks.conditionals(widths, seed=1)
    codes = np.random.default_rng(0).normal(size=(6, 9)).astype("float32")
    answers = [np.asarray(answer) for answer in network(codes)]
    assert [answer.shape for answer in answers] == [(6, w) for w in (3, 3, 4, 4, 4, 4)]
    for first, last, told_by in ((0, 2, {0, 1, 2, 3}), (2, 5, {4, 5}), (5, 9, set())):
        changed = codes.copy()
        changed[:, first:last] += 1
        moved = {
            i
            for i, (new, old) in enumerate(zip(network(changed), answers, strict=True))
            if not np.array_equal(new, old)
        }
        assert moved == told_by
    assert all(np.abs(answer).max() <= LARGEST_LOGVAR for answer in answers[1::2])
    weights = sum(
        (a + 1) * CLUB_UNITS + 2 * (CLUB_UNITS + 1) * b for a, b in ((2, 3), (2, 4), (3, 4))
    )
    assert network.count_params() == weights


def test_codes_stay_in_float32_under_mixed_precision(mixed_float16):
    images = parts.images(2).astype("float32") / 255
    assert branches()(images).dtype.name == "float32"
    answers = networks.conditionals(SUBSPACES)(np.ones((2, 5), "float32"))
    assert {answer.dtype.name for answer in answers} == {"float32"}


@pytest.mark.parametrize("network", ["heads", "branches", "conditionals"])
def test_they_are_saved_without_code(network, tmp_path):
    inputs = parts.images(3).astype("float32") / 255
    if network == "heads":
        made = networks.heads(parts.encoder(units=4), SUBSPACES)
    elif network == "branches":
        made = branches()
    else:
        made, inputs = networks.conditionals(SUBSPACES), np.ones((3, 5), "float32")
    made.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    for old, new in zip(*(keras.tree.flatten(n(inputs)) for n in (made, again)), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("subspaces", "message"),
    [
        ({}, r"Expected subspaces as a dictionary of widths.*Received: \{\}\."),
        ([3, 2], r"Expected subspaces as a dictionary of widths.*Received: \[3, 2\]\."),
        ({"a/b": 3}, r"Expected subspaces called by a word without .*Received: 'a/b'\."),
        ({"a": 1}, r"width of subspace 'a' to be an integer of at least 2\. Received: 1\."),
        ({"a": 2.5}, r"width of subspace 'a' to be an integer of at least 2\. Received: 2\.5\."),
    ],
)
def test_what_are_no_subspaces_is_refused(subspaces, message):
    for make in (
        lambda: networks.heads(parts.encoder(), subspaces),
        lambda: networks.branches("flatnet", IMAGE_SHAPE, subspaces),
        lambda: networks.conditionals(subspaces),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize("name", ["codes", "image", "features", "hue_head"])
def test_names_of_other_layers_are_refused(name):
    message = f"Expected another name for subspace '{name}', for a layer .*Received: hue, {name}"
    with pytest.raises(ValueError, match=message):
        networks.heads(networks.encoder("flatnet", IMAGE_SHAPE), {"hue": 2, name: 2})
    if name != "features":  # each branch is a model of its own
        with pytest.raises(ValueError, match=message):
            networks.branches("flatnet", IMAGE_SHAPE, {"hue": 2, name: 2})


def test_one_subspace_has_no_conditionals():
    with pytest.raises(ValueError, match=r"Expected at least two subspaces\. Received: \{'a': 3\}"):
        networks.conditionals({"a": 3})
