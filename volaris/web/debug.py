"""The debug routes in the OpenAPI document. `profiling.web` serves them and knows nothing of such documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from volaris.web.debug_schemas import (
    GROUPS,
    DiffSchema,
    HealthSchema,
    IndexSchema,
    JobSchema,
    JobsSchema,
    JobVerdictSchema,
    MemorySchema,
    RunsSchema,
    RunWithSitesSchema,
    TrimmedSchema,
)
from volaris.web.schemas import ProblemSchema

PREFIX = "/api/v1/debug"  # the same routes are below /debug
SECURITY = {"debug_token": {"type": "apiKey", "in": "header", "name": "Authorization"}}

# A GET is open outside production, which is what the empty alternative says; a POST never is.
_OPEN_OUTSIDE_PRODUCTION: list[dict[str, list[str]]] = [{"debug_token": []}, {}]
_GUARDED: list[dict[str, list[str]]] = [{"debug_token": []}]

_JSON = ["application/json", "application/problem+json"]
_REFUSED = {403: "the header `Authorization: Bearer <DEBUG_TOKEN>` is missing or wrong"}
_BAD_QUERY = {422: "a query parameter does not fit"}
_NO_JOB = {404: "no such job"}
_MAX_ROWS = 1_000

_Parameter = Mapping[str, Any]

_JOB: _Parameter = {"in": "path", "name": "job_id", "required": True, "type": "string", "x-example": "prices_1m"}
_RUN: _Parameter = {
    "in": "path",
    "name": "run_id",
    "required": True,
    "type": "integer",
    "minimum": 1,
    "maximum": 2**53,
    "x-example": 1,
}


def _query(name: str, kind: str, description: str, **more: Any) -> _Parameter:
    return {"in": "query", "name": name, "required": False, "type": kind, "description": description} | more


def _limit(default: int) -> _Parameter:
    bounds = {"minimum": 1, "maximum": _MAX_ROWS, "default": default, "x-example": 5}
    return _query("limit", "integer", "how many rows at most", **bounds)


_RUN_OF_JOB = {"minimum": 1, "maximum": 2**53}
_OF_DIFF = (
    _query("job", "string", "whose latest run with lines is compared; needed without `seconds`"),
    _query("run", "integer", "the run to compare, without `seconds`", **_RUN_OF_JOB),
    _query("against", "integer", "the run to compare it with, without `seconds`", **_RUN_OF_JOB),
    _query("seconds", "integer", "compare now with then instead", minimum=1, maximum=600),
    _query("gc", "string", "with `seconds`: 1 collects garbage at both ends", enum=["0", "1"], default="0"),
    _query("group_by", "string", "what a row is of", enum=list(GROUPS), default=GROUPS[0]),
    _limit(20),
    _query("format", "string", "the form of the answer", enum=["json", "text"], default="json"),
)


def _route(
    summary: str,
    answer: type[Schema],
    problems: Mapping[int, str],
    *,
    parameters: Sequence[_Parameter] = (),
    security: Sequence[Mapping[str, Any]] = _OPEN_OUTSIDE_PRODUCTION,
    status: int = HTTPStatus.OK,
    produces: Sequence[str] = _JSON,
) -> dict[str, Any]:
    answers = {str(int(status)): {"description": summary, "schema": answer}}
    refused = _REFUSED if security else {}
    for code, when in sorted({**refused, **problems}.items()):
        answers[str(code)] = {"description": when, "schema": ProblemSchema}
    return {
        "summary": summary,
        "produces": list(produces),
        "parameters": [dict(parameter) for parameter in parameters],
        "responses": answers,
        "security": list(security),
    }


def _steering(summary: str, problems: Mapping[int, str] = _NO_JOB, status: int = HTTPStatus.OK) -> dict[str, Any]:
    return {
        "post": _route(
            summary, JobSchema, {**problems, **_BAD_QUERY}, parameters=[_JOB], security=_GUARDED, status=status
        )
    }


def _routes() -> dict[str, dict[str, Any]]:
    """Operations by path, relative to the prefix."""
    busy = {409: "no two runs to compare", 429: "another one is under way", 503: "the profiler has no budget for it"}
    of_runs = [_query("job", "string", "of this job only"), _limit(50)]
    diff = _route(
        "What a job's latest run with lines changed, or what changes from now on",
        DiffSchema,
        _NO_JOB | busy | _BAD_QUERY,
        parameters=_OF_DIFF,
        produces=[*_JSON, "text/plain"],
    )
    trim = _route("Let the C allocator give back what it holds free", TrimmedSchema, _BAD_QUERY, security=_GUARDED)
    runs = _route("The runs in the history, newest first", RunsSchema, _NO_JOB | _BAD_QUERY, parameters=of_runs)
    run = _route(
        "One run, with the lines that kept the most",
        RunWithSitesSchema,
        {404: "no such run"} | _BAD_QUERY,
        parameters=[_RUN, _limit(20)],
    )
    verdict = _route("What the job's runs say together", JobVerdictSchema, _NO_JOB | _BAD_QUERY, parameters=[_JOB])
    walk = {429: "another walk is under way"} | _BAD_QUERY
    return {
        "/": {"get": _route("The routes there are", IndexSchema, _BAD_QUERY)},
        "/health": {"get": _route("Memory against the limit", HealthSchema, {}, security=())},
        "/memory": {"get": _route("What the process holds", MemorySchema, walk)},
        "/memory/diff": {"get": diff},
        "/memory/trim": {"post": trim},
        "/memory/runs": {"get": runs},
        "/memory/runs/{run_id}": {"get": run},
        "/jobs": {"get": _route("Each job's state, next run, last run and verdict", JobsSchema, _BAD_QUERY)},
        "/jobs/{job_id}/verdict": {"get": verdict},
        "/jobs/{job_id}/run": _steering("Start a run now", _NO_JOB | {409: "it runs"}, HTTPStatus.ACCEPTED),
        "/jobs/{job_id}/pause": _steering("Let no slot of the job fire"),
        "/jobs/{job_id}/resume": _steering("Let the job's slots fire again"),
    }


def debug_document() -> dict[str, Any]:
    """The paths of the debug routes and the definitions that they name, as OpenAPI 2.0."""
    spec = APISpec(title="", version="", openapi_version="2.0", plugins=[MarshmallowPlugin()])
    for path, operations in _routes().items():
        spec.path(path=PREFIX + path, operations=operations)
    document: dict[str, Any] = spec.to_dict()
    return {"paths": document["paths"], "definitions": document["definitions"]}
