"""Writing prices: arrays in one upsert, against COPY and an upsert, `executemany` and row by row; one transaction each.

Rounds are in turn, each on an empty table, so that what else the machine does meets all four. The server runs without
fsync, as in the tests: what a disk adds is the same for all, once a transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from tests.postgres import connected
from volaris.store import Database, PriceRepository, PriceRow
from volaris.store.prices import COLUMNS

ROUNDS = 5

ROW = PriceRow(
    symbol="",
    source="simulated",
    price=248.37,
    bid=248.36,
    ask=248.4,
    volume=41_000_123,
    quoted_at=datetime(2025, 10, 14, 15, 30, tzinfo=UTC),
)

UPSERT_ONE = """
INSERT INTO prices (symbol, source, price, bid, ask, volume, quoted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (symbol, quoted_at, source) DO UPDATE
SET price = excluded.price, bid = excluded.bid, ask = excluded.ask, volume = excluded.volume
"""

CREATE_INCOMING = "CREATE TEMPORARY TABLE incoming_prices (LIKE prices) ON COMMIT DROP"
UPSERT_INCOMING = """
INSERT INTO prices
SELECT * FROM incoming_prices ORDER BY symbol, quoted_at, source
ON CONFLICT (symbol, quoted_at, source) DO UPDATE
SET price = excluded.price, bid = excluded.bid, ask = excluded.ask, volume = excluded.volume
"""

Write = Callable[[Database, Sequence[PriceRow]], Awaitable[object]]


async def ours(database: Database, rows: Sequence[PriceRow]) -> None:
    await PriceRepository(database).save(rows)


async def copy_and_upsert(database: Database, rows: Sequence[PriceRow]) -> None:
    async with database.transaction() as connection:
        await connection.execute(CREATE_INCOMING)
        records = [values(row) for row in rows]
        await connection.copy_records_to_table("incoming_prices", records=records, columns=COLUMNS)
        await connection.execute(UPSERT_INCOMING)


async def executemany(database: Database, rows: Sequence[PriceRow]) -> None:
    async with database.transaction() as connection:
        await connection.executemany(UPSERT_ONE, [values(row) for row in rows])


async def row_by_row(database: Database, rows: Sequence[PriceRow]) -> None:
    async with database.transaction() as connection:
        for row in rows:
            await connection.execute(UPSERT_ONE, *values(row))


def values(row: PriceRow) -> tuple[object, ...]:
    return (row.symbol, row.source, row.price, row.bid, row.ask, row.volume, row.quoted_at)


async def rows_per_s(database: Database, write: Write, size: int, batches: int) -> float:
    """Rows a second over `batches` batches of `size` rows, all new."""
    work = [[replace(ROW, symbol=f"S{batch}-{row}") for row in range(size)] for batch in range(batches)]
    async with database.acquire() as connection:
        await connection.execute("TRUNCATE prices")
    began_s = time.perf_counter()
    for rows in work:
        await write(database, rows)
    seconds = time.perf_counter() - began_s
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM prices") == size * batches
    return size * batches / seconds


WAYS = {"COPY to a temporary table and upsert": copy_and_upsert, "executemany": executemany, "row by row": row_by_row}


async def best_of_rounds(url: str, size: int, batches: int) -> list[float]:
    """Return the best of ours and of each other way, in rows per second."""
    async with connected(url) as database:
        await ours(database, [replace(ROW, symbol="S")])  # makes the day's partition, which the others need
        ways = (ours, *WAYS.values())
        rounds = [[await rows_per_s(database, way, size, batches) for way in ways] for _ in range(ROUNDS)]
    return [max(figures) for figures in zip(*rounds, strict=True)]


@pytest.mark.parametrize(("size", "batches"), [(25, 80), (503, 10), (10_000, 1)])
def test_prices_against_other_ways_to_store_them(
    size: int, batches: int, database_url: str, benchmark: BenchmarkFixture, results: Results
) -> None:
    told, *others = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: asyncio.run(best_of_rounds(database_url, size, batches)), rounds=1
    )
    benchmark.extra_info.update(rows_per_s=told)
    for name, figure in zip(WAYS, others, strict=True):
        results.add(
            what=f"prices stored in batches of {size:,} rows by one upsert of arrays",
            ours=f"{told:,.0f} rows/s",
            against=f"{name}: {figure:,.0f} rows/s",
            ratio=told / figure,
        )
