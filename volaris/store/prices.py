"""The table of prices: rows are written by one upsert of arrays, and a symbol's latest rows are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from volaris.store.pool import Connections

# The most rows that `latest` returns, because a connection and the answer hold all of them at once.
MAX_LATEST = 1_000
STREAMED_AT_ONCE = 500  # rows that a cursor fetches at a time

COLUMNS = ("symbol", "source", "price", "bid", "ask", "volume", "quoted_at")

# The table is partitioned by day, and a row needs the partition of its day to exist.
ADD_PARTITIONS = "SELECT volaris_add_partition('prices', day) FROM unnest($1::date[]) AS days (day)"

# Arrays instead of COPY into a temporary table: COPY is a fifth faster for 10 000 rows, but takes three times as long
# for the 25 of a batch, and leaves rows of a table in the catalog that must be cleaned up. The rows come in the order
# of the key, because two batches that lock the same rows in different orders would wait for each other. An unchanged
# row is not written again, because over a weekend a delayed feed repeats its last quote.
UPSERT = """
INSERT INTO prices AS kept (symbol, source, price, bid, ask, volume, quoted_at)
SELECT *
FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::bigint[], $7::timestamptz[])
    AS coming (symbol, source, price, bid, ask, volume, quoted_at)
ORDER BY symbol, quoted_at, source
ON CONFLICT (symbol, quoted_at, source) DO UPDATE
SET price = excluded.price, bid = excluded.bid, ask = excluded.ask, volume = excluded.volume
WHERE (kept.price, kept.bid, kept.ask, kept.volume)
    IS DISTINCT FROM (excluded.price, excluded.bid, excluded.ask, excluded.volume)
"""

LATEST = """
SELECT symbol, source, price, bid, ask, volume, quoted_at
FROM prices
WHERE symbol = $1
ORDER BY quoted_at DESC, source DESC
LIMIT $2
"""

# The first bound on the time follows from the second, and is there for the planner, which skips later days by it.
AFTER = """
SELECT symbol, source, price, bid, ask, volume, quoted_at
FROM prices
WHERE symbol = $1 AND quoted_at <= $3 AND (quoted_at, source) < ($3, $4)
ORDER BY quoted_at DESC, source DESC
LIMIT $2
"""

ALL = """
SELECT symbol, source, price, bid, ask, volume, quoted_at
FROM prices
WHERE symbol = $1
ORDER BY quoted_at DESC, source DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A stored quote; symbol, time and source together are its key."""

    symbol: str
    source: str  # name of the market source
    price: float  # above 0
    bid: float | None
    ask: float | None
    volume: int | None  # shares traded so far that day
    quoted_at: datetime  # with time zone; read back in UTC

    def __post_init__(self) -> None:
        # The driver would treat a time without zone as local time, and store another moment.
        if self.quoted_at.tzinfo is None:
            raise ValueError(f"quoted_at of {self.symbol} has no time zone; it is {self.quoted_at}")


@dataclass(frozen=True, slots=True)
class PriceKey:
    """The key of the last price on a page."""

    quoted_at: datetime  # with time zone
    source: str


class PriceRepository:
    """The prices in the database."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def save(self, rows: Sequence[PriceRow]) -> int:
        """Store `rows` in one transaction, all or none; return how many of them are now in the table.

        A row replaces the stored one with the same key. If several rows of a batch have the same key, the last one
        counts. Raises StoreUnavailable if the database is or becomes unavailable, and StoreError if it refuses a value.
        """
        unique = {(row.symbol, row.quoted_at, row.source): row for row in rows}
        if not unique:
            return 0
        days = {row.quoted_at.astimezone(UTC).date() for row in unique.values()}
        columns = [[getattr(row, column) for row in unique.values()] for column in COLUMNS]
        async with self._database.transaction() as connection:
            await connection.execute(ADD_PARTITIONS, sorted(days))
            await connection.execute(UPSERT, *columns)
        return len(unique)

    async def latest(self, symbol: str, limit: int, *, after: PriceKey | None = None) -> list[PriceRow]:
        """Return at most `limit` rows of `symbol`, newest first, and rows of the same time by source from z to a.

        With `after`, only rows after that key in this order are returned. Raises ValueError if the limit is not from 1
        to MAX_LATEST, and StoreUnavailable if the database is unavailable.
        """
        if not 1 <= limit <= MAX_LATEST:
            raise ValueError(f"limit must be from 1 to {MAX_LATEST}, not {limit}")
        async with self._database.acquire() as connection:
            if after is None:
                rows = await connection.fetch(LATEST, symbol, limit)
            else:
                rows = await connection.fetch(AFTER, symbol, limit, after.quoted_at, after.source)
            return [PriceRow(**row) for row in rows]

    async def stream(self, symbol: str) -> AsyncGenerator[list[PriceRow], None]:
        """Yield all rows of `symbol` in the order of `latest`, from a cursor that fetches 500 at a time, as needed.

        This holds a connection until it is exhausted. If it may not be read to the end, wrap it in
        `contextlib.aclosing`.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.cursor(ALL, symbol)
            while rows := await cursor.fetch(STREAMED_AT_ONCE):
                yield [PriceRow(**row) for row in rows]
