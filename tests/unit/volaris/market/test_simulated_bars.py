"""Simulated bars: of the same prices as the quotes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.errors import UnknownSymbol
from volaris.market.constituents import constituents
from volaris.market.simulated import SimulatedSource
from volaris.market.simulated_bars import LOOK_S, LOOKS, days_before, simulated_bars
from volaris.market.simulated_prices import character_of, price_at, prices_at

NOON = datetime(2026, 8, 3, 16, 0, 30, tzinfo=UTC)  # a Monday
NEW_YORK = ZoneInfo("America/New_York")
CHARACTER = character_of(500, "AAPL")


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


async def test_source_serves_the_days_that_are_over() -> None:
    bars = await SimulatedSource(now=lambda: NOON).bars("AAPL", 3)
    assert (bars.symbol, bars.source, len(bars)) == ("AAPL", "simulated", 3)
    assert bars.day.tolist() == [date(2026, 7, 29), date(2026, 7, 30), date(2026, 7, 31)]


async def test_bars_of_no_member_are_unknown() -> None:
    with pytest.raises(UnknownSymbol, match="NOPE"):
        await SimulatedSource(now=lambda: NOON).bars("NOPE", 3)


def test_bar_is_made_of_the_prices_of_its_session() -> None:
    bars = simulated_bars(500, "AAPL", CHARACTER, NOON, 30)
    for number, day in enumerate(bars.day.tolist()):
        opened = datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK)
        moments = [opened + timedelta(seconds=LOOK_S * look) for look in range(LOOKS)]
        prices = [price_at(500, "AAPL", CHARACTER, moment) for moment in moments]
        assert (bars.open[number], bars.close[number]) == (prices[0], prices[-1])
        assert (bars.low[number], bars.high[number]) == (min(prices), max(prices))


@given(st.lists(st.floats(1e9, 3e9), min_size=1, max_size=20))
def test_prices_at_many_moments_are_those_at_each(seconds: list[float]) -> None:
    together = prices_at(500, "AAPL", CHARACTER, np.array(seconds))
    apart = [price_at(500, "AAPL", CHARACTER, datetime.fromtimestamp(moment, UTC)) for moment in seconds]
    # A cent of difference where the last bit of a sum decides how a price is rounded, or microseconds how it is asked.
    assert np.abs(together - np.array(apart)).max() < 0.011


@pytest.mark.parametrize(
    ("at", "last"),
    [
        (datetime(2026, 8, 3, 15, 59, 59, tzinfo=NEW_YORK), date(2026, 7, 31)),
        (datetime(2026, 8, 3, 16, 0, tzinfo=NEW_YORK), date(2026, 8, 3)),
        (datetime(2026, 8, 2, 12, 0, tzinfo=NEW_YORK), date(2026, 7, 31)),
        (datetime(2026, 1, 5, 21, 0, tzinfo=UTC), date(2026, 1, 5)),
        (datetime(2026, 7, 6, 20, 0, tzinfo=UTC), date(2026, 7, 6)),
    ],
)
def test_day_is_over_at_four_in_new_york(at: datetime, last: date) -> None:
    assert days_before(at, 1) == [last]


def test_no_days_are_no_bars() -> None:
    assert len(simulated_bars(500, "AAPL", CHARACTER, NOON, 0)) == 0
