"""What the profiler takes for a run is no memory of the line that begins the run."""

from __future__ import annotations

from collections import Counter

import pytest

from profiling import Level, Profiler
from profiling.samples import sampler

LEVELS = [Level.LINES, Level.STACKS] if sampler.unavailable_reason() else [Level.SAMPLES, Level.LINES, Level.STACKS]
RUNS = 6
OBJECT_BYTES = 100  # the bound method of an object that is being entered


def bytes_of_this_file(profiler: Profiler) -> Counter[int]:
    bytes_at: Counter[int] = Counter()
    for run in profiler.runs("empty")[1:]:
        assert run.best_lines is not None
        for (file, line), size_bytes, _ in run.best_lines.retained.rows():
            if file == __file__:
                bytes_at[line] += max(0, size_bytes)
    return bytes_at


def profiler_at(level: Level) -> Profiler:
    return Profiler(level=level, sample_bytes=16.0)


@pytest.mark.parametrize("level", LEVELS)
def test_empty_run_keeps_nothing_on_its_line(level: Level) -> None:
    profiler = profiler_at(level)
    for _ in range(RUNS):
        with profiler.run("empty"):
            pass
    kept = bytes_of_this_file(profiler)
    profiler.close()
    assert sum(kept.values()) <= OBJECT_BYTES * RUNS


@pytest.mark.parametrize("level", LEVELS)
async def test_empty_async_run_keeps_nothing_on_its_line(level: Level) -> None:
    profiler = profiler_at(level)
    for _ in range(RUNS):
        async with profiler.run("empty"):
            pass
    kept = bytes_of_this_file(profiler)
    profiler.close()
    assert sum(kept.values()) <= OBJECT_BYTES * RUNS
