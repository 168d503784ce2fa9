"""What the debug routes ask of whatever runs the jobs. A service without a scheduler mounts them without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from profiling.errors import UnknownJob


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A job as its scheduler sees it."""

    id: str
    state: str  # idle, running or paused
    description: str
    next_run_at: datetime | None  # aware; None while it is paused or nothing fires
    last_outcome: str | None  # None before the first run
    last_started_at: datetime | None
    last_duration_s: float | None
    last_error: str | None
    runs: int
    failures: int
    coalesced_slots: int  # slots that came too late and were made up for by one run


class JobControl(Protocol):
    """Jobs to look at and to steer. An id that is not there raises profiling.errors.UnknownJob."""

    @property
    def enabled(self) -> bool:
        """Whether slots fire by themselves."""

    def jobs(self) -> Sequence[JobInfo]:
        """All jobs."""

    def run_now(self, job_id: str) -> None:
        """Start a run. Raises profiling.errors.JobBusy while one is under way."""

    def pause(self, job_id: str) -> None:
        """Let no slot fire any more."""

    def resume(self, job_id: str) -> None:
        """Let slots fire again."""


class NoJobs:
    """For a service that runs its jobs by itself."""

    enabled = False

    def jobs(self) -> Sequence[JobInfo]:
        """None."""
        return ()

    def run_now(self, job_id: str) -> None:
        """Raises UnknownJob."""
        raise UnknownJob(job_id, ())

    pause = resume = run_now
