"""When the memory is full, and when nobody can tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.records import MemoryLimit, Outlook, State
from profiling.verdict.forecast import Headroom, forecast, format_duration, headroom_after
from tests.unit.profiling.make import MB, RUN

ENDED = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
HEADROOM = Headroom(
    limit=MemoryLimit(limit_bytes=512 * MB, source="cgroup v2"),
    rss_bytes=212 * MB,
    allocator_free_bytes=0,
    gaps_s=(120.0,) * 11,
    ended_at=ENDED,
)
PACE = (15.0 * MB, 14.0 * MB, 16.0 * MB)


def test_time_is_what_is_left_at_the_pace_of_the_runs() -> None:
    told = forecast(State.LEAKING, PACE, HEADROOM)
    assert told.outlook is Outlook.FULL
    assert told.full_in_s == 300 / 15 * 120
    assert told.interval_s == pytest.approx((300 / 16 * 120, 300 / 14 * 120))
    assert told.full_at == ENDED + timedelta(minutes=40)
    assert told.reason == (
        "at 15.0 MiB per run and one run every 120 s, "
        "the container (512 MB) will be full in 40 min, between 38 min and 43 min"
    )


def test_native_growth_has_a_time_too() -> None:
    assert forecast(State.NATIVE_GROWTH, PACE, HEADROOM) == forecast(State.LEAKING, PACE, HEADROOM)


def test_what_the_allocators_hold_free_is_used_up_first_except_at_the_earliest() -> None:
    told = forecast(State.LEAKING, PACE, replace(HEADROOM, allocator_free_bytes=60 * MB))
    assert told.full_in_s == 360 / 15 * 120
    assert told.interval_s == pytest.approx((300 / 16 * 120, 360 / 14 * 120))


def test_night_without_runs_moves_the_latest_time_only() -> None:
    told = forecast(State.LEAKING, PACE, replace(HEADROOM, gaps_s=(120.0,) * 10 + (1200.0 + 120 * 8,)))
    assert told.full_in_s == 300 / 15 * 120
    assert told.interval_s == pytest.approx((300 / 16 * 120, 300 / 14 * (1200 + 2160) / 11))


def test_slope_that_may_be_nothing_has_no_latest_time() -> None:
    told = forecast(State.LEAKING, (15.0 * MB, -1.0, 16.0 * MB), HEADROOM)
    assert told.interval_s == (300 / 16 * 120, None)
    assert told.reason.endswith("will be full in 40 min, in 38 min at the earliest")


def test_memory_that_is_full_is_told_so() -> None:
    told = forecast(State.LEAKING, PACE, replace(HEADROOM, rss_bytes=600 * MB, allocator_free_bytes=8 * MB))
    assert (told.full_in_s, told.interval_s, told.full_at) == (0, (0, 0), ENDED)
    assert told.reason.endswith("the container (512 MB) is already full")


def test_without_a_containers_limit_it_is_the_machine_that_fills_up() -> None:
    machine = replace(HEADROOM, limit=MemoryLimit(limit_bytes=16_384 * MB, source="machine"))
    assert forecast(State.LEAKING, (15.0 * MB,) * 3, machine).reason.endswith(
        "the machine (16384 MB) will be full in 35 h 56 min"
    )


def test_job_that_is_stable_or_hardly_runs_fills_nothing() -> None:
    told = forecast(State.STABLE, PACE, HEADROOM)
    assert (told.outlook, told.reason) == (Outlook.NOT_GROWING, "this job does not make the process grow")
    assert (told.full_in_s, told.interval_s, told.full_at) == (None, None, None)
    seldom = forecast(State.LEAKING, (4096.0,) * 3, replace(HEADROOM, gaps_s=(86_400.0,)))
    assert seldom.outlook is Outlook.NOT_GROWING
    assert (
        seldom.reason
        == "at 4.0 KiB per run and one run every 24 h 0 min, the container (512 MB) will not be full within ten years"
    )


def test_too_few_runs_tell_no_time() -> None:
    told = forecast(State.INSUFFICIENT_RUNS, None, HEADROOM)
    assert (told.outlook, told.full_in_s) == (Outlook.NOT_ENOUGH_RUNS, None)
    assert told.reason == "too few runs to forecast when the memory will be full"


@given(
    st.floats(1e3, 1e9),
    st.floats(0, 1),
    st.floats(1, 2),
    st.integers(0, 600 * MB),
    st.integers(0, 100 * MB),
    st.lists(st.floats(0, 1e5), min_size=1, max_size=20),
)
def test_time_is_within_its_interval(
    slope: float, low: float, high: float, rss_bytes: int, free_bytes: int, gaps_s: list[float]
) -> None:
    headroom = replace(
        HEADROOM, rss_bytes=rss_bytes, allocator_free_bytes=min(free_bytes, rss_bytes), gaps_s=tuple(gaps_s)
    )
    told = forecast(State.LEAKING, (slope, slope * low, slope * high), headroom)
    if told.full_in_s is not None:
        assert told.interval_s is not None
        earliest_s, latest_s = told.interval_s
        assert earliest_s <= told.full_in_s * (1 + 1e-9)
        assert latest_s is None or told.full_in_s <= latest_s * (1 + 1e-9)


def test_room_is_that_after_the_last_run() -> None:
    runs = [replace(RUN, id=number, started_at=ENDED + timedelta(seconds=60 * number)) for number in range(3)]
    headroom = headroom_after(runs)
    assert headroom is not None
    assert list(headroom.gaps_s) == [60, 60]
    assert headroom.ended_at == ENDED + timedelta(seconds=120.25)
    assert (headroom.rss_bytes, headroom.allocator_free_bytes) == (101 * MB, 2 * MB)
    arenas = replace(RUN.after, arenas_free_bytes=MB)
    headroom = headroom_after([*runs, replace(RUN, id=4, after=arenas)])
    assert headroom is not None
    assert headroom.allocator_free_bytes == 3 * MB
    assert headroom_after(runs[:1]) is None


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0.05, "0.05 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (120, "120 s"),
        (121, "2 min"),
        (59.4 * 60, "59 min"),
        (59.6 * 60, "1 h 0 min"),
        (11_400, "3 h 10 min"),
        (47 * 3600 + 29 * 60, "47 h 29 min"),
        (48 * 3600, "2 d 0 h"),
        (13 * 86_400 + 3600, "13 d 1 h"),
        (70.2 * 86_400, "70 d"),
    ],
)
def test_durations_are_told_as_people_say_them(duration_s: float, text: str) -> None:
    assert format_duration(duration_s) == text
