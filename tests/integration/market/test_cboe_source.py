"""Cboe's feed over a real server: what it serves, and everything a server does wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
import pytest
import pytest_asyncio
from aiohttp import ServerDisconnectedError, web
from aiohttp.test_utils import TestServer

from tests.shared import shared_file
from volaris.errors import BadDocument, SourceTimeout, SourceUnavailable, UnknownSymbol
from volaris.market import ChainBounds, cboe
from volaris.market.cboe import CboeSource
from volaris.market.cboe_document import parse_quote
from volaris.market.constituents import constituents
from volaris.market.records import Quote


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


class Feed:
    """A server whose answers a test decides by symbol; a list is used up one by one, its last stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Callable[[str], Awaitable[web.StreamResponse]]]] = {}
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.request: web.Request
        self.at_once = self.most_at_once = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        symbol = request.match_info["name"].removesuffix(".json")
        self.request = request
        self.asked.append(symbol)
        self.was_asked.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            answers = self.answers.get(symbol, [good])
            return await (answers.pop(0) if len(answers) > 1 else answers[0])(symbol)
        finally:
            self.at_once -= 1


async def good(symbol: str) -> web.Response:
    data = {"symbol": symbol, "current_price": 10.0, "bid": 9.9, "ask": 10.1, "volume": 5}
    return web.Response(body=orjson.dumps({"data": data | {"last_trade_time": "2026-07-24T15:59:59"}}))


def status(code: int) -> Callable[[str], Awaitable[web.Response]]:
    async def answer(_symbol: str) -> web.Response:
        return web.Response(status=code, text="secret content")

    return answer


def body(content: bytes) -> Callable[[str], Awaitable[web.Response]]:
    async def answer(_symbol: str) -> web.Response:
        return web.Response(body=content)

    return answer


async def hang(_symbol: str) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")


def dropping(feed: Feed, begun: bytes) -> Callable[[str], Awaitable[web.StreamResponse]]:
    """Closes the connection after a head that promises 1 000 bytes and these few of them, or after nothing at all."""

    async def answer(_symbol: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        if begun:
            await response.prepare(feed.request)
            await response.write(begun)
        assert feed.request.transport is not None
        feed.request.transport.close()
        return response

    return answer


@pytest_asyncio.fixture
async def feed() -> AsyncIterator[Feed]:
    feed = Feed()
    app = web.Application()
    app.router.add_get("/options/{name}", feed.answer)
    async with TestServer(app) as server:
        feed.url = str(server.make_url("/options/"))
        yield feed


@pytest_asyncio.fixture
async def naps() -> list[float]:
    return []


@pytest_asyncio.fixture
async def source(feed: Feed, naps: list[float]) -> AsyncIterator[CboeSource]:
    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    source = CboeSource(feed.url, sleep=sleep, max_document_bytes=1 << 20)
    yield source
    await source.aclose()


@pytest.fixture(scope="module")
def real_document() -> bytes:
    return shared_file("cboe/CLX.json").read_bytes()


async def test_real_document_is_served_as_its_quote(feed: Feed, source: CboeSource, real_document: bytes) -> None:
    feed.answers["CLX"] = [body(real_document)]
    (quote,) = await source.quotes(["CLX"])
    assert (quote.symbol, quote.source, quote.price, quote.bid, quote.ask) == ("CLX", "cboe", 95.55, 95.15, 95.7)


async def test_quotes_come_in_the_order_they_were_asked_for_four_at_a_time(feed: Feed, source: CboeSource) -> None:
    symbols = ["A", "AAPL", "BRK.B", "CLX", "XOM", "IBM"]
    assert [quote.symbol for quote in await source.quotes(symbols)] == symbols
    assert sorted(feed.asked) == sorted(symbols)
    assert feed.most_at_once <= 4


async def test_server_error_is_tried_again(feed: Feed, source: CboeSource, naps: list[float]) -> None:
    feed.answers["CLX"] = [status(503), status(429), good]
    (quote,) = await source.quotes(["CLX"])
    assert quote.price == 10.0
    assert len(feed.asked) == 3
    assert len(naps) == 2


async def test_server_error_that_stays_is_unavailable_with_symbol_and_status(feed: Feed, source: CboeSource) -> None:
    feed.answers["CLX"] = [status(500)]
    with pytest.raises(SourceUnavailable, match="cboe: CLX: the feed answered with status 500"):
        await source.quotes(["CLX"])
    assert len(feed.asked) == 3


@pytest.mark.parametrize("code", [403, 404])
async def test_document_that_is_not_there_is_an_unknown_symbol_and_not_tried_again(
    feed: Feed, source: CboeSource, code: int
) -> None:
    feed.answers["NOPE"] = [status(code)]
    with pytest.raises(UnknownSymbol, match=rf"cboe: NOPE: the feed has no such document \(status {code}\)"):
        await source.quotes(["NOPE"])
    assert feed.asked == ["NOPE"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b'{"data": {"symbol": "CLX", "cur', "the document of 31 bytes is not valid JSON: Input data was truncated"),
        (
            b"<html>maintenance</html>",
            r"the document of 24 bytes is not valid JSON: JSON is malformed: invalid character \(byte 0\)",
        ),
        (b'{"data": {"symbol": "XOM"}}', "the document is about another symbol"),
        (b"x" * ((1 << 20) + 1), "over 1 MB"),
    ],
)
async def test_rubbish_is_a_bad_document_and_not_tried_again(
    feed: Feed, source: CboeSource, content: bytes, cause: str
) -> None:
    feed.answers["CLX"] = [body(content)]
    with pytest.raises(BadDocument, match=f"cboe: CLX: {cause}"):
        await source.quotes(["CLX"])
    assert feed.asked == ["CLX"]


