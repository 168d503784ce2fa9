"""The words of the ASGI specification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def path_below_root(scope: Scope) -> str:
    """Return the path below that of the application: from a slash on, or empty.

    By the specification `path` begins with `root_path`. A proxy that takes a prefix away breaks this, so that only the
    part of `root_path` that mounting has added is there.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if not root:
        return path
    root = root.rstrip("/")
    for prefix in (root, root.removeprefix(str(scope.get("app_root_path", "")).rstrip("/"))):
        rest = path.removeprefix(prefix)
        if prefix and len(rest) < len(path) and rest[:1] in {"", "/"}:
            return rest
    return path


def host_of(scope: Scope) -> str:
    """Return the host that a request names, in lower case and without the port; empty if it names none."""
    host: bytes = next((value for name, value in scope.get("headers", ()) if name == b"host"), b"")
    text = host.decode("latin-1").lower()
    return text if text.endswith("]") else text.rpartition(":")[0] or text
