"""retention: what is past its age goes, today's and that many days before stay."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from volaris.jobs.retention import JOB_ID, drop_old_days, retention_job
from volaris.scheduler import DailyAt
from volaris.store import Dropped

TODAY = date(2026, 8, 3)


class Dropper:
    def __init__(self, dropped: Dropped) -> None:
        self.dropped = dropped
        self.asked: list[tuple[date, date]] = []

    async def drop(self, *, prices_before: date, options_before: date) -> Dropped:
        self.asked.append((prices_before, options_before))
        return self.dropped


async def test_days_before_the_age_of_each_go(caplog: pytest.LogCaptureFixture) -> None:
    dropper = Dropper(Dropped(prices=(date(2026, 7, 1), date(2026, 7, 3)), options=()))
    with caplog.at_level(logging.INFO):
        assert await drop_old_days(dropper, TODAY, prices_days=30, options_days=7) == 2
    assert dropper.asked == [(date(2026, 7, 4), date(2026, 7, 27))]
    assert [record.message for record in caplog.records] == ["dropped the prices of 2 days, 2026-07-01 to 2026-07-03"]


async def test_job_runs_at_night_and_counts_days_in_utc() -> None:
    dropper = Dropper(Dropped(prices=(), options=()))
    evening = datetime(2026, 8, 3, 22, tzinfo=ZoneInfo("America/New_York"))
    job = retention_job(dropper, prices_days=0, options_days=1, now=lambda: evening)
    await job.run()
    assert dropper.asked == [(date(2026, 8, 4), date(2026, 8, 3))]
    assert (job.id, job.trigger) == (JOB_ID, DailyAt(time(3, 30), ZoneInfo("America/New_York")))
    assert job.description == "drops prices after 0 days and chains after 1 days"
    assert evening.astimezone(UTC).date() == date(2026, 8, 4)
