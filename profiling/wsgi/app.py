"""The debug routes as a WSGI application."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from http.client import responses
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from profiling.profiler import Profiler
from profiling.web.access import Access
from profiling.web.background import BackgroundLoop
from profiling.web.dispatcher import dispatcher_of
from profiling.web.jobs import JobControl
from profiling.web.messages import Request, Response, query_of
from profiling.wsgi.routing import text_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class DebugApp:
    """The debug routes, to mount in an application, for example with Werkzeug's `DispatcherMiddleware`.

    The routes and the access rule are those of `profiling.web.mount`: all but health are closed by default. Served by
    itself, the application has the routes at its root.

    A request waits in the server's thread while its handler runs on an event loop in a thread of the profiler. Each
    process starts such a thread with its first request, so a forked worker answers for itself. The header
    `X-Profiler-Process` has the process id of the worker that answered.

    Args:
        profiler: The profiler whose data the routes show.
        token: Required as `Authorization: Bearer <token>`. Without a token, all routes but health answer 403. An empty
            token counts as none.
        open_to_all: Whether reading needs no token. A POST still needs the header.
        access: An access rule with the service's own messages, instead of `token` and `open_to_all`.
        environment: The value of the key `environment` in the answer of health.
        jobs: The scheduler's jobs, to list and control them. By default, jobs with profiled runs are listed.

    Raises:
        TypeError: `profiler` is not a Profiler, or both forms of rule are given.
    """

    def __init__(
        self,
        profiler: Profiler,
        *,
        token: str | None = None,
        open_to_all: bool = False,
        access: Access | None = None,
        environment: str | None = None,
        jobs: JobControl | None = None,
    ) -> None:
        self._dispatcher = dispatcher_of(
            profiler, token=token, open_to_all=open_to_all, access=access, environment=environment, jobs=jobs
        )
        self._profiler = profiler
        self._loop = BackgroundLoop()
        self._is_watched = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not self._is_watched:
            self._is_watched = True
            self._profiler.start_watching()
        request = _request_of(environ)
        response = self._loop.run(self._respond(request))
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body)), **response.headers}
        start_response(f"{int(response.status)} {responses.get(response.status, 'Error')}", list(headers.items()))
        return [b""] if request.method == "HEAD" else [response.body]

    async def _respond(self, request: Request) -> Response:
        """Return the response, with the first part of one that goes on: each more would hold a thread of the server."""
        response = await self._dispatcher.respond(request)
        if response.parts is None:
            return response
        async with aclosing(response.parts) as parts:
            first = await anext(parts, b"")
        return replace(response, body=first, parts=None)

    def close(self) -> None:
        """End the thread. The next request begins another one."""
        self._loop.close()


def _request_of(environ: WSGIEnvironment) -> Request:
    prefix, path = text_of(environ.get("SCRIPT_NAME", "")).rstrip("/"), text_of(environ.get("PATH_INFO", ""))
    return Request(
        method=environ["REQUEST_METHOD"],
        prefix=quote(prefix),
        path=_raw_path(environ, prefix, path),
        query=query_of(environ.get("QUERY_STRING", "")),
        authorization=text_of(environ.get("HTTP_AUTHORIZATION", "")),
        accept=text_of(environ.get("HTTP_ACCEPT", "")),
    )


def _raw_path(environ: WSGIEnvironment, prefix: str, path: str) -> str:
    """Return the path below the application, percent-encoded as the client sent it, if the server tells that.

    gunicorn has it as RAW_URI; uWSGI, mod_wsgi and Werkzeug as REQUEST_URI.
    """
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "").partition("?")[0]
    parts = prefix.count("/") + 1
    rest = "/".join(["", *raw.split("/", parts)[parts:]])
    return rest if unquote(rest) == path else quote(path, errors="surrogateescape")
