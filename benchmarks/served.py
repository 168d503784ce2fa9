"""A server of two routes, with a memory profiler or without, for `benchmarks/bench_requests.py`.

    python -m benchmarks.served fastapi scopes

It prints its address. `/hello` answers a text, which shows the most that a profiler adds to a request. `/orders/{id}`
parses a JSON of 5 KB and answers a part of it. The other profilers are imported from `.tox/others`, see
`benchmarks/bench_requests.py`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

OTHERS_FOLDER = Path(__file__).parents[1] / ".tox" / "others"
PATHS = {"hello": "/hello", "orders": "/orders/17"}
FRAMEWORKS = ("aiohttp", "fastapi")
ROWS = [{"id": number, "symbol": f"S{number}", "price": number * 1.1, "note": "x" * 20} for number in range(70)]
DOCUMENT = json.dumps(ROWS)


def order(number: int) -> dict[str, object]:
    """Parse the document, and return the sum of an order with some of its rows."""
    rows = json.loads(DOCUMENT)
    return {"id": number, "sum": sum(row["price"] for row in rows), "rows": rows[number % 60 :][:10]}


def aiohttp_app() -> web.Application:
    """Return the application for aiohttp."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def show(request: web.Request) -> web.Response:
        return web.json_response(order(int(request.match_info["id"])))

    app = web.Application()
    app.router.add_get("/hello", hello)
    app.router.add_get("/orders/{id}", show)
    return app


def fastapi_app() -> FastAPI:
    """Return the application for FastAPI."""
    app = FastAPI()

    @app.get("/hello")
    async def hello() -> PlainTextResponse:
        return PlainTextResponse("hello")

    @app.get("/orders/{number}")
    async def show(number: int) -> dict[str, object]:
        return order(number)

    return app


def with_scopes_aiohttp(app: web.Application) -> None:
    """Make each request a call of a scope."""
    from profiling import Profiler
    from profiling.web import mount

    mount(app, Profiler(), requests=True)


def with_scopes_fastapi(app: FastAPI) -> None:
    """Make each request a call of a scope."""
    from profiling import Profiler
    from profiling.asgi import DebugApp, ProfilerMiddleware

    profiler = Profiler()
    app.mount("/debug", DebugApp(profiler))
    app.add_middleware(ProfilerMiddleware, profiler=profiler)


def start_ddtrace() -> None:
    """Start ddtrace's memory collector as its own profiler does, without uploads."""
    importlib.import_module("ddtrace.profiling.collector.memalloc").MemoryCollector().start()


def start_pyroscope() -> None:
    """Start pyroscope-io for memory alone. Its uploads are refused, because nothing listens on that port."""
    importlib.import_module("pyroscope").configure(
        application_name="served", server_address="http://127.0.0.1:9", mem_enabled=True, cpu_enabled=False
    )


OTHERS: dict[str, Callable[[], None]] = {
    "tracemalloc 1 frame": lambda: tracemalloc.start(1),
    "ddtrace memalloc": start_ddtrace,
    "pyroscope-io memory": start_pyroscope,
}
PACKAGES = {"ddtrace memalloc": "ddtrace", "pyroscope-io memory": "pyroscope"}
TOOLS = ("nothing", "scopes", *OTHERS)


def is_installed(tool: str) -> bool:
    """Return whether a server can import the package of a tool."""
    return tool not in PACKAGES or (OTHERS_FOLDER / PACKAGES[tool]).is_dir()


async def serve_aiohttp(app: web.Application) -> None:
    """Serve until the process is ended."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def serve_fastapi(app: FastAPI) -> None:
    """Serve by uvicorn, with uvloop and httptools if they are installed."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listening])


def main() -> None:
    """Serve one of the frameworks under one of the tools."""
    framework, tool = sys.argv[1:]
    sys.path.append(str(OTHERS_FOLDER))
    if tool in OTHERS:
        OTHERS[tool]()
    if framework == "aiohttp":
        app = aiohttp_app()
        if tool == "scopes":
            with_scopes_aiohttp(app)
        asyncio.run(serve_aiohttp(app))
    else:
        asgi_app = fastapi_app()
        if tool == "scopes":
            with_scopes_fastapi(asgi_app)
        serve_fastapi(asgi_app)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
