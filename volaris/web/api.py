"""The data API: stored prices of a symbol, and the symbols there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from profiling.web.problems import Problem
from volaris.errors import SourceTimeout, SourceUnavailable, StoreUnavailable
from volaris.web.handlers import described, json_answer, with_query
from volaris.web.schemas import NoQuerySchema, PricesQuerySchema, PricesSchema, SymbolsSchema

RETRY_AFTER_S = 5
KNOWN_SHOWN = 20


class StoredPrice(Protocol):
    """What a stored quote says."""

    @property
    def source(self) -> str: ...
    @property
    def price(self) -> float: ...
    @property
    def bid(self) -> float | None: ...
    @property
    def ask(self) -> float | None: ...
    @property
    def volume(self) -> int | None: ...
    @property
    def quoted_at(self) -> datetime: ...


class ListedSymbol(Protocol):
    """What is known of a member of the universe."""

    @property
    def symbol(self) -> str: ...
    @property
    def name(self) -> str: ...


class PriceReader(Protocol):
    """Where stored prices are read."""

    async def latest(self, symbol: str, limit: int) -> Sequence[StoredPrice]:
        """At most `limit` rows of a symbol, newest first. Raises StoreUnavailable."""
        ...


class SymbolDirectory(Protocol):
    """Who knows which symbols there are."""

    async def symbols(self) -> Sequence[ListedSymbol]:
        """All of them. Raises SourceUnavailable or SourceTimeout where they are looked up elsewhere."""
        ...


PRICES: web.AppKey[PriceReader] = web.AppKey("prices")
SYMBOLS: web.AppKey[SymbolDirectory] = web.AppKey("symbols")


@described(
    "Stored prices of a symbol, newest first",
    PricesSchema(),
    {
        404: "no such symbol",
        422: "a query parameter does not fit",
        503: "database or market source cannot be reached for now",
    },
)
@with_query(PricesQuerySchema())
async def prices(request: web.Request, query: Mapping[str, Any]) -> web.Response:
    """GET /api/v1/prices/{symbol}?limit="""
    symbol = request.match_info["symbol"]
    known = [listed.symbol for listed in await request.app[SYMBOLS].symbols()]
    if symbol not in known:
        raise unknown_symbol(symbol, known)
    rows = await request.app[PRICES].latest(symbol, query["limit"])
    return json_answer({"symbol": symbol, "count": len(rows), "prices": [_price(row) for row in rows]})


@described(
    "The symbols there are",
    SymbolsSchema(),
    {422: "a query parameter does not fit", 503: "the market source cannot be reached for now"},
)
@with_query(NoQuerySchema())
async def symbols(request: web.Request, _query: Mapping[str, Any]) -> web.Response:
    """GET /api/v1/symbols"""
    listed = await request.app[SYMBOLS].symbols()
    return json_answer(
        {"count": len(listed), "symbols": [{"symbol": entry.symbol, "name": entry.name} for entry in listed]}
    )


def unknown_symbol(symbol: str, known: Iterable[str]) -> Problem:
    """404 that says what exists: the nearest symbols, the first ones, and how many there are in all."""
    there = sorted(known)
    near = get_close_matches(symbol.upper(), there, n=5)
    hint = f"did you mean {' or '.join(near)}?" if near else "is it spelt as on the exchange?"
    return Problem(
        HTTPStatus.NOT_FOUND,
        f"no symbol {symbol!r}; {hint} GET /api/v1/symbols lists all {len(there)}",
        extra={"near": near, "known": there[:KNOWN_SHOWN], "known_count": len(there)},
    )


@web.middleware
async def outages_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers 503 with the reason while the database or the market source cannot be reached."""
    try:
        return await handler(request)
    except (StoreUnavailable, SourceUnavailable, SourceTimeout) as error:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=headers) from error


def _price(row: StoredPrice) -> dict[str, object]:
    return {
        "source": row.source,
        "price": row.price,
        "bid": row.bid,
        "ask": row.ask,
        "volume": row.volume,
        "quoted_at": row.quoted_at,
    }
