"""Requests as scopes, labelled by the templates of their routes."""

from __future__ import annotations

from collections.abc import Callable

from profiling.asgi.routing import Routing
from profiling.asgi.types import App, Receive, Scope, Send
from profiling.profiler import Profiler


class ProfilerMiddleware:
    """Attributes what a request allocates to its route: `app.add_middleware(ProfilerMiddleware, profiler=profiler)`.

    Each HTTP request and each WebSocket is a call of a scope such as `GET /items/{id}`, found from the routes of
    Starlette or FastAPI before anything else sees the request. A request that no route answers is `(no route)`. If the
    application has no such routes, the scope is the method alone. No label ever has an id, or whatever else a client
    sends.

    Add it last, so that it is the outermost: what other middlewares keep is then attributed to the route, too.

    Args:
        app: The application, or the next middleware.
        profiler: What measures.
        label: Returns the scope's name for a request, in place of the above. It must have no id in it.
    """

    def __init__(self, app: App, profiler: Profiler, *, label: Callable[[Scope], str] | None = None) -> None:
        self.app = app
        self._profiler = profiler
        self._label = label or Routing(app).label

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as a call of its scope."""
        if scope["type"] in {"http", "websocket"}:
            with self._profiler.scope(self._label(scope)):
                await self.app(scope, receive, send)
            return
        if scope["type"] == "lifespan":
            self._profiler.start_watching()
        await self.app(scope, receive, send)
