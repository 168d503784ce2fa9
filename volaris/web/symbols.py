"""GET /api/v1/symbols, and the answer of all routes for an unknown symbol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from aiohttp import web
from marshmallow import fields

from profiling.web.problems import Problem
from volaris.demand import SymbolDirectory
from volaris.web.handlers import described, json_answer, with_query
from volaris.web.paging import MAX_ROWS, CursorCodec, CursorField, PageQuery, PageSchema, limit_field, parse_text
from volaris.web.schemas import Strict

KNOWN_SHOWN = 20
KEY = CursorCodec("symbols", parse_text)


SYMBOLS: web.AppKey[SymbolDirectory] = web.AppKey("symbols")


class SymbolsQuerySchema(PageQuery):
    """The query of GET /api/v1/symbols."""

    default_limit = MAX_ROWS
    limit = limit_field(MAX_ROWS)
    cursor = CursorField(KEY)


class SymbolSchema(Strict):
    """One symbol of the market source."""

    symbol = fields.String(required=True, metadata={"example": "AAPL"})
    name = fields.String(required=True, metadata={"example": "Apple Inc."})


class SymbolsSchema(PageSchema):
    """All symbols of the current market source."""

    symbols = fields.List(fields.Nested(SymbolSchema), required=True, metadata={"description": "sorted by symbol"})


@described(
    "All symbols",
    SymbolsSchema(),
    {422: "a query parameter is wrong", 503: "the market source is unavailable"},
)
@with_query(SymbolsQuerySchema())
async def symbols(request: web.Request, query: Mapping[str, Any]) -> web.Response:
    """Answer GET /api/v1/symbols?limit=&cursor= with a page of symbols, or with all of them."""
    (after,) = query["cursor"] or ("",)
    listed = sorted(await request.app[SYMBOLS].symbols(), key=lambda entry: entry.symbol)
    rest = [entry for entry in listed if entry.symbol > after]
    page = rest[: query["limit"]]
    return json_answer(
        {
            "count": len(page),
            "symbols": [{"symbol": entry.symbol, "name": entry.name} for entry in page],
            "next_cursor": KEY.encode(page[-1].symbol) if len(rest) > len(page) else None,
        }
    )


async def known_symbol(request: web.Request) -> str:
    """Return the symbol in the path. Raises Problem 404 if there is no such symbol."""
    symbol = request.match_info["symbol"]
    known = [listed.symbol for listed in await request.app[SYMBOLS].symbols()]
    if symbol not in known:
        raise unknown_symbol(symbol, known)
    return symbol


def unknown_symbol(symbol: str, known: Iterable[str]) -> Problem:
    """Return a 404 with the nearest symbols, the first symbols, and the number of all symbols."""
    there = sorted(known)
    near = get_close_matches(symbol.upper(), there, n=5)
    hint = f"did you mean {' or '.join(near)}?" if near else "check that it is spelt as on the exchange;"
    return Problem(
        HTTPStatus.NOT_FOUND,
        f"there is no symbol {symbol!r}; {hint} GET /api/v1/symbols lists all {len(there)}",
        extra={"near": near, "known": there[:KNOWN_SHOWN], "known_count": len(there)},
    )
