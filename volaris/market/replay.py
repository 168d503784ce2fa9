"""Replays real daily bars: AAPL, IBM, MSFT and GOOG from 2000 to 2013, as bokeh-sampledata has them.

A bar becomes four ticks of its day in New York: the open at 9:30, the two extremes at 11:30 and 13:30, and the close at
16:00. On a day that rose, the low comes before the high. Every call for a symbol returns its next tick, with its real
time. After the last bar comes the first again. Each symbol begins with its own first bar, GOOG in August 2004.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import math
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np

from volaris.errors import BadDocument, SourceError, UnknownSymbol
from volaris.market.constituents import constituents
from volaris.market.records import Chain, ChainBounds, Constituent, DailyBars, Quote, Symbol

NAME = "replay"
NEW_YORK = ZoneInfo("America/New_York")
NAMES = {
    "AAPL": "Apple",
    "GOOG": "Google",
    "IBM": "International Business Machines",
    "MSFT": "Microsoft",
}
# Longer ago than any bar, so that no stored price is taken for an old one of today.
DELAY_S = 50 * 366 * 86400.0
TICK_TIMES = (time(9, 30), time(11, 30), time(13, 30), time(16, 0))


@dataclass(frozen=True, slots=True)
class Bars:
    """The daily bars of a symbol, packed: 48 bytes each, 575 kB for all four symbols."""

    days: array[int] = field(default_factory=lambda: array("q"))  # ordinals
    opens: array[float] = field(default_factory=lambda: array("d"))
    highs: array[float] = field(default_factory=lambda: array("d"))
    lows: array[float] = field(default_factory=lambda: array("d"))
    closes: array[float] = field(default_factory=lambda: array("d"))
    volumes: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.days)


class ReplaySource:
    """Four shares with real prices of the past."""

    name = NAME
    delay_s = DELAY_S

    def __init__(self) -> None:
        self._bars: dict[str, Bars] = {}
        self._next_tick = dict.fromkeys(NAMES, 0)

    async def symbols(self) -> tuple[Symbol, ...]:
        """Return the four symbols."""
        return tuple(Symbol(symbol=symbol, name=name) for symbol, name in NAMES.items())

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        """Return the next tick of each symbol. Raises UnknownSymbol, BadDocument, or SourceError without the extra."""
        for symbol in symbols:
            _check_known(symbol)
        await self._load()
        return [self._advance(symbol) for symbol in symbols]

    async def constituents(self) -> tuple[Constituent, ...]:
        """Return the members of the index today, not those of the replayed time."""
        return await asyncio.to_thread(constituents)

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        """Raise SourceError, because there are no chains."""
        cause = "replayed data has no option chains; set MARKET_SOURCE to simulated or cboe"
        raise SourceError(NAME, symbol, cause)

    async def bars(self, symbol: str, days: int) -> DailyBars:
        """Return the `days` bars before the next quote's; none before the first quote. Raises as `quotes` does."""
        _check_known(symbol)
        await self._load()
        bar = self._next_tick[symbol] // len(TICK_TIMES)
        return daily_bars(symbol, self._bars[symbol], max(0, bar - days), bar)

    async def aclose(self) -> None:
        """Do nothing, because nothing is open."""

    async def _load(self) -> None:
        if not self._bars:
            self._bars = await asyncio.to_thread(load_bars)

    def _advance(self, symbol: str) -> Quote:
        bars, tick = self._bars[symbol], self._next_tick[symbol]
        self._next_tick[symbol] = (tick + 1) % (len(bars) * len(TICK_TIMES))
        return tick_of(symbol, bars, *divmod(tick, len(TICK_TIMES)))


