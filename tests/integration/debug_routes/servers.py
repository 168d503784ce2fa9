"""The debug routes under each kind of server, on port 0: each yields the port that it has got."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvicorn
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from profiling import Profiler
from profiling.asgi import DebugApp, ProfilerMiddleware
from profiling.serve import DebugServer
from profiling.web import mount
from profiling.wsgi import mount as mount_in_wsgi
from tests.integration.debug.declared import held_to_declarations

PREFIXES = ("/api/v1/debug", "/debug")


@asynccontextmanager
async def by_aiohttp(profiler: Profiler, **said: Any) -> AsyncIterator[int]:
    app = web.Application()
    mount(app, profiler, **said)
    with held_to_declarations(app):
        async with TestServer(app) as server:
            assert server.port is not None
            yield server.port


@asynccontextmanager
async def by_fastapi_and_uvicorn(profiler: Profiler, **said: Any) -> AsyncIterator[int]:
    app = FastAPI()
    app.add_middleware(ProfilerMiddleware, profiler=profiler)
    debug = DebugApp(profiler, **said)
    for prefix in PREFIXES:
        app.mount(prefix, debug)
    async with uvicorn_serving(app) as port:
        yield port


@asynccontextmanager
async def uvicorn_serving(app: Any) -> AsyncIterator[int]:
    """Serve on this loop, without the waits of a tenth of a second that uvicorn has for its end."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    (listening,) = server.servers
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    while server.server_state.connections:  # noqa: ASYNC110 - the client has closed them, which is about to come here
        await asyncio.sleep(0)
    await server.lifespan.shutdown()


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, *_: Any) -> None:
        pass


@asynccontextmanager
async def by_flask_and_threads(profiler: Profiler, **said: Any) -> AsyncIterator[int]:
    app = await asyncio.to_thread(Flask, __name__)  # reads a folder
    mounted = mount_in_wsgi(app.wsgi_app, profiler, **said)
    app.wsgi_app = mounted  # type: ignore[method-assign]
    server = await asyncio.to_thread(make_server, "127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server.port
    await asyncio.to_thread(server.shutdown)
    await asyncio.to_thread(thread.join)
    await asyncio.to_thread(server.server_close)
    await asyncio.to_thread(mounted.close)


@asynccontextmanager
async def by_itself(profiler: Profiler, **said: Any) -> AsyncIterator[int]:
    server = await asyncio.to_thread(DebugServer, profiler, "127.0.0.1:0", **said)
    yield int(server.address.rpartition(":")[2])
    await asyncio.to_thread(server.close)


Serving = Callable[..., AbstractAsyncContextManager[int]]
SERVERS: dict[str, Serving] = {
    "aiohttp": by_aiohttp,
    "FastAPI": by_fastapi_and_uvicorn,
    "Flask": by_flask_and_threads,
    "by itself": by_itself,
}
