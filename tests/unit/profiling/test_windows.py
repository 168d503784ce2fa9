"""What is outside jobs: windows of it, their verdict, and what is left to the jobs."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from profiling.errors import UnknownJob
from profiling.process.full_collections import BudgetedCollector
from profiling.profiler import Profiler
from profiling.records import Level, RunProfile, State
from profiling.samples import sampler
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.windows import PATIENCE, Windows

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    """Return one whose windows end whenever they may, so a share of the time that they take would be no time."""
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, window_s=0.0)) as made:
        made._shared.collector = BudgetedCollector(is_bounded=False)
        made.end_windows()
        yield made


def after(profiler: Profiler, windows: int, work: Callable[[], object]) -> None:
    for _ in range(windows):
        work()
        profiler.end_windows()


def windows_of(profiler: Profiler) -> list[RunProfile]:
    return list(profiler.runs(OUTSIDE_JOBS))


def test_leak_outside_jobs_is_told_with_its_line(profiler: Profiler) -> None:
    kept: list[list[bytes]] = []
    after(profiler, PATIENCE.usual_runs + 2, lambda: kept.append([bytes(900) for _ in range(40)]))
    verdict = profiler.verdict(OUTSIDE_JOBS)
    assert verdict.state is State.LEAKING
    assert verdict.bytes_per_run == pytest.approx(40_000, rel=0.2)
    assert verdict.suspects[0].site[0] == __file__
    assert "windows of 0 s" in verdict.reason
    assert verdict.forecast is not None
    assert "one window every" in verdict.forecast.reason


def test_leak_is_growing_before_five_minutes_are_over(profiler: Profiler) -> None:
    kept: list[list[bytes]] = []
    after(profiler, PATIENCE.usual_runs - 10, lambda: kept.append([bytes(900) for _ in range(40)]))
    assert profiler.verdict(OUTSIDE_JOBS).state is State.GROWING


def test_work_that_keeps_nothing_is_stable(profiler: Profiler) -> None:
    ring: dict[int, list[bytes]] = {}
    numbers = iter(range(1_000))

    def work() -> None:
        ring[next(numbers) % 7] = [bytes(900) for _ in range(40)]

    after(profiler, PATIENCE.usual_runs + 10, work)
    assert profiler.verdict(OUTSIDE_JOBS).state is State.STABLE


def test_threads_are_outside_jobs_too(profiler: Profiler) -> None:
    kept: list[list[bytes]] = []

    def work() -> None:
        thread = threading.Thread(target=lambda: kept.append([bytes(900) for _ in range(40)]))
        thread.start()
        thread.join()

    after(profiler, PATIENCE.usual_runs + 2, work)
    assert profiler.verdict(OUTSIDE_JOBS).state is State.LEAKING


def test_what_a_job_keeps_is_not_outside_jobs(profiler: Profiler) -> None:
    kept: list[list[bytes]] = []
    for _ in range(14):
        with profiler.run("job"):
            kept.append([bytes(900) for _ in range(100)])
    retained = [window.samples.retained.size_bytes for window in windows_of(profiler) if window.samples]
    assert len(retained) >= 14
    assert sum(retained) < 0.1 * 14 * 100 * 900
    assert set(profiler.history.jobs()) == {"job"}


async def test_verdicts_of_all_have_what_is_outside_jobs(profiler: Profiler) -> None:
    with profiler.run("job"):
        pass
    assert set(await profiler.verdicts()) == {"job", OUTSIDE_JOBS}


def test_no_window_ends_before_its_time() -> None:
    with closing(Profiler(level=Level.SAMPLES, window_s=3_600.0)) as profiler:
        profiler.end_windows()
        profiler.end_windows()
        with pytest.raises(UnknownJob):
            profiler.verdict(OUTSIDE_JOBS)


def test_time_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"window_s is -1; it must be a number of seconds"):
        Profiler(window_s=-1)


def test_two_windows_are_compared_line_by_line(profiler: Profiler) -> None:
    kept: list[list[bytes]] = []
    after(profiler, 3, lambda: kept.append([bytes(20_000)]))
    diff = profiler.diff(OUTSIDE_JOBS)
    assert diff.change.sites[0].path == __file__
    assert diff.change.totals.size_diff_bytes == pytest.approx(20_000, rel=0.1)


def test_window_does_not_outlive_its_session(profiler: Profiler) -> None:
    profiler.end_windows()
    seen = len(windows_of(profiler))
    sampler.stop()
    profiler.end_windows()
    assert len(windows_of(profiler)) == seen
    profiler.end_windows()
    assert len(windows_of(profiler)) == seen + 1


def test_levels_without_samples_have_no_windows() -> None:
    with closing(Profiler(level=Level.COUNTERS, window_s=0.0)) as profiler:
        profiler.end_windows()
        profiler.end_windows()
        assert not sampler.is_on()
        with profiler.run("job"):
            pass
        with pytest.raises(UnknownJob):
            profiler.verdict(OUTSIDE_JOBS)


def test_growth_of_the_c_heap_that_a_lone_run_tells_is_not_told_twice(profiler: Profiler) -> None:
    # Far more than the interpreter itself gets from the C heap or gives back to it meanwhile.
    with profiler.run("job"):
        blocks = [libc.malloc(50_000) for _ in range(400)]
    window = windows_of(profiler)[-1]
    for block in blocks:
        libc.free(ctypes.c_void_p(block))
    assert window.native_in_runs_bytes == pytest.approx(20_000_000, rel=0.2)


def test_growth_of_the_c_heap_in_no_run_is_told(profiler: Profiler) -> None:
    after(profiler, PATIENCE.usual_runs + 30, lambda: libc.malloc(100_000))
    verdict = profiler.verdict(OUTSIDE_JOBS)
    assert verdict.state is State.NATIVE_GROWTH, verdict.reason
    assert verdict.bytes_per_run == pytest.approx(100_000, rel=0.2)


def test_another_profilers_sampling_has_no_windows_of_ours() -> None:
    sampler.start(1_024)
    try:
        with closing(Profiler(level=Level.SAMPLES, window_s=0.0)) as profiler:
            windows = Windows(profiler._shared, 0.0, {})
            assert windows.turn(lambda _: None) == []
            assert windows.turn(lambda _: None) == []
    finally:
        sampler.stop()
