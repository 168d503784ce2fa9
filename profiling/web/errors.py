"""Maps the profiler's errors to HTTP answers, in one place."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

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
from profiling.web.problems import Problem

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


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors that the caller can correct, or wait for, into a Problem; any other error becomes a 500."""
    try:
        return await handler(request)
    except tuple(STATUS_OF) as error:
        extra = {"known": list(error.known)} if isinstance(error, UnknownJob) else None
        headers = {"Retry-After": "5"} if isinstance(error, (WalkInProgress, DiffInProgress)) else None
        status = next(status for kind, status in STATUS_OF.items() if isinstance(error, kind))
        raise Problem(status, str(error), extra=extra, headers=headers) from error
