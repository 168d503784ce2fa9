"""Expected variance of an expiration from all of its options, as Cboe computes it for the VIX.

The source is "Cboe Volatility Index", Cboe's white paper, whose example is a test. `term.volatility_at` computes the
30-day figure from two such variances. Options on shares are American. The value of their early exercise, which is small
out of the money, counts here as volatility. Strikes beyond the available ones are missing in the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from volaris.analytics.arrays import Floats, Switches
from volaris.analytics.forward import forward_at_least_difference
from volaris.analytics.ladder import Ladder


@dataclass(frozen=True, slots=True, kw_only=True)
class StripVariance:
    """The variance of one expiration, and the figures that it was computed from."""

    variance: float  # annual: 0.04 for a volatility of 20 %
    forward: float  # US dollars
    center: float  # US dollars: K0, the highest strike not above F whose call and put are both quoted
    strikes: int  # the number of strikes that contribute


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Strip:
    strike: Floats
    price: Floats


def strip_variance(ladder: Ladder, *, years: float, rate: float) -> StripVariance | None:
    """Return 2/T × Σ ΔK/K² × exp(rT) × Q(K) - 1/T × (F/K0 - 1)²: step 2 of the white paper.

    - K0 is the highest strike up to F whose call and put are both quoted.
    - Q is the mid price of the put below K0, of the call above K0, and their mean at K0.
    - ΔK is half the distance between the strikes on both sides, and at the ends the distance to the next strike.

    `years` of 365 days must be above 0; `rate` is annual and continuously compounded. Return None if there is no K0, if
    one side of K0 has no option, or if the result is not above 0.
    """
    forward = forward_at_least_difference(ladder, years=years, rate=rate)
    if forward is None:
        return None
    (candidates,) = ((ladder.strike <= forward) & ~np.isnan(ladder.difference)).nonzero()
    if not len(candidates):
        return None
    center = int(candidates[-1])
    strip = _strip(ladder, center)
    if strip is None:
        return None
    width = _widths(strip.strike)
    sum_of_shares = math.exp(rate * years) * float((width / strip.strike**2 * strip.price).sum())
    middle = float(ladder.strike[center])
    variance = (2 * sum_of_shares - (forward / middle - 1) ** 2) / years
    if variance <= 0:
        return None
    return StripVariance(variance=variance, forward=forward, center=middle, strikes=len(strip.strike))


def _strip(ladder: Ladder, center: int) -> _Strip | None:
    """Return the options that contribute, by strike, or None if a side has none."""
    puts, calls = np.zeros(len(ladder), dtype=np.bool_), np.zeros(len(ladder), dtype=np.bool_)
    # Both sides are read away from the center, so the puts downwards.
    puts[:center] = _reached(ladder.put.quoted[:center][::-1], ladder.put.listed[:center][::-1])[::-1]
    calls[center + 1 :] = _reached(ladder.call.quoted[center + 1 :], ladder.call.listed[center + 1 :])
    middle = (ladder.call.mid[center] + ladder.put.mid[center]) / 2
    if not (puts.any() and calls.any()):
        return None
    return _Strip(
        strike=np.concatenate((ladder.strike[puts], ladder.strike[center : center + 1], ladder.strike[calls])),
        price=np.concatenate((ladder.put.mid[puts], [middle], ladder.call.mid[calls])),
    )


def _reached(quoted: Switches, listed: Switches) -> Switches:
    """Return which options are quoted and come before two unquoted ones in a row; unlisted strikes do not count."""
    (places,) = listed.nonzero()
    missing = ~quoted[places]
    (stops,) = (missing[1:] & missing[:-1]).nonzero()
    reached = quoted.copy()
    if len(stops):
        reached[places[stops[0]] :] = False
    return reached


def _widths(strike: Floats) -> Floats:
    """Return ΔK of each strike; there must be at least three."""
    steps = strike[1:] - strike[:-1]
    return np.concatenate((steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]))
