"""What a market source says: frozen records, and columns if there are thousands of rows."""

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
    """A share that a source has prices of."""

    symbol: str
    name: str  # of the company


@dataclass(frozen=True, slots=True, kw_only=True)
class Constituent:
    """A member of the S&P 500."""

    symbol: str
    name: str  # of the company
    sector: str | None  # one of the eleven of the GICS; None if the source does not know it
    since: date | None  # the day it joined the index, for the last time; None if the source does not know it


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBounds:
    """Which contracts of a chain are wanted; a source never prices, converts or keeps another."""

    strike_range: float = 0.30  # strikes from spot × (1 - this) to spot × (1 + this), both included
    max_expirations: int = 8  # the nearest that have not passed, that of today included

    def strikes(self, spot: float) -> tuple[float, float]:
        """Return the lowest and the highest strike that are wanted, in dollars."""
        return spot * (1 - self.strike_range), spot * (1 + self.strike_range)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """The option contracts of a symbol within the bounds: a column each, 37 bytes a contract.

    All columns have one length, and the rows ascend by expiration, then strike, the put before the call. A bid or an
    ask of 0 means that there is none. Compared by identity, since arrays have no single answer to `==`.
    """

    symbol: str
    source: str
    spot: float  # the share's price, US dollars, above zero
    quoted_at: datetime  # aware, UTC
    listed: int  # contracts that the source had, those out of bounds included
    expiration: Days
    strike: Floats  # US dollars, above zero
    is_call: Switches
    bid: Floats  # US dollars a share
    ask: Floats  # US dollars a share
    volume: Counts  # contracts traded that day so far
    open_interest: Counts  # contracts, as of the last close

    def __len__(self) -> int:
        return len(self.strike)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DailyBars:
    """The bars of a symbol's trading days that are over, a column each, by ascending day. US dollars; shares."""

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
