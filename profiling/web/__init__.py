"""The debug routes of the profiler, for any aiohttp service.

    from profiling import Profiler
    from profiling.web import mount

    mount(app, Profiler(), token="...")

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

    While the application runs, what is allocated outside jobs is watched, if the profiler takes samples.

    Args:
        app: The application, which has not started.
        profiler: What the routes tell of.
        token: Opens the routes to requests with `Authorization: Bearer <token>`. Without a token all but health answer
            403. An empty token is none.
        open_to_all: Whether everybody may look without the token. A POST wants the header all the same.
        access: The rule in the service's own words, in place of `token` and `open_to_all`.
        environment: What health tells under that key.
        jobs: The scheduler's jobs, to be listed and steered. Without them those that have been profiled are listed.
        prefixes: Where the routes are.

    Raises:
        TypeError: `app` is no aiohttp application, `profiler` no Profiler, or the rule is given in two ways.
    """
    _refuse_other(app, profiler)
    if access is None:
        access = Access(token=token, open_to_all=open_to_all)
    elif token is not None or open_to_all:
        raise TypeError("mount takes either an access or token and open_to_all, which the access has too")
    handlers = DebugRoutes(profiler, jobs or ProfiledJobs(profiler), environment)
    app.cleanup_ctx.append(watching(profiler))
    for prefix in prefixes:
        debug = web.Application(middlewares=[problems_middleware, errors_middleware, access_middleware(access)])
        debug.add_routes(table(handlers))
        # Always open, and asked often: beside the guarded application, so that none of its checks is in the way. The
        # one within is reached by other methods only, which get a 405 and no 404.
        app.router.add_get(f"{prefix}/health", handlers.health)
        app.add_subapp(prefix, debug)


def _refuse_other(app: object, profiler: object) -> None:
    if not isinstance(app, web.Application):
        kind = type(app) if not isinstance(app, type) else app
        raise TypeError(
            f"mount adds routes to an aiohttp.web.Application, and not to {kind.__module__}.{kind.__qualname__}: "
            "give it an aiohttp application of its own, served beside yours as docs/http.md shows"
        )
    if not isinstance(profiler, Profiler):
        raise TypeError(
            f"mount takes a Profiler after the application, as in mount(app, Profiler()), and not {profiler!r}"
        )
