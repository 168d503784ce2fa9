"""The application under test on a real server, with small readers that refuse what a test does not expect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import Schema

from profiling.web.problems import CONTENT_TYPE
from volaris.web import MIDDLEWARES, Readiness, add_routes
from volaris.web.schemas import ProblemSchema

Client = TestClient[web.Request, web.Application]
Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stored quote."""

    source: str = "simulated"
    price: float = 101.5
    bid: float | None = 101.25
    ask: float | None = 101.75
    volume: int | None = 1_000
    quoted_at: datetime = datetime(2025, 10, 14, 15, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listed:
    """A member of the universe."""

    symbol: str
    name: str


@dataclass
class Prices:
    """Answers one question, with rows or an error; any other fails the test."""

    expected: tuple[str, int] | None = None
    rows: Sequence[Row] = ()
    error: Exception | None = None

    async def latest(self, symbol: str, limit: int) -> Sequence[Row]:
        assert (symbol, limit) == self.expected
        if self.error:
            raise self.error
        return self.rows


@dataclass
class Directory:
    """Three symbols, or an error."""

    listed: tuple[Listed, ...] = (Listed("AAPL", "Apple"), Listed("BRK.B", "Berkshire Hathaway"), Listed("MSFT", "M"))
    error: Exception | None = None

    async def symbols(self) -> tuple[Listed, ...]:
        if self.error:
            raise self.error
        return self.listed


async def never_asked() -> None:
    raise AssertionError("no test of this kind asks whether the service is ready")


@dataclass
class Parts:
    """What the application is made of in a test."""

    prices: Prices = field(default_factory=Prices)
    directory: Directory = field(default_factory=Directory)
    ready: Readiness = never_asked


def make_app(parts: Parts | None = None) -> web.Application:
    parts = parts or Parts()
    app = web.Application(middlewares=MIDDLEWARES)
    add_routes(app, price_reader=parts.prices, symbol_directory=parts.directory, ready=parts.ready)
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