async def test_slow_answer_is_a_timeout_that_names_the_symbol(feed: Feed) -> None:
    feed.answers["CLX"] = [hang]

    async def no_nap(_seconds: float) -> None:
        return

    source = CboeSource(feed.url, timeout_s=0.05, sleep=no_nap)
    with pytest.raises(SourceTimeout, match=r"cboe: CLX: it did not answer within 0.05 s"):
        await source.quotes(["CLX"])
    assert feed.asked == ["CLX"] * 3
    await source.aclose()


async def test_server_that_is_not_there_is_unavailable(unused_port: int) -> None:
    async def no_nap(_seconds: float) -> None:
        return

    source = CboeSource(f"http://127.0.0.1:{unused_port}", sleep=no_nap)
    with pytest.raises(SourceUnavailable, match="cboe: CLX: the connection failed with ClientConnectorError"):
        await source.quotes(["CLX"])
    await source.aclose()


@pytest_asyncio.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_dropped_connection_is_tried_again_and_then_unavailable_from_the_drivers_error(
    feed: Feed, source: CboeSource
) -> None:
    feed.answers["CLX"] = [dropping(feed, b""), good]
    assert [quote.price for quote in await source.quotes(["CLX"])] == [10.0]
    feed.answers["CLX"] = [dropping(feed, b"")]
    with pytest.raises(
        SourceUnavailable, match="cboe: CLX: the connection failed with ServerDisconnectedError"
    ) as caught:
        await source.quotes(["CLX"])
    assert isinstance(caught.value.__cause__, ServerDisconnectedError)


async def test_body_that_ends_before_its_length_is_unavailable(feed: Feed, source: CboeSource) -> None:
    feed.answers["CLX"] = [dropping(feed, b'{"data": ')]
    with pytest.raises(SourceUnavailable, match="cboe: CLX: the connection failed with ClientPayloadError"):
        await source.quotes(["CLX"])


async def test_documents_are_parsed_one_at_a_time(source: CboeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    both_inside = threading.Barrier(2)
    met: list[str] = []

    def parse(document: bytes, symbol: str) -> Quote:
        try:
            both_inside.wait(timeout=0.05)
            met.append(symbol)
        except threading.BrokenBarrierError:
            both_inside.reset()
        return parse_quote(document, symbol)

    monkeypatch.setattr(cboe, "parse_quote", parse)
    assert len(await source.quotes(["AAPL", "CLX", "IBM", "XOM"])) == 4
    assert met == [], "two documents in the parser at once stop the loop for twice as long"


async def test_first_failure_ends_the_other_requests(feed: Feed, source: CboeSource) -> None:
    feed.answers["CLX"] = [status(404)]
    feed.answers["AAPL"] = feed.answers["IBM"] = [hang]
    with pytest.raises(UnknownSymbol, match="CLX"):
        await source.quotes(["AAPL", "CLX", "IBM"])


async def test_cancelled_call_lets_go_of_its_requests(feed: Feed, source: CboeSource) -> None:
    feed.answers["CLX"] = [hang]
    asking = asyncio.create_task(source.quotes(["CLX"]))
    await feed.was_asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_universe_is_that_of_the_index(source: CboeSource) -> None:
    assert len(await source.symbols()) == 503


async def test_chain_comes_from_the_real_document_within_the_bounds(
    feed: Feed, source: CboeSource, real_document: bytes
) -> None:
    feed.answers["CLX"] = [status(503), body(real_document)]
    chain = await source.chain("CLX", ChainBounds())
    assert (chain.symbol, chain.spot, len(chain), chain.listed) == ("CLX", 95.55, 20, 27)
    assert len(feed.asked) == 2


async def test_bar_comes_from_the_real_document(feed: Feed, source: CboeSource, real_document: bytes) -> None:
    feed.answers["CLX"] = [body(real_document)]
    bars = await source.bars("CLX", 60)
    assert (len(bars), bars.high.tolist(), bars.low.tolist()) == (1, [96.0299], [93.45])


async def test_members_have_sectors(source: CboeSource) -> None:
    assert all(member.sector for member in await source.constituents())
