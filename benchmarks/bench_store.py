"""Writing prices: COPY and one upsert against `executemany` and against row by row, each in one transaction.

Rounds are in turn, each on an empty table, so that what else the machine does meets all three. The server runs without
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

Write = Callable[[Database, Sequence[PriceRow]], Awaitable[object]]


async def copy_and_upsert(database: Database, rows: Sequence[PriceRow]) -> None:
    await PriceRepository(database).save(rows)


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


async def best_of_rounds(url: str, size: int, batches: int) -> tuple[float, float, float]:
    """The best of each way, in rows a second."""
    ways = (copy_and_upsert, executemany, row_by_row)
    async with connected(url) as database:
        rounds = [[await rows_per_s(database, way, size, batches) for way in ways] for _ in range(ROUNDS)]
    copied, many, single = (max(figures) for figures in zip(*rounds, strict=True))
    return copied, many, single


@pytest.mark.parametrize(("size", "batches"), [(25, 80), (503, 10), (10_000, 1)])
def test_copy_and_upsert_against_executemany_and_row_by_row(
    size: int, batches: int, database_url: str, benchmark: BenchmarkFixture, results: Results
) -> None:
    copied, many, single = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: asyncio.run(best_of_rounds(database_url, size, batches)), rounds=1
    )
    benchmark.extra_info.update(rows_per_s=copied, over_executemany=copied / many, over_row_by_row=copied / single)
    for name, figure in (("executemany", many), ("row by row", single)):
        results.add(
            what=f"prices stored in batches of {size:,} rows by COPY and one upsert",
            ours=f"{copied:,.0f} rows/s",
            against=f"{name}: {figure:,.0f} rows/s",
            ratio=copied / figure,
        )
