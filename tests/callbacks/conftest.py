"""What the tests of all callbacks train, and how."""

import pytest

from tests.callbacks import tiny


@pytest.fixture(scope="session")
def data():
    return tiny.bars()


@pytest.fixture
def method():
    return tiny.make()


@pytest.fixture
def fit(data):
    """Trains on endless batches: `fit(method, callbacks, epochs=3, steps=2)`; the history."""
    return lambda method, callbacks, **settings: tiny.fit(method, data, callbacks, **settings)
