"""sp500: the list becomes the members, unless it cannot be the index's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from volaris.errors import BadDocument
from volaris.jobs.sp500 import JOB_ID, check, sp500_job, sync_constituents
from volaris.market import Constituent
from volaris.scheduler import Every
from volaris.store import ConstituentRow

NOW = datetime(2026, 8, 3, 12, tzinfo=UTC)


def names(count: int, begin: int = 0) -> list[str]:
    return [f"S{number:03d}" for number in range(begin, begin + count)]


class ListSource:
    def __init__(self, symbols: Sequence[str]) -> None:
        self.listed = symbols

    async def constituents(self) -> tuple[Constituent, ...]:
        return tuple(
            Constituent(symbol=s, name=f"{s} Inc.", sector="Energy", since=date(2020, 1, 2)) for s in self.listed
        )


class ListStore:
    def __init__(self, symbols: Sequence[str] = ()) -> None:
        self.rows = [ConstituentRow(symbol=symbol, name=symbol, sector=None, since=None) for symbol in symbols]
        self.at: datetime | None = None

    async def members(self) -> list[ConstituentRow]:
        return self.rows

    async def replace(self, members: Sequence[ConstituentRow], at: datetime) -> int:
        left = {row.symbol for row in self.rows} - {row.symbol for row in members}
        self.rows, self.at = list(members), at
        return len(left)


async def test_list_becomes_the_members() -> None:
    store = ListStore()
    assert await sync_constituents(ListSource(names(503)), store, lambda: NOW) == 503
    assert store.at == NOW
    assert store.rows[1] == ConstituentRow(symbol="S001", name="S001 Inc.", sector="Energy", since=date(2020, 1, 2))


@pytest.mark.parametrize("count", [490, 515])
def test_number_of_members_at_the_bound_is_taken(count: int) -> None:
    check(names(count), [])


@pytest.mark.parametrize("count", [0, 489, 516])
def test_number_of_members_beyond_is_refused(count: int) -> None:
    with pytest.raises(BadDocument, match=f"sp500: S&P 500: the list has {count} members; it should have 490 to 515"):
        check(names(count), [])


def test_symbol_that_stands_twice_is_refused_by_its_name() -> None:
    with pytest.raises(BadDocument, match="these symbols occur twice in the list: S003, S007"):
        check([*names(500), "S007", "S003"], [])


@pytest.mark.parametrize(("leavers", "refused"), [(25, False), (26, True)])
def test_five_in_a_hundred_may_leave_at_once_and_not_one_more(leavers: int, *, refused: bool) -> None:
    known, listed = names(500), names(500, leavers)
    if not refused:
        check(listed, known)
        return
    with pytest.raises(
        BadDocument, match=r"26 of 500 members would leave at once, among them S000, S001, .* more than 5% means"
    ):
        check(listed, known)


async def test_list_that_is_refused_changes_nothing() -> None:
    store = ListStore(names(500))
    before = store.rows
    with pytest.raises(BadDocument, match="would leave at once"):
        await sync_constituents(ListSource(names(500, 100)), store, lambda: NOW)
    assert store.rows is before


async def test_job_runs_every_interval() -> None:
    store = ListStore()
    job = sp500_job(ListSource(names(500)), store, interval_s=86400)
    await job.run()
    assert (job.id, job.trigger, job.timeout_s, len(store.rows)) == (JOB_ID, Every(86400), 300, 500)
