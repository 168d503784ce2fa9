"""Cursors that nobody was given: forged ones of the right form are a key within its bounds, or a ValueError."""

from __future__ import annotations

import base64
import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given

from tests.unit.hostile_input.changes import as_json, changed, damaged
from volaris.web.paging import CursorCodec, parse_day, parse_flag, parse_number, parse_text, parse_time

KEY = CursorCodec("all", parse_text, parse_number, parse_flag, parse_day, parse_time)
DOCUMENT: list[Any] = ["all", "AAPL", 12.5, True, "2025-10-14", "2025-10-14T15:30:00Z"]


def check(cursor: str) -> None:
    try:
        word, figure, is_true, on, at = KEY.decode(cursor)
    except ValueError as error:
        assert "not a cursor of this list" in str(error)  # noqa: PT017 - either outcome is right
        return
    assert isinstance(word, str)
    assert "\0" not in word
    word.encode()  # so that the database takes it
    assert isinstance(figure, float)
    assert math.isfinite(figure)
    assert isinstance(is_true, bool)
    assert type(on) is date
    assert isinstance(at, datetime)
    assert at.tzinfo is UTC


def cursor_of(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


@given(changed(DOCUMENT).map(as_json).map(cursor_of))
def test_cursor_with_parts_removed_replaced_or_doubled(cursor: str) -> None:
    check(cursor)


@given(damaged(as_json(DOCUMENT)).map(cursor_of))
def test_cursor_of_damaged_json(cursor: str) -> None:
    check(cursor)


@given(damaged(cursor_of(as_json(DOCUMENT)).encode()).map(lambda body: body.decode(errors="replace")))
def test_damaged_cursor(cursor: str) -> None:
    check(cursor)


def test_cursor_of_deep_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor of this list"):
        KEY.decode(cursor_of(b'["all",' + b"[" * 6_000))
