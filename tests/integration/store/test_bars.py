"""The table of daily bars, on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from volaris.errors import StoreError
from volaris.store import BarRepository, BarRows, Database


@pytest.fixture
def bars(database: Database) -> BarRepository:
    return BarRepository(database)


def ascending(price: float, days: int) -> NDArray[np.float64]:
    return np.arange(days, dtype=np.float64) + price


def rows(symbol: str = "AAPL", days: int = 5, *, price: float = 100.0, source: str = "simulated") -> BarRows:
    return BarRows(
        symbol=symbol,
        source=source,
        day=np.datetime64("2025-10-01") + np.arange(days),
        open=ascending(price, days),
        high=ascending(price + 2, days),
        low=ascending(price - 2, days),
        close=ascending(price + 1, days),
        volume=np.arange(days, dtype=np.int64) + 2**40,
    )


def last(whole: BarRows, days: int) -> BarRows:
    names = ("day", "open", "high", "low", "close", "volume")
    return replace(whole, **{name: getattr(whole, name)[-days:] for name in names})


def assert_same(one: BarRows, other: BarRows) -> None:
    for name in BarRows.__slots__:
        # Not numpy.testing, whose first use imports it, in the loop.
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


async def test_bars_come_back_as_they_were_saved(bars: BarRepository) -> None:
    assert await bars.save([rows(), rows("MSFT", 2)]) == 7
    back = await bars.last("AAPL", "simulated", 10)
    assert_same(back, rows())
    assert (back.day.dtype.str, back.open.dtype.str, back.volume.dtype.str) == ("<M8[D]", "<f8", "<i8")


async def test_last_days_come_ascending(bars: BarRepository) -> None:
    await bars.save([rows()])
    assert_same(await bars.last("AAPL", "simulated", 2), last(rows(), 2))


async def test_bar_replaces_the_one_of_its_symbol_day_and_source(bars: BarRepository) -> None:
    await bars.save([rows(), rows(source="replay")])
    assert await bars.save([rows(days=2, price=50.0)]) == 2
    assert (await bars.last("AAPL", "simulated", 9)).open.tolist() == [50.0, 51.0, 102.0, 103.0, 104.0]
    assert_same(await bars.last("AAPL", "replay", 9), rows(source="replay"))


async def test_no_bars_are_no_rows(bars: BarRepository, database: Database) -> None:
    assert await bars.save([]) == await bars.save([rows(days=0)]) == 0
    assert database.statistics().acquires == 0
    assert len(await bars.last("AAPL", "simulated", 5)) == 0


async def test_last_day_of_each_symbol_is_known(bars: BarRepository) -> None:
    await bars.save([rows(), rows("MSFT", 2), rows("IBM", 9, source="replay")])
    assert await bars.last_days("simulated") == {"AAPL": date(2025, 10, 5), "MSFT": date(2025, 10, 2)}


@pytest.mark.parametrize(
    ("column", "value"), [("low", 0.0), ("high", 50.0), ("open", 1.0), ("close", np.nan), ("high", np.inf)]
)
async def test_bar_that_cannot_be_is_refused_with_its_batch(bars: BarRepository, column: str, value: float) -> None:
    values = getattr(rows(), column).copy()
    values[3] = value
    with pytest.raises(StoreError, match="bars_"):
        await bars.save([rows("MSFT"), replace(rows(), **{column: values})])
    assert await bars.last_days("simulated") == {}
