"""Run now, pause, resume, and a stop in good order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.volaris.scheduler.clock import MONDAY, ManualClock, settle
from tests.unit.volaris.scheduler.work import Reports, Work, job
from volaris.errors import JobAlreadyRunning, SchedulerError, UnknownJob
from volaris.scheduler import JobState, RunOutcome, Scheduler


async def test_run_now_runs_at_once_and_leaves_the_slots_as_they_are(scheduler: Scheduler, clock: ManualClock) -> None:
    work = Work()
    scheduler.add(job(work.quick))
    scheduler.start()
    await clock.forward(30)
    await scheduler.run_now("work")
    assert work.begun == 2
    assert scheduler.status("work").next_run_at == MONDAY + timedelta(seconds=60)
    await scheduler.stop()


async def test_run_now_is_refused_while_the_job_runs(scheduler: Scheduler) -> None:
    work = Work()
    scheduler.add(job(work.wait))
    running = scheduler.run_now("work")
    await settle()
    with pytest.raises(JobAlreadyRunning, match="job 'work' is already running"):
        scheduler.run_now("work")
    assert scheduler.status("work").state is JobState.RUNNING
    work.release.set()
    await running


async def test_paused_job_fires_no_slot_and_makes_up_for_none(scheduler: Scheduler, clock: ManualClock) -> None:
    work = Work()
    scheduler.add(job(work.quick))
    scheduler.start()
    await settle()
    scheduler.pause("work")
    assert (scheduler.status("work").state, scheduler.status("work").next_run_at) == (JobState.PAUSED, None)
    await clock.pass_by(300)
    assert work.begun == 1
    await scheduler.run_now("work")
    assert work.begun == 2
    scheduler.resume("work")
    scheduler.resume("work")
    await clock.pass_by(60)
    assert work.begun == 3
    assert scheduler.status("work").coalesced_slots == 0
    await scheduler.stop()


async def test_unknown_job_is_told_with_those_there_are(scheduler: Scheduler) -> None:
    scheduler.add(job(Work().quick, "one"))
    scheduler.add(job(Work().quick, "other"))
    for call in (scheduler.run_now, scheduler.pause, scheduler.resume, scheduler.status):
        with pytest.raises(UnknownJob, match="there is no job 'none'; the known jobs are: one, other"):
            call("none")


async def test_id_that_is_taken_and_a_second_start_are_refused(scheduler: Scheduler) -> None:
    scheduler.add(job(Work().quick))
    with pytest.raises(SchedulerError, match="there is already a job 'work'"):
        scheduler.add(job(Work().quick))
    scheduler.start()
    with pytest.raises(SchedulerError, match="already been started"):
        scheduler.start()
    await scheduler.stop()


async def test_job_added_later_has_its_next_slot_and_none_of_the_past(scheduler: Scheduler, clock: ManualClock) -> None:
    scheduler.start()
    await clock.forward(90)
    work = Work()
    scheduler.add(job(work.quick))
    await settle()
    assert work.begun == 0
    await clock.pass_by(30)
    assert work.begun == 1
    await scheduler.stop()


async def test_stop_fires_no_more_and_waits_for_what_runs(scheduler: Scheduler, clock: ManualClock) -> None:
    work = Work()
    scheduler.add(job(work.wait))
    scheduler.start()
    await settle()
    stopping = asyncio.create_task(scheduler.stop(grace_s=30))
    await settle()
    assert not stopping.done()
    assert clock.alarms == []
    work.release.set()
    assert await stopping == ()
    await clock.forward(600)
    assert work.begun == 1
    assert scheduler.statistics().started_at is None


async def test_stop_cancels_what_does_not_end_in_time(scheduler: Scheduler, reports: Reports) -> None:
    scheduler.add(job(Work().wait))
    scheduler.run_now("work")
    await settle()
    assert await scheduler.stop(grace_s=0) == ()
    assert [run.outcome for run in reports.runs] == [RunOutcome.CANCELLED]


async def test_stop_names_what_swallows_its_cancellation(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("volaris.scheduler.loop.CANCEL_GRACE_S", 0.01)
    end = asyncio.Event()

    async def stubborn() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    scheduler.add(job(stubborn))
    running = scheduler.run_now("work")
    await settle()
    assert await scheduler.stop(grace_s=0) == ("work",)
    assert "these jobs did not end although they were cancelled: work" in caplog.text
    end.set()
    await running


async def test_scheduler_can_be_started_again_after_a_stop(scheduler: Scheduler, clock: ManualClock) -> None:
    work = Work()
    scheduler.add(job(work.quick))
    scheduler.start()
    await settle()
    await scheduler.stop()
    await clock.forward(600)
    scheduler.start()
    await settle()
    assert (work.begun, scheduler.status("work").coalesced_slots) == (2, 0)
    await scheduler.stop()


async def test_statistics_list_the_jobs_as_they_were_added(scheduler: Scheduler) -> None:
    scheduler.add(job(Work().quick, "b"))
    scheduler.add(replace(job(Work().quick, "a"), description="other work"))
    statistics = scheduler.statistics()
    assert [(status.id, status.description) for status in statistics.jobs] == [("b", "some work"), ("a", "other work")]
    assert (statistics.started_at, statistics.running) == (None, 0)
