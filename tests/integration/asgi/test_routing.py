"""The label of a request is the template of the route that the framework itself takes, and never has an id in it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

from profiling.asgi.routing import Routing


async def answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("")


class Things(HTTPEndpoint):
    async def get(self, request: Request) -> PlainTextResponse:
        return await answer(request)


async def by_websocket(_: WebSocket) -> None:
    """Not reached."""


def starlette_app() -> Starlette:
    inner = [Route("/a/{b}", answer), WebSocketRoute("/w", by_websocket), Mount("/deep", routes=[Route("/c", answer)])]
    return Starlette(
        routes=[
            Route("/", answer),
            Route("/items/{id:int}", answer),
            Route("/items/me", answer, methods=["POST"]),
            Route("/items/{name}", answer),
            Route("/items/last", answer),
            Route("/{page}.html", answer),
            Route("/things", Things),
            Route("/files/{path:path}", answer, methods=["PUT"]),
            WebSocketRoute("/ws/{room}", by_websocket),
            Mount("/sub", routes=inner),
            Mount("/tenants/{tenant}", routes=inner),
            Mount("/other", app=answer_any),
        ],
        middleware=[Middleware(GZipMiddleware)],
    )


async def answer_any(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("")(scope, receive, send)


def label(of: object, path: str, method: str = "GET", **said: Any) -> str:
    scope = {"type": "websocket" if method == "WEBSOCKET" else "http", "method": method, "path": path, "root_path": ""}
    return Routing(of).label(scope | said)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "GET /"),
        ("GET", "/items/7", "GET /items/{id}"),
        ("HEAD", "/items/7", "HEAD /items/{id}"),
        ("POST", "/items/me", "POST /items/me"),
        ("GET", "/items/me", "GET /items/{name}"),
        ("GET", "/items/last", "GET /items/{name}"),  # the earlier of two routes that fit
        ("GET", "/about.html", "GET /{page}.html"),
        ("GET", "/things", "GET /things"),
        ("DELETE", "/things", "DELETE /things"),
        ("PUT", "/files/a/b/c", "PUT /files/{path}"),
        ("WEBSOCKET", "/ws/42", "WEBSOCKET /ws/{room}"),
        ("GET", "/sub/a/1", "GET /sub/a/{b}"),
        ("GET", "/sub/deep/c", "GET /sub/deep/c"),
        ("WEBSOCKET", "/sub/w", "WEBSOCKET /sub/w"),
        ("GET", "/tenants/7/a/1", "GET /tenants/{tenant}/a/{b}"),
        ("GET", "/other/1/2", "GET /other/{path}"),
        ("BREW", "/other/1", "(other method) /other/{path}"),
        ("GET", "/sub/nothing/1", "(no route)"),
        ("GET", "/nothing/1", "(no route)"),
        ("GET", "/items/1/2", "(no route)"),
        ("DELETE", "/items/7", "(no route)"),
        ("GET", "/ws/42", "(no route)"),
        ("GET", "/{odd}/{path}", "(no route)"),
        ("GET", "", "GET /"),
    ],
)
def test_label_is_the_template_of_the_route(method: str, path: str, expected: str) -> None:
    assert label(starlette_app(), path, method) == expected


def fastapi_app() -> FastAPI:
    app, outer, inner = FastAPI(), APIRouter(prefix="/v1"), APIRouter(prefix="/{tenant}")
    inner.get("/x/{y:path}")(answer)
    inner.websocket("/live/{z}")(by_websocket)
    outer.get("/things/{id}")(answer)
    outer.include_router(inner)
    app.get("/items/{id}")(answer)
    app.include_router(outer, prefix="/api")
    return app


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/items/7", "GET /items/{id}"),
        ("GET", "/api/v1/things/7", "GET /api/v1/things/{id}"),
        ("GET", "/api/v1/acme/x/1/2", "GET /api/v1/{tenant}/x/{y}"),
        ("WEBSOCKET", "/api/v1/acme/live/2", "WEBSOCKET /api/v1/{tenant}/live/{z}"),
        ("GET", "/docs", "GET /docs"),
        ("POST", "/items/7", "(no route)"),
        ("GET", "/api/v1/nothing/7/8", "(no route)"),
    ],
)
def test_routes_of_included_routers_are_known_with_all_their_prefixes(method: str, path: str, expected: str) -> None:
    assert label(fastapi_app(), path, method) == expected


async def test_label_has_the_parameters_of_the_route_that_answers() -> None:
    app = fastapi_app()
    told: list[tuple[list[str], list[str]]] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        named = Routing(app).label(scope)
        await app(scope, receive, send)
        told.append((re.findall(r"{(\w+)}", named), list(scope.get("path_params", ()))))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=noting), base_url="http://test") as client:
        for path in ("/items/7", "/api/v1/things/7", "/api/v1/acme/x/1/2", "/items/7/8"):
            await client.get(path)
    assert [names for names, _ in told] == [names for _, names in told] == [["id"], ["id"], ["tenant", "y"], []]


@pytest.mark.parametrize(
    ("path", "root_path", "app_root_path"),
    [("/pre/items/7", "/pre", ""), ("/items/7", "/pre", "/pre"), ("/items/7", "", ""), ("/items/7", "/pre", "")],
)
def test_prefix_of_the_server_or_of_a_proxy_is_no_part_of_the_label(
    path: str, root_path: str, app_root_path: str
) -> None:
    assert label(starlette_app(), path, root_path=root_path, app_root_path=app_root_path) == "GET /items/{id}"


def test_routes_are_found_below_middlewares_and_by_the_application_of_the_scope() -> None:
    app = starlette_app()
    assert label(app.build_middleware_stack(), "/items/7") == "GET /items/{id}"
    assert label(answer_any, "/items/7", app=app) == "GET /items/{id}"


@pytest.mark.parametrize(("method", "expected"), [("GET", "GET"), ("WEBSOCKET", "WEBSOCKET"), ("X7", "(other method)")])
def test_application_without_routes_is_told_by_the_method_alone(method: str, expected: str) -> None:
    assert label(answer_any, "/items/7", method) == expected


class LitestarLike:
    """An ASGI application with the attributes that Litestar's application and its routes have."""

    class Route:
        path = path_format = "/items/{id:int}"
        methods = frozenset({"GET"})

    def __init__(self) -> None:
        self.routes = [self.Route()]


