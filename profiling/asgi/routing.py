"""Find the route of a request before the framework's router does.

Starlette and FastAPI know the route only once their middlewares have run, so the routes are matched here, in their
order, by the patterns that they have themselves. A path without a parameter is looked up; for others, routes that begin
with the same part are tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profiling.asgi.types import Scope, host_of, path_below_root
from profiling.web.labels import METHODS, NO_ROUTE, WEBSOCKET, label_of, label_of_method
from profiling.web.routers import labels_by_path

ANY = "{}"  # in place of the first part of a path that is, or has, a parameter
ANY_PATH = re.compile("/(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Template:
    """One route of a framework, or a mounted application with routes of its own."""

    match: Callable[[str], re.Match[str] | None]  # of its pattern
    text: str  # with the prefixes of whatever the route is mounted in
    labels: Mapping[str, str] | None = None  # by method; None: any method, to an application that is mounted
    below: tuple[Template, ...] | None = None  # the routes of an application that is mounted, if they are known


class Routing:
    """The routes of an application, which are read at its first request, and again if their number changes."""

    def __init__(self, app: object) -> None:
        self._app = app
        self._by_path = labels_by_path(app)
        self._routes: Sequence[Any] | None = None
        self._read = 0  # how many routes there were
        self._hosts: Mapping[int, re.Pattern[str]] = {}  # of the routes for a host, by their place
        self._tables: dict[tuple[int, ...], Table] = {}  # by the routes for a host that fit the request's

    def label(self, scope: Scope) -> str:
        """Return the name of the scope for a request."""
        method = WEBSOCKET if scope["type"] == "websocket" else scope["method"]
        if self._by_path is not None:
            return self._by_path(method, path_below_root(scope) or "/")
        if self._routes is None:
            self._routes = _routes_of(self._app)
            if self._routes is None:
                self._routes = _routes_of(scope.get("app"))
            if self._routes is None:
                return label_of_method(method)
        if len(self._routes) != self._read:
            self._read_routes(self._routes)
        fitting = self._fitting_hosts(scope) if self._hosts else ()
        table = self._tables.get(fitting)
        if table is None:
            table = self._tables[fitting] = Table(self._templates(self._routes, fitting), are_all=bool(self._hosts))
        return table.label(method, path_below_root(scope) or "/")

    def _read_routes(self, routes: Sequence[Any]) -> None:
        patterns = {place: getattr(route, "host_regex", None) for place, route in enumerate(routes)}
        self._hosts = {place: pattern for place, pattern in patterns.items() if isinstance(pattern, re.Pattern)}
        self._tables = {}
        self._read = len(routes)

    def _fitting_hosts(self, scope: Scope) -> tuple[int, ...]:
        host = host_of(scope)
        return tuple(place for place, pattern in self._hosts.items() if pattern.match(host))

    def _templates(self, routes: Sequence[Any], fitting: tuple[int, ...]) -> Iterator[Template]:
        """Yield the templates of the routes for a request; those of another host are left out."""
        for place, route in enumerate(routes):
            if place not in self._hosts:
                yield from _templates_of([route], "")
            elif place in fitting:
                below = tuple(_templates_of(getattr(route, "routes", ()), route.host_format))
                yield Template(ANY_PATH.match, route.host_format, None, below or None)


class Table:
    """The templates that a request is compared with, in their order.

    If `are_all`, a request has no route if there is no template. Otherwise its route is unknown then.
    """

    def __init__(self, templates: Iterable[Template], *, are_all: bool = False) -> None:
        templates = tuple(templates)
        plain = [template for template in templates if _is_plain(template)]
        # Asked of all templates, since an earlier one with a parameter may fit the path too.
        self._without_parameters = {
            (method, template.text): _label_of(templates, method, template.text)
            for template in plain
            for method in template.labels or ()
        }
        others = [(template, _first_part(template.text)) for template in templates if not _is_plain(template)]
        self._by_first_part = {  # empty if no route has a pattern that is known here
            part: [template for template, first in others if first in {part, ANY}]
            for part in ({ANY, *(first for _, first in others)} if templates or are_all else ())
        }

    def label(self, method: str, path: str) -> str:
        """Return the name of the scope for a request."""
        if not self._by_first_part:
            return label_of_method(method)
        known = self._without_parameters.get((method, path))
        if known is not None:
            return known
        first = path[1:].partition("/")[0]
        return _label_of(self._by_first_part.get(first) or self._by_first_part[ANY], method, path)


def _first_part(path: str) -> str:
    first = path[1:].partition("/")[0]
    return ANY if "{" in first or not path.startswith("/") else first  # a host comes before any path


def _is_plain(template: Template) -> bool:
    return "{" not in template.text and template.labels is not None


def _label_of(templates: Iterable[Template], method: str, path: str) -> str:
    for template in templates:
        match = template.match(path)
        if match is None:
            continue
        if template.below is not None:  # which decides, whether it has a route or not
            return _label_of(template.below, method, "/" + match["path"])
        if template.labels is None:
            return label_of(method, template.text)
        if (label := template.labels.get(method)) is not None:
            return label
    return NO_ROUTE


def _templates_of(routes: Iterable[Any], prefix: str) -> Iterator[Template]:
    """Yield the templates of routes, by the attributes that Starlette's and FastAPI's have."""
    for route in routes:
        if hasattr(route, "effective_route_contexts"):  # a router that FastAPI has included
            contexts = route.effective_route_contexts()
            yield from _templates_of((getattr(each, "starlette_route", None) or each for each in contexts), prefix)
            continue
        pattern, text = getattr(route, "path_regex", None), getattr(route, "path_format", None)
        if not isinstance(pattern, re.Pattern) or not isinstance(text, str):
            continue
        if hasattr(route, "routes"):  # a mounted application
            below = tuple(_templates_of(route.routes, prefix + text.removesuffix("/{path}")))
            yield Template(pattern.match, prefix + text, None, below or None)
            continue
        # A class as the endpoint has no list of methods, and answers to each in a method of its own.
        methods = (route.methods or METHODS - {WEBSOCKET}) if hasattr(route, "methods") else {WEBSOCKET}
        text = prefix + text
        yield Template(pattern.match, text, {method: label_of(method, text) for method in methods})


def _routes_of(app: object) -> Sequence[Any] | None:
    """Return the routes of an application or, if it is a middleware, of what it wraps; None if there are none."""
    for _ in range(100):  # of middlewares; no more, lest they go round in circles
        routes = getattr(app, "routes", None)
        if isinstance(routes, list):
            return routes
        app = getattr(app, "app", None)
        if app is None:
            return None
    return None
