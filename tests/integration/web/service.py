"""The application under test on a real server, with small readers that refuse what a test does not expect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import Schema

from profiling import MemoryLimit, MemoryUsage
from profiling.errors import UnknownJob
from profiling.web import Access, JobControl, JobInfo
from profiling.web.problems import CONTENT_TYPE
from volaris.demand import Answer, Fresh
from volaris.store import PriceKey, PriceRow
from volaris.web import MIDDLEWARES, Overview, Readers, Readiness, Streams, access_of, add_routes
from volaris.web.prices import PriceReader
from volaris.web.schemas import ProblemSchema

Client = TestClient[web.Request, web.Application]
Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Listed:
    """A member of the universe."""

    symbol: str
    name: str


AGE_S = 12.5
ROW = PriceRow(
    symbol="AAPL",
    source="simulated",
    price=101.5,
    bid=101.25,
    ask=101.75,
    volume=1_000,
    quoted_at=datetime(2025, 10, 14, 15, 30, tzinfo=UTC),
)


@dataclass
class Prices:
    """Knows the rows of one symbol, or an error; any other symbol fails the test."""

    symbol: str = "AAPL"
    rows: Sequence[PriceRow] = ()
    error: Exception | None = None

    async def latest(self, symbol: str, limit: int, *, after: PriceKey | None = None) -> Sequence[PriceRow]:
        assert symbol == self.symbol
        assert 1 <= limit <= 1000
        if self.error:
            raise self.error
        return [row for row in self.rows if after is None or row.quoted_at < after.quoted_at][:limit]

    def stream(self, symbol: str) -> AsyncIterator[Sequence[PriceRow]]:
        raise AssertionError("a test of streams brings its own")


@dataclass
class StoredPrices:
    """Answers with what is stored; in these tests nothing is fetched."""

    prices: PriceReader

    async def quote(self, symbol: str, fresh: Fresh) -> Answer[PriceRow]:
        rows = await self.prices.latest(symbol, 1)
        return Answer(record=rows[0] if rows else None, fetched=False, age_s=AGE_S if rows else None, fetch_error=None)

    async def chain(self, symbol: str, fresh: Fresh) -> Answer[Any]:
        raise AssertionError("no test of this kind asks for chains")

    async def index(self, fresh: Fresh) -> Answer[Any]:
        raise AssertionError("no test of this kind asks for the index")

    figures = chain


class NotAsked:
    """Stands where a test asks for nothing."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"no test of this kind asks for {name}")


@dataclass
class Directory:
    """Three symbols, or an error."""

    listed: tuple[Listed, ...] = (Listed("AAPL", "Apple"), Listed("BRK.B", "Berkshire Hathaway"), Listed("MSFT", "M"))
    error: Exception | None = None

    async def symbols(self) -> tuple[Listed, ...]:
        if self.error:
            raise self.error
        return self.listed


class NoJobs:
    """A scheduler that has no job."""

    enabled = False

    def jobs(self) -> Sequence[JobInfo]:
        return ()

    def run_now(self, job_id: str) -> None:
        raise UnknownJob(job_id, ())

    pause = resume = run_now


async def never_asked() -> None:
    raise AssertionError("no test of this kind asks whether the service is ready")


@dataclass
class Parts:
    """What the application is made of in a test."""

    prices: PriceReader = field(default_factory=Prices)
    chains: Any = field(default_factory=NotAsked)
    metrics: Any = field(default_factory=NotAsked)
    members: Any = field(default_factory=NotAsked)
    directory: Directory = field(default_factory=Directory)
    ready: Readiness = never_asked
    streams: Streams = field(default_factory=Streams)
    jobs: JobControl = field(default_factory=NoJobs)
    access: Access = field(default_factory=lambda: access_of("development", None))
    environment: str = "development"


def memory() -> MemoryUsage:
    """A quarter of 512 MB."""
    limit = MemoryLimit(limit_bytes=512 * 2**20, source="setting")
    return MemoryUsage(rss_bytes=128 * 2**20, vms_bytes=256 * 2**20, limit=limit)


def make_app(parts: Parts | None = None) -> web.Application:
    parts = parts or Parts()
    app = web.Application(middlewares=MIDDLEWARES)
    readers = Readers(prices=parts.prices, chains=parts.chains, metrics=parts.metrics, members=parts.members)
    add_routes(
        app,
        readers=readers,
        demand=StoredPrices(parts.prices),
        symbol_directory=parts.directory,
        ready=parts.ready,
        overview_of=Overview(memory=memory, jobs=parts.jobs, access=parts.access, environment=parts.environment),
        streams=parts.streams,
    )
    return app


@asynccontextmanager
async def serving(parts: Parts | None = None) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(parts))) as client:
        yield client


async def document_in(response: aiohttp.ClientResponse, schema: Schema) -> Document:
    """The JSON of a 200, held to its schema: no member is missing, of another type, or too many."""
    assert response.status == HTTPStatus.OK
    assert response.content_type == "application/json"
    return checked(await response.read(), schema)


async def problem_in(response: aiohttp.ClientResponse, status: int) -> Document:
    """The problem that an answer with this status holds."""
    assert response.status == status
    assert response.content_type == CONTENT_TYPE
    document = checked(await response.read(), ProblemSchema())
    assert document["status"] == status
    assert document["title"] == HTTPStatus(status).phrase
    return document


def checked(body: bytes, schema: Schema) -> Document:
    document = orjson.loads(body)
    assert schema.validate(document) == {}
    assert isinstance(document, dict)
    return document
