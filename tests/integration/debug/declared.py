"""Real answers of the debug routes, held to what is declared of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from aiohttp import web

from profiling.web import PREFIXES
from profiling.web.declarations import Route
from profiling.web.memory_answers import PROBLEM
from profiling.web.shapes import Key, Shape
from profiling.web.table import ROUTES

TYPES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list}
BY_ACCESS_AND_QUERY = {403, 422}
NOT_DECLARED = {500}  # a mistake of ours


@contextmanager
def held_to_declarations(app: web.Application, prefixes: Sequence[str] = PREFIXES) -> Iterator[set[str]]:
    """Fail at the end if an answer was not as declared; yield the keys that were met, as `Run.peak_mb`."""
    routes = {(route.method, prefix + route.path): route for prefix in prefixes for route in ROUTES}
    met: set[str] = set()
    wrong: list[str] = []

    async def hold(request: web.Request, response: web.StreamResponse) -> None:
        resource = request.match_info.route.resource
        route = routes.get(
            ("GET" if request.method == "HEAD" else request.method, resource.canonical if resource else "")
        )
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return
        if response.content_type == "application/problem+json":
            if route and response.status not in {*route.problems, *BY_ACCESS_AND_QUERY, *NOT_DECLARED}:
                wrong.append(f"{route.path}: {response.status} is not declared")
            wrong.extend(differences(orjson.loads(response.body), PROBLEM, met))
        elif response.status == 403 and response.content_type == "text/html":
            return  # the form for the token
        elif route is not None:
            wrong.extend(_of_route(route, response, met))

    app.on_response_prepare.append(hold)
    yield met
    assert wrong == []


def _of_route(route: Route, response: web.Response, met: set[str]) -> list[str]:
    wrong = [] if response.status == route.status else [f"{route.path}: {response.status} in place of {route.status}"]
    if route.answer is None or (response.content_type != "application/json"):
        return wrong
    assert isinstance(response.body, bytes)
    return wrong + differences(orjson.loads(response.body), route.answer, met)


def differences(document: Any, shape: Shape, met: set[str]) -> list[str]:
    """Return what is in the document and not in the shape, or the other way round; note the keys."""
    if not isinstance(document, dict):
        return [f"{shape.name} is no object"]
    unknown = [] if shape.is_open else [f"{shape.name}.{name} is not declared" for name in document.keys() - shape.keys]
    missing = [
        f"{shape.name}.{name} is missing"
        for name, key in shape.keys.items()
        if name not in document and not key.optional
    ]
    wrong = unknown + missing
    for name in document.keys() & shape.keys.keys():
        met.add(f"{shape.name}.{name}")
        wrong += _value(document[name], shape.keys[name], f"{shape.name}.{name}", met)
    return wrong


def _value(value: Any, key: Key, place: str, met: set[str]) -> list[str]:
    if value is None:
        return [] if key.null else [f"{place} is null"]
    if key.of is not None:
        shape = key.of
        return [each for entry in (value if key.is_list else [value]) for each in differences(entry, shape, met)]
    kind = TYPES.get(key.kind["type"], object)
    is_switch = isinstance(value, bool) and kind is not bool
    if is_switch or not isinstance(value, kind):
        return [f"{place} is {value!r}"]
    return [] if value in key.kind.get("enum", [value]) else [f"{place} is none of its words, but {value!r}"]
