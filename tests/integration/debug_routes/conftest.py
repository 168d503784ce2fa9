"""Fixtures of the debug routes' tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def small_heap() -> Iterator[None]:
    """A walk finds what the test makes, not the 200 000 objects of pytest, pandas and all."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
