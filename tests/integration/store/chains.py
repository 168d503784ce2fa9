"""Chains for the tables of options."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np

from volaris.store import ChainRows

MOMENT = datetime(2025, 10, 14, 15, 30, tzinfo=UTC)
FIRST, SECOND = date(2025, 10, 17), date(2025, 11, 21)


def chain(symbol: str = "AAPL", contracts: int = 8, *, spot: float = 100.0, at: datetime = MOMENT) -> ChainRows:
    """A chain of two expirations with a put and a call a strike, whose bids tell the spot that it was made at."""
    half = contracts // 2
    expiration = np.array([FIRST] * half + [SECOND] * (contracts - half), dtype="M8[D]")
    number = np.concatenate([np.arange(half), np.arange(contracts - half)])
    return ChainRows(
        symbol=symbol,
        source="simulated",
        spot=spot,
        quoted_at=at,
        listed=contracts + 5,
        expiration=expiration,
        strike=90.0 + number // 2 * 2.5,
        is_call=number % 2 == 1,
        bid=np.full(contracts, spot / 10),
        ask=np.full(contracts, spot / 10 + 0.1),
        volume=np.arange(contracts, dtype=np.int32),
        open_interest=np.arange(contracts, dtype=np.int32) * 10,
    )


def without_rows(symbol: str = "AAPL") -> ChainRows:
    """A chain of a share without options."""
    return chain(symbol, 0)


def changed(rows: ChainRows, column: str, row: int, value: object) -> ChainRows:
    """The chain with one value replaced."""
    values = getattr(rows, column).copy()
    values[row] = value
    return replace(rows, **{column: values})


def same(one: ChainRows | None, other: ChainRows | None) -> bool:
    """Whether the two say the same, to the last bit."""
    if one is None or other is None:
        return one is other
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=False)
        if isinstance(getattr(one, name), np.ndarray)
        else getattr(one, name) == getattr(other, name)
        for name in ChainRows.__slots__
    )
