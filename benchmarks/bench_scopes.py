"""What a scope costs, and what a border costs that 256 scopes share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.samples import sampler
from profiling.scope import MAX_SCOPES
from profiling.windows import MIN_CALLS, WINDOW_S

TARGET_US = 0.4
TARGET_BORDER_MS = 50.0
CALLS = 20_000
PAIRS = 41
BORDERS = 12


def seconds_of(work: Callable[[], None]) -> float:
    """Return the CPU time of this thread, in which others on a busy machine have no part."""
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s


def test_time_of_one_scope(benchmark: BenchmarkFixture, results: Results) -> None:
    with closing(Profiler(level=Level.ADAPTIVE, window_s=3_600.0)) as profiler:
        scope = profiler.scope

        def labelled() -> None:
            for _ in range(CALLS):
                with scope("GET /items/{id}"):
                    pass

        def plain() -> None:
            for _ in range(CALLS):
                pass

        labelled()
        pairs = [(seconds_of(plain), seconds_of(labelled)) for _ in range(PAIRS)]
        benchmark.pedantic(labelled, rounds=1)  # type: ignore[no-untyped-call]
    scope_us = statistics.median(with_s - without_s for without_s, with_s in pairs) / CALLS * 1e6
    results.add(
        what="CPU time of one block `with profiler.scope(...)`, in turn with the empty loop",
        ours=f"{scope_us:.2f} µs",
        against=f"target: {TARGET_US} µs",
        ratio=TARGET_US / scope_us,
    )


@pytest.mark.parametrize("lines", [50, 2_000])
def test_border_of_256_scopes(lines: int, benchmark: BenchmarkFixture, results: Results) -> None:
    source = "\n".join(
        f"def f{number}(kept, count):\n  kept.extend(bytes(900) for _ in range(count))" for number in range(lines)
    )
    functions: dict[str, Callable[[list[object], int], None]] = {}
    exec(compile(source, "/srv/app/views.py", "exec"), functions)
    kept: list[object] = []
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_000, window_s=3_600.0)) as profiler:
        windows = profiler._windows
        assert windows is not None
        now_s = 0.0
        windows._clock, windows._window_s = (lambda: now_s), WINDOW_S
        profiler.start_watching()
        for number in range(100_000 // 25):
            with profiler.scope(f"/{number % MAX_SCOPES}"):
                functions[f"f{number % lines}"](kept, 25)
        all_s = []
        for _ in range(BORDERS):
            for number in range(MIN_CALLS * MAX_SCOPES):
                with profiler.scope(f"/{number % MAX_SCOPES}"):
                    pass
            now_s += WINDOW_S
            windows._next_s = 0.0
            all_s.append(seconds_of(profiler.end_windows))
        alive = sampler.statistics().alive
        benchmark.pedantic(profiler.end_windows, rounds=1)  # type: ignore[no-untyped-call]
    border_ms = statistics.median(all_s) * 1e3
    results.add(
        what=f"CPU time of a border with its verdicts, {MAX_SCOPES} scopes, {alive} live samples at {lines} lines",
        ours=f"{border_ms:.0f} ms",
        against=f"target: {TARGET_BORDER_MS:.0f} ms",
        ratio=TARGET_BORDER_MS / border_ms,
    )
