"""The profiler under ASGI: FastAPI, Starlette and any other framework on asyncio.

    from profiling.asgi import DebugApp, ProfilerMiddleware

    app.add_middleware(ProfilerMiddleware, profiler=profiler)
    app.mount("/debug", DebugApp(profiler, token="..."))

It imports no framework, and may import `profiling.web`.
"""

from __future__ import annotations

from profiling.asgi.app import DebugApp
from profiling.asgi.middleware import ProfilerMiddleware

__all__ = ["DebugApp", "ProfilerMiddleware"]
