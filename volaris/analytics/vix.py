"""Expected variance of an expiration from its whole strip of options, as Cboe computes it for the VIX.

Source of all of it: "Cboe Volatility Index", Cboe's white paper; its example is a test. `term.volatility_at` makes the
30-day figure of two such variances. For shares, whose options are American, it takes the worth of early exercise for
volatility, which is little out of the money. Strikes beyond those at hand are missing in it.
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
    """The variance of one expiration, and what it was made from."""

    variance: float  # a year's: 0.04 for a volatility of 20 %
    forward: float  # US dollars
    center: float  # US dollars: K0, the highest strike with both quoted that is not above F
    strikes: int  # with a share in it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Strip:
    strike: Floats
    price: Floats


def strip_variance(ladder: Ladder, *, years: float, rate: float) -> StripVariance | None:
    """Return 2/T × Σ ΔK/K² × exp(rT) × Q(K) - 1/T × (F/K0 - 1)²: the white paper's step 2.

    K0 is the highest strike up to F where both are quoted. Q is the mid price of the put below K0, of the call above
    it, and their mean at K0; ΔK half the distance between the strikes on both sides, at the ends the distance to the
    next. Years of 365 days, above 0; a continuously compounded rate a year. None if there is no K0, if a side of
    it has no option, and if what comes out is not above 0.
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
    """Return the options with a share in it, by strike; None if a side has none."""
    puts, calls = np.zeros(len(ladder), dtype=np.bool_), np.zeros(len(ladder), dtype=np.bool_)
    # Away from the center, both: the puts downwards.
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
    """Return which of these are quoted and stand before two in a row that are not; unlisted strikes do not count."""
    (places,) = listed.nonzero()
    missing = ~quoted[places]
    (stops,) = (missing[1:] & missing[:-1]).nonzero()
    reached = quoted.copy()
    if len(stops):
        reached[places[stops[0]] :] = False
    return reached


def _widths(strike: Floats) -> Floats:
    """Return ΔK of each strike, of which there are three at least."""
    steps = strike[1:] - strike[:-1]
    return np.concatenate((steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]))
