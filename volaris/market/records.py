"""What a market source says: frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A share that a source has prices of."""

    symbol: str
    name: str  # of the company


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The latest price of a symbol."""

    symbol: str
    source: str  # the source's name: simulated data says that it is
    price: float  # last trade, US dollars, above zero
    bid: float | None
    ask: float | None
    volume: int | None  # shares traded that day so far
    quoted_at: datetime  # aware, UTC: when the price was made, not when it was fetched
