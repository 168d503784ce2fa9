"""A native asyncio scheduler: jobs at fixed slots or calendar times, with one run of a job at a time.

May import `errors` and no other room: it knows nothing of what its jobs do. Offers `Scheduler`, `Job`, triggers, and
middleware that wraps runs; `progress`, by which a run reports its progress.
"""

from __future__ import annotations

from volaris.scheduler.clock import Clock, ClockReading, SystemClock, TimerHandle
from volaris.scheduler.jobs import Job, JobRun, JobState, JobStatus, RunOutcome, SchedulerStatistics
from volaris.scheduler.loop import Report, Scheduler, log_run
from volaris.scheduler.middleware import Middleware, compose, retry, timeout
from volaris.scheduler.triggers import DailyAt, Every, Trigger

__all__ = [
    "Clock",
    "ClockReading",
    "DailyAt",
    "Every",
    "Job",
    "JobRun",
    "JobState",
    "JobStatus",
    "Middleware",
    "Report",
    "RunOutcome",
    "Scheduler",
    "SchedulerStatistics",
    "SystemClock",
    "TimerHandle",
    "Trigger",
    "compose",
    "log_run",
    "retry",
    "timeout",
]
