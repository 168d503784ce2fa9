"""Cboe's document: a quote of the real one, and a clear error for what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_file
from volaris.errors import BadDocument
from volaris.market.cboe_document import parse_quote
from volaris.market.records import Quote

GOOD: dict[str, Any] = {
    "symbol": "CLX",
    "current_price": 95.55,
    "bid": 95.15,
    "ask": 95.7,
    "volume": 1438610,
    "last_trade_time": "2026-07-24T15:59:59",
}
QUOTE = Quote(
    symbol="CLX",
    source="cboe",
    price=95.55,
    bid=95.15,
    ask=95.7,
    volume=1438610,
    quoted_at=datetime(2026, 7, 24, 19, 59, 59, tzinfo=UTC),
)


def document(**changes: object) -> bytes:
    data = {key: value for key, value in (GOOD | changes).items() if value is not ...}
    return orjson.dumps({"timestamp": "2026-07-25 00:43:14", "data": data})


def test_real_document_gives_its_quote() -> None:
    assert parse_quote(shared_file("cboe/CLX.json").read_bytes(), "CLX") == QUOTE


def test_time_is_new_yorks_in_winter_too() -> None:
    quote = parse_quote(document(last_trade_time="2026-01-05T16:00:00"), "CLX")
    assert quote.quoted_at == datetime(2026, 1, 5, 21, 0, tzinfo=UTC)


def test_bid_or_ask_of_zero_or_none_is_none() -> None:
    quote = parse_quote(document(bid=0, ask=None, volume=...), "CLX")
    assert (quote.bid, quote.ask, quote.volume) == (None, None, None)


def test_largest_volume_below_the_bound_is_kept_to_the_share() -> None:
    assert parse_quote(document(volume=2**53 - 1), "CLX").volume == 9_007_199_254_740_991


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"symbol": "XOM"}, "the document is about another symbol"),
        ({"symbol": ...}, "the document is about another symbol"),
        ({"current_price": ...}, "current_price is missing or not above zero"),
        ({"current_price": 0}, "current_price is missing or not above zero"),
        ({"current_price": -1}, "current_price is not a number from 0 to"),
        ({"current_price": "95.55"}, "current_price is not a number from 0 to"),
        ({"current_price": True}, "current_price is not a number from 0 to"),
        ({"bid": []}, "bid is not a number from 0 to"),
        ({"volume": -5}, "volume is not a number from 0 to"),
        ({"volume": 2**53}, r"volume is not a number from 0 to 2\^53"),
        ({"volume": 1e300}, "volume is not a number from 0 to"),
        ({"current_price": 2.0**53}, "current_price is not a number from 0 to"),
        ({"last_trade_time": ...}, "last_trade_time is not a time"),
        ({"last_trade_time": "yesterday"}, "last_trade_time is not a time"),
        ({"last_trade_time": 5}, "last_trade_time is not a time"),
        ({"last_trade_time": "9999-12-31T23:59:59"}, "last_trade_time is not a time"),
        ({"last_trade_time": "0001-01-01T00:00:00+05:00"}, "last_trade_time is not a time"),
    ],
)
def test_document_with_something_wrong_is_refused_by_the_name_of_it(changes: dict[str, object], cause: str) -> None:
    with pytest.raises(BadDocument, match=f"cboe: CLX: {cause}"):
        parse_quote(document(**changes), "CLX")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": []}', b"null", b'"x"'])
def test_json_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(BadDocument, match="cboe: CLX: the document has no object `data`"):
        parse_quote(body, "CLX")


def test_document_that_was_cut_off_says_where_and_shows_nothing_of_it() -> None:
    cut = document()[:100]
    with pytest.raises(
        BadDocument, match=r"cboe: CLX: the document of 100 bytes is not valid JSON: Input data was truncated"
    ) as caught:
        parse_quote(cut, "CLX")
    assert "95.55" not in str(caught.value)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=50).map(lambda noise: document()[:60] + noise)))
def test_rubbish_is_a_bad_document_and_nothing_else(body: bytes) -> None:
    with pytest.raises(BadDocument):
        parse_quote(body, "CLX")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), json_values))
def test_whatever_stands_in_the_fields_the_answer_is_a_quote_or_a_bad_document(changes: dict[str, object]) -> None:
    try:
        quote = parse_quote(document(**changes), "CLX")
    except BadDocument:
        return
    assert quote.price > 0
    assert quote.symbol == "CLX"
