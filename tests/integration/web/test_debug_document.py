"""The profiler's routes in the OpenAPI document: all of them where they are mounted, none where they are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import Level, Profiler
from profiling.web import mount
from profiling.web.table import ROUTES
from tests.integration.debug.conftest import HandMadeJobs
from tests.integration.web.service import Client, make_app, problem_in, serving
from volaris.web.openapi import DEBUG_PREFIX as PREFIX


@asynccontextmanager
async def serving_debug() -> AsyncIterator[Client]:
    app = make_app()
    with closing(Profiler(level=Level.COUNTERS)) as profiler:
        mount(app, profiler, open_to_all=True, jobs=HandMadeJobs())
        async with TestClient(TestServer(app)) as client:
            yield client


async def document_of(client: Client) -> dict[str, Any]:
    async with client.get("/api/docs/swagger.json") as response:
        document: dict[str, Any] = orjson.loads(await response.read())
        return document


def routes() -> set[tuple[str, str]]:
    """What is mounted, as method and path."""
    return {(route.method, PREFIX + route.path) for route in ROUTES}


async def test_every_debug_route_is_in_the_document_where_they_are_mounted() -> None:
    async with serving_debug() as client:
        document = await document_of(client)
    documented = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith(PREFIX)
    }
    assert documented == routes()
    assert "/api/v1/symbols" in document["paths"]


async def test_no_debug_route_is_in_the_document_where_none_is_mounted() -> None:
    async with serving() as client:
        document = await document_of(client)
    assert "debug" not in str(document)


async def test_document_names_no_definition_that_it_has_not() -> None:
    async with serving_debug() as client:
        document = await document_of(client)
    named = {part.partition('"')[0] for part in orjson.dumps(document).decode().split('"#/definitions/')[1:]}
    assert named == set(document["definitions"])


async def test_document_says_which_debug_routes_want_the_token() -> None:
    async with serving_debug() as client:
        document = await document_of(client)
    for method, path in routes():
        operation = document["paths"][path][method.lower()]
        always = '[{"debug_token":[]}]'
        outside_production = '[{"debug_token":[]},{}]'
        wanted = "[]" if path.endswith("/health") else always if method == "POST" else outside_production
        assert orjson.dumps(operation["security"]).decode() == wanted
        assert ("403" in operation["responses"]) == (wanted != "[]")


@pytest.mark.parametrize("prefix", ["/api/v1/debug", "/debug"])
@pytest.mark.parametrize("method", ["POST", "PUT", "TRACE", "DELETE"])
async def test_other_method_at_health_is_a_405_that_tells_which_there_are(prefix: str, method: str) -> None:
    async with (
        serving_debug() as client,
        client.request(method, f"{prefix}/health", headers={"Authorization": "Bearer me"}) as response,
    ):
        document = await problem_in(response, 405)
        assert response.headers["Allow"] == "GET,HEAD"
    assert document["allowed"] == ["GET", "HEAD"]


async def test_health_stays_open_beside_the_guarded_routes() -> None:
    async with serving_debug() as client, client.get(f"{PREFIX}/health") as response:
        assert response.status == 200
    app = web.Application()
    with closing(Profiler(level=Level.COUNTERS)) as profiler:
        mount(app, profiler)
        async with TestClient(TestServer(app)) as client, client.head("/debug/health") as response:
            assert response.status == 200
