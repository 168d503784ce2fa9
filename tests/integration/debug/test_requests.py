"""Requests of an aiohttp application as scopes, if `mount` is told so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import Level, Profiler
from profiling.samples import sampler
from profiling.web import mount

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, limit_mb=512)) as profiler:
        yield profiler


async def answer(_: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize("requests", [True, False])
async def test_each_request_is_a_call_of_its_routes_scope_if_asked_for(profiler: Profiler, requests: bool) -> None:
    app, inner = web.Application(), web.Application()
    app.router.add_get("/items/{id}", answer)
    inner.router.add_put(r"/things/{name:\w+}", answer)
    app.add_subapp("/sub", inner)
    mount(app, profiler, open_to_all=True, requests=requests)
    async with TestClient(TestServer(app)) as client:
        for number in range(10):
            for method, path in (("GET", f"/items/{number}"), ("GET", f"/{number}"), ("PUT", f"/sub/things/a{number}")):
                async with client.request(method, path) as response:
                    assert response.status in {200, 404}
        for path in ("/debug/health", "/debug/jobs", "/api/v1/debug/memory/runs"):
            async with client.get(path) as response:
                assert response.status == 200
        async with client.delete("/items/7") as response:
            assert response.status == 405
    expected = {"GET /items/{id}": 10, "(no route)": 11, "PUT /sub/things/{name}": 10}
    debug = {"GET /debug/{path}": 2, "GET /api/v1/debug/{path}": 1}
    labels = {name: label.calls for name, label in profiler._scopes.labels.items()}
    assert labels == (expected | debug if requests else {})


async def test_route_for_all_methods_has_a_scope_for_each_method(profiler: Profiler) -> None:
    app = web.Application()
    app.router.add_route("*", "/items/{id}", answer)
    mount(app, profiler, requests=True)
    async with TestClient(TestServer(app)) as client:
        for method in ("GET", "PUT", "GET"):
            async with client.request(method, "/items/1") as response:
                assert response.status == 200
    assert {name: label.calls for name, label in profiler._scopes.labels.items()} == {
        "GET /items/{id}": 2,
        "PUT /items/{id}": 1,
    }
