"""The rank of today's implied volatility among those of the year before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

YEAR_DAYS = 252  # trading days


@dataclass(frozen=True, slots=True, kw_only=True)
class IvRank:
    """Both figures are from 0 to 100; both are None if the history is shorter than a year."""

    rank: float | None  # None also if the volatility was the same on all days, with today
    percentile: float | None
    days: int  # earlier days with a volatility, at most YEAR_DAYS


def iv_rank(today: float, before: Sequence[float], *, window: int = YEAR_DAYS) -> IvRank:
    """Return the IV rank and IV percentile of `today` against the `window` days before it, the latest first.

    - IV rank is the position between the lowest and the highest value: (today - low) / (high - low) × 100. Today is
      among them, so that a new high is 100.
    - IV percentile is the share of the earlier days with a value below today's, in per cent.

    Brokers define both in this way. Volatilities may be in any unit, the same for all.
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
