"""When exact lines are paid for: hand-made runs, and a clock that is turned by hand."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from profiling.adaptive import AGAIN_AFTER_RUNS, MAX_JOBS, SERIES_RUNS, Adaptive, is_quiet
from profiling.records import Level, RunProfile, State, Suspect, Verdict
from tests.unit.profiling.make import run

LEAKING = Verdict(state=State.LEAKING, reason="it grows", runs=12, bytes_per_run=1e6, interval_bytes=(9e5, 1.1e6))
STABLE = replace(LEAKING, state=State.STABLE)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def adaptive(clock: Clock) -> Adaptive:
    """After 100 runs of 1 s, one each 10 s."""
    made = Adaptive(Level.SAMPLES, clock=clock)
    for number in range(100):
        clock.now_s += 10
        made.record_run(plain(number))
    return made


def plain(number: int, duration_s: float = 1.0) -> RunProfile:
    return run(number, level=Level.SAMPLES, duration_s=duration_s)


def traced(number: int, duration_s: float) -> RunProfile:
    return run(number, {("a.py", 1): (100, 1)}, duration_s=duration_s)


def test_nothing_is_traced_while_nothing_leaks(adaptive: Adaptive) -> None:
    adaptive.maybe_start_series("work", STABLE)
    assert adaptive.series is None
    assert adaptive.level("work") is Level.SAMPLES


def test_leak_is_traced_for_a_short_series_of_its_job_alone(adaptive: Adaptive, clock: Clock) -> None:
    adaptive.maybe_start_series("work", LEAKING)
    assert (adaptive.level("work"), adaptive.level("other")) == (Level.LINES, Level.SAMPLES)
    for number in range(SERIES_RUNS):
        assert not adaptive.is_over
        clock.now_s += 10
        adaptive.record_run(traced(number, 1.1))
    assert adaptive.is_over
    adaptive.end_series()
    assert adaptive.level("work") is Level.SAMPLES


def test_series_is_not_repeated_before_long(adaptive: Adaptive, clock: Clock) -> None:
    adaptive.maybe_start_series("work", LEAKING)
    adaptive.end_series()
    for number in range(AGAIN_AFTER_RUNS):
        adaptive.maybe_start_series("work", LEAKING)
        assert adaptive.series is None
        clock.now_s += 10
        adaptive.record_run(plain(number))
    adaptive.maybe_start_series("work", LEAKING)
    assert adaptive.series is not None


def test_time_lost_is_the_share_that_the_slowdown_took(adaptive: Adaptive, clock: Clock) -> None:
    adaptive.maybe_start_series("work", LEAKING)
    clock.now_s += 20
    adaptive.record_run(traced(1, 2.0))
    assert adaptive.lost_share == pytest.approx(20 * 0.5 / 1_020)


def test_series_ends_early_where_its_share_of_the_time_is_used_up(adaptive: Adaptive, clock: Clock) -> None:
    adaptive.maybe_start_series("work", LEAKING)
    clock.now_s += 60
    adaptive.record_run(traced(1, 100.0))
    assert adaptive.lost_share == pytest.approx(60 * 0.99 / 1_060)
    assert adaptive.is_over


def test_series_that_would_take_too_long_is_not_begun(clock: Clock) -> None:
    adaptive = Adaptive(Level.SAMPLES, clock=clock)
    for number in range(12):
        clock.now_s += 10
        adaptive.record_run(plain(number))
    adaptive.maybe_start_series("work", LEAKING)  # three runs each 10 s at an assumed slowdown of 6 are 25 s, of 120
    assert adaptive.series is None


def test_line_in_a_library_calls_for_stacks_at_once(adaptive: Adaptive, clock: Clock) -> None:
    in_library = replace(LEAKING, suspects=(Suspect(site=("/x/site-packages/y.py", 3), bytes_per_run=1e6, stack=()),))
    adaptive.maybe_start_series("work", in_library)
    assert adaptive.level("work") is Level.LINES
    adaptive.end_series()
    clock.now_s += 10_000
    adaptive.maybe_start_series("work", LEAKING)
    assert adaptive.level("work") is Level.SAMPLES
    adaptive.maybe_start_series("work", in_library)
    assert adaptive.level("work") is Level.STACKS


def test_number_of_jobs_that_are_remembered_is_bounded(adaptive: Adaptive) -> None:
    for number in range(MAX_JOBS + 5):
        adaptive.record_run(run(number, job=f"job {number}"))
    assert len(adaptive._seen) == MAX_JOBS


def test_thread_that_waits_is_quiet_and_one_at_work_is_not() -> None:
    started, stop = threading.Event(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            started.set()
            sum(range(1_000))

    assert is_quiet()
    thread = threading.Thread(target=work)
    thread.start()
    started.wait(10)
    quiet = [is_quiet() for _ in range(200)]
    stop.set()
    thread.join()
    assert not all(quiet)
    waiting = threading.Thread(target=stop.wait)
    stop.clear()
    waiting.start()
    while not is_quiet():
        pass
    stop.set()
    waiting.join()
