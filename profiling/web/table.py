"""All debug routes, each declared once, with the handlers that describe them: the index and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import unquote

from profiling.live import LIVE_GROUPS, LIVE_ORDERS
from profiling.records.timeline import Span
from profiling.web import export_table
from profiling.web.accept import HTML, prefers_html
from profiling.web.answers import DIFF, GROUPS, JOB, JOB_VERDICT, JOBS, RUN_WITH_SITES, RUNS
from profiling.web.declarations import Route
from profiling.web.memory_answers import HEALTH, INDEX, MEMORY, TRIMMED
from profiling.web.messages import JSON, PLAIN, Request, Response, json_response
from profiling.web.openapi import document_of
from profiling.web.page_table import PAGE_ROUTES
from profiling.web.parameters import MAX_ID, Choice, Text, Whole, limit
from profiling.web.query import Given
from profiling.web.routes import DebugRoutes
from profiling.web.scope_answers import LIVE, SCOPE_WITH_SITES, SCOPES
from profiling.web.timeline_answers import TIMELINE

DOCUMENT_PATH = "/openapi.json"


async def index(owner: DebugRoutes, request: Request, _given: Given) -> Response:
    """Answer with the page for browsers, and for other clients with the routes, under the prefix of the request."""
    if prefers_html(request.accept):
        return await (await owner.page()).show(request)
    prefix = unquote(request.prefix)
    routes = [{"method": route.method, "path": prefix + route.path, "summary": route.summary} for route in ROUTES]
    return json_response({"routes": routes})


async def document(_owner: DebugRoutes, request: Request, _given: Given) -> Response:
    """Answer with the OpenAPI document of these routes, under the prefix of the request."""
    return json_response(document_of(ROUTES, unquote(request.prefix)))


_FORMAT = Choice(name="format", description="the form of the answer", choices=("json", "text"))
_AS = (Choice(name="group_by", description="what a row is of", choices=GROUPS), limit(20), _FORMAT)
_LIVE_AS = (
    Choice(name="group_by", description="what a row is of", choices=LIVE_GROUPS),
    Choice(name="order", description="which bytes decide the order of the rows", choices=LIVE_ORDERS),
    limit(20),
    _FORMAT,
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
_NO_SAMPLES = {409: "no samples are taken"}
_STEERED: Mapping[int, str] = _NO_JOB | {409: "no scheduler was passed to `mount`"}

ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=index,
        summary="All debug routes; for a browser a page that shows the state of the process",
        answer=INDEX,
        forms=(JSON, HTML),
    ),
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
        forms=(JSON, PLAIN),
        problems=_NO_JOB
        | {409: "there are no two runs to compare", 429: "another diff is in progress", 503: "the budget is too small"},
    ),
    Route(
        method="GET",
        path="/memory/live",
        handler=DebugRoutes.live,
        summary="The memory alive now, by line, function, file or scope, and what was allocated so far",
        answer=LIVE,
        parameters=(Text(name="scope", description="only the memory of this scope or job"), *_LIVE_AS),
        forms=(JSON, PLAIN),
        problems=_NO_SAMPLES | {404: "there is no such scope or job"},
    ),
    Route(
        method="GET",
        path="/timeline",
        handler=DebugRoutes.timeline,
        summary="The memory of the last minutes, hours or days, what it consisted of, and events",
        answer=TIMELINE,
        parameters=(Choice(name="span", description="how far to go back", choices=tuple(Span)),),
    ),
    Route(
        method="GET",
        path="/scopes",
        handler=DebugRoutes.scopes,
        summary="What each scope and job holds, allocates and keeps, the fastest growing one first",
        answer=SCOPES,
        parameters=(limit(50), _FORMAT),
        forms=(JSON, PLAIN),
        problems=_NO_SAMPLES,
    ),
    Route(
        method="GET",
        path="/scopes/{scope}",
        handler=DebugRoutes.scope,
        summary="One scope or job, its verdict, and the lines that hold most of its memory",
        answer=SCOPE_WITH_SITES,
        parameters=_LIVE_AS,
        forms=(JSON, PLAIN),
        problems=_NO_SAMPLES | {404: "there is no such scope or job"},
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
    *PAGE_ROUTES,
    *export_table.ROUTES,
)
