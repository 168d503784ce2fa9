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

from profiling.asgi.types import Scope, path_below_root
from profiling.web.labels import METHODS, NO_ROUTE, WEBSOCKET, label_of, label_of_method
from profiling.web.routers import labels_by_path

ANY = "{}"  # in place of the first part of a path that is, or has, a parameter


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
        self._without_parameters: Mapping[tuple[str, str], str] = {}
        self._by_first_part: Mapping[str, Sequence[Template]] = {}  # empty if no route has a pattern that is known here

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
            self._compile(self._routes)
        if not self._by_first_part:
            return label_of_method(method)
        path = path_below_root(scope) or "/"
        known = self._without_parameters.get((method, path))
        if known is not None:
            return known
        first = path[1:].partition("/")[0]
        return _label_of(self._by_first_part.get(first) or self._by_first_part[ANY], method, path)

    def _compile(self, routes: Sequence[Any]) -> None:
        templates = tuple(_templates_of(routes, ""))
        plain = [template for template in templates if _is_plain(template)]
        # Asked of all templates, since an earlier one with a parameter may fit the path too.
        self._without_parameters = {
            (method, template.text): _label_of(templates, method, template.text)
            for template in plain
            for method in template.labels or ()
        }
        others = [(template, _first_part(template.text)) for template in templates if not _is_plain(template)]
        self._by_first_part = {
            part: [template for template, first in others if first in {part, ANY}]
            for part in ({ANY, *(first for _, first in others)} if templates else ())
        }
        self._read = len(routes)


def _first_part(path: str) -> str:
    first = path[1:].partition("/")[0]
    return ANY if "{" in first else first


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
