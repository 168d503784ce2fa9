"""The debug routes of the profiler, for any aiohttp service.

    from profiling import Profiler
    from profiling.web import mount

    mount(app, Profiler())

Needs aiohttp and orjson, the extra `web`, which nothing else in `profiling` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from profiling.errors import MissingExtra

try:
    import orjson  # noqa: F401 - so that the extra is named before a module below fails for want of it
    from aiohttp import web
except ModuleNotFoundError as error:
    raise MissingExtra("profiling.web", (error.name or "").partition(".")[0], "web") from error

from profiling.profiler import Profiler
from profiling.web.access import Access, access_middleware, check_access
from profiling.web.errors import errors_middleware
from profiling.web.jobs import JobControl, JobInfo, NoJobs
from profiling.web.problems import Problem, problem_response, problems_middleware
from profiling.web.routes import DebugRoutes, health_status
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
    access: Access | None = None,
    jobs: JobControl | None = None,
    prefixes: Sequence[str] = PREFIXES,
) -> None:
    """Add the debug routes to `app`, before it starts, under each of the prefixes.

    Without `access` they are open for looking, as in development: a service that others can reach should say who it is.
    Without `jobs` the job routes are there and know no job. While the application runs, what is allocated outside jobs
    is watched, if the profiler takes samples.
    """
    access = access or Access()
    handlers = DebugRoutes(profiler, jobs or NoJobs(), access.environment)
    app.cleanup_ctx.append(watching(profiler))
    for prefix in prefixes:
        debug = web.Application(middlewares=[problems_middleware, errors_middleware, access_middleware(access)])
        debug.add_routes(handlers.table())
        debug.router.add_get("/health", handlers.health)  # reached by other methods only, which get a 405 and no 404
        # Always open, and asked often: beside the guarded application, so that none of its checks is in the way.
        app.router.add_get(f"{prefix}/health", handlers.health)
        app.add_subapp(prefix, debug)
