"""The documents of the data API, as marshmallow schemas: what OpenAPI shows and the tests hold every answer to.

Answers are made from records by orjson and not through these schemas, which would take ten times as long.
"""

from __future__ import annotations

from marshmallow import INCLUDE, RAISE, Schema, fields, validate

MAX_ROWS = 1_000
DEFAULT_ROWS = 100


class _Strict(Schema):
    class Meta:
        """A member that is not listed is an error: a misspelt parameter must not be ignored."""

        unknown = RAISE


class PricesQuerySchema(_Strict):
    """The query of GET /api/v1/prices/{symbol}."""

    error_messages = {"unknown": "unknown; there is: limit"}  # noqa: RUF012  declared so by marshmallow
    _limit = f"must be a whole number from 1 to {MAX_ROWS}"

    limit = fields.Integer(
        load_default=DEFAULT_ROWS,
        validate=validate.Range(1, MAX_ROWS, error=_limit),
        error_messages={"invalid": _limit, "too_large": _limit},
        metadata={"description": "how many rows at most, from the newest back"},
    )


class NoQuerySchema(_Strict):
    """The query of a route that takes none."""

    error_messages = {"unknown": "unknown; there are no parameters"}  # noqa: RUF012  declared so by marshmallow


class PriceSchema(_Strict):
    """One stored quote."""

    source = fields.String(required=True, metadata={"description": "market source that gave the quote"})
    price = fields.Float(required=True, metadata={"description": "last traded price, in US dollars"})
    bid = fields.Float(required=True, allow_none=True, metadata={"description": "best bid, in US dollars"})
    ask = fields.Float(required=True, allow_none=True, metadata={"description": "best ask, in US dollars"})
    volume = fields.Integer(required=True, allow_none=True, metadata={"description": "shares traded on the day so far"})
    quoted_at = fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "when the source quoted it, in UTC"}
    )


class PricesSchema(_Strict):
    """The stored quotes of one symbol."""

    symbol = fields.String(required=True)
    count = fields.Integer(required=True, metadata={"description": "rows in this answer"})
    prices = fields.List(fields.Nested(PriceSchema), required=True, metadata={"description": "newest first"})


class SymbolSchema(_Strict):
    """One member of the universe."""

    symbol = fields.String(required=True)
    name = fields.String(required=True)


class SymbolsSchema(_Strict):
    """The universe of the market source in use."""

    count = fields.Integer(required=True)
    symbols = fields.List(fields.Nested(SymbolSchema), required=True)


class StatusSchema(_Strict):
    """A probe that is content."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    class Meta:
        """Some problems have members of their own: `near` and `known` of an unknown symbol."""

        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "phrase of the status"})
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "what happened and what to do"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "at 422: what is wrong, by field"},
    )