def tick_of(symbol: str, bars: Bars, bar: int, tick: int) -> Quote:
    """Return tick 0 to 3 of a bar. The day's volume is known only at the close, and bids and asks are never known."""
    rose = bars.closes[bar] >= bars.opens[bar]
    extremes = (bars.lows, bars.highs) if rose else (bars.highs, bars.lows)
    prices = (bars.opens, *extremes, bars.closes)[tick]
    at = datetime.combine(date.fromordinal(bars.days[bar]), TICK_TIMES[tick], NEW_YORK)
    return Quote(
        symbol=symbol,
        source=NAME,
        price=prices[bar],
        bid=None,
        ask=None,
        volume=bars.volumes[bar] if tick == len(TICK_TIMES) - 1 else None,
        quoted_at=at.astimezone(UTC),
    )


def daily_bars(symbol: str, bars: Bars, begin: int, end: int) -> DailyBars:
    """Return the bars from number `begin` up to, but not including, number `end`."""
    return DailyBars(
        symbol=symbol,
        source=NAME,
        day=np.array([date.fromordinal(day) for day in bars.days[begin:end]], dtype="datetime64[D]"),
        open=np.array(bars.opens[begin:end]),
        high=np.array(bars.highs[begin:end]),
        low=np.array(bars.lows[begin:end]),
        close=np.array(bars.closes[begin:end]),
        volume=np.array(bars.volumes[begin:end], dtype=np.int64),
    )


def _check_known(symbol: str) -> None:
    if symbol not in NAMES:
        raise UnknownSymbol(NAME, symbol, f"there are only bars of {', '.join(NAMES)}")


def load_bars() -> dict[str, Bars]:
    """Read the file of the package; this blocks for about 50 ms, and takes 0.4 MB more than it keeps.

    Raises SourceError if the package is not installed, which another attempt cannot help, and BadDocument as
    `parse_bars` does, or if the file cannot be unpacked.
    """
    try:
        packed = (files("bokeh_sampledata") / "_data" / "stocks.csv.gz").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        cause = "its bars are not installed; install them with: pip install 'volaris[replay]'"
        raise SourceError(NAME, ", ".join(NAMES), cause) from error
    return unpack_bars(packed)


def unpack_bars(packed: bytes) -> dict[str, Bars]:
    """Return bars by symbol from gzipped CSV. Raises BadDocument as parse_bars does, and if it cannot be unpacked."""
    try:
        with io.TextIOWrapper(gzip.GzipFile(fileobj=io.BytesIO(packed)), encoding="ascii") as lines:
            return parse_bars(lines)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        cause = f"the package's file cannot be read: {type(error).__name__}"
        raise BadDocument(NAME, ", ".join(NAMES), cause) from error


def parse_bars(lines: Iterable[str]) -> dict[str, Bars]:
    """Return bars by symbol, by ascending day, from CSV: Ticker, Date, Open, High, Low, Close and Volume.

    Other tickers are left out. Raises BadDocument for an invalid row, for an open or close outside of low and high, and
    for a symbol without bars.
    """
    bars = {symbol: Bars() for symbol in NAMES}
    for row in csv.DictReader(lines):
        symbol = row.get("Ticker") or ""
        if symbol in bars:
            try:
                _append(bars[symbol], row)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                cause = f"the bar of {row.get('Date')} cannot be read: {type(error).__name__}"
                raise BadDocument(NAME, symbol, cause) from error
    for symbol, its_bars in bars.items():
        if not its_bars:
            raise BadDocument(NAME, symbol, "there are no bars")
    return bars


def _append(bars: Bars, row: dict[str, str]) -> None:
    day = date.fromisoformat(row["Date"]).toordinal()
    volume = int(row["Volume"])
    first, high, low, last = (float(row[column]) for column in ("Open", "High", "Low", "Close"))
    if not 0 < low <= min(first, last) <= max(first, last) <= high < math.inf:
        raise ValueError("out of bounds")
    if volume < 0 or (bars.days and day <= bars.days[-1]):
        raise ValueError("negative volume or out of order")
    bars.days.append(day)
    bars.opens.append(first)
    bars.highs.append(high)
    bars.lows.append(low)
    bars.closes.append(last)
    bars.volumes.append(volume)
