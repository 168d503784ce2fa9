"""Two histories as one: the runs of jobs, and the windows of scopes and of what is allocated outside jobs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from profiling.errors import UnknownJob
from profiling.history import RunStore
from profiling.judging import Terms
from profiling.records import RunProfile
from profiling.windows import PATIENCE, REMEMBERED, Windows


class Histories:
    """Finds the runs of a job or the windows of a scope, and how to judge them.

    Args:
        runs: The history of jobs.
        windows: What has the history of scopes; None if nothing is watched.
    """

    def __init__(self, runs: RunStore, windows: Windows | None) -> None:
        self._runs = runs
        self._windows = windows

    def jobs(self) -> tuple[str, ...]:
        """Return the names of all jobs with runs and of all scopes with windows."""
        return self._runs.jobs() + (self._windows.history.jobs() if self._windows else ())

    def add_run(self, run: RunProfile) -> None:
        """Keep a run of a job."""
        self._runs.add(run)

    def of(self, job: str) -> RunStore:
        """Return the history that has the job or scope; that of jobs if none has it."""
        windows = self._windows_of(job)
        return windows.history if windows else self._runs

    def runs(self, job: str) -> Sequence[RunProfile]:
        """Return the last runs of a job, or the last windows of a scope, oldest first. Raises UnknownJob."""
        return self.of(job).runs(job)

    def by_job(self) -> Sequence[Sequence[RunProfile]]:
        """Return the runs of each job and the windows of each scope, without those that are dropped meanwhile."""
        found = []
        for job in self.jobs():
            with suppress(UnknownJob):
                found.append(self.runs(job))
        return found

    def terms(self, job: str) -> Terms | None:
        """Return how to judge the windows of a scope, or of what is outside jobs; None for a job."""
        windows = self._windows_of(job)
        return Terms(windows.unit, PATIENCE, REMEMBERED) if windows else None

    def overhead_bytes(self) -> int:
        """Return the estimated size of both."""
        return self._runs.overhead_bytes() + (self._windows.history.overhead_bytes() if self._windows else 0)

    def _windows_of(self, job: str) -> Windows | None:
        return self._windows if self._windows and self._windows.history.knows(job) else None
