"""The parts of the running service, wired to each other, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from profiling import Level, Profiler
from volaris.errors import StoreError
from volaris.instrumentation.heap_trimmer import HeapTrimmer
from volaris.instrumentation.job_profiler import JobProfiler
from volaris.jobs import iv
from volaris.jobs.hours import in_hours
from volaris.jobs.options import options_job
from volaris.jobs.prices import prices_job
from volaris.jobs.retention import retention_job
from volaris.jobs.sp500 import sp500_job
from volaris.market import ChainBounds, create_source
from volaris.market.hours import create_hours
from volaris.scheduler import Job, Scheduler, compose, retry, timeout
from volaris.settings import Settings
from volaris.store import Store

STOP_GRACE_S = 10.0
FIRST_CHAINS_S = 120.0  # after the start, by when options_refresh has stored chains to compute from

logger = logging.getLogger(__name__)


class Service:
    """Profiler, market, store, jobs and scheduler of one process.

    `start` returns at once. The database comes up in a task of its own, so that the probes answer meanwhile, and the
    scheduler starts firing when the schema is there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.source = create_source(settings.market_source, cboe_url=settings.cboe_url)
        self.store = Store(settings.database_url, settings.data_dir)
        is_off = settings.profiling == "off"
        self.profiler = Profiler(
            level=Level.COUNTERS if is_off else Level(settings.profiling),
            limit_mb=settings.memory_limit_mb,
            budget_mb=settings.profiling_budget_mb,
            packages=("volaris",),
        )
        self._job_profiler = JobProfiler(self.profiler, exclusive=settings.profiling_exclusive)
        self.scheduler = Scheduler(report=HeapTrimmer(self._job_profiler.report).report)
        self._coming_up: asyncio.Task[None] | None = None
        self._add_jobs()

    def start(self) -> asyncio.Task[None]:
        """Begin to come up; needs a running loop. The task ends when the database is there, or cannot be used."""
        self._coming_up = asyncio.create_task(self._come_up(), name="come up")
        return self._coming_up

    async def stop(self) -> None:
        """Jobs first, then what they use; each step has its time limit, and one that fails does not stop the others."""
        if self._coming_up is not None:
            self._coming_up.cancel()
            await asyncio.gather(self._coming_up, return_exceptions=True)
        await self.scheduler.stop(STOP_GRACE_S)
        for close in (self.source.aclose, self.store.close):
            try:
                await close()
            except Exception:
                logger.exception("%s failed", close.__qualname__)
        self.profiler.close()

    async def _come_up(self) -> None:
        try:
            await self.store.open()
        except StoreError as error:
            # A person has to look; the readiness probe says why, and the process stays there to say it.
            logger.error("the database cannot be used, so no job will run: %s", error)  # noqa: TRY400 - no bug of ours
            return
        if self.settings.scheduler_enabled:
            self.scheduler.start()

    def _add_jobs(self) -> None:
        profile = () if self.settings.profiling == "off" else (self._job_profiler.middleware,)
        wrap = compose(*profile, timeout, retry())
        for job in self._jobs():
            self.scheduler.add(wrap(job))
        # Outermost, so that the profiler sees no run that did nothing.
        hours = create_hours(self.settings.market_hours, source=self.source.name)
        wrap = compose(in_hours(hours), *profile, timeout, retry())
        for job in self._jobs_in_hours():
            self.scheduler.add(wrap(job))

    def _jobs_in_hours(self) -> Iterator[Job]:
        settings = self.settings
        yield prices_job(
            self.source,
            self.store.prices,
            interval_s=settings.prices_interval_s,
            batch_size=settings.realtime_sync_batch_size,
        )
        if not self._has_chains:
            logger.info("%s has no option chains: options_refresh and iv_metrics are left out", self.source.name)
            return
        yield options_job(
            self.source,
            self.store.options,
            interval_s=settings.options_interval_s,
            batch_size=settings.realtime_sync_batch_size,
            bounds=ChainBounds(
                strike_range=settings.options_strike_range, max_expirations=settings.options_max_expirations
            ),
        )

    def _jobs(self) -> Iterator[Job]:
        settings, store = self.settings, self.store
        yield retention_job(
            store.retention, prices_days=settings.prices_kept_days, options_days=settings.options_kept_days
        )
        if self._has_chains:
            yield sp500_job(self.source, store.constituents, interval_s=settings.constituents_interval_s)
            yield iv.iv_job(
                self.source,
                iv.Stores(chains=store.options, bars=store.bars, metrics=store.metrics),
                interval_s=settings.iv_interval_s,
                delay_s=min(FIRST_CHAINS_S, settings.iv_interval_s),
                rate=settings.risk_free_rate,
            )

    @property
    def _has_chains(self) -> bool:
        return self.settings.market_source != "replay"
