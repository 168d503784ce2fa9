"""Recent runs, kept in memory, and the protocol for another store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from profiling.errors import NotEnoughRuns, UnknownJob, UnknownRun
from profiling.records import LineProfile, RunProfile

RUNS_PER_JOB = 50
MAX_BYTES = 16 << 20
RUN_BYTES = 1_500  # estimated size of a run's records without its tables
KEPT_FOR_COMPARISON = 2


class RunStore(Protocol):
    """Keeps finished runs, for reports to read."""

    def add(self, run: RunProfile) -> None:
        """Keep a finished run; older runs may be dropped for it."""

    def jobs(self) -> tuple[str, ...]:
        """Return the names of the jobs with stored runs, sorted."""

    def runs(self, job: str | None = None) -> Sequence[RunProfile]:
        """Return the runs of a job, or of all jobs, oldest first. Raises UnknownJob for a job that has none."""

    def get(self, run_id: int) -> RunProfile:
        """Return one run. Raises UnknownRun if it is not stored."""

    def overhead_bytes(self) -> int:
        """Return the estimated bytes that the store uses in this process."""


class History:
    """The last runs of each job, limited in number per job and in bytes over all jobs.

    If the bytes are used up, the oldest run of any job is dropped. The last two runs of a job, which its diff compares,
    are dropped only if no job has more than two. The last two runs of the job that has just run always stay, so that an
    endless number of job names cannot fill the memory.
    """

    def __init__(self, *, runs_per_job: int = RUNS_PER_JOB, max_bytes: int = MAX_BYTES) -> None:
        self._runs_per_job = runs_per_job
        self._max_bytes = max_bytes
        self._runs: dict[str, list[RunProfile]] = {}
        self._bytes = 0

    def add(self, run: RunProfile) -> None:
        """Keep a finished run."""
        runs = self._runs.setdefault(run.job, [])
        runs.append(run)
        self._bytes += size_of(run)
        if len(runs) > self._runs_per_job:
            self._drop_oldest_of(run.job)
        while self._bytes > self._max_bytes and (job := self._job_that_makes_room(run.job)):
            self._drop_oldest_of(job)

    def forget(self, job: str) -> None:
        """Drop the job's runs."""
        while job in self._runs:
            self._drop_oldest_of(job)

    def knows(self, job: str) -> bool:
        """Return whether the job has runs here."""
        return job in self._runs

    def jobs(self) -> tuple[str, ...]:
        """Return the names of the jobs with runs, sorted."""
        return tuple(sorted(self._runs))

    def runs(self, job: str | None = None) -> Sequence[RunProfile]:
        """Return the runs of a job, or of all jobs, oldest first. Raises UnknownJob for a job that has none."""
        if job is None:
            return sorted(self._all(), key=lambda run: run.id)
        found = self._runs.get(job)  # looked up once: while a report runs in a thread, the job may be dropped
        if found is None:
            raise UnknownJob(job, self._runs)
        return tuple(found)

    def get(self, run_id: int) -> RunProfile:
        """Return one run. Raises UnknownRun if it is not in the history."""
        for run in self._all():
            if run.id == run_id:
                return run
        raise UnknownRun(run_id)

    def _all(self) -> list[RunProfile]:
        """Return all runs in no order. Reads copies, because a run may end in another thread meanwhile."""
        return [run for runs in tuple(self._runs.values()) for run in tuple(runs)]

    def overhead_bytes(self) -> int:
        """Return the estimated size of the tables and records, without the keys that all tables share."""
        return self._bytes

    def _job_that_makes_room(self, added: str) -> str | None:
        """Return the job whose oldest run can be dropped, or None if only the last two runs of `added` are left."""
        spare = [runs[0] for runs in self._runs.values() if len(runs) > KEPT_FOR_COMPARISON]
        others = [runs[0] for job, runs in self._runs.items() if job != added]
        return min(spare or others, key=lambda run: run.id).job if spare or others else None

    def _drop_oldest_of(self, job: str) -> None:
        self._bytes -= size_of(self._runs[job].pop(0))
        if not self._runs[job]:
            del self._runs[job]


def size_of(run: RunProfile) -> int:
    """Return the approximate size of a run in memory."""
    return RUN_BYTES + sum(_lines_bytes(lines) for lines in (run.lines, run.samples) if lines)


def _lines_bytes(lines: LineProfile) -> int:
    peak = lines.precision.peak if lines.precision else None
    return lines.live.overhead_bytes + lines.retained.overhead_bytes + (peak.overhead_bytes if peak else 0)


def pair_to_compare(
    store: RunStore, job: str, run_id: int | None = None, against_id: int | None = None
) -> tuple[RunProfile, RunProfile]:
    """Return the run and the run to compare it with: those asked for, else the latest with lines and its predecessor.

    Raises UnknownJob, UnknownRun (not in the history, or of another job) or NotEnoughRuns.
    """
    runs = store.runs(job)
    with_lines = [run for run in runs if run.best_lines]
    if run_id is None:
        if len(with_lines) < KEPT_FOR_COMPARISON - (against_id is not None):
            raise NotEnoughRuns(job, len(with_lines))
        run = with_lines[-1]
    else:
        run = _run_of(runs, job, run_id)
    if against_id is not None:
        return run, _run_of(runs, job, against_id)
    earlier = [other for other in with_lines if other.id < run.id]
    if not earlier:
        raise NotEnoughRuns(job, len(with_lines), before=run.id)
    return run, earlier[-1]


def _run_of(runs: Sequence[RunProfile], job: str, run_id: int) -> RunProfile:
    for run in runs:
        if run.id == run_id:
            return run
    raise UnknownRun(run_id, job)