@pytest.mark.parametrize("app", [LitestarLike(), Starlette()])
@pytest.mark.parametrize(("method", "expected"), [("GET", "GET"), ("WEBSOCKET", "WEBSOCKET"), ("X7", "(other method)")])
def test_application_whose_routes_tell_nothing_is_told_by_the_method_alone(
    app: object, method: str, expected: str
) -> None:
    assert label(app, "/items/7", method) == expected


def test_first_route_of_an_application_is_known_once_it_is_added() -> None:
    app = Starlette()
    routing = Routing(app)
    scope = {"type": "http", "method": "GET", "path": "/items/7", "root_path": ""}
    assert routing.label(scope) == "GET"
    app.router.routes.append(Route("/items/{id}", answer))
    assert routing.label(scope) == "GET /items/{id}"


def test_route_that_is_added_later_is_known_from_then_on() -> None:
    app = fastapi_app()
    routing = Routing(app)
    scope = {"type": "http", "method": "GET", "path": "/late/7", "root_path": ""}
    assert routing.label(scope) == "(no route)"
    app.get("/late/{id}")(answer)
    assert routing.label(scope) == "GET /late/{id}"


def app_of_hosts() -> Starlette:
    """Return an application whose routes depend on the host, between routes that do not."""
    api = Router([Route("/items/{id}", answer), Route("/status", answer)])
    return Starlette(
        routes=[
            Route("/health", answer),
            Host("api.example.org", app=api),
            Host("{tenant}.example.org", app=Router([Route("/items/{name}", answer)])),
            Host("other.example.net", app=answer_any),
            Route("/items/{number}", answer),
        ]
    )


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("api.example.org", "/items/7", "GET api.example.org/items/{id}"),
        ("API.example.org:8000", "/status", "GET api.example.org/status"),
        ("api.example.org", "/health", "GET /health"),
        ("api.example.org", "/else", "(no route)"),
        ("acme.example.org", "/items/7", "GET {tenant}.example.org/items/{name}"),
        ("acme.example.org", "/status", "(no route)"),
        ("other.example.net", "/anything", "GET other.example.net"),
        ("www.example.com", "/items/7", "GET /items/{number}"),
        ("", "/items/7", "GET /items/{number}"),
        ("[::1]:80", "/items/7", "GET /items/{number}"),
    ],
)
async def test_routes_of_a_host_are_named_by_the_host_and_the_template(host: str, path: str, expected: str) -> None:
    app = app_of_hosts()
    headers = [(b"host", host.encode())] if host else []
    assert label(app, path, headers=headers) == expected
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://none.example.com") as client:
        answered = await client.get(path, headers={"host": host} if host else {})
    assert (answered.status_code == 404) == (expected == "(no route)")


def test_request_to_no_host_of_an_application_of_hosts_has_no_route() -> None:
    app = Starlette(routes=[Host("api.example.org", app=Router([Route("/items/{id}", answer)]))])
    assert label(app, "/items/7", headers=[(b"host", b"www.example.org")]) == "(no route)"
