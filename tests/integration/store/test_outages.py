"""A database that is down, goes away, or says nothing any more."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.store.proxy import Proxy
from tests.integration.store.rows import batch, count
from tests.postgres import connected, database_at, execute
from volaris.errors import StoreError, StoreUnavailable
from volaris.store import Database, PriceRepository, pool

SIZE = 1_000


async def never_waits(_delay_s: float) -> None:
    raise AssertionError("there should have been no second try")


async def test_connect_tries_until_the_database_is_there(proxy: Proxy) -> None:
    proxy.cut()
    delays_s: list[float] = []
    reasons: list[str | None] = []

    async def sleep(delay_s: float) -> None:
        delays_s.append(delay_s)
        reasons.append(database.unavailable_reason)
        if len(delays_s) == 12:
            await proxy.accept()

    database = Database(proxy.url, sleep=sleep)
    await database.connect()

    assert len(delays_s) == 12
    assert all(0 <= delay_s <= min(15, 0.5 * 2**tries) for tries, delay_s in enumerate(delays_s))
    assert len(set(delays_s)) == 12
    assert all(reason and "ConnectionRefusedError: [Errno 111] Connect call failed" in reason for reason in reasons)
    assert database.unavailable_reason is None
    await database.ping()
    await database.close()


async def test_the_reason_of_an_outage_and_its_log_hold_no_secret(
    proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.cut()
    database: Database

    async def give_up(_delay_s: float) -> None:
        raise asyncio.CancelledError

    database = Database(proxy.url, sleep=give_up)
    with pytest.raises(asyncio.CancelledError):
        await database.connect()

    with pytest.raises(
        StoreUnavailable, match=r"^database test_.* at 127\.0\.0\.1:.*: ConnectionRefusedError: "
    ) as caught:
        await database.ping()
    assert database.unavailable_reason == str(caught.value)
    assert "next try in" in caplog.text
    assert "s3cret" not in caplog.text + str(caught.value)


async def test_connect_is_cancelled_while_it_waits(proxy: Proxy) -> None:
    proxy.cut()
    waits = asyncio.Event()

    async def sleep(_delay_s: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    connecting = asyncio.create_task(Database(proxy.url, sleep=sleep).connect(), name="connects")
    await waits.wait()
    connecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await connecting


async def test_connect_tries_again_where_the_database_is_not_made_yet(proxy: Proxy) -> None:
    said: list[str | None] = []

    async def sleep(_delay_s: float) -> None:
        said.append(database.unavailable_reason)
        raise asyncio.CancelledError

    database = Database(database_at(proxy.url, "to_come"), sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await database.connect()

    (reason,) = said
    assert reason
    assert reason.endswith('InvalidCatalogNameError: database "to_come" does not exist')


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql://u:s3/cret@h/db",
            "the database's address must look like postgresql://user:password@host:5432/name",
        ),
        (
            "postgresql://u:s3cret@h/db?sslmode=nonsense",
            "database db at h: ClientConfigurationError: `sslmode` parameter",
        ),
    ],
)
async def test_an_address_that_can_never_work_is_refused_at_once(url: str, said: str) -> None:
    database = Database(url, sleep=never_waits)

    with pytest.raises(StoreError, match=f"^{said}") as caught:
        await database.connect()

    assert type(caught.value) is StoreError
    assert database.unavailable_reason == str(caught.value)
    assert "s3" not in f"{caught.value} {caught.value.__cause__}"


async def test_a_database_that_goes_away_fails_what_runs_and_the_next_works_when_it_is_back(
    proxy: Proxy, database_url: str
) -> None:
    async with connected(proxy.url) as database:
        prices = PriceRepository(database)
        await prices.save(batch(1))

        proxy.cut()
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match=f"^{database.place}: "):
                await prices.save(batch(SIZE))
        with pytest.raises(StoreUnavailable, match="ConnectionRefusedError"):
            await database.ping()
        assert await count(database_url) == 1

        await proxy.accept()
        await database.ping()
        assert await prices.save(batch(SIZE)) == SIZE
        assert await count(database_url) == SIZE


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.9, 0.99])
async def test_there_is_no_half_batch_wherever_the_connection_is_cut(
    proxy: Proxy, database_url: str, share: float
) -> None:
    async with connected(proxy.url) as database:
        prices = PriceRepository(database)
        whole_bytes = await bytes_of_a_save(proxy, prices)

        proxy.cut_after(1 + int(share * whole_bytes))
        with pytest.raises(StoreUnavailable):
            await prices.save(batch(SIZE))

        assert await count(database_url) == 0
        await proxy.accept()
        assert await prices.save(batch(SIZE)) == SIZE
        assert await count(database_url) == SIZE


@pytest.mark.parametrize("from_end_bytes", [0, 50, 100, 150, 200, 250])
async def test_a_cut_about_the_commit_leaves_the_whole_batch_or_none(
    proxy: Proxy, database_url: str, from_end_bytes: int
) -> None:
    async with connected(proxy.url) as database:
        prices = PriceRepository(database)
        whole_bytes = await bytes_of_a_save(proxy, prices)

        proxy.cut_after(whole_bytes - from_end_bytes)
        try:
            saved = await prices.save(batch(SIZE))
        except StoreUnavailable:
            saved = 0  # or not: whoever is cut off waiting for the answer cannot know

        assert await count(database_url) in {saved, SIZE}


async def bytes_of_a_save(proxy: Proxy, prices: PriceRepository) -> int:
    """What `prices` sends for SIZE rows, up to and with what tidies the connection; the table is empty afterwards."""
    async with prices._database.acquire() as connection:
        before = proxy.sent_bytes
        await prices.save(batch(SIZE))
        sent_bytes = proxy.sent_bytes - before
        await connection.execute("TRUNCATE prices")
    return sent_bytes


async def test_a_session_that_the_server_ends_fails_one_batch(database: Database, database_url: str) -> None:
    async def insert() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO prices VALUES ('AAPL', '2010-01-04', 'simulated', 1)")
            await execute(database_url, f"SELECT pg_terminate_backend({connection.get_server_pid()}, 5000)")
            await connection.execute("SELECT 1")

    with pytest.raises(StoreUnavailable):
        await insert()

    assert await count(database_url) == 0
    assert await PriceRepository(database).save(batch(SIZE)) == SIZE


async def test_a_network_that_falls_silent_holds_nobody_longer_than_the_limits(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "TIDY_TIMEOUT_S", 0.05)
    async with (
        asyncio.timeout(60),
        connected(proxy.url, acquire_timeout_s=0.3, command_timeout_s=0.3, close_timeout_s=0.05) as database,
    ):
        proxy.fall_silent()
        with pytest.raises(StoreUnavailable):
            await PriceRepository(database).save(batch(1))
        with pytest.raises(StoreUnavailable, match=r"no connection was free within 0\.3 s; 0 of 5 are in use$"):
            await database.ping()


async def test_cancellation_is_not_lost_where_the_network_is_silent(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "TIDY_TIMEOUT_S", 0.05)
    silent = asyncio.Event()
    async with asyncio.timeout(60), connected(proxy.url, close_timeout_s=0.05) as database:

        async def hold() -> None:
            async with database.transaction() as connection:
                proxy.fall_silent()
                silent.set()
                await connection.execute("SELECT 1")

        task = asyncio.create_task(hold(), name="holds a transaction")
        await silent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
