"""The data of a market source: frozen records, and columns if there are thousands of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]  # datetime64[D]
Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
Switches = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A share that a source has prices for."""

    symbol: str
    name: str  # of the company


@dataclass(frozen=True, slots=True, kw_only=True)
class Constituent:
    """A member of the S&P 500."""

    symbol: str
    name: str  # of the company
    sector: str | None  # one of the eleven of the GICS; None if the source does not know it
    since: date | None  # the day when it last joined the index; None if the source does not know it


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The latest price of a symbol."""

    symbol: str
    source: str  # name of the source; simulated data is marked by it
    price: float  # last trade, US dollars, above zero
    bid: float | None
    ask: float | None
    volume: int | None  # shares traded so far that day
    quoted_at: datetime  # with time zone, UTC: when the price was made, not when it was fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBounds:
    """The bounds of the wanted contracts; a source never prices, converts or keeps others."""

    strike_range: float = 0.30  # strikes from spot × (1 - this) to spot × (1 + this), both included
    max_expirations: int = 8  # the nearest that have not passed, including today's

    def strikes(self, spot: float) -> tuple[float, float]:
        """Return the lowest and the highest wanted strike, in dollars."""
        return spot * (1 - self.strike_range), spot * (1 + self.strike_range)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """The option contracts of a symbol within the bounds: one column per field, 37 bytes per contract.

    All columns have the same length. The rows ascend by expiration, then strike, with the put before the call. A bid or
    ask of 0 means that there is none. Chains are compared by identity, because arrays have no single answer to `==`.
    """

    symbol: str
    source: str
    spot: float  # the share's price, US dollars, above zero
    quoted_at: datetime  # with time zone, UTC
    listed: int  # all contracts of the source, including those out of bounds
    expiration: Days
    strike: Floats  # US dollars, above zero
    is_call: Switches
    bid: Floats  # US dollars per share
    ask: Floats  # US dollars per share
    volume: Counts  # contracts traded so far that day
    open_interest: Counts  # contracts, at the last close

    def __len__(self) -> int:
        return len(self.strike)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DailyBars:
    """The bars of a symbol's past trading days, one column per field, by ascending day. US dollars; shares."""

    symbol: str
    source: str
    day: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.day)
