"""GET /api/v1/options/{symbol}: the contracts of the symbol's latest stored chain."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from typing import Any, Protocol

from aiohttp import web
from marshmallow import ValidationError, fields, validate, validates_schema

from volaris.errors import StoreUnavailable
from volaris.store import ChainHeader, ContractFilter, ContractKey, ContractRow
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
    parse_day,
    parse_flag,
    parse_number,
    read_page,
)
from volaris.web.schemas import Strict
from volaris.web.streams import STREAMS, Table, batched, first_of
from volaris.web.symbols import known_symbol

KEY = CursorCodec("options", parse_day, parse_number, parse_flag)
SIDES = ("call", "put")
TRIES = 3

_CONTRACT = ("expiration", "type", "strike", "bid", "ask", "volume", "open_interest")
_HEADER = ("source", "spot", "quoted_at", "written_at", "contracts", "listed")
_Quoted = tuple[ChainHeader, ContractRow]


def _values(row: ContractRow) -> tuple[object, ...]:
    """Return the values of a row. No bid or ask is 0 in the store, but null here, as in all of this API."""
    side = "call" if row.is_call else "put"
    return (row.expiration, side, row.strike, row.bid or None, row.ask or None, row.volume, row.open_interest)


def _values_with_chain(row: _Quoted) -> tuple[object, ...]:
    header, contract = row
    return (header.symbol, header.source, header.spot, header.quoted_at, *_values(contract))


TABLE: Table[ContractRow] = Table(_CONTRACT, _values)
STREAMED: Table[_Quoted] = Table(("symbol", "source", "spot", "quoted_at", *_CONTRACT), _values_with_chain)


class ChainReader(Protocol):
    """Reads stored chains: volaris.store.OptionsRepository. Raises StoreUnavailable."""

    async def header(self, symbol: str) -> ChainHeader | None:
        """Return the symbol's latest chain without its contracts, or None."""
        ...

    async def contracts(
        self, symbol: str, wanted: ContractFilter, *, after: ContractKey | None = None, limit: int
    ) -> Sequence[ContractRow]:
        """Return at most `limit` contracts of the latest chain after the key `after`, in the order of their keys."""
        ...

    def stream(self, symbol: str, wanted: ContractFilter) -> AsyncIterator[ContractRow]:
        """Yield all wanted contracts of the latest chain."""
        ...


CHAINS: web.AppKey[ChainReader] = web.AppKey("chains")


class OptionsQuerySchema(PageQuery):
    """The query of GET /api/v1/options/{symbol}."""

    expiration = fields.Date(
        format="iso",
        error_messages={"invalid": "must be a date like 2025-11-21"},
        metadata={"description": "only contracts that expire on this day", "example": "2025-11-21"},
    )
    type = fields.String(
        validate=validate.OneOf(SIDES, error=f"must be one of {', '.join(SIDES)}"),
        metadata={"description": "only calls, or only puts", "example": "call"},
    )
    min_strike = fields.Float(
        validate=validate.Range(0, error="must be a number of at least 0"),
        metadata={"description": "lowest strike, in US dollars", "example": 240.0},
    )
    max_strike = fields.Float(
        validate=validate.Range(0, error="must be a number of at least 0"),
        metadata={"description": "highest strike, in US dollars; not below min_strike", "example": 260.0},
    )
    limit = limit_field(DEFAULT_ROWS)
    cursor = CursorField(KEY)
    format = format_field()
    fresh = fresh_field()

    @validates_schema
    def _strikes_ascend(self, query: Mapping[str, Any], **_: Any) -> None:
        if query.get("min_strike", 0) > query.get("max_strike", float("inf")):
            raise ValidationError({"max_strike": ["must not be below min_strike"]})


class ContractSchema(Strict):
    """One contract."""

    expiration = fields.Date(required=True, metadata={"example": "2025-11-21"})
    type = fields.String(required=True, validate=validate.OneOf(SIDES), metadata={"example": "call"})
    strike = fields.Float(required=True, metadata={"description": "strike in US dollars", "example": 250.0})
    bid = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "in US dollars; null if there is none", "example": 7.85},
    )
    ask = fields.Float(
        required=True, allow_none=True, metadata={"description": "in US dollars; null if there is none", "example": 8.0}
    )
    volume = fields.Integer(
        required=True, metadata={"description": "contracts traded so far that day", "example": 1312}
    )
    open_interest = fields.Integer(required=True, metadata={"description": "contracts outstanding", "example": 20417})


