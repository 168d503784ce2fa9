"""A market of five symbols for options_refresh, and a look at what it stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from volaris.jobs.options import refresh_options
from volaris.market import Chain, ChainBounds, Symbol
from volaris.market.simulated import SimulatedSource
from volaris.store import Database, OptionsRepository

BOUNDS = ChainBounds(strike_range=0.1, max_expirations=2)
SYMBOLS = ("AAPL", "BRK.B", "CLX", "MSFT", "XOM")
BATCH_SIZE = 2
FIRST_RUN = datetime(2026, 8, 3, 15, 0, tzinfo=UTC)


class Failing:
    """Counts calls, and raises on the one with the number `at`, from 1 on."""

    def __init__(self, at: int | None = None, error: Callable[[], Exception] = ConnectionResetError) -> None:
        self.at = at
        self.error = error
        self.calls = 0

    def call(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error()


class FewSymbols:
    """Five symbols of the simulated source, whose time goes on by an hour a run."""

    name = "simulated"

    def __init__(self, first_run: datetime = FIRST_RUN) -> None:
        self.now = first_run
        self.failing = Failing()
        self._source = SimulatedSource(now=lambda: self.now)

    async def symbols(self) -> tuple[Symbol, ...]:
        self.failing.call()
        return tuple(Symbol(symbol=symbol, name=symbol) for symbol in SYMBOLS)

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        self.failing.call()
        return await self._source.chain(symbol, bounds)

    def next_run(self) -> None:
        self.now += timedelta(hours=1)
        self.failing = Failing()


async def run(source: FewSymbols, database: Database) -> int:
    return await refresh_options(source, OptionsRepository(database), BATCH_SIZE, BOUNDS)


async def moments(database: Database) -> list[datetime]:
    """When each symbol's chain is of; each has been seen to be whole, and to be that of its moment."""
    options = OptionsRepository(database)
    found = []
    for symbol in SYMBOLS:
        rows = await options.chain(symbol)  # raises where the contracts are not as many as the chain's row says
        assert rows is not None
        made = await SimulatedSource(now=lambda at=rows.quoted_at: at).chain(symbol, BOUNDS)  # type: ignore[misc]
        assert (rows.spot, rows.strike.tolist(), rows.bid.tolist()) == (
            made.spot,
            made.strike.tolist(),
            made.bid.tolist(),
        )
        found.append(rows.quoted_at)
    return found
