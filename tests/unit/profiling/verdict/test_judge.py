"""A verdict for what a series is: no false alarm, and no leak missed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.records import Counters, Level, Outcome, Outlook, RunProfile, State, Verdict
from profiling.verdict.judge import Doubt, has_risen, verdict
from profiling.verdict.series import MIN_RUNS, TRACE_MALLOC_BYTES, WINDOW_RUNS, Collected, Levels, Series, series_of
from tests.unit.profiling.make import MB, RUN, counters, lines
from tests.unit.profiling.verdict.series import (
    LEAKS_AT_ONCE,
    LEAKS_WITHIN_20_RUNS,
    STATIONARY_HEAPS,
    STATIONARY_PROCESSES,
    Kind,
    constant,
    leak_below_deep_teeth,
    leak_in_a_wandering_process,
    leak_of_1_per_cent_in_noise_of_5,
    noise,
    random_walk,
    small_leak,
    step,
)

FLAT = (100.0 * MB,) * 60


def levels(after: Sequence[float], own: Sequence[float] | None = None) -> Levels:
    return Levels(after=tuple(after), own=tuple(own or after))


def series(heap: Sequence[float], process: Sequence[float] | None = None, *, is_traced: bool = True) -> Series:
    return Series(heap=levels(heap), is_traced=is_traced, process=levels(process or FLAT[: len(heap)]))


def judge(heap: Sequence[float], process: Sequence[float] | None = None, *, is_traced: bool = True) -> Verdict:
    return verdict(series(heap, process, is_traced=is_traced))


@pytest.mark.parametrize("runs", [12, 20, 30, 50])
def test_stationary_series_are_stable_99_times_in_100(runs: int) -> None:
    alarms = []
    for kind in STATIONARY_PROCESSES:
        for seed in range(30):
            values = kind(random.Random(f"{kind.__name__}-{seed}"), runs)
            heap = values if kind in STATIONARY_HEAPS else FLAT[:runs]
            if judge(heap, values).state is not State.STABLE:
                alarms.append(f"{kind.__name__} {seed}")
    assert len(alarms) <= 0.01 * 30 * len(STATIONARY_PROCESSES), alarms


@pytest.mark.parametrize("kind", LEAKS_AT_ONCE, ids=lambda kind: kind.__name__)
def test_clear_leak_is_found_at_12_runs(kind: Kind) -> None:
    found = [judge(kind(random.Random(seed), MIN_RUNS)).state is State.LEAKING for seed in range(40)]
    assert sum(found) >= 0.95 * len(found)


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
    assert told.runs == 12
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
        told = verdict(Series(heap=levels(total, own), is_traced=True, process=levels(FLAT[:20])))
        assert told.state is State.STABLE


def collected(pace: float, freed: dict[int, float], runs: int = 12) -> Levels:
    """A level that rises with each run, and full collections before some of them that free so much."""
    begins = [20e6 - sum(freed.get(before, 0.0) for before in range(run + 1)) + pace * run for run in range(runs)]
    return Levels.of(
        [begin + pace for begin in begins], [pace] * runs, [Collected(run in freed, False) for run in range(runs)]
    )


def test_what_collections_free_is_in_the_levels_and_not_in_the_total() -> None:
    told = collected(40_000, {5: 100_000, 8: 0})
    assert list(told.freed or ()) == [None] * 5 + [100_000] + [None] * 2 + [0] + [None] * 3
    assert told.after[5] - told.after[4] == 40_000 - 100_000
    assert list(told.total) == list(told.own) == [20e6 + 40_000 * run for run in range(1, 13)]
    within = Levels.of([20e6, 10e6], [0, -10e6], [Collected(False, False), Collected(False, True)])
    assert (within.total, within.freed) == ((20e6, 10e6), (None, 0))
    assert Levels.of([1.0, 3.0], [1.0, 2.0], None) == Levels(after=(1.0, 3.0), own=(1.0, 3.0), freed=None)


@pytest.mark.parametrize("freed", [{8: 0}, {11: 0}, {11: 200_000}, {8: 100_000, 11: 100_000}])
def test_growth_is_a_leak_once_full_collections_have_left_most_of_it(freed: dict[int, float]) -> None:
    told = verdict(replace(series(FLAT[:12]), heap=collected(40_000, freed)))
    assert (told.state, told.needs_collection, told.bytes_per_run) == (State.LEAKING, True, 40_000)


@pytest.mark.parametrize(
    ("freed", "doubt"),
    [
        ({}, Doubt.NOT_COLLECTED),
        ({5: 0}, Doubt.NOT_COLLECTED),
        ({11: 440_000}, Doubt.FREED),
        ({5: 200_000, 10: 200_000}, Doubt.FREED),
    ],
)
def test_until_then_it_may_be_garbage(freed: dict[int, float], doubt: Doubt) -> None:
    told = verdict(replace(series(FLAT[:12]), heap=collected(40_000, freed)))
    assert (told.state, told.needs_collection) == (State.STABLE, True)
    assert doubt.value in told.reason


def test_process_is_held_to_a_full_collection_too_and_what_it_falls_by_then_is_given_back() -> None:
    early, late = (
        verdict(replace(series(FLAT[:12]), process=collected(1e6, freed))) for freed in ({5: 0.0}, {10: 0.0})
    )
    assert (early.state, early.needs_collection) == (State.STABLE, True)
    assert late.state is State.NATIVE_GROWTH
    trimmed = verdict(replace(series(FLAT[:12]), process=collected(1e6, {10: 5e6})))
    assert (trimmed.state, trimmed.needs_collection) == (State.STABLE, False)


def test_of_runs_that_all_garbage_was_collected_around_what_grows_is_a_leak() -> None:
    leaking = verdict(replace(series([20e6 + 40_000 * run for run in range(12)]), is_collected=True))
    assert (leaking.state, leaking.needs_collection) == (State.LEAKING, True)
    assert leaking.reason.endswith("over the last 12 runs that all garbage was collected around")
    stable = verdict(replace(series(FLAT[:12]), is_collected=True))
    assert (stable.state, stable.needs_collection) == (State.STABLE, False)


@pytest.mark.parametrize(
    ("collected", "is_collecting", "is_collected"),
    [
        ((), False, False),
        ((29,), False, False),  # alone it has shown that nothing grows, or more follow
        ((28, 29), True, False),
        ((22, 26), True, False),  # collections have to wait
        ((20, 21), False, False),  # long ago
        (range(18, 30), False, True),
        (range(12), False, False),
    ],
)
def test_runs_that_garbage_was_collected_around_count_alone_once_they_are_enough(
    collected: Sequence[int], is_collecting: bool, is_collected: bool
) -> None:
    told = series_of([replace(RUN, id=number, collected=number in collected) for number in range(30)])
    assert (told.is_collecting, told.is_collected) == (is_collecting, is_collected)
    assert len(told) == (12 if is_collected else 30)


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


OWN_BYTES = 99 * TRACE_MALLOC_BYTES  # of the profiler, in each of the runs below


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
    assert list(series.heap.after) == [2 * MB, 3 * MB]
    assert list(series.heap.own) == [2 * MB, 2 * MB + 1234]
    # What the C allocator holds free is no growth: 101 MB of RSS, 2 MB of them free. Nor is what the profiler keeps.
    assert list(series.process.after) == [99 * MB - OWN_BYTES] * 2
    assert list(series.process.own) == [99 * MB - OWN_BYTES, 100 * MB - OWN_BYTES]


def test_series_without_lines_counts_blocks_and_is_bounded() -> None:
    runs = [replace(RUN, id=number, lines=None, after=counters(MB * number)) for number in range(1, 70)]
    series = series_of(runs)
    assert not series.is_traced
    assert series.heap.after == (1000.0,) * WINDOW_RUNS
    assert series.process.after[-1] == (69 - 2) * MB
    assert len(series_of([])) == 0


def test_process_whose_malloc_keeps_more_grows_natively_by_mallocs_count() -> None:
    # The RSS alone would not do: it moves by more than the leak.
    r = random.Random(1)
    process = tuple(100 * MB + 100_000 * run + r.choice([-400_000, 0, 400_000]) for run in range(20))
    c_heap = tuple(30 * MB + 100_000.0 * run for run in range(20))
    wandering = series(FLAT[:20], process)
    assert verdict(wandering).state is State.STABLE
    told = verdict(replace(wandering, c_heap=levels(c_heap)))
    assert (told.state, told.bytes_per_run) == (State.NATIVE_GROWTH, 100_000)


def test_what_malloc_hands_out_from_a_hole_or_to_another_job_is_no_growth() -> None:
    flat, c_heap = FLAT[:20], tuple(30 * MB + 100_000.0 * run for run in range(20))
    hole = Series(heap=levels(flat), is_traced=True, process=levels(flat), c_heap=levels(c_heap))
    assert verdict(hole).state is State.STABLE
    another = replace(hole, process=levels(c_heap, flat), c_heap=levels(c_heap, flat))
    assert verdict(another).state is State.STABLE


def test_estimates_have_to_rise_by_more_than_their_error() -> None:
    rising = tuple(20e6 + 40_000 * run for run in range(12))
    series = Series(heap=levels(rising), is_traced=True, process=levels(FLAT[:12]))
    assert verdict(replace(series, heap_error_bytes=440_000 / 3)).state is State.LEAKING
    assert verdict(replace(series, heap_error_bytes=440_000 / 2.9)).state is State.STABLE
    assert verdict(replace(series, heap_sample_bytes=440_000 / 9)).state is State.LEAKING
    assert verdict(replace(series, heap_sample_bytes=440_000 / 8.9)).state is State.STABLE  # not nine samples


def growing_runs(many: int) -> list[RunProfile]:
    """15 MB a run, by lines, a run each 120 seconds, from 100 MB on."""
    return [
        replace(
            RUN,
            id=number,
            started_at=RUN.started_at + timedelta(seconds=120 * number),
            before=grown(number - 1),
            after=grown(number),
            lines=replace(lines({}, traced_bytes=15 * MB * number), traced_diff_bytes=15 * MB),
        )
        for number in range(many)
    ]


def grown(number: int) -> Counters:
    return replace(counters(100 * MB + 15 * MB * number), c_heap_free_bytes=0)


def test_verdict_says_when_the_container_is_full() -> None:
    told = verdict(series_of(growing_runs(13)))
    assert told.state is State.LEAKING
    assert told.forecast is not None
    assert told.forecast.outlook is Outlook.FULL
    assert told.forecast.full_in_s == pytest.approx(232 / 15 * 120)
    assert told.forecast.reason == ("at 15.0 MiB a run, a run each 120 s, the container (512 MB) is full in 31 min")


def test_verdict_on_few_runs_or_a_stable_job_says_why_there_is_no_time() -> None:
    few = verdict(series_of(growing_runs(5))).forecast
    assert few is not None
    assert few.outlook is Outlook.NOT_ENOUGH_RUNS
    stable = verdict(series_of([profile(number, MB) for number in range(12)])).forecast
    assert stable is not None
    assert stable.outlook is Outlook.NOT_GROWING
    assert judge([20e6] * 12).forecast is None


def test_series_takes_in_what_malloc_handed_out_where_it_tells() -> None:
    series = series_of([profile(1), profile(2)])
    assert series.c_heap is not None
    assert list(series.c_heap.after) == [30 * MB - OWN_BYTES] * 2
    assert list(series.c_heap.own) == [30 * MB - OWN_BYTES] * 2
    silent = replace(RUN, after=replace(RUN.after, c_heap_used_bytes=None))
    assert series_of([profile(1), silent]).c_heap is None


@pytest.mark.parametrize("library_bytes", [0, 40_000])
def test_what_the_profiler_takes_is_no_native_growth(library_bytes: int) -> None:
    """A run's record is kept; objects that come with a run and go before the next are in tracemalloc's table."""
    runs, c_heap_bytes = [], 30 * MB
    for number in range(1, 31):
        kept = replace(
            lines({}, traced_bytes=5 * MB, retained={("work.py", 1): (0, 400)}),
            traced_diff_bytes=0,
            traces=50_000 + 250 * number,
        )
        own_bytes = 20_000 * number
        before = replace(counters(70 * MB + c_heap_bytes), c_heap_used_bytes=c_heap_bytes, own_bytes=own_bytes)
        end_bytes = c_heap_bytes + 400 * TRACE_MALLOC_BYTES + library_bytes
        after = replace(counters(70 * MB + end_bytes), c_heap_used_bytes=end_bytes, own_bytes=own_bytes)
        c_heap_bytes += 20_000 + 250 * TRACE_MALLOC_BYTES + library_bytes
        runs.append(replace(RUN, id=number, before=before, after=after, lines=kept))
    told = verdict(series_of(runs))
    assert told.state is (State.NATIVE_GROWTH if library_bytes else State.STABLE), told.reason
    assert told.bytes_per_run == pytest.approx(library_bytes)


@given(st.sampled_from([small_leak, leak_below_deep_teeth, step, random_walk]), st.integers(0, 1000), st.integers(0, 8))
def test_unit_does_not_matter(kind: Kind, seed: int, exponent: int) -> None:
    """As long as nothing is too small to matter in either."""
    values, unit = kind(random.Random(seed), 24), 2.0**exponent
    told, same = judge(values), judge([value * unit for value in values])
    if told.bytes_per_run is not None and abs(told.bytes_per_run) > 4_096:
        assert (same.state, same.runs, same.bytes_per_run) == (told.state, told.runs, told.bytes_per_run * unit)


def test_exact_lines_of_runs_that_overlapped_are_left_to_the_samples() -> None:
    # Another job keeps 1 MB in each of these runs; the samples know whose it is.
    def overlapped(number: int) -> RunProfile:
        exact = replace(lines({}, traced_bytes=number * MB), traced_diff_bytes=MB)
        own = replace(lines({}, traced_bytes=3 * MB), traced_diff_bytes=0)
        return replace(RUN, id=number, lines=exact, samples=own, overlapped_with=("other",))

    runs = [overlapped(number) for number in range(1, 14)]
    assert verdict(series_of(runs)).state is State.STABLE
    alone = [replace(run, overlapped_with=()) for run in runs]
    assert verdict(series_of(alone)).state is State.LEAKING


def rises(values: Sequence[float], runs: int) -> bool:
    return has_risen(series(values[:runs], FLAT[:runs]), 4)


@pytest.mark.parametrize(
    "kind",
    [*LEAKS_WITHIN_20_RUNS, leak_of_1_per_cent_in_noise_of_5, leak_in_a_wandering_process],
    ids=lambda kind: kind.__name__,
)
def test_leak_rises_again_and_again_also_after_a_spike(kind: Kind) -> None:
    for seed in range(20):
        values = kind(random.Random(seed), 50)
        values[3] *= 3
        seen = [rises(values, runs) for runs in range(MIN_RUNS, 51)]
        assert all(any(seen[at : at + 10]) for at in range(len(seen) - 9))


def test_what_stands_still_seldom_rises() -> None:
    assert not any(rises(constant(random.Random(1), 50), runs) for runs in range(MIN_RUNS, 51))
    seen = [rises(noise(random.Random(seed), 50), runs) for seed in range(20) for runs in range(MIN_RUNS, 51)]
    assert sum(seen) <= 0.12 * len(seen)
