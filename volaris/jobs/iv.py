"""The job iv_metrics: it computes the volatility figures of every symbol from its stored chain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from volaris.analytics import (
    WINDOWS,
    BarArrays,
    ChainArrays,
    IvMetrics,
    IvRank,
    RealisedVolatility,
    iv_metrics,
    iv_rank,
    realised_volatility,
)
from volaris.errors import SourceError, StoreError
from volaris.jobs.prices import batches
from volaris.market import BarSource, DailyBars
from volaris.scheduler import Every, Job
from volaris.store import BarRows, ChainRows, MetricsRow, TermRow

JOB_ID = "iv_metrics"
BARS_KEPT_READY = max(WINDOWS) + 1  # a window of returns needs one more close
BARS_FETCHED = 90  # days that are fetched for a symbol without stored bars
RANK_DAYS = 252
BATCH_SIZE = 25  # symbols whose figures are stored in one transaction

logger = logging.getLogger(__name__)


class ChainReader(Protocol):
    """Reads stored chains: volaris.store.OptionsRepository."""

    async def chain(self, symbol: str) -> ChainRows | None:
        """Return the symbol's latest chain. Raises StoreError."""


class BarStore(Protocol):
    """Stores daily bars: volaris.store.BarRepository."""

    async def last_days(self, source: str) -> dict[str, date]:
        """Return the day of each symbol's last bar. Raises StoreError."""

    async def last(self, symbol: str, source: str, days: int) -> BarRows:
        """Return the last bars of a symbol. Raises StoreError."""

    async def save(self, bars: Sequence[BarRows]) -> int:
        """Store all bars, or none. Raises StoreError."""


class MetricsStore(Protocol):
    """Stores the figures: volaris.store.MetricsRepository."""

    async def iv30_before(self, symbol: str, day: date, source: str, days: int) -> list[float]:
        """Return the figures of the days before `day`, the latest first. Raises StoreError."""

    async def save(self, metrics: Sequence[MetricsRow], terms: Sequence[TermRow]) -> int:
        """Store all figures, or none. Raises StoreError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores that the job reads and writes."""

    chains: ChainReader
    bars: BarStore
    metrics: MetricsStore


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


def iv_job(
    source: BarSource,
    stores: Stores,
    *,
    interval_s: float,
    rate: float,
    delay_s: float = 0.0,
    now: Callable[[], datetime] = now_in_utc,
) -> Job:
    """Return the job for the scheduler: `delay_s` after the start, when there are chains, then every `interval_s`."""

    async def run() -> None:
        await compute_metrics(source, stores, rate=rate, now=now)

    return Job(
        id=JOB_ID,
        description="volatility figures from the stored chains",
        run=run,
        trigger=Every(interval_s, delay_s),
        timeout_s=interval_s,
        retry_on=(StoreError,),
        max_attempts=2,
    )


async def compute_metrics(source: BarSource, stores: Stores, *, rate: float, now: Callable[[], datetime]) -> int:
    """Compute the figures of all symbols that have a chain, batch by batch, and return the number of these symbols.

    `rate` is annual and continuously compounded. One chain is in memory at a time; the figures are computed in a
    thread. If the source has no bars for a symbol now, its realised volatilities are computed from the stored bars.
    """
    symbols = [entry.symbol for entry in await source.symbols()]
    last_days = await stores.bars.last_days(source.name)
    done = 0
    for batch in batches(symbols, BATCH_SIZE):
        done += await compute_batch(source, stores, batch, last_days, rate=rate, now=now)
    logger.info("stored the volatility figures of %d symbols; %d more have no chain", done, len(symbols) - done)
    return done


async def compute_batch(
    source: BarSource,
    stores: Stores,
    symbols: Sequence[str],
    last_days: Mapping[str, date],
    *,
    rate: float,
    now: Callable[[], datetime],
) -> int:
    """Compute the figures of those symbols that have a chain, store them, and return the number of these symbols.

    `last_days` has the day of each symbol's last stored bar; bars are fetched for the others.
    """
    await stores.bars.save(
        await fetch_bars(source, [symbol for symbol in symbols if lacks_bars(last_days.get(symbol), now())])
    )
    metrics: list[MetricsRow] = []
    terms: list[TermRow] = []
    for symbol in symbols:
        computed = await compute_figures(symbol, source.name, stores, rate, now())
        if computed is not None:
            metrics.append(computed[0])
            terms += computed[1]
    return await stores.metrics.save(metrics, terms)


