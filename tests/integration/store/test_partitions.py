"""Days have partitions of their own, which come with the first row and go with their age."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from tests.integration.store.chains import chain
from tests.integration.store.rows import MOMENT, ROW
from tests.postgres import connected
from volaris.errors import StoreError
from volaris.store import Database, Dropped, OptionsRepository, PriceRepository, Retention
from volaris.store.migrate import apply, shipped_migrations

DAY = date(2025, 10, 14)


async def partitions(database: Database, table: str) -> list[str]:
    async with database.acquire() as connection:
        rows = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::text::regclass ORDER BY 1",
            table,
        )
    return [row["name"].removeprefix(f"{table}_") for row in rows]


def days_ago(days: int) -> datetime:
    return MOMENT - timedelta(days=days)


async def test_first_row_of_a_day_makes_its_partition(database: Database) -> None:
    prices, options = PriceRepository(database), OptionsRepository(database)
    await prices.save([ROW, replace(ROW, quoted_at=days_ago(3))])
    await prices.save([replace(ROW, symbol="MSFT")])
    await options.replace([chain()])

    assert await partitions(database, "prices") == ["20251011", "20251014", "past"]
    assert await partitions(database, "options") == ["20251014", "past"]


async def test_days_begin_at_midnight_of_utc(database: Database) -> None:
    midnight = datetime(2025, 10, 14, tzinfo=UTC)
    before = midnight - timedelta(microseconds=1)
    await PriceRepository(database).save([replace(ROW, quoted_at=midnight), replace(ROW, quoted_at=before)])
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT quoted_at FROM prices_20251013") == before
        assert await connection.fetchval("SELECT quoted_at FROM prices_20251014") == midnight


async def test_prices_of_before_2020_share_a_partition(database: Database) -> None:
    old = replace(ROW, quoted_at=datetime(2000, 3, 1, 14, 30, tzinfo=UTC))
    await PriceRepository(database).save([old])
    assert await partitions(database, "prices") == ["past"]
    assert await PriceRepository(database).latest("AAPL", 1) == [old]


async def test_rows_of_a_new_day_from_many_at_once_make_one_partition(database: Database) -> None:
    prices = PriceRepository(database)
    for day in range(5):
        rows = [[replace(ROW, symbol=f"S{turn}", quoted_at=days_ago(day))] for turn in range(5)]
        assert await asyncio.gather(*(prices.save(batch) for batch in rows)) == [1] * 5
    assert len(await partitions(database, "prices")) == 6


async def test_reader_of_other_days_does_not_hold_up_a_new_one(database: Database, database_url: str) -> None:
    prices = PriceRepository(database)
    await prices.save([ROW])
    reader = await asyncpg.connect(database_url)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT * FROM prices")
            async with asyncio.timeout(20):  # for ever, where it is held up
                assert await prices.save([replace(ROW, quoted_at=MOMENT + timedelta(days=1))]) == 1
    finally:
        await reader.close()


async def test_what_was_stored_before_there_were_partitions_is_still_there(empty_database_url: str) -> None:
    migrations = await asyncio.to_thread(shipped_migrations)
    async with connected(empty_database_url) as database:
        await apply(database, migrations[:1])
        async with database.acquire() as connection:
            await connection.execute(
                "INSERT INTO prices (symbol, quoted_at, source, price, bid, ask, volume) VALUES "
                "('AAPL', '2025-10-14 15:30+00', 'simulated', 248.37, 248.36, 248.4, 41000123)"
                ", ('AAPL', '2003-01-02 15:30+00', 'replay', 1.5, NULL, NULL, NULL)"
                ", ('AAPL', '2025-10-13 23:59+00', 'simulated', 240, NULL, NULL, NULL)"
            )
        await apply(database, migrations)

        assert await partitions(database, "prices") == ["20251013", "20251014", "past"]
        latest = await PriceRepository(database).latest("AAPL", 10)
        assert latest[0] == ROW
        assert [row.price for row in latest] == [248.37, 240.0, 1.5]


async def test_days_before_the_bound_go_and_the_others_stay(database: Database) -> None:
    prices, options, retention = PriceRepository(database), OptionsRepository(database), Retention(database)
    await prices.save([replace(ROW, quoted_at=days_ago(days)) for days in (0, 1, 2, 9000)])
    await options.replace([chain(at=days_ago(days)) for days in (0, 1, 2)])
    await options.replace([chain("GONE", at=days_ago(2))])

    dropped = await retention.drop(prices_before=DAY - timedelta(days=1), options_before=DAY)

    assert dropped == Dropped(prices=(date(2025, 10, 12),), options=(date(2025, 10, 12), date(2025, 10, 13)))
    assert await partitions(database, "prices") == ["20251013", "20251014", "past"]
    assert await partitions(database, "options") == ["20251014", "past"]
    assert len(await prices.latest("AAPL", 10)) == 3
    assert await options.chain("AAPL") is not None
    assert await options.chain("GONE") is None
    assert await retention.drop(prices_before=DAY, options_before=DAY) == Dropped(
        prices=(date(2025, 10, 13),), options=()
    )


async def test_day_that_came_back_has_a_partition_again(database: Database) -> None:
    prices = PriceRepository(database)
    await prices.save([ROW])
    await Retention(database).drop(prices_before=DAY + timedelta(days=1), options_before=DAY)
    assert await prices.latest("AAPL", 1) == []
    assert await prices.save([ROW]) == 1
    assert await prices.latest("AAPL", 1) == [ROW]


async def test_long_reader_makes_retention_give_up_and_nobody_else_wait(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volaris.store.retention.WAIT_FOR_LOCK", "SET LOCAL lock_timeout = '50ms'")
    prices, retention = PriceRepository(database), Retention(database)
    await prices.save([ROW, replace(ROW, quoted_at=days_ago(2))])
    reader = await asyncpg.connect(database_url)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT * FROM prices")
            with pytest.raises(StoreError, match="LockNotAvailableError"):
                await retention.drop(prices_before=DAY, options_before=DAY)
            assert len(await prices.latest("AAPL", 10)) == 2
    finally:
        await reader.close()
    assert (await retention.drop(prices_before=DAY, options_before=DAY)).prices == (date(2025, 10, 12),)
