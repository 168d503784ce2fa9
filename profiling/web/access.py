"""Who may call the debug routes.

In production nobody without the token; elsewhere everybody may look. What changes something needs the `Authorization`
header everywhere: a page in a browser cannot make a foreign site send it, and no CORS header ever allows it to.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from profiling.web.problems import Problem

READING = {hdrs.METH_GET, hdrs.METH_HEAD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rule for one service."""

    environment: str = "development"
    token: str | None = field(default=None, repr=False)

    @property
    def is_production(self) -> bool:
        """Whether looking needs the token too."""
        return self.environment == "production"


def access_middleware(access: Access) -> Middleware:
    """Return a middleware that lets requests through by the rule, and refuses others with 403 and what is missing."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        check_access(access, request)
        return await handler(request)

    return check


def check_access(access: Access, request: web.Request) -> None:
    """Raise Problem 403 with what is missing if the rule does not let the request through."""
    changes = request.method not in READING
    if not changes and not access.is_production:
        return
    if access.token is None and access.is_production:
        raise Problem(HTTPStatus.FORBIDDEN, "debug routes are closed in production; set DEBUG_TOKEN to open them")
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise Problem(HTTPStatus.FORBIDDEN, "send the header `Authorization: Bearer <DEBUG_TOKEN>`")
    if access.token is not None and not hmac.compare_digest(_bytes_of(given.strip()), _bytes_of(access.token)):
        raise Problem(HTTPStatus.FORBIDDEN, "the bearer token is not the one in DEBUG_TOKEN")


def _bytes_of(text: str) -> bytes:
    """Return the text as it was sent, or set in the environment: bytes that are no UTF-8 come as lone surrogates."""
    return text.encode(errors="surrogateescape")
