"""The parts of the running service, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from profiling import Level, Profiler
from volaris.errors import MigrationError, StoreUnavailable
from volaris.jobs.prices import prices_job
from volaris.market import Source, create_source
from volaris.profiled import ProfiledJobs
from volaris.scheduler import Job, Scheduler, compose, retry, timeout
from volaris.settings import Settings
from volaris.store import Database, EmbeddedServer, PriceRepository, migrate

STOP_GRACE_S = 10.0

logger = logging.getLogger(__name__)

# Until the adaptive level is there, production watches with what costs it nothing.
LEVELS = {"counters": Level.COUNTERS, "lines": Level.LINES, "adaptive": Level.COUNTERS}


class Service:
    """Profiler, market, store and scheduler, made from the settings and wired to each other.

    `start` returns at once: the database comes up in a task of its own, so that the probes answer meanwhile, and the
    scheduler starts when the schema is there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profiler = Profiler(level=LEVELS[settings.profiling], limit_mb=settings.memory_limit_mb)
        self.source: Source = create_source(settings.market_source, **_source_options(settings))
        self.embedded = EmbeddedServer() if settings.database_url is None else None
        self.database: Database | None = None
        profiled = ProfiledJobs(self.profiler, exclusive=settings.profiling_exclusive)
        self.scheduler = Scheduler(on_run=profiled.report)
        self._wrap = compose(profiled.middleware, timeout, retry())
        self._starting: asyncio.Task[None] | None = None
