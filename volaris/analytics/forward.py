"""The forward price from put-call parity: call - put = discount × (forward - strike).

Parity holds for European options. American options are worth more, because they can be exercised early, but little more
at the money, so the forward is computed there. The discount cannot be computed, because it is the slope through the
same quotes and far too imprecise: for MSFT's strikes within 10 % of spot, on 2021-11-22 and for expirations of 4 days
to 2 years, it implied rates from -23 % to 1.6 %. So the rate is given. One per cent more changes the price of a 30-day
option by 0.08 % of itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

import numpy as np

from volaris.analytics.ladder import Ladder

NEAR_THE_MONEY = 0.10  # strikes within this share of the spot's price
STRIKES = 9  # the highest number of these that are used


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """The price of a share for delivery at an expiration."""

    price: float  # US dollars, above 0
    strikes: int  # the number of strikes that it was computed from


def discount(rate: float, years: float) -> float:
    """Return what a dollar in `years` is worth now, at a continuously compounded annual `rate`: exp(-rate × years)."""
    return math.exp(-rate * years)


def forward_at_least_difference(ladder: Ladder, *, years: float, rate: float) -> float | None:
    """Return strike + exp(rate × years) × (call - put) at the strike whose call and put mid prices differ least.

    Source: Cboe VIX white paper, step 2; in US dollars. If several strikes have the same difference, the lowest is
    used. Return None if no strike has bid and ask of both call and put.
    """
    (both,) = (~np.isnan(ladder.difference)).nonzero()
    if not len(both):
        return None
    least = both[np.abs(ladder.difference[both]).argmin()]
    return float(ladder.strike[least] + ladder.difference[least] / discount(rate, years))


def forward_near_the_money(ladder: Ladder, *, spot: float, years: float, rate: float) -> Forward | None:
    """Return the median of strike + (call - put) / discount near the money, so that one stale quote has no effect.

    Of the strikes within NEAR_THE_MONEY of `spot` (in US dollars), these are the STRIKES whose call and put mid prices
    differ least. Return None if no strike there has bid and ask of both, or if the result is not above 0.
    """
    near = np.abs(ladder.strike - spot) <= NEAR_THE_MONEY * spot
    (both,) = (near & ~np.isnan(ladder.difference)).nonzero()
    if not len(both):
        return None
    asked = both[np.abs(ladder.difference[both]).argsort(kind="stable")[:STRIKES]]
    # For nine numbers Python's median takes 0.6 microseconds and NumPy's 24; this is computed for each expiration.
    price = median((ladder.strike[asked] + ladder.difference[asked] / discount(rate, years)).tolist())
    return Forward(price=price, strikes=len(asked)) if price > 0 else None
