"""Fixtures of the walk's tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from profiling.process.full_collections import count_frozen


@pytest.fixture
def small_heap() -> None:
    """The collector lists what the test makes, not the 200 000 objects of pytest, pandas and all."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def nothing_frozen() -> Iterator[None]:
    """No object is frozen, as in a service: no run is closed while the program has frozen some, as these tests have."""
    gc.unfreeze()
    gc.collect()
    yield
    assert count_frozen() == 0
    gc.freeze()
