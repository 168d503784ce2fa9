"""Cboe's document: the chain and the bar in it, within bounds, and a clear error for what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_file
from volaris.errors import BadDocument
from volaris.market import Chain, ChainBounds
from volaris.market.cboe_document import parse_bars, parse_chain

EVERYTHING = ChainBounds(strike_range=10.0, max_expirations=99)
SHARE: dict[str, Any] = {
    "symbol": "BRK.B",
    "current_price": 100.0,
    "open": 99.0,
    "high": 102.0,
    "low": 98.0,
    "close": 101.0,
    "volume": 7.0,
    "last_trade_time": "2026-07-24T15:59:59",
}
NOW = datetime(2026, 7, 25, tzinfo=UTC)


def option(name: str = "BRKB260821C00100000", **changes: object) -> dict[str, object]:
    return {"option": name, "bid": 1.0, "ask": 2.0, "volume": 3.0, "open_interest": 4.0, "iv": 0.3} | changes


def document(*options: object, **changes: object) -> bytes:
    return orjson.dumps({"data": {"options": options} | SHARE | changes})


def parsed(*options: object, bounds: ChainBounds = EVERYTHING) -> Chain:
    return parse_chain(document(*options), "BRK.B", bounds)


def strikes(chain: Chain) -> list[float]:
    strikes: list[float] = chain.strike.tolist()
    return strikes


def test_real_document_gives_its_chain() -> None:
    chain = parse_chain(shared_file("cboe/CLX.json").read_bytes(), "CLX", EVERYTHING)
    assert (chain.symbol, chain.source, chain.spot, chain.listed, len(chain)) == ("CLX", "cboe", 95.55, 27, 27)
    assert chain.quoted_at == datetime(2026, 7, 24, 19, 59, 59, tzinfo=UTC)
    assert sorted(set(chain.expiration.tolist())) == [date(2026, 8, 21), date(2028, 1, 21)]
    assert chain.strike[:4].tolist() == [55.0, 55.0, 75.0, 75.0]
    assert chain.is_call[:4].tolist() == [False, True, False, True]
    assert chain.bid[:4].tolist() == [0.0, 39.0, 0.05, 19.1]
    assert chain.ask[:4].tolist() == [0.25, 42.1, 0.25, 22.6]
    assert chain.volume[:4].tolist() == [1, 0, 0, 0]
    assert chain.open_interest[:4].tolist() == [3, 6, 313, 31]
    assert int(((chain.bid == 0) & (chain.ask > 0)).sum()) == 2


def test_default_bounds_on_the_real_document_leave_the_strikes_near_its_price() -> None:
    chain = parse_chain(shared_file("cboe/CLX.json").read_bytes(), "CLX", ChainBounds())
    assert (chain.strike.min(), chain.strike.max(), len(chain), chain.listed) == (75.0, 120.0, 20, 27)


def test_columns_have_the_types_that_they_promise_with_and_without_rows() -> None:
    for chain in (parsed(option()), parsed()):
        assert chain.expiration.dtype == np.dtype("M8[D]")
        assert chain.is_call.dtype == np.bool_
        assert {chain.strike.dtype, chain.bid.dtype, chain.ask.dtype} == {np.dtype(np.float64)}
        assert {chain.volume.dtype, chain.open_interest.dtype} == {np.dtype(np.int32)}


@pytest.mark.parametrize("strike", [70.0, 130.0])
def test_strike_at_the_bound_is_wanted_and_one_beyond_is_not(strike: float) -> None:
    beyond = strike - 0.001 if strike < 100 else strike + 0.001
    names = [f"BRKB260821C{round(dollars * 1000):08d}" for dollars in (strike, beyond)]
    assert strikes(parsed(*map(option, names), bounds=ChainBounds(strike_range=0.3))) == [strike]


def test_nearest_expirations_are_wanted_in_whatever_order_they_stand() -> None:
    days = ("261218", "260821", "270115", "260724", "260918")
    chain = parsed(*[option(f"BRKB{day}P00100000") for day in days], bounds=ChainBounds(max_expirations=3))
    assert chain.expiration.tolist() == [date(2026, 7, 24), date(2026, 8, 21), date(2026, 9, 18)]
    assert chain.listed == 5


def test_expiration_that_has_passed_in_new_york_counts_for_nothing() -> None:
    options = [option(f"BRKB{day}P00100000") for day in ("260723", "260724")]
    assert parsed(*options, bounds=ChainBounds(max_expirations=1)).expiration.tolist() == [date(2026, 7, 24)]


def test_rows_come_by_expiration_strike_and_side() -> None:
    names = ["BRKB260918P00090000", "BRKB260821C00110000", "BRKB260821P00110000", "BRKB260821C00090000"]
    chain = parsed(*[option(name, bid=float(place)) for place, name in enumerate(names)])
    assert list(zip(strikes(chain), chain.is_call.tolist(), chain.bid.tolist(), strict=True)) == [
        (90.0, True, 3.0),
        (110.0, False, 2.0),
        (110.0, True, 1.0),
        (90.0, False, 0.0),
    ]


def test_contract_under_another_root_is_left_out() -> None:
    chain = parsed(option("BRKB1260821C00100000"), option("BRKB260821C00101000"))
    assert (strikes(chain), chain.listed) == ([101.0], 2)


def test_what_a_contract_does_not_say_is_nothing() -> None:
    chain = parsed({"option": "BRKB260821C00100000", "bid": None, "volume": None})
    assert [column.tolist() for column in (chain.bid, chain.ask, chain.volume, chain.open_interest)] == [
        [0.0],
        [0.0],
        [0],
        [0],
    ]


def test_contract_that_is_out_of_bounds_may_hold_anything() -> None:
    chain = parsed(option(), option("BRKB260821C00200000", bid="?", ask=[]), bounds=ChainBounds())
    assert strikes(chain) == [100.0]


NUMBERS = "bid, ask, volume or open_interest of an option is not a number"
NAME = "the symbol of an option does not have the form of CLX260821C00055000"


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ([option(bid=-0.01)], NUMBERS),
        ([option(ask="2.0")], NUMBERS),
        ([option(ask=True)], NUMBERS),
        ([option(bid=2.0**53)], NUMBERS),
        ([option(volume=2**31)], NUMBERS),
        ([option(open_interest=-1)], NUMBERS),
        ([option("BRKB260821X00100000")], NAME),
        ([option("BRKB2608210C0010000")], NAME),
        ([option("260821C00100000")], NAME),
        ([option("")], NAME),
        ([option("BRKB26082١C00100000")], NAME),
        ([option("BRKB260231C00100000")], "the expiration of an option is not a date"),
        ([option("BRKB261300C00100000")], "the expiration of an option is not a date"),
        ([{"bid": 1.0}], "an option has no symbol"),
        ([5], "an option has no symbol"),
        ([option(), option()], "a contract occurs twice"),
    ],
)
def test_chain_with_something_wrong_is_refused_by_the_name_of_it(options: list[object], cause: str) -> None:
    with pytest.raises(BadDocument, match=f"cboe: BRK.B: {cause}"):
        parsed(*options)


@pytest.mark.parametrize("options", [{}, None, 5, "x"])
def test_options_that_are_no_list_are_refused(options: object) -> None:
    body = orjson.dumps({"data": SHARE | {"options": options}})
    with pytest.raises(BadDocument, match="options is not a list"):
        parse_chain(body, "BRK.B", EVERYTHING)


def test_document_without_options_has_an_empty_chain() -> None:
    chain = parse_chain(orjson.dumps({"data": SHARE}), "BRK.B", EVERYTHING)
    assert (len(chain), chain.listed) == (0, 0)


def test_strike_of_zero_is_never_wanted() -> None:
    assert len(parsed(option("BRKB260821C00000000"))) == 0


def test_document_nested_without_end_is_refused() -> None:
    body = b'{"data": {"symbol": "BRK.B", "tick": ' + b"[" * 100_000
    with pytest.raises(BadDocument, match="the document of 100037 bytes is not valid JSON"):
        parse_chain(body, "BRK.B", EVERYTHING)


@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda noise: document(option())[:80] + noise))
def test_rubbish_is_a_bad_document_and_nothing_else(body: bytes) -> None:
    with pytest.raises(BadDocument):
        parse_chain(body, "BRK.B", EVERYTHING)


json_values = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20)
)


@given(st.dictionaries(st.sampled_from(["option", "bid", "ask", "volume", "open_interest"]), json_values))
def test_whatever_stands_in_a_contract_the_answer_is_a_chain_or_a_bad_document(changes: dict[str, object]) -> None:
    try:
        chain = parsed(option() | changes)
    except BadDocument:
        return
    assert len(chain) <= chain.listed == 1


def test_bar_is_the_documents_day_when_that_is_over() -> None:
    bars = parse_bars(document(), "BRK.B", NOW)
    assert bars.day.tolist() == [date(2026, 7, 24)]
    assert [column.tolist() for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)] == [
        [99.0],
        [102.0],
        [98.0],
        [101.0],
        [7],
    ]


@pytest.mark.parametrize(("minute", "rows"), [(19, 0), (20, 1)])
def test_day_is_over_when_the_feed_has_caught_up_with_the_close(minute: int, rows: int) -> None:
    assert len(parse_bars(document(), "BRK.B", datetime(2026, 7, 24, 20, minute, tzinfo=UTC))) == rows


@pytest.mark.parametrize("changes", [{"open": 0}, {"open": None}, {"low": 99.5}, {"high": 100.5}, {"close": 97.0}])
def test_day_without_a_possible_bar_has_none(changes: dict[str, object]) -> None:
    assert len(parse_bars(document(**changes), "BRK.B", NOW)) == 0
