"""options_refresh: every symbol's chain, a batch at a time, and what a failing one does to the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from volaris.errors import BadDocument, SourceError, SourceTimeout, SourceUnavailable, StoreUnavailable, UnknownSymbol
from volaris.jobs.options import JOB_ID, options_job, refresh_options, rows_of
from volaris.market import Chain, ChainBounds, Symbol
from volaris.scheduler import Every
from volaris.store import ChainRows

BOUNDS = ChainBounds(strike_range=0.2, max_expirations=3)


def chain(symbol: str) -> Chain:
    return Chain(
        symbol=symbol,
        source="list",
        spot=100.0,
        quoted_at=datetime(2026, 8, 3, 16, tzinfo=UTC),
        listed=10,
        expiration=np.array(["2026-08-07", "2026-08-07"], dtype="M8[D]"),
        strike=np.array([95.0, 100.0]),
        is_call=np.array([True, False]),
        bid=np.array([5.0, 0.0]),
        ask=np.array([5.5, 0.05]),
        volume=np.array([1, 0], dtype=np.int32),
        open_interest=np.array([10, 20], dtype=np.int32),
    )


class ListSource:
    """Five symbols; asked for one with an error it raises that."""

    name = "list"

    def __init__(self, errors: dict[str, Exception] | None = None) -> None:
        self.errors = errors or {}
        self.asked: list[str] = []

    async def symbols(self) -> tuple[Symbol, ...]:
        return tuple(Symbol(symbol=symbol, name=symbol) for symbol in "ABCDE")

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        assert bounds is BOUNDS
        self.asked.append(symbol)
        if symbol in self.errors:
            raise self.errors[symbol]
        return chain(symbol)


class ListStore:
    """Keeps the symbols of stored batches; the batch with the number `fails_at` is refused."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.batches: list[list[str]] = []
        self.fails_at = fails_at

    async def replace(self, chains: Sequence[ChainRows]) -> int:
        if len(self.batches) == self.fails_at:
            raise StoreUnavailable("the database went away")
        self.batches.append([rows.symbol for rows in chains])
        return sum(len(rows) for rows in chains)


async def test_all_chains_are_stored_in_batches_in_their_order() -> None:
    store = ListStore()
    assert await refresh_options(ListSource(), store, 2, BOUNDS) == 10
    assert store.batches == [["A", "B"], ["C", "D"], ["E"]]


@pytest.mark.parametrize("error", [BadDocument("list", "C", "no chain"), UnknownSymbol("list", "C", "gone")])
async def test_symbol_with_a_bad_chain_is_left_out_and_the_others_go_on(error: Exception) -> None:
    store = ListStore()
    with pytest.raises(type(error), match="list: C: "):
        await refresh_options(ListSource({"C": error}), store, 2, BOUNDS)
    assert store.batches == [["A", "B"], ["D"], ["E"]]


async def test_first_of_several_bad_chains_is_the_error_of_the_run() -> None:
    errors: dict[str, Exception] = {symbol: BadDocument("list", symbol, "no chain") for symbol in "EB"}
    with pytest.raises(BadDocument, match="list: B: no chain"):
        await refresh_options(ListSource(errors), ListStore(), 2, BOUNDS)


@pytest.mark.parametrize("kind", [SourceUnavailable, SourceTimeout, SourceError])
async def test_source_that_is_away_or_has_no_chains_ends_the_run_at_once(kind: type[SourceError]) -> None:
    source, store = ListSource({"C": kind("list", "C", "refused")}), ListStore()
    with pytest.raises(kind, match="list: C: refused"):
        await refresh_options(source, store, 2, BOUNDS)
    assert store.batches == [["A", "B"]]
    assert source.asked == ["A", "B", "C"]


async def test_database_that_goes_away_ends_the_run_and_keeps_what_was_stored() -> None:
    source, store = ListSource(), ListStore(fails_at=1)
    with pytest.raises(StoreUnavailable, match="went away"):
        await refresh_options(source, store, 2, BOUNDS)
    assert store.batches == [["A", "B"]]
    assert source.asked == ["A", "B", "C", "D"]


def test_rows_have_all_that_the_chain_said_and_copy_nothing() -> None:
    said = chain("A")
    rows = rows_of(said)
    assert {name: id(getattr(rows, name)) for name in ChainRows.__slots__} == {
        name: id(getattr(said, name)) for name in ChainRows.__slots__
    }


async def test_job_runs_every_interval_within_that_time() -> None:
    store = ListStore()
    job = options_job(ListSource(), store, interval_s=1800, batch_size=5, bounds=BOUNDS)
    await job.run()
    assert (job.id, job.trigger, job.timeout_s) == (JOB_ID, Every(1800), 1800)
    assert job.description == "option chains from list"
    assert store.batches == [list("ABCDE")]
