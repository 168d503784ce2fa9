"""The protocol between the debug routes and a service's scheduler. A service without a scheduler does not need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from profiling.errors import NoJobControl, UnknownJob
from profiling.profiler import Profiler
from profiling.records import Outcome, RunProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A job as its scheduler describes it."""

    id: str
    state: str  # idle, running or paused
    description: str
    next_run_at: datetime | None  # with time zone; None while the job is paused or no slots fire
    last_outcome: str | None  # None before the first run
    last_started_at: datetime | None
    last_duration_s: float | None
    last_error: str | None
    runs: int
    failures: int
    coalesced_slots: int  # slots that came too late and were replaced by one run


class JobControl(Protocol):
    """Jobs to list and control. For an unknown id, the methods raise profiling.errors.UnknownJob."""

    @property
    def enabled(self) -> bool:
        """Return whether slots fire by themselves."""

    def jobs(self) -> Sequence[JobInfo]:
        """Return all jobs."""

    def run_now(self, job_id: str) -> None:
        """Start a run. Raises profiling.errors.JobBusy while the job is running."""

    def pause(self, job_id: str) -> None:
        """Stop firing the job's slots."""

    def resume(self, job_id: str) -> None:
        """Fire the job's slots again."""


class ProfiledJobs:
    """For an application that runs its jobs by itself: the jobs that have a run in the history, or are running."""

    enabled = False

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler

    def jobs(self) -> Sequence[JobInfo]:
        """Return the jobs, as their runs describe them, sorted by name."""
        active = self._profiler.statistics().active_jobs
        runs: dict[str, list[RunProfile]] = {job: [] for job in active}
        for run in self._profiler.history.runs():
            runs.setdefault(run.job, []).append(run)
        return [_info(job, runs[job], is_running=job in active) for job in sorted(runs)]

    def run_now(self, job_id: str) -> None:
        """Raise NoJobControl, or UnknownJob for an unknown job."""
        known = [info.id for info in self.jobs()]
        if job_id not in known:
            raise UnknownJob(job_id, known)
        raise NoJobControl(job_id)

    pause = resume = run_now


def _info(job: str, runs: Sequence[RunProfile], *, is_running: bool) -> JobInfo:
    last = runs[-1] if runs else None
    return JobInfo(
        id=job,
        state="running" if is_running else "idle",
        description="",
        next_run_at=None,
        last_outcome=last.outcome.value if last else None,
        last_started_at=last.started_at if last else None,
        last_duration_s=round(last.duration_s, 6) if last else None,
        last_error=None,
        runs=len(runs),
        failures=sum(run.outcome is Outcome.FAILED for run in runs),
        coalesced_slots=0,
    )
