"""What a job is, and what is known of it: frozen records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from volaris.scheduler.triggers import Trigger


class JobState(Enum):
    """What a job is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"  # no slot fires; a run that was under way goes on


class RunOutcome(Enum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to run again and again, one run at a time."""

    id: str
    run: Callable[[], Awaitable[object]]
    trigger: Trigger
    timeout_s: float  # of a run with all its attempts; kept by the `timeout` middleware
    retry_on: tuple[type[Exception], ...] = ()  # tried again after these; kept by the `retry` middleware
    max_attempts: int = 1
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """A run that has ended."""

    job_id: str
    started_at: datetime  # aware, UTC
    duration_s: float
    outcome: RunOutcome
    coalesced_slots: int  # late slots that this run made up for, beside its own
    error_text: str | None  # type and message; None if it completed


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job at one moment."""

    id: str
    description: str
    state: JobState
    next_run_at: datetime | None  # aware, UTC; None while paused, or before the scheduler starts
    last_run: JobRun | None
    runs: int  # ended, since start
    failures: int  # of them: failed or timed out
    coalesced_slots: int  # late slots, since start, that had no run of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStatistics:
    """The scheduler at one moment."""

    started_at: datetime | None  # aware, UTC; None before the start and after the stop
    jobs: tuple[JobStatus, ...]  # in the order they were added

    @property
    def running(self) -> int:
        """Return the jobs with a run under way."""
        return sum(job.state is JobState.RUNNING for job in self.jobs)
