"""The time that is left until an option expires."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from volaris.analytics.arrays import Days, Floats

NEW_YORK = ZoneInfo("America/New_York")
# Options on shares expire at the close. Half days are ignored, so options that expire on one get three hours too much.
CLOSE = time(16, 0)
DAY_S = 86_400
YEAR_DAYS = 365


def years_to(expirations: Days, now: datetime) -> Floats:
    """Return the years of 365 days from `now`, with time zone, to each day's close in New York; at most 0 after it.

    The time counts to the second, weekends included, like the minutes in Cboe's VIX white paper. Raises ValueError if
    `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError(f"now has no time zone: {now}")
    days: list[date] = expirations.astype("datetime64[D]").tolist()
    closes = [datetime.combine(day, CLOSE, NEW_YORK).timestamp() for day in days]
    return (np.array(closes, dtype=np.float64) - now.timestamp()) / (YEAR_DAYS * DAY_S)
