"""Active units: a count of variances, and what it refuses."""

import re

import numpy as np
import pytest

from zoo.metrics import active_units


def test_counts_the_codes_that_vary(small_reference):
    live = 2.0 if small_reference.name.startswith("collapsed") else 10.0
    assert active_units(small_reference.train[0]) == live


def test_the_threshold_is_a_variance(rng):
    codes = rng.normal(size=(4000, 3)) * [0.05, 0.2, 1]  # variances 0.0025, 0.04, 1
    assert active_units(codes) == 2
    assert active_units(codes, threshold=0.001) == 3
    assert active_units(codes, threshold=0.1) == 1
    assert isinstance(active_units(codes), float)


def test_a_variance_at_the_threshold_is_not_active():
    assert active_units(np.array([[-1.0], [1.0]]), threshold=1) == 0


@pytest.mark.parametrize("value", [0.0, 0.1, 3e7])
def test_dead_codes_are_never_active(value):
    assert active_units(np.full((1000, 4), value, np.float32), threshold=0) == 0


def test_shift_sign_and_order_do_not_matter(rng):
    codes = rng.normal(size=(500, 6)) * [0.01, 0.05, 0.15, 0.3, 1, 2]
    assert active_units(-codes[:, ::-1] + 100) == active_units(codes) == 4


@pytest.mark.parametrize("threshold", [-0.1, float("nan"), "0.01", True])
def test_a_bad_threshold_is_refused(threshold):
    message = f"Expected threshold to be a number of at least 0. Received: {threshold!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        active_units(np.eye(3), threshold=threshold)


def test_bad_codes_are_refused():
    with pytest.raises(ValueError, match="finite codes"):
        active_units(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match=r"codes of shape \(N, L\)"):
        active_units(np.zeros(3))
