"""The simulated market: made up, plausible, and the same for the same question."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.errors import UnknownSymbol
from volaris.market import Quote, create_source
from volaris.market.constituents import constituents
from volaris.market.simulated import SimulatedSource
from volaris.market.simulated_prices import character_of, draw, price_at

NOON = datetime(2026, 8, 3, 16, 0, 30, 123456, tzinfo=UTC)
GOLDEN = Quote(
    symbol="AAPL",
    source="simulated",
    price=143.4,
    bid=143.37,
    ask=143.43,
    volume=3689044,
    quoted_at=datetime(2026, 8, 3, 16, 0, 30, tzinfo=UTC),
)


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


def source(seed: int = 500, now: datetime = NOON) -> SimulatedSource:
    return SimulatedSource(seed=seed, now=lambda: now)


async def test_universe_is_the_503_symbols_of_the_index() -> None:
    symbols = await source().symbols()
    assert len(symbols) == len({entry.symbol for entry in symbols}) == 503
    assert all(entry.symbol and entry.name for entry in symbols)
    assert [entry.name for entry in symbols if entry.symbol == "MSFT"] == ["Microsoft"]


async def test_same_seed_and_time_give_the_same_quotes_in_whatever_order_they_are_asked() -> None:
    one = await source().quotes(["AAPL", "MSFT", "XOM"])
    other = await source().quotes(["XOM", "AAPL", "MSFT"])
    assert sorted(one, key=lambda quote: quote.symbol) == sorted(other, key=lambda quote: quote.symbol)


async def test_quote_of_a_seed_and_a_time_is_this_one_in_every_process() -> None:
    assert await source().quotes(["AAPL"]) == [GOLDEN]


async def test_another_seed_or_time_gives_other_prices() -> None:
    (quote,) = await source().quotes(["AAPL"])
    (reseeded,) = await source(seed=501).quotes(["AAPL"])
    (later,) = await source(now=NOON + timedelta(hours=1)).quotes(["AAPL"])
    assert len({quote.price, reseeded.price, later.price}) == 3


async def test_quotes_of_all_symbols_are_plausible_and_say_that_they_are_simulated() -> None:
    simulated = source()
    quotes = await simulated.quotes([entry.symbol for entry in await simulated.symbols()])
    for quote in quotes:
        assert quote.source == "simulated"
        assert quote.bid is not None
        assert quote.ask is not None
        assert 1 < quote.bid < quote.price < quote.ask < 5_000
        assert quote.ask - quote.bid <= 0.002 * quote.price + 0.03
        assert quote.volume is not None
        assert quote.volume >= 0
        assert quote.quoted_at == NOON.replace(microsecond=0)


def test_prices_move_by_their_volatility_a_day() -> None:
    ratios = []
    for symbol in ("AAPL", "MSFT", "XOM", "JPM", "PG", "KO", "NVDA", "T"):
        character = character_of(500, symbol)
        prices = [price_at(500, symbol, character, NOON + timedelta(days=day)) for day in range(250)]
        moves = [math.log(b / a) for a, b in pairwise(prices)]
        ratios.append(statistics.stdev(moves) / character.daily_volatility)
    assert 0.95 < statistics.mean(ratios) < 1.05
    assert 0.85 < min(ratios) <= max(ratios) < 1.15


def test_price_of_a_minute_is_near_that_of_the_minute_before() -> None:
    character = character_of(500, "AAPL")
    prices = [price_at(500, "AAPL", character, NOON + timedelta(minutes=minute)) for minute in range(1_000)]
    assert max(abs(b / a - 1) for a, b in pairwise(prices)) < 0.01


async def test_volume_grows_over_the_day_from_nothing_to_the_days_volume() -> None:
    midnight = NOON.replace(hour=0, minute=0, second=0)
    hours = [midnight + timedelta(hours=hour) for hour in range(24)]
    volumes = [quote.volume or 0 for at in hours for quote in await source(now=at).quotes(["AAPL"])]
    whole = character_of(500, "AAPL").daily_volume
    assert volumes == [whole * hour // 24 for hour in range(24)]
    assert volumes[0] == 0 < volumes[1]


@given(st.integers(), st.text(max_size=5), st.text(max_size=5))
def test_draw_is_from_0_up_to_1_and_its_characters_within_their_bounds(seed: int, symbol: str, what: str) -> None:
    assert 0 <= draw(seed, symbol, what) < 1
    character = character_of(seed, symbol)
    assert 15 <= character.base_price <= 900
    assert 0.008 <= character.daily_volatility <= 0.024
    assert 300_000 <= character.daily_volume <= 60_000_000


async def test_symbol_that_is_no_member_is_refused_by_name() -> None:
    with pytest.raises(UnknownSymbol, match="simulated: NOPE: it is not a member of the S&P 500"):
        await source().quotes(["AAPL", "NOPE"])


def test_source_is_chosen_by_its_name() -> None:
    assert [create_source(name).name for name in ("simulated", "replay", "cboe")] == ["simulated", "replay", "cboe"]
    with pytest.raises(ValueError, match="there is no market source 'dice'; choose one of simulated, replay, cboe"):
        create_source("dice")
