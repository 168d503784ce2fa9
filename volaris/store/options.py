"""The tables of option chains: whole chains are written by binary COPY; whole chains or pages of contracts are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from volaris.errors import StoreError
from volaris.store import columns
from volaris.store.columns import ColumnType
from volaris.store.driver import translate_copy_errors
from volaris.store.pool import Connections

if TYPE_CHECKING:
    from volaris.store.pool import Connection

# The most rows that `contracts` returns, because a connection and the answer hold all of them at once.
MAX_CONTRACTS = 1_000
STREAMED_AT_ONCE = 500  # rows that a cursor fetches at a time

# The rows come in the order of the key: two writers that lock the same chains in different orders would wait for each
# other. The lock on a chain's row lasts until the end of the transaction. So of two writers of one chain, the second
# sees and replaces all that the first wrote.
UPSERT_CHAINS = """
INSERT INTO chains AS kept (symbol, quoted_on, quoted_at, source, spot, contracts, listed)
SELECT *
FROM unnest($1::text[], $2::date[], $3::timestamptz[], $4::text[], $5::double precision[], $6::integer[], $7::integer[])
    AS coming (symbol, quoted_on, quoted_at, source, spot, contracts, listed)
ORDER BY symbol, quoted_on
ON CONFLICT (symbol, quoted_on) DO UPDATE
SET quoted_at = excluded.quoted_at, written_at = now(), source = excluded.source, spot = excluded.spot,
    contracts = excluded.contracts, listed = excluded.listed
"""

ADD_PARTITIONS = "SELECT volaris_add_partition('options', day) FROM (SELECT DISTINCT unnest($1::date[])) AS days (day)"

DELETE_CONTRACTS = """
DELETE FROM options USING unnest($1::text[], $2::date[]) AS coming (symbol, quoted_on)
WHERE options.symbol = coming.symbol AND options.quoted_on = coming.quoted_on
"""

COLUMNS = ("symbol", "quoted_on", "expiration", "strike", "is_call", "bid", "ask", "volume", "open_interest")

LATEST_CHAIN = """
SELECT symbol, source, spot, quoted_at, written_at, contracts, listed, quoted_on
FROM chains
WHERE symbol = $1
ORDER BY quoted_on DESC
LIMIT 1
"""

# For consistent numbers from several statements.
ONE_VIEW = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

CONTRACTS_OF_CHAIN = """
SELECT expiration, strike, is_call, bid, ask, volume, open_interest
FROM options
WHERE symbol = $1 AND quoted_on = $2
ORDER BY expiration, strike, is_call
"""

CONTRACTS = """
SELECT expiration, strike, is_call, bid, ask, volume, open_interest
FROM options
WHERE symbol = $1
    AND quoted_on = (SELECT max(quoted_on) FROM chains WHERE symbol = $1)
    AND ($2::date IS NULL OR expiration = $2)
    AND ($3::boolean IS NULL OR is_call = $3)
    AND ($4::double precision IS NULL OR strike >= $4)
    AND ($5::double precision IS NULL OR strike <= $5)
    AND ($6::date IS NULL OR (expiration, strike, is_call) > ($6, $7::double precision, $8::boolean))
ORDER BY expiration, strike, is_call
LIMIT $9
"""

COLUMN_TYPES = {
    "expiration": ColumnType.DATE,
    "strike": ColumnType.DOUBLE,
    "is_call": ColumnType.BOOLEAN,
    "bid": ColumnType.DOUBLE,
    "ask": ColumnType.DOUBLE,
    "volume": ColumnType.INTEGER,
    "open_interest": ColumnType.INTEGER,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainRows:
    """A stored chain: one column per field, all of one length, ascending by expiration, strike, put before call."""

    symbol: str
    source: str  # name of the market source
    spot: float  # above 0
    quoted_at: datetime  # with time zone; read back in UTC. Its day in UTC and the symbol are the key
    listed: int  # number of contracts at the source, at least as many as there are rows
    expiration: NDArray[np.datetime64]  # in days
    strike: NDArray[np.float64]
    is_call: NDArray[np.bool_]
    bid: NDArray[np.float64]  # 0 if there is none
    ask: NDArray[np.float64]  # 0 if there is none
    volume: NDArray[np.int32]
    open_interest: NDArray[np.int32]

    def __post_init__(self) -> None:
        # The driver would treat a time without zone as local time, and store another moment.
        if self.quoted_at.tzinfo is None:
            raise ValueError(f"quoted_at of {self.symbol} has no time zone; it is {self.quoted_at}")
        # The table has no key that would reject such rows.
        if not _ascends(self.expiration, self.strike, self.is_call):
            raise ValueError(f"the contracts of {self.symbol} are not in order, or one occurs twice")

    def __len__(self) -> int:
        return len(self.strike)

    @property
    def quoted_on(self) -> date:
        """Return the day of the chain, in UTC."""
        return self.quoted_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHeader:
    """A chain without its contracts."""

    symbol: str
    source: str
    spot: float
    quoted_at: datetime  # UTC
    written_at: datetime  # UTC: when a run last wrote it
    contracts: int  # stored contracts
    listed: int  # contracts at the source
    quoted_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractKey:
    """The key of the last contract on a page."""

    expiration: date
    strike: float
    is_call: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFilter:
    """Conditions for contracts of a chain; None sets no condition."""

    expiration: date | None = None
    is_call: bool | None = None
    min_strike: float | None = None  # inclusive
    max_strike: float | None = None  # inclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """One contract of a symbol's latest chain."""

    expiration: date
    strike: float
    is_call: bool
    bid: float  # 0 if there is none
    ask: float  # 0 if there is none
    volume: int
    open_interest: int


