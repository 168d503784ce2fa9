"""What the replay has beside quotes: the bars so far, and no chains."""

from __future__ import annotations

from datetime import date

import pytest

from volaris.errors import SourceError, UnknownSymbol
from volaris.market import ChainBounds
from volaris.market.replay import ReplaySource


async def test_replay_has_no_chains_and_says_what_has() -> None:
    with pytest.raises(
        SourceError, match=r"replay: AAPL: replayed data has no option chains; .* simulated or cboe"
    ) as caught:
        await ReplaySource().chain("AAPL", ChainBounds())
    assert type(caught.value) is SourceError, "no other attempt, and no other symbol, will do better"


async def test_bars_are_those_before_the_next_quotes_own() -> None:
    source = ReplaySource()
    assert len(await source.bars("AAPL", 60)) == 0
    for _ in range(9):
        await source.quotes(["AAPL"])
    bars = await source.bars("AAPL", 60)
    assert bars.day.tolist() == [date(2000, 3, 1), date(2000, 3, 2)]
    assert (bars.symbol, bars.source) == ("AAPL", "replay")
    assert [column.tolist()[0] for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)] == [
        118.56,
        132.06,
        118.5,
        130.31,
        9616100,
    ]
    assert (await source.bars("AAPL", 1)).day.tolist() == [date(2000, 3, 2)]


async def test_bars_of_another_symbol_are_unknown() -> None:
    with pytest.raises(UnknownSymbol, match="replay: XOM: there are only bars of AAPL, GOOG, IBM, MSFT"):
        await ReplaySource().bars("XOM", 5)


async def test_members_are_those_of_today() -> None:
    assert len(await ReplaySource().constituents()) == 503
