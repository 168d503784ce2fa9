"""Tracing for one test."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest


@pytest.fixture
def traced() -> Iterator[None]:
    """tracemalloc is on in the test, at one frame."""
    tracemalloc.start()
    yield
    tracemalloc.stop()
