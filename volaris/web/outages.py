"""The answer while the database or the market source is unavailable, or cannot answer what is asked for."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from profiling.web.problems import Problem
from volaris.errors import (
    DemandStopped,
    DemandTimeout,
    SourceError,
    SourceTimeout,
    SourceUnavailable,
    StoreUnavailable,
    TooManyFetches,
    UnknownSymbol,
    VolarisError,
)

RETRY_AFTER_S = 5

# The first that fits counts.
STATUSES: tuple[tuple[type[VolarisError], HTTPStatus], ...] = (
    (StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (SourceUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (SourceTimeout, HTTPStatus.SERVICE_UNAVAILABLE),
    (TooManyFetches, HTTPStatus.SERVICE_UNAVAILABLE),
    (DemandStopped, HTTPStatus.SERVICE_UNAVAILABLE),
    (DemandTimeout, HTTPStatus.GATEWAY_TIMEOUT),
    (UnknownSymbol, HTTPStatus.NOT_FOUND),
    (SourceError, HTTPStatus.BAD_GATEWAY),
)
AGAIN_LATER = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


@web.middleware
async def outages_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with the reason if the database or the market source is unavailable, or if a fetch on demand fails."""
    try:
        return await handler(request)
    except VolarisError as error:
        status = next((status for kind, status in STATUSES if isinstance(error, kind)), None)
        if status is None:
            raise
        headers: dict[str, str] = {hdrs.RETRY_AFTER: str(RETRY_AFTER_S)} if status in AGAIN_LATER else {}
        raise Problem(status, str(error), headers=headers) from error
