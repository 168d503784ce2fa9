"""Find the route of a request before the framework does, with Flask's map of URLs or Django's resolver.

No framework is imported: what is needed of it is reached from the application that was given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from profiling.web.labels import NO_ROUTE, label_of, label_of_method

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MAX_PATHS = 512  # that are remembered
MAX_PATH_LENGTH = 256

Label = Callable[["WSGIEnvironment"], str]
INNER = ("app", "wsgi_app", "application")  # where middlewares keep what they wrap


def labels_of(app: object) -> Label:
    """Return a function that finds the name of the scope for a request to the application."""
    for inner in _with_inner(app):
        if hasattr(inner, "url_map"):
            return _by_url_map(inner)
        if type(inner).__module__.startswith("django.core.handlers"):
            return _remembering(_label_by_resolver)
    return _by_method


def text_of(value: str) -> str:
    """Return the text that was sent, which WSGI passes on as bytes decoded from Latin-1."""
    return value.encode("latin-1").decode(errors="surrogateescape")


def _with_inner(app: object) -> Iterator[object]:
    """Yield the application and, layer by layer, what its middlewares wrap."""
    for _ in range(100):  # no more, lest they go round in circles
        yield app
        app = getattr(app, "__self__", app)  # Flask's `app.wsgi_app` is a method
        yield app
        inner = next((getattr(app, name) for name in INNER if callable(getattr(app, name, None))), None)
        if inner is None:
            return
        app = inner


def _by_url_map(app: Any) -> Label:
    if app.url_map.host_matching or getattr(app, "subdomain_matching", False):
        return lambda environ: _label_in(app.url_map.bind_to_environ(environ), environ["REQUEST_METHOD"], None)
    adapter = app.url_map.bind("localhost")  # once, because the host makes no difference
    return _remembering(partial(_label_in, adapter))


def _label_in(adapter: Any, method: str, path: str | None) -> str:
    """Return the label by Werkzeug's rules. A path of None is that of the request the adapter was made for."""
    try:
        rule, _ = adapter.match(path, method, return_rule=True)
    except Exception:  # a 404, a 405 or a redirect; any other error is raised again when Flask does the same
        return NO_ROUTE
    return label_of(method, rule.rule)


def _label_by_resolver(method: str, path: str) -> str:
    resolve = sys.modules["django.urls"].resolve  # imported by the application, which is Django's
    try:
        route = resolve(path).route
    except Exception:  # a 404; any other error is raised again when Django does the same
        return NO_ROUTE
    return label_of(method, f"/{route}")


def _remembering(label: Callable[[str, str], str]) -> Label:
    """Return a function that remembers the labels of short paths, because frameworks take long to match one."""
    remembered = lru_cache(MAX_PATHS)(label)

    def label_of_request(environ: WSGIEnvironment) -> str:
        method, path = environ["REQUEST_METHOD"], text_of(environ.get("PATH_INFO", ""))
        return (remembered if len(path) <= MAX_PATH_LENGTH else label)(method, path)

    return label_of_request


def _by_method(environ: WSGIEnvironment) -> str:
    return label_of_method(environ["REQUEST_METHOD"])
