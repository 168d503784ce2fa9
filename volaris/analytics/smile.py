"""Figures from the volatilities of one expiration: their level at the money, and how much more the downside costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from volaris.analytics.arrays import Floats
from volaris.analytics.forward import NEAR_THE_MONEY
from volaris.analytics.ladder import Ladder

WING_D1 = NormalDist().inv_cdf(0.25)  # d1 of a call with a delta of 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Smile:
    """The volatilities of out-of-the-money options: puts below the forward, calls from it upwards."""

    forward: float  # US dollars
    years: float  # of 365 days, above 0
    strike: Floats  # US dollars, ascending; only strikes with a volatility
    volatility: Floats  # annual

    def __len__(self) -> int:
        return len(self.strike)


def smile_of(ladder: Ladder, calls: Floats, puts: Floats, *, forward: float, years: float) -> Smile:
    """Return the smile of a ladder, from the volatilities of its calls and puts by row, NaN if there is none.

    If the out-of-the-money option of a strike has no volatility, the strike is left out: the price of the in-the-money
    option is hardly more than its exercise value.
    """
    volatility = np.where(ladder.strike < forward, puts, calls)
    there = ~np.isnan(volatility)
    return Smile(forward=forward, years=years, strike=ladder.strike[there], volatility=volatility[there])


def at_the_money(smile: Smile) -> float | None:
    """Return the volatility at the forward price, linear between the two strikes around it.

    Return None if there are no two such strikes, or one is further than NEAR_THE_MONEY from the forward.
    """
    above = int(smile.strike.searchsorted(smile.forward))
    if above < len(smile) and smile.strike[above] == smile.forward:
        return float(smile.volatility[above])
    if not 0 < above < len(smile):
        return None
    around = slice(above - 1, above + 1)
    (low, high), (at_low, at_high) = smile.strike[around].tolist(), smile.volatility[around].tolist()
    if max(smile.forward - low, high - smile.forward) > NEAR_THE_MONEY * smile.forward:
        return None
    return float(at_low + (smile.forward - low) / (high - low) * (at_high - at_low))


def skew_25d(smile: Smile) -> float | None:
    """Return the volatility of the put with delta -0.25 minus the call's with 0.25: above 0 if downside costs more.

    Deltas are forward deltas, N(d1) of Black's formula (1976), each at its own volatility; a put's is the call's minus
    1. The volatility is linear in d1 between the two strikes around. Return None if the smile does not reach that far
    on both sides.
    """
    deviation = smile.volatility * math.sqrt(smile.years)
    d1 = np.log(smile.forward / smile.strike) / deviation + deviation / 2
    # Noise in quotes can make d1 turn back; then the crossing nearest to the money counts.
    put = _crossing(-d1[::-1], smile.volatility[::-1], WING_D1)
    call = _crossing(d1, smile.volatility, WING_D1)
    return None if put is None or call is None else put - call


def _crossing(d1: Floats, volatility: Floats, level: float) -> float | None:
    """Return the volatility at which d1, which falls in general, first reaches the level."""
    (beyond,) = (d1 <= level).nonzero()
    if not len(beyond) or beyond[0] == 0:
        return None
    ends = slice(beyond[0] - 1, beyond[0] + 1)
    (before, after), (near, far) = d1[ends].tolist(), volatility[ends].tolist()
    return float(near + (before - level) / (before - after) * (far - near))
