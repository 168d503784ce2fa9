"""options_refresh where each call it makes fails once: it says so, leaves whole chains, and the next run succeeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.integration.jobs.market import BATCH_SIZE, SYMBOLS, Failing, FewSymbols, moments, run
from volaris.errors import BadDocument, SourceError, SourceUnavailable, StoreUnavailable
from volaris.market.constituents import constituents
from volaris.store import Database

CALLS = ("execute", "fetch", "fetchrow", "fetchval", "copy_to_table", "copy_from_query")


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


@pytest_asyncio.fixture
async def source(database: Database) -> AsyncIterator[FewSymbols]:
    """With one good run behind it."""
    source = FewSymbols()
    await run(source, database)
    yield source


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Failing]]:
    """What counts the driver's calls, each of which goes to the server: BEGIN, COMMIT and the reset after use too."""
    counting = [Failing()]

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(asyncpg.Connection, name)

        async def call(self: asyncpg.Connection[Any], *args: Any, **kwargs: Any) -> Any:
            counting[0].call()
            return await original(self, *args, **kwargs)

        return call

    for name in CALLS:
        monkeypatch.setattr(asyncpg.Connection, name, counted(name))
    yield counting
    counting[0] = Failing()


async def assert_next_run_succeeds(source: FewSymbols, database: Database) -> None:
    source.next_run()
    assert await run(source, database) > 0
    assert await moments(database) == [source.now] * len(SYMBOLS)
    assert database.statistics().in_use == 0


async def test_each_call_to_the_database_fails_once(
    source: FewSymbols, database: Database, calls: list[Failing]
) -> None:
    number, failures = 0, 0
    while True:
        number += 1
        before = source.now
        source.next_run()
        calls[0] = Failing(at=number)
        try:
            await run(source, database)
        except StoreUnavailable as error:
            assert "ConnectionResetError" in str(error)  # noqa: PT017 - not each call's failure is the run's
            failures += 1
        made = calls[0].calls
        calls[0] = Failing()
        assert database.statistics().in_use == 0
        found = await moments(database)
        assert set(found) <= {before, source.now}
        assert found == sorted(found, reverse=True), "batches are stored in their order"
        await assert_next_run_succeeds(source, database)
        if made < number:
            break
    # Three batches of BEGIN, partitions, heads, deletion, COPY, COMMIT; what gives a connection back may fail unseen.
    assert failures >= 3 * 6
    assert number > failures


@pytest.mark.parametrize("kind", [SourceUnavailable, BadDocument])
async def test_each_call_to_the_source_fails_once(
    source: FewSymbols, database: Database, kind: type[SourceError]
) -> None:
    for number in range(1, len(SYMBOLS) + 2):
        before = source.now
        source.next_run()
        source.failing = Failing(at=number, error=lambda: kind("simulated", "X", "made to fail"))
        with pytest.raises(kind, match="simulated: X: made to fail"):
            await run(source, database)
        found = await moments(database)
        if kind is BadDocument and number > 1:
            expected = [before if place == number - 2 else source.now for place in range(len(SYMBOLS))]
        else:
            stored = max(0, number - 2) // BATCH_SIZE * BATCH_SIZE
            expected = [source.now if place < stored else before for place in range(len(SYMBOLS))]
        assert found == expected
        await assert_next_run_succeeds(source, database)
