"""Every exception that the profiler raises on purpose.

    ProfilingError
    ├── UnknownJob
    │   └── UnknownScope
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
    ├── CannotExport
    ├── NoAnswer
    ├── CannotLaunch
    └── MissingExtra

A leaf: it imports nothing of this project.
"""

from __future__ import annotations

from collections.abc import Iterable


class ProfilingError(Exception):
    """Base class of all errors below; catch it to catch them all."""


class UnknownJob(ProfilingError):
    """Raised for a job without a profiled run, or that the scheduler does not know; the message lists known jobs."""

    def __init__(self, job: str, known: Iterable[str]) -> None:
        self.job = job
        self.known = tuple(sorted(known))
        names = f"the known jobs are: {', '.join(self.known)}" if self.known else "no job is known yet"
        super().__init__(f"there is no job {job!r}; {names}")


class UnknownScope(UnknownJob):
    """Raised for a name that no scope and no job has; the message lists the known names."""

    def __init__(self, scope: str, known: Iterable[str]) -> None:
        super().__init__(scope, known)
        names = f"the known ones are: {', '.join(self.known)}" if self.known else "none is known yet"
        self.args = (f"there is no scope or job {scope!r}; {names}",)


class UnknownRun(ProfilingError):
    """Raised for a run id that is not in the history: it never existed, or newer runs have replaced it."""

    def __init__(self, run_id: int, job: str | None = None) -> None:
        of_job = f" of job {job!r}" if job is not None else ""
        super().__init__(f"there is no run {run_id}{of_job} in the history; newer runs may have replaced it")
        self.run_id = run_id


class NotEnoughRuns(ProfilingError):
    """Raised by a comparison if a job has fewer than two runs with lines, or none before the run that was asked for."""

    def __init__(self, job: str, profiled: int, before: int | None = None) -> None:
        runs = "1 profiled run" if profiled == 1 else f"{profiled} profiled runs"
        super().__init__(
            f"job {job!r} has {runs} with lines, but a comparison needs 2; wait for its next run, or start one now"
            if before is None
            else f"job {job!r} has no profiled run with lines before run {before}; compare a later run"
        )
        self.job = job
        self.profiled = profiled


class NotComparable(ProfilingError):
    """Raised for two runs that cannot be compared, because their tables count different memory."""

    def __init__(self, run_id: int, against_id: int, reason: str) -> None:
        super().__init__(f"run {run_id} cannot be compared with run {against_id}: {reason}")


class JobBusy(ProfilingError):
    """Raised by the job control when a job is started that is already running."""

    def __init__(self, job: str) -> None:
        super().__init__(f"job {job!r} is already running; try again when it has ended")
        self.job = job


class NoJobControl(ProfilingError):
    """Raised when a job is to be started or paused and no job control was given to `mount`."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"job {job!r} cannot be started or paused here, because the application starts it itself; "
            "pass its scheduler as mount(..., jobs=...)"
        )
        self.job = job


class WalkInProgress(ProfilingError):
    """Raised for a second walk over all objects while one is in progress, because each takes time and memory."""

    def __init__(self) -> None:
        super().__init__("another walk over the heap is in progress; try again when it has ended")


class DiffInProgress(ProfilingError):
    """Raised for a second diff over some seconds while one is in progress, because each keeps a table."""

    def __init__(self) -> None:
        super().__init__("another diff over some seconds is in progress; try again when it has ended")


class IntervalBroken(ProfilingError):
    """Raised for a diff over some seconds if tracing or sampling was stopped in the meantime."""

    def __init__(self) -> None:
        super().__init__("tracing or sampling was stopped during the interval, which discarded its data; try again")


class OverBudget(ProfilingError):
    """Raised if a measurement would take more memory than is allowed."""

    def __init__(self, what: str, needed_mb: float, allowed_mb: float, why: str) -> None:
        super().__init__(f"{what} would take {needed_mb:.0f} MB, but {why} is {allowed_mb:.0f} MB")


class ChildFailed(ProfilingError):
    """Raised if the forked child for a measurement died or did not answer in time."""

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(f"the child process for {what} {cause}")


class SamplerUnavailable(ProfilingError):
    """Raised if samples are asked for but cannot be taken; the message says why."""

    def __init__(self, why: str | None) -> None:
        super().__init__(why or "samples are not available")


class CannotCheck(ProfilingError):
    """Raised by a check if a function does not exist or cannot be run; the message says why."""


class TargetFailed(CannotCheck):
    """Raised by a check if the user's function fails, or if the import of the user's file fails."""

    def __init__(self, what: str, why: str, users_traceback: str) -> None:
        super().__init__(f"{what}: {why}")
        # from the user's first frame on; empty if no frame is in the user's code
        self.users_traceback = users_traceback


class MissingExtra(ProfilingError, ImportError):
    """Raised when a part of the profiler is imported whose optional packages are not installed."""

    def __init__(self, part: str, package: str, extra: str) -> None:
        super().__init__(
            f"{part} needs the package {package}, which is not installed; "
            f"install it with: pip install 'volaris[{extra}]'"
        )


class CannotExport(ProfilingError):
    """Raised if there is nothing to export, or no place to write to; the message says why."""


class NoAnswer(ProfilingError):
    """Raised if a service cannot be reached, or refuses a request; the message says why."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status  # of the answer; None if there is none


class CannotLaunch(ProfilingError):
    """Raised if `profiling run` cannot start: there is no such program, or the address cannot be used."""
