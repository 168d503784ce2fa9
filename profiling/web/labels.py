"""Names of scopes for requests, which contain no data that a client can choose."""

from __future__ import annotations

NO_ROUTE = "(no route)"
OTHER_METHOD = "(other method)"
WEBSOCKET = "WEBSOCKET"  # in place of a method
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", WEBSOCKET})


def label_of(method: str, template: str) -> str:
    """Return the name for a method at a route."""
    return f"{method if method in METHODS else OTHER_METHOD} {template}"


def label_of_method(method: str) -> str:
    """Return the name for a method if nothing is known of routes."""
    return method if method in METHODS else OTHER_METHOD
