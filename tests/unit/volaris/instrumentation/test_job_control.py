"""The scheduler behind the debug routes."""

from __future__ import annotations

import asyncio

import pytest

from profiling.errors import JobBusy, UnknownJob
from volaris.instrumentation.job_control import SchedulerControl
from volaris.scheduler import Every, Job, Scheduler


async def test_jobs_are_told_as_the_routes_want_them() -> None:
    async def fail() -> None:
        raise ValueError("no price")

    scheduler = Scheduler()
    scheduler.add(Job(id="work", run=fail, trigger=Every(60), timeout_s=30, description="some work"))
    control = SchedulerControl(scheduler, enabled=True)
    (before,) = control.jobs()
    assert (before.id, before.state, before.description, before.next_run_at) == ("work", "idle", "some work", None)
    assert (before.last_outcome, before.runs) == (None, 0)
    await scheduler.run_now("work")
    (after,) = control.jobs()
    assert (after.last_outcome, after.last_error, after.runs, after.failures) == (
        "failed",
        "ValueError: no price",
        1,
        1,
    )
    assert after.last_duration_s is not None
    assert control.enabled


async def test_job_is_run_paused_and_resumed_and_busy_while_it_runs() -> None:
    release = asyncio.Event()
    scheduler = Scheduler()
    scheduler.add(Job(id="work", run=release.wait, trigger=Every(60), timeout_s=30))
    control = SchedulerControl(scheduler, enabled=False)
    control.run_now("work")
    assert control.jobs()[0].state == "running"
    with pytest.raises(JobBusy, match="job 'work' is already running"):
        control.run_now("work")
    release.set()
    assert await scheduler.stop() == ()
    control.pause("work")
    assert control.jobs()[0].state == "paused"
    control.resume("work")
    assert control.jobs()[0].state == "idle"
    assert not control.enabled


async def test_unknown_job_is_told_with_those_there_are() -> None:
    scheduler = Scheduler()
    scheduler.add(Job(id="work", run=asyncio.Event().wait, trigger=Every(60), timeout_s=30))
    control = SchedulerControl(scheduler, enabled=True)
    for call in (control.run_now, control.pause, control.resume):
        with pytest.raises(UnknownJob, match="there is no job 'nope'; the known jobs are: work"):
            call("nope")
