"""Requests as scopes, labelled by the templates of their routes."""

from __future__ import annotations

from collections.abc import Callable

from profiling.asgi.routing import Routing
from profiling.asgi.types import App, Receive, Scope, Send
from profiling.profiler import Profiler


class ProfilerMiddleware:
    """Attribute the memory of a request to its route: `app.add_middleware(ProfilerMiddleware, profiler=profiler)`.

    Each HTTP request and each WebSocket is a call of a scope such as `GET /items/{id}`. The template comes from the
    routes of Starlette, FastAPI, Quart or Django, before other code handles the request. A request that no route
    answers belongs to the scope `(no route)`. For other frameworks, the scope is the method alone. The name of a scope
    never contains an id, or other data that a client sends.

    Add this middleware last, so that it is the outermost. Then memory that other middlewares keep is attributed to the
    route, too.

    Args:
        app: The application, or the next middleware.
        profiler: The profiler.
        label: Returns the scope's name for a request, instead of the above. The name must not contain an id.
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
