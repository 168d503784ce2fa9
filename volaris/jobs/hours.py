"""Jobs that run while the market trades: a middleware, so that no job asks what time it is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from volaris.market.hours import MarketHours
from volaris.scheduler import Job, Middleware

logger = logging.getLogger(__name__)


def now_in_utc() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def in_hours(hours: MarketHours, now: Callable[[], datetime] = now_in_utc) -> Middleware:
    """Let a slot outside the market's hours pass without a run of the job: a middleware.

    Outermost, so that what measures runs does not see one that did nothing.
    """

    def middleware(job: Job) -> Job:
        async def run() -> object:
            if not await hours.are_open(now()):
                logger.debug("%s: the market is closed", job.id)
                return None
            return await job.run()

        return replace(job, run=run)

    return middleware
