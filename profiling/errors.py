"""Every exception that the profiler raises on purpose.

    ProfilingError
    ├── UnknownJob
    ├── UnknownRun
    ├── NotEnoughRuns
    ├── NotComparable
    ├── JobBusy
    ├── NoJobControl
    ├── WalkInProgress
    ├── DiffInProgress
    ├── IntervalBroken
    ├── OverBudget
    ├── ChildFailed
    ├── SamplerUnavailable
    ├── CannotCheck
    │   └── TargetFailed
    └── MissingExtra

A leaf: it imports nothing of this project.
"""

from __future__ import annotations

from collections.abc import Iterable


class ProfilingError(Exception):
    """Base of all errors below, for a caller that wants them all."""


class UnknownJob(ProfilingError):
    """Raised for a job without a profiled run, or unknown to the scheduler; the message lists those there are."""

    def __init__(self, job: str, known: Iterable[str]) -> None:
        self.job = job
        self.known = tuple(sorted(known))
        super().__init__(f"no job {job!r}; there are: {', '.join(self.known) or 'none yet'}")


class UnknownScope(UnknownJob):
    """Raised for a name that is neither a scope's nor a job's; the message lists those there are."""

    def __init__(self, scope: str, known: Iterable[str]) -> None:
        super().__init__(scope, known)
        self.args = (f"no scope or job {scope!r}; there are: {', '.join(self.known) or 'none yet'}",)


class UnknownRun(ProfilingError):
    """Raised for a run id that is not in the history: it never was, or newer runs have taken its place."""

    def __init__(self, run_id: int, job: str | None = None) -> None:
        of_job = f" of job {job!r}" if job is not None else ""
        super().__init__(f"no run {run_id}{of_job} in the history; old runs make room for new ones")
        self.run_id = run_id


class NotEnoughRuns(ProfilingError):
    """Raised by a comparison while a job has fewer than two runs with lines, or none before the run asked for."""

    def __init__(self, job: str, profiled: int, before: int | None = None) -> None:
        super().__init__(
            f"job {job!r} has {profiled} profiled run(s) with lines, a comparison needs 2; "
            "wait for its next run or start one now"
            if before is None
            else f"job {job!r} has no profiled run with lines before run {before}; name a later one to compare with"
        )
        self.job = job
        self.profiled = profiled


class NotComparable(ProfilingError):
    """Raised for two runs whose tables do not count the same memory."""

    def __init__(self, run_id: int, against_id: int, reason: str) -> None:
        super().__init__(f"run {run_id} cannot be compared with run {against_id}: {reason}")


class JobBusy(ProfilingError):
    """Raised by whoever controls jobs when one that runs is told to run now."""

    def __init__(self, job: str) -> None:
        super().__init__(f"job {job!r} is running; wait for its end")
        self.job = job


class NoJobControl(ProfilingError):
    """Raised when a job is told to run or to pause and nobody has said who runs it."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"job {job!r} is profiled, and started by the application itself; "
            "give mount(..., jobs=...) its scheduler to start and pause jobs here"
        )
        self.job = job


class WalkInProgress(ProfilingError):
    """Raised for a second walk over all objects while one is under way: each costs time and memory."""

    def __init__(self) -> None:
        super().__init__("another walk over the heap is under way; try again when it has ended")


class DiffInProgress(ProfilingError):
    """Raised for a second look at what changes over some seconds while one is under way: each keeps a table."""

    def __init__(self) -> None:
        super().__init__("another diff over some seconds is under way; try again when it has ended")


class IntervalBroken(ProfilingError):
    """Raised for a look at what changes over some seconds when tracing or sampling was stopped meanwhile."""

    def __init__(self) -> None:
        super().__init__("tracing or sampling was stopped in between, and what it had seen is gone; ask again")


class OverBudget(ProfilingError):
    """Raised if a measurement would take more memory than it may."""

    def __init__(self, what: str, needed_mb: float, allowed_mb: float, why: str) -> None:
        super().__init__(f"{what} would take {needed_mb:.0f} MB, more than {allowed_mb:.0f} MB, which is {why}")


class ChildFailed(ProfilingError):
    """Raised when the forked child that should read something gave no answer in time, or died."""

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(f"the child process for {what} {cause}")


class SamplerUnavailable(ProfilingError):
    """Raised if samples are asked for and cannot be taken; the message says why."""

    def __init__(self, why: str | None) -> None:
        super().__init__(why or "samples are not available")


class CannotCheck(ProfilingError):
    """Raised by a check for a function that is not there, or that cannot be run; the message says why."""


class TargetFailed(CannotCheck):
    """Raised by a check if the user's function fails, or the user's file when it is imported."""

    def __init__(self, what: str, why: str, users_traceback: str) -> None:
        super().__init__(f"{what}: {why}")
        self.users_traceback = users_traceback  # from the user's first frame on; empty if there is none


class MissingExtra(ProfilingError, ImportError):
    """Raised when a part of the profiler is imported and the packages of its extra are not installed."""

    def __init__(self, part: str, package: str, extra: str) -> None:
        super().__init__(
            f"{part} needs the package {package}, which is not installed; "
            f"install it with: pip install 'volaris[{extra}]'"
        )


class CannotLaunch(ProfilingError):
    """Raised if a program that is to be run under the profiler is not there; the message says so."""
