"""Made-up option chains: a listing like an exchange's, prices from a volatility surface, and realistic quotes.

The surface is the SSVI of Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces" (2014), with the power law of
their section 4.2, within the bounds in which no butterfly and no calendar spread has a price below 0. Options are
European, so puts and calls of one strike agree on the forward; in a real chain, early exercise disturbs this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pyvolr import bs

from volaris.market.records import Chain, ChainBounds, Counts, Days, Floats, Switches
from volaris.market.simulated_prices import DAY_S, Character, draw, drawn_bits, noise, price_at

NAME = "simulated"
NEW_YORK = ZoneInfo("America/New_York")
CLOSE = time(16, 0)
FRIDAY = 4
YEAR_S = 365 * DAY_S
SHORTEST_S = 60.0  # an option with less time left is priced as if it had a minute

RATE = 0.04  # annual, continuously compounded, for all terms
MAX_DIVIDENDS = 0.03  # annual, continuous

WEEKLIES = 7
MONTHLIES = 6
QUARTERLIES = 4
LEAPS = 2  # the Januaries that follow

STEPS = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0)  # dollars between strikes
STEP_SHARE = 0.0111  # about this share of the price
DENSE_SHARE = 0.20  # within this share of the price every strike is listed, beyond it every second one


@dataclass(frozen=True, slots=True)
class Surface:
    """Total implied variance over log moneyness and time."""

    short_volatility: float  # at the money, for the shortest term
    long_volatility: float  # at the money, for the longest term
    reversion: float  # per year: how fast the short-term volatility approaches the long-term one
    skew: float  # rho, below 0, so that the left wing is higher
    curvature: float  # eta, with eta × (1 + |rho|) <= 2

    def volatility(self, log_moneyness: Floats, years: Floats) -> Floats:
        """Return the annual implied volatility."""
        decay = -np.expm1(-self.reversion * years) / (self.reversion * years)
        at_the_money = years * (self.long_volatility**2 + (self.short_volatility**2 - self.long_volatility**2) * decay)
        moved = self.curvature / np.sqrt(at_the_money) * log_moneyness
        root = np.sqrt((moved + self.skew) ** 2 + 1 - self.skew**2)
        volatility: Floats = np.sqrt(at_the_money / 2 * (1 + self.skew * moved + root) / years)
        return volatility


@dataclass(frozen=True, slots=True)
class Listing:
    """The contracts of a symbol on a day, in their order: expiration, strike, put before call."""

    expirations: tuple[date, ...]
    expiration: NDArray[np.intp]  # one index into the above per contract
    strike: Floats
    is_call: Switches


def simulated_chain(seed: int, symbol: str, character: Character, at: datetime, bounds: ChainBounds) -> Chain:
    """Compute the chain at that moment, about 1 ms. The quote of a contract does not depend on the bounds."""
    spot = price_at(seed, symbol, character, at)
    listing = listing_of(seed, symbol, character, at)
    lowest, highest = bounds.strikes(spot)
    wanted = (listing.strike >= lowest) & (listing.strike <= highest) & (listing.expiration < bounds.max_expirations)
    quotes = _quoted(seed, symbol, character, at, spot, listing, wanted)
    days: Days = np.array(listing.expirations, dtype="datetime64[D]")
    return Chain(
        symbol=symbol,
        source=NAME,
        spot=spot,
        quoted_at=at,
        listed=len(listing.strike),
        expiration=days[listing.expiration[wanted]],
        strike=listing.strike[wanted],
        is_call=listing.is_call[wanted],
        bid=quotes.bid,
        ask=quotes.ask,
        volume=quotes.volume,
        open_interest=quotes.open_interest,
    )


def surface_of(seed: int, symbol: str, character: Character, at: datetime) -> Surface:
    """Return the symbol's surface at that moment. Its level moves over weeks and days; its shape is its own."""
    seconds = at.timestamp()
    level = character.daily_volatility * math.sqrt(365)
    moves = sum(
        size * noise(seed, f"{symbol}/iv", days * DAY_S, seconds) for size, days in ((0.2, 91), (0.12, 23), (0.06, 1.5))
    )
    return Surface(
        short_volatility=level * 1.05 * math.exp(moves),
        long_volatility=level * 1.05 * math.exp(0.4 * moves),
        reversion=2.0,
        skew=-0.25 - 0.4 * draw(seed, symbol, "skew"),
        curvature=0.7 + 0.45 * draw(seed, symbol, "curvature"),
    )


def listing_of(seed: int, symbol: str, character: Character, at: datetime) -> Listing:
    """Return what is listed in the week of that moment, around the price at the beginning of the week."""
    today = at.astimezone(NEW_YORK).date()
    monday = datetime.combine(at.date() - timedelta(days=at.weekday()), time(), UTC)
    reference = price_at(seed, symbol, character, monday)
    expirations = expirations_from(today, weeklies=WEEKLIES if draw(seed, symbol, "weeklies") < 0.8 else 2)
    strikes = [strikes_around(reference, (expiration - today).days / 365) for expiration in expirations]
    counts = [len(of_one) for of_one in strikes]
    both = np.repeat(np.concatenate(strikes), 2)
    return Listing(
        expirations=expirations,
        expiration=np.repeat(np.arange(len(expirations)), counts).repeat(2),
        strike=both,
        is_call=np.arange(len(both)) % 2 == 1,
    )


