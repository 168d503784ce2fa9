"""Sampling on for one test, off after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from profiling.samples import sampler


@pytest.fixture
def sampling() -> Iterator[Callable[..., None]]:
    """`sampler.start`, undone at the end; skips where the extension was not built."""
    if (reason := sampler.unavailable_reason()) is not None:
        pytest.skip(reason)
    yield sampler.start
    sampler.stop()
