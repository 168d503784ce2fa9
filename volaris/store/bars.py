"""The table of daily bars: columns are written, and the last days of a symbol are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from volaris.store import columns
from volaris.store.columns import ColumnType
from volaris.store.driver import translate_copy_errors
from volaris.store.pool import Connections

COLUMNS = ("symbol", "source", "day", "open", "high", "low", "close", "volume")

CREATE_INCOMING = "CREATE TEMPORARY TABLE incoming_bars (LIKE bars) ON COMMIT DROP"

# In the order of the key; unchanged rows are not written: see prices.
UPSERT = """
INSERT INTO bars AS kept (symbol, day, source, low, open, close, high, volume)
SELECT DISTINCT ON (symbol, day, source) symbol, day, source, low, open, close, high, volume
FROM incoming_bars
ORDER BY symbol, day, source
ON CONFLICT (symbol, day, source) DO UPDATE
SET low = excluded.low, open = excluded.open, close = excluded.close, high = excluded.high, volume = excluded.volume
WHERE (kept.low, kept.open, kept.close, kept.high, kept.volume)
    IS DISTINCT FROM (excluded.low, excluded.open, excluded.close, excluded.high, excluded.volume)
"""

LAST = """
SELECT day, open, high, low, close, volume
FROM (SELECT * FROM bars WHERE symbol = $1 AND source = $2 ORDER BY day DESC LIMIT $3) AS last
ORDER BY day
"""

LAST_DAYS = "SELECT symbol, max(day) AS day FROM bars WHERE source = $1 GROUP BY symbol"

COLUMN_TYPES = {
    "day": ColumnType.DATE,
    "open": ColumnType.DOUBLE,
    "high": ColumnType.DOUBLE,
    "low": ColumnType.DOUBLE,
    "close": ColumnType.DOUBLE,
    "volume": ColumnType.LONG,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarRows:
    """The stored daily bars of a symbol, one column per field; symbol, day and source together are the key."""

    symbol: str
    source: str
    day: NDArray[np.datetime64]  # in days
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.day)


class BarRepository:
    """The daily bars in the database."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def save(self, bars: Sequence[BarRows]) -> int:
        """Store the bars of these symbols in one transaction, all or none; return how many there were.

        A bar replaces the stored one with the same key. Raises StoreUnavailable if the database is or becomes
        unavailable, and StoreError if it refuses a value.
        """
        rows = sum(len(of_symbol) for of_symbol in bars)
        if not rows:
            return 0
        async with self._database.transaction() as connection:
            await connection.execute(CREATE_INCOMING)
            with translate_copy_errors():
                await connection.copy_to_table("incoming_bars", source=_stream(bars), columns=COLUMNS, format="binary")
            await connection.execute(UPSERT)
        return rows

    async def last(self, symbol: str, source: str, days: int) -> BarRows:
        """Return the last `days` bars of the symbol from that source, or as many as there are, by ascending day."""
        stream = bytearray()

        async def collect(piece: bytes) -> None:
            stream.extend(piece)

        async with self._database.acquire() as connection:
            await connection.copy_from_query(LAST, symbol, source, days, output=collect, format="binary")
        values = columns.decode(stream, COLUMN_TYPES)
        return BarRows(symbol=symbol, source=source, **values)

    async def last_days(self, source: str) -> dict[str, date]:
        """Return the day of each symbol's last bar from that source."""
        async with self._database.acquire() as connection:
            return {row["symbol"]: row["day"] for row in await connection.fetch(LAST_DAYS, source)}


async def _stream(bars: Sequence[BarRows]) -> AsyncIterator[bytes]:
    yield columns.HEADER
    for of_symbol in bars:
        values = [getattr(of_symbol, name) for name in COLUMN_TYPES]
        yield columns.encode([of_symbol.symbol, of_symbol.source, *values], len(of_symbol))
    yield columns.TRAILER
