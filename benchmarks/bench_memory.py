"""What each job of Volaris takes at its peak and leaves behind, over 25 symbols: `memory_benchmark` on our own jobs.

Saved with `--benchmark-save` and compared with `--benchmark-compare --benchmark-memory-compare-fail=peak:10%`, a job
that takes more than it did fails with the lines that do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.results import Results
from profiling.pytest_plugin.benchmark import MemoryBenchmark
from profiling.units import to_mb
from volaris.jobs.iv import Stores, compute_metrics
from volaris.jobs.options import refresh_options
from volaris.jobs.prices import sync_prices
from volaris.jobs.retention import drop_old_days
from volaris.jobs.sp500 import sync_constituents
from volaris.market import ChainBounds, Symbol
from volaris.market.simulated import SimulatedSource
from volaris.store import Store

SYMBOLS = 25  # one batch of each job: more take longer, and no more at once
NOON = datetime(2026, 8, 3, 16, tzinfo=UTC)
KEPT_DAYS = 30
RATE = 0.04
ROUNDS = 3

Work = Callable[[], Awaitable[object]]


class FewSymbols(SimulatedSource):
    """The simulated source as if the index had few members, at one moment."""

    def __init__(self, now: datetime = NOON) -> None:
        super().__init__(now=lambda: now)

    async def symbols(self) -> tuple[Symbol, ...]:
        return (await super().symbols())[:SYMBOLS]


class Service:
    """The jobs with their store, on a loop that lives as long as the test."""

    def __init__(self, database_url: str, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.store = Store(database_url, Path("unused"))
        self.source = FewSymbols()

    def run(self, work: Work) -> None:
        """Run the job to its end."""

        async def finished() -> None:
            await work()

        self._runner.run(finished())

    async def prices(self, at: datetime = NOON) -> None:
        await sync_prices(FewSymbols(at), self.store.prices, SYMBOLS)

    async def options(self) -> None:
        await refresh_options(self.source, self.store.options, SYMBOLS, ChainBounds())

    async def metrics(self) -> None:
        stores = Stores(chains=self.store.options, bars=self.store.bars, metrics=self.store.metrics)
        await compute_metrics(self.source, stores, rate=RATE, now=lambda: NOON)

    async def constituents(self) -> None:
        await sync_constituents(self.source, self.store.constituents)

    async def retention(self) -> None:
        dropped = await drop_old_days(self.store.retention, NOON.date(), KEPT_DAYS, KEPT_DAYS)
        assert dropped == 1


@pytest.fixture
def service(memory_benchmark: MemoryBenchmark, database_url: str) -> Iterator[Service]:
    """With chains and prices, as after a first run of all jobs. After `memory_benchmark`, whose loops know the test."""
    with asyncio.Runner() as runner:
        service = Service(database_url, runner)
        service.run(service.store.open)
        try:
            for work in (service.constituents, service.prices, service.options, service.metrics):
                service.run(work)
            yield service
        finally:
            service.run(service.store.close)


def note(results: Results, job: str, memory_benchmark: MemoryBenchmark) -> None:
    """Add a row with what was measured."""
    info = memory_benchmark.benchmark.extra_info.get("memory")
    if info is None:  # benchmarks are disabled
        return
    results.add(
        what=f"{job}: Python memory at the peak, {SYMBOLS} symbols",
        ours=f"{to_mb(info['peak_bytes']):.2f} MB",
    )
    results.add(
        what=f"{job}: Python memory that a run leaves behind, {SYMBOLS} symbols",
        ours=f"{info['retained_bytes'] / 1024:.1f} KB",
    )


@pytest.mark.parametrize("job", ["prices", "options", "metrics", "constituents"])
def test_job(job: str, memory_benchmark: MemoryBenchmark, service: Service, results: Results) -> None:
    memory_benchmark.pedantic(service.run, args=(getattr(service, job),), rounds=ROUNDS)
    note(results, NAMES[job], memory_benchmark)


NAMES = {"prices": "prices_1m", "options": "options_refresh", "metrics": "iv_metrics", "constituents": "sp500"}


def test_retention(memory_benchmark: MemoryBenchmark, service: Service, results: Results) -> None:
    past = NOON - timedelta(days=KEPT_DAYS + 1)

    def setup() -> None:
        service.run(lambda: service.prices(past))

    memory_benchmark.pedantic(service.run, args=(service.retention,), setup=setup, rounds=ROUNDS)
    note(results, "retention", memory_benchmark)
