"""Probes for the platform: whether the service lives, and whether it is ready for requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from profiling.web.problems import Problem
from volaris.errors import StoreError
from volaris.web.handlers import described, json_answer
from volaris.web.schemas import StatusSchema

# The pool waits 5 s for a connection, but a prober asks again before that.
READY_TIMEOUT_S = 2.0

# Returns if the service can answer requests; else raises StoreError with the reason, which contains no secrets.
Readiness = Callable[[], Awaitable[None]]

READY: web.AppKey[Readiness] = web.AppKey("ready")


@described("Whether the service lives: its event loop runs", StatusSchema(), {})
async def livez(_request: web.Request) -> web.Response:
    """Answer GET /livez. This uses nothing else, so that no process is killed because the database is down."""
    return json_answer({"status": "ok"})


@described(
    "Whether the service is ready: its database answers",
    StatusSchema(),
    {503: "the service is not ready; the detail has the reason"},
)
async def readyz(request: web.Request) -> web.Response:
    """Answer GET /readyz."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await request.app[READY]()
    except TimeoutError as error:
        raise _not_ready(f"the database did not answer within {READY_TIMEOUT_S:g} s") from error
    except StoreError as error:
        raise _not_ready(str(error)) from error
    return json_answer({"status": "ok"})


def _not_ready(reason: str) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the service is not ready: {reason}")
