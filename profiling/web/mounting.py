"""The adapter of the debug routes for aiohttp, which only converts requests and responses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from functools import partial

from aiohttp import hdrs, web

from profiling.profiler import Profiler
from profiling.web.access import READING, Access
from profiling.web.dispatcher import PREFIXES, Dispatcher, dispatcher_of
from profiling.web.jobs import JobControl
from profiling.web.messages import Request, Response, first_values
from profiling.web.problems import aiohttp_response
from profiling.web.requests import label_requests
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
    metrics: bool = False,
) -> None:
    """Add the debug routes to `app`, before it starts, under each of the prefixes. Reads no environment variable.

    From the start of the application until `profiler.close()`, scopes and memory that is allocated outside jobs are
    watched too, if the profiler takes samples.

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
        metrics: Whether the route `/metrics` is also at the root of the application, where Prometheus looks for it.
        requests: Whether each request is a call of a scope such as `GET /items/{id}`, by the path of its resource.

    Raises:
        TypeError: `app` is not an aiohttp application, `profiler` is not a Profiler, or both forms of rule are given.
    """
    _refuse_other(app, profiler)
    dispatcher = dispatcher_of(
        profiler, token=token, open_to_all=open_to_all, access=access, environment=environment, jobs=jobs
    )
    if requests:
        label_requests(app, profiler, prefixes)
    app.on_startup.append(partial(_start_watching, profiler))
    app.on_shutdown.append(partial(_end_streams, dispatcher))
    for prefix in prefixes:
        _add_routes(app, prefix, dispatcher)
    if metrics:
        app.router.add_get("/metrics", partial(_respond_at_root, dispatcher))


async def _respond_at_root(dispatcher: Dispatcher, request: web.Request) -> web.StreamResponse:
    return aiohttp_response(await dispatcher.respond(_request_below("", request)))


def check_access(access: Access, request: web.Request) -> None:
    """Raise Problem 403, with what is missing, if the rule refuses the request.

    A request that no route answers changes nothing, so whoever may read is told that the path or the method is wrong.
    """
    changes = request.method not in READING and request.match_info.http_exception is None
    access.check(request.headers.get(hdrs.AUTHORIZATION, ""), changes=changes)


def _add_routes(app: web.Application, prefix: str, dispatcher: Dispatcher) -> None:
    """Add each route by itself, so that the application's router and middlewares know all of them."""
    debug = web.Application()
    index = debug.router.add_resource("")

    async def respond(request: web.Request) -> web.StreamResponse:
        # If `app` is mounted in another application, that one adds its prefix to the resource.
        asked = _request_below(index.canonical, request)
        response = await dispatcher.respond(asked)
        return (
            aiohttp_response(response)
            if response.parts is None
            else await _send_parts(response, response.parts, request)
        )

    index.add_route(hdrs.METH_GET, respond)
    for route in ROUTES:
        debug.router.add_route(route.method, route.path.replace("{scope}", "{scope:.+}"), respond)
    # For what no route answers. A middleware would cost the requests to all other routes of the application.
    index.add_route(hdrs.METH_ANY, respond)
    debug.router.add_route(hdrs.METH_ANY, "/{path:.*}", respond)
    # Always open and often called, so it is beside the application of the others and passes no middleware. The same
    # route within it is only reached by other methods, which get a 405 instead of a 404.
    app.router.add_get(f"{prefix}/health", respond)
    app.add_subapp(prefix, debug)


def _request_below(prefix: str, request: web.Request) -> Request:
    return Request(
        method=request.method,
        prefix=prefix,
        path=request.rel_url.raw_path.removeprefix(prefix),
        query=first_values(request.query.items()),
        authorization=request.headers.get(hdrs.AUTHORIZATION, ""),
        accept=request.headers.get(hdrs.ACCEPT, ""),
    )


async def _send_parts(response: Response, parts: AsyncGenerator[bytes], request: web.Request) -> web.StreamResponse:
    headers = {**response.headers, hdrs.CONTENT_TYPE: response.content_type}
    stream = web.StreamResponse(status=response.status, headers=headers)
    await stream.prepare(request)
    async with aclosing(parts):
        with suppress(ConnectionError):  # the client is gone
            async for part in parts:
                await stream.write(part)
    return stream


async def _start_watching(profiler: Profiler, _: web.Application) -> None:
    profiler.start_watching()


async def _end_streams(dispatcher: Dispatcher, _: web.Application) -> None:
    dispatcher.end()


def _refuse_other(app: object, profiler: object) -> None:
    if not isinstance(app, web.Application):
        kind = type(app) if not isinstance(app, type) else app
        raise TypeError(
            f"mount adds routes to an aiohttp.web.Application, not to a {kind.__module__}.{kind.__qualname__}; "
            "profiling.asgi and profiling.wsgi have the routes for other frameworks, as docs/http.md shows"
        )
    if not isinstance(profiler, Profiler):
        raise TypeError(f"mount takes a Profiler after the application, as in mount(app, Profiler()), not {profiler!r}")
