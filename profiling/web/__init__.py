"""The debug routes of the profiler, for any aiohttp service.

    from profiling import Profiler
    from profiling.web import mount

    mount(app, Profiler(), token="...")

This package needs aiohttp and orjson, the extra `web`. The rest of `profiling` does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from profiling.errors import MissingExtra

try:
    import orjson  # noqa: F401 - so that a missing extra is named before a module below fails
    from aiohttp import web
except ModuleNotFoundError as error:
    raise MissingExtra("profiling.web", (error.name or "").partition(".")[0], "web") from error

from profiling.profiler import Profiler
from profiling.web.access import Access, access_middleware, check_access
from profiling.web.errors import errors_middleware
from profiling.web.jobs import JobControl, JobInfo, ProfiledJobs
from profiling.web.problems import Problem, problem_response, problems_middleware
from profiling.web.routes import DebugRoutes, health_status
from profiling.web.table import table
from profiling.web.watching import watching

__all__ = [
    "Access",
    "JobControl",
    "JobInfo",
    "Problem",
    "check_access",
    "health_status",
    "mount",
    "problem_response",
    "problems_middleware",
]

PREFIXES = ("/api/v1/debug", "/debug")


def mount(
    app: web.Application,
    profiler: Profiler,
    *,
    token: str | None = None,
    open_to_all: bool = False,
    access: Access | None = None,
    environment: str | None = None,
    jobs: JobControl | None = None,
    prefixes: Sequence[str] = PREFIXES,
) -> None:
    """Add the debug routes to `app`, before it starts, under each of the prefixes. Reads no environment variable.

    While the application runs, memory that is allocated outside jobs is watched too, if the profiler takes samples.

    Args:
        app: The application, which must not have started.
        profiler: The profiler whose data the routes show.
        token: Required as `Authorization: Bearer <token>`. Without a token, all routes but health answer 403. An empty
            token counts as none.
        open_to_all: Whether reading needs no token. A POST still needs the header.
        access: An access rule with the service's own messages, instead of `token` and `open_to_all`.
        environment: The value of the key `environment` in the answer of health.
        jobs: The scheduler's jobs, to list and control them. By default, jobs with profiled runs are listed.
        prefixes: The paths that the routes are mounted under.

    Raises:
        TypeError: `app` is not an aiohttp application, `profiler` is not a Profiler, or both forms of rule are given.
    """
    _refuse_other(app, profiler)
    if access is None:
        access = Access(token=token, open_to_all=open_to_all)
    elif token is not None or open_to_all:
        raise TypeError("mount takes access=..., or token=... and open_to_all=..., but not both")
    handlers = DebugRoutes(profiler, jobs or ProfiledJobs(profiler), environment)
    app.cleanup_ctx.append(watching(profiler))
    for prefix in prefixes:
        debug = web.Application(middlewares=[problems_middleware, errors_middleware, access_middleware(access)])
        debug.add_routes(table(handlers))
        # Always open and often called, so it is beside the guarded application and passes none of its checks. The same
        # route within it is only reached by other methods, which get a 405 instead of a 404.
        app.router.add_get(f"{prefix}/health", handlers.health)
        app.add_subapp(prefix, debug)


def _refuse_other(app: object, profiler: object) -> None:
    if not isinstance(app, web.Application):
        kind = type(app) if not isinstance(app, type) else app
        raise TypeError(
            f"mount adds routes to an aiohttp.web.Application, not to a {kind.__module__}.{kind.__qualname__}; "
            "give it an aiohttp application of its own, which is served beside yours as docs/http.md shows"
        )
    if not isinstance(profiler, Profiler):
        raise TypeError(f"mount takes a Profiler after the application, as in mount(app, Profiler()), not {profiler!r}")
