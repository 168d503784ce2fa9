"""Pages of a list: their length, where the next page begins, and the form of the rows."""

from __future__ import annotations

import base64
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import orjson
from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from volaris.web.schemas import QuerySchema, Strict

Row = TypeVar("Row")
After = TypeVar("After")  # the key of a row

MAX_ROWS = 1_000  # of one page, and of one answer of a repository
DEFAULT_ROWS = 100
FORMATS = ("json", "csv", "ndjson")

_PAGED = ("limit", "cursor")
_BAD_LIMIT = f"must be a whole number from 1 to {MAX_ROWS}"
_BAD_CURSOR = "not a cursor of this list; pass the `next_cursor` of the page before unchanged"


def parse_text(value: object) -> str:
    """Return a part of a key that is a text. PostgreSQL accepts no NUL in it. Raises ValueError for other values."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def parse_number(value: object) -> float:
    """Return a part of a key that is a finite number. Raises ValueError for other values."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def parse_flag(value: object) -> bool:
    """Return a part of a key that is true or false. Raises ValueError for other values."""
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - all wrong values raise the same error
    return value


def parse_day(value: object) -> date:
    """Return a part of a key that is a date. Raises ValueError for other values."""
    return date.fromisoformat(parse_text(value))


def parse_time(value: object) -> datetime:
    """Return a part of a key that is a time, in UTC. Raises ValueError for other values."""
    at = datetime.fromisoformat(parse_text(value))
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)


class CursorCodec:
    """The cursor of a list: the list's name and the parts of the last row's key, as base64url of JSON."""

    def __init__(self, name: str, *parts: Callable[[object], object]) -> None:
        self.name = name
        self._parts = parts

    def encode(self, *values: object) -> str:
        """Return the cursor that continues after the row with this key."""
        return base64.urlsafe_b64encode(orjson.dumps([self.name, *values])).decode().rstrip("=")

    def decode(self, cursor: str) -> tuple[Any, ...]:
        """Return the parts of the key. Raises ValueError for text that `encode` has not returned."""
        try:
            return self._parts_in(cursor)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(_BAD_CURSOR) from error

    def _parts_in(self, cursor: str) -> tuple[Any, ...]:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if name != self.name:
            raise ValueError(name)
        return tuple(part(value) for part, value in zip(self._parts, values, strict=True))


class CursorField(fields.String):
    """A cursor in a query; its value is the parts of the key."""

    def __init__(self, key: CursorCodec) -> None:
        super().__init__(
            metadata={
                "description": "where the page begins: the `next_cursor` of the page before; only with format=json",
                "minLength": 1,
                "pattern": "^[A-Za-z0-9_-]+$",
            }
        )
        self._key = key

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        try:
            return self._key.decode(super()._deserialize(value, attr, data, **options))
        except ValueError as error:
            raise ValidationError(_BAD_CURSOR) from error


def limit_field(default: int) -> fields.Integer:
    """Return the field for the length of a page. It has no default, because it matters whether a length was given."""
    return fields.Integer(
        validate=validate.Range(1, MAX_ROWS, error=_BAD_LIMIT),
        error_messages={"invalid": _BAD_LIMIT, "too_large": _BAD_LIMIT},
        metadata={"description": "highest number of rows; only with format=json", "default": default, "example": 10},
    )


def format_field() -> fields.String:
    """Return the field for the form of the answer."""
    return fields.String(
        load_default="json",
        validate=validate.OneOf(FORMATS, error=f"must be one of {', '.join(FORMATS)}"),
        metadata={"description": "json: one page; csv or ndjson: a stream of all matching rows", "example": "csv"},
    )


class PageQuery(QuerySchema):
    """The query of a list that comes in pages or, with `format`, as a stream of all rows."""

    default_limit = DEFAULT_ROWS

    @validates_schema
    def _all_or_a_page(self, query: Mapping[str, Any], **_: Any) -> None:
        form = query.get("format", "json")
        if form != "json":
            wrong = {
                name: [f"not allowed with format={form}, which returns all rows"] for name in _PAGED if name in query
            }
            if wrong:
                raise ValidationError(wrong)

    @post_load
    def _complete(self, query: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {"limit": self.default_limit, "cursor": None} | dict(query)


class PageSchema(Strict):
    """The fields that every page has."""

    count = fields.Integer(required=True, metadata={"description": "number of rows in this answer", "example": 10})
    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`cursor` for the next page; null if this is the last one"},
    )


async def read_page(
    read: Callable[[int, After | None], Awaitable[Sequence[Row]]],
    after: After | None,
    limit: int,
    key_of: Callable[[Row], After],
) -> tuple[Sequence[Row], After | None]:
    """Return at most `limit` rows after a key, and the key for the next page, or None if there are no more rows.

    `read` returns at most MAX_ROWS rows, so a page of that length needs a second call to see whether there is another
    row.
    """
    rows = await read(min(limit + 1, MAX_ROWS), after)
    if len(rows) > limit:
        rows = rows[:limit]
    elif len(rows) < limit or not await read(1, key_of(rows[-1])):
        return rows, None
    return rows, key_of(rows[-1])
