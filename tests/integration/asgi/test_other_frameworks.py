"""Requests of Django and Quart under ASGI, named by the templates of their routes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from werkzeug.routing import Map, Rule

from profiling import Profiler
from profiling.asgi import ProfilerMiddleware
from profiling.asgi.routing import Routing
from profiling.launch.frameworks import PATCHES
from tests.integration.asgi.test_middleware import calls, needs_sampler, profiler

__all__ = ["profiler"]


@pytest.fixture
def django_app() -> Any:
    from django.core.asgi import get_asgi_application

    from tests.integration.wsgi import django_urls

    django_urls.set_up()
    return get_asgi_application()


async def call_all(app: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        assert [(await client.get(f"/items/{number}/")).text for number in range(3)] == ["fine"] * 3
        assert (await client.get("/7")).status_code == 404
        assert (await client.get("/api/things/a-b")).text == "fine"


DJANGO_CALLS = {"GET /items/<int:id>/": 3, "(no route)": 1, "GET /api/things/<slug:name>": 1}


@needs_sampler
async def test_each_request_of_django_is_a_call_of_its_routes_scope(profiler: Profiler, django_app: Any) -> None:
    await call_all(ProfilerMiddleware(django_app, profiler))
    assert calls(profiler) == DJANGO_CALLS


@needs_sampler
async def test_django_that_has_never_heard_of_the_profiler_is_labelled(
    profiler: Profiler, django_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.handlers import asgi

    monkeypatch.setattr(asgi.ASGIHandler, "__call__", asgi.ASGIHandler.__call__)  # put back at the end
    PATCHES["django.core.handlers.asgi"](profiler, asgi)
    await call_all(django_app)
    assert calls(profiler) == DJANGO_CALLS


class QuartLike:
    """An ASGI application with the map of URLs that Quart's have."""

    def __init__(self) -> None:
        self.url_map = Map([Rule("/items/<int:id>", methods=["GET"]), Rule("/ws/<room>", websocket=True)])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Not reached."""


@pytest.mark.parametrize(
    ("kind", "method", "path", "expected"),
    [
        ("http", "GET", "/items/7", "GET /items/<int:id>"),
        ("http", "POST", "/items/7", "(no route)"),
        ("http", "GET", "/ws/42", "(no route)"),
        ("websocket", "GET", "/ws/42", "WEBSOCKET /ws/<room>"),
        ("websocket", "GET", "/items/7", "(no route)"),
    ],
)
def test_requests_of_quart_are_named_by_their_rules(kind: str, method: str, path: str, expected: str) -> None:
    scope = {"type": kind, "method": method, "path": path, "root_path": ""}
    assert Routing(QuartLike()).label(scope) == expected
