"""The pool on a real PostgreSQL: limits, numbers, and an end that comes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.integration.store.rows import until
from tests.postgres import connected
from volaris.errors import StoreUnavailable
from volaris.store import Database, PoolStatistics


def numbers(*, size: int, idle: int, in_use: int, acquires: int, failures: int = 0) -> PoolStatistics:
    """Those of a pool for which nobody waits."""
    return PoolStatistics(
        size=size, max_size=5, idle=idle, in_use=in_use, waiting=0, acquires=acquires, failures=failures
    )


async def test_a_pool_opens_one_connection_and_as_many_as_are_wanted_up_to_five(database_url: str) -> None:
    async with connected(database_url) as database:
        assert database.unavailable_reason is None
        assert database.statistics() == numbers(size=1, idle=1, in_use=0, acquires=0)

        async with AsyncExitStack() as held:
            for _ in range(5):
                await held.enter_async_context(database.acquire())
            assert database.statistics() == numbers(size=5, idle=0, in_use=5, acquires=5)

            patience_s = database._acquire_timeout_s
            database._acquire_timeout_s = 0.3  # and not before: four connections take long on a busy machine
            with pytest.raises(
                StoreUnavailable, match=r"no connection was free within 0\.3 s; 5 of 5 are in use$"
            ) as caught:
                await database.ping()
            assert isinstance(caught.value.__cause__, TimeoutError)
            database._acquire_timeout_s = patience_s

        await database.ping()
        assert database.statistics() == numbers(size=5, idle=5, in_use=0, acquires=6, failures=1)


async def test_who_waits_is_counted_and_gets_the_connection_that_comes_back(database_url: str) -> None:
    async with connected(database_url, max_size=1) as database:
        async with database.acquire():
            waiting = asyncio.create_task(database.ping(), name="waits for a connection")
            await asyncio.sleep(0)
            assert database.statistics().waiting == 1

        await waiting

        assert database.statistics().waiting == 0


async def test_who_is_cancelled_while_waiting_takes_no_connection_along(database_url: str) -> None:
    async with connected(database_url, max_size=1) as database:
        async with database.acquire():
            waiting = asyncio.create_task(database.ping(), name="waits for a connection")
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert database.statistics().waiting == 0

        await database.ping()
        assert database.statistics().failures == 0


async def test_the_server_sees_who_is_connected(database: Database) -> None:
    async with database.acquire() as connection:
        assert await connection.fetchval("SHOW application_name") == "volaris"


async def test_what_is_done_in_a_transaction_is_kept_when_it_ends(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE kept (n int)")

    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM kept") == 0


async def test_nothing_is_kept_of_a_transaction_that_an_error_leaves(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE lost (n int)")
            raise LookupError("of the caller")

    with pytest.raises(LookupError, match="of the caller"):
        await fail()

    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT to_regclass('lost')") is None
    assert database.statistics().size == 1


async def test_a_cancelled_transaction_ends_cancelled_and_leaves_nothing(database: Database, database_url: str) -> None:
    async def hold() -> None:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE lost (n int)")
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(hold(), name="holds a transaction")
    # The server overlooks a request to cancel a statement that it has not begun.
    await until(database_url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT to_regclass('lost')") is None
    assert database.statistics().size == 1


async def test_a_statement_has_a_time_limit(database_url: str) -> None:
    async with connected(database_url, command_timeout_s=0.3) as database:
        with pytest.raises(StoreUnavailable, match="TimeoutError: it did not answer in time"):
            async with database.acquire() as connection:
                await connection.execute("SELECT pg_sleep(60)")

        await database.ping()


async def test_close_waits_for_a_connection_in_use(database_url: str) -> None:
    async with connected(database_url) as database:
        async with database.transaction() as connection:
            closing = asyncio.create_task(database.close(), name="closes")
            await asyncio.sleep(0)
            assert not closing.done()
            with pytest.raises(StoreUnavailable, match="the pool is closed"):
                await database.ping()
            assert await connection.fetchval("SELECT 1") == 1

        await closing


async def test_close_cuts_a_connection_that_stays_in_use(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with connected(database_url, close_timeout_s=0.05) as database:

        async def close_within() -> None:
            async with database.acquire() as connection:
                await database.close()
                await connection.execute("SELECT 1")

        with pytest.raises(StoreUnavailable, match="InterfaceError"):
            await close_within()

        assert "connections could not be closed and were cut: TimeoutError: it did not answer in time" in caplog.text