def lacks_bars(last_day: date | None, at: datetime) -> bool:
    """Return whether bars should be fetched if the last stored one is of that day: yesterday's is missing, or all."""
    return last_day is None or last_day < at.astimezone(UTC).date() - timedelta(days=1)


async def fetch_bars(source: BarSource, symbols: Sequence[str]) -> list[BarRows]:
    """Fetch the daily bars of these symbols, in the form that the store keeps.

    A symbol whose bars the source cannot give now is left out, with a warning in the log.
    """
    fetched = []
    for symbol in symbols:
        try:
            fetched.append(rows_of(await source.bars(symbol, BARS_FETCHED)))
        except SourceError as error:
            logger.warning("the bars of %s were not updated: %s", symbol, error)
    return fetched


async def compute_figures(
    symbol: str, bars_source: str, stores: Stores, rate: float, at: datetime
) -> tuple[MetricsRow, list[TermRow]] | None:
    """Compute the figures of one symbol from its stored chain and bars, in a thread; return None without a chain."""
    chain = await stores.chains.chain(symbol)
    if chain is None:
        return None
    bars = await stores.bars.last(symbol, bars_source, BARS_KEPT_READY)
    before = await stores.metrics.iv30_before(symbol, chain.quoted_on, chain.source, RANK_DAYS)
    return await asyncio.to_thread(figures, chain, bars, before, rate, at)


def figures(
    chain: ChainRows, bars: BarRows, before: Sequence[float], rate: float, at: datetime
) -> tuple[MetricsRow, list[TermRow]]:
    """Compute the rows of one symbol from its chain, its daily bars and its 30-day figures of earlier days."""
    found = iv_metrics(chain_arrays(chain), spot=chain.spot, now=chain.quoted_at, rate=rate)
    rank = IvRank(rank=None, percentile=None, days=len(before)) if found.iv30 is None else iv_rank(found.iv30, before)
    history = BarArrays(open=bars.open, high=bars.high, low=bars.low, close=bars.close)
    realised = [realised_volatility(history, days) for days in WINDOWS]
    return _metrics_row(chain, found, rank, realised, at), _term_rows(chain.symbol, found)


def _metrics_row(
    chain: ChainRows, found: IvMetrics, rank: IvRank, realised: Sequence[RealisedVolatility], at: datetime
) -> MetricsRow:
    windows = {
        f"{name}_{of.days}": getattr(of, name)
        for of in realised
        for name in ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
    }
    return MetricsRow(
        symbol=chain.symbol,
        day=chain.quoted_on,
        computed_at=at,
        source=chain.source,
        spot=chain.spot,
        contracts=found.priced,
        iv30=found.iv30,
        atm_iv=found.atm_iv,
        skew_25d=found.skew_25d,
        iv_rank=rank.rank,
        iv_percentile=rank.percentile,
        iv_days=rank.days,
        **windows,
    )


def _term_rows(symbol: str, found: IvMetrics) -> list[TermRow]:
    return [
        TermRow(
            symbol=symbol,
            expiration=of.expiration,
            years=of.years,
            forward=of.forward,
            atm_iv=of.atm_iv,
            skew_25d=of.skew_25d,
            contracts=of.priced,
        )
        for of in found.expiries
        if of.years > 0
    ]


def chain_arrays(chain: ChainRows) -> ChainArrays:
    """Return a stored chain in the form that the analytics read, with the same arrays.

    The store and the analytics do not know each other's records.
    """
    return ChainArrays(
        expiration=chain.expiration, strike=chain.strike, is_call=chain.is_call, bid=chain.bid, ask=chain.ask
    )


def rows_of(bars: DailyBars) -> BarRows:
    """Return bars in the form that the store keeps, with the same arrays."""
    return BarRows(
        symbol=bars.symbol,
        source=bars.source,
        day=bars.day,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
    )
