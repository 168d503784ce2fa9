"""Implied volatility by Black's formula of 1976, and the reason for each contract that has none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from pyvolr import black76

from volaris.analytics.arrays import Floats, Switches
from volaris.analytics.ladder import two_sided

Outcomes = NDArray[np.int8]  # of Outcome


class Outcome(IntEnum):
    """The result for a contract: a volatility, or the first of these reasons for none. The numbers are not stored."""

    PRICED = 0
    EXPIRED = 1
    NO_QUOTE = 2  # neither bid nor ask
    NO_BID = 3
    NO_ASK = 4
    CROSSED = 5  # the bid is above the ask
    NO_FORWARD = 6  # the expiration has no forward price
    BELOW_INTRINSIC = 7  # the mid price is at most what exercise at expiration is worth at the forward price
    ABOVE_BOUND = 8  # the mid price is at least the value of the share, or of the put's strike, at expiration
    UNSOLVED = 9  # the solver found none, although no other reason applies


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpliedVolatilities:
    """The implied volatilities of contracts, in their order."""

    volatility: Floats  # annual, so 0.2 is 20 %; NaN if there is none
    outcome: Outcomes

    def counts(self) -> dict[Outcome, int]:
        """Return how many contracts had each outcome; outcomes without contracts are left out."""
        counted = np.bincount(self.outcome, minlength=len(Outcome)).tolist()
        return {outcome: count for outcome, count in zip(Outcome, counted, strict=True) if count}


def implied_volatilities(
    *, strike: Floats, is_call: Switches, bid: Floats, ask: Floats, forward: Floats, years: Floats, rate: float
) -> ImpliedVolatilities:
    """Return the annual volatilities with which Black's formula gives the mid prices between bids and asks.

    Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976); inverted by pyvolr
    after P. Jäckel, "Let's be rational", Wilmott (2015).

    All arrays have the same length. Strikes, bids, asks and the forward of each contract (NaN if there is none) are in
    US dollars, and `years` of 365 days count to its expiration. `rate` is annual and continuously compounded.
    """
    mid = (bid + ask) / 2
    discounts = np.exp(-rate * years)
    reasons = _reasons(strike, is_call, bid, ask, mid, forward, years, discounts)
    solvable = np.flatnonzero(reasons == Outcome.PRICED)
    volatility = np.full(len(strike), np.nan)
    volatility[solvable] = black76.implied_vol(
        mid[solvable],
        np.where(is_call[solvable], 1, -1).astype(np.int8),
        forward[solvable],
        strike[solvable],
        years[solvable],
        rate,
        on_error="ignore",  # contracts without a volatility are known by now, or are named below
    )
    reasons[(reasons == Outcome.PRICED) & ~(volatility > 0)] = Outcome.UNSOLVED
    volatility[reasons == Outcome.UNSOLVED] = np.nan
    return ImpliedVolatilities(volatility=volatility, outcome=reasons)


def _reasons(
    strike: Floats,
    is_call: Switches,
    bid: Floats,
    ask: Floats,
    mid: Floats,
    forward: Floats,
    years: Floats,
    discounts: Floats,
) -> Outcomes:
    """Return why contracts have no volatility, if that is known before solving; comparisons with NaN are false."""
    has_bid, has_ask = bid > 0, ask > 0
    exercised = np.where(is_call, forward - strike, strike - forward)
    conditions = {
        Outcome.EXPIRED: ~(years > 0),
        Outcome.NO_QUOTE: ~has_bid & ~has_ask,
        Outcome.NO_BID: ~has_bid,
        Outcome.NO_ASK: ~has_ask,
        Outcome.CROSSED: ~two_sided(bid, ask),
        Outcome.NO_FORWARD: ~(forward > 0),
        Outcome.BELOW_INTRINSIC: mid <= discounts * exercised,
        Outcome.ABOVE_BOUND: mid >= discounts * np.where(is_call, forward, strike),
    }
    reasons: Outcomes = np.select(list(conditions.values()), list(conditions), Outcome.PRICED).astype(np.int8)
    return reasons
