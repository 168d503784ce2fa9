"""A store that fills up excuses its line; one that is full, or that does not fill, does not for long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiling.records import Bound, State
from profiling.verdict.bounds import (
    GOOD_FOR_RUNS,
    LOOKS_WHEN_FULL,
    MAX_AWAITED,
    NOTHING_READ,
    Reading,
    reading_after,
)
from profiling.verdict.evidence import Evidence
from profiling.verdict.judge import judge
from profiling.verdict.patience import Patience
from tests.unit.profiling.verdict.evidence import A, B, every, evidence

AT_ONCE = Patience(usual_runs=12, slow_runs=12)
RUNS = 40


def store(items: int) -> Bound:
    return Bound(kind="deque", items=items, max_items=100)


def read(*items: int) -> Reading:
    """Return what is read in the end, of a store that has so many items from look to look."""
    reading = NOTHING_READ
    for birth, count in enumerate(items, start=1):
        reading = reading_after(reading, birth, {A: store(count)})
    return reading


def filling(reading: Reading, **others: object) -> Evidence:
    """Return the evidence of 40 KB a run, of every age, at line A, and of what was read there."""
    return evidence(RUNS, every(40, range(1, RUNS + 1)), patience=AT_ONCE, reading=reading, **others)


@pytest.mark.parametrize(
    ("items", "is_excused"),
    [
        ((8,), True),
        ((99,), True),
        ((100,), False),  # full from the first look
        ((101,), False),
        ((50, 51), True),
        ((50, 50), False),  # it does not fill
        ((50, 49), False),
        ((50, 50, 60), True),
        ((50, *(100,) * (LOOKS_WHEN_FULL + 1)), True),  # it has filled up since
        ((50, *(100,) * (LOOKS_WHEN_FULL + 2)), False),  # and its line still grows
        ((50, 100, 120, 140, 160, 180, 200), True),  # it is trimmed only when well above its limit
        ((50, 100, 150, 201), False),  # it does not keep its limit
        ((100, 110), False),
        ((50, 50, 100), True),
    ],
)
def test_store_excuses_its_line_while_it_fills(items: tuple[int, ...], is_excused: bool) -> None:
    reading = read(*items)
    assert reading.filling_at(A) == (store(items[-1]) if is_excused else None)
    assert judge(filling(reading)).verdict.state is (State.GROWING if is_excused else State.LEAKING)


@pytest.mark.parametrize(("left_bytes", "state"), [(3_200_000.0, State.GROWING), (3_199_999.0, State.LEAKING)])
def test_store_for_which_there_is_no_room_excuses_nothing(left_bytes: float, state: State) -> None:
    told = judge(filling(read(50), left_bytes=left_bytes))  # 1.6 MB are alive, and the store is half full
    assert told.verdict.state is state


@pytest.mark.parametrize(
    ("items", "pace_kb", "state"),
    [
        (4, 60, State.GROWING),  # full after 1 000 runs
        (3, 60, State.LEAKING),  # after 1 333, with 80 MB
        (3, 40, State.GROWING),  # with 53 MB
    ],
)
def test_store_that_would_take_too_long_to_fill_excuses_nothing_unless_it_is_small(
    items: int, pace_kb: int, state: State
) -> None:
    assert judge(replace(filling(read(items)), lines={A: every(pace_kb, range(1, RUNS + 1))})).verdict.state is state


def test_store_of_one_line_excuses_no_other_and_none_excuses_small_lines_together() -> None:
    assert read(50).filling_at(B) is None
    assert read(50).filling_at(None) is None
    assert filling(read(50), lines={}).filling_at(A) is None


def test_verdict_names_the_store_that_fills() -> None:
    told = judge(filling(read(61))).verdict
    assert (told.state, told.bound, told.accusation) == (State.GROWING, store(61), None)
    assert told.reason == (
        "the memory that the job keeps grows by 39.1 KiB per run; "
        "it is filling a deque of at most 100 items, which is 61 % full"
    )
    assert [suspect.site for suspect in told.suspects] == [A]


def test_leak_at_another_line_is_accused() -> None:
    runs = range(1, RUNS + 1)
    both = filling(read(50), lines={A: every(40, runs), B: every(20, runs)})
    told = judge(both).verdict
    assert (told.state, told.bytes_per_run, told.bound) == (State.LEAKING, 20_000, None)
    assert told.accusation is not None
    assert told.accusation.site == B


def test_small_line_that_fills_a_store_does_not_count_with_the_others() -> None:
    runs = range(1, RUNS + 1)
    small = {("c.py", line): every(1, runs[line::6]) for line in range(6)}  # seven or six samples each
    slow = replace(AT_ONCE, min_pace_bytes=500.0)
    together = replace(filling(NOTHING_READ, lines=small), patience=slow)
    assert judge(together).verdict.state is State.LEAKING
    bounds = dict.fromkeys(small, store(50))
    assert judge(replace(together, reading=reading_after(NOTHING_READ, 1, bounds))).verdict.state is State.STABLE


def test_nothing_is_accused_while_a_look_is_awaited() -> None:
    told = judge(filling(replace(NOTHING_READ, awaited=MAX_AWAITED)))
    assert (told.verdict.state, told.verdict.bound, told.wants_bounds) == (State.GROWING, None, True)
    assert not reading_after(told.reading, RUNS, {}).is_awaited


def test_look_that_is_never_to_be_had_does_not_hold_up_an_accusation_for_ever() -> None:
    told = judge(filling(replace(NOTHING_READ, awaited=MAX_AWAITED + 1)))
    assert (told.verdict.state, told.wants_bounds) == (State.LEAKING, True)


def test_accusation_stays_whatever_is_read_later() -> None:
    accused = judge(filling(NOTHING_READ)).verdict.accusation
    later = judge(filling(read(50), accusation=accused))
    assert (later.verdict.accusation, later.verdict.bound, later.wants_bounds) == (accused, None, False)


@pytest.mark.parametrize("runs_since", [GOOD_FOR_RUNS - 1, GOOD_FOR_RUNS])
@pytest.mark.parametrize(
    ("items", "patience", "is_due"),
    [(50, AT_ONCE, True), (50, Patience(), True), (100, AT_ONCE, True), (100, Patience(), False)],
    ids=["a store fills", "it fills for long", "about to be accused", "it only grows"],
)
def test_stores_are_looked_at_again_after_twelve_runs(
    runs_since: int, items: int, patience: Patience, is_due: bool
) -> None:
    reading = reading_after(NOTHING_READ, RUNS - runs_since, {A: store(items)})
    judgement = judge(replace(filling(reading), patience=patience))
    assert judgement.wants_bounds == (is_due and runs_since == GOOD_FOR_RUNS)
    assert judgement.reading == reading


def test_no_look_is_wanted_where_nothing_grows_or_nothing_is_sampled() -> None:
    assert judge(filling(NOTHING_READ)).wants_bounds
    assert not judge(evidence(RUNS, every(40, [RUNS]))).wants_bounds
    assert not judge(evidence(RUNS, exact=[100_000.0] * RUNS)).wants_bounds
    assert not judge(evidence(11, every(40, range(1, 12)))).wants_bounds
