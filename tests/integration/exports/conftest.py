"""A profiler that samples, with leaking jobs, and its debug server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from profiling import Level, Profiler
from profiling.samples import sampler
from profiling.serve import DebugServer
from tests.integration.exports import leaking


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    if why := sampler.unavailable_reason():
        pytest.skip(why)
    made = Profiler(level=Level.SAMPLES, limit_mb=512, sample_bytes=1_024)
    made.start_watching()
    yield made
    made.close()
    leaking.forget()


@pytest.fixture
def server(profiler: Profiler) -> Iterator[DebugServer]:
    leaking.leak(profiler)
    with DebugServer(profiler, "127.0.0.1:0") as server:
        yield server
