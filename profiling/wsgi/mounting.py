"""An application under the profiler: its requests are scopes, and the debug routes are below a prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from profiling.profiler import Profiler
from profiling.web.access import Access
from profiling.web.dispatcher import PREFIXES, split_path
from profiling.web.jobs import JobControl
from profiling.wsgi.app import DebugApp
from profiling.wsgi.middleware import ProfilerMiddleware

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def mount(
    app: WSGIApplication,
    profiler: Profiler,
    *,
    token: str | None = None,
    open_to_all: bool = False,
    access: Access | None = None,
    environment: str | None = None,
    jobs: JobControl | None = None,
    prefixes: Sequence[str] = PREFIXES,
    label: Callable[[WSGIEnvironment], str] | None = None,
) -> Mounted:
    """Return the application with the debug routes below each of the prefixes, and its own requests as scopes.

    For Flask: `app.wsgi_app = mount(app.wsgi_app, profiler, token=...)`. For Django, in `wsgi.py`:
    `application = mount(get_wsgi_application(), profiler, token=...)`. The arguments are those of `DebugApp` and of
    `ProfilerMiddleware`.
    """
    debug = DebugApp(profiler, token=token, open_to_all=open_to_all, access=access, environment=environment, jobs=jobs)
    return Mounted(ProfilerMiddleware(app, profiler, label=label), debug, tuple(prefixes))


class Mounted:
    """The application that `mount` returns."""

    def __init__(self, app: ProfilerMiddleware, debug: DebugApp, prefixes: Sequence[str]) -> None:
        self.app = app
        self._debug = debug
        self._prefixes = prefixes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        prefix, rest = split_path(self._prefixes, environ.get("PATH_INFO", ""))
        if prefix is None:
            return self.app(environ, start_response)
        below = {**environ, "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + prefix, "PATH_INFO": rest}
        return self._debug(below, start_response)

    def close(self) -> None:
        """End the thread of the debug routes; their next request starts another one."""
        self._debug.close()
