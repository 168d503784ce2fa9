"""Where today's implied volatility stands among those of the year before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

YEAR_DAYS = 252  # trading days


@dataclass(frozen=True, slots=True, kw_only=True)
class IvRank:
    """Both from 0 to 100, and both None if there are fewer days than the year has."""

    rank: float | None  # None too if the volatility was the same on all days, today included
    percentile: float | None
    days: int  # with a volatility, of those looked back on: YEAR_DAYS at most


def iv_rank(today: float, before: Sequence[float], *, window: int = YEAR_DAYS) -> IvRank:
    """Return the IV rank and IV percentile of `today` against the `window` days before it, the latest first.

    IV rank is where it stands between the lowest and the highest, (today - low) / (high - low) × 100, with today among
    them, so that a new high is 100. IV percentile says on what share of the days before it was below today's, in per
    cent. Both as brokers define them; volatilities in any unit, the same for all.
    """
    days = list(before[:window])
    if len(days) < window:
        return IvRank(rank=None, percentile=None, days=len(days))
    low, high = min(today, *days), max(today, *days)
    below = sum(value < today for value in days)
    return IvRank(
        rank=100 * ((today - low) / (high - low)) if high > low else None,
        percentile=100 * below / len(days),
        days=len(days),
    )
