"""prices_1m: every symbol, in batches, and what a failing one does to the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from volaris.errors import BadDocument, SourceUnavailable, StoreUnavailable, UnknownSymbol
from volaris.jobs.prices import JOB_ID, batches, prices_job, row_of, sync_prices
from volaris.market import Quote, Symbol
from volaris.scheduler import Every
from volaris.store import PriceRow

NOON = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)


def quote(symbol: str) -> Quote:
    return Quote(symbol=symbol, source="list", price=10.5, bid=10.0, ask=11.0, volume=7, quoted_at=NOON)


class ListSource:
    """Five symbols; asked for one with an error it raises that."""

    name = "list"

    def __init__(self, errors: dict[str, Exception] | None = None) -> None:
        self.errors = errors or {}
        self.asked: list[tuple[str, ...]] = []

    async def symbols(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(symbol=symbol, name=symbol) for symbol in "ABCDE")

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        self.asked.append(tuple(symbols))
        for symbol in symbols:
            if symbol in self.errors:
                raise self.errors[symbol]
        return [quote(symbol) for symbol in symbols]

    async def aclose(self) -> None:
        raise AssertionError("the job does not own the source")


class ListStore:
    """Keeps saved batches; the batch with the number `fails_at` is refused."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.batches: list[list[PriceRow]] = []
        self.fails_at = fails_at

    async def save(self, rows: Sequence[PriceRow]) -> int:
        if len(self.batches) == self.fails_at:
            raise StoreUnavailable("the database went away")
        self.batches.append(list(rows))
        return len(rows)

    def symbols(self) -> list[list[str]]:
        return [[row.symbol for row in batch] for batch in self.batches]


async def test_all_symbols_are_stored_in_batches_in_their_order() -> None:
    source, store = ListSource(), ListStore()
    assert await sync_prices(source, store, batch_size=2) == 5
    assert store.symbols() == [["A", "B"], ["C", "D"], ["E"]]
    assert source.asked == [("A", "B"), ("C", "D"), ("E",)]


@pytest.mark.parametrize("error", [BadDocument("list", "C", "no price"), UnknownSymbol("list", "C", "gone")])
async def test_batch_with_a_bad_symbol_is_left_out_whole_and_the_others_go_on(error: Exception) -> None:
    store = ListStore()
    with pytest.raises(type(error), match="list: C: "):
        await sync_prices(ListSource({"C": error}), store, batch_size=2)
    assert store.symbols() == [["A", "B"], ["E"]]


async def test_first_of_several_bad_symbols_is_the_error_of_the_run() -> None:
    errors: dict[str, Exception] = {"B": BadDocument("list", "B", "no price"), "E": UnknownSymbol("list", "E", "gone")}
    store = ListStore()
    with pytest.raises(BadDocument, match="list: B: no price"):
        await sync_prices(ListSource(errors), store, batch_size=1)
    assert store.symbols() == [["A"], ["C"], ["D"]]


async def test_source_that_is_away_ends_the_run_at_once() -> None:
    source, store = ListSource({"C": SourceUnavailable("list", "C", "refused")}), ListStore()
    with pytest.raises(SourceUnavailable, match="list: C: refused"):
        await sync_prices(source, store, batch_size=2)
    assert store.symbols() == [["A", "B"]]
    assert source.asked == [("A", "B"), ("C", "D")]


async def test_database_that_goes_away_ends_the_run_and_keeps_what_was_stored() -> None:
    store = ListStore(fails_at=1)
    with pytest.raises(StoreUnavailable, match="went away"):
        await sync_prices(ListSource(), store, batch_size=2)
    assert store.symbols() == [["A", "B"]]


def test_row_has_all_that_the_quote_said_its_source_too() -> None:
    assert row_of(quote("A")) == PriceRow(
        symbol="A", source="list", price=10.5, bid=10.0, ask=11.0, volume=7, quoted_at=NOON
    )


def test_batches_cover_everything_once() -> None:
    assert [list(batch) for batch in batches("ABCDE", 2)] == [["A", "B"], ["C", "D"], ["E"]]
    assert list(batches("", 2)) == []


async def test_job_runs_every_interval_within_that_time() -> None:
    store = ListStore()
    job = prices_job(ListSource(), store, interval_s=120, batch_size=5)
    await job.run()
    assert (job.id, job.trigger, job.timeout_s) == (JOB_ID, Every(120), 120)
    assert job.description == "latest prices from list"
    assert store.symbols() == [list("ABCDE")]
