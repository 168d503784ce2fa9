"""What a route is, declared once: from it come the table of aiohttp and the index of the routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Handler = Callable[[Any, web.Request], Awaitable[web.Response]]  # a method of DebugRoutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, relative to where the application is mounted."""

    method: str
    path: str
    handler: Handler
    summary: str  # in one line
