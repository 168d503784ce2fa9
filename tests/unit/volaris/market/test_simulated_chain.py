"""Simulated chains: a listing like an exchange's, prices without arbitrage, and a feed's edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.errors import UnknownSymbol
from volaris.market import Chain, ChainBounds
from volaris.market.constituents import constituents
from volaris.market.records import Floats
from volaris.market.simulated import SimulatedSource
from volaris.market.simulated_chain import (
    Surface,
    expirations_from,
    simulated_chain,
    strikes_around,
    surface_of,
    third_friday,
)
from volaris.market.simulated_prices import character_of

NOON = datetime(2026, 8, 3, 16, 0, 30, tzinfo=UTC)
EVERYTHING = ChainBounds(strike_range=0.99, max_expirations=99)
GOLDEN = [
    (date(2026, 8, 7), 143.0, False, 2.66, 2.78, 1, 11326),
    (date(2026, 8, 7), 143.0, True, 3.1, 3.25, 11, 2232),
    (date(2026, 8, 7), 144.0, False, 3.05, 3.3, 1, 5),
    (date(2026, 8, 7), 144.0, True, 2.57, 2.64, 0, 0),
]


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


def chain_of(symbol: str = "AAPL", bounds: ChainBounds = EVERYTHING, *, seed: int = 500, at: datetime = NOON) -> Chain:
    return simulated_chain(seed, symbol, character_of(seed, symbol), at, bounds)


def rows(chain: Chain) -> list[tuple[object, ...]]:
    columns = (chain.expiration, chain.strike, chain.is_call, chain.bid, chain.ask, chain.volume, chain.open_interest)
    return list(zip(*(column.tolist() for column in columns), strict=True))


async def test_source_serves_the_chain_of_now_and_says_that_it_is_simulated() -> None:
    chain = await SimulatedSource(now=lambda: NOON).chain("AAPL", EVERYTHING)
    (quote,) = await SimulatedSource(now=lambda: NOON).quotes(["AAPL"])
    assert (chain.symbol, chain.source, chain.quoted_at, chain.spot) == ("AAPL", "simulated", NOON, quote.price)
    assert rows(chain) == rows(chain_of())


async def test_symbol_that_is_no_member_is_unknown() -> None:
    with pytest.raises(UnknownSymbol, match="simulated: NOPE: it is not a member"):
        await SimulatedSource(now=lambda: NOON).chain("NOPE", EVERYTHING)


@pytest.mark.parametrize("day", [date(2026, 3, 4), date(2026, 8, 3), date(2026, 11, 23), date(2027, 8, 3)])
def test_all_symbols_list_about_750_000_contracts(day: date) -> None:
    at = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
    listed = [chain_of(member.symbol, ChainBounds(max_expirations=0), at=at).listed for member in constituents()]
    assert 690_000 < sum(listed) < 810_000
    assert min(listed) > 250
    assert max(listed) < 3_000


def test_same_seed_and_time_give_the_same_chain() -> None:
    assert rows(chain_of()) == rows(chain_of())


@pytest.mark.parametrize("other", [{"seed": 501}, {"at": NOON + timedelta(hours=2)}, {"symbol": "MSFT"}])
def test_another_seed_time_or_symbol_gives_another(other: dict[str, object]) -> None:
    assert rows(chain_of(**other)) != rows(chain_of())  # type: ignore[arg-type]


def test_contract_of_a_seed_and_a_time_is_this_one_in_every_process() -> None:
    chain = chain_of(bounds=ChainBounds(strike_range=0.005, max_expirations=1))
    assert (chain.spot, chain.listed) == (143.4, 2588)
    assert rows(chain) == GOLDEN


@given(strike_range=st.floats(0.0, 1.0), max_expirations=st.integers(0, 30))
def test_bounds_take_rows_away_and_change_none(strike_range: float, max_expirations: int) -> None:
    whole = chain_of()
    bounds = ChainBounds(strike_range=strike_range, max_expirations=max_expirations)
    low, high = bounds.strikes(whole.spot)
    nearest = sorted(set(whole.expiration.tolist()))[:max_expirations]
    expected = [row for row in rows(whole) if row[0] in nearest and low <= row[1] <= high]  # type: ignore[operator]
    kept = chain_of(bounds=bounds)
    assert rows(kept) == expected
    assert kept.listed == whole.listed == len(whole)


@given(symbol=st.sampled_from([member.symbol for member in constituents()]), hours=st.integers(0, 24 * 365))
def test_every_chain_is_in_order_and_its_quotes_are_possible(symbol: str, hours: int) -> None:
    chain = chain_of(symbol, at=NOON + timedelta(hours=hours))
    keys = [row[:3] for row in rows(chain)]
    assert keys == sorted(set(keys))
    assert {len(column) for column in (chain.bid, chain.ask, chain.volume, chain.open_interest)} == {len(chain)}
    assert (chain.strike > 0).all()
    assert (chain.bid >= 0).all()
    assert ((chain.bid < chain.ask) | ((chain.bid == 0) & (chain.ask == 0))).all()
    assert (chain.volume >= 0).all()
    assert (chain.open_interest >= 0).all()
    assert (chain.expiration >= np.datetime64(chain.quoted_at.date() - timedelta(days=1))).all()


def test_columns_have_the_types_that_they_promise() -> None:
    chain = chain_of()
    assert [
        column.dtype.str
        for column in (chain.expiration, chain.strike, chain.is_call, chain.bid, chain.ask, chain.volume)
    ] == ["<M8[D]", "<f8", "|b1", "<f8", "<f8", "<i4"]
    assert chain.open_interest.dtype == np.int32


def test_chain_has_a_feeds_edges() -> None:
    chains = [chain_of(member.symbol) for member in constituents()[::20]]
    bid, ask = (np.concatenate([getattr(chain, name) for chain in chains]) for name in ("bid", "ask"))
    interest = np.concatenate([chain.open_interest for chain in chains])
    assert 0.05 < np.mean((bid == 0) & (ask > 0)) < 0.4, "no bid, as for a real feed's far strikes"
    assert 0.001 < np.mean((bid == 0) & (ask == 0)) < 0.01, "not quoted at all"
    two_sided = bid > 0
    width = (ask - bid)[two_sided] / ((ask + bid)[two_sided] / 2)
    assert 0.01 < np.median(width) < 0.15
    assert np.mean(width > 0.25) > 0.02, "wide quotes"
    assert np.mean(interest == 0) > 0.02


def test_puts_and_calls_agree_on_the_forward() -> None:
    chain = chain_of(bounds=ChainBounds(strike_range=0.05, max_expirations=4))
    put, call = ~chain.is_call, chain.is_call
    quoted = (chain.bid[put] > 0) & (chain.bid[call] > 0)
    middle = (chain.bid + chain.ask) / 2
    forward = (chain.strike[call] + middle[call] - middle[put])[quoted]
    assert np.abs(forward / chain.spot - 1).max() < 0.02


def test_expirations_are_weekly_then_monthly_then_quarterly_then_januaries() -> None:
    assert [str(day) for day in expirations_from(date(2026, 8, 3))] == [
        "2026-08-07",
        "2026-08-14",
        "2026-08-21",
        "2026-08-28",
        "2026-09-04",
        "2026-09-11",
        "2026-09-18",
        "2026-10-16",
        "2026-11-20",
        "2026-12-18",
        "2027-01-15",
        "2027-03-19",
        "2027-06-18",
        "2028-01-21",
    ]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 10))
def test_expirations_are_fridays_from_today_on(today: date, weeklies: int) -> None:
    found = expirations_from(today, weeklies=weeklies)
    assert list(found) == sorted(set(found))
    assert {day.weekday() for day in found} == {4}
    assert timedelta(0) <= found[0] - today < timedelta(7)


def test_friday_is_an_expiration_of_its_own() -> None:
    assert expirations_from(date(2026, 8, 7))[0] == date(2026, 8, 7)
    assert expirations_from(date(2026, 8, 8))[0] == date(2026, 8, 14)


def test_third_friday_of_a_month_above_twelve_is_of_a_year_that_follows() -> None:
    assert third_friday(2026, 5) == date(2026, 5, 15)
    assert third_friday(2026, 13) == date(2027, 1, 15)
    assert third_friday(2026, 25) == date(2028, 1, 21)


def test_strikes_are_dense_near_the_price_and_every_second_one_further_out() -> None:
    strikes = strikes_around(100.0, 0.0)
    assert (strikes[0], strikes[-1], len(strikes)) == (70.0, 130.0, 51)
    assert set(np.diff(strikes)) == {1.0, 2.0}
    assert strikes_around(100.0, 10.0)[0] == 32.0


@given(st.floats(1.0, 5_000.0), st.floats(-0.01, 3.0))
def test_strikes_are_above_zero_and_around_every_price(price: float, years: float) -> None:
    strikes = strikes_around(price, years)
    assert strikes[0] > 0
    assert strikes[0] <= price + 0.5
    assert strikes[-1] >= price - 0.5 - 0.02 * price


def total_variance(surface: Surface, log_moneyness: Floats, years: float) -> Floats:
    volatility = surface.volatility(log_moneyness, np.full(len(log_moneyness), years))
    variance: Floats = volatility**2 * years
    return variance


@given(st.sampled_from([member.symbol for member in constituents()]))
def test_surface_has_no_calendar_and_no_butterfly_arbitrage(symbol: str) -> None:
    surface = surface_of(500, symbol, character_of(500, symbol), NOON)
    assert surface.curvature * (1 + abs(surface.skew)) <= 2
    moneyness = np.linspace(-1, 1, 401)
    terms = [total_variance(surface, moneyness, years) for years in (0.01, 0.05, 0.25, 1.0, 2.5)]
    assert all((later >= sooner).all() for sooner, later in pairwise(terms))
    for variance in terms[1:]:
        slope, bend = np.gradient(variance, moneyness), np.gradient(np.gradient(variance, moneyness), moneyness)
        # Gatheral's g: the density that the prices imply, but for a factor above 0.
        density = (1 - moneyness * slope / (2 * variance)) ** 2 - slope**2 / 4 * (1 / variance + 0.25) + bend / 2
        assert (density[3:-3] > -1e-6).all()


def test_low_strikes_have_the_higher_volatility() -> None:
    surface = surface_of(500, "AAPL", character_of(500, "AAPL"), NOON)
    low, high = surface.volatility(np.array([-0.2, 0.2]), np.array([0.1, 0.1]))
    assert low > high
