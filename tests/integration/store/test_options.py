"""The tables of chains, on a real PostgreSQL: whole chains in, whole chains and pages out."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
import pytest

from tests.integration.store.chains import FIRST, MOMENT, SECOND, chain, changed, same, without_rows
from volaris.errors import StoreError, StoreUnavailable
from volaris.store import ChainRows, ContractFilter, ContractKey, ContractRow, Database, OptionsRepository


@pytest.fixture
def options(database: Database) -> OptionsRepository:
    return OptionsRepository(database)


async def rows_in(database: Database, table: str = "options") -> int:
    async with database.acquire() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_chain_comes_back_as_it_was_stored(options: OptionsRepository) -> None:
    ours, other = chain(spot=100.1 + 0.2), chain("BRK.B", 3)

    assert await options.replace([ours, other]) == 11

    assert same(await options.chain("AAPL"), ours)
    assert same(await options.chain("BRK.B"), other)


async def test_columns_come_back_with_their_types(options: OptionsRepository) -> None:
    stored = chain()
    await options.replace([stored])
    back = await options.chain("AAPL")
    assert back is not None
    for name in ("expiration", "strike", "is_call", "bid", "ask", "volume", "open_interest"):
        assert getattr(back, name).dtype == getattr(stored, name).dtype


async def test_a_chain_replaces_the_one_of_its_symbol_and_day_whole(
    options: OptionsRepository, database: Database
) -> None:
    neighbours = [chain("AAP"), chain("AAPLE"), chain(at=MOMENT - timedelta(days=1))]
    await options.replace([chain(contracts=20), *neighbours])
    newer = chain(contracts=6, spot=120.0, at=MOMENT + timedelta(hours=1))

    assert await options.replace([newer]) == 6

    assert same(await options.chain("AAPL"), newer)
    assert same(await options.chain("AAP"), neighbours[0])
    assert await rows_in(database) == 6 + 8 + 8 + 8


async def test_the_latest_day_is_the_chain_of_a_symbol(options: OptionsRepository) -> None:
    today = chain(spot=101.0)
    await options.replace([today, chain(at=MOMENT - timedelta(days=3))])
    await options.replace([chain(at=MOMENT - timedelta(days=1))])

    assert same(await options.chain("AAPL"), today)
    header = await options.header("AAPL")
    assert header is not None
    assert (header.spot, header.contracts, header.listed, header.quoted_at) == (101.0, 8, 13, MOMENT)
    assert header.quoted_on == date(2025, 10, 14)


async def test_day_is_that_of_utc(options: OptionsRepository) -> None:
    late = datetime.fromisoformat("2025-10-14T20:30:00-04:00")
    await options.replace([chain(at=late)])
    header = await options.header("AAPL")
    assert header is not None
    assert (header.quoted_on, header.quoted_at) == (date(2025, 10, 15), late.astimezone(UTC))


async def test_header_says_when_a_run_wrote_it(options: OptionsRepository) -> None:
    await options.replace([chain()])
    first = await options.header("AAPL")
    await options.replace([chain()])
    second = await options.header("AAPL")
    assert first is not None
    assert second is not None
    assert first.written_at < second.written_at


async def test_of_several_chains_of_a_symbol_and_day_the_last_counts(options: OptionsRepository) -> None:
    last = chain(spot=3.0)
    assert await options.replace([chain(spot=1.0), chain(spot=2.0, contracts=20), last]) == 8
    assert same(await options.chain("AAPL"), last)


async def test_a_symbol_without_a_chain_has_none(options: OptionsRepository) -> None:
    assert await options.chain("AAPL") is None
    assert await options.header("AAPL") is None
    assert await options.contracts("AAPL", limit=10) == []
    assert [row async for row in options.stream("AAPL")] == []


async def test_a_chain_without_contracts_takes_those_of_before_away(
    options: OptionsRepository, database: Database
) -> None:
    await options.replace([chain()])
    assert await options.replace([without_rows()]) == 0
    assert same(await options.chain("AAPL"), without_rows())
    assert await rows_in(database) == 0


async def test_no_chains_do_not_ask_for_a_connection(options: OptionsRepository, database: Database) -> None:
    assert await options.replace([]) == 0
    assert database.statistics().acquires == 0


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="quoted_at of AAPL has no time zone"):
        chain(at=datetime(2025, 10, 14))  # noqa: DTZ001 - that is what is tested


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("strike", 2, 90.0),
        ("strike", 2, 89.0),
        ("strike", 2, np.nan),
        ("is_call", 0, True),
        ("is_call", 1, False),
        ("expiration", 0, np.datetime64(SECOND)),
        ("expiration", 4, np.datetime64(FIRST)),
    ],
)
def test_contracts_that_stand_twice_or_out_of_order_are_refused(column: str, row: int, value: object) -> None:
    with pytest.raises(ValueError, match="the contracts of AAPL are not in order, or one occurs twice"):
        changed(chain(), column, row, value)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (changed(chain("B", 2), "strike", 0, 0.0), "options_strike_check"),
        (changed(chain("B", 1), "strike", 0, np.inf), "options_strike_check"),
        (changed(chain("B", 1), "strike", 0, np.nan), "options_strike_check"),
        (changed(chain("B"), "bid", 3, -0.01), "options_bid_check"),
        (changed(chain("B"), "bid", 3, np.inf), "options_bid_check"),
        (changed(chain("B"), "ask", 3, np.nan), "options_ask_check"),
        (changed(chain("B"), "volume", 3, -1), "options_volume_check"),
        (changed(chain("B"), "open_interest", 3, -1), "options_open_interest_check"),
        (replace(chain("B"), spot=0.0), "chains_spot_check"),
        (replace(chain("B"), listed=7), "chains_check"),
        (replace(chain("B"), source=""), "chains_source_check"),
        (chain(""), "chains_symbol_check"),
        (replace(chain("B"), listed=2**40), "does not fit its column|value out of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_nothing_of_a_batch_survives_a_chain_that_the_database_refuses(
    options: OptionsRepository, database: Database, bad: ChainRows, reason: str
) -> None:
    before = chain("A", spot=1.0)
    await options.replace([before])

    with pytest.raises(StoreError, match=reason):
        await options.replace([chain("A", spot=2.0), bad, chain("C")])

    assert same(await options.chain("A"), before)
    assert await options.chain("C") is None
    assert await rows_in(database) == 8
    assert await rows_in(database, "chains") == 1
    assert await options.replace([chain("A", spot=3.0)]) == 8
    assert database.statistics().size == 1  # the same connection, put in order


async def test_two_writers_of_the_same_chains_at_once_leave_one_of_them_whole(
    options: OptionsRepository, database: Database
) -> None:
    symbols = [f"S{number:02d}" for number in range(12)]

    async def write(turn: int) -> None:
        chains = [chain(symbol, contracts=10 + turn, spot=1.0 + turn) for symbol in symbols]
        await options.replace(chains if turn % 2 else chains[::-1])

    await asyncio.gather(*(write(turn) for turn in range(10)))

    found = [await options.chain(symbol) for symbol in symbols]
    spots = {rows.spot for rows in found if rows is not None}
    assert len(spots) == 1
    (spot,) = spots
    assert all(same(rows, chain(symbol, 9 + int(spot), spot=spot)) for symbol, rows in zip(symbols, found, strict=True))


async def test_a_replacement_that_is_cancelled_at_any_moment_leaves_the_old_chain_or_the_new(
    options: OptionsRepository, database: Database
) -> None:
    old = [chain(f"S{number}", contracts=50, spot=1.0) for number in range(4)]
    await options.replace(old)
    for turns in (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256):
        new = [chain(f"S{number}", contracts=30 + turns % 7, spot=2.0 + turns) for number in range(4)]
        writing = asyncio.create_task(options.replace(new), name="replaces")
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])

        found = [await options.chain(f"S{number}") for number in range(4)]
        kept = old if same(found[0], old[0]) else new
        assert all(same(rows, stored) for rows, stored in zip(found, kept, strict=True))
        assert await rows_in(database) == sum(len(rows) for rows in kept)
        old = kept


ALL = ContractFilter()


def keys(rows: list[ContractRow]) -> list[tuple[date, float, bool]]:
    return [(row.expiration, row.strike, row.is_call) for row in rows]


async def test_contracts_come_with_all_that_is_known_of_them(options: OptionsRepository) -> None:
    await options.replace([chain()])
    assert (await options.contracts("AAPL", limit=2))[1] == ContractRow(
        expiration=FIRST, strike=90.0, is_call=True, bid=10.0, ask=10.1, volume=1, open_interest=10
    )


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (ALL, 20),
        (ContractFilter(expiration=SECOND), 10),
        (ContractFilter(expiration=date(2025, 10, 18)), 0),
        (ContractFilter(is_call=True), 10),
        (ContractFilter(is_call=False, expiration=FIRST), 5),
        (ContractFilter(min_strike=95.0), 12),
        (ContractFilter(max_strike=95.0), 12),
        (ContractFilter(min_strike=95.0, max_strike=95.0), 4),
    ],
)
async def test_filter_gives_what_fits_in_pages_and_in_a_stream(
    options: OptionsRepository, wanted: ContractFilter, count: int
) -> None:
    await options.replace([chain(contracts=20), chain("AAP", 20), chain(contracts=20, at=MOMENT - timedelta(days=1))])
    streamed = [row async for row in options.stream("AAPL", wanted)]
    assert len(streamed) == count
    assert keys(streamed) == sorted(keys(streamed))

    paged: list[ContractRow] = []
    after: ContractKey | None = None
    while page := await options.contracts("AAPL", wanted, after=after, limit=3):
        paged += page
        last = page[-1]
        after = ContractKey(expiration=last.expiration, strike=last.strike, is_call=last.is_call)
    assert paged == streamed


@pytest.mark.parametrize("limit", [0, 1001])
async def test_page_of_another_size_is_refused(options: OptionsRepository, limit: int) -> None:
    with pytest.raises(ValueError, match=f"limit must be from 1 to 1000, not {limit}"):
        await options.contracts("AAPL", limit=limit)


async def test_stream_that_is_left_gives_its_connection_back(options: OptionsRepository, database: Database) -> None:
    await options.replace([chain(contracts=20)])
    async with aclosing(options.stream("AAPL")) as rows:  # type: ignore[type-var]
        async for _ in rows:
            break
    assert database.statistics().in_use == 0


async def test_chain_is_of_one_moment_while_others_replace_it(options: OptionsRepository) -> None:
    async def write() -> None:
        for turn in range(20):
            await options.replace([chain(contracts=10 + turn, spot=1.0 + turn)])

    await options.replace([chain(contracts=10, spot=1.0)])
    writing = asyncio.create_task(write(), name="writes")
    while not writing.done():
        rows = await options.chain("AAPL")
        assert rows is not None
        assert same(rows, chain(contracts=9 + int(rows.spot), spot=rows.spot))
    await writing


async def test_chain_whose_rows_were_changed_by_hand_is_not_given_out(
    options: OptionsRepository, database: Database
) -> None:
    await options.replace([chain()])
    async with database.acquire() as connection:
        await connection.execute("DELETE FROM options WHERE strike = 90")
    with pytest.raises(StoreError, match="the chain of AAPL has 4 contracts, but should have 8; rows were changed"):
        await options.chain("AAPL")


async def test_a_chain_is_found_by_its_index(database: Database, options: OptionsRepository) -> None:
    await options.replace([chain()])
    async with database.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")  # as on a table that is large
        await connection.execute("SET enable_bitmapscan = off")
        plan: list[Any] = await connection.fetch(
            "EXPLAIN SELECT * FROM options WHERE symbol = 'AAPL' AND quoted_on = '2025-10-14' "
            "ORDER BY expiration, strike, is_call"
        )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan using options_20251014_symbol_quoted_on_idx" in text


async def test_database_that_is_away_is_told(options: OptionsRepository, database: Database) -> None:
    await database.close()
    with pytest.raises(StoreUnavailable, match="the pool is closed"):
        await options.replace([chain()])


async def test_a_symbol_that_no_text_of_the_database_can_hold_is_refused(options: OptionsRepository) -> None:
    with pytest.raises(StoreError) as caught:
        await options.replace([chain("A\0")])
    assert isinstance(caught.value.__cause__, asyncpg.PostgresError)
