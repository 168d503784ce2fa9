"""How many runs a trial takes, with a real profiler and a clock that stands still until it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from profiling.errors import UnknownJob
from profiling.profiler import Profiler
from profiling.records import Level, State
from profiling.samples import sampler
from profiling.trial import (
    KEEPING_RUNS,
    MAX_RUNS,
    QUICK_LOOK_S,
    QUICK_S,
    SURE_RUNS,
    USUAL_RUNS,
    Bounds,
    Trial,
)
from profiling.verdict.patience import MIN_RUNS

if sampler.unavailable_reason() is not None:
    pytest.skip(str(sampler.unavailable_reason()), allow_module_level=True)

Work = Callable[[int], object]
Make = Callable[[Bounds], Trial]


class Clock:
    """Shows as many seconds as it is set to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(clock: Clock) -> Iterator[Make]:
    """Make a trial with a profiler of its own, which is closed in the end."""
    profilers: list[Profiler] = []

    def make(bounds: Bounds) -> Trial:
        profiler = Profiler(level=Level.SAMPLES, sample_bytes=1_024, collect=True, patience=bounds.patience)
        profilers.append(profiler)
        return Trial(profiler, "work", bounds, clock, clock)

    yield make
    for profiler in profilers:
        profiler.close()


def finish(trial: Trial, work: Work, clock: Clock, run_s: float) -> int:
    """Run the job until the trial has seen enough; return how often that was."""
    while trial.goes_on():
        with trial.profiler.run(trial.job):
            work(trial.runs)
        clock.now_s += run_s
    return trial.runs


def nothing(_number: int) -> int:
    return len([bytes(400) for _ in range(100)])


def leak(kept: list[object]) -> Work:
    return lambda _: kept.append([bytes(400) for _ in range(250)])  # 110 KB


# ---- bounds ----


def test_bounds_are_those_of_the_command_unless_given() -> None:
    assert Bounds() == Bounds(runs=None, max_runs=100, max_seconds=60.0, first_runs=12, min_pace_bytes=2_048.0)


def test_trial_watches_for_eighty_runs_and_a_fixed_number_of_them_for_twelve() -> None:
    assert (Bounds().patience.usual_runs, Bounds().patience.slow_runs) == (SURE_RUNS, SURE_RUNS)
    fixed = Bounds(runs=30, min_pace_bytes=8_192.0).patience
    assert (fixed.usual_runs, fixed.slow_runs, fixed.min_pace_bytes) == (MIN_RUNS, MIN_RUNS, 8_192.0)


# ---- how long it goes on ----


def test_job_that_keeps_nothing_is_done_after_twelve_runs_if_these_take_half_a_second(made: Make, clock: Clock) -> None:
    trial = made(Bounds())
    assert finish(trial, nothing, clock, 1.0) == MIN_RUNS
    assert trial.verdict().state is State.STABLE


def test_quick_job_has_as_many_runs_as_fit_into_half_a_second_but_forty_at_most(made: Make, clock: Clock) -> None:
    assert finish(made(Bounds()), nothing, clock, QUICK_LOOK_S / 20) == 20
    clock.now_s = 0.0
    assert finish(made(Bounds()), nothing, clock, 0.0) == KEEPING_RUNS


@pytest.mark.parametrize(("cpu_share", "runs"), [(1.0, 12), (0.5, 16), (0.25, 32), (0.0, 32)])
def test_quick_job_on_a_busy_machine_has_its_runs_by_its_own_time(
    made: Make, clock: Clock, cpu_share: float, runs: int
) -> None:
    trial = made(Bounds())
    trial.cpu_clock = lambda: cpu_share * clock.now_s
    assert finish(trial, nothing, clock, QUICK_LOOK_S / 8) == runs


@pytest.mark.parametrize("runs", [1, 12, 30])
def test_fixed_number_of_runs_is_neither_more_nor_less(made: Make, clock: Clock, runs: int) -> None:
    kept: list[object] = []
    assert finish(made(Bounds(runs=runs)), leak(kept), clock, 100.0) == runs


def test_leak_is_watched_until_it_is_sure(made: Make, clock: Clock) -> None:
    kept: list[object] = []
    trial = made(Bounds())
    assert finish(trial, leak(kept), clock, 0.01) == SURE_RUNS
    verdict = trial.verdict()
    assert (verdict.state, verdict.runs) == (State.LEAKING, SURE_RUNS)
    assert verdict.bytes_per_run == pytest.approx(110_000, rel=0.1)


def test_leak_whose_runs_take_their_time_is_told_after_forty(made: Make, clock: Clock) -> None:
    kept: list[object] = []
    trial = made(Bounds())
    assert finish(trial, leak(kept), clock, QUICK_S / USUAL_RUNS) == USUAL_RUNS
    assert trial.profiler.verdict("work").state is State.GROWING
    assert trial.verdict().state is State.LEAKING


def test_leak_is_told_of_as_many_runs_as_there_was_time_for(made: Make, clock: Clock) -> None:
    kept: list[object] = []
    trial = made(Bounds(max_seconds=20.0))
    assert finish(trial, leak(kept), clock, 1.0) == 20
    assert trial.verdict().state is State.LEAKING


@pytest.mark.parametrize(("max_runs", "state"), [(11, State.INSUFFICIENT_RUNS), (12, State.LEAKING)])
def test_runs_that_are_too_few_say_so(made: Make, clock: Clock, max_runs: int, state: State) -> None:
    kept: list[object] = []
    trial = made(Bounds(max_runs=max_runs))
    assert finish(trial, leak(kept), clock, 0.1) == max_runs
    assert trial.verdict().state is state


def test_no_trial_has_more_than_a_hundred_runs(made: Make, clock: Clock) -> None:
    kept: list[object] = []

    def begin_late(number: int) -> None:
        if number > 24:
            kept.append([bytes(400) for _ in range(250)])

    assert finish(made(Bounds()), begin_late, clock, 0.0) == MAX_RUNS


def test_cache_that_fills_up_is_no_leak(made: Make, clock: Clock) -> None:
    kept: list[object] = []

    def fill(number: int) -> None:
        if number <= 30:
            kept.append([bytes(400) for _ in range(250)])

    trial = made(Bounds())
    assert finish(trial, fill, clock, 0.01) < SURE_RUNS
    assert trial.verdict().state is State.STABLE


def test_pace_below_the_least_is_no_leak(made: Make, clock: Clock) -> None:
    kept: list[object] = []
    trial = made(Bounds(runs=40, min_pace_bytes=200_000.0))
    finish(trial, leak(kept), clock, 0.0)
    assert trial.verdict().state is State.STABLE


def test_trial_without_a_run_has_no_verdict(made: Make) -> None:
    with pytest.raises(UnknownJob):
        made(Bounds()).verdict()
