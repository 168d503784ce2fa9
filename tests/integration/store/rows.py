"""Rows for the table of prices, and questions to a database past the code under test."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from volaris.store import PriceRow

MOMENT = datetime(2025, 10, 14, 15, 30, tzinfo=UTC)

ROW = PriceRow(
    symbol="AAPL", source="simulated", price=248.37, bid=248.36, ask=248.4, volume=41_000_123, quoted_at=MOMENT
)


def batch(size: int) -> list[PriceRow]:
    """That many rows, each of a symbol of its own."""
    return [replace(ROW, symbol=f"S{number:04d}") for number in range(size)]


async def count(url: str) -> int:
    """How many rows the table has, over a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM prices"))
    finally:
        await connection.close()


async def until(url: str, question: str) -> None:
    """Ask the server again and again, until it says yes."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(60):
            while not await connection.fetchval(question):
                pass
    finally:
        await connection.close()
