"""The parts of the running service, connected to each other, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging

from profiling import Level, Profiler
from volaris.demand import create_demand
from volaris.errors import StoreError
from volaris.instrumentation.heap_trimmer import HeapTrimmer
from volaris.instrumentation.job_profiler import JobProfiler
from volaris.jobs.hours import in_hours
from volaris.jobs.registry import jobs_at_any_hour, jobs_in_market_hours
from volaris.market import Source, create_source
from volaris.market.hours import create_hours
from volaris.scheduler import Scheduler, compose, retry, timeout
from volaris.settings import Settings
from volaris.store import Store

STOP_GRACE_S = 10.0

logger = logging.getLogger(__name__)


class Service:
    """The profiler, market source, store, jobs, scheduler and fetches on demand of one process.

    `start` returns at once. The database starts in a task of its own, so that the probes answer in the meantime. The
    scheduler starts to fire when the schema is ready.

    `source` is used in place of the one that the settings name.
    """

    def __init__(self, settings: Settings, source: Source | None = None) -> None:
        self.settings = settings
        self.source = source or create_source(settings.market_source, cboe_url=settings.cboe_url)
        self.store = Store(settings.database_url, settings.data_dir)
        is_off = settings.profiling == "off"
        self.profiler = Profiler(
            level=Level.COUNTERS if is_off else Level(settings.profiling),
            limit_mb=settings.memory_limit_mb,
            budget_mb=settings.profiling_budget_mb,
            packages=("volaris",),
            state_dir=settings.profiling_state_dir,
        )
        self._job_profiler = JobProfiler(self.profiler, exclusive=settings.profiling_exclusive)
        trimmer = HeapTrimmer(self._job_profiler.report)
        self.demand = create_demand(
            settings, self.source, self.store, scope=self.profiler.scope, tidy_up=trimmer.trim_if_due
        )
        self.scheduler = Scheduler(report=trimmer.report)
        self._coming_up: asyncio.Task[None] | None = None
        self._add_jobs()

    def start(self) -> asyncio.Task[None]:
        """Start the service; needs a running loop. The task ends when the database is ready, or cannot be used."""
        self._coming_up = asyncio.create_task(self._come_up(), name="come up")
        return self._coming_up

    async def stop(self) -> None:
        """Stop the jobs and the fetches on demand first, then the parts that they use.

        Each step has a time limit, and a step that fails does not stop the others.
        """
        if self._coming_up is not None:
            self._coming_up.cancel()
            await asyncio.gather(self._coming_up, return_exceptions=True)
        await self.demand.close()
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
            # A person has to look at this. The process stays alive, so that the readiness probe can report the reason.
            logger.error("the database cannot be used, so no job will run: %s", error)  # noqa: TRY400 - no bug of ours
            return
        if self.settings.scheduler_enabled:
            self.scheduler.start()

    def _add_jobs(self) -> None:
        profile = () if self.settings.profiling == "off" else (self._job_profiler.middleware,)
        wrap = compose(*profile, timeout, retry())
        for job in jobs_at_any_hour(self.settings, self.source, self.store):
            self.scheduler.add(wrap(job))
        # Outermost, so that the profiler sees no run that did nothing.
        hours = create_hours(self.settings.market_hours, source=self.source.name)
        wrap = compose(in_hours(hours), *profile, timeout, retry())
        for job in jobs_in_market_hours(self.settings, self.source, self.store):
            self.scheduler.add(wrap(job))
