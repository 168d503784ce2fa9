"""Cursors: what was given comes back as the same key, and nothing else is taken for one."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.web.service import Parts, Prices, problem_in, serving
from volaris.web.paging import CursorCodec, parse_day, parse_flag, parse_number, parse_text, parse_time

KEY = CursorCodec("all", parse_text, parse_number, parse_flag, parse_day, parse_time)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def cursor_of(document: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")


@given(WORDS, NUMBERS, st.booleans(), st.dates(), MOMENTS)
def test_a_cursor_holds_the_key_that_it_was_made_of(
    word: str, figure: float, yes: bool, on: date, at: datetime
) -> None:
    assert KEY.decode(KEY.encode(word, figure, yes, on, at)) == (word, figure, yes, on, at)


def test_a_moment_comes_back_in_utc() -> None:
    key = CursorCodec("at", parse_time)
    there = datetime(2025, 10, 14, 11, 30, tzinfo=timezone(timedelta(hours=-4)))
    assert key.decode(key.encode(there)) == (datetime(2025, 10, 14, 15, 30, tzinfo=UTC),)


@given(st.text())
def test_any_text_is_a_key_or_a_value_error(cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor of this list"):
        KEY.decode(cursor)


BAD = [
    "",
    "x",
    "a" * 5000,
    "WyJ*",
    "é",
    cursor_of(None),
    cursor_of([]),
    cursor_of({"prices": 1}),
    cursor_of(["prices"]),
    cursor_of(["prices", "2025-10-14T15:30:00Z"]),
    cursor_of(["prices", "2025-10-14T15:30:00Z", "a", 1]),
    cursor_of(["prices", "2025-10-14T15:30:00", "a"]),  # without a time zone
    cursor_of(["prices", "0001-01-01T00:00:00+10:00", "a"]),  # before there are years
    cursor_of(["prices", 5, "a"]),
    cursor_of(["prices", "2025-10-14T15:30:00Z", "\0"]),
    cursor_of(["prices", "2025-10-14T15:30:00Z", None]),
    cursor_of(["iv", "2025-10-14"]),
]


@pytest.mark.parametrize("cursor", BAD)
async def test_what_is_no_cursor_of_the_list_is_a_422_that_names_the_field(cursor: str) -> None:
    async with serving() as client, client.get("/api/v1/prices/AAPL", params={"cursor": cursor}) as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {
        "cursor": ["not a cursor of this list; pass the `next_cursor` of the page before unchanged"]
    }


async def test_a_cursor_of_another_symbol_only_says_where_to_go_on() -> None:
    cursor = CursorCodec("prices", parse_time, parse_text).encode(datetime(2025, 10, 14, tzinfo=UTC), "simulated")
    path = f"/api/v1/prices/AAPL?cursor={cursor}"
    async with serving(Parts(prices=Prices())) as client, client.get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (parse_number, True),
        (parse_number, "1"),
        (parse_number, float("inf")),
        (parse_flag, 1),
        (parse_day, "2025-13-01"),
    ],
)
def test_a_part_of_another_kind_is_refused(kind: object, value: object) -> None:
    assert callable(kind)
    with pytest.raises(ValueError):
        kind(value)


def test_a_day_is_a_date() -> None:
    assert parse_day("2025-10-14") == date(2025, 10, 14)
