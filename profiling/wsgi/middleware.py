"""Requests as scopes, labelled by the templates of their routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from profiling.profiler import Profiler
from profiling.wsgi.routing import labels_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class ProfilerMiddleware:
    """Attribute the memory of a request to its route: `app.wsgi_app = ProfilerMiddleware(app.wsgi_app, profiler)`.

    Each request, including the iteration of its response, is a call of a scope such as `GET /items/<int:id>`. The
    template comes from the routes of Flask or Django, before other code handles the request. A request that no route
    answers belongs to the scope `(no route)`. For other frameworks, the scope is the method alone. The name of a scope
    never contains an id, or other data that a client sends.

    Args:
        app: The application, or the next middleware.
        profiler: The profiler.
        label: Returns the scope's name for a request, instead of the above. The name must not contain an id.
    """

    def __init__(
        self, app: WSGIApplication, profiler: Profiler, *, label: Callable[[WSGIEnvironment], str] | None = None
    ) -> None:
        self.app = app
        self._profiler = profiler
        self._label = label or labels_of(app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, as a call of its scope."""
        with ExitStack() as stack:
            stack.enter_context(self._profiler.scope(self._label(environ)))
            body = self.app(environ, start_response)
            if isinstance(body, (list, tuple)) or _is_file(body, environ):
                return body  # as it is: complete, or for the server to send by a call of the kernel
            return _Body(body, stack.pop_all())


class _Body:
    """A response that is made while the server iterates it; the scope ends when the server closes it."""

    def __init__(self, body: Iterable[bytes], stack: ExitStack) -> None:
        self._body = body
        self._stack = stack

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """End the response, as the server does when all is sent or the client is gone."""
        with self._stack:
            if (close := getattr(self._body, "close", None)) is not None:
                close()


def _is_file(body: object, environ: WSGIEnvironment) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)
