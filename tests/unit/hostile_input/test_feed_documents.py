"""Cboe's documents: whatever a server sends is a quote, a chain and a bar within their bounds, or a BadDocument."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_file
from tests.unit.hostile_input.changes import as_json, changed, damaged
from volaris.errors import BadDocument
from volaris.market import Chain, ChainBounds, DailyBars
from volaris.market.cboe_document import parse_bars, parse_chain, parse_quote

SYMBOL = "BRK.B"
NOW = datetime(2026, 7, 25, tzinfo=UTC)
EVERYTHING = ChainBounds(strike_range=10.0, max_expirations=99)
NAMES = ("BRKB260821C00100000", "BRKB260821P00100000", "BRKB260918C00110000")
DOCUMENT: dict[str, Any] = {
    "data": {
        "options": [
            {"option": name, "bid": 1.0, "ask": 2.0, "volume": 3.0, "open_interest": 4.0, "iv": 0.3} for name in NAMES
        ],
        "symbol": SYMBOL,
        "current_price": 100.0,
        "bid": 99.0,
        "ask": 101.0,
        "open": 99.0,
        "high": 102.0,
        "low": 98.0,
        "close": 101.0,
        "volume": 7.0,
        "last_trade_time": "2026-07-24T15:59:59",
    }
}
GOOD = as_json(DOCUMENT)
OCC = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["BRKB", "BRKB1", "", "XYZ"]),
    st.sampled_from(["260821", "261301", "000000", "991231", "٢٦٠٨٢١", "26082"]),
    st.sampled_from(["C", "P", "X", "c", ""]),
    st.sampled_from(["00100000", "00000000", "99999999", "-0100000", "0010000", "001000000", "00 10000"]),
)


def checked(body: bytes, symbol: str = SYMBOL) -> Chain | None:
    """The chain, after everything that is read from the document has been found within its bounds."""
    with suppress(BadDocument):
        quote = parse_quote(body, symbol)
        assert 0 < quote.price < math.inf
        assert all(side is None or 0 < side < math.inf for side in (quote.bid, quote.ask))
        assert quote.volume is None or 0 <= quote.volume < 2**63
        assert quote.quoted_at.tzinfo is UTC
    with suppress(BadDocument):
        bars = bars_in(body, symbol)
        assert all(0 < low <= high < math.inf for low, high in zip(bars.low, bars.high, strict=True))
        assert (bars.volume >= 0).all()
    with suppress(BadDocument):
        chain = chain_in(body, symbol)
        assert len(chain) <= chain.listed
        for column in (chain.strike, chain.bid, chain.ask, chain.volume, chain.open_interest):
            assert np.isfinite(column).all()
            assert (column >= 0).all()
        assert (chain.strike > 0).all()
        keys = list(zip(chain.expiration.tolist(), chain.strike.tolist(), chain.is_call.tolist(), strict=True))
        assert keys == sorted(set(keys))
        return chain
    return None


def bars_in(body: bytes, symbol: str) -> DailyBars:
    return parse_bars(body, symbol, NOW)


def chain_in(body: bytes, symbol: str) -> Chain:
    return parse_chain(body, symbol, EVERYTHING)


def test_document_of_these_tests_is_a_good_one() -> None:
    chain = checked(GOOD)
    assert chain is not None
    assert len(chain) == 3


@given(changed(DOCUMENT))
def test_document_with_values_removed_replaced_or_doubled(document: Any) -> None:
    checked(as_json(document))


@given(damaged(GOOD))
def test_document_with_damaged_bytes(body: bytes) -> None:
    checked(body)


@given(st.lists(OCC, max_size=4))
def test_contracts_of_any_name(names: list[str]) -> None:
    checked(as_json({"data": DOCUMENT["data"] | {"options": [{"option": name} for name in names]}}))


@given(st.datetimes().map(datetime.isoformat) | st.text(max_size=30) | st.dates().map(str))
def test_document_of_any_time(time: str) -> None:
    checked(as_json({"data": DOCUMENT["data"] | {"last_trade_time": time}}))


@given(st.data())
def test_real_document_with_values_removed_replaced_or_doubled(data: st.DataObject) -> None:
    document = json.loads(shared_file("cboe/CLX.json").read_bytes())
    document["data"]["options"] = document["data"]["options"][:5]
    checked(as_json(data.draw(changed(document))), "CLX")


@pytest.mark.parametrize("parse", [parse_quote, bars_in, chain_in])
def test_time_that_is_none_in_new_york_is_refused(parse: Callable[..., object]) -> None:
    body = as_json({"data": DOCUMENT["data"] | {"last_trade_time": "0001-01-01T00:00:00Z"}})
    with pytest.raises(BadDocument, match="last_trade_time is not a time"):
        parse(body, SYMBOL)


def test_contract_whose_name_is_no_utf_8_is_refused() -> None:
    with pytest.raises(BadDocument, match="an option has no symbol"):
        chain_in(GOOD.replace(b"C00110000", b"C0011000\xff"), SYMBOL)
