"""The job retention: once a day it drops prices and chains that are too old."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from volaris.errors import StoreError
from volaris.scheduler import DailyAt, Job
from volaris.store import Dropped

JOB_ID = "retention"
# At night in New York, and after midnight in UTC, because the days are UTC days.
AT = time(3, 30)
NEW_YORK = ZoneInfo("America/New_York")
TIMEOUT_S = 600.0

logger = logging.getLogger(__name__)


class DayDropper(Protocol):
    """Drops old days: volaris.store.Retention."""

    async def drop(self, *, prices_before: date, options_before: date) -> Dropped:
        """Drop all days before these. Raises StoreError."""


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


def retention_job(
    dropper: DayDropper, *, prices_days: int, options_days: int, now: Callable[[], datetime] = now_in_utc
) -> Job:
    """Return the job for the scheduler, at 3:30 every night in New York. It keeps today and that many days before."""

    async def run() -> None:
        await drop_old_days(dropper, now().astimezone(UTC).date(), prices_days, options_days)

    return Job(
        id=JOB_ID,
        description=f"drops prices after {prices_days} days and chains after {options_days} days",
        run=run,
        trigger=DailyAt(AT, NEW_YORK),
        timeout_s=TIMEOUT_S,
        retry_on=(StoreError,),
        max_attempts=3,
    )


async def drop_old_days(dropper: DayDropper, today: date, prices_days: int, options_days: int) -> int:
    """Drop what is older than that many days before `today`; return the number of dropped days of both kinds."""
    dropped = await dropper.drop(
        prices_before=today - timedelta(days=prices_days), options_before=today - timedelta(days=options_days)
    )
    for what, days in (("prices", dropped.prices), ("chains", dropped.options)):
        if days:
            logger.info("dropped the %s of %d days, %s to %s", what, len(days), days[0], days[-1])
    return len(dropped.prices) + len(dropped.options)
