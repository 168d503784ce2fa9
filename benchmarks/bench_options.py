"""Storing option chains: binary COPY of NumPy columns against SQLAlchemy's bulk insert of the same rows.

Both sides replace the chains of a batch of 25 symbols in one transaction, in tables with the same columns and keys:
those of before are deleted, the new ones inserted. SQLAlchemy's side is what such a service does: one dictionary a
contract, `session.execute(insert(Option), rows)` of its ORM, over asyncpg and over psycopg2; the better of the two
counts. The server runs without fsync, as in the tests. Rounds are in turn, and the best of each side counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sqlalchemy import create_engine, delete, insert
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.results import Results
from tests.postgres import connected
from volaris.jobs.options import rows_of
from volaris.market import ChainBounds
from volaris.market.constituents import symbols
from volaris.market.simulated_chain import simulated_chain
from volaris.market.simulated_prices import character_of
from volaris.store import ChainRows, OptionsRepository

ROUNDS = 3
BATCHES = 4
BATCH_SIZE = 25
NOW = datetime(2026, 8, 3, 16, tzinfo=UTC)
WHOLE = ChainBounds(strike_range=0.99, max_expirations=99)

Batches = Sequence[Sequence[ChainRows]]
Write = Callable[[str, Batches], Awaitable[float]]


class Base(DeclarativeBase):
    """Of the one table below."""


class Option(Base):
    """The table `options` once more, as an ORM declares it."""

    __tablename__ = "orm_options"

    symbol: Mapped[str] = mapped_column(primary_key=True)
    quoted_on: Mapped[date] = mapped_column(primary_key=True)
    expiration: Mapped[date] = mapped_column(primary_key=True)
    strike: Mapped[float] = mapped_column(primary_key=True)
    is_call: Mapped[bool] = mapped_column(primary_key=True)
    bid: Mapped[float]
    ask: Mapped[float]
    volume: Mapped[int]
    open_interest: Mapped[int]


def rows_for_the_orm(chain: ChainRows) -> list[dict[str, Any]]:
    names = ("expiration", "strike", "is_call", "bid", "ask", "volume", "open_interest")
    columns = [getattr(chain, name).tolist() for name in names]
    head = {"symbol": chain.symbol, "quoted_on": chain.quoted_on}
    return [head | dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


async def by_copy(url: str, batches: Batches) -> float:
    async with connected(url) as database:
        options = OptionsRepository(database)
        began_s = time.perf_counter()
        for batch in batches:
            await options.replace(batch)
        return time.perf_counter() - began_s


async def by_orm_on_asyncpg(url: str, batches: Batches) -> float:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        began_s = time.perf_counter()
        for batch in batches:
            async with AsyncSession(engine) as session, session.begin():
                await session.execute(delete(Option).where(Option.symbol.in_([chain.symbol for chain in batch])))
                for chain in batch:
                    await session.execute(insert(Option), rows_for_the_orm(chain))
        return time.perf_counter() - began_s
    finally:
        await engine.dispose()


async def by_orm_on_psycopg2(url: str, batches: Batches) -> float:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
    try:
        began_s = time.perf_counter()
        for batch in batches:
            with Session(engine) as session, session.begin():
                session.execute(delete(Option).where(Option.symbol.in_([chain.symbol for chain in batch])))
                for chain in batch:
                    session.execute(insert(Option), rows_for_the_orm(chain))
        return time.perf_counter() - began_s
    finally:
        engine.dispose()


def chains(bounds: ChainBounds) -> Batches:
    entries = symbols()[: BATCHES * BATCH_SIZE]
    all_chains = [
        rows_of(simulated_chain(500, entry.symbol, character_of(500, entry.symbol), NOW, bounds)) for entry in entries
    ]
    return [all_chains[begin : begin + BATCH_SIZE] for begin in range(0, len(all_chains), BATCH_SIZE)]


async def best_of_rounds(url: str, batches: Batches) -> dict[str, tuple[float, float]]:
    """Rows a second of each way, into empty tables and in the place of what is there."""
    ways: dict[str, Write] = {"copy": by_copy, "asyncpg": by_orm_on_asyncpg, "psycopg2": by_orm_on_psycopg2}
    rows = sum(len(chain) for batch in batches for chain in batch)
    first, again = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0)
    async with connected(url) as database:
        for _ in range(ROUNDS):
            async with database.acquire() as connection:
                await connection.execute("TRUNCATE options, chains, orm_options")
            for name, way in ways.items():
                first[name] = max(first[name], rows / await way(url, batches))
            for name, way in ways.items():
                again[name] = max(again[name], rows / await way(url, batches))
        for table in ("options", "orm_options"):
            async with database.acquire() as connection:
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == rows
    return {name: (first[name], again[name]) for name in ways}


@pytest.mark.parametrize("bounds", [ChainBounds(), WHOLE], ids=["default bounds", "whole chains"])
def test_copy_of_columns_against_sqlalchemy(
    bounds: ChainBounds, database_url: str, benchmark: BenchmarkFixture, results: Results
) -> None:
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg2"))
    Base.metadata.create_all(engine)
    engine.dispose()
    batches = chains(bounds)
    rows = sum(len(chain) for batch in batches for chain in batch)
    figures = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: asyncio.run(best_of_rounds(database_url, batches)), rounds=1
    )
    for place, what in enumerate(("stored in an empty table", "replaced")):
        ours = figures["copy"][place]
        driver = max(("asyncpg", "psycopg2"), key=lambda name: figures[name][place])
        theirs = figures[driver][place]
        results.add(
            what=f"option chains {what}, {rows // (BATCHES * BATCH_SIZE):,} contracts each, 25 a transaction",
            ours=f"{ours:,.0f} rows/s",
            against=f"SQLAlchemy's bulk insert over {driver}: {theirs:,.0f} rows/s",
            ratio=ours / theirs,
        )
        print(
            f"{what}: copy {ours:,.0f}, " + ", ".join(f"{n} {figures[n][place]:,.0f}" for n in ("asyncpg", "psycopg2"))
        )
        assert ours >= 5 * theirs
