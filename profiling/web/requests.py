"""Requests of an aiohttp application as scopes, labelled by the paths of their resources."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import hdrs, web

from profiling.profiler import Profiler
from profiling.scope import stay
from profiling.web.labels import NO_ROUTE, label_of

MAX_NAMES = 4_096  # names of routes that are remembered, if a router of the user's own makes a route for each request


def label_requests(app: web.Application, profiler: Profiler, prefixes: Sequence[str] = ()) -> None:
    """Make each request a call of a scope, from when the router has found its route until its task ends.

    aiohttp runs each request in a task of its own, so the label ends with the request. The middlewares belong to the
    scope, too. To label in a middleware would cost a request ten times as much, most of it in aiohttp's own chain.

    Args:
        app: The application, which must not have started.
        profiler: The profiler.
        prefixes: Paths whose routes share one scope each.
    """
    below = tuple(f"{prefix}/" for prefix in prefixes)
    names: dict[web.AbstractRoute, str] = {}  # of routes for one method
    resolve, scope = app.router.resolve, profiler.scope

    async def resolve_and_label(request: web.Request) -> web.UrlMappingMatchInfo:
        match_info = await resolve(request)
        route = match_info.route
        name = names.get(route)
        if name is None:
            name = _label_of(request.method, route, below)
            if route.method != hdrs.METH_ANY and len(names) < MAX_NAMES:
                names[route] = name
        stay(scope(name))
        return match_info

    app.router.resolve = resolve_and_label  # type: ignore[method-assign]


def _label_of(method: str, route: web.AbstractRoute, below: tuple[str, ...]) -> str:
    resource = route.resource
    if resource is None:  # the route of an error, which aiohttp makes for this request
        return NO_ROUTE
    path = resource.canonical
    if path.startswith(below):  # the debug routes are one: they are ours, and labels are few
        path = next(prefix for prefix in below if path.startswith(prefix)) + "{path}"
    return label_of(method, path)
