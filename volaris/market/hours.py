"""The trading hours of the New York Stock Exchange, from the package `holidays`.

Importing holidays takes 12.7 MB on top of the service, and exchange_calendars 43.5 MB, of which 35 are pandas. The two
agree on every day and half day from 2005 to 2027.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OPEN = time(9, 30)
CLOSE = time(16, 0)
EARLY_CLOSE = time(13, 0)
SATURDAY = 5


class MarketHours(Protocol):
    """Says whether the market trades, so that there are new data to fetch."""

    async def are_open(self, at: datetime) -> bool:
        """Return whether the market trades at that moment, which has a time zone."""

    async def have_passed(self, seconds: float, since: datetime, until: datetime) -> bool:
        """Return whether the market traded for longer than `seconds` between two moments, which have a time zone."""


class Always:
    """A market that never closes, like the simulated one."""

    async def are_open(self, at: datetime) -> bool:
        """Return True, always."""
        return True

    async def have_passed(self, seconds: float, since: datetime, until: datetime) -> bool:
        """Return whether more than `seconds` lie between two moments, which have a time zone."""
        return (until - since).total_seconds() > seconds


@dataclass(frozen=True, slots=True)
class Year:
    """The weekdays of a year on which the exchange does not trade, or closes early."""

    holidays: frozenset[date]
    half_days: frozenset[date]  # some are also holidays


class NyseHours:
    """9:30 to 16:00 in New York, to 13:00 on half days, on weekdays that are not holidays."""

    def __init__(self) -> None:
        self._years: dict[int, Year] = {}

    async def are_open(self, at: datetime) -> bool:
        """Return whether the market trades at that moment, which has a time zone."""
        local = at.astimezone(NEW_YORK)
        close = await self.close_on(local.date())
        return close is not None and OPEN <= local.time() < close

    async def have_passed(self, seconds: float, since: datetime, until: datetime) -> bool:
        """Return whether the market traded for longer than `seconds` between two moments, which have a time zone."""
        day = until.astimezone(NEW_YORK).date()
        first = since.astimezone(NEW_YORK).date()
        while seconds >= 0 and day >= first:
            seconds -= await self._traded_s(day, since, until)
            day -= timedelta(days=1)
        return seconds < 0

    async def _traded_s(self, day: date, since: datetime, until: datetime) -> float:
        """Return how many seconds of that day's session lie between two moments."""
        close = await self.close_on(day)
        if close is None:
            return 0.0
        begin = max(since, datetime.combine(day, OPEN, NEW_YORK))
        end = min(until, datetime.combine(day, close, NEW_YORK))
        return max(0.0, (end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds())

    async def close_on(self, day: date) -> time | None:
        """Return when the session of that day ends in New York, or None if there is no session."""
        if day.weekday() >= SATURDAY:
            return None
        year = self._years.get(day.year)
        if year is None:
            # The package's import takes 50 ms.
            year = self._years[day.year] = await asyncio.to_thread(load_year, day.year)
        if day in year.holidays:
            return None
        return EARLY_CLOSE if day in year.half_days else CLOSE


def create_hours(hours: str, *, source: str) -> MarketHours:
    """Return the hours for the setting MARKET_HOURS, `nyse` or `always`; a source with made-up data never closes.

    Raises ValueError for any other word.
    """
    if hours not in ("nyse", "always"):
        raise ValueError(f"there are no market hours {hours!r}; choose nyse or always")
    return NyseHours() if hours == "nyse" and source == "cboe" else Always()


def load_year(year: int) -> Year:
    """Load the exchange's holidays and half days of that year. The first call blocks for 50 ms."""
    from holidays import financial_holidays

    return Year(
        holidays=frozenset(financial_holidays("NYSE", years=year)),
        half_days=frozenset(financial_holidays("NYSE", years=year, categories=("half_day",))),
    )
