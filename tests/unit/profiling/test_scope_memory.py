"""What a profiler keeps at its bounds: 1 000 names tried, 65 536 live samples, more windows than it remembers."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import profiling
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.samples import sampler
from profiling.scope import MAX_SCOPES
from profiling.windows import MIN_CALLS, REMEMBERED, WINDOW_S

pytestmark = [
    pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason())),
    pytest.mark.slow,
    pytest.mark.timeout(1_200),
]

MAX_BYTES = 8 << 20
NAMES = [f"GET /api/v1/things/{number}/{{id}}" for number in range(1_000)]
FUNCTIONS = 1_500  # lines that allocate
CALLS = 4  # of one function each, under each name


def fill(profiler: Profiler, depth: int) -> list[object]:
    """Return what is alive: as many samples as there may be, in all scopes and at many lines, at the end of calls.

    With a depth, each function has called itself so often that no two of them have a frame in common.
    """
    source = "\n".join(
        f"def f{number}(kept, depth):\n"
        f"  if depth: return f{number}(kept, depth - 1)\n"
        "  kept.extend(bytes(900) for _ in range(20))"
        for number in range(FUNCTIONS)
    )
    functions: dict[str, object] = {}
    exec(compile(source, "/srv/app/views.py", "exec"), functions)
    kept: list[object] = []
    for number, name in enumerate(NAMES):
        with profiler.scope(name):
            for called in range(number * CALLS, (number + 1) * CALLS):
                functions[f"f{called % FUNCTIONS}"](kept, depth)  # type: ignore[operator]
    return kept


def kept_by_profiler() -> int:
    """Return the bytes that the profiler's own code has allocated and keeps."""
    rooms = str(Path(profiling.__file__).parent / "*")
    traces = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, rooms), tracemalloc.Filter(True, "<string>")]
    )
    return sum(trace.size for trace in traces.traces)


@pytest.mark.parametrize(
    ("depth", "rounds"), [(0, REMEMBERED + 20), (72, 30)], ids=["stacks of a few frames", "stacks of 64 frames"]
)
def test_all_that_the_profiler_keeps_is_within_8_megabytes(
    monkeypatch: pytest.MonkeyPatch, depth: int, rounds: int
) -> None:
    monkeypatch.setattr("profiling.watcher.Watcher.start", lambda _: None)
    with ThreadPoolExecutor(1) as executor:  # without the test runner's frames
        executor.submit(keep_all, depth, rounds).result()


def keep_all(depth: int, rounds: int) -> None:
    """Fill a profiler to its bounds, and check what the profiler keeps."""
    now_s = 0.0
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=64)) as profiler:
        windows = profiler._windows
        assert windows is not None
        windows._clock = lambda: now_s
        profiler.start_watching()
        kept = fill(profiler, depth)
        tracemalloc.start()
        try:
            for _ in range(rounds):
                for name in NAMES[:MAX_SCOPES]:
                    for _ in range(MIN_CALLS):
                        with profiler.scope(name):
                            pass
                now_s += WINDOW_S
                windows._next_s = 0.0
                profiler.end_windows()
            remembered_bytes = kept_by_profiler()
        finally:
            tracemalloc.stop()
        told = sampler.statistics()
        assert len(kept) == 80_000
        assert told.alive > sampler.MAX_SAMPLES // 2
        assert told.table_bytes + remembered_bytes <= MAX_BYTES, (told.table_bytes, remembered_bytes)
        assert profiler.overhead_bytes() == pytest.approx(told.table_bytes + remembered_bytes, rel=0.25)
