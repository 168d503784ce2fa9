"""Which questions are answered by a fetch, and what the answers are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.demand.market import START, Asked, asking
from volaris.demand import Answer, Fresh
from volaris.errors import BadDocument, SourceUnavailable, StoreUnavailable, UnknownSymbol
from volaris.jobs import iv
from volaris.jobs.options import refresh_options
from volaris.jobs.prices import sync_prices
from volaris.market import ChainBounds
from volaris.market.hours import NyseHours, load_year
from volaris.store import Store

KINDS = ["quote", "chain", "figures"]
DOWN = SourceUnavailable("simulated", "AAPL", "the connection failed")
# What a first question of each kind asks the source for.
NEEDED = {"quote": ["quote"], "chain": ["chain"], "figures": ["bars", "chain"]}
MAX_AGE_S = {"quote": 240, "chain": 3_600, "figures": 7_200}


async def ask(asked: Asked, kind: str, fresh: Fresh = Fresh.STALE, symbol: str = "AAPL") -> Any:
    """Ask for that kind of data; gives the answer."""
    return await getattr(asked.demand, kind)(symbol, fresh)


def asked_for(asked: Asked) -> list[str]:
    """The kinds that the source was asked for since the last call, each as often as it was."""
    kinds = sorted(kind for kind, _ in asked.source.asked.elements())
    asked.source.asked.clear()
    return kinds


@pytest.mark.parametrize("fresh", [Fresh.STALE, Fresh.ALWAYS])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_stored_is_fetched_and_stored(store: Store, kind: str, fresh: Fresh) -> None:
    async with asking(store) as asked:
        assert await ask(asked, kind, Fresh.NEVER) == Answer(record=None, fetched=False, age_s=None, fetch_error=None)
        assert asked_for(asked) == []
        first = await ask(asked, kind, fresh)
        assert (first.fetched, first.age_s, first.fetch_error) == (True, 0.0, None)
        assert first.record.symbol == "AAPL"
        assert asked_for(asked) == NEEDED[kind]
        stored = await ask(asked, kind, Fresh.NEVER)
        assert (stored.record, stored.fetched) == (first.record, False)


@pytest.mark.parametrize("kind", KINDS)
async def test_stored_data_are_fetched_again_when_their_maximum_age_has_passed(store: Store, kind: str) -> None:
    async with asking(store) as asked:
        await ask(asked, kind)
        asked_for(asked)
        asked.clock.pass_s(MAX_AGE_S[kind])
        answer = await ask(asked, kind)
        assert (answer.fetched, answer.age_s) == (False, MAX_AGE_S[kind])
        assert asked_for(asked) == []
        asked.clock.pass_s(1)
        answer = await ask(asked, kind)
        assert (answer.fetched, answer.age_s) == (True, 0.0)
        assert asked_for(asked) == [part for part in NEEDED[kind] if part != "bars"]


@pytest.mark.parametrize("kind", KINDS)
async def test_always_fetches_whatever_is_stored(store: Store, kind: str) -> None:
    async with asking(store) as asked:
        for _ in range(2):
            answer = await ask(asked, kind, Fresh.ALWAYS)
            assert (answer.fetched, answer.age_s) == (True, 0.0)
        assert asked.source.asked[NEEDED[kind][-1], "AAPL"] == 2


@pytest.fixture(scope="module")
def nyse() -> NyseHours:
    hours = NyseHours()
    hours._years = {2026: load_year(2026)}  # before there is a loop that it could block
    return hours


async def test_nothing_is_fetched_while_the_market_is_closed_and_its_last_trades_are_stored(
    store: Store, nyse: NyseHours
) -> None:
    async with asking(store, hours=nyse, delay_s=900) as asked:
        asked.clock.now = datetime(2026, 7, 31, 19, 50, tzinfo=UTC)  # a Friday, ten minutes before the close
        assert (await ask(asked, "quote")).age_s == 900
        asked.clock.now = datetime(2026, 7, 31, 20, 15, tzinfo=UTC)  # now the source shows the close
        assert (await ask(asked, "quote")).record.quoted_at == datetime(2026, 7, 31, 20, 0, tzinfo=UTC)
        asked_for(asked)
        asked.clock.now = datetime(2026, 8, 3, 13, 49, tzinfo=UTC)  # on Monday the source shows four minutes of trade
        answer = await ask(asked, "quote")
        assert (answer.fetched, asked_for(asked)) == (False, [])
        asked.clock.pass_s(1)
        assert (await ask(asked, "quote")).fetched


async def test_share_that_is_not_traded_is_not_fetched_with_each_question(store: Store) -> None:
    async with asking(store) as asked:
        asked.source.behind_s = 86_400
        answer = await ask(asked, "quote")
        assert (answer.fetched, answer.age_s) == (True, 86_400)
        asked.clock.pass_s(240)
        answer = await ask(asked, "quote")
        assert (answer.fetched, answer.age_s) == (False, 86_640)
        asked.clock.pass_s(1)
        assert (await ask(asked, "quote")).fetched


@pytest.mark.parametrize("kind", KINDS)
async def test_data_of_another_source_are_stale_until_those_of_this_one_are_fetched(store: Store, kind: str) -> None:
    async with asking(store) as asked:
        await ask(asked, kind)
    async with asking(store) as asked:
        assert not (await ask(asked, kind)).fetched
        asked.source.name = "cboe"
        assert (await ask(asked, kind)).fetched
        assert not (await ask(asked, kind)).fetched


@pytest.mark.parametrize("kind", KINDS)
async def test_broken_source_is_told_with_the_stored_data_and_their_age(store: Store, kind: str) -> None:
    async with asking(store) as asked:
        first = await ask(asked, kind)
        asked.clock.pass_s(10_000)
        asked.source.error = DOWN
        answer = await ask(asked, kind)
        assert (answer.fetched, answer.age_s, answer.fetch_error) == (False, 10_000, str(DOWN))
        assert answer.record == first.record
        asked.source.error = None
        assert (await ask(asked, kind)).fetched


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [DOWN, BadDocument("simulated", "AAPL", "no JSON")])
async def test_broken_source_is_an_error_if_nothing_is_stored(store: Store, kind: str, error: Exception) -> None:
    async with asking(store) as asked:
        asked.source.error = error
        with pytest.raises(type(error)):
            await ask(asked, kind)
        asked.source.error = None
        assert (await ask(asked, kind)).fetched


@pytest.mark.parametrize("has_older", [False, True])
async def test_figures_are_computed_from_an_old_chain_if_there_is_no_newer_one(
    store: Store, *, has_older: bool
) -> None:
    async with asking(store) as asked:
        if has_older:
            await ask(asked, "figures")
            asked.clock.pass_s(10_000)
        await ask(asked, "chain")
        asked.clock.pass_s(10_000)
        asked.source.error = DOWN
        answer = await ask(asked, "figures")
        assert answer.record.computed_at == asked.clock.now
        assert (answer.fetched, answer.age_s, answer.fetch_error) == (False, 10_000, str(DOWN))


async def test_unknown_symbol_is_never_asked_for(store: Store) -> None:
    async with asking(store) as asked:
        for fresh in Fresh:
            for kind in KINDS:
                with pytest.raises(UnknownSymbol, match="there is no such symbol"):
                    await ask(asked, kind, fresh, "APPL")
        assert asked_for(asked) == []


async def test_database_that_is_not_ready_is_told_and_nothing_is_fetched(store: Store) -> None:
    async with asking(store) as asked:
        await store.close()
        for fresh in Fresh:
            with pytest.raises(StoreUnavailable):
                await ask(asked, "quote", fresh)
        assert asked_for(asked) == []


async def test_rows_are_those_that_the_jobs_store(store: Store) -> None:
    async with asking(store) as asked:
        answers = [await ask(asked, kind) for kind in KINDS]
        contracts = await store.options.contracts("AAPL", limit=1_000)
        terms = await store.metrics.terms("AAPL")
        bars = await store.bars.last("AAPL", "simulated", 100)
        asked.source.symbols = _only_aapl(asked)  # type: ignore[method-assign]
        async with store.acquire() as connection:
            await connection.execute("TRUNCATE prices, chains, options, bars, iv_metrics, iv_terms CASCADE")
        await sync_prices(asked.source, store.prices, 25)
        await refresh_options(asked.source, store.options, 25, ChainBounds())
        stores = iv.Stores(chains=store.options, bars=store.bars, metrics=store.metrics)
        await iv.compute_metrics(asked.source, stores, rate=0.04, now=asked.clock)
        by_jobs = [await ask(asked, kind, Fresh.NEVER) for kind in KINDS]
        assert by_jobs[0].record == answers[0].record
        assert by_jobs[2].record == answers[2].record
        assert await store.options.contracts("AAPL", limit=1_000) == contracts
        assert await store.metrics.terms("AAPL") == terms
        assert (await store.bars.last("AAPL", "simulated", 100)).close.tolist() == bars.close.tolist()
        assert answers[0].record.quoted_at == START


def _only_aapl(asked: Asked) -> Any:
    symbols = asked.source.symbols

    async def only() -> Any:
        return tuple(entry for entry in await symbols() if entry.symbol == "AAPL")

    return only
