"""The job prices_1m: it stores the latest quote of every symbol, batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Protocol

from volaris.errors import BadDocument, SourceError, SourceTimeout, SourceUnavailable, UnknownSymbol
from volaris.market import Quote, QuoteSource
from volaris.scheduler import Every, Job, progress
from volaris.store import PriceRow

JOB_ID = "prices_1m"

logger = logging.getLogger(__name__)


class PriceWriter(Protocol):
    """Stores prices: volaris.store.PriceRepository."""

    async def save(self, rows: Sequence[PriceRow]) -> int:
        """Store all rows of a batch, or none. Raises StoreError."""


def prices_job(source: QuoteSource, prices: PriceWriter, *, interval_s: float, batch_size: int) -> Job:
    """Return the job for the scheduler: at start, and then every `interval_s`, which is also its time limit."""

    async def run() -> None:
        await sync_prices(source, prices, batch_size)

    return Job(
        id=JOB_ID,
        description=f"latest prices from {source.name}",
        run=run,
        trigger=Every(interval_s),
        timeout_s=interval_s,
        retry_on=(SourceUnavailable, SourceTimeout),
        max_attempts=2,
    )


async def sync_prices(source: QuoteSource, prices: PriceWriter, batch_size: int) -> int:
    """Fetch and store the quotes of all symbols of `source`, and return the number of stored rows.

    Each batch is stored in one transaction. A batch with a symbol that the source cannot serve is left out, and the
    other batches go on. The first such error is raised at the end, so that the run counts as failed. If the source or
    the database is unavailable, the run ends at once.
    """
    symbols = [entry.symbol for entry in await source.symbols()]
    failures: list[SourceError] = []
    stored = 0
    for batch in batches(symbols, batch_size):
        try:
            rows = await fetch_quotes(source, batch)
        except (BadDocument, UnknownSymbol) as error:
            failures.append(error)
            logger.warning("the prices of %s to %s were not stored: %s", batch[0], batch[-1], error)
            continue
        stored += await prices.save(rows)
    logger.debug("stored %d prices of %d symbols", stored, len(symbols))
    if failures:
        raise failures[0]
    return stored


async def fetch_quotes(source: QuoteSource, symbols: Sequence[str]) -> list[PriceRow]:
    """Fetch the latest quotes of these symbols, in the form that the store keeps. Raises SourceError."""
    return [row_of(quote) for quote in await source.quotes(symbols)]


def batches(symbols: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the symbols in order, `size` at a time, and report how many are done."""
    for begin in range(0, len(symbols), size):
        progress.report(begin, len(symbols))
        yield symbols[begin : begin + size]
    progress.report(len(symbols), len(symbols))


def row_of(quote: Quote) -> PriceRow:
    """Return a quote in the form that the store keeps: source and store do not know each other's records."""
    return PriceRow(
        symbol=quote.symbol,
        source=quote.source,
        price=quote.price,
        bid=quote.bid,
        ask=quote.ask,
        volume=quote.volume,
        quoted_at=quote.quoted_at,
    )
