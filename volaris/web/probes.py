"""Probes for whoever runs the service: does it live, and is it ready for requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from profiling.web.problems import Problem
from volaris.errors import StoreError
from volaris.web.handlers import described, json_answer
from volaris.web.schemas import StatusSchema

# The pool waits 5 s for a connection; whoever probes has asked again by then.
READY_TIMEOUT_S = 2.0

# Returns when the service can answer requests; raises StoreError with the reason (free of secrets) when it cannot.
Readiness = Callable[[], Awaitable[None]]

READY: web.AppKey[Readiness] = web.AppKey("ready")


@described("The service lives: its event loop turns", StatusSchema(), {})
async def livez(_request: web.Request) -> web.Response:
    """GET /livez. Asks nothing of anybody, so that nothing is killed for a database that is down."""
    return json_answer({"status": "ok"})


@described("The service is ready: its database answers", StatusSchema(), {503: "not ready, with the reason"})
async def readyz(request: web.Request) -> web.Response:
    """GET /readyz."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await request.app[READY]()
    except TimeoutError as error:
        raise _not_ready(f"the database gave no answer within {READY_TIMEOUT_S:g} s") from error
    except StoreError as error:
        raise _not_ready(str(error)) from error
    return json_answer({"status": "ok"})


def _not_ready(reason: str) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {reason}")
