"""Maps the profiler's errors to HTTP answers, in one place."""

from __future__ import annotations

from http import HTTPStatus

from profiling.errors import (
    DiffInProgress,
    IntervalBroken,
    JobBusy,
    NoJobControl,
    NotComparable,
    NotEnoughRuns,
    OverBudget,
    ProfilingError,
    SamplerUnavailable,
    UnknownJob,
    UnknownRun,
    WalkInProgress,
)
from profiling.web.messages import Problem

STATUS_OF: dict[type[ProfilingError], HTTPStatus] = {
    UnknownJob: HTTPStatus.NOT_FOUND,
    UnknownRun: HTTPStatus.NOT_FOUND,
    NotEnoughRuns: HTTPStatus.CONFLICT,
    NotComparable: HTTPStatus.CONFLICT,
    JobBusy: HTTPStatus.CONFLICT,
    NoJobControl: HTTPStatus.CONFLICT,
    WalkInProgress: HTTPStatus.TOO_MANY_REQUESTS,
    DiffInProgress: HTTPStatus.TOO_MANY_REQUESTS,
    IntervalBroken: HTTPStatus.CONFLICT,
    SamplerUnavailable: HTTPStatus.CONFLICT,
    OverBudget: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem_of(error: Exception) -> Problem | None:
    """Return an error that the caller can correct, or wait for, as a Problem; return None for any other error."""
    if isinstance(error, Problem):
        return error
    status = next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), None)
    if status is None:
        return None
    extra = {"known": list(error.known)} if isinstance(error, UnknownJob) else None
    headers = {"Retry-After": "5"} if isinstance(error, (WalkInProgress, DiffInProgress)) else None
    return Problem(status, str(error), extra=extra, headers=headers)
