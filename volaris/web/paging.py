"""Pages of a list: their size, where they go on, and in which form the rows come."""

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

MAX_ROWS = 1_000  # of a page, and the most that a repository gives at once
DEFAULT_ROWS = 100
FORMATS = ("json", "csv", "ndjson")

_PAGED = ("limit", "cursor")
_BAD_LIMIT = f"must be a whole number from 1 to {MAX_ROWS}"
_BAD_CURSOR = "no cursor of this list; it must be a `next_cursor` of the same list, as it was given"


def parse_text(value: object) -> str:
    """Read a part of a key that is text. PostgreSQL knows no NUL in it."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def parse_number(value: object) -> float:
    """Read a part of a key that is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def parse_flag(value: object) -> bool:
    """Read a part of a key that is true or false."""
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one kind of error for all that does not fit
    return value


def parse_day(value: object) -> date:
    """Read a part of a key that is a day."""
    return date.fromisoformat(parse_text(value))


def parse_time(value: object) -> datetime:
    """Read a part of a key that is a moment, in UTC."""
    at = datetime.fromisoformat(parse_text(value))
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)


class CursorCodec:
    """What the cursor of a list holds: the list's name and the parts of the last row's key, as base64url of JSON."""

    def __init__(self, name: str, *parts: Callable[[object], object]) -> None:
        self.name = name
        self._parts = parts

    def encode(self, *values: object) -> str:
        """Return the cursor after the row with this key."""
        return base64.urlsafe_b64encode(orjson.dumps([self.name, *values])).decode().rstrip("=")

    def decode(self, cursor: str) -> tuple[Any, ...]:
        """Return the parts of the key. Raises ValueError for what `encode` did not return."""
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
    """A cursor in a query; gives the parts of its key."""

    def __init__(self, key: CursorCodec) -> None:
        super().__init__(
            metadata={
                "description": "where the page goes on: `next_cursor` of the one before; only with format=json",
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
    """Return the field of a page's length. It has no default, because it matters whether a length was given."""
    return fields.Integer(
        validate=validate.Range(1, MAX_ROWS, error=_BAD_LIMIT),
        error_messages={"invalid": _BAD_LIMIT, "too_large": _BAD_LIMIT},
        metadata={"description": "how many rows at most; only with format=json", "default": default, "example": 10},
    )


def format_field() -> fields.String:
    """Return the field of the answer's form."""
    return fields.String(
        load_default="json",
        validate=validate.OneOf(FORMATS, error=f"must be one of {', '.join(FORMATS)}"),
        metadata={"description": "json: a page; csv, ndjson: all rows that match, streamed", "example": "csv"},
    )


class PageQuery(QuerySchema):
    """The query of a list that comes in pages, and, if it has `format`, as a stream of all rows."""

    default_limit = DEFAULT_ROWS

    @validates_schema
    def _all_or_a_page(self, query: Mapping[str, Any], **_: Any) -> None:
        form = query.get("format", "json")
        if form != "json":
            wrong = {name: [f"not with format={form}, which gives all rows"] for name in _PAGED if name in query}
            if wrong:
                raise ValidationError(wrong)

    @post_load
    def _complete(self, query: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {"limit": self.default_limit, "cursor": None} | dict(query)


class PageSchema(Strict):
    """What every page has."""

    count = fields.Integer(required=True, metadata={"description": "rows in this answer", "example": 10})
    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`cursor` of the page after this one; null if this is the last"},
    )


async def read_page(
    read: Callable[[int, After | None], Awaitable[Sequence[Row]]],
    after: After | None,
    limit: int,
    key_of: Callable[[Row], After],
) -> tuple[Sequence[Row], After | None]:
    """Return at most `limit` rows after a key, and the key after which there are more, or None if there are none.

    `read` gives at most MAX_ROWS rows, so that a page of that length takes a second look for the row after it.
    """
    rows = await read(min(limit + 1, MAX_ROWS), after)
    if len(rows) > limit:
        rows = rows[:limit]
    elif len(rows) < limit or not await read(1, key_of(rows[-1])):
        return rows, None
    return rows, key_of(rows[-1])
