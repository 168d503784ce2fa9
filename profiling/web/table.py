"""All debug routes, each declared once, with the handlers that describe them: the index and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from profiling.web.answers import DIFF, GROUPS, JOB, JOB_VERDICT, JOBS, RUN_WITH_SITES, RUNS
from profiling.web.declarations import Route
from profiling.web.memory_answers import HEALTH, INDEX, MEMORY, TRIMMED
from profiling.web.openapi import document_of
from profiling.web.parameters import MAX_ID, Choice, Text, Whole, limit
from profiling.web.query import Given, given
from profiling.web.routes import DebugRoutes, answer

DOCUMENT_PATH = "/openapi.json"


async def index(_owner: DebugRoutes, request: web.Request, _given: Given) -> web.Response:
    """Answer with the routes, under the prefix of the request."""
    prefix = request.path.rstrip("/")
    routes = [{"method": route.method, "path": prefix + route.path, "summary": route.summary} for route in ROUTES]
    return answer({"routes": routes})


async def document(_owner: DebugRoutes, request: web.Request, _given: Given) -> web.Response:
    """Answer with the OpenAPI document of these routes, under the prefix of the request."""
    return answer(document_of(ROUTES, request.path.removesuffix(DOCUMENT_PATH)))


def table(owner: DebugRoutes) -> list[web.RouteDef]:
    """Return all routes, relative to the path where the application is mounted; the index also without its slash."""
    routes = [web.route(route.method, route.path, _handler(route, owner)) for route in ROUTES]
    return [web.get("", _handler(ROUTES[0], owner)), *routes]


def _handler(route: Route, owner: DebugRoutes) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await route.handler(owner, request, given(route, request))

    return handle


_AS = (
    Choice(name="group_by", description="what a row is of", choices=GROUPS),
    limit(20),
    Choice(name="format", description="the form of the answer", choices=("json", "text")),
)
_DIFF_OF_JOB = (
    Text(name="job", description="the job whose latest runs are compared; needed without `seconds`", required=True),
    Whole(name="run", description="the run to compare, without `seconds`", low=1, high=MAX_ID),
    Whole(name="against", description="the run to compare it with, without `seconds`", low=1, high=MAX_ID),
    *_AS,
)
_DIFF_OVER = (
    Whole(name="seconds", description="compare the process now and after so many seconds instead", low=1, high=600),
    Choice(name="gc", description="with `seconds`: 1 collects garbage at both ends", choices=("0", "1")),
    *_AS,
)

_NO_JOB = {404: "there is no such job"}
_STEERED: Mapping[int, str] = _NO_JOB | {409: "no scheduler was passed to `mount`"}

ROUTES = (
    Route(method="GET", path="/", handler=index, summary="All debug routes", answer=INDEX),
    Route(
        method="GET",
        path=DOCUMENT_PATH,
        handler=document,
        summary="The OpenAPI document of these routes, with every key of every answer",
        answer=None,
    ),
    Route(
        method="GET",
        path="/health",
        handler=DebugRoutes.health,
        summary="The memory with its limit, and a status; always open",
        answer=HEALTH,
        is_open=True,
    ),
    Route(
        method="GET",
        path="/memory",
        handler=DebugRoutes.memory,
        summary="What the process holds: types, large objects, the collector, and what the RSS consists of",
        answer=MEMORY,
        problems={429: "another walk is in progress"},
    ),
    Route(
        method="GET",
        path="/memory/diff",
        handler=DebugRoutes.diff,
        summary="What a job's latest run with lines changed, or what changes in the process over some seconds",
        answer=DIFF,
        parameters=_DIFF_OF_JOB,
        instead=_DIFF_OVER,
        is_text_too=True,
        problems=_NO_JOB
        | {409: "there are no two runs to compare", 429: "another diff is in progress", 503: "the budget is too small"},
    ),
    Route(
        method="POST",
        path="/memory/trim",
        handler=DebugRoutes.trim,
        summary="Make the C allocator give free memory back to the kernel",
        answer=TRIMMED,
    ),
    Route(
        method="GET",
        path="/memory/runs",
        handler=DebugRoutes.runs,
        summary="The runs in the history, newest first",
        answer=RUNS,
        parameters=(Text(name="job", description="only runs of this job"), limit(50)),
        problems=_NO_JOB,
    ),
    Route(
        method="GET",
        path="/memory/runs/{run_id}",
        handler=DebugRoutes.run,
        summary="One run, with the lines that kept the most in it",
        answer=RUN_WITH_SITES,
        parameters=(limit(20),),
        problems={404: "there is no such run"},
    ),
    Route(
        method="GET",
        path="/jobs",
        handler=DebugRoutes.list_jobs,
        summary="Each job's state, next run, last run and verdict",
        answer=JOBS,
    ),
    Route(
        method="GET",
        path="/jobs/{job_id}/verdict",
        handler=DebugRoutes.verdict,
        summary="The verdict on a job, from all its runs",
        answer=JOB_VERDICT,
        problems=_NO_JOB,
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/run",
        handler=DebugRoutes.run_job,
        summary="Start a run now",
        answer=JOB,
        status=HTTPStatus.ACCEPTED,
        problems=_NO_JOB | {409: "the job is running, or no scheduler was passed to `mount`"},
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/pause",
        handler=DebugRoutes.pause_job,
        summary="Stop firing the job's slots",
        answer=JOB,
        problems=_STEERED,
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/resume",
        handler=DebugRoutes.resume_job,
        summary="Fire the job's slots again",
        answer=JOB,
        problems=_STEERED,
    ),
)
