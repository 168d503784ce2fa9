"""Find the route of a request before the framework does, with Werkzeug's map of URLs or Django's resolver.

No framework is imported: what is needed of it is reached from the application that was given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from profiling.web.labels import NO_ROUTE, WEBSOCKET, label_of

MAX_PATHS = 512  # that are remembered
MAX_PATH_LENGTH = 256
INNER = ("app", "wsgi_app", "application")  # where middlewares keep what they wrap

Label = Callable[[str, str], str]
"""Return the name of the scope for a request of a method, or WEBSOCKET, and a path."""


def labels_by_path(app: object) -> Label | None:
    """Return a function that finds the name of the scope, or None if no layer of the application has routes."""
    for inner in layers_of(app):
        if hasattr(inner, "url_map"):  # Flask's, or Quart's
            adapter = inner.url_map.bind("localhost")  # once, because the host makes no difference
            return _remembering(partial(label_in_map, adapter))
        if type(inner).__module__.startswith("django.core.handlers"):
            return _remembering(_label_by_resolver)
    return None


def layers_of(app: object) -> Iterator[Any]:
    """Yield the application and, layer by layer, what its middlewares wrap."""
    for _ in range(100):  # no more, lest they go round in circles
        yield app
        app = getattr(app, "__self__", app)  # Flask's `app.wsgi_app` is a method
        yield app
        inner = next((getattr(app, name) for name in INNER if callable(getattr(app, name, None))), None)
        if inner is None:
            return
        app = inner


def label_in_map(adapter: Any, method: str, path: str | None) -> str:
    """Return the label by Werkzeug's rules. A path of None is that of the request the adapter was made for."""
    is_websocket = method == WEBSOCKET
    try:
        rule, _ = adapter.match(path, "GET" if is_websocket else method, return_rule=True, websocket=is_websocket)
    except Exception:  # a 404, a 405 or a redirect; any other error is raised again when the framework does the same
        return NO_ROUTE
    return label_of(method, rule.rule)


def _label_by_resolver(method: str, path: str) -> str:
    resolve = sys.modules["django.urls"].resolve  # imported by the application, which is Django's
    try:
        route = resolve(path).route
    except Exception:  # a 404; any other error is raised again when Django does the same
        return NO_ROUTE
    return label_of(method, f"/{route}")


def _remembering(label: Label) -> Label:
    """Return a function that remembers the labels of short paths, because frameworks take long to match one."""
    remembered = lru_cache(MAX_PATHS)(label)
    return lambda method, path: (remembered if len(path) <= MAX_PATH_LENGTH else label)(method, path)
