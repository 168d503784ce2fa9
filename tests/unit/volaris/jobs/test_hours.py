"""Jobs in market hours: a slot outside passes without a run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from volaris.jobs.hours import in_hours
from volaris.scheduler import Every, Job

NOW = datetime(2026, 8, 3, 16, tzinfo=UTC)


class Hours:
    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open

    async def are_open(self, at: datetime) -> bool:
        assert at == NOW
        return self.is_open

    async def have_passed(self, seconds: float, since: datetime, until: datetime) -> bool:
        raise AssertionError("the middleware asks only whether the market is open now")


@pytest.mark.parametrize("is_open", [True, False])
async def test_job_runs_only_while_the_market_is_open(*, is_open: bool) -> None:
    runs: list[str] = []

    async def run() -> str:
        runs.append("run")
        return "result"

    plain = Job(id="prices", run=run, trigger=Every(60), timeout_s=60, description="prices")
    job = in_hours(Hours(is_open=is_open), lambda: NOW)(plain)
    assert await job.run() == ("result" if is_open else None)
    assert runs == ["run"] * is_open
    assert (job.id, job.trigger, job.timeout_s, job.description) == ("prices", Every(60), 60, "prices")
