"""options_refresh: the option chain of every symbol, batch by batch, into the tables of chains."""

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
    """Where chains go: volaris.store.OptionsRepository, and what stands in for it until there is a database."""

    async def replace(self, chains: Sequence[ChainRows]) -> int:
        """Store chains, all or none, each in the place of the one before. Raises StoreError."""


def options_job(
    source: ChainSource, options: ChainWriter, *, interval_s: float, batch_size: int, bounds: ChainBounds
) -> Job:
    """Return the job for the scheduler: at start and then every `interval_s`, which is its time limit too."""

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
    """Fetch and store the chains of all symbols of `source`, each batch in one transaction; gives how many contracts.

    Batches run one at a time, and no chain outlives its own. A symbol whose chain the source cannot give keeps the one
    that it has, and the others go on; then the first such error is raised, so that the run counts as failed. A source
    or a database that is not there ends the run at once.
    """
    symbols = [entry.symbol for entry in await source.symbols()]
    failures: list[SourceError] = []
    listed = stored = 0
    for batch in batches(symbols, batch_size):
        chains = await _fetch(source, batch, bounds, failures)
        listed += sum(chain.listed for chain in chains)
        stored += await options.replace(chains)
        del chains  # the next batch is fetched while nothing of this one is held
    logger.info("%d contracts of %d symbols stored, of %d listed", stored, len(symbols), listed)
    if failures:
        raise failures[0]
    return stored


async def _fetch(
    source: ChainSource, symbols: Sequence[str], bounds: ChainBounds, failures: list[SourceError]
) -> list[ChainRows]:
    chains = []
    for symbol in symbols:
        try:
            chains.append(rows_of(await source.chain(symbol, bounds)))
        except (BadDocument, UnknownSymbol) as error:
            failures.append(error)
            logger.warning("the chain of %s stays as it is: %s", symbol, error)
    return chains


def rows_of(chain: Chain) -> ChainRows:
    """Return a chain as the store keeps it, with the same arrays: neither package knows the other."""
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
