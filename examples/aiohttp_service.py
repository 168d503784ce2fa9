"""An aiohttp service: each request is a call of its route's scope."""

import os

from aiohttp import web

from profiling import Profiler
from profiling.web import mount

profiler = Profiler()
seen = []


async def item(request: web.Request) -> web.Response:
    """Answer, and keep what was asked for."""
    seen.append(request.match_info["id"] * 10_000)  # and never let go of it
    return web.json_response({"items": len(seen)})


app = web.Application()
app.router.add_get("/items/{id}", item)
mount(app, profiler, requests=True, open_to_all=True)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
