"""Survivors by age: leaks have them of every age, and what fills up, drains or expires has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.verdict.survivors import NOTHING, Alive, Births, Pace, surviving_pace

BLOCK = 1_000.0  # bytes that a sample stands for
LEAST = 4_096.0
RUNS = range(1, 41)
FEW_RUNS, EIGHT_RUNS = range(1, 11), range(1, 9)  # of which there is one window only


def alive(samples: int) -> Alive:
    return Alive(samples, samples * BLOCK, samples * BLOCK**2, samples * BLOCK**2)


def births(samples: Mapping[int, int]) -> Births:
    return {birth: alive(count) for birth, count in samples.items() if count}


def every(samples: int, runs: Sequence[int] = RUNS) -> Births:
    return births(dict.fromkeys(runs, samples))


def of_pairs(*samples: int) -> Births:
    """Return survivors of eight runs, so many of both runs in a quarter."""
    return births({run: samples[(run - 1) // 2] for run in EIGHT_RUNS})


def pace_of(alive_now: Births, runs: Sequence[int] = RUNS, **others: object) -> Pace | None:
    return surviving_pace(alive_now, runs, min_pace_bytes=LEAST, **others)  # type: ignore[arg-type]


def sure(pace: Pace | None) -> bool | None:
    """Return whether the pace is sure; None if there is none."""
    return None if pace is None else pace.is_sure


def test_what_is_alive_adds_up() -> None:
    assert alive(2) + alive(3) == alive(5)
    assert NOTHING + alive(3) == alive(3)


def test_leak_has_survivors_of_every_age() -> None:
    pace = pace_of(every(10))
    assert pace == Pace(bytes_per_run=10_000.0, error_bytes=500.0, births=(1, 40), runs=40, samples=400, is_sure=True)
    assert pace.interval_bytes == (10_000 - 980, 10_000 + 980)


def test_interval_ends_at_nothing() -> None:
    pace = Pace(bytes_per_run=100.0, error_bytes=100.0, births=(1, 8), runs=8, samples=9, is_sure=False)
    assert pace.interval_bytes == (0.0, 296.0)


def test_pace_below_the_least_is_none() -> None:
    assert surviving_pace(every(5), RUNS, min_pace_bytes=5_000.0) is not None
    assert surviving_pace(every(5), RUNS, min_pace_bytes=5_001.0) is None


def test_eight_runs_are_the_fewest() -> None:
    assert pace_of(every(100, range(1, 9)), range(1, 9)) is not None
    assert pace_of(every(100, range(1, 8)), range(1, 8)) is None
    assert pace_of({}, ()) is None


def test_eight_samples_are_the_fewest() -> None:
    runs = range(1, 9)
    assert surviving_pace(every(1, runs), runs, min_pace_bytes=1.0) is not None
    assert surviving_pace(births(dict.fromkeys(range(1, 8), 1)), runs, min_pace_bytes=1.0) is None


def test_cache_that_replaces_its_oldest_entries_has_no_old_survivors() -> None:
    assert pace_of(every(10, range(7, 11)), FEW_RUNS) is None
    # Over 40 runs a window is found that looks like a leak's, but the total does not rise.
    assert pace_of(every(10, range(31, 41)), totals=[100_000.0] * 40) is None


def test_warm_up_has_no_young_survivors() -> None:
    assert pace_of(every(10, range(1, 11))) is None


def test_leak_that_began_late_is_found_over_its_own_runs() -> None:
    pace = pace_of(every(40, range(21, 41)))
    assert pace is not None
    assert pace.is_sure
    assert pace.births[0] >= 18
    assert pace.bytes_per_run == pytest.approx(40_000, rel=0.1)


@pytest.mark.parametrize(("least", "is_sure"), [(250, True), (249, False)])
def test_every_quarter_needs_a_fourth_of_the_mean_pace_to_be_sure(least: int, *, is_sure: bool) -> None:
    # With 250 the mean is 1 000.
    assert sure(pace_of(of_pairs(1_750, least, 1_000, 1_000), EIGHT_RUNS)) == is_sure


@pytest.mark.parametrize(
    ("old", "young", "is_sure"),
    [(1_000, 1_900, True), (1_000, 2_000, False), (1_900, 1_000, True), (2_000, 1_000, False)],
)
def test_neither_half_may_have_less_than_a_third_of_the_survivors(old: int, young: int, *, is_sure: bool) -> None:
    """A store that drains has fewer old ones, a store that fills up fewer young ones."""
    assert sure(pace_of(of_pairs(old, old, young, young), EIGHT_RUNS)) == is_sure


@pytest.mark.parametrize(("samples", "is_sure"), [(3, False), (4, True)])
def test_few_samples_are_not_sure_though_they_are_even(samples: int, *, is_sure: bool) -> None:
    # Of n samples half are old, give or take 1.645 / (2 * sqrt(n)): more than a third from 25 on.
    assert sure(surviving_pace(of_pairs(*[samples] * 4), EIGHT_RUNS, min_pace_bytes=1.0)) == is_sure


SPARSE = births(dict(zip(range(1, 11), (1, 1, 1, 1, 1, 1, 2, 1, 1, 2), strict=True)))
"""Of ten runs twelve samples, five of them from the older half."""


def test_few_samples_are_sure_if_hardly_any_has_died_since() -> None:
    def told(alive_now: Births, kept: Mapping[int, float]) -> bool | None:
        return sure(surviving_pace(alive_now, FEW_RUNS, min_pace_bytes=1.0, kept=kept))

    older = range(1, 6)
    assert told(SPARSE, {}) is False
    assert told(SPARSE, dict.fromkeys(older, BLOCK)) is True
    # Alive are 5 000 bytes: four fifths of 6 250.
    assert told(SPARSE, dict.fromkeys(older, 1_250.0)) is True
    assert told(SPARSE, dict.fromkeys(older, 1_251.0)) is False
    assert told(SPARSE, dict.fromkeys(range(2, 6), BLOCK)) is False  # known of four older samples only
    assert told({**SPARSE, 10: alive(1)}, dict.fromkeys(older, BLOCK)) is False  # eleven in all


def test_latest_runs_have_to_keep_a_third_of_the_pace() -> None:
    leak = every(100)
    # Of forty runs the last five are looked at.
    assert sure(pace_of(leak, latest=range(1, 44))) is True  # two of the five keep as much as before
    assert sure(pace_of(leak, latest=range(1, 45))) is False  # one of the five: the store has filled up


def test_few_latest_samples_do_not_hide_that_a_store_is_full() -> None:
    # With two samples a run fifteen runs are looked at beside the last five.
    leak = dict.fromkeys(RUNS, Alive(2, 20_000.0, 2e8, 2e8))
    filled = leak | dict.fromkeys((53, 54), leak[1])
    full = pace_of(filled, latest=range(1, 55))
    assert full is not None
    assert full.runs < 20  # two of the five, but three of the fifteen: only a short window may still be a leak
    goes_on = pace_of(leak, latest=range(1, 43))
    assert goes_on is not None
    assert (goes_on.is_sure, goes_on.runs) == (True, 40)


def test_entries_that_expire_have_no_earliest_runs() -> None:
    # The first five runs of forty are looked at; what they keep has to be a sixth of the pace.
    expired = {run: 100 for run in RUNS if run > 6}
    windows = pace_of(births(expired))
    assert windows is not None
    assert windows.births[0] > 6  # only a window that begins later is a leak's
    few = expired | dict.fromkeys(range(1, 7), 17)
    first = pace_of(births(few))
    assert first is not None
    assert first.births == (1, 40)


def test_total_has_to_rise_as_the_pace_says() -> None:
    leak = every(10)
    rising = [10_000.0 * run for run in RUNS]
    assert sure(pace_of(leak, totals=rising)) is True
    assert pace_of(leak, totals=[400_000.0] * 40) is None  # others die as these are born
    assert pace_of(leak, totals=[0.4 * total for total in rising]) is not None
    assert pace_of(leak, totals=[0.39 * total for total in rising]) is None


def test_total_of_few_samples_has_to_rise_by_three_standard_errors() -> None:
    """43 % of 40 samples is as far as the total of a full cache wanders by chance; 43 % of 400 is not."""
    few, many, exact = (dict.fromkeys(RUNS, Alive(1, 40_000.0, 1.6e9, variance)) for variance in (1.6e9, 1.6e8, 0.0))
    totals = [0.43 * 40_000.0 * run for run in RUNS]
    assert [sure(pace_of(alive_now, totals=totals)) for alive_now in (few, many, exact)] == [False, True, True]
    assert sure(pace_of(few, totals=[40_000.0 * run for run in RUNS])) is True


def test_totals_of_runs_at_work_together_are_compared_over_as_many() -> None:
    """Eight runs begin together: what all of them keep is alive when the first of them ends."""
    leak = every(100)
    in_steps = [1_000_000.0 * -(-run // 8) * 0.8 for run in RUNS]
    assert pace_of(leak, totals=in_steps) is None
    pace = pace_of(leak, totals=in_steps, at_once=8)
    assert pace is not None
    assert (pace.is_sure, pace.bytes_per_run) == (True, 100_000)


def test_total_that_wanders_with_the_runs_at_work_together_does_not_rise() -> None:
    """From none to seven other runs hold 100 KB each for a while, and seven of them when the last one ends."""
    wanders = [100_000.0 * ((run - 1) % 8) for run in RUNS]
    assert pace_of(every(10), totals=wanders) is not None
    assert pace_of(every(10), totals=wanders, at_once=8) is None


def test_too_few_totals_tell_nothing() -> None:
    assert sure(pace_of(every(10), totals=[400_000.0] * 6)) is True
    assert pace_of(every(10), totals=[400_000.0] * 7) is None


def test_warm_up_does_not_hide_a_leak_beside_it() -> None:
    warm_up = births({1: 5_000} | {run: 10 for run in RUNS if run > 1})
    pace = pace_of(warm_up)
    assert pace is not None
    assert (pace.is_sure, pace.births) == (True, (3, 40))


def test_sure_window_is_preferred_to_a_longer_one_that_is_not() -> None:
    begun_late = births({run: 10 if run <= 10 else 100 for run in RUNS})
    pace = pace_of(begun_late)
    assert pace is not None
    assert pace.is_sure
    assert pace.births == (12, 40)


@given(st.lists(st.integers(0, 20), min_size=8, max_size=60), st.integers(1, 1_000))
def test_numbers_of_births_do_not_matter(samples: list[int], shift: int) -> None:
    runs = range(len(samples))
    told = pace_of(births(dict(enumerate(samples))), runs)
    later = pace_of(births({run + shift: count for run, count in enumerate(samples)}), [run + shift for run in runs])
    assert (told is None) == (later is None)
    if told is not None and later is not None:
        assert (told.bytes_per_run, told.is_sure, told.runs) == (later.bytes_per_run, later.is_sure, later.runs)
