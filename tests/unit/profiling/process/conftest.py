"""Fixtures of the walk's tests."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture
def small_heap() -> None:
    """The collector lists what the test makes, not the 200 000 objects of pytest, pandas and all."""
    gc.collect()
    gc.freeze()
