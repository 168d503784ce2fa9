"""Schemas of what the documents of all routes have in common.

OpenAPI shows these marshmallow schemas, and the tests hold every answer to them.
Answers are made from records by orjson and not through these schemas, which would take ten times as long.
"""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, fields, validate


class Strict(Schema):
    """A document without members that nobody knows."""

    class Meta:
        """A member that is not listed is an error: a misspelt parameter must not be ignored."""

        unknown = RAISE


class QuerySchema(Strict):
    """The query of a route; a parameter that it does not have is told with those that it has."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        there = ", ".join(self.declared_fields)
        self.error_messages["unknown"] = f"unknown; there are: {there}" if there else "unknown; there are no parameters"


class StatusSchema(Strict):
    """A probe that is content."""

    status = fields.String(required=True, validate=validate.Equal("ok"), metadata={"example": "ok"})


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    class Meta:
        """Some problems have members of their own: `near` and `known` of an unknown symbol."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"example": "about:blank"})
    title = fields.String(required=True, metadata={"description": "phrase of the status", "example": "Not Found"})
    status = fields.Integer(required=True, metadata={"example": 404})
    detail = fields.String(
        required=True,
        metadata={
            "description": "what happened and what to do",
            "example": "no symbol 'APPL'; did you mean AAPL? GET /api/v1/symbols lists all 503",
        },
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "at 422: what is wrong, by field"},
    )
