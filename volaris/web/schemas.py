"""Schemas that the documents of all routes share.

OpenAPI shows these marshmallow schemas, and the tests check every answer against them. Answers are made from records
by orjson and not through these schemas, which would take ten times as long.
"""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, fields, validate


class Strict(Schema):
    """A document that has no other members than those listed."""

    class Meta:
        """An unknown member is an error, because a misspelt parameter must not be ignored."""

        unknown = RAISE


class QuerySchema(Strict):
    """The query of a route; the error for an unknown parameter lists the known ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        there = ", ".join(self.declared_fields)
        known = f"this route accepts: {there}" if there else "this route accepts none"
        self.error_messages["unknown"] = f"unknown parameter; {known}"


class StatusSchema(Strict):
    """The answer of a probe that succeeds."""

    status = fields.String(required=True, validate=validate.Equal("ok"), metadata={"example": "ok"})


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    class Meta:
        """Some problems have members of their own: `near` and `known` of an unknown symbol."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"example": "about:blank"})
    title = fields.String(required=True, metadata={"description": "the phrase of the status", "example": "Not Found"})
    status = fields.Integer(required=True, metadata={"example": 404})
    detail = fields.String(
        required=True,
        metadata={
            "description": "what happened and what to do",
            "example": "there is no symbol 'APPL'; did you mean AAPL? GET /api/v1/symbols lists all 503",
        },
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "for status 422: what is wrong, by field"},
    )
