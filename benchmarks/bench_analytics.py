"""Volatility figures of the simulated market: one symbol's chain after the other, as the job goes through them.

The chains are made beforehand, and the clock runs for the numeric part alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from volaris.analytics import ChainArrays, iv_metrics
from volaris.market import ChainBounds
from volaris.market.simulated import SimulatedSource

ROUNDS = 5
NOW = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
RATE = 0.04

Quoted = tuple[ChainArrays, float]  # with the spot


async def simulated(symbols: int) -> list[Quoted]:
    """Return the chains of the first symbols, within the bounds of the service."""
    source = SimulatedSource(now=lambda: NOW)
    chains = [await source.chain(entry.symbol, ChainBounds()) for entry in (await source.symbols())[:symbols]]
    return [
        (
            ChainArrays(
                expiration=chain.expiration,
                strike=chain.strike,
                is_call=chain.is_call,
                bid=chain.bid,
                ask=chain.ask,
            ),
            chain.spot,
        )
        for chain in chains
    ]


def contracts_per_s(chains: Sequence[Quoted]) -> float:
    """Contracts a second of one pass over all chains."""
    began_s = time.perf_counter()
    for chain, spot in chains:
        iv_metrics(chain, spot=spot, now=NOW, rate=RATE)
    return sum(len(chain) for chain, _ in chains) / (time.perf_counter() - began_s)


def test_figures_of_all_symbols(benchmark: BenchmarkFixture, results: Results) -> None:
    chains = asyncio.run(simulated(503))
    best = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: max(contracts_per_s(chains) for _ in range(ROUNDS)), rounds=1
    )
    contracts = sum(len(chain) for chain, _ in chains)
    benchmark.extra_info.update(contracts_per_s=best, contracts=contracts)
    results.add(
        what=f"volatility figures of {len(chains)} symbols, {contracts:,} contracts", ours=f"{best:,.0f} contracts/s"
    )
