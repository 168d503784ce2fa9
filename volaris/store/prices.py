"""The table of prices: rows in by one upsert of arrays, the latest of a symbol out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from volaris.store.pool import Connections

# The most that `latest` gives: a connection and the answer hold all rows at once.
MAX_LATEST = 1_000
STREAMED_AT_ONCE = 500  # rows that a cursor fetches

COLUMNS = ("symbol", "source", "price", "bid", "ask", "volume", "quoted_at")

# The table is partitioned by day, and the first row of a day needs a partition to go to.
ADD_PARTITIONS = "SELECT volaris_add_partition('prices', day) FROM unnest($1::date[]) AS days (day)"

# Arrays, and not COPY into a temporary table: that is a fifth faster at 10 000 rows, but takes three times as long at
# the 25 of a batch, and leaves a table's rows to be cleaned out of the catalog with each.
#
# In the order of the key: two batches at once that lock the same rows in another order each would wait for each other.
# A row that is there already as it comes is not written again: over a weekend a delayed feed repeats its last quote.
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

# The first bound on the time is in the second, and there for the planner: it leaves out the days after it by that.
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
    """A quote as it is stored; symbol, time and source together are its key."""

    symbol: str
    source: str  # who gave it
    price: float  # above 0
    bid: float | None
    ask: float | None
    volume: int | None  # shares traded so far that day
    quoted_at: datetime  # aware; comes back in UTC

    def __post_init__(self) -> None:
        # The driver would take a naive time for one of this machine's time zone, and store another moment.
        if self.quoted_at.tzinfo is None:
            raise ValueError(f"quoted_at of {self.symbol} has no time zone: {self.quoted_at}")


@dataclass(frozen=True, slots=True)
class PriceKey:
    """Where a page of a symbol's prices ends."""

    quoted_at: datetime  # aware
    source: str


class PriceRepository:
    """The prices in a database."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def save(self, rows: Sequence[PriceRow]) -> int:
        """Store `rows` in one transaction, all or none; gives how many are in the table now.

        A row replaces what is stored under its key. Of several rows with one key in a batch the last counts. Raises
        StoreUnavailable if the database is away or goes away, StoreError if it refuses a value.
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
        """Return at most `limit` rows of `symbol`, newest first, those of one moment by source from z to a.

        With `after` those that come after that key in this order. Raises ValueError for a limit that is not from 1 to
        MAX_LATEST, StoreUnavailable if the database is away.
        """
        if not 1 <= limit <= MAX_LATEST:
            raise ValueError(f"limit must be from 1 to {MAX_LATEST}, and is {limit}")
        async with self._database.acquire() as connection:
            if after is None:
                rows = await connection.fetch(LATEST, symbol, limit)
            else:
                rows = await connection.fetch(AFTER, symbol, limit, after.quoted_at, after.source)
            return [PriceRow(**row) for row in rows]

    async def stream(self, symbol: str) -> AsyncGenerator[list[PriceRow], None]:
        """Yield all rows of `symbol` in the order of `latest`, from a cursor: 500 at a time, none before it is needed.

        It holds a connection to its end: if it may not be read to the end, put `contextlib.aclosing` around it.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.cursor(ALL, symbol)
            while rows := await cursor.fetch(STREAMED_AT_ONCE):
                yield [PriceRow(**row) for row in rows]
