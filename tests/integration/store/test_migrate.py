"""Migrations on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.store.rows import until
from tests.postgres import connected
from volaris.errors import MigrationError
from volaris.store import Database, migrate
from volaris.store.migrate import LOCK, LOCK_KEY, Migration, apply, shipped_migrations

NAMES = tuple(migration.name for migration in shipped_migrations())

ONE = Migration(number=1, name="0001_one", sql="CREATE TABLE one (n int); INSERT INTO one VALUES (1)")
TWO = Migration(number=2, name="0002_two", sql="CREATE TABLE two (n int)")
BROKEN = Migration(number=2, name="0002_broken", sql="CREATE TABLE two (n int); INSERT INTO three VALUES (1)")


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[Database]:
    """Without any table."""
    async with connected(empty_database_url) as database:
        yield database


async def tables_of(database: Database) -> list[str]:
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [row["tablename"] for row in rows]


async def test_an_empty_database_gets_the_schema_and_a_second_time_nothing(database: Database) -> None:
    assert await migrate(database) == NAMES
    assert await tables_of(database) == [
        "bars",
        "chains",
        "constituents",
        "iv_metrics",
        "iv_terms",
        "options",
        "options_past",
        "prices",
        "prices_past",
        "volaris_migrations",
    ]

    assert await migrate(database) == ()


async def test_the_template_of_the_tests_has_the_schema(database_url: str) -> None:
    async with connected(database_url) as database:
        assert await migrate(database) == ()


async def test_only_what_is_new_is_applied(database: Database) -> None:
    assert await apply(database, [ONE]) == ("0001_one",)

    assert await apply(database, [ONE, TWO]) == ("0002_two",)

    assert await tables_of(database) == ["one", "two", "volaris_migrations"]


async def test_what_was_applied_is_on_record(database: Database) -> None:
    await apply(database, [ONE, TWO])

    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT number, name, checksum FROM volaris_migrations ORDER BY number")

    assert [tuple(row) for row in rows] == [(1, "0001_one", ONE.checksum), (2, "0002_two", TWO.checksum)]


async def test_of_two_that_start_at_once_one_applies_each_migration_and_the_other_waits(
    database: Database, empty_database_url: str
) -> None:
    async with connected(empty_database_url) as other, connected(empty_database_url) as third:
        async with third.transaction() as connection:
            await connection.execute(LOCK, LOCK_KEY)
            both = [asyncio.create_task(migrate(one), name="migrates") for one in (database, other)]
            await until(
                empty_database_url, "SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            assert await tables_of(third) == []

        applied = await asyncio.gather(*both)

    assert sorted(applied[0] + applied[1]) == list(NAMES)
    assert await tables_of(database) == [
        "bars",
        "chains",
        "constituents",
        "iv_metrics",
        "iv_terms",
        "options",
        "options_past",
        "prices",
        "prices_past",
        "volaris_migrations",
    ]


async def test_many_that_start_at_once_apply_each_migration_once(database: Database) -> None:
    applied = await asyncio.gather(*(apply(database, [ONE, TWO]) for _ in range(5)))

    assert sorted(name for names in applied for name in names) == ["0001_one", "0002_two"]


async def test_nothing_is_kept_of_a_migration_that_fails_and_all_of_those_before(database: Database) -> None:
    with pytest.raises(
        MigrationError, match=r'0002_broken failed, and none of its changes were kept: .*"three" does not exist'
    ):
        await apply(database, [ONE, BROKEN])

    assert await tables_of(database) == ["one", "volaris_migrations"]
    assert await apply(database, [ONE, TWO]) == ("0002_two",)


async def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    await apply(database, [ONE, TWO])

    with pytest.raises(MigrationError, match="the database has migration 2, but this version only knows 1"):
        await apply(database, [ONE])


async def test_a_migration_that_was_changed_is_found(database: Database) -> None:
    await apply(database, [ONE])

    with pytest.raises(MigrationError, match="0001_one was changed after it was applied"):
        await apply(database, [Migration(number=1, name="0001_one", sql="SELECT 1"), TWO])

    assert await tables_of(database) == ["one", "volaris_migrations"]
