"""The table of prices, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone

import asyncpg
import pytest

from tests.integration.store.rows import MOMENT, ROW, batch, count
from volaris.errors import StoreError, StoreUnavailable
from volaris.store import Database, PriceRepository, PriceRow


@pytest.fixture
def prices(database: Database) -> PriceRepository:
    return PriceRepository(database)


async def test_a_row_comes_back_as_it_was_saved(prices: PriceRepository) -> None:
    bare = replace(ROW, symbol="MSFT", bid=None, ask=None, volume=None)

    assert await prices.save([ROW, bare]) == 2

    assert await prices.latest("AAPL", 10) == [ROW]
    assert await prices.latest("MSFT", 10) == [bare]


@pytest.mark.parametrize("price", [5e-324, 0.1 + 0.2, 1.7976931348623157e308])
async def test_a_price_comes_back_to_the_last_bit(prices: PriceRepository, price: float) -> None:
    await prices.save([replace(ROW, price=price)])

    assert [row.price for row in await prices.latest("AAPL", 1)] == [price]


async def test_a_moment_comes_back_in_utc_and_to_the_microsecond(prices: PriceRepository) -> None:
    moment = MOMENT.replace(microsecond=123_456)
    await prices.save([replace(ROW, quoted_at=moment.astimezone(timezone(timedelta(hours=-4))))])

    (row,) = await prices.latest("AAPL", 1)

    assert row.quoted_at == moment
    assert row.quoted_at.utcoffset() == timedelta(0)


async def test_latest_gives_the_newest_first_and_no_more_than_asked_for(prices: PriceRepository) -> None:
    rows = [replace(ROW, quoted_at=MOMENT + timedelta(seconds=second)) for second in (2, 0, 3, 1)]
    rows.append(replace(ROW, source="replay", quoted_at=MOMENT + timedelta(seconds=2)))
    await prices.save([*rows, replace(ROW, symbol="IBM", quoted_at=MOMENT + timedelta(days=1))])

    latest = await prices.latest("AAPL", 4)

    assert [(row.quoted_at.second, row.source) for row in latest] == [
        (3, "simulated"),
        (2, "simulated"),
        (2, "replay"),
        (1, "simulated"),
    ]


async def test_a_symbol_without_rows_has_no_latest(prices: PriceRepository) -> None:
    assert await prices.latest("AAPL", 1) == []


async def test_a_row_replaces_the_one_with_its_symbol_time_and_source(
    prices: PriceRepository, database_url: str
) -> None:
    neighbours = [
        replace(ROW, symbol="IBM"),
        replace(ROW, source="replay"),
        replace(ROW, quoted_at=MOMENT - timedelta(microseconds=1)),
    ]
    await prices.save([ROW, *neighbours])
    changed = replace(ROW, price=250.0, bid=None, ask=250.5, volume=42_000_000)

    assert await prices.save([changed]) == 1

    assert await prices.latest("AAPL", 10) == [changed, neighbours[1], neighbours[2]]
    assert await prices.latest("IBM", 10) == [neighbours[0]]
    assert await count(database_url) == 4


async def test_of_several_rows_with_one_key_in_a_batch_the_last_counts(prices: PriceRepository) -> None:
    same_moment = MOMENT.astimezone(timezone(timedelta(hours=9)))
    last = replace(ROW, price=3.0, quoted_at=same_moment)

    assert await prices.save([replace(ROW, price=1.0), replace(ROW, price=2.0), last]) == 1

    assert await prices.latest("AAPL", 10) == [last]


@pytest.mark.parametrize("changed", [True, False])
async def test_a_row_that_is_there_already_is_written_again_only_where_it_differs(
    prices: PriceRepository, database: Database, *, changed: bool
) -> None:
    await prices.save([ROW])
    async with database.acquire() as connection:
        before = await connection.fetchval("SELECT xmin::text FROM prices")

    assert await prices.save([replace(ROW, volume=None) if changed else ROW]) == 1

    async with database.acquire() as connection:
        assert (await connection.fetchval("SELECT xmin::text FROM prices") != before) is changed


async def test_a_batch_without_rows_does_not_ask_for_a_connection(prices: PriceRepository, database: Database) -> None:
    assert await prices.save([]) == 0
    assert database.statistics().acquires == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, price=0.0), "prices_price_check"),
        (replace(ROW, price=-1.0), "prices_price_check"),
        (replace(ROW, price=float("nan")), "prices_price_check"),
        (replace(ROW, price=float("inf")), "prices_price_check"),
        (replace(ROW, bid=-0.01), "prices_bid_check"),
        (replace(ROW, bid=float("nan")), "prices_bid_check"),
        (replace(ROW, ask=-0.01), "prices_ask_check"),
        (replace(ROW, ask=float("inf")), "prices_ask_check"),
        (replace(ROW, volume=-1), "prices_volume_check"),
        (replace(ROW, symbol=""), "prices_symbol_check"),
        (replace(ROW, source=""), "prices_source_check"),
        (replace(ROW, symbol="A\0"), "invalid byte sequence"),
        (replace(ROW, volume=2**63), r"DataError: invalid input for query argument \$6 \(value out of int64 range\)$"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_nothing_of_a_batch_survives_a_row_that_the_database_refuses(
    prices: PriceRepository, database: Database, database_url: str, row: PriceRow, reason: str
) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        await prices.save([*batch(30), row, *batch(60)])

    assert type(caught.value) is StoreError
    assert isinstance(caught.value.__cause__, asyncpg.PostgresError | asyncpg.DataError)
    assert await count(database_url) == 0
    assert await prices.save(batch(30)) == 30
    assert database.statistics().size == 1  # the same connection, put in order


@pytest.mark.parametrize(
    "row", [replace(ROW, price=5e-324), replace(ROW, bid=0.0, ask=0.0, volume=0), replace(ROW, volume=2**63 - 1)]
)
async def test_values_at_the_edge_are_stored(prices: PriceRepository, row: PriceRow) -> None:
    await prices.save([row])

    assert await prices.latest("AAPL", 1) == [row]


async def test_batches_with_the_same_keys_at_once_do_not_lock_each_other_out(
    prices: PriceRepository, database_url: str
) -> None:
    rows = batch(300)
    there, back = rows, [replace(row, price=1.0) for row in reversed(rows)]

    saved = await asyncio.gather(*(prices.save(there if turn % 2 else back) for turn in range(20)))

    assert saved == [300] * 20
    assert await count(database_url) == 300


async def test_the_latest_rows_are_read_from_the_index_of_each_day_without_sorting(
    database: Database, prices: PriceRepository
) -> None:
    await prices.save([ROW, replace(ROW, quoted_at=MOMENT + timedelta(days=1))])
    async with database.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")  # as on a table that is large
        await connection.execute("SET enable_bitmapscan = off")
        plan = await connection.fetch(
            "EXPLAIN SELECT * FROM prices WHERE symbol = 'AAPL' ORDER BY quoted_at DESC, source DESC LIMIT 10"
        )
    text = "\n".join(row[0] for row in plan)

    assert text.count("Index Scan Backward using prices_") == 3  # the past, and two days
    assert "Sort" not in text
    assert "Merge" not in text


async def test_latest_says_that_the_database_is_away(database: Database, prices: PriceRepository) -> None:
    await database.close()

    with pytest.raises(StoreUnavailable, match="the pool is closed"):
        await prices.latest("AAPL", 1)


async def test_a_save_that_is_cancelled_at_any_moment_leaves_the_whole_batch_or_none(
    prices: PriceRepository, database_url: str
) -> None:
    for turns in (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024):
        saving = asyncio.create_task(prices.save(batch(200)), name="saves")
        for _ in range(turns):
            await asyncio.sleep(0)
        saving.cancel()
        await asyncio.wait([saving])

        assert saving.cancelled() or saving.result() == 200
        assert await count(database_url) in {0, 200}

    assert await prices.save(batch(200)) == 200
