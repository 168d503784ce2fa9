"""Slots are fixed in time, and every one is counted once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.scheduler import ClockReading, DailyAt, Every

NEW_YORK = ZoneInfo("America/New_York")
START = ClockReading(monotonic_s=500.0, wall=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


def later(seconds: float, of: ClockReading = START) -> ClockReading:
    return ClockReading(monotonic_s=of.monotonic_s + seconds, wall=of.wall + timedelta(seconds=seconds))


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> ClockReading:
    wall = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return ClockReading(monotonic_s=(wall - START.wall).total_seconds(), wall=wall)


BEFORE_START = later(-1)


@pytest.mark.parametrize(
    ("upto_s", "slots"), [(-1, 0), (0, 1), (119.999, 1), (120, 2), (239.999, 2), (240, 3), (1_200_000, 10_001)]
)
def test_every_has_a_slot_at_the_start_and_one_each_period(upto_s: float, slots: int) -> None:
    assert Every(120).slots_between(START, BEFORE_START, later(upto_s)) == slots


def test_delay_moves_all_slots() -> None:
    trigger = Every(120, delay_s=30)
    assert trigger.slots_between(START, BEFORE_START, later(29.9)) == 0
    assert trigger.slots_between(START, BEFORE_START, later(150)) == 2
    assert trigger.wake_at(START, START) == START.monotonic_s + 30
    assert trigger.next_after(START, later(30)) == START.wall + timedelta(seconds=150)


@given(st.floats(0.01, 1e5), st.floats(0, 1e9), st.integers(0, 10_000))
def test_waking_up_for_a_slot_always_finds_it(period_s: float, start_s: float, number: int) -> None:
    trigger, start = Every(period_s), ClockReading(monotonic_s=start_s, wall=START.wall)
    now = ClockReading(monotonic_s=start_s + number * period_s, wall=START.wall)
    wake = ClockReading(monotonic_s=trigger.wake_at(start, now), wall=START.wall)
    assert wake.monotonic_s > now.monotonic_s
    assert trigger.slots_between(start, now, wake) == 1


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=20).map(sorted), st.floats(0.5, 1e4))
def test_slots_counted_in_pieces_are_those_counted_at_once(looks_s: list[float], period_s: float) -> None:
    trigger, after, counted = Every(period_s), BEFORE_START, 0
    for look_s in looks_s:
        counted += trigger.slots_between(START, after, later(look_s))
        after = later(look_s)
    assert counted == trigger.slots_between(START, BEFORE_START, after)


@pytest.mark.parametrize(("period_s", "delay_s"), [(0, 0), (-1, 0), (float("nan"), 0), (1, -1)])
def test_period_and_delay_that_make_no_sense_are_refused(period_s: float, delay_s: float) -> None:
    with pytest.raises(ValueError, match="the period must be above 0 s"):
        Every(period_s, delay_s)


def test_daily_is_due_once_a_day_at_that_time_of_its_zone() -> None:
    trigger = DailyAt(time(16, 30), NEW_YORK)
    assert trigger.next_after(START, at(2026, 3, 2, 12)) == datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
    assert trigger.next_after(START, at(2026, 3, 2, 21, 30)) == datetime(2026, 3, 3, 21, 30, tzinfo=UTC)
    assert trigger.slots_between(START, at(2026, 3, 2, 12), at(2026, 3, 2, 21, 29)) == 0
    assert trigger.slots_between(START, at(2026, 3, 2, 12), at(2026, 3, 2, 21, 30)) == 1
    assert trigger.slots_between(START, at(2026, 3, 2, 21, 30), at(2026, 3, 12, 0)) == 9


def test_time_that_the_clock_leaves_out_is_due_as_much_later() -> None:
    # 2026-03-08 in New York: 01:59 EST is followed by 03:00 EDT.
    trigger = DailyAt(time(2, 30), NEW_YORK)
    slot = trigger.next_after(START, at(2026, 3, 8, 0))
    assert slot.astimezone(NEW_YORK).replace(tzinfo=None) == datetime(2026, 3, 8, 3, 30)  # noqa: DTZ001
    assert trigger.next_after(START, at(2026, 3, 9, 0)) == datetime(2026, 3, 9, 6, 30, tzinfo=UTC)


def test_time_that_comes_twice_is_due_the_first_time_only() -> None:
    # 2026-11-01 in New York: 01:30 comes at 05:30 and at 06:30 UTC.
    trigger = DailyAt(time(1, 30), NEW_YORK)
    assert trigger.next_after(START, at(2026, 11, 1, 0)) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert trigger.next_after(START, at(2026, 11, 1, 5, 30)) == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 3000))
def test_every_day_of_a_zone_has_one_slot(hour: int, minute: int, day: int) -> None:
    trigger = DailyAt(time(hour, minute), NEW_YORK)
    slot = trigger.next_after(START, later(day * 86_400))
    after = trigger.next_after(START, ClockReading(monotonic_s=0, wall=slot))
    assert after.astimezone(NEW_YORK).date() - slot.astimezone(NEW_YORK).date() == timedelta(days=1)


def test_weekdays_leave_the_others_out() -> None:
    trigger = DailyAt(time(9, 30), NEW_YORK, weekdays=frozenset({0, 4}))
    assert trigger.next_after(START, at(2026, 3, 2, 15)) == datetime(2026, 3, 6, 14, 30, tzinfo=UTC)  # Monday to Friday
    assert trigger.next_after(START, at(2026, 3, 6, 15)) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)  # and to Monday


@pytest.mark.parametrize("weekdays", [frozenset[int](), frozenset({7}), frozenset({-1, 2})])
def test_weekdays_that_are_none_are_refused(weekdays: frozenset[int]) -> None:
    with pytest.raises(ValueError, match=r"weekdays must be one or more of 0 \(Monday\) to 6 \(Sunday\)"):
        DailyAt(time(9, 30), NEW_YORK, weekdays)


def test_daily_looks_again_within_a_minute_since_the_wall_clock_may_be_stepped() -> None:
    trigger = DailyAt(time(16, 30), NEW_YORK)
    assert trigger.wake_at(START, START) == START.monotonic_s + 60
    nearly = ClockReading(monotonic_s=10.0, wall=datetime(2026, 3, 2, 21, 29, 50, tzinfo=UTC))
    assert trigger.wake_at(START, nearly) == 20.0
