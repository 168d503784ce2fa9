"""GET /api/v1/screener: the members of the index, sorted by a volatility figure, the highest first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web
from marshmallow import ValidationError, fields, validate, validates_schema

from volaris.store import ConstituentRow, MetricsRow, RankedBy
from volaris.web.etag import is_known, not_modified, tag_of, tagged
from volaris.web.figures import FIGURES, FiguresSchema
from volaris.web.freshness import DEMAND, FreshPageSchema, fresh_field, fresh_of, freshness_document
from volaris.web.handlers import STREAMED_TYPES, described, json_answer, with_query
from volaris.web.iv import METRICS
from volaris.web.paging import (
    DEFAULT_ROWS,
    MAX_ROWS,
    CursorCodec,
    CursorField,
    PageQuery,
    format_field,
    limit_field,
    parse_number,
    parse_text,
)
from volaris.web.streams import STREAMS, Table

KEY = CursorCodec("screener", parse_text, parse_number, parse_text)
SORTS = tuple(by.value for by in RankedBy)


class MemberReader(Protocol):
    """Reads the members of the index: volaris.store.ConstituentRepository. Raises StoreUnavailable."""

    async def members(self) -> Sequence[ConstituentRow]:
        """Return all members."""
        ...


MEMBERS: web.AppKey[MemberReader] = web.AppKey("members")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A member with its figures."""

    rank: int  # from 1
    figures: MetricsRow
    name: str | None
    sector: str | None


def _values(row: Ranked) -> tuple[object, ...]:
    return (row.rank, row.figures.symbol, row.name, row.sector, *FIGURES.values(row.figures))


TABLE: Table[Ranked] = Table(("rank", "symbol", "name", "sector", *FIGURES.columns), _values)


class ScreenerQuerySchema(PageQuery):
    """The query of GET /api/v1/screener."""

    sort = fields.String(
        load_default=SORTS[0],
        validate=validate.OneOf(SORTS, error=f"must be one of {', '.join(SORTS)}"),
        metadata={
            "description": "the figure to sort by; members without it are left out. A cursor belongs to one figure",
            "example": "iv30",
        },
    )
    limit = limit_field(DEFAULT_ROWS)
    cursor = CursorField(KEY)
    format = format_field()
    fresh = fresh_field()

    @validates_schema
    def _cursor_is_of_this_sort(self, query: Mapping[str, Any], **_: Any) -> None:
        cursor = query.get("cursor")
        if cursor and cursor[0] != query.get("sort"):
            raise ValidationError({"cursor": [f"belongs to sort={cursor[0]}; use it with the same sort"]})


RankedSchema = FiguresSchema.from_dict(
    {
        "rank": fields.Integer(required=True, metadata={"description": "position in the list, from 1", "example": 1}),
        "symbol": fields.String(required=True, metadata={"example": "AAPL"}),
        "name": fields.String(required=True, allow_none=True, metadata={"example": "Apple Inc."}),
        "sector": fields.String(required=True, allow_none=True, metadata={"example": "Information Technology"}),
    },
    name="RankedMember",
)


class ScreenerSchema(FreshPageSchema):
    """The members of the index by one figure."""

    sort = fields.String(required=True, validate=validate.OneOf(SORTS), metadata={"example": "iv_rank"})
    members = fields.List(
        fields.Nested(RankedSchema),
        required=True,
        metadata={"description": "the highest first; equal figures by symbol"},
    )


@described(
    "The members of the index by a volatility figure, the highest first",
    ScreenerSchema(),
    {
        422: "a query parameter is wrong",
        502: "no figures are stored, and the market source failed",
        503: "the database is unavailable, or too many exports or fetches are running",
        504: "no figures are stored, and fetching some took too long",
    },
    also=STREAMED_TYPES,
    with_tag=True,
)
@with_query(ScreenerQuerySchema())
async def screener(request: web.Request, query: Mapping[str, Any]) -> web.StreamResponse:
    """Answer GET /api/v1/screener?sort=&limit=&cursor=&format=&fresh=."""
    answer = await request.app[DEMAND].index(fresh_of(query))
    members = {row.symbol: row for row in await request.app[MEMBERS].members()}
    ranking = await request.app[METRICS].ranking(RankedBy(query["sort"]), MAX_ROWS)
    newest = max((row.computed_at for row in ranking), default=datetime.min.replace(tzinfo=UTC))
    told = [(row.symbol, row.name, row.sector) for row in members.values()]
    tag = tag_of(request, newest, len(ranking), told, answer.fetch_error)
    if is_known(request, tag):
        return not_modified(tag)
    ranked = [_ranked(rank, row, members.get(row.symbol)) for rank, row in enumerate(ranking, 1)]
    if query["format"] != "json":
        return await request.app[STREAMS].send(request, query["format"], TABLE, _at_once(ranked), tag)
    rest = ranked if query["cursor"] is None else [row for row in ranked if _comes_after(row, *query["cursor"])]
    page = rest[: query["limit"]]
    document = {
        "sort": query["sort"],
        **freshness_document(answer),
        "count": len(page),
        "members": [TABLE.document(row) for row in page],
        "next_cursor": _cursor_after(page[-1], query["sort"]) if len(rest) > len(page) else None,
    }
    return tagged(json_answer(document), tag)


async def _at_once(rows: Sequence[Ranked]) -> AsyncGenerator[Sequence[Ranked], None]:
    """Yield all rows at once: there are only some 500 members, and sorting needs all of them."""
    if rows:
        yield rows


def _ranked(rank: int, figures: MetricsRow, member: ConstituentRow | None) -> Ranked:
    return Ranked(
        rank=rank,
        figures=figures,
        name=member.name if member else None,
        sector=member.sector if member else None,
    )


def _comes_after(row: Ranked, sort: str, figure: float, symbol: str) -> bool:
    """Return whether the row comes after that key.

    The key may belong to a member that has left, or whose figure has changed.
    """
    return (-getattr(row.figures, sort), row.figures.symbol) > (-figure, symbol)


def _cursor_after(row: Ranked, sort: str) -> str:
    return KEY.encode(sort, getattr(row.figures, sort), row.figures.symbol)
