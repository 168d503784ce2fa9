"""Find the name of the scope for a request by WSGI, before the framework handles the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from profiling.web.labels import label_of_method
from profiling.web.routers import label_in_map, labels_by_path, layers_of

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Label = Callable[["WSGIEnvironment"], str]


def labels_of(app: object) -> Label:
    """Return a function that finds the name of the scope for a request to the application."""
    for inner in layers_of(app):
        url_map = getattr(inner, "url_map", None)
        if url_map is not None and (url_map.host_matching or getattr(inner, "subdomain_matching", False)):
            return lambda environ: label_in_map(url_map.bind_to_environ(environ), environ["REQUEST_METHOD"], None)
    by_path = labels_by_path(app)
    if by_path is None:
        return _by_method
    return lambda environ: by_path(environ["REQUEST_METHOD"], text_of(environ.get("PATH_INFO", "")))


def text_of(value: str) -> str:
    """Return the text that was sent, which WSGI passes on as bytes decoded from Latin-1."""
    return value.encode("latin-1").decode(errors="surrogateescape")


def _by_method(environ: WSGIEnvironment) -> str:
    return label_of_method(environ["REQUEST_METHOD"])
