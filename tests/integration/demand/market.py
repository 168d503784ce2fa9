"""A market source that counts what it is asked for and can be stopped and broken, and a demand over it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from volaris.demand import Demand, Flights, IndexData, MaxAges, SymbolData
from volaris.market import Chain, ChainBounds, Constituent, DailyBars, Quote, Symbol
from volaris.market.hours import Always, MarketHours
from volaris.market.simulated import SimulatedSource
from volaris.store import Store

START = datetime(2026, 8, 4, 15, 0, tzinfo=UTC)  # a Tuesday, and the market is open
MAX_AGES = MaxAges(quote_s=240, chain_s=3_600, figures_s=7_200)


class Clock:
    """The time, which passes only when it is told to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let that much time pass."""
        self.now += timedelta(seconds=seconds)


class RecordingSource:
    """The simulated market behind a gate, with a count of what was asked for, by kind and symbol."""

    name = "simulated"

    def __init__(self, now: Callable[[], datetime], *, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.behind_s = delay_s  # how old its data are
        self.asked: Counter[tuple[str, str]] = Counter()
        self.error: Exception | None = None  # raised instead of an answer
        self.gate = asyncio.Event()  # fetches wait until it is set
        self.gate.set()
        self.waits = asyncio.Event()  # set when a fetch is at the gate
        self.at_once = self.most_at_once = 0
        self._market = SimulatedSource(now=lambda: now() - timedelta(seconds=self.behind_s))

    def stop(self) -> None:
        """Let further fetches wait at the gate."""
        self.gate.clear()
        self.waits.clear()

    async def symbols(self) -> tuple[Symbol, ...]:
        return await self._market.symbols()

    async def constituents(self) -> tuple[Constituent, ...]:
        return await self._market.constituents()

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        async with self._asked("quote", *symbols):
            return await self._market.quotes(symbols)

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        async with self._asked("chain", symbol):
            return await self._market.chain(symbol, bounds)

    async def bars(self, symbol: str, days: int) -> DailyBars:
        async with self._asked("bars", symbol):
            return await self._market.bars(symbol, days)

    async def aclose(self) -> None:
        await self._market.aclose()

    @asynccontextmanager
    async def _asked(self, kind: str, *symbols: str) -> AsyncIterator[None]:
        self.asked.update((kind, symbol) for symbol in symbols)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.waits.set()
            await self.gate.wait()
            if self.error is not None:
                raise self.error
            yield
        finally:
            self.at_once -= 1


@dataclass
class Asked:
    """Who is asked in a test, and what is behind."""

    demand: Demand
    source: RecordingSource
    clock: Clock
    store: Store
    scopes: list[str] = field(default_factory=list)  # those of the fetches, in their order
    tidied: list[int] = field(default_factory=list)  # how many fetches had begun, at each time that was tidied up


@asynccontextmanager
async def asking(
    store: Store,
    *,
    hours: MarketHours | None = None,
    delay_s: float = 0.0,
    at_once: int = 4,
    max_waiting: int = 32,
    timeout_s: float = 60.0,
) -> AsyncIterator[Asked]:
    """A demand over the store, with a clock and a source of its own."""
    clock = Clock()
    source = RecordingSource(clock, delay_s=delay_s)
    scopes: list[str] = []
    tidied: list[int] = []

    def scope(name: str) -> nullcontext[None]:
        scopes.append(name)
        return nullcontext()

    async def tidy_up() -> None:
        tidied.append(demand.statistics().started)

    data = SymbolData(source, store, bounds=ChainBounds(), rate=0.04, now=clock)
    index = IndexData(source, store, bounds=ChainBounds(), rate=0.04, now=clock)
    flights = Flights(at_once=at_once, max_waiting=max_waiting, timeout_s=timeout_s, scope=scope, tidy_up=tidy_up)
    demand = Demand(source, data, index, flights, hours=hours or Always(), max_ages=MAX_AGES, now=clock)
    try:
        yield Asked(demand, source, clock, store, scopes, tidied)
    finally:
        await demand.close()
