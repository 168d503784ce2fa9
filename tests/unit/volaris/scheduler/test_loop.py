"""The scheduler fires what is due, once, whatever the jobs do."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.unit.volaris.scheduler.clock import MONDAY, ManualClock, settle
from tests.unit.volaris.scheduler.work import Forgetful, Reports, Work, job
from volaris.errors import JobTimeout
from volaris.scheduler import DailyAt, Every, JobRun, JobState, RunOutcome, Scheduler

NEW_YORK = ZoneInfo("America/New_York")  # read from its file here, and not where a loop runs


async def test_job_runs_at_the_start_and_at_each_slot(scheduler: Scheduler, clock: ManualClock) -> None:
    work = Work()
    scheduler.add(job(work.quick))
    assert work.begun == 0
    scheduler.start()
    await settle()
    assert work.begun == 1
    await clock.forward(59.9)
    assert work.begun == 1
    await clock.forward(0.1)
    assert work.begun == 2
    await scheduler.stop()


async def test_slots_do_not_drift_however_late_they_are_seen(scheduler: Scheduler, clock: ManualClock) -> None:
    work = Work()
    scheduler.add(job(work.quick))
    scheduler.start()
    for _ in range(50):
        await clock.forward(60.9 if clock.moment.monotonic_s % 2 else 59.3)
    assert scheduler.status("work").next_run_at == MONDAY + timedelta(
        seconds=60 * (int((clock.moment.monotonic_s - 1000) // 60) + 1)
    )
    await scheduler.stop()


async def test_late_slots_are_made_up_for_by_one_run_and_counted(
    scheduler: Scheduler, clock: ManualClock, reports: Reports
) -> None:
    work = Work()
    scheduler.add(job(work.quick))
    scheduler.start()
    await settle()
    await clock.forward(185)  # slots at 60, 120 and 180
    assert work.begun == 2
    assert [run.coalesced_slots for run in reports.runs] == [0, 2]
    assert scheduler.status("work").coalesced_slots == 2
    await clock.forward(55)
    assert work.begun == 3
    await scheduler.stop()


async def test_slots_that_pass_while_the_job_runs_are_made_up_for_when_it_ends(
    scheduler: Scheduler, clock: ManualClock, reports: Reports
) -> None:
    work = Work()
    scheduler.add(job(work.wait))
    scheduler.start()
    await clock.pass_by(130)
    assert work.begun == 1
    work.release.set()
    await settle()
    assert work.begun == 2  # at once, for the slots at 60 and 120
    work.release.set()
    await settle()
    assert [run.coalesced_slots for run in reports.runs] == [0, 1]
    assert work.begun == 2
    await scheduler.stop()


async def test_jobs_run_side_by_side_and_each_alone(scheduler: Scheduler, clock: ManualClock) -> None:
    one, other = Work(), Work()
    scheduler.add(job(one.wait, "one"))
    scheduler.add(job(other.quick, "other", Every(10, delay_s=5)))
    scheduler.start()
    await clock.pass_by(60)
    assert (one.begun, other.begun) == (1, 6)
    assert scheduler.statistics().running == 1
    one.release.set()
    await scheduler.stop()


async def test_failing_job_is_recorded_and_runs_again_and_the_others_go_on(
    scheduler: Scheduler, clock: ManualClock, reports: Reports
) -> None:
    async def fail() -> None:
        raise ValueError("no price")

    work = Work()
    scheduler.add(job(fail, "bad"))
    scheduler.add(job(work.quick, "good"))
    scheduler.start()
    await clock.pass_by(60)
    status = scheduler.status("bad")
    assert (status.runs, status.failures, work.begun) == (2, 2, 2)
    assert status.last_run is not None
    assert (status.last_run.outcome, status.last_run.error_text) == (RunOutcome.FAILED, "ValueError: no price")
    assert [type(error) for error in reports.errors].count(ValueError) == 2
    await scheduler.stop()


async def test_run_over_its_time_limit_is_told_apart_from_other_failures(scheduler: Scheduler) -> None:
    async def fail() -> None:
        raise JobTimeout("slow", 30)

    scheduler.add(job(fail, "slow"))
    run = await scheduler.run_now("slow")
    assert (run.outcome, run.error_text) == (
        RunOutcome.TIMED_OUT,
        "JobTimeout: job 'slow' exceeded its time limit of 30 s",
    )
    assert scheduler.status("slow").failures == 1


async def test_error_of_a_run_and_what_its_frames_hold_are_let_go(scheduler: Scheduler) -> None:
    class Heavy:
        pass

    held: list[weakref.ref[Heavy]] = []

    async def fail() -> None:
        heavy = Heavy()
        held.append(weakref.ref(heavy))
        raise ValueError("no price")

    scheduler = Scheduler(report=Forgetful())
    scheduler.add(job(fail))
    gc.disable()
    try:
        await scheduler.run_now("work")
        await settle()
        assert held[0]() is None
    finally:
        gc.enable()


async def test_cancelled_run_is_reported_and_really_cancelled(scheduler: Scheduler, reports: Reports) -> None:
    work = Work()
    scheduler.add(job(work.wait))
    running = scheduler.run_now("work")
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [run.outcome for run in reports.runs] == [RunOutcome.CANCELLED]
    assert scheduler.status("work").state is JobState.IDLE
    assert scheduler.status("work").failures == 0


async def test_report_that_fails_is_logged_and_nothing_else(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def bad_report(_run: JobRun, _error: BaseException | None) -> None:
        raise RuntimeError("no room")

    scheduler = Scheduler(clock=clock, report=bad_report)
    scheduler.add(job(Work().quick))
    assert (await scheduler.run_now("work")).outcome is RunOutcome.COMPLETED
    assert "the report of a run of work failed" in caplog.text
    assert "no room" in caplog.text


async def test_without_a_report_of_ones_own_a_failure_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ValueError("no price")

    scheduler = Scheduler()
    scheduler.add(job(fail))
    await scheduler.run_now("work")
    assert "work failed after" in caplog.text
    assert "ValueError: no price" in caplog.text


async def test_wall_clock_that_is_put_forward_fires_a_calendar_time_within_a_minute(
    scheduler: Scheduler, clock: ManualClock
) -> None:
    work = Work()
    scheduler.add(job(work.quick, trigger=DailyAt(time(16, 30), NEW_YORK)))
    scheduler.start()
    await clock.pass_by(120)
    clock.step_wall(timedelta(hours=12))
    await clock.pass_by(60)
    assert work.begun == 1
    clock.step_wall(timedelta(hours=-12))
    await clock.pass_by(12 * 3600 - 600)
    assert work.begun == 1  # the slot that has been does not come again
    await scheduler.stop()


async def test_wall_clock_that_was_days_ahead_and_is_put_right_does_not_hold_up_the_job(
    scheduler: Scheduler, clock: ManualClock
) -> None:
    work = Work()
    scheduler.add(job(work.quick, trigger=DailyAt(time(16, 30), NEW_YORK)))
    clock.step_wall(timedelta(days=400))
    scheduler.start()
    await clock.pass_by(60)
    clock.step_wall(timedelta(days=-400))
    await clock.pass_by(12 * 3600)
    assert work.begun == 1
    await scheduler.stop()
