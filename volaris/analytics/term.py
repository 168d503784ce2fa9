"""Figures at a constant maturity, interpolated between the existing expirations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from volaris.analytics.expiry import YEAR_DAYS

TARGET_DAYS = 30.0
# days; shorter terms are ignored, as in the white paper of 2009, because their prices say little about volatility
SHORTEST_DAYS = 7.0
STRETCH_DAYS = 7.0  # highest distance in days from the target, if both terms are on one side of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A figure of one expiration."""

    years: float  # of 365 days, above 0
    value: float

    @property
    def days(self) -> float:
        """Return the term in days."""
        return self.years * YEAR_DAYS


def volatility_at(terms: Sequence[Term], days: float = TARGET_DAYS) -> float | None:
    """Return the annual volatility at a constant maturity of `days`, from terms whose values are annual variances.

    The result is linear in total variance, years × variance, between the two terms around: Cboe VIX white paper, step
    3. Return None if there are no two such terms, or if the line is below 0 there.
    """
    total = value_at([Term(years=term.years, value=term.years * term.value) for term in terms], days)
    if total is None or total < 0:
        return None
    return math.sqrt(total * YEAR_DAYS / days)


def value_at(terms: Sequence[Term], days: float = TARGET_DAYS) -> float | None:
    """Return the value at `days` on the line through the two terms around it, of the terms of at least SHORTEST_DAYS.

    If all terms are on one side, the two nearest are used, as long as the nearer one is within STRETCH_DAYS, because
    monthly expirations can be that far off. Otherwise return None.
    """
    usable = sorted((term for term in terms if term.days >= SHORTEST_DAYS), key=lambda term: term.years)
    if len(usable) < 2:
        return None
    after = next((index for index, term in enumerate(usable) if term.days >= days), len(usable) - 1)
    nearer, later = usable[max(after, 1) - 1], usable[max(after, 1)]
    if not nearer.days - STRETCH_DAYS <= days <= later.days + STRETCH_DAYS:
        return None
    share = (days - nearer.days) / (later.days - nearer.days)
    return nearer.value + share * (later.value - nearer.value)
