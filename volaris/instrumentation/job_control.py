"""Adapts the scheduler to the job control of the profiler's debug routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from profiling.errors import JobBusy
from profiling.errors import UnknownJob as NoSuchJob
from profiling.web import JobInfo
from volaris.errors import JobAlreadyRunning, UnknownJob
from volaris.scheduler import JobStatus, Scheduler


class SchedulerControl:
    """Implements profiling.web.JobControl over a scheduler."""

    def __init__(self, scheduler: Scheduler, *, enabled: bool) -> None:
        self._scheduler = scheduler
        self._enabled = enabled

    @property
    def enabled(self) -> bool:
        """Return whether slots fire by themselves, according to the settings."""
        return self._enabled

    def jobs(self) -> Sequence[JobInfo]:
        """Return all jobs."""
        return [_info(status) for status in self._scheduler.statistics().jobs]

    def run_now(self, job_id: str) -> None:
        """Start a run; the scheduler reports its end."""
        with _errors():
            self._scheduler.run_now(job_id)

    def pause(self, job_id: str) -> None:
        """Stop firing the job's slots."""
        with _errors():
            self._scheduler.pause(job_id)

    def resume(self, job_id: str) -> None:
        """Fire the job's slots again."""
        with _errors():
            self._scheduler.resume(job_id)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except UnknownJob as error:
        raise NoSuchJob(error.job_id, error.known) from error
    except JobAlreadyRunning as error:
        raise JobBusy(error.job_id) from error


def _info(status: JobStatus) -> JobInfo:
    last = status.last_run
    return JobInfo(
        id=status.id,
        state=status.state.value,
        description=status.description,
        next_run_at=status.next_run_at,
        last_outcome=last.outcome.value if last else None,
        last_started_at=last.started_at if last else None,
        last_duration_s=round(last.duration_s, 6) if last else None,
        last_error=last.error_text if last else None,
        runs=status.runs,
        failures=status.failures,
        coalesced_slots=status.coalesced_slots,
    )
