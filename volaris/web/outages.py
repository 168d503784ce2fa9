"""The answer while the database or the market source is unavailable."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from profiling.web.problems import Problem
from volaris.errors import SourceTimeout, SourceUnavailable, StoreUnavailable

RETRY_AFTER_S = 5


@web.middleware
async def outages_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 503 with the reason while the database or the market source is unavailable."""
    try:
        return await handler(request)
    except (StoreUnavailable, SourceUnavailable, SourceTimeout) as error:
        headers: dict[str, str] = {hdrs.RETRY_AFTER: str(RETRY_AFTER_S)}
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=headers) from error
