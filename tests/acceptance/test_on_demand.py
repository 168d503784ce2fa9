"""The whole service with the scheduler off: each data route fetches what it is asked for."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson
import pytest

from profiling.samples import sampler
from tests.acceptance.conftest import Running, Serve
from tests.acceptance.test_data_api import ROWS, SCHEMAS
from tests.integration.demand.market import Clock, RecordingSource
from tests.integration.web.service import document_in, problem_in
from volaris.errors import BadDocument, SourceUnavailable, UnknownSymbol
from volaris.jobs.sp500 import sync_constituents
from volaris.market.simulated import now_in_utc
from volaris.settings import Settings

PAST = datetime(2025, 10, 14, 15, 30, tzinfo=UTC)  # the market is there; the service has the machine's time
DEFAULTS: dict[str, Any] = {"profiling": "counters", "demand_timeout_s": 300}  # no fetch needs that long
PATHS = ["prices/AAPL", "options/AAPL", "iv/AAPL"]
NEEDED = {"prices/AAPL": {"quote"}, "options/AAPL": {"chain"}, "iv/AAPL": {"chain", "bars"}}

needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

On = Callable[..., Any]


@pytest.fixture
def on(serve: Serve, database_url: str) -> On:
    """Runs a service over an empty database, with a source that counts: `async with on() as (running, source)`."""

    @asynccontextmanager
    async def on(
        now: Callable[[], Any] = now_in_utc, **settings: Any
    ) -> AsyncIterator[tuple[Running, RecordingSource]]:
        source = await asyncio.to_thread(RecordingSource, now)
        async with serve(Settings(database_url=database_url, **DEFAULTS | settings), source) as running:
            await running.is_up()
            yield running, source

    return on


async def page_of(running: Running, path: str, **headers: str) -> Any:
    """The answer, held to its schema."""
    async with running.client.get(f"/api/v1/{path}", headers=headers) as response:
        return await document_in(response, SCHEMAS[path.partition("?")[0]])


@pytest.mark.parametrize("path", PATHS)
async def test_first_answer_has_data_that_were_fetched_for_it_and_the_next_one_the_same(on: On, path: str) -> None:
    async with on() as (running, source):
        never = await page_of(running, f"{path}?fresh=never")
        assert (never["count"], never["fetched"], never["age_s"], never["fetch_error"]) == (0, False, None, None)
        first = await page_of(running, path)
        assert first["count"] >= 1
        assert (first["fetched"], first["fetch_error"]) == (True, None)
        assert {kind for kind, _ in source.asked} == NEEDED[path]
        second = await page_of(running, path)
        assert second[ROWS[path]] == first[ROWS[path]]
        assert second["fetched"] is False
        assert second["age_s"] >= first["age_s"] >= 0
        assert set(source.asked.values()) == {1}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_stream_begins_when_the_data_are_fetched(on: On, path: str, form: str) -> None:
    async with on() as (running, source), running.client.get(f"/api/v1/{path}?format={form}") as response:
        assert response.status == 200
        text = await response.text()
        rows = list(csv.DictReader(io.StringIO(text))) if form == "csv" else text.splitlines()
        whole = await page_of(running, f"{path}?limit=1000&fresh=never")
        assert len(rows) == whole["count"] > 0
        assert set(source.asked.values()) == {1}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fresh", ["stale", "always"])
async def test_50_requests_at_once_fetch_once(on: On, path: str, fresh: str) -> None:
    async with on() as (running, source):
        if fresh == "always":
            source.stop()  # or the last requests could come after the fetch
        requests = [asyncio.create_task(page_of(running, f"{path}?fresh={fresh}")) for _ in range(50)]
        if fresh == "always":
            while running.service.demand.statistics().joined < 49:  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0)
            source.gate.set()
        pages = await asyncio.gather(*requests)
        assert set(source.asked.values()) == {1}
        assert all(page["fetched"] for page in pages)
        assert all(page[ROWS[path]] == pages[0][ROWS[path]] for page in pages)


@pytest.mark.parametrize("path", PATHS)
async def test_next_page_is_of_the_same_data_unless_it_is_told_otherwise(on: On, path: str) -> None:
    clock = Clock(PAST)
    async with on(clock, prices_interval_s=1e-9, options_interval_s=1e-9, iv_interval_s=1e-9) as (running, source):
        for _ in range(2):
            first = await page_of(running, f"{path}?limit=1")
            assert first["fetched"]
            clock.pass_s(86_400)
        asked = source.asked.total()
        second = await page_of(running, f"{path}?limit=1&cursor={first['next_cursor']}")
        assert (second["fetched"], source.asked.total()) == (False, asked)
        again = await page_of(running, f"{path}?limit=1&cursor={first['next_cursor']}&fresh=stale")
        assert again["fetched"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fresh", ["stale", "always"])
async def test_tag_never_hides_that_data_are_old(on: On, path: str, fresh: str) -> None:
    clock = Clock(PAST)
    path = f"{path}?fresh={fresh}"
    async with on(clock, prices_interval_s=1e-9, options_interval_s=1e-9, iv_interval_s=1e-9) as (running, source):
        async with running.client.get(f"/api/v1/{path}") as response:
            known = {"If-None-Match": response.headers["ETag"]}
        clock.pass_s(60)
        assert (await page_of(running, path, **known))["fetched"]
        source.error = SourceUnavailable("simulated", "AAPL", "the connection failed")
        async with running.client.get(f"/api/v1/{path}") as response:
            told = orjson.loads(await response.read())
            known = {"If-None-Match": response.headers["ETag"]}
        assert told["fetch_error"] == "simulated: AAPL: the connection failed"
        async with running.client.get(f"/api/v1/{path}", headers=known) as response:
            assert response.status == 304


@pytest.mark.parametrize("path", PATHS)
async def test_source_that_is_down_is_told_with_what_is_stored(on: On, path: str) -> None:
    async with on() as (running, source):
        first = await page_of(running, path)
        source.error = SourceUnavailable("simulated", "AAPL", "the connection failed")
        page = await page_of(running, f"{path}?fresh=always")
        assert (page["fetched"], page["fetch_error"]) == (False, "simulated: AAPL: the connection failed")
        assert page["age_s"] >= first["age_s"]
        assert page["count"] == first["count"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceUnavailable("simulated", "AAPL", "the connection failed"), 503),
        (BadDocument("simulated", "AAPL", "no JSON"), 502),
        (UnknownSymbol("simulated", "AAPL", "the feed has no such document"), 404),
    ],
)
async def test_source_that_is_down_is_a_problem_if_nothing_is_stored(
    on: On, path: str, error: Exception, status: int
) -> None:
    async with on() as (running, source):
        source.error = error
        for query in ("", "?format=csv", "?format=ndjson"):
            async with running.client.get(f"/api/v1/{path}{query}") as response:
                assert (await problem_in(response, status))["detail"] == str(error)
                assert ("Retry-After" in response.headers) == (status == 503)


@pytest.mark.parametrize("path", PATHS)
async def test_source_that_is_too_slow_is_a_504(on: On, path: str) -> None:
    async with on(demand_timeout_s=0.05) as (running, source):
        source.stop()
        async with running.client.get(f"/api/v1/{path}") as response:
            detail = str((await problem_in(response, 504))["detail"])
            assert response.headers["Retry-After"] == "5"
    assert detail.endswith(" of AAPL could not be fetched within 0.05 s; try again")


async def test_too_many_waiting_fetches_are_a_503(on: On) -> None:
    async with on(demand_at_once=1) as (running, source):
        source.stop()
        symbols = [entry.symbol for entry in await source.symbols()]
        tasks = [asyncio.create_task(running.json(f"/api/v1/prices/{symbol}")) for symbol in symbols[:33]]
        while running.service.demand.statistics().started < 33:  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0)
        async with running.client.get(f"/api/v1/prices/{symbols[33]}") as response:
            detail = (await problem_in(response, 503))["detail"]
            assert response.headers["Retry-After"] == "5"
        assert detail == "32 fetches from the market source are waiting, and no more may wait; try again"
        source.gate.set()
        assert all(page["fetched"] for page in await asyncio.gather(*tasks))


async def test_screener_fetches_the_members_and_the_figures_that_are_missing(on: On) -> None:
    async with on() as (running, source):
        page = await page_of(running, "screener?sort=iv30&limit=500&fresh=never")
        assert (page["count"], page["fetched"], page["age_s"], source.asked.total()) == (0, False, None, 0)
        await running.json("/api/v1/iv/AAPL")
        pages = await asyncio.gather(*[page_of(running, "screener?sort=iv30&limit=500") for _ in range(5)])
        assert all(page["fetched"] and page["count"] == 500 and page["fetch_error"] is None for page in pages)
        members = {entry.symbol for entry in await source.constituents()}
        assert {symbol for kind, symbol in source.asked if kind == "chain"} >= members
        assert max(times for (kind, _), times in source.asked.items() if kind == "chain") == 1
        asked = source.asked.total()
        assert not (await page_of(running, "screener?sort=iv30"))["fetched"]
        assert source.asked.total() == asked


async def test_screener_tells_what_is_stored_if_the_source_fails(on: On) -> None:
    async with on() as (running, source):
        await running.json("/api/v1/iv/AAPL")
        await sync_constituents(source, running.service.store.constituents)
        source.error = SourceUnavailable("simulated", "A", "it is down")
        page = await page_of(running, "screener?sort=iv30")
        assert (page["fetched"], [member["symbol"] for member in page["members"]]) == (False, ["AAPL"])
        assert page["fetch_error"] == "simulated: A: it is down"


async def test_service_that_stops_in_a_fetch_leaves_nothing_behind(on: On) -> None:
    async with on() as (running, source):
        source.stop()
        request = asyncio.create_task(running.client.get("/api/v1/iv/AAPL"))
        await source.waits.wait()
        await running.service.demand.close()
        async with await request as response:
            assert "the service is stopping" in str((await problem_in(response, 503))["detail"])
    assert source.at_once == 0


@needs_samples
async def test_fetches_are_scopes_of_the_profiler_without_the_symbol(on: On) -> None:
    async with on(profiling="adaptive") as (running, _):
        for symbol in ("AAPL", "MSFT"):
            await running.json(f"/api/v1/prices/{symbol}")
            await running.json(f"/api/v1/iv/{symbol}")
        scopes = {entry["scope"]: entry for entry in (await running.json("/debug/scopes"))["scopes"]}
        fetches = {name: entry["calls"] for name, entry in scopes.items() if name.startswith("fetch")}
        assert fetches == {"fetch quote": 2, "fetch chain": 2, "fetch figures": 2}


async def test_fetches_do_not_hold_the_loop(on: On) -> None:
    async with on() as (running, source):
        await running.json("/api/v1/iv/AAPL")  # imports, and plans of the database
        turns: list[float] = []

        async def watch() -> None:
            while True:
                turns.append(time.thread_time())  # of the loop's thread: those of the workers hold nothing
                await asyncio.sleep(0)

        gc.disable()  # what it takes depends on all that the tests before have left
        watching = asyncio.create_task(watch())
        try:
            for entry in (await source.symbols())[:20]:
                for route in ("prices", "options", "iv"):
                    await running.json(f"/api/v1/{route}/{entry.symbol}?fresh=always")
        finally:
            gc.enable()
            watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert max(after - before for before, after in pairwise(turns)) < 0.05


async def test_replayed_prices_never_become_stale_and_have_no_chains(serve: Serve, database_url: str) -> None:
    settings = Settings(database_url=database_url, market_source="replay", prices_interval_s=1e-9, **DEFAULTS)
    async with serve(settings) as running:
        await running.is_up()
        first = await page_of(running, "prices/AAPL")
        assert (first["fetched"], first["count"]) == (True, 1)
        assert first["age_s"] > 20 * 365 * 86_400
        second = await page_of(running, "prices/AAPL")
        assert (second["fetched"], second["prices"]) == (False, first["prices"])
        assert (await page_of(running, "prices/AAPL?fresh=always"))["count"] == 2
        for path in ("options/AAPL", "iv/AAPL"):
            async with running.client.get(f"/api/v1/{path}") as response:
                assert "replayed data has no option chains" in str((await problem_in(response, 502))["detail"])
