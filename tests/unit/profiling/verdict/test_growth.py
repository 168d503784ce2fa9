"""What grows and goes on growing, and what only looks so."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.verdict.growth import LEAST_RUNS, growing_part
from tests.unit.profiling.verdict.series import (
    LEAKS_AT_ONCE,
    LEAKS_WITHIN_20_RUNS,
    STATIONARY_HEAPS,
    STATIONARY_PROCESSES,
    Kind,
    alike_neighbours,
    borrowed,
    leak_in_a_wandering_process,
    leak_of_1_per_cent_in_noise_of_5,
)

SEEDS = 150
HEAP, PROCESS = 2_048, 32_768  # bytes a run that matter


def growing(kind: Kind, runs: int, least: float, *, wanders: bool = False) -> list[int]:
    """The seeds whose series grow."""
    series = {seed: kind(random.Random(f"{kind.__name__}-{seed}"), runs) for seed in range(SEEDS)}
    return [seed for seed, values in series.items() if growing_part(values, least, wanders=wanders) is not None]


@pytest.mark.parametrize("runs", [12, 20, 30, 50])
@pytest.mark.parametrize("kind", STATIONARY_HEAPS, ids=lambda kind: kind.__name__)
def test_stationary_heap_does_not_grow_99_times_in_100(kind: Kind, runs: int) -> None:
    assert len(growing(kind, runs, HEAP)) <= 0.01 * SEEDS


@pytest.mark.parametrize("runs", [12, 20, 30, 50])
@pytest.mark.parametrize("kind", STATIONARY_PROCESSES, ids=lambda kind: kind.__name__)
def test_stationary_process_that_wanders_does_not_grow_99_times_in_100(kind: Kind, runs: int) -> None:
    assert len(growing(kind, runs, PROCESS, wanders=True)) <= 0.01 * SEEDS


@pytest.mark.parametrize(
    ("kind", "runs", "most"),
    [
        (borrowed, 12, 0.01),
        (borrowed, 20, 0.03),
        (borrowed, 30, 0.01),
        (alike_neighbours, 12, 0.02),
        (alike_neighbours, 20, 0.1),
        (alike_neighbours, 30, 0.04),
        (alike_neighbours, 50, 0.03),
    ],
)
def test_heap_that_is_slow_to_come_back_is_taken_for_growth_no_oftener_than_is_said(
    kind: Kind, runs: int, most: float
) -> None:
    assert len(growing(kind, runs, HEAP)) <= most * SEEDS


@pytest.mark.parametrize("kind", LEAKS_AT_ONCE, ids=lambda kind: kind.__name__)
def test_clear_leak_is_found_at_12_runs(kind: Kind) -> None:
    assert len(growing(kind, 12, HEAP)) >= 0.95 * SEEDS


@pytest.mark.parametrize("kind", LEAKS_WITHIN_20_RUNS, ids=lambda kind: kind.__name__)
def test_leak_is_found_at_20_runs_and_stays_found(kind: Kind) -> None:
    for runs in (20, 30, 50):
        assert len(growing(kind, runs, HEAP)) >= 0.95 * SEEDS


def test_leak_in_a_process_that_wanders_is_found_at_12_runs() -> None:
    assert len(growing(leak_in_a_wandering_process, 12, PROCESS, wanders=True)) >= 0.95 * SEEDS


def test_growth_of_1_per_cent_in_noise_of_5_is_found_within_20_runs_95_times_in_100() -> None:
    found = 0
    for seed in range(200):
        values = leak_of_1_per_cent_in_noise_of_5(random.Random(seed), 20)
        found += any(growing_part(values[:runs], HEAP) is not None for runs in range(12, 21))
    assert found >= 0.95 * 200


@pytest.mark.parametrize("noise_bytes", [0, 3_000, 20_000])
def test_leak_that_begins_late_is_found_within_15_further_runs_with_its_pace(noise_bytes: float) -> None:
    for begin in range(5, 35):
        r = random.Random(f"{begin}-{noise_bytes}")
        part = growing_part(
            [2e7 + 40_000 * max(0, run - begin) + r.gauss(0, noise_bytes) for run in range(begin + 15)], HEAP
        )
        assert part is not None
        assert part.slope == pytest.approx(40_000, rel=0.2)


def test_growing_part_is_the_one_since_the_last_change() -> None:
    part = growing_part([2e7 + 40_000 * max(0, run - 11) for run in range(24)], HEAP)
    assert part is not None
    assert (part.runs, part.slope, part.low, part.high, part.rise) == (12, 40_000, 40_000, 40_000, 440_000)


def test_seven_runs_since_a_change_are_enough_and_six_are_not() -> None:
    def warm_then_leak(runs_since: int) -> list[float]:
        return [2e7] * 8 + [3e7 + 40_000 * run for run in range(runs_since)]

    assert growing_part(warm_then_leak(LEAST_RUNS - 1), HEAP) is None
    part = growing_part(warm_then_leak(LEAST_RUNS), HEAP)
    assert part is not None
    assert part.runs == LEAST_RUNS


def test_pace_has_to_reach_the_least_that_matters() -> None:
    series = [2e7 + 2_048 * run for run in range(20)]
    assert growing_part(series, 2_048) is not None
    assert growing_part(series, 2_049) is None


def test_fewer_runs_than_it_takes_do_not_grow() -> None:
    assert growing_part([1e6 * run for run in range(LEAST_RUNS - 1)], HEAP) is None
    assert growing_part([], HEAP) is None


def test_what_falls_as_much_as_it_rose_is_a_tooth_until_it_has_outgrown_all_falls() -> None:
    series = [1e7 + 1e5 * run for run in range(10)] * 2
    assert growing_part(series, HEAP) is None
    part = growing_part(series + [1e7 + 1e5 * run for run in range(23)], HEAP)
    assert part is not None
    assert part.slope == 1e5


@given(
    st.sampled_from([*STATIONARY_PROCESSES, *LEAKS_WITHIN_20_RUNS]),
    st.integers(0, 10**6),
    st.integers(7, 50),
    st.integers(-20, 20),
    st.booleans(),
)
def test_unit_does_not_matter(kind: Kind, seed: int, runs: int, exponent: int, wanders: bool) -> None:
    series = kind(random.Random(seed), runs)
    unit = 2.0**exponent  # exactly, so that rounding says nothing
    part = growing_part(series, HEAP, wanders=wanders)
    same = growing_part([value * unit for value in series], HEAP * unit, wanders=wanders)
    if part is None:
        assert same is None
    else:
        assert same is not None
        assert (same.slope, same.low, same.high, same.runs) == (
            part.slope * unit,
            part.low * unit,
            part.high * unit,
            part.runs,
        )


@given(st.lists(st.floats(-1e12, 1e12), max_size=50), st.booleans())
def test_growing_part_is_at_the_end_and_its_slope_within_its_interval(series: list[float], wanders: bool) -> None:
    part = growing_part(series, HEAP, wanders=wanders)
    if part is not None:
        assert LEAST_RUNS <= part.runs <= len(series)
        assert part.low <= part.slope <= part.high
        assert part.slope >= HEAP
