"""Creates every job of the service from its settings, its market source and its store."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from volaris.jobs import iv
from volaris.jobs.options import options_job
from volaris.jobs.prices import prices_job
from volaris.jobs.retention import retention_job
from volaris.jobs.sp500 import sp500_job
from volaris.market import ChainBounds, Source
from volaris.scheduler import Job
from volaris.settings import Settings
from volaris.store import Store

FIRST_CHAINS_S = 120.0  # seconds after the start; by then options_refresh has stored chains to compute from

logger = logging.getLogger(__name__)


def jobs_at_any_hour(settings: Settings, source: Source, store: Store) -> Iterator[Job]:
    """Create the jobs that run around the clock."""
    yield retention_job(store.retention, prices_days=settings.prices_kept_days, options_days=settings.options_kept_days)
    if _has_chains(settings):
        yield sp500_job(source, store.constituents, interval_s=settings.constituents_interval_s)
        yield iv.iv_job(
            source,
            iv.Stores(chains=store.options, bars=store.bars, metrics=store.metrics),
            interval_s=settings.iv_interval_s,
            delay_s=min(FIRST_CHAINS_S, settings.iv_interval_s),
            rate=settings.risk_free_rate,
        )


def jobs_in_market_hours(settings: Settings, source: Source, store: Store) -> Iterator[Job]:
    """Create the jobs that fetch what changes only while the market trades."""
    yield prices_job(
        source, store.prices, interval_s=settings.prices_interval_s, batch_size=settings.realtime_sync_batch_size
    )
    if not _has_chains(settings):
        logger.info("%s has no option chains, so options_refresh and iv_metrics do not run", source.name)
        return
    yield options_job(
        source,
        store.options,
        interval_s=settings.options_interval_s,
        batch_size=settings.realtime_sync_batch_size,
        bounds=chain_bounds(settings),
    )


def chain_bounds(settings: Settings) -> ChainBounds:
    """Return the bounds of the contracts that are fetched and stored."""
    return ChainBounds(strike_range=settings.options_strike_range, max_expirations=settings.options_max_expirations)


def _has_chains(settings: Settings) -> bool:
    return settings.market_source != "replay"
