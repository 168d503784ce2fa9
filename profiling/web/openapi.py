"""The declarations as OpenAPI 2.0, the version that Swagger UI, schemathesis and aiohttp-apispec can all read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from profiling.web.declarations import Route
from profiling.web.memory_answers import PROBLEM
from profiling.web.messages import JSON, PROBLEM_JSON
from profiling.web.parameters import Parameter, Text
from profiling.web.shapes import Shape

SECURITY = {"debug_token": {"type": "apiKey", "in": "header", "name": "Authorization"}}

# The empty alternative means that reading may be open if the application allows it; a change never is.
_FOR_LOOKING: list[dict[str, list[str]]] = [{"debug_token": []}, {}]
_FOR_CHANGES: list[dict[str, list[str]]] = [{"debug_token": []}]
_REFUSED = {
    403: "the header `Authorization: Bearer <token>` is missing or wrong",
    422: "a parameter is wrong",
}


def document_of(routes: Iterable[Route], prefix: str) -> dict[str, Any]:
    """Return the document of these routes only, mounted under the prefix."""
    return {
        "swagger": "2.0",
        "info": {"title": "Debug routes of profiling", "version": "1"},
        "basePath": prefix or "/",
        "securityDefinitions": SECURITY,
        **parts_of(routes, ""),
    }


def parts_of(routes: Iterable[Route], prefix: str) -> dict[str, Any]:
    """Return the paths under the prefix, and the definitions that they use, for a document with other routes too."""
    paths: dict[str, dict[str, Any]] = {}
    shapes = PROBLEM.within()
    for route in routes:
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route)
        shapes |= route.answer.within() if route.answer else {}
    return {"paths": paths, "definitions": {name: shapes[name].schema() for name in sorted(shapes)}}


def _operation(route: Route) -> dict[str, Any]:
    problems = {} if route.is_open else _REFUSED | dict(route.problems)
    responses = {str(int(route.status)): _response(route.summary, route.answer, form=route.forms[0])}
    responses |= {str(status): _response(problems[status], PROBLEM) for status in sorted(problems)}
    return {
        "summary": route.summary,
        "produces": [*route.forms, PROBLEM_JSON],
        "parameters": _parameters(route),
        "responses": responses,
        "security": [] if route.is_open else _FOR_CHANGES if route.changes else _FOR_LOOKING,
    }


def _response(description: str, shape: Shape | None, form: str = JSON) -> dict[str, Any]:
    other = {"type": "object"} if form == JSON else dict[str, str]()
    return {"description": description, "schema": {"$ref": f"#/definitions/{shape.name}"} if shape else other}


def _parameters(route: Route) -> list[dict[str, Any]]:
    query = {parameter.name: parameter for parameter in (*route.parameters, *route.instead)}
    return [
        *(_parameter(place, "path", required=True) for place in route.places),
        *(_parameter(each, "query", required=_is_required(each, route)) for each in query.values()),
    ]


def _is_required(parameter: Parameter, route: Route) -> bool:
    """Return whether no request does without the parameter; OpenAPI 2.0 has no words for a route with two forms."""
    return isinstance(parameter, Text) and parameter.required and not route.instead


def _parameter(parameter: Parameter, place: str, *, required: bool) -> dict[str, Any]:
    told = {"in": place, "name": parameter.name, "description": parameter.description, "required": required}
    return told | dict(parameter.schema())
