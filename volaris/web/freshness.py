"""How fresh an answer is: the parameter that asks for it, and the answer's members that tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web
from marshmallow import fields, validate

from volaris.demand import Answer, Fresh
from volaris.store import ChainHeader, MetricsRow, PriceRow
from volaris.web.paging import PageSchema

CHOICES = tuple(fresh.value for fresh in Fresh)


class OnDemand(Protocol):
    """Answers from the store, after a fetch if one is needed: volaris.demand.Demand. Raises VolarisError."""

    async def quote(self, symbol: str, fresh: Fresh) -> Answer[PriceRow]:
        """Return the latest price."""
        ...

    async def chain(self, symbol: str, fresh: Fresh) -> Answer[ChainHeader]:
        """Return the latest chain without its contracts."""
        ...

    async def figures(self, symbol: str, fresh: Fresh) -> Answer[MetricsRow]:
        """Return the latest volatility figures."""
        ...

    async def index(self, fresh: Fresh) -> Answer[MetricsRow]:
        """Return the oldest figures of a member of the index, after those that are stale were fetched."""
        ...


DEMAND: web.AppKey[OnDemand] = web.AppKey("demand")


def fresh_field() -> fields.String:
    """Return the field that says when data are fetched. It has no default, because that depends on the cursor."""
    return fields.String(
        validate=validate.OneOf(CHOICES, error=f"must be one of {', '.join(CHOICES)}"),
        metadata={
            "description": "when the data are fetched from the market source first: never, always, or stale, "
            "if none are stored or those are too old. The default is stale, and never for a page with a cursor",
            "example": "never",
        },
    )


def fresh_of(query: Mapping[str, Any]) -> Fresh:
    """Return when data are fetched for this query; by default the pages of a list are those of the same data."""
    return Fresh(query.get("fresh", Fresh.NEVER if query["cursor"] else Fresh.STALE))


class FreshPageSchema(PageSchema):
    """A page of rows that may have been fetched for the request."""

    fetched = fields.Boolean(
        required=True, metadata={"description": "whether the data were fetched for this request", "example": True}
    )
    age_s = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "seconds since the market was as the latest data show it; for the screener, since the "
            "oldest figures were computed; null if none are stored",
            "example": 1.25,
        },
    )
    fetch_error = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "why a needed fetch failed; null if it succeeded or was not needed",
            "example": "cboe: AAPL: it did not answer within 20 s",
        },
    )


def freshness_document(answer: Answer[Any]) -> dict[str, object]:
    """Return the members of FreshPageSchema that tell how fresh an answer is."""
    age_s = None if answer.age_s is None else round(answer.age_s, 3)
    return {"fetched": answer.fetched, "age_s": age_s, "fetch_error": answer.fetch_error}
