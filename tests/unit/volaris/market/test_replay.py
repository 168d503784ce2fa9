"""Real bars played again: each bar's open, high, low and close, at their own times."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from volaris.errors import BadDocument, SourceError, UnknownSymbol
from volaris.market import replay
from volaris.market.records import Quote
from volaris.market.replay import NAMES, ReplaySource, load_bars, parse_bars, tick_of, unpack_bars

HEADER = "Ticker,Date,Open,High,Low,Close,Volume,Adj Close"
ROSE = "2000-03-01,118.56,132.06,118.5,130.31,9616100,4.18"
FELL = "2000-03-02,127,127.94,120.69,122,2773100,3.9"


def lines(*rows: str) -> list[str]:
    return [HEADER, *rows]


def four(*bars: str) -> list[str]:
    return lines(*(f"{symbol},{bar}" for symbol in NAMES for bar in bars))


async def ticks(source: ReplaySource, symbols: Sequence[str], count: int) -> list[Quote]:
    return [quote for _ in range(count) for quote in await source.quotes(symbols)]


def test_bar_of_a_day_that_rose_has_its_low_first() -> None:
    bars = parse_bars(four(ROSE))["AAPL"]
    assert [tick_of("AAPL", bars, 0, tick).price for tick in range(4)] == [118.56, 118.5, 132.06, 130.31]


def test_bar_of_a_day_that_fell_has_its_high_first() -> None:
    bars = parse_bars(four(FELL))["AAPL"]
    assert [tick_of("AAPL", bars, 0, tick).price for tick in range(4)] == [127, 127.94, 120.69, 122]


def test_ticks_have_the_times_of_their_day_in_new_york() -> None:
    bars = parse_bars(four("2000-07-03,1,2,1,2,10,1"))["IBM"]
    assert [tick_of("IBM", bars, 0, tick).quoted_at for tick in range(4)] == [
        datetime(2000, 7, 3, hour, minute, tzinfo=UTC) for hour, minute in ((13, 30), (15, 30), (17, 30), (20, 0))
    ]


def test_what_a_daily_bar_does_not_tell_is_not_made_up() -> None:
    bars = parse_bars(four(ROSE))["AAPL"]
    quotes = [tick_of("AAPL", bars, 0, tick) for tick in range(4)]
    assert {(quote.bid, quote.ask, quote.source) for quote in quotes} == {(None, None, "replay")}
    assert [quote.volume for quote in quotes] == [None, None, None, 9616100]


async def test_real_bars_are_met_tick_by_tick() -> None:
    quotes = await ticks(ReplaySource(), ["AAPL", "MSFT"], 5)
    assert [quote.price for quote in quotes if quote.symbol == "AAPL"] == [118.56, 118.5, 132.06, 130.31, 127.0]
    assert [quote.quoted_at.day for quote in quotes if quote.symbol == "MSFT"] == [1, 1, 1, 1, 2]


def test_package_ships_bars_of_all_four() -> None:
    assert {symbol: len(bars) for symbol, bars in load_bars().items()} == {
        "AAPL": 3270,
        "GOOG": 2148,
        "IBM": 3270,
        "MSFT": 3270,
    }


async def test_after_the_last_bar_the_first_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "load_bars", lambda: parse_bars(four(ROSE, FELL)))
    source = ReplaySource()
    prices = [quote.price for quote in await ticks(source, ["GOOG"], 9)]
    assert prices == [118.56, 118.5, 132.06, 130.31, 127, 127.94, 120.69, 122, 118.56]
    await source.aclose()


async def test_other_symbols_are_refused_by_name() -> None:
    with pytest.raises(UnknownSymbol, match="replay: XOM: there are only bars of AAPL, GOOG, IBM, MSFT"):
        await ReplaySource().quotes(["AAPL", "XOM"])
    assert [entry.symbol for entry in await ReplaySource().symbols()] == ["AAPL", "GOOG", "IBM", "MSFT"]


async def test_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_package: str) -> None:
        raise ModuleNotFoundError("bokeh_sampledata")

    monkeypatch.setattr(replay, "files", missing)
    with pytest.raises(
        SourceError, match=r"its bars are not installed; install them with: pip install 'volaris\[replay\]'"
    ) as caught:
        await ReplaySource().quotes(["AAPL"])
    assert type(caught.value) is SourceError, "the kinds that are tried again would be tried in vain"


@pytest.mark.parametrize(
    "row",
    [
        "AAPL,2000-03-01,0,2,0,1,10,1",
        "AAPL,2000-03-01,1,2,1.5,1.7,10,1",
        "AAPL,2000-03-01,1,2,1,2.5,10,1",
        "AAPL,2000-03-01,x,2,1,2,10,1",
        "AAPL,2000-13-01,1,2,1,2,10,1",
        "AAPL,2000-03-01,1,2,1,2,many,1",
        "AAPL,2000-03-01,1,2,1,2,-10,1",
        "AAPL,2000-03-01,1,inf,1,2,10,1",
        "AAPL,2000-03-01,1,2,nan,2,10,1",
        "AAPL,2000-03-01,1,2",
    ],
)
def test_row_that_is_no_bar_is_refused_with_its_symbol_and_day(row: str) -> None:
    with pytest.raises(BadDocument, match=r"replay: AAPL: the bar of 2000-\d\d-01 cannot be read: \w+"):
        parse_bars(lines(row))


def test_bars_out_of_order_and_symbols_without_bars_are_refused() -> None:
    with pytest.raises(BadDocument, match="the bar of 2000-03-01 cannot be read: ValueError"):
        parse_bars(four(FELL, ROSE))
    with pytest.raises(BadDocument, match="replay: GOOG: there are no bars"):
        parse_bars(lines(f"AAPL,{ROSE}", f"XOM,{ROSE}"))


@pytest.mark.parametrize(
    ("packed", "cause"),
    [
        (b"no gzip", "BadGzipFile"),
        (gzip.compress("\n".join(four(ROSE)).encode())[:-12], "EOFError"),
        (gzip.compress("\n".join(four(ROSE)).encode() + b"\xff"), "UnicodeDecodeError"),
    ],
)
def test_file_that_cannot_be_unpacked_is_a_bad_document(packed: bytes, cause: str) -> None:
    with pytest.raises(BadDocument, match=f"the package's file cannot be read: {cause}"):
        unpack_bars(packed)


def test_packed_bars_are_the_bars_of_their_lines() -> None:
    assert unpack_bars(gzip.compress("\n".join(four(ROSE, FELL)).encode())) == parse_bars(four(ROSE, FELL))
