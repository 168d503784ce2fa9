"""The fixed cost of a run: what `with profiler.run(...)` takes around nothing, at each level."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from profiling import Level, Profiler

RUNS = 200


@pytest.mark.parametrize("level", [Level.COUNTERS, Level.SAMPLES, Level.ADAPTIVE, Level.LINES, Level.STACKS])
def test_empty_run(level: Level, benchmark: BenchmarkFixture, results: Results) -> None:
    took_ms = sorted(benchmark.pedantic(empty_runs, args=(level,), rounds=1))  # type: ignore[no-untyped-call]
    results.add(
        what=f"an empty run at level {level.value}: median of {RUNS}, and 99th percentile",
        ours=f"{took_ms[RUNS // 2]:.1f} ms, {took_ms[RUNS * 99 // 100]:.1f} ms",
    )


def empty_runs(level: Level) -> list[float]:
    """Return what each run took, in ms."""
    took_ms = []
    with closing(Profiler(level=level)) as profiler:
        for _ in range(RUNS):
            began_s = time.perf_counter()
            with profiler.run("empty"):
                pass
            took_ms.append(1e3 * (time.perf_counter() - began_s))
    return took_ms
