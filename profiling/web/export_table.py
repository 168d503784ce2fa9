"""The routes that answer in the formats of other tools, and what imports their handlers when they are asked for."""

from __future__ import annotations

from profiling.web.declarations import Route
from profiling.web.messages import TEXT, Request, Response
from profiling.web.parameters import Choice, Whole
from profiling.web.query import Given
from profiling.web.routes import DebugRoutes

OCTETS = "application/octet-stream"


async def heap(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with what is alive, for pprof."""
    from profiling.web import exports

    return await exports.pprof(owner.profiler, given, name="heap", default="inuse_space")


async def allocs(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with what was allocated, for pprof."""
    from profiling.web import exports

    return await exports.pprof(owner.profiler, given, name="allocs", default="alloc_space")


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
