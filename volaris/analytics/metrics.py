"""The volatility figures of a symbol, computed from its chain into one record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from volaris.analytics.arrays import ChainArrays, Floats
from volaris.analytics.expiry import YEAR_DAYS, years_to
from volaris.analytics.forward import Forward, forward_near_the_money
from volaris.analytics.implied import ImpliedVolatilities, Outcome, implied_volatilities
from volaris.analytics.ladder import Ladder, Ladders, ladders_of
from volaris.analytics.smile import at_the_money, skew_25d, smile_of
from volaris.analytics.term import Term, value_at, volatility_at
from volaris.analytics.vix import strip_variance


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryMetrics:
    """The figures of one expiration. Volatilities are annual: 0.2 is 20 %."""

    expiration: date
    years: float  # of 365 days, to the close in New York; 0 or less once that is over
    forward: float | None  # US dollars; None if no strike near the money has bid and ask of both
    atm_iv: float | None  # at the forward price
    skew_25d: float | None  # put minus call
    strip_iv: float | None  # of all options of the expiration, computed like the VIX
    contracts: int
    priced: int  # contracts with an implied volatility

    @property
    def days(self) -> float:
        """Return the calendar days to the expiration, with their fraction."""
        return self.years * YEAR_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class IvMetrics:
    """A symbol's figures at one moment. Volatilities are annual: 0.2 is 20 %; those at 30 days are between terms."""

    spot: float  # US dollars
    contracts: int
    priced: int  # contracts with an implied volatility
    outcomes: Mapping[Outcome, int]  # of all contracts
    atm_iv: float | None  # at the money at 30 days
    skew_25d: float | None  # put minus call, at 30 days
    iv30: float | None  # at 30 days, of all options, computed like the VIX
    expiries: tuple[ExpiryMetrics, ...]  # ascending: the term structure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PricedChain:
    """A chain with the implied volatility of each contract, in the chain's order."""

    ladders: Ladders
    years: Floats  # one per expiration
    forwards: tuple[Forward | None, ...]  # one per expiration
    implied: ImpliedVolatilities


def iv_metrics(chain: ChainArrays, *, spot: float, now: datetime, rate: float) -> IvMetrics:
    """Compute all figures of a chain that was quoted at `now`, with time zone. `spot` is in US dollars, above 0.

    `rate` is annual and continuously compounded, for all terms. Options on shares are American, but are treated as
    European, because the two differ little out of the money, where all figures come from. Raises ValueError if `now`
    has no time zone or spot is not above 0.
    """
    priced = price_chain(chain, spot=spot, now=now, rate=rate)
    expiries = _expiries(chain, priced, rate)
    outcomes = priced.implied.counts()
    return IvMetrics(
        spot=spot,
        contracts=len(chain),
        priced=outcomes.get(Outcome.PRICED, 0),
        outcomes=outcomes,
        atm_iv=volatility_at([Term(years=of.years, value=of.atm_iv**2) for of in expiries if of.atm_iv is not None]),
        skew_25d=value_at([Term(years=of.years, value=of.skew_25d) for of in expiries if of.skew_25d is not None]),
        iv30=volatility_at([Term(years=of.years, value=of.strip_iv**2) for of in expiries if of.strip_iv is not None]),
        expiries=expiries,
    )


def price_chain(chain: ChainArrays, *, spot: float, now: datetime, rate: float) -> PricedChain:
    """Return the forward of each expiration and the implied volatility of each contract; see `iv_metrics`."""
    if not 0 < spot < math.inf:
        raise ValueError(f"spot must be above 0, not {spot}")
    ladders = ladders_of(chain)
    years = years_to(ladders.expiration, now)
    forwards = tuple(
        forward_near_the_money(ladder, spot=spot, years=of, rate=rate) if of > 0 else None
        for ladder, of in zip(ladders.ladders, years.tolist(), strict=True)
    )
    prices = np.array([math.nan if forward is None else forward.price for forward in forwards], dtype=np.float64)
    implied = implied_volatilities(
        strike=chain.strike.astype(np.float64, copy=False),
        is_call=chain.is_call,
        bid=chain.bid.astype(np.float64, copy=False),
        ask=chain.ask.astype(np.float64, copy=False),
        forward=prices[ladders.expiration_of],
        years=years[ladders.expiration_of],
        rate=rate,
    )
    return PricedChain(ladders=ladders, years=years, forwards=forwards, implied=implied)


def _expiries(chain: ChainArrays, priced: PricedChain, rate: float) -> tuple[ExpiryMetrics, ...]:
    ladders, volatility = priced.ladders, priced.implied.volatility
    calls, puts = ladders.spread_out(volatility, chain.is_call), ladders.spread_out(volatility, ~chain.is_call)
    count = len(ladders.expiration)
    contracts = np.bincount(ladders.expiration_of, minlength=count).tolist()
    with_volatility = np.bincount(ladders.expiration_of[~np.isnan(volatility)], minlength=count).tolist()
    days, years = ladders.expiration.tolist(), priced.years.tolist()
    return tuple(
        ExpiryMetrics(
            expiration=days[at],
            years=years[at],
            contracts=contracts[at],
            priced=with_volatility[at],
            **_figures(ladders.ladders[at], priced.forwards[at], calls[rows], puts[rows], years[at], rate),
        )
        for at, rows in enumerate(ladders.rows)
    )


def _figures(
    ladder: Ladder, forward: Forward | None, calls: Floats, puts: Floats, years: float, rate: float
) -> dict[str, float | None]:
    """Return the figures of an expiration that all need its forward price, or None for each if there is none."""
    if forward is None:
        return {"forward": None, "atm_iv": None, "skew_25d": None, "strip_iv": None}
    smile = smile_of(ladder, calls, puts, forward=forward.price, years=years)
    strip = strip_variance(ladder, years=years, rate=rate)
    return {
        "forward": forward.price,
        "atm_iv": at_the_money(smile),
        "skew_25d": skew_25d(smile),
        "strip_iv": None if strip is None else math.sqrt(strip.variance),
    }
