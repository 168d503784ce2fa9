"""All debug routes, each declared once, and what answers for all of them: the index and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import unquote

from profiling.live import LIVE_GROUPS, LIVE_ORDERS
from profiling.web.answers import DIFF, GROUPS, JOB, JOB_VERDICT, JOBS, RUN_WITH_SITES, RUNS
from profiling.web.declarations import Route
from profiling.web.memory_answers import HEALTH, INDEX, MEMORY, TRIMMED
from profiling.web.messages import Request, Response, json_response
from profiling.web.openapi import document_of
from profiling.web.parameters import MAX_ID, Choice, Text, Whole, limit
from profiling.web.query import Given
from profiling.web.routes import DebugRoutes
from profiling.web.scope_answers import LIVE, SCOPE_WITH_SITES, SCOPES

DOCUMENT_PATH = "/openapi.json"


async def index(_owner: DebugRoutes, request: Request, _given: Given) -> Response:
    """Answer with the routes there are, by the prefix that was asked."""
    prefix = unquote(request.prefix)
    routes = [{"method": route.method, "path": prefix + route.path, "summary": route.summary} for route in ROUTES]
    return json_response({"routes": routes})


async def document(_owner: DebugRoutes, request: Request, _given: Given) -> Response:
    """Answer with the OpenAPI document of these routes, below the prefix that was asked."""
    return json_response(document_of(ROUTES, unquote(request.prefix)))


_FORMAT = Choice(name="format", description="the form of the answer", choices=("json", "text"))
_AS = (Choice(name="group_by", description="what a row is of", choices=GROUPS), limit(20), _FORMAT)
_LIVE_AS = (
    Choice(name="group_by", description="what a row is of", choices=LIVE_GROUPS),
    Choice(name="order", description="whether live or allocated bytes decide which come first", choices=LIVE_ORDERS),
    limit(20),
    _FORMAT,
)
_DIFF_OF_JOB = (
    Text(name="job", description="whose latest run with lines is compared; needed without `seconds`", required=True),
    Whole(name="run", description="the run to compare, without `seconds`", low=1, high=MAX_ID),
    Whole(name="against", description="the run to compare it with, without `seconds`", low=1, high=MAX_ID),
    *_AS,
)
_DIFF_OVER = (
    Whole(name="seconds", description="compare now with then instead", low=1, high=600),
    Choice(name="gc", description="with `seconds`: 1 collects garbage at both ends", choices=("0", "1")),
    *_AS,
)

_NO_JOB = {404: "no such job"}
_NO_SAMPLES = {409: "no samples are taken"}
_STEERED: Mapping[int, str] = _NO_JOB | {409: "no scheduler was given to `mount`"}

ROUTES = (
    Route(method="GET", path="/", handler=index, summary="The routes there are", answer=INDEX),
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
        summary="Memory against the limit, and a status; always open",
        answer=HEALTH,
        is_open=True,
    ),
    Route(
        method="GET",
        path="/memory",
        handler=DebugRoutes.memory,
        summary="What the process holds: types, large objects, the collector, and what the RSS is made of",
        answer=MEMORY,
        problems={429: "another walk is under way"},
    ),
    Route(
        method="GET",
        path="/memory/diff",
        handler=DebugRoutes.diff,
        summary="What a job's latest run with lines changed, or what changes in the process from now on",
        answer=DIFF,
        parameters=_DIFF_OF_JOB,
        instead=_DIFF_OVER,
        is_text_too=True,
        problems=_NO_JOB
        | {409: "no two runs to compare", 429: "another one is under way", 503: "the profiler has no budget for it"},
    ),
    Route(
        method="GET",
        path="/memory/live",
        handler=DebugRoutes.live,
        summary="What is alive now, by line, function, file or scope, and what was allocated so far",
        answer=LIVE,
        parameters=(Text(name="scope", description="of this scope or job only"), *_LIVE_AS),
        is_text_too=True,
        problems=_NO_SAMPLES,
    ),
    Route(
        method="GET",
        path="/scopes",
        handler=DebugRoutes.scopes,
        summary="What each scope and job holds, allocates and keeps, the one that grows most first",
        answer=SCOPES,
        parameters=(limit(50), _FORMAT),
        is_text_too=True,
        problems=_NO_SAMPLES,
    ),
    Route(
        method="GET",
        path="/scopes/{scope}",
        handler=DebugRoutes.scope,
        summary="One scope or job, judged now, with the lines that hold most of its memory",
        answer=SCOPE_WITH_SITES,
        parameters=_LIVE_AS,
        is_text_too=True,
        problems=_NO_SAMPLES | {404: "no such scope or job"},
    ),
    Route(
        method="POST",
        path="/memory/trim",
        handler=DebugRoutes.trim,
        summary="Let the C allocator give back what it holds free",
        answer=TRIMMED,
    ),
    Route(
        method="GET",
        path="/memory/runs",
        handler=DebugRoutes.runs,
        summary="The runs in the history, newest first",
        answer=RUNS,
        parameters=(Text(name="job", description="of this job only"), limit(50)),
        problems=_NO_JOB,
    ),
    Route(
        method="GET",
        path="/memory/runs/{run_id}",
        handler=DebugRoutes.run,
        summary="One run, with the lines that kept the most",
        answer=RUN_WITH_SITES,
        parameters=(limit(20),),
        problems={404: "no such run"},
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
        summary="What the job's runs say together",
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
        problems=_NO_JOB | {409: "the job runs, or no scheduler was given to `mount`"},
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/pause",
        handler=DebugRoutes.pause_job,
        summary="Let no slot of the job fire",
        answer=JOB,
        problems=_STEERED,
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/resume",
        handler=DebugRoutes.resume_job,
        summary="Let the job's slots fire again",
        answer=JOB,
        problems=_STEERED,
    ),
)
