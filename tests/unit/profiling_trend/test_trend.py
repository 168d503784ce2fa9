"""A verdict for what a series is: no false alarm, and no leak missed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from profiling.records import Level, Outcome, RunProfile, State, Verdict
from profiling.trend import MIN_RUNS, WINDOW_RUNS, Series, series_of, verdict
from tests.unit.profiling_data.make import MB, RUN, counters, lines
from tests.unit.profiling_trend.series import LEAKS, STATIONARY, Kind, slow_leak_in_noise

FLAT = (100.0 * MB,) * 60


def judge(heap: Sequence[float], process: Sequence[float] | None = None, *, is_traced: bool = True) -> Verdict:
    held = tuple(FLAT[: len(heap)] if process is None else process)
    return verdict(Series(heap=tuple(heap), own_heap=tuple(heap), is_traced=is_traced, process=held, own_process=held))


@pytest.mark.parametrize("runs", [12, 20, 50])
def test_stationary_series_are_stable_99_times_in_100(runs: int) -> None:
    alarms = [
        f"{kind.__name__} {seed}"
        for kind in STATIONARY
        for seed in range(30)
        if judge(kind(random.Random(f"{kind.__name__}-{seed}"), runs)).state is not State.STABLE
    ]
    assert len(alarms) <= 0.01 * 30 * len(STATIONARY), alarms


@pytest.mark.parametrize("kind", LEAKS, ids=lambda kind: kind.__name__)
def test_leak_is_found_within_20_runs(kind: Kind) -> None:
    found = [judge(kind(random.Random(seed), 20)).state is State.LEAKING for seed in range(40)]
    assert sum(found) >= 0.95 * len(found)


def test_growth_of_1_per_cent_in_noise_of_5_is_found_within_20_runs_95_times_in_100() -> None:
    found = 0
    for seed in range(200):
        values = slow_leak_in_noise(random.Random(seed), 20)
        found += any(judge(values[:runs]).state is State.LEAKING for runs in range(MIN_RUNS, 21))
    assert found >= 0.95 * 200


def test_leak_is_told_with_its_bytes_a_run_and_an_interval() -> None:
    told = judge([20e6 + 40_000 * run for run in range(12)])
    assert told.state is State.LEAKING
    assert told.bytes_per_run == 40_000
    assert list(told.interval_bytes or ()) == [40_000, 40_000]
    assert told.runs == 12
    assert told.reason == "traced memory grows by 39.1 KiB a run, without giving it back, over the last 12 runs"


def test_leak_that_begins_late_is_told_by_its_own_runs() -> None:
    told = judge([20e6 + 40_000 * max(0, run - 11) for run in range(24)])
    assert told.state is State.LEAKING
    assert told.runs == 13
    assert told.bytes_per_run == 40_000


def test_process_that_grows_without_pythons_heap_is_native_growth() -> None:
    told = judge([20e6] * 12, [100e6 + 2e6 * run for run in range(12)])
    assert told.state is State.NATIVE_GROWTH
    assert told.bytes_per_run == 2e6
    assert told.reason == (
        "the process grows by 1.9 MiB a run over the last 12 runs, and Python's heap does not: a C library keeps it"
    )


def test_heap_that_grows_with_the_process_is_leaking_and_not_native() -> None:
    told = judge([20e6 + 2e6 * run for run in range(12)], [100e6 + 2e6 * run for run in range(12)])
    assert told.state is State.LEAKING


def test_without_lines_the_number_of_blocks_stands_for_pythons_heap() -> None:
    process = [100e6 + 2e6 * run for run in range(12)]
    leaking = judge([5_000 + 90 * run for run in range(12)], process, is_traced=False)
    assert (leaking.state, leaking.bytes_per_run) == (State.LEAKING, 2e6)
    unclear = judge([5_000] * 12, process, is_traced=False)
    assert unclear.state is State.NATIVE_GROWTH
    assert unclear.reason.endswith("a C library, or large objects; level lines tells which")
    assert judge([5_000 + 90 * run for run in range(12)], is_traced=False).state is State.STABLE


def test_growth_by_another_jobs_runs_or_freed_between_runs_is_not_this_jobs_leak() -> None:
    rising, flat = tuple(20e6 + 40_000 * run for run in range(20)), (20e6,) * 20
    for total, own in ((rising, flat), (flat, rising)):
        told = verdict(Series(heap=total, own_heap=own, is_traced=True, process=FLAT[:20], own_process=FLAT[:20]))
        assert told.state is State.STABLE


def test_growth_too_small_to_matter_is_stable() -> None:
    told = judge([20e6 + 500 * run for run in range(50)])
    assert told.state is State.STABLE
    assert told.reason == "nothing grows persistently over 50 runs; traced memory moves by +500 B a run"


def test_too_few_runs_say_how_many_are_missing() -> None:
    told = judge([20e6 + 40_000 * run for run in range(11)])
    assert told.state is State.INSUFFICIENT_RUNS
    assert told.reason == "11 completed runs so far, a verdict takes 12: 1 more"
    assert (told.bytes_per_run, told.interval_bytes) == (None, None)
    assert judge([]).state is State.INSUFFICIENT_RUNS


def profile(run_id: int, traced_bytes: int = MB, period: int = 1, outcome: Outcome = Outcome.COMPLETED) -> RunProfile:
    return replace(RUN, id=run_id, outcome=outcome, lines=lines({}, traced_bytes=traced_bytes, period=period))


def test_series_is_that_of_the_completed_runs_of_the_last_stretch_of_tracing() -> None:
    runs = [
        profile(1, 1 * MB),
        profile(2, 2 * MB, period=2),
        profile(3, 9 * MB, period=2, outcome=Outcome.FAILED),
        replace(RUN, id=4, lines=None, level=Level.COUNTERS),
        profile(5, 3 * MB, period=2),
    ]
    series = series_of(runs)
    assert series.is_traced
    assert list(series.heap) == [2 * MB, 3 * MB]
    assert list(series.own_heap) == [2 * MB, 2 * MB + 1234]
    assert list(series.own_process) == [99 * MB, 100 * MB]
    # What the C allocator holds free is no growth: 101 MB of RSS, 2 MB of them free.
    assert list(series.process) == [99 * MB, 99 * MB]


def test_series_without_lines_counts_blocks_and_is_bounded() -> None:
    runs = [replace(RUN, id=number, lines=None, after=counters(MB * number)) for number in range(1, 70)]
    series = series_of(runs)
    assert not series.is_traced
    assert series.heap == (1000.0,) * WINDOW_RUNS
    assert series.process[-1] == (69 - 2) * MB
    assert len(series_of([])) == 0
