"""The routes that answer in the formats of other tools, and what imports their handlers when they are asked for."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from importlib import import_module

from profiling.errors import MissingExtra
from profiling.profiler import Profiler
from profiling.web.declarations import Route
from profiling.web.messages import TEXT, Problem, Request, Response
from profiling.web.parameters import Choice, Whole
from profiling.web.query import Given
from profiling.web.routes import DebugRoutes

OCTETS = "application/octet-stream"
METRICS = "text/plain"
OPEN_METRICS = "application/openmetrics-text"


async def heap(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with what is alive, for pprof."""
    exports = await asyncio.to_thread(import_module, "profiling.web.exports")
    response: Response = await exports.pprof(owner.profiler, given, name="heap", default="inuse_space")
    return response


async def allocs(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with what was allocated, for pprof."""
    exports = await asyncio.to_thread(import_module, "profiling.web.exports")
    response: Response = await exports.pprof(owner.profiler, given, name="allocs", default="alloc_space")
    return response


async def metrics(owner: DebugRoutes, request: Request, _given: Given) -> Response:
    """Answer a scraper. The package prometheus-client is imported at the first time, in a thread."""
    body, media_type = await asyncio.to_thread(_exposition, owner.profiler, request.accept)
    return Response(body=body, content_type=media_type)


def _exposition(profiler: Profiler, accept: str) -> tuple[bytes, str]:
    try:
        from profiling.metrics.prometheus import exposition
    except ModuleNotFoundError as error:
        missing = MissingExtra("/metrics", (error.name or "").partition(".")[0], "prometheus")
        raise Problem(HTTPStatus.NOT_IMPLEMENTED, str(missing)) from error
    return exposition(profiler, accept)


_PARAMETERS = (
    Whole(name="seconds", description="the change in so many seconds instead", low=1, high=600),
    Choice(name="gc", description="1 collects garbage first; with `seconds` at both ends", choices=("0", "1")),
    Choice(name="debug", description="1 answers with text, for people", choices=("0", "1")),
    Choice(
        name="frames",
        description="where stacks begin: at the innermost line of the user's own code, as in all reports, or in the "
        "library that it has called",
        choices=("user", "all"),
    ),
)
_PROBLEMS = {409: "no samples are taken", 429: "another diff is in progress"}

ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        handler=metrics,
        summary="The figures for Prometheus: memory, what it consists of, who holds and grows, verdicts, runs",
        answer=None,
        forms=(METRICS, OPEN_METRICS),
        problems={501: "the package prometheus-client is not installed"},
        is_for_scrapers=True,
    ),
    Route(
        method="GET",
        path="/pprof/heap",
        handler=heap,
        summary="The live memory by stack, gzipped for `go tool pprof`, with what was allocated so far",
        answer=None,
        parameters=_PARAMETERS,
        problems=_PROBLEMS,
        forms=(OCTETS, TEXT),
    ),
    Route(
        method="GET",
        path="/pprof/allocs",
        handler=allocs,
        summary="The same profile, which shows first what was allocated",
        answer=None,
        parameters=_PARAMETERS,
        problems=_PROBLEMS,
        forms=(OCTETS, TEXT),
    ),
)
