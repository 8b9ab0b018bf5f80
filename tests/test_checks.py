import math
import re

import numpy as np
import pytest
import tensorflow as tf

from zoo import checks
from zoo.messages import unknown


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_numbers_pass_as_floats(value):
    passed = checks.number("beta", value, low=0, high=1)
    assert passed == value
    assert type(passed) is float


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.5, "-0.5"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (True, "True"),
        ("4", "'4'"),
        (None, "None"),
        (1j, "1j"),
        ([1.0], r"\[1.0\]"),
    ],
)
def test_what_is_no_number_of_at_least_zero_is_refused(value, shown):
    message = rf"^Expected beta to be a number of at least 0\. Received: {shown}\.$"
    with pytest.raises(ValueError, match=message):
        checks.number("beta", value, low=0)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"low": 0, "high": 1}, "a number from 0 to 1"),
        ({"high": 1}, "a number of at most 1"),
        ({}, "a finite number"),
    ],
)
def test_numbers_are_refused_with_their_span(span, words):
    with pytest.raises(ValueError, match=f"Expected beta to be {words}. Received: inf."):
        checks.number("beta", math.inf, **span)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_integers_pass_as_ints(value):
    passed = checks.integer("steps", value, low=3, high=3)
    assert passed == 3
    assert type(passed) is int


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (2.0, "2.0"), (True, "True"), ("2", "'2'"), (None, "None")]
)
def test_what_is_no_integer_of_at_least_one_is_refused(value, shown):
    message = rf"^Expected steps to be an integer of at least 1\. Received: {shown}\.$"
    with pytest.raises(ValueError, match=message):
        checks.integer("steps", value, low=1)


@pytest.mark.parametrize(
    ("span", "words"),
    [({"low": 0, "high": 1}, "an integer from 0 to 1"), ({"high": 1}, "an integer of at most 1")],
)
def test_integers_are_refused_with_their_span(span, words):
    with pytest.raises(ValueError, match=f"Expected steps to be {words}. Received: 7."):
        checks.integer("steps", 7, **span)


def test_any_integer_will_do_where_no_span_is_given():
    assert checks.integer("steps", -7) == -7
    with pytest.raises(ValueError, match=r"Expected steps to be an integer\. Received: 0\.5\."):
        checks.integer("steps", 0.5)


def test_a_known_name_passes():
    assert checks.one_of("reconstruction", "gaussian", ("bernoulli", "gaussian")) == "gaussian"


def test_an_unknown_name_is_refused_with_the_nearest():
    message = "Unknown reconstruction 'gausian'. Did you mean 'gaussian'?"
    with pytest.raises(ValueError, match=message):
        checks.one_of("reconstruction", "gausian", ("bernoulli", "gaussian"))


def test_what_is_no_name_at_all_is_refused():
    with pytest.raises(ValueError, match="Unknown reconstruction '4'"):
        checks.one_of("reconstruction", 4, ("bernoulli", "gaussian"))


def test_the_nearest_names_come_first_and_all_are_listed():
    assert unknown("method", "bta_vae", ["vae", "beta_vae", "simclr"]) == (
        "Unknown method 'bta_vae'. Did you mean 'beta_vae' or 'vae'? "
        "Expected one of: beta_vae, simclr, vae."
    )


def test_a_name_like_no_other_gets_no_hint():
    assert unknown("method", "x", ["vae"]) == "Unknown method 'x'. Expected one of: vae."


@pytest.mark.parametrize("value", [1, 1e-9, np.float32(0.5)])
def test_positive_numbers_pass_as_floats(value):
    assert checks.positive("temperature", value) == value
    assert type(checks.positive("temperature", value)) is float


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 10**400, True, "1", None])
def test_what_is_not_above_zero_is_refused(value):
    with pytest.raises(ValueError, match=r"^Expected margin to be a number above 0\. Received: "):
        checks.positive("margin", value)


@pytest.mark.parametrize("value", [True, False])
def test_truths_pass(value):
    assert checks.truth("stratified", value) is value


@pytest.mark.parametrize("value", [1, 0, "true", None, np.True_])
def test_what_is_neither_true_nor_false_is_refused(value):
    with pytest.raises(ValueError, match=r"^Expected stratified to be True or False\. Received: "):
        checks.truth("stratified", value)


class Shaped:
    def __init__(self, *shape):
        self.shape = shape


@pytest.mark.parametrize("shapes", [[(4, 3), (4, 3), (4, 3)], [(4, 3), (None, 3), (4, None)]])
def test_tensors_of_one_shape_pass(shapes):
    checks.alike(**{name: Shaped(*shape) for name, shape in zip("abc", shapes, strict=True)})


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(4, 3), (4, 1)], r"Expected a and b of one shape\. Received: \(4, 3\) and \(4, 1\)\."),
        ([(4, 3), (4, 3, 1)], r"Received: \(4, 3\) and \(4, 3, 1\)\."),
        ([(4,), (None,), (5,)], r"a, b and c of .*: \(4,\), \(None,\) and \(5,\)\."),
    ],
)
def test_tensors_of_several_shapes_are_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        checks.alike(**{name: Shaped(*shape) for name, shape in zip("abc", shapes, strict=False)})


@pytest.mark.parametrize("shape", [(2, 3), (None, 3), (2, None)])
def test_a_table_passes(shape):
    checks.rows("z", Shaped(*shape), low=2)


@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (4,), (4, 3, 1)])
def test_what_is_no_table_of_enough_rows_is_refused(shape):
    message = rf"z of shape \(N, L\), N at least 2\. Received shape: {re.escape(str(shape))}\."
    with pytest.raises(ValueError, match=message):
        checks.rows("z", Shaped(*shape), low=2)


@pytest.mark.parametrize("labels", [np.zeros(4, int), np.zeros(4, bool), np.zeros(4, "uint8")])
def test_one_number_for_each_image_passes(labels):
    checks.one_each("labels", labels, np.zeros((4, 8, 8, 1)))
    checks.one_each("labels", labels, tf.TensorSpec((None, 8, 8, 1), "uint8"))


@pytest.mark.parametrize(
    "labels", [np.zeros(3, int), np.zeros((4, 1), int), np.zeros(4), np.zeros((), int)]
)
def test_what_is_not_one_number_for_each_image_is_refused(labels):
    message = (
        rf"Expected labels of shape \(N,\), integers or booleans, one for each of 4 images\. "
        rf"Received shape: {re.escape(str(labels.shape))}, dtype: {labels.dtype}\."
    )
    with pytest.raises(ValueError, match=message):
        checks.one_each("labels", labels, np.zeros((4, 8, 8, 1)))