def expirations_from(today: date, *, weeklies: int = WEEKLIES) -> tuple[date, ...]:
    """Return the next Fridays, the third Fridays of the next months and quarters, and those of two Januaries."""
    friday = today + timedelta(days=(FRIDAY - today.weekday()) % 7)
    months = [third_friday(today.year, today.month + ahead) for ahead in range(36)]
    monthlies = [day for day in months if day >= today]
    chosen = {friday + timedelta(weeks=week) for week in range(weeklies)}
    chosen.update(monthlies[:MONTHLIES])
    chosen.update([day for day in monthlies if day.month % 3 == 0][:QUARTERLIES])
    chosen.update([day for day in monthlies if day.month == 1][:LEAPS])
    return tuple(sorted(chosen))


def third_friday(year: int, month: int) -> date:
    """Return that Friday in the month `month` - 1 months after January of the year, which may be in a later year."""
    first = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    return first + timedelta(days=(FRIDAY - first.weekday()) % 7 + 14)


def strikes_around(price: float, years: float) -> Floats:
    """Return strikes on a round grid, over a range that widens with time from 30 % to 70 % on each side."""
    step = min(STEPS, key=lambda dollars: abs(math.log(dollars / (price * STEP_SHARE))))
    width = min(0.70, 0.30 + 0.30 * math.sqrt(max(years, 0.0)))
    multiples = np.arange(max(1, math.ceil(price * (1 - width) / step)), math.floor(price * (1 + width) / step) + 1)
    strikes = multiples * step
    listed: Floats = strikes[(np.abs(strikes / price - 1) <= DENSE_SHARE) | (multiples % 2 == 0)]
    return listed


@dataclass(frozen=True, slots=True)
class _Quotes:
    bid: Floats
    ask: Floats
    volume: Counts
    open_interest: Counts


def _quoted(
    seed: int, symbol: str, character: Character, at: datetime, spot: float, listing: Listing, wanted: Switches
) -> _Quotes:
    # Drawn for the whole listing, so that the bounds do not change the quotes of other contracts.
    dice = np.random.Generator(np.random.PCG64(drawn_bits(seed, symbol, f"chain:{at.date()}")))
    luck = dice.random((4, len(listing.strike)))[:, wanted]
    strike, is_call = listing.strike[wanted], listing.is_call[wanted]
    years = _years_to(listing.expirations, at)[listing.expiration[wanted]]
    dividends = MAX_DIVIDENDS * draw(seed, symbol, "dividends")
    log_moneyness = np.log(strike / spot) - (RATE - dividends) * years
    volatility = surface_of(seed, symbol, character, at).volatility(log_moneyness, years)
    worth = bs.price(np.where(is_call, "c", "p"), spot, strike, years, RATE, volatility, dividends)
    illiquid = 1 - draw(seed, symbol, "volume")
    bid, ask = _spread(np.asarray(worth, dtype=np.float64), illiquid, luck[0], luck[1])
    spread_out = log_moneyness / (1.2 * volatility * np.sqrt(years) + 0.03)
    interest = 4_000 * (1.02 - illiquid) ** 2 * np.exp(-0.5 * spread_out**2) / np.sqrt(years + 0.1)
    held = np.floor(interest * 5 * luck[2] ** 4)
    day_share = (at.timestamp() % DAY_S) / DAY_S
    traded = np.floor(held * luck[3] ** 4 * day_share)
    return _Quotes(bid=bid, ask=ask, volume=traded.astype(np.int32), open_interest=held.astype(np.int32))


def _years_to(expirations: tuple[date, ...], at: datetime) -> Floats:
    closes = [datetime.combine(day, CLOSE, NEW_YORK).timestamp() for day in expirations]
    years: Floats = np.maximum(np.array(closes) - at.timestamp(), SHORTEST_S) / YEAR_S
    return years


def _spread(worth: Floats, illiquid: float, width: Floats, fate: Floats) -> tuple[Floats, Floats]:
    """Return bids and asks on the exchange's ticks: cents below 3 dollars if the share is liquid, else 5 or 10 cents.

    Spreads widen with the price, and for shares with little trade, to 8 % of the price. A contract that is worth less
    than a tick has no bid. By chance one contract in a hundred has no bid, and one in 250 is not quoted at all.
    """
    fine, coarse = (0.01, 0.05) if illiquid < 0.6 else (0.05, 0.10)
    tick = np.where(worth < 3, fine, coarse)
    half = tick * (0.5 + width) + worth * (0.003 + 0.037 * illiquid * width**2)
    bid = np.floor((worth - half) / tick) * tick
    ask = np.ceil((worth + half) / tick) * tick
    bid = np.where((bid < tick) | (fate < 0.01), 0.0, bid)
    ask = np.where(fate < 0.004, 0.0, ask)
    return np.round(bid, 2), np.round(ask, 2)
