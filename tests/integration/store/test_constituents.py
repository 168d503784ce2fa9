"""The table of members, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from volaris.errors import StoreError
from volaris.store import ConstituentRepository, ConstituentRow, Database

NOW = datetime(2026, 8, 3, 12, tzinfo=UTC)
MMM = ConstituentRow(symbol="MMM", name="3M", sector="Industrials", since=date(1957, 3, 4))
AOS = ConstituentRow(symbol="AOS", name="A. O. Smith", sector=None, since=None)


@pytest.fixture
def members(database: Database) -> ConstituentRepository:
    return ConstituentRepository(database)


async def test_members_come_back_by_symbol(members: ConstituentRepository) -> None:
    assert await members.replace([MMM, AOS], NOW) == 0
    assert await members.members() == await members.all() == [AOS, MMM]


async def test_member_that_is_not_on_the_list_is_marked_and_kept(members: ConstituentRepository) -> None:
    await members.replace([MMM, AOS], NOW)
    assert await members.replace([MMM], NOW + timedelta(days=1)) == 1
    assert await members.members() == [MMM]
    assert await members.all() == [replace(AOS, left_at=NOW + timedelta(days=1)), MMM]


async def test_day_of_leaving_stays_the_first(members: ConstituentRepository) -> None:
    for day, listed in enumerate(([MMM, AOS], [MMM], [MMM])):
        left = await members.replace(listed, NOW + timedelta(days=day))
    assert left == 0
    assert (await members.all())[0].left_at == NOW + timedelta(days=1)


async def test_member_that_comes_back_is_one_again(members: ConstituentRepository) -> None:
    for listed in ([MMM, AOS], [MMM], [MMM, AOS]):
        await members.replace(listed, NOW)
    assert await members.members() == [AOS, MMM]


async def test_what_changed_is_written_and_nothing_else(members: ConstituentRepository, database: Database) -> None:
    async def versions() -> dict[str, str]:
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT symbol, xmin::text AS version FROM constituents")
        return {row["symbol"]: row["version"] for row in rows}

    await members.replace([MMM, AOS], NOW)
    before = await versions()
    renamed = replace(AOS, name="Smith", sector="Industrials")
    await members.replace([MMM, renamed], NOW)
    after = await versions()
    assert await members.members() == [renamed, MMM]
    assert (before["MMM"] == after["MMM"], before["AOS"] == after["AOS"]) == (True, False)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([MMM, replace(MMM, name="Other")], "cannot affect row a second time"),
        ([replace(MMM, symbol="")], "constituents_symbol_check"),
        ([replace(MMM, name="")], "constituents_name_check"),
    ],
)
async def test_list_that_the_database_refuses_changes_nothing(
    members: ConstituentRepository, listed: list[ConstituentRow], reason: str
) -> None:
    await members.replace([AOS], NOW)
    with pytest.raises(StoreError, match=reason):
        await members.replace(listed, NOW)
    assert await members.members() == [AOS]


async def test_two_lists_at_once_leave_one_of_them(members: ConstituentRepository) -> None:
    for _ in range(5):
        await asyncio.gather(members.replace([MMM], NOW), members.replace([AOS], NOW))
        assert await members.members() in ([MMM], [AOS])
