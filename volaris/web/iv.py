"""GET /api/v1/iv/{symbol}: a symbol's latest volatility figures with their term structure, and the history."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Protocol

from aiohttp import web
from marshmallow import fields

from volaris.store import MetricsRow, RankedBy, TermRow
from volaris.web.etag import is_known, not_modified, tag_of, tagged
from volaris.web.figures import FIGURES, STREAMED, FiguresSchema
from volaris.web.freshness import DEMAND, FreshPageSchema, fresh_field, fresh_of, freshness_document
from volaris.web.handlers import described_of_symbol, json_answer, with_query
from volaris.web.paging import (
    DEFAULT_ROWS,
    CursorCodec,
    CursorField,
    PageQuery,
    format_field,
    limit_field,
    parse_day,
    read_page,
)
from volaris.web.schemas import Strict
from volaris.web.streams import ROWS_AT_ONCE, STREAMS, Table
from volaris.web.symbols import known_symbol

KEY = CursorCodec("iv", parse_day)
_TERM = ("expiration", "years", "forward", "atm_iv", "skew_25d", "contracts")
TERM: Table[TermRow] = Table(_TERM, attrgetter(*_TERM))


class MetricsReader(Protocol):
    """Reads volatility figures: volaris.store.MetricsRepository. Raises StoreUnavailable."""

    async def terms(self, symbol: str) -> Sequence[TermRow]:
        """Return the term structure of the latest run."""
        ...

    async def history(self, symbol: str, limit: int, *, before: date | None = None) -> Sequence[MetricsRow]:
        """Return at most `limit` days before `before`, the latest first."""
        ...

    async def ranking(self, by: RankedBy, limit: int) -> Sequence[MetricsRow]:
        """Return the latest figures of the members with the highest figure of that kind."""
        ...


METRICS: web.AppKey[MetricsReader] = web.AppKey("metrics")


class IvQuerySchema(PageQuery):
    """The query of GET /api/v1/iv/{symbol}."""

    limit = limit_field(DEFAULT_ROWS)
    cursor = CursorField(KEY)
    format = format_field()
    fresh = fresh_field()


class TermSchema(Strict):
    """The figures of one expiration."""

    expiration = fields.Date(required=True, metadata={"example": "2025-11-21"})
    years = fields.Float(required=True, metadata={"description": "years to the expiration", "example": 0.104})
    forward = fields.Float(
        required=True, allow_none=True, metadata={"description": "by put-call parity, in US dollars", "example": 249.4}
    )
    atm_iv = fields.Float(required=True, allow_none=True, metadata={"example": 0.287})
    skew_25d = fields.Float(required=True, allow_none=True, metadata={"example": 0.046})
    contracts = fields.Integer(
        required=True, metadata={"description": "contracts with an implied volatility", "example": 74}
    )


LatestSchema = FiguresSchema.from_dict(
    {
        "terms": fields.List(
            fields.Nested(TermSchema), required=True, metadata={"description": "the term structure, by expiration"}
        )
    },
    name="LatestFigures",
)


class IvSchema(FreshPageSchema):
    """A symbol's volatility figures."""

    symbol = fields.String(required=True, metadata={"example": "AAPL"})
    latest = fields.Nested(
        LatestSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null if none are stored"},
    )
    history = fields.List(
        fields.Nested(FiguresSchema),
        required=True,
        metadata={"description": "one entry per day, newest first, including the latest"},
    )


@described_of_symbol("A symbol's volatility figures, the latest and their history", IvSchema())
@with_query(IvQuerySchema())
async def iv(request: web.Request, query: Mapping[str, Any]) -> web.StreamResponse:
    """Answer `GET /api/v1/iv/{symbol}?limit=&cursor=&format=&fresh=`."""
    symbol = await known_symbol(request)
    answer = await request.app[DEMAND].figures(symbol, fresh_of(query))
    reader, latest = request.app[METRICS], answer.record
    tag = tag_of(request, latest.computed_at if latest else None, answer.fetch_error)
    if is_known(request, tag):
        return not_modified(tag)
    if query["format"] != "json":
        return await request.app[STREAMS].send(request, query["format"], STREAMED, _all_days(reader, symbol), tag)

    async def read(limit: int, before: date | None) -> Sequence[MetricsRow]:
        return await reader.history(symbol, limit, before=before)

    (before,) = query["cursor"] or (None,)
    rows, last = await read_page(read, before, query["limit"], lambda row: row.day)
    terms = [TERM.document(row) for row in await reader.terms(symbol)]
    document = {
        "symbol": symbol,
        **freshness_document(answer),
        "latest": FIGURES.document(latest) | {"terms": terms} if latest else None,
        "count": len(rows),
        "history": [FIGURES.document(row) for row in rows],
        "next_cursor": KEY.encode(last) if last else None,
    }
    return tagged(json_answer(document), tag)


async def _all_days(reader: MetricsReader, symbol: str) -> AsyncGenerator[Sequence[MetricsRow], None]:
    """Yield page after page, because a symbol has 252 rows per year, of which a run only changes the last."""
    before = None
    while rows := await reader.history(symbol, ROWS_AT_ONCE, before=before):
        yield rows
        before = rows[-1].day
