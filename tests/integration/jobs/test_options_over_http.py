"""options_refresh over Cboe's feed where each request fails: it says so, and leaves chains whole for the next run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.shared import shared_file
from volaris.errors import BadDocument, SourceUnavailable, UnknownSymbol
from volaris.jobs.options import refresh_options
from volaris.market import ChainBounds, Symbol
from volaris.market.cboe import CboeSource
from volaris.market.cboe_document import parse_chain
from volaris.market.constituents import constituents
from volaris.store import Database, OptionsRepository

SYMBOLS = ("CLX", "MSFT", "XOM")
BATCH_SIZE = 2
BOUNDS = ChainBounds()
FOREVER = 1_000
LAST_TRADE = "2026-07-24T15:59:59"  # in the real document
NEW_YORK = ZoneInfo("America/New_York")
FIRST_RUN = datetime(2026, 7, 24, 10, 0)  # noqa: DTZ001 - as the feed writes it


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


class Feed:
    """The real document under three names, ten minutes later with each run; fails in the requests it is told."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.now = FIRST_RUN
        self.requests = 0
        self.failing = range(0)  # by number, the run's first request is 1
        self.how = ""

    def next_run(self, *, failing: range = range(0), how: str = "") -> None:
        self.now += timedelta(minutes=10)
        self.requests, self.failing, self.how = 0, failing, how

    def text(self, symbol: str, now: datetime) -> bytes:
        return self.document.replace(b"CLX", symbol.encode()).replace(LAST_TRADE.encode(), now.isoformat().encode())

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        whole = self.text(request.match_info["name"].removesuffix(".json"), self.now)
        if self.requests not in self.failing:
            return web.Response(body=whole)
        if self.how == "drops the connection":
            assert request.transport is not None
            request.transport.close()
        if self.how == "answers 503":
            return web.Response(status=503)
        if self.how == "has no such document":
            return web.Response(status=404)
        return web.Response(body=whole[: len(whole) // 2])


class ThreeSymbols(CboeSource):
    """The feed's source, which asks for three symbols only."""

    async def symbols(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(symbol=symbol, name=symbol) for symbol in SYMBOLS)


@pytest.fixture
def feed() -> Feed:
    return Feed(shared_file("cboe/CLX.json").read_bytes())


@pytest_asyncio.fixture
async def source(feed: Feed) -> AsyncIterator[CboeSource]:
    app = web.Application()
    app.router.add_get("/{name}", feed.answer)
    async with TestServer(app) as server:
        source = ThreeSymbols(str(server.make_url("/")), sleep=lambda _s: asyncio.sleep(0))
        yield source
        await source.aclose()


async def moments(feed: Feed, options: OptionsRepository) -> list[datetime]:
    """When each symbol's chain is of; each has been seen to be the document of that time, whole."""
    found = []
    for symbol in SYMBOLS:
        rows = await options.chain(symbol)
        assert rows is not None
        moment = rows.quoted_at.astimezone(NEW_YORK).replace(tzinfo=None)
        chain = parse_chain(feed.text(symbol, moment), symbol, BOUNDS)
        assert (rows.spot, rows.strike.tolist(), rows.bid.tolist()) == (
            chain.spot,
            chain.strike.tolist(),
            chain.bid.tolist(),
        )
        found.append(moment)
    return found


@pytest.mark.parametrize("how", ["drops the connection", "answers 503"])
async def test_each_request_that_fails_once_is_tried_again(
    how: str, feed: Feed, source: CboeSource, database: Database
) -> None:
    options = OptionsRepository(database)
    for number in range(1, len(SYMBOLS) + 1):
        feed.next_run(failing=range(number, number + 1), how=how)
        assert await refresh_options(source, options, BATCH_SIZE, BOUNDS) > 0
        assert feed.requests == len(SYMBOLS) + 1
        assert await moments(feed, options) == [feed.now] * len(SYMBOLS)
    assert database.statistics().in_use == 0


@pytest.mark.parametrize("how", ["drops the connection", "answers 503", "breaks off", "has no such document"])
async def test_any_request_that_fails_for_good_is_told_and_leaves_whole_chains(
    how: str, feed: Feed, source: CboeSource, database: Database
) -> None:
    options = OptionsRepository(database)
    await refresh_options(source, options, BATCH_SIZE, BOUNDS)
    is_outage = how in {"drops the connection", "answers 503"}
    for number in range(1, len(SYMBOLS) + 1):
        before = feed.now
        feed.next_run(failing=range(number, FOREVER if is_outage else number + 1), how=how)
        with pytest.raises((SourceUnavailable,) if is_outage else (BadDocument, UnknownSymbol)) as told:
            await refresh_options(source, options, BATCH_SIZE, BOUNDS)
        assert SYMBOLS[number - 1] in str(told.value)
        if is_outage:  # the batches before it are stored
            stored = (number - 1) // BATCH_SIZE * BATCH_SIZE
            expected = [feed.now] * stored + [before] * (len(SYMBOLS) - stored)
        else:  # the other symbols are
            expected = [before if place == number - 1 else feed.now for place in range(len(SYMBOLS))]
        assert await moments(feed, options) == expected
        assert database.statistics().in_use == 0

        feed.next_run()
        assert await refresh_options(source, options, BATCH_SIZE, BOUNDS) > 0
        assert await moments(feed, options) == [feed.now] * len(SYMBOLS)
