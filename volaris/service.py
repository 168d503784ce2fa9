"""The parts of the running service, wired to each other, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from profiling import Level, Profiler
from volaris.errors import StoreError, StoreUnavailable
from volaris.jobs.prices import prices_job
from volaris.market import create_source
from volaris.profiled import ProfiledJobs
from volaris.scheduler import Scheduler, compose, retry, timeout
from volaris.settings import Settings
from volaris.store import Database, EmbeddedServer, PriceRepository, PriceRow, migrate

STOP_GRACE_S = 10.0

logger = logging.getLogger(__name__)


class Store:
    """The database and its repositories from when they are there; StoreUnavailable with the reason until then."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._data_dir = settings.data_dir
        self._embedded = EmbeddedServer()
        self._database: Database | None = None
        self._prices: PriceRepository | None = None
        self._why_not: StoreError = StoreUnavailable("the database is being started")

    async def open(self) -> None:
        """Start the embedded server where no address is set, connect however long it takes, and bring the schema along.

        Raises StoreError where waiting does not help; `ready` says it from then on.
        """
        try:
            self._database = Database(self._url or await self._embedded.start(self._data_dir))
            await self._database.connect()
            applied = await migrate(self._database)
        except StoreError as error:
            self._why_not = error.with_traceback(None)
            raise
        self._prices = PriceRepository(self._database)
        logger.info("the database is ready; migrations applied now: %s", ", ".join(applied) or "none")

    async def close(self) -> None:
        """Connections first, then the embedded server; both have their time limits."""
        self._prices, self._why_not = None, StoreUnavailable("the service is stopping")
        try:
            if self._database is not None:
                await self._database.close()
        finally:
            await self._embedded.stop()

    async def ready(self) -> None:
        """Return when the database answers and has the schema. Raises StoreError with the reason otherwise."""
        self._repository()
        if self._database is not None:
            await self._database.ping()

    async def save(self, rows: Sequence[PriceRow]) -> int:
        """As PriceRepository.save."""
        return await self._repository().save(rows)

    async def latest(self, symbol: str, limit: int) -> Sequence[PriceRow]:
        """As PriceRepository.latest."""
        return await self._repository().latest(symbol, limit)

    def _repository(self) -> PriceRepository:
        if self._prices is not None:
            return self._prices
        reason = self._database.unavailable_reason if self._database is not None else None
        raise StoreUnavailable(reason) if reason else self._why_not


class Service:
    """Profiler, market, store, jobs and scheduler of one process.

    `start` returns at once. The database comes up in a task of its own, so that the probes answer meanwhile, and the
    scheduler starts firing when the schema is there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.source = create_source(settings.market_source, cboe_url=settings.cboe_url)
        self.store = Store(settings)
        is_off = settings.profiling == "off"
        self.profiler = Profiler(
            level=Level.COUNTERS if is_off else Level(settings.profiling),
            limit_mb=settings.memory_limit_mb,
            budget_mb=settings.profiling_budget_mb,
            packages=("volaris",),
        )
        self._profiled = ProfiledJobs(self.profiler, exclusive=settings.profiling_exclusive)
        self.scheduler = Scheduler(report=self._profiled.report)
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
        profile = () if self.settings.profiling == "off" else (self._profiled.middleware,)
        wrap = compose(*profile, timeout, retry())
        prices = prices_job(
            self.source,
            self.store,
            interval_s=self.settings.prices_interval_s,
            batch_size=self.settings.realtime_sync_batch_size,
        )
        self.scheduler.add(wrap(prices))
