"""Jobs and their state: frozen records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from volaris.scheduler.triggers import Trigger


class JobState(Enum):
    """The state of a job."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"  # no slot fires; a run that is in progress goes on


class RunOutcome(Enum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A function that is run repeatedly, one run at a time."""

    id: str
    run: Callable[[], Awaitable[object]]
    trigger: Trigger
    timeout_s: float  # for a run with all its attempts; enforced by the `timeout` middleware
    # errors after which the run is tried again; handled by the `retry` middleware
    retry_on: tuple[type[Exception], ...] = ()
    max_attempts: int = 1
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """A run that has ended."""

    job_id: str
    started_at: datetime  # with time zone, UTC
    duration_s: float
    outcome: RunOutcome
    coalesced_slots: int  # late slots that this run replaced, besides its own slot
    error_text: str | None  # type and message of the error; None if the run completed


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job at one moment."""

    id: str
    description: str
    state: JobState
    next_run_at: datetime | None  # with time zone, UTC; None while the job is paused, or before the scheduler starts
    last_run: JobRun | None
    runs: int  # runs that have ended since the start
    failures: int  # those of the runs that failed or timed out
    coalesced_slots: int  # late slots since the start that had no run of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStatistics:
    """The scheduler at one moment."""

    started_at: datetime | None  # with time zone, UTC; None before the start and after the stop
    jobs: tuple[JobStatus, ...]  # in the order they were added

    @property
    def running(self) -> int:
        """Return the number of jobs that are running."""
        return sum(job.state is JobState.RUNNING for job in self.jobs)