ALL_CONTRACTS = ContractFilter()


class OptionsRepository:
    """The option chains in the database."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def replace(self, chains: Sequence[ChainRows]) -> int:
        """Store `chains` in one transaction, all or none; return the number of their contracts.

        Each replaces the stored chain of its symbol and day. If several have the same symbol and day, the last one
        counts. Raises StoreUnavailable if the database is or becomes unavailable, and StoreError if it refuses a value.
        """
        unique = {(chain.symbol, chain.quoted_on): chain for chain in chains}
        if not unique:
            return 0
        symbols, days = [key[0] for key in unique], [key[1] for key in unique]
        async with self._database.transaction() as connection:
            await connection.execute(ADD_PARTITIONS, days)
            with translate_copy_errors():
                await connection.execute(UPSERT_CHAINS, symbols, days, *_headers(list(unique.values())))
            await connection.execute(DELETE_CONTRACTS, symbols, days)
            with translate_copy_errors():
                await connection.copy_to_table(
                    "options", source=_stream(list(unique.values())), columns=COLUMNS, format="binary"
                )
        return sum(len(chain) for chain in unique.values())

    async def header(self, symbol: str) -> ChainHeader | None:
        """Return the symbol's latest chain without its contracts, or None."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(LATEST_CHAIN, symbol)
            return None if row is None else ChainHeader(**row)

    async def chain(self, symbol: str) -> ChainRows | None:
        """Return the symbol's latest chain, or None. Its columns are NumPy arrays, made from the received bytes."""
        stream = bytearray()

        async def collect(piece: bytes) -> None:
            stream.extend(piece)

        async with self._database.transaction() as connection:
            await connection.execute(ONE_VIEW)
            row = await connection.fetchrow(LATEST_CHAIN, symbol)
            if row is None:
                return None
            header = ChainHeader(**row)
            await connection.copy_from_query(
                CONTRACTS_OF_CHAIN, symbol, header.quoted_on, output=collect, format="binary"
            )
        return _chain(header, stream)

    async def contracts(
        self, symbol: str, wanted: ContractFilter = ALL_CONTRACTS, *, after: ContractKey | None = None, limit: int
    ) -> list[ContractRow]:
        """Return at most `limit` contracts of the symbol's latest chain after the key `after`, in order."""
        if not 1 <= limit <= MAX_CONTRACTS:
            raise ValueError(f"limit must be from 1 to {MAX_CONTRACTS}, not {limit}")
        async with self._database.acquire() as connection:
            rows = await connection.fetch(CONTRACTS, symbol, *_conditions(wanted, after), limit)
            return [ContractRow(**row) for row in rows]

    async def stream(self, symbol: str, wanted: ContractFilter = ALL_CONTRACTS) -> AsyncIterator[ContractRow]:
        """Yield all wanted contracts of the symbol's latest chain from a cursor, with 500 in memory at a time.

        This holds a connection until it is exhausted. If it may not be read to the end, wrap it in
        `contextlib.aclosing`.
        """
        async with self._database.transaction() as connection:
            async for row in _cursor(connection, symbol, wanted):
                yield row


def _ascends(expiration: NDArray[np.datetime64], strike: NDArray[np.float64], is_call: NDArray[np.bool_]) -> bool:
    """Return whether each row comes after the one before, by expiration, strike, then side. Return False for a NaN."""
    same_day, same_strike = expiration[1:] == expiration[:-1], strike[1:] == strike[:-1]
    by_side = same_strike & is_call[1:] & ~is_call[:-1]
    return bool(((expiration[1:] > expiration[:-1]) | (same_day & ((strike[1:] > strike[:-1]) | by_side))).all())


async def _cursor(connection: Connection, symbol: str, wanted: ContractFilter) -> AsyncIterator[ContractRow]:
    conditions = _conditions(wanted, None)
    async for row in connection.cursor(CONTRACTS, symbol, *conditions, None, prefetch=STREAMED_AT_ONCE):
        yield ContractRow(**row)


def _conditions(wanted: ContractFilter, after: ContractKey | None) -> tuple[object, ...]:
    key = (None, None, None) if after is None else (after.expiration, after.strike, after.is_call)
    return (wanted.expiration, wanted.is_call, wanted.min_strike, wanted.max_strike, *key)


def _headers(chains: Sequence[ChainRows]) -> tuple[list[object], ...]:
    return (
        [chain.quoted_at for chain in chains],
        [chain.source for chain in chains],
        [chain.spot for chain in chains],
        [len(chain) for chain in chains],
        [chain.listed for chain in chains],
    )


async def _stream(chains: Sequence[ChainRows]) -> AsyncIterator[bytes]:
    """Yield one encoded chain at a time: 1 500 contracts take 150 kB and a millisecond."""
    yield columns.HEADER
    for chain in chains:
        yield columns.encode(_columns_of(chain), len(chain))
    yield columns.TRAILER


def _columns_of(chain: ChainRows) -> list[columns.Column]:
    day = np.full(len(chain), chain.quoted_on, dtype="datetime64[D]")
    return [chain.symbol, day, *(getattr(chain, name) for name in COLUMN_TYPES)]


def _chain(header: ChainHeader, stream: bytearray) -> ChainRows:
    values = columns.decode(stream, COLUMN_TYPES)
    if len(values["strike"]) != header.contracts:
        raise StoreError(
            f"the chain of {header.symbol} has {len(values['strike'])} contracts, but should have {header.contracts}; "
            "rows were changed by hand, and the next run of options_refresh corrects them"
        )
    return ChainRows(
        symbol=header.symbol,
        source=header.source,
        spot=header.spot,
        quoted_at=header.quoted_at,
        listed=header.listed,
        **values,
    )
