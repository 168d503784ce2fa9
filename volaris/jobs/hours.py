"""A middleware for jobs that run only while the market trades, so that no job has to check the time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from volaris.market.hours import MarketHours
from volaris.scheduler import Job, Middleware

logger = logging.getLogger(__name__)


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


def in_hours(hours: MarketHours, now: Callable[[], datetime] = now_in_utc) -> Middleware:
    """Return a middleware that skips the run of a job while the market is closed.

    Make it the outermost one, so that profiling middleware sees no run that did nothing.
    """

    def middleware(job: Job) -> Job:
        async def run() -> object:
            if not await hours.are_open(now()):
                logger.debug("%s: the market is closed", job.id)
                return None
            return await job.run()

        return replace(job, run=run)

    return middleware
