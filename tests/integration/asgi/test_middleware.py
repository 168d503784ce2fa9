"""Requests as scopes, under a real server; and the debug application, mounted and by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import aiohttp
import orjson
import pytest
from fastapi import FastAPI, WebSocket
from starlette.responses import StreamingResponse
from yarl import URL

from profiling import Level, Profiler
from profiling.asgi import DebugApp, ProfilerMiddleware
from profiling.samples import sampler
from tests.integration.debug_routes.servers import uvicorn_serving

needs_sampler = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, limit_mb=512)) as profiler:
        yield profiler


def calls(profiler: Profiler) -> dict[str, int]:
    return {name: label.calls for name, label in profiler._scopes.labels.items()}


async def called(app: Any, scope: dict[str, Any], *messages: str) -> Sequence[Any]:
    """Return what an application sends to a server that sends it messages of these types."""
    sent: list[Any] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return {"type": next(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    rest = {"method": "GET", "path": "/", "root_path": "", "headers": [], "query_string": b""}
    await app(rest | scope, receive, send)
    return sent


async def got(app: Any, path: str, **said: Any) -> Any:
    sent = await called(app, {"type": "http", "path": path} | said)
    return orjson.loads(sent[-1]["body"])


def app_of(profiler: Profiler) -> FastAPI:
    app = FastAPI()

    @app.get("/items/{id}")
    async def item(id: int) -> dict[str, int]:  # noqa: A002 - as users write it
        return {"id": id}

    @app.get("/boom/{id}")
    async def boom(id: int) -> None:  # noqa: A002
        raise LookupError(id)

    @app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(f"{number}\n" for number in range(3))

    @app.websocket("/ws/{room}")
    async def ws(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        await websocket.send_text(room)
        await websocket.close()

    app.mount("/debug", DebugApp(profiler, open_to_all=True))
    app.add_middleware(ProfilerMiddleware, profiler=profiler)
    return app


@needs_sampler
async def test_each_request_is_a_call_of_its_routes_scope(profiler: Profiler) -> None:
    async with uvicorn_serving(app_of(profiler)) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        for path, status in [*((f"/items/{number}", 200) for number in range(30)), ("/stream", 200), ("/boom/1", 500)]:
            async with client.get(path) as response:
                assert (response.status, bool(await response.read())) == (status, True)
        for path in (f"/{number}" for number in range(30)):
            async with client.get(path) as response:
                assert response.status == 404
        async with client.get("/debug/health") as response:
            assert response.status == 200
    assert calls(profiler) == {
        "GET /items/{id}": 30,
        "GET /stream": 1,
        "GET /boom/{id}": 1,
        "(no route)": 30,
        "GET /debug/{path}": 1,
    }


@needs_sampler
async def test_websocket_is_one_call_and_a_label_of_ones_own_is_taken(profiler: Profiler) -> None:
    app = app_of(profiler)
    sent = await called(app, {"type": "websocket", "path": "/ws/7"}, "websocket.connect", "websocket.disconnect")
    assert sent[1] == {"type": "websocket.send", "text": "7"}
    labelled = ProfilerMiddleware(app, profiler, label=lambda scope: f"mine {scope['type']}")
    assert await got(labelled, "/items/3") == {"id": 3}
    assert calls(profiler) == {"WEBSOCKET /ws/{room}": 1, "mine http": 1, "GET /items/{id}": 1}


@needs_sampler
async def test_windows_are_ended_from_the_start_of_the_server_on(profiler: Profiler) -> None:
    assert not sampler.is_on()
    await called(app_of(profiler), {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown")
    assert sampler.is_on()


async def test_debug_app_by_itself_is_a_whole_application(profiler: Profiler) -> None:
    app = DebugApp(profiler, token="t")
    sent = await called(app, {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown")
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sampler.is_on() is not bool(sampler.unavailable_reason())
    assert (await got(app, "/health"))["status"]
    assert (await got(app, "/jobs"))["status"] == 403
    told = await got(app, "/", headers=[(b"authorization", b"Bearer t")])
    assert [route["path"] for route in told["routes"]][:3] == ["/", "/openapi.json", "/health"]


@pytest.mark.parametrize(
    ("path", "root_path", "prefix"),
    [("/debug/", "", "/debug"), ("/debug/", "/api", "/api/debug"), ("/api/debug/", "/api", "/api/debug")],
)
async def test_prefix_is_told_as_the_client_sees_it(profiler: Profiler, path: str, root_path: str, prefix: str) -> None:
    app = FastAPI()
    app.mount("/debug", DebugApp(profiler, open_to_all=True))
    assert (await got(app, path, root_path=root_path))["routes"][2]["path"] == f"{prefix}/health"
    assert (await got(app, f"{path}openapi.json", root_path=root_path))["basePath"] == prefix
    assert (await got(app, f"{path}nothing", root_path=root_path))[
        "detail"
    ] == f"there is no page at {prefix}/nothing; check the path"


async def test_job_with_a_slash_in_its_name_is_reached_and_a_path_of_many_slashes_is_no_burden(
    profiler: Profiler,
) -> None:
    async with profiler.run("a/b"):
        pass
    async with uvicorn_serving(app_of(profiler)) as port, aiohttp.ClientSession() as client:
        base = f"http://127.0.0.1:{port}/debug"
        async with client.get(URL(f"{base}/jobs/a%2Fb/verdict", encoded=True)) as response:
            assert (await response.json())["job"] == "a/b"
        async with client.get(URL(f"{base}{'/' * 4_000}", encoded=True)) as response:
            assert response.status == 404


async def test_websocket_to_the_debug_routes_is_closed(profiler: Profiler) -> None:
    (sent,) = await called(DebugApp(profiler), {"type": "websocket", "path": "/jobs"}, "websocket.connect")
    assert (sent["type"], sent["code"]) == ("websocket.close", 1008)


def test_other_thing_than_a_profiler_is_refused() -> None:
    unfit: Any = None
    with pytest.raises(TypeError, match="the debug routes need a Profiler, not None"):
        DebugApp(unfit)
