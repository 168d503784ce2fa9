"""prices_1m: the latest quote of every symbol, batch by batch, into the table of prices."""

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
    """Where prices go: volaris.store.PriceRepository, and what stands in for it until there is a database."""

    async def save(self, rows: Sequence[PriceRow]) -> int:
        """Store a batch, whole or not at all. Raises StoreError."""


def prices_job(source: QuoteSource, prices: PriceWriter, *, interval_s: float, batch_size: int) -> Job:
    """Return the job for the scheduler: it runs at start and then every `interval_s`, which is its time limit too."""

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
    """Fetch and store all symbols of `source`, each batch in one transaction; gives how many rows were stored.

    A batch with a symbol that the source cannot serve is left out whole and the others go on; then the first such error
    is raised, so that the run counts as failed. A source or a database that is not there ends the run at once.
    """
    symbols = [entry.symbol for entry in await source.symbols()]
    failures: list[SourceError] = []
    stored = 0
    for batch in batches(symbols, batch_size):
        try:
            quotes = await source.quotes(batch)
        except (BadDocument, UnknownSymbol) as error:
            failures.append(error)
            logger.warning("prices of %s to %s are left out: %s", batch[0], batch[-1], error)
            continue
        stored += await prices.save([row_of(quote) for quote in quotes])
    logger.debug("%d prices of %d symbols stored", stored, len(symbols))
    if failures:
        raise failures[0]
    return stored


def batches(symbols: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the symbols in their order, `size` at a time, and tell whoever watches how many are done."""
    for begin in range(0, len(symbols), size):
        progress.report(begin, len(symbols))
        yield symbols[begin : begin + size]
    progress.report(len(symbols), len(symbols))


def row_of(quote: Quote) -> PriceRow:
    """Return a quote as the store keeps it: source and store know nothing of each other."""
    return PriceRow(
        symbol=quote.symbol,
        source=quote.source,
        price=quote.price,
        bid=quote.bid,
        ask=quote.ask,
        volume=quote.volume,
        quoted_at=quote.quoted_at,
    )
