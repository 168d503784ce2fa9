"""The debug routes under aiohttp: requests and responses are converted here, and nothing is decided."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from profiling.profiler import Profiler
from profiling.web.access import READING, Access
from profiling.web.dispatcher import PREFIXES, Dispatcher, dispatcher_of
from profiling.web.jobs import JobControl
from profiling.web.labels import NO_ROUTE, label_of
from profiling.web.messages import Request, first_values
from profiling.web.problems import aiohttp_response
from profiling.web.table import ROUTES


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
    requests: bool = False,
) -> None:
    """Add the debug routes to `app`, before it starts, under each of the prefixes. Reads no environment variable.

    From the start of the application until `profiler.close()`, what is allocated outside jobs is watched, if the
    profiler takes samples.

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
        requests: Whether each request is a call of a scope such as `GET /items/{id}`, by the path of its resource.

    Raises:
        TypeError: `app` is no aiohttp application, `profiler` no Profiler, or the rule is given in two ways.
    """
    _refuse_other(app, profiler)
    dispatcher = dispatcher_of(
        profiler, token=token, open_to_all=open_to_all, access=access, environment=environment, jobs=jobs
    )
    if requests:
        app.middlewares.insert(0, _scopes_of_requests(profiler, tuple(f"{prefix}/" for prefix in prefixes)))
    app.on_startup.append(partial(_start_watching, profiler))
    for prefix in prefixes:
        _add_routes(app, prefix, dispatcher)


def check_access(access: Access, request: web.Request) -> None:
    """Raise Problem 403 with what is missing if the rule does not let the request through.

    A request that no route answers changes nothing: whoever may look is told that the path or the method is wrong.
    """
    changes = request.method not in READING and request.match_info.http_exception is None
    access.check(request.headers.get(hdrs.AUTHORIZATION, ""), changes=changes)


def _add_routes(app: web.Application, prefix: str, dispatcher: Dispatcher) -> None:
    """Add each route by itself, so that the application's router and middlewares know them one by one."""
    debug = web.Application()
    index = debug.router.add_resource("")

    async def respond(request: web.Request) -> web.StreamResponse:
        # An application that this one is mounted in adds its own prefix to the resource.
        asked = _request_below(index.canonical, request)
        return aiohttp_response(await dispatcher.respond(asked))

    @web.middleware
    async def respond_if_no_route_fits(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (respond if request.match_info.http_exception else handler)(request)

    debug.middlewares.append(respond_if_no_route_fits)
    index.add_route(hdrs.METH_GET, respond)
    debug.add_routes([web.route(route.method, route.path, respond) for route in ROUTES])
    # Always open, and asked often: beside the application of the others, so that no middleware is in the way. The one
    # within is reached by other methods only, which get a 405 and no 404.
    app.router.add_get(f"{prefix}/health", respond)
    app.add_subapp(prefix, debug)


def _request_below(prefix: str, request: web.Request) -> Request:
    return Request(
        method=request.method,
        prefix=prefix,
        path=request.rel_url.raw_path.removeprefix(prefix),
        query=first_values(request.query.items()),
        authorization=request.headers.get(hdrs.AUTHORIZATION, ""),
    )


def _scopes_of_requests(profiler: Profiler, prefixes: tuple[str, ...]) -> Middleware:
    @web.middleware
    async def as_call_of_scope(request: web.Request, handler: Handler) -> web.StreamResponse:
        with profiler.scope(_label_of(request, prefixes)):
            return await handler(request)

    return as_call_of_scope


def _label_of(request: web.Request, prefixes: tuple[str, ...]) -> str:
    resource = request.match_info.route.resource
    if resource is None or request.match_info.http_exception is not None:
        return NO_ROUTE
    path = resource.canonical
    if path.startswith(prefixes):  # the debug routes are one: they are ours, and labels are few
        path = next(prefix for prefix in prefixes if path.startswith(prefix)) + "{path}"
    return label_of(request.method, path)


async def _start_watching(profiler: Profiler, _: web.Application) -> None:
    profiler.start_watching()


def _refuse_other(app: object, profiler: object) -> None:
    if not isinstance(app, web.Application):
        kind = type(app) if not isinstance(app, type) else app
        raise TypeError(
            f"mount adds routes to an aiohttp.web.Application, and not to {kind.__module__}.{kind.__qualname__}: "
            "profiling.asgi and profiling.wsgi have the routes for other frameworks, as docs/http.md shows"
        )
    if not isinstance(profiler, Profiler):
        raise TypeError(
            f"mount takes a Profiler after the application, as in mount(app, Profiler()), and not {profiler!r}"
        )
