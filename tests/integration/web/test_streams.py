"""Streams of rows: what fails before the first byte is an answer, and after it a cut; few at once, none for ever."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import aiohttp
import orjson
import pytest

from tests.integration.web.service import ROW, Parts, Prices, problem_in, serving
from volaris.errors import StoreError, StoreUnavailable
from volaris.store import PriceRow
from volaris.web import Streams

PATH = "/api/v1/prices/AAPL"
BATCHES = [
    [replace(ROW, quoted_at=ROW.quoted_at - timedelta(seconds=number * 1_000 + row)) for row in range(1_000)]
    for number in range(20)
]


@dataclass
class Streaming(Prices):
    """Gives batches, at an event's pace where there is one, and then an error where there is one."""

    batches: Sequence[Sequence[PriceRow]] = ()
    then: Exception | None = None
    go_on: asyncio.Event | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self, symbol: str) -> AsyncIterator[Sequence[PriceRow]]:
        try:
            for batch in self.batches:
                yield batch
                if self.go_on:
                    await self.go_on.wait()
            if self.then:
                raise self.then
        finally:
            self.closed.set()


async def read(parts: Parts, query: str) -> tuple[str, bytes]:
    async with serving(parts) as client, client.get(f"{PATH}?{query}") as response:
        assert response.status == 200
        return response.headers["Content-Type"], await response.read()


async def test_csv_has_a_head_and_all_rows_and_nothing_where_there_is_no_value() -> None:
    rows = [replace(ROW, source='a "source", odd', volume=None), replace(ROW, price=0.1 + 0.2)]
    content_type, body = await read(Parts(prices=Streaming(batches=[rows])), "format=csv")
    assert content_type == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(body.decode()))) == [
        ["symbol", "source", "price", "bid", "ask", "volume", "quoted_at"],
        ["AAPL", 'a "source", odd', "101.5", "101.25", "101.75", "", "2025-10-14T15:30:00Z"],
        ["AAPL", "simulated", "0.30000000000000004", "101.25", "101.75", "1000", "2025-10-14T15:30:00Z"],
    ]
    assert body.count(b"\n") == 3
    assert b"\r" not in body


async def test_ndjson_has_an_object_a_line() -> None:
    content_type, body = await read(Parts(prices=Streaming(batches=BATCHES[:2])), "format=ndjson")
    assert content_type == "application/x-ndjson"
    lines = body.splitlines()
    assert len(lines) == 2_000
    assert orjson.loads(lines[0]) == {
        "symbol": "AAPL",
        "source": "simulated",
        "price": 101.5,
        "bid": 101.25,
        "ask": 101.75,
        "volume": 1000,
        "quoted_at": "2025-10-14T15:30:00Z",
    }


@pytest.mark.parametrize(
    ("form", "body"), [("csv", b"symbol,source,price,bid,ask,volume,quoted_at\n"), ("ndjson", b"")]
)
async def test_no_rows_are_an_empty_file(form: str, body: bytes) -> None:
    assert (await read(Parts(prices=Streaming()), f"format={form}"))[1] == body


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("field", ["limit=5", "cursor=WyJwcmljZXMiLCIyMDI1LTEwLTE0VDE1OjMwOjAwWiIsImEiXQ"])
async def test_a_stream_has_no_pages(form: str, field: str) -> None:
    async with serving() as client, client.get(f"{PATH}?format={form}&{field}") as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {field.split("=")[0]: [f"not allowed with format={form}, which returns all rows"]}


@pytest.mark.parametrize(("error", "status"), [(StoreUnavailable("gone"), 503), (StoreError("odd"), 500)])
async def test_an_error_before_the_first_row_is_an_answer(error: Exception, status: int) -> None:
    parts = Parts(prices=Streaming(then=error))
    async with serving(parts) as client, client.get(f"{PATH}?format=csv") as response:
        await problem_in(response, status)
    assert parts.streams.running == 0


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), StoreError("gone"), ZeroDivisionError("gone")])
async def test_an_error_later_cuts_the_answer_short_and_is_logged_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    parts = Parts(prices=Streaming(batches=BATCHES[:1], then=error))
    async with serving(parts) as client:
        response = await client.get(f"{PATH}?format=csv")
        assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert parts.streams.running == 0
    assert [record.levelname for record in caplog.records] == [
        "ERROR" if isinstance(error, ZeroDivisionError) else "WARNING"
    ]
    assert "gone" in caplog.text


async def test_a_cut_is_a_reset_where_the_end_of_the_connection_is_the_end_of_the_file() -> None:
    go_on = asyncio.Event()
    parts = Parts(prices=Streaming(batches=BATCHES[:1], then=StoreUnavailable("gone"), go_on=go_on))
    async with serving(parts) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET {PATH}?format=csv HTTP/1.0\r\n\r\n".encode())
        assert b"200 OK" in await reader.readline()
        go_on.set()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_two_streams_run_at_once_and_a_third_is_told_when_to_come_back() -> None:
    go_on = asyncio.Event()
    parts = Parts(prices=Streaming(batches=BATCHES[:1], go_on=go_on))
    async with serving(parts) as client:
        async with client.get(f"{PATH}?format=csv") as one, client.get(f"{PATH}?format=ndjson") as two:
            async with client.get(f"{PATH}?format=csv") as third:
                document = await problem_in(third, 503)
                assert third.headers["Retry-After"] == "5"
            assert "2 exports are running" in str(document["detail"])
            go_on.set()
            assert (await one.read()).count(b"\n") == 1_001
            assert (await two.read()).count(b"\n") == 1_000
        async with client.get(f"{PATH}?format=csv") as again:
            assert again.status == 200
            await again.read()


async def test_a_client_that_goes_away_frees_what_it_held(caplog: pytest.LogCaptureFixture) -> None:
    prices = Streaming(batches=BATCHES * 50)  # a million rows: more than any buffer on the way takes
    parts = Parts(prices=prices)
    async with serving(parts) as client:
        response = await client.get(f"{PATH}?format=csv")
        await response.content.readline()
        assert parts.streams.running == 1
        response.close()
        async with asyncio.timeout(60):
            await prices.closed.wait()
    assert parts.streams.running == 0
    assert caplog.records == []


async def test_a_client_that_reads_nothing_is_cut_off_at_the_time_limit() -> None:
    prices = Streaming(batches=BATCHES * 50)
    parts = Parts(prices=prices, streams=Streams(time_limit_s=1.0))
    async with serving(parts) as client:
        response = await client.get(f"{PATH}?format=csv")
        await prices.closed.wait()
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert parts.streams.running == 0


async def test_a_database_that_gives_no_first_row_in_time_is_a_503() -> None:
    class Hangs(Prices):
        async def stream(self, symbol: str) -> AsyncIterator[Sequence[PriceRow]]:
            await asyncio.Event().wait()
            yield []

    parts = Parts(prices=Hangs(), streams=Streams(time_limit_s=0.05))
    async with serving(parts) as client, client.get(f"{PATH}?format=csv") as response:
        assert (await problem_in(response, 503))["detail"] == "the database returned no row within 0.05 s; try again"
    assert parts.streams.running == 0


async def test_head_has_the_head_and_reads_no_further_than_the_first_rows() -> None:
    prices = Streaming(batches=BATCHES, then=AssertionError("read to the end"))
    async with serving(Parts(prices=prices)) as client, client.head(f"{PATH}?format=csv") as response:
        assert response.status == 200
        assert response.content_type == "text/csv"
        assert await response.read() == b""
        assert prices.closed.is_set()
