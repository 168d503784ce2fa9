"""The job options_refresh: it stores the option chain of every symbol, batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from volaris.errors import BadDocument, SourceError, SourceTimeout, SourceUnavailable, UnknownSymbol
from volaris.jobs.prices import batches
from volaris.market import Chain, ChainBounds, ChainSource
from volaris.scheduler import Every, Job
from volaris.store import ChainRows

JOB_ID = "options_refresh"

logger = logging.getLogger(__name__)


class ChainWriter(Protocol):
    """Stores chains: volaris.store.OptionsRepository."""

    async def replace(self, chains: Sequence[ChainRows]) -> int:
        """Store all chains, or none, each in place of the earlier one. Raises StoreError."""


def options_job(
    source: ChainSource, options: ChainWriter, *, interval_s: float, batch_size: int, bounds: ChainBounds
) -> Job:
    """Return the job for the scheduler: at start, and then every `interval_s`, which is also its time limit."""

    async def run() -> None:
        await refresh_options(source, options, batch_size, bounds)

    return Job(
        id=JOB_ID,
        description=f"option chains from {source.name}",
        run=run,
        trigger=Every(interval_s),
        timeout_s=interval_s,
        retry_on=(SourceUnavailable, SourceTimeout),
        max_attempts=2,
    )


async def refresh_options(source: ChainSource, options: ChainWriter, batch_size: int, bounds: ChainBounds) -> int:
    """Fetch and store the chains of all symbols of `source`, and return the number of contracts.

    Each batch is stored in one transaction, and its chains are dropped before the next batch. If the source has no
    chain for a symbol, the stored one is kept and the other symbols go on. The first such error is raised at the end,
    so that the run counts as failed. If the source or the database is unavailable, the run ends at once.
    """
    symbols = [entry.symbol for entry in await source.symbols()]
    failures: list[SourceError] = []
    listed = stored = 0
    for batch in batches(symbols, batch_size):
        chains = await fetch_chains(source, batch, bounds, failures)
        listed += sum(chain.listed for chain in chains)
        stored += await options.replace(chains)
        del chains  # so that nothing of this batch is in memory while the next one is fetched
    logger.info("stored %d contracts of %d symbols, of %d that are listed", stored, len(symbols), listed)
    if failures:
        raise failures[0]
    return stored


async def fetch_chains(
    source: ChainSource, symbols: Sequence[str], bounds: ChainBounds, failures: list[SourceError]
) -> list[ChainRows]:
    """Fetch the chains of these symbols; append to `failures` why one is left out. Raises SourceError for an outage."""
    chains = []
    for symbol in symbols:
        try:
            chains.append(await fetch_chain(source, symbol, bounds))
        except (BadDocument, UnknownSymbol) as error:
            failures.append(error)
            logger.warning("the chain of %s was not updated: %s", symbol, error)
    return chains


async def fetch_chain(source: ChainSource, symbol: str, bounds: ChainBounds) -> ChainRows:
    """Fetch the chain of one symbol, in the form that the store keeps. Raises SourceError."""
    return rows_of(await source.chain(symbol, bounds))


def rows_of(chain: Chain) -> ChainRows:
    """Return a chain in the form that the store keeps, with the same arrays.

    The source and the store do not know each other's records.
    """
    return ChainRows(
        symbol=chain.symbol,
        source=chain.source,
        spot=chain.spot,
        quoted_at=chain.quoted_at,
        listed=chain.listed,
        expiration=chain.expiration,
        strike=chain.strike,
        is_call=chain.is_call,
        bid=chain.bid,
        ask=chain.ask,
        volume=chain.volume,
        open_interest=chain.open_interest,
    )
