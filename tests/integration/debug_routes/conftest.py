"""Fixtures of the debug routes' tests."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True)
def small_heap() -> None:
    """A walk finds what the test makes, not the 200 000 objects of pytest, pandas and all."""
    gc.collect()
    gc.freeze()
