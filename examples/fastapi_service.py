"""A FastAPI service: each request is a call of its route's scope."""

from fastapi import FastAPI

from profiling import Profiler
from profiling.asgi import DebugApp, ProfilerMiddleware

profiler = Profiler()
app = FastAPI()
seen = []


@app.get("/items/{id}")
async def item(id: str) -> dict[str, int]:  # noqa: A002 - the name in the path
    """Answer, and keep what was asked for."""
    seen.append(id * 10_000)  # and never let go of it
    return {"items": len(seen)}


app.mount("/debug", DebugApp(profiler, open_to_all=True))
app.add_middleware(ProfilerMiddleware, profiler=profiler)
