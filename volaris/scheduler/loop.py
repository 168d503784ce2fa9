"""The scheduler: it fires jobs at their slots, one run of a job at a time, and stops in an orderly way.

No task waits for slots. One timer of the loop is set for the next slot of any job. Whenever a job changes, because its
run ends or because it is paused or resumed, all jobs are checked again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from volaris.errors import JobAlreadyRunning, JobTimeout, SchedulerError, UnknownJob
from volaris.scheduler.clock import Clock, ClockReading, SystemClock, TimerHandle
from volaris.scheduler.jobs import Job, JobRun, JobState, JobStatus, RunOutcome, SchedulerStatistics

Report = Callable[[JobRun, BaseException | None], Awaitable[None]]

CANCEL_GRACE_S = 5.0

logger = logging.getLogger(__name__)


async def log_run(run: JobRun, error: BaseException | None) -> None:
    """Log one line for a run, with the traceback of a failure; this is the default report of a scheduler."""
    level = logging.INFO if run.outcome is RunOutcome.COMPLETED else logging.ERROR
    logger.log(level, "%s %s after %.3f s", run.job_id, run.outcome.value, run.duration_s, exc_info=error)


@dataclass(slots=True)
class _Entry:
    """A job with its changing state."""

    job: Job
    processed_until: ClockReading | None = None  # None: not even the slot at the start has been processed
    task: asyncio.Task[JobRun] | None = None
    is_paused: bool = False
    last_run: JobRun | None = None
    runs: int = 0
    failures: int = 0
    coalesced_slots: int = 0

    @property
    def state(self) -> JobState:
        if self.task is not None:
            return JobState.RUNNING
        return JobState.PAUSED if self.is_paused else JobState.IDLE


class Scheduler:
    """Runs jobs in the running loop.

    At the end of each run, while the job still counts as running, `report` is awaited with the record of the run and
    its error, if any. An error in `report` is logged.
    """

    def __init__(self, *, clock: Clock | None = None, report: Report = log_run) -> None:
        self._clock: Clock = clock or SystemClock()
        self._report = report
        self._entries: dict[str, _Entry] = {}
        self._started: ClockReading | None = None
        self._alarm: TimerHandle | None = None

    def add(self, job: Job) -> None:
        """Register a job. Its slots count from the scheduler's start; slots that have passed are not fired.

        Raises SchedulerError if another job has the same id.
        """
        if job.id in self._entries:
            raise SchedulerError(f"there is already a job {job.id!r}; give each job a different id")
        self._entries[job.id] = _Entry(job, processed_until=self._clock.now() if self._started else None)
        self._fire_due_jobs()

    def start(self) -> None:
        """Fire slots from now on. Needs a running loop. Raises SchedulerError if the scheduler has been started."""
        if self._started is not None:
            raise SchedulerError("the scheduler has already been started")
        self._started = self._clock.now()
        for entry in self._entries.values():
            entry.processed_until = None
        self._fire_due_jobs()

    async def stop(self, grace_s: float = 10.0) -> tuple[str, ...]:
        """Stop firing; cancel runs that do not end within `grace_s`; return the ids of jobs that are still running.

        These ids are also logged. This returns at most 5 s after the grace time, because a job that ignores its
        cancellation must not delay the end.
        """
        self._started = None
        self._cancel_alarm()
        running = {entry.task: job_id for job_id, entry in self._entries.items() if entry.task is not None}
        if not running:
            return ()
        _, late = await asyncio.wait(running, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            _, late = await asyncio.wait(late, timeout=CANCEL_GRACE_S)
        alive = tuple(sorted(running[task] for task in late))
        if alive:
            logger.error("these jobs did not end although they were cancelled: %s", ", ".join(alive))
        return alive

    def run_now(self, job_id: str) -> asyncio.Task[JobRun]:
        """Start a run now, whether or not the job is paused. Its slots do not change.

        Raises UnknownJob, or JobAlreadyRunning.
        """
        entry = self._entry(job_id)
        if entry.task is not None:
            raise JobAlreadyRunning(job_id)
        return self._fire(entry, coalesced_slots=0)

    def pause(self, job_id: str) -> None:
        """Stop firing the job's slots; a run in progress goes on. Raises UnknownJob."""
        self._entry(job_id).is_paused = True
        self._fire_due_jobs()

    def resume(self, job_id: str) -> None:
        """Fire slots again from now on; slots that passed in the meantime are not fired. Raises UnknownJob."""
        entry = self._entry(job_id)
        if entry.is_paused:
            entry.is_paused = False
            entry.processed_until = self._clock.now()
        self._fire_due_jobs()

    def status(self, job_id: str) -> JobStatus:
        """Return the current state of a job. Raises UnknownJob."""
        return self._status(self._entry(job_id), self._clock.now())

    def statistics(self) -> SchedulerStatistics:
        """Return the current state of all jobs."""
        now = self._clock.now()
        return SchedulerStatistics(
            started_at=self._started.wall if self._started else None,
            jobs=tuple(self._status(entry, now) for entry in self._entries.values()),
        )

    def _entry(self, job_id: str) -> _Entry:
        try:
            return self._entries[job_id]
        except KeyError:
            raise UnknownJob(job_id, self._entries) from None

    def _fire_due_jobs(self) -> None:
        """Fire what is due, and set the timer for what comes next."""
        self._cancel_alarm()
        start = self._started
        if start is None:
            return
        now = self._clock.now()
        waiting = [entry for entry in self._entries.values() if entry.task is None and not entry.is_paused]
        for entry in waiting:
            due = self._due(entry, start, now)
            entry.processed_until = _next_processed_until(entry.processed_until, now)
            if due:
                self._fire(entry, coalesced_slots=due - 1)
        wake_ups = [entry.job.trigger.wake_at(start, now) for entry in waiting if entry.task is None]
        if wake_ups:
            self._alarm = self._clock.call_at(min(wake_ups), self._fire_due_jobs)

    def _due(self, entry: _Entry, start: ClockReading, now: ClockReading) -> int:
        """Return the number of slots since the last check, including the one at the scheduler's start."""
        before_start = ClockReading(monotonic_s=start.monotonic_s - 1.0, wall=start.wall)
        return entry.job.trigger.slots_between(start, entry.processed_until or before_start, now)

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _fire(self, entry: _Entry, coalesced_slots: int) -> asyncio.Task[JobRun]:
        entry.coalesced_slots += coalesced_slots
        entry.task = asyncio.create_task(self._run(entry, coalesced_slots), name=f"job:{entry.job.id}")
        return entry.task

    async def _run(self, entry: _Entry, coalesced_slots: int) -> JobRun:
        """Run the job once. An error is only recorded and reported; cancellation is reported and passes on."""
        started = self._clock.now()
        error: BaseException | None = None
        try:
            try:
                await entry.job.run()
            except (Exception, asyncio.CancelledError) as raised:
                error = raised
            run = self._record(entry, started, coalesced_slots, error)
            await self._report_safely(run, error)
            if isinstance(error, asyncio.CancelledError):
                raise error
            return run
        finally:
            error = None  # its traceback holds this frame, and so everything in the frames of the job
            entry.task = None
            self._fire_due_jobs()

    def _record(
        self, entry: _Entry, started: ClockReading, coalesced_slots: int, error: BaseException | None
    ) -> JobRun:
        run = JobRun(
            job_id=entry.job.id,
            started_at=started.wall,
            duration_s=self._clock.now().monotonic_s - started.monotonic_s,
            outcome=_outcome(error),
            coalesced_slots=coalesced_slots,
            error_text=f"{type(error).__name__}: {error}" if error is not None else None,
        )
        entry.last_run = run
        entry.runs += 1
        entry.failures += run.outcome in {RunOutcome.FAILED, RunOutcome.TIMED_OUT}
        return run

    async def _report_safely(self, run: JobRun, error: BaseException | None) -> None:
        try:
            await self._report(run, error)
        except Exception:
            logger.exception("the report of a run of %s failed", run.job_id)

    def _status(self, entry: _Entry, now: ClockReading) -> JobStatus:
        fires = self._started is not None and not entry.is_paused
        return JobStatus(
            id=entry.job.id,
            description=entry.job.description,
            state=entry.state,
            next_run_at=entry.job.trigger.next_after(self._started, now) if fires and self._started else None,
            last_run=entry.last_run,
            runs=entry.runs,
            failures=entry.failures,
            coalesced_slots=entry.coalesced_slots,
        )


def _next_processed_until(before: ClockReading | None, now: ClockReading) -> ClockReading:
    """Return `now`, but with the earlier wall time if the wall clock was set back, so that no slot fires twice.

    If the clock was set back by more than a day, return `now` unchanged: the earlier time was wrong, and jobs must not
    wait until it is reached again.
    """
    if before is not None and now.wall < before.wall <= now.wall + timedelta(days=1):
        return ClockReading(monotonic_s=now.monotonic_s, wall=before.wall)
    return now


def _outcome(error: BaseException | None) -> RunOutcome:
    if error is None:
        return RunOutcome.COMPLETED
    if isinstance(error, asyncio.CancelledError):
        return RunOutcome.CANCELLED
    return RunOutcome.TIMED_OUT if isinstance(error, JobTimeout) else RunOutcome.FAILED
