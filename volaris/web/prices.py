"""GET /api/v1/prices/{symbol}: stored quotes, newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

from aiohttp import web
from marshmallow import fields

from volaris.store import PriceKey, PriceRow
from volaris.web.etag import is_known, not_modified, tag_of, tagged
from volaris.web.freshness import DEMAND, FreshPageSchema, fresh_field, fresh_of, freshness_document
from volaris.web.handlers import described_of_symbol, json_answer, with_query
from volaris.web.paging import (
    DEFAULT_ROWS,
    CursorCodec,
    CursorField,
    PageQuery,
    format_field,
    limit_field,
    parse_text,
    parse_time,
    read_page,
)
from volaris.web.schemas import Strict
from volaris.web.streams import STREAMS, Table
from volaris.web.symbols import known_symbol

KEY = CursorCodec("prices", parse_time, parse_text)
_COLUMNS = ("source", "price", "bid", "ask", "volume", "quoted_at")
TABLE: Table[PriceRow] = Table(_COLUMNS, attrgetter(*_COLUMNS))
STREAMED: Table[PriceRow] = Table(("symbol", *_COLUMNS), attrgetter("symbol", *_COLUMNS))


class PriceReader(Protocol):
    """Reads stored prices: volaris.store.PriceRepository. Raises StoreUnavailable."""

    async def latest(self, symbol: str, limit: int, *, after: PriceKey | None = None) -> Sequence[PriceRow]:
        """Return at most `limit` rows of a symbol after the key `after`, newest first."""
        ...

    def stream(self, symbol: str) -> AsyncIterator[Sequence[PriceRow]]:
        """Yield all rows of a symbol, newest first, a batch at a time."""
        ...


PRICES: web.AppKey[PriceReader] = web.AppKey("prices")


class PricesQuerySchema(PageQuery):
    """The query of GET /api/v1/prices/{symbol}."""

    limit = limit_field(DEFAULT_ROWS)
    cursor = CursorField(KEY)
    format = format_field()
    fresh = fresh_field()


class PriceSchema(Strict):
    """One stored quote."""

    source = fields.String(
        required=True, metadata={"description": "market source of the quote", "example": "simulated"}
    )
    price = fields.Float(required=True, metadata={"description": "last traded price, in US dollars", "example": 248.37})
    bid = fields.Float(
        required=True, allow_none=True, metadata={"description": "best bid, in US dollars", "example": 248.35}
    )
    ask = fields.Float(
        required=True, allow_none=True, metadata={"description": "best ask, in US dollars", "example": 248.39}
    )
    volume = fields.Integer(
        required=True, allow_none=True, metadata={"description": "shares traded so far that day", "example": 31415926}
    )
    quoted_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "when the source quoted it, in UTC", "example": "2025-10-14T15:30:00Z"},
    )


class PricesSchema(FreshPageSchema):
    """The stored quotes of one symbol."""

    symbol = fields.String(required=True, metadata={"example": "AAPL"})
    prices = fields.List(fields.Nested(PriceSchema), required=True, metadata={"description": "newest first"})


@described_of_symbol("A symbol's stored prices, newest first", PricesSchema())
@with_query(PricesQuerySchema())
async def prices(request: web.Request, query: Mapping[str, Any]) -> web.StreamResponse:
    """Answer `GET /api/v1/prices/{symbol}?limit=&cursor=&format=&fresh=`."""
    symbol = await known_symbol(request)
    newest = await request.app[DEMAND].quote(symbol, fresh_of(query))
    reader = request.app[PRICES]
    tag = tag_of(request, newest.record, newest.fetch_error)
    if is_known(request, tag):
        return not_modified(tag)
    if query["format"] != "json":
        return await request.app[STREAMS].send(request, query["format"], STREAMED, reader.stream(symbol), tag)

    async def read(limit: int, after: PriceKey | None) -> Sequence[PriceRow]:
        return await reader.latest(symbol, limit, after=after)

    after = PriceKey(*query["cursor"]) if query["cursor"] else None
    rows, last = await read_page(read, after, query["limit"], lambda row: PriceKey(row.quoted_at, row.source))
    document = {
        "symbol": symbol,
        **freshness_document(newest),
        "count": len(rows),
        "prices": [TABLE.document(row) for row in rows],
        "next_cursor": KEY.encode(last.quoted_at, last.source) if last else None,
    }
    return tagged(json_answer(document), tag)
