"""When New York trades: sessions, holidays, half days, and the hour that the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from volaris.market.hours import CLOSE, EARLY_CLOSE, Always, NyseHours, create_hours, load_year


@pytest.fixture(scope="module")
def nyse() -> NyseHours:
    hours = NyseHours()
    hours._years = {year: load_year(year) for year in (2025, 2026, 2027)}  # before there is a loop that it could block
    return hours


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (datetime(2026, 8, 3, 13, 29, 59, tzinfo=UTC), False),
        (datetime(2026, 8, 3, 13, 30, tzinfo=UTC), True),
        (datetime(2026, 8, 3, 19, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 8, 3, 20, 0, tzinfo=UTC), False),
        (datetime(2026, 1, 5, 14, 29, tzinfo=UTC), False),
        (datetime(2026, 1, 5, 14, 30, tzinfo=UTC), True),
        (datetime(2026, 8, 1, 15, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 26, 16, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 27, 17, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 27, 18, 0, tzinfo=UTC), False),
        (datetime(2025, 1, 9, 16, 0, tzinfo=UTC), False),
    ],
    ids=[
        "a second before the open",
        "open",
        "a second before the close",
        "close",
        "winter, before the open",
        "winter, open",
        "Saturday",
        "Thanksgiving",
        "half day",
        "half day after one",
        "day of mourning",
    ],
)
async def test_market_is_open(nyse: NyseHours, at: datetime, *, is_open: bool) -> None:
    assert await nyse.are_open(at) is is_open


@pytest.mark.parametrize(
    ("day", "close"),
    [
        (date(2026, 7, 2), CLOSE),
        (date(2026, 7, 3), None),
        (date(2026, 7, 4), None),
        (date(2026, 12, 24), EARLY_CLOSE),
        (date(2027, 3, 26), None),
    ],
)
async def test_session_ends_at(nyse: NyseHours, day: date, close: time | None) -> None:
    assert await nyse.close_on(day) == close


async def test_year_is_loaded_when_it_is_asked_for_and_once() -> None:
    hours = NyseHours()
    assert await hours.close_on(date(2024, 7, 3)) == EARLY_CLOSE
    assert await hours.close_on(date(2024, 7, 4)) is None
    assert list(hours._years) == [2024]


async def test_simulated_market_never_closes() -> None:
    hours = create_hours("nyse", source="simulated")
    assert isinstance(hours, Always)
    assert await hours.are_open(datetime(2026, 8, 1, tzinfo=UTC))


def test_hours_are_new_yorks_for_the_real_feed_unless_switched_off() -> None:
    assert isinstance(create_hours("nyse", source="cboe"), NyseHours)
    assert isinstance(create_hours("always", source="cboe"), Always)


def test_other_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="there are no market hours 'xetra'; choose nyse or always"):
        create_hours("xetra", source="cboe")


@pytest.mark.parametrize(
    ("since", "until", "traded_s"),
    [
        (datetime(2026, 8, 3, 14, 0, tzinfo=UTC), datetime(2026, 8, 3, 14, 1, tzinfo=UTC), 60),
        (datetime(2026, 8, 3, 13, 0, tzinfo=UTC), datetime(2026, 8, 3, 13, 31, tzinfo=UTC), 60),
        (datetime(2026, 8, 3, 19, 59, tzinfo=UTC), datetime(2026, 8, 4, 13, 0, tzinfo=UTC), 60),
        (datetime(2026, 7, 31, 19, 59, tzinfo=UTC), datetime(2026, 8, 3, 13, 32, tzinfo=UTC), 180),
        (datetime(2026, 11, 25, 20, 59, tzinfo=UTC), datetime(2026, 11, 27, 14, 32, tzinfo=UTC), 180),
        (datetime(2026, 11, 27, 17, 58, tzinfo=UTC), datetime(2026, 11, 30, 14, 0, tzinfo=UTC), 120),
        (datetime(2026, 10, 30, 19, 0, tzinfo=UTC), datetime(2026, 11, 2, 14, 31, tzinfo=UTC), 3660),
        (datetime(2026, 7, 31, 20, 0, tzinfo=UTC), datetime(2026, 8, 3, 13, 30, tzinfo=UTC), 0),
        (datetime(2026, 8, 3, 15, 0, tzinfo=UTC), datetime(2026, 8, 3, 14, 0, tzinfo=UTC), 0),
    ],
    ids=[
        "within a session",
        "from before the open",
        "over a night",
        "over a weekend",
        "over Thanksgiving",
        "after a half day",
        "over the end of summer time",
        "a weekend without its sessions",
        "backwards",
    ],
)
async def test_trading_that_has_passed(nyse: NyseHours, since: datetime, until: datetime, traded_s: float) -> None:
    assert not await nyse.have_passed(traded_s, since, until)
    assert await nyse.have_passed(traded_s - 0.5, since, until)


async def test_in_a_market_that_never_closes_all_time_is_trading() -> None:
    since, until = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 2, tzinfo=UTC)
    assert await Always().have_passed(86_399.5, since, until)
    assert not await Always().have_passed(86_400, since, until)