class ChainSchema(Strict):
    """The chain that the contracts belong to."""

    source = fields.String(
        required=True, metadata={"description": "market source of the chain", "example": "simulated"}
    )
    spot = fields.Float(required=True, metadata={"description": "price of the share, in US dollars", "example": 248.37})
    quoted_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "when the source quoted it, in UTC", "example": "2025-10-14T15:30:00Z"},
    )
    written_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "when it was stored, in UTC", "example": "2025-10-14T15:30:07Z"},
    )
    contracts = fields.Integer(
        required=True,
        metadata={"description": "stored contracts of the chain, whatever the query asks for", "example": 612},
    )
    listed = fields.Integer(
        required=True,
        metadata={"description": "contracts at the source, including those out of bounds", "example": 1498},
    )


class OptionsSchema(FreshPageSchema):
    """The contracts of a symbol's latest chain."""

    symbol = fields.String(required=True, metadata={"example": "AAPL"})
    chain = fields.Nested(
        ChainSchema,
        required=True,
        allow_none=True,
        metadata={"description": "the chain; null if none is stored"},
    )
    contracts = fields.List(
        fields.Nested(ContractSchema),
        required=True,
        metadata={"description": "sorted by expiration, strike, put before call"},
    )


@described_of_symbol("A symbol's latest option chain", OptionsSchema())
@with_query(OptionsQuerySchema())
async def options(request: web.Request, query: Mapping[str, Any]) -> web.StreamResponse:
    """Answer `GET /api/v1/options/{symbol}`."""
    symbol = await known_symbol(request)
    latest = await request.app[DEMAND].chain(symbol, fresh_of(query))
    reader = request.app[CHAINS]
    tag = tag_of(request, latest.record.written_at if latest.record else None, latest.fetch_error)
    if is_known(request, tag):
        return not_modified(tag)
    wanted = _wanted(query)
    if query["format"] != "json":
        rows = _stream(reader, symbol, wanted)
        return await request.app[STREAMS].send(request, query["format"], STREAMED, rows, tag)
    return tagged(json_answer(freshness_document(latest) | await _page(reader, symbol, wanted, query)), tag)


def _wanted(query: Mapping[str, Any]) -> ContractFilter:
    return ContractFilter(
        expiration=query.get("expiration"),
        is_call=query["type"] == "call" if "type" in query else None,
        min_strike=query.get("min_strike"),
        max_strike=query.get("max_strike"),
    )


async def _page(
    reader: ChainReader, symbol: str, wanted: ContractFilter, query: Mapping[str, Any]
) -> dict[str, object]:
    async def read(limit: int, after: ContractKey | None) -> Sequence[ContractRow]:
        return await reader.contracts(symbol, wanted, after=after, limit=limit)

    after = _key(*query["cursor"]) if query["cursor"] else None
    for _ in range(TRIES):
        header = await reader.header(symbol)
        rows, last = await read_page(read, after, query["limit"], _key_of)
        if await reader.header(symbol) == header:
            return {
                "symbol": symbol,
                "chain": {name: getattr(header, name) for name in _HEADER} if header else None,
                "count": len(rows),
                "contracts": [TABLE.document(row) for row in rows],
                "next_cursor": KEY.encode(last.expiration, last.strike, last.is_call) if last else None,
            }
    raise _is_being_replaced(symbol)


async def _stream(reader: ChainReader, symbol: str, wanted: ContractFilter) -> AsyncGenerator[list[_Quoted], None]:
    """Yield the contracts, each with the header of its own chain.

    A cursor reads the data as they are at its first row, and the header is the same before and after that.
    """
    for _ in range(TRIES):
        header = await reader.header(symbol)
        if header is None:
            return
        async with aclosing(batched(reader.stream(symbol, wanted))) as batches:
            first = await first_of(batches, ())
            if await reader.header(symbol) != header:
                continue
            yield [(header, row) for row in first]
            async for batch in batches:
                yield [(header, row) for row in batch]
            return
    raise _is_being_replaced(symbol)


def _is_being_replaced(symbol: str) -> StoreUnavailable:
    return StoreUnavailable(f"the chain of {symbol} was replaced {TRIES} times while it was read; try again later")


def _key(expiration: date, strike: float, is_call: bool) -> ContractKey:
    return ContractKey(expiration=expiration, strike=strike, is_call=is_call)


def _key_of(row: ContractRow) -> ContractKey:
    return _key(row.expiration, row.strike, row.is_call)
