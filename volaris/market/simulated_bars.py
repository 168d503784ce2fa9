"""Made-up daily bars from the same prices as the quotes: one price each half hour from the open to the close."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from volaris.market.records import DailyBars
from volaris.market.simulated_prices import Character, prices_at

NAME = "simulated"
NEW_YORK = ZoneInfo("America/New_York")
OPEN = time(9, 30)
LOOKS = 14  # 9:30, 10:00, ... 16:00
LOOK_S = 1800.0
SESSION = timedelta(seconds=(LOOKS - 1) * LOOK_S)
SATURDAY = 5


def simulated_bars(seed: int, symbol: str, character: Character, at: datetime, days: int) -> DailyBars:
    """Compute the last `days` days that are over then, 15 µs per day. This market has weekends but no holidays."""
    opens = [datetime.combine(day, OPEN, NEW_YORK).timestamp() for day in days_before(at, days)]
    looks = np.array(opens)[:, np.newaxis] + np.arange(LOOKS) * LOOK_S
    prices = prices_at(seed, symbol, character, looks.ravel()).reshape(looks.shape)
    return DailyBars(
        symbol=symbol,
        source=NAME,
        day=np.array(days_before(at, days), dtype="datetime64[D]"),
        open=prices[:, 0].copy(),
        high=prices.max(axis=1),
        low=prices.min(axis=1),
        close=prices[:, -1].copy(),
        volume=np.full(len(prices), character.daily_volume, dtype=np.int64),
    )


def days_before(at: datetime, count: int) -> list[date]:
    """Return the last weekdays whose session was over at that moment, ascending."""
    day = (at.astimezone(NEW_YORK) - timedelta(hours=OPEN.hour, minutes=OPEN.minute) - SESSION).date()
    found: list[date] = []
    while len(found) < count:
        if day.weekday() < SATURDAY:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]
