"""What the store says and refuses without a database to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import volaris.store
from volaris.errors import StoreUnavailable
from volaris.store import Database, PoolStatistics, PriceRepository, PriceRow

URL = "postgresql://volaris:s3cret@127.0.0.1:5432/prices"

ROW = PriceRow(
    symbol="AAPL",
    source="simulated",
    price=248.37,
    bid=None,
    ask=None,
    volume=None,
    quoted_at=datetime(2025, 10, 14, 15, 30, tzinfo=UTC),
)


def test_the_door_lists_what_users_may_use() -> None:
    assert volaris.store.__all__ == sorted(volaris.store.__all__)
    assert set(volaris.store.__all__) == {
        name
        for name, value in vars(volaris.store).items()
        if getattr(value, "__module__", "").startswith("volaris.store.")
    }


def test_a_price_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="quoted_at of AAPL has no time zone; it is 2025-10-14 15:30:00"):
        replace(ROW, quoted_at=ROW.quoted_at.replace(tzinfo=None))


@pytest.mark.parametrize("limit", [-1, 0, 1_001])
async def test_a_limit_out_of_bounds_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=f"limit must be from 1 to 1000, not {limit}"):
        await PriceRepository(Database(URL)).latest("AAPL", limit)


@pytest.mark.parametrize("limit", [1, 1_000])
async def test_a_limit_at_the_bounds_is_not(limit: int) -> None:
    with pytest.raises(StoreUnavailable):
        await PriceRepository(Database(URL)).latest("AAPL", limit)


async def test_a_database_that_was_never_connected_says_so() -> None:
    database = Database(URL)
    said = "database prices at 127.0.0.1:5432: there is no connection yet"

    for attempt in (database.ping(), PriceRepository(database).save([ROW]), PriceRepository(database).latest("A", 1)):
        with pytest.raises(StoreUnavailable, match=f"^{said}$"):
            await attempt

    assert database.unavailable_reason == said
    assert database.statistics() == PoolStatistics(
        size=0, max_size=5, idle=0, in_use=0, waiting=0, acquires=0, failures=3
    )


async def test_closing_what_was_never_connected_does_nothing_and_says_so() -> None:
    database = Database(URL)

    await database.close()
    await database.close()

    assert database.unavailable_reason == "database prices at 127.0.0.1:5432: the pool is closed"


def test_a_database_does_not_show_its_address() -> None:
    assert "s3cret" not in repr(Database(URL))
