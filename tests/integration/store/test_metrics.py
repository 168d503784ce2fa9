"""The tables of volatility figures, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from volaris.errors import StoreError
from volaris.store import (
    ConstituentRepository,
    ConstituentRow,
    Database,
    MetricsRepository,
    MetricsRow,
    RankedBy,
    TermRow,
)

DAY = date(2025, 10, 14)
ROW = MetricsRow(
    symbol="AAPL",
    day=DAY,
    computed_at=datetime(2025, 10, 14, 15, 30, tzinfo=UTC),
    source="simulated",
    spot=248.37,
    contracts=512,
    iv30=0.31,
    atm_iv=0.3,
    skew_25d=0.04,
    iv_rank=55.5,
    iv_percentile=60.0,
    iv_days=252,
    **{
        f"{estimator}_{days}": 0.2 + days / 1000
        for estimator in ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
        for days in (10, 20, 60)
    },
)
BARE = MetricsRow(
    symbol="MSFT",
    day=DAY,
    computed_at=ROW.computed_at,
    source="cboe",
    spot=1.0,
    contracts=0,
    iv30=None,
    atm_iv=None,
    skew_25d=None,
    iv_rank=None,
    iv_percentile=None,
    iv_days=3,
)
TERM = TermRow(
    symbol="AAPL", expiration=date(2025, 11, 21), years=0.1, forward=249.0, atm_iv=0.3, skew_25d=0.04, contracts=60
)


@pytest.fixture
def metrics(database: Database) -> MetricsRepository:
    return MetricsRepository(database)


def day(ago: int, **changes: object) -> MetricsRow:
    return replace(ROW, day=DAY - timedelta(days=ago), **changes)  # type: ignore[arg-type]


async def test_figures_come_back_as_they_were_saved(metrics: MetricsRepository) -> None:
    assert await metrics.save([ROW, BARE], [TERM]) == 2
    assert await metrics.latest("AAPL") == ROW
    assert await metrics.latest("MSFT") == BARE
    assert await metrics.latest("IBM") is None
    assert await metrics.terms("AAPL") == [TERM]
    assert await metrics.terms("MSFT") == []


async def test_columns_of_the_tables_are_those_of_the_rows(database: Database) -> None:
    async with database.acquire() as connection:
        for table, row in (("iv_metrics", MetricsRow), ("iv_terms", TermRow)):
            names = await connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass "
                "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                table,
            )
            assert [name[0] for name in names] == [field.name for field in fields(row)]


async def test_later_run_of_a_day_replaces_its_figures_and_terms(metrics: MetricsRepository) -> None:
    await metrics.save([ROW, day(1)], [TERM, replace(TERM, expiration=date(2025, 10, 17))])
    later = replace(ROW, iv30=0.4, computed_at=ROW.computed_at + timedelta(hours=1))
    await metrics.save([later, later], [replace(TERM, atm_iv=0.5)])
    assert await metrics.history("AAPL", 10) == [later, day(1)]
    assert await metrics.terms("AAPL") == [replace(TERM, atm_iv=0.5)]


async def test_history_comes_from_the_latest_on_in_pages(metrics: MetricsRepository) -> None:
    await metrics.save([day(ago) for ago in range(5)], [])
    first = await metrics.history("AAPL", 2)
    assert first == [day(0), day(1)]
    assert await metrics.history("AAPL", 9, before=first[-1].day) == [day(2), day(3), day(4)]


async def test_figures_behind_the_rank_are_those_before_the_day(metrics: MetricsRepository) -> None:
    rows = [day(ago, iv30=None if ago == 2 else ago / 10) for ago in range(5)]
    await metrics.save([*rows, day(6, source="cboe")], [])
    assert await metrics.iv30_before("AAPL", DAY, "simulated", 252) == [0.1, 0.3, 0.4]
    assert await metrics.iv30_before("AAPL", DAY, "simulated", 2) == [0.1, 0.3]


async def test_ranking_has_the_highest_first_and_members_only(metrics: MetricsRepository, database: Database) -> None:
    ranks = {"A": 10.0, "B": 90.0, "C": None, "D": 90.0, "LEFT": 99.0}
    members = [ConstituentRow(symbol=symbol, name=symbol, sector=None, since=None) for symbol in ranks]
    repository = ConstituentRepository(database)
    await repository.replace(members, ROW.computed_at)
    await repository.replace(members[:-1], ROW.computed_at)
    await metrics.save([replace(ROW, symbol=symbol, iv_rank=rank) for symbol, rank in ranks.items()], [])
    await metrics.save([replace(ROW, symbol="A", day=DAY - timedelta(days=1), iv_rank=100.0)], [])

    ranking = await metrics.ranking(RankedBy.IV_RANK, 10)
    assert [(row.symbol, row.iv_rank) for row in ranking] == [("B", 90.0), ("D", 90.0), ("A", 10.0)]
    assert [row.symbol for row in await metrics.ranking(RankedBy.IV30, 2)] == ["A", "B"]


@pytest.mark.parametrize("limit", [0, 1001])
async def test_too_many_or_too_few_are_refused(metrics: MetricsRepository, limit: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 1000, not {limit}"):
        await metrics.history("AAPL", limit)
    with pytest.raises(ValueError, match=f"from 1 to 1000, not {limit}"):
        await metrics.ranking(RankedBy.IV30, limit)


async def test_batch_with_a_bad_row_leaves_all_as_it_is(metrics: MetricsRepository) -> None:
    await metrics.save([ROW], [TERM])
    with pytest.raises(StoreError, match="iv_terms_years_check"):
        await metrics.save([replace(ROW, iv30=0.9)], [replace(TERM, years=0.0)])
    assert await metrics.latest("AAPL") == ROW
    assert await metrics.terms("AAPL") == [TERM]


async def test_nothing_to_save_does_not_ask_for_a_connection(metrics: MetricsRepository, database: Database) -> None:
    assert await metrics.save([], []) == 0
    assert database.statistics().acquires == 0


async def test_writers_of_the_same_symbols_at_once_leave_the_figures_of_one(metrics: MetricsRepository) -> None:
    def run(turn: int) -> tuple[list[MetricsRow], list[TermRow]]:
        rows = [replace(ROW, symbol=symbol, iv30=float(turn)) for symbol in "ABC"]
        return rows, [replace(TERM, symbol=symbol, atm_iv=float(turn)) for symbol in "ABC"]

    await asyncio.gather(*(metrics.save(*run(turn)) for turn in range(8)))
    figures = {row.iv30 for symbol in "ABC" for row in await metrics.history(symbol, 10)}
    terms = {row.atm_iv for symbol in "ABC" for row in await metrics.terms(symbol)}
    assert figures == terms
    assert len(figures) == 1
