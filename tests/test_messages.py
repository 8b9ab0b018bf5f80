"""The words that many messages share are as their examples say."""

import doctest

from zoo import messages


def test_examples_run():
    assert doctest.testmod(messages).failed == 0
