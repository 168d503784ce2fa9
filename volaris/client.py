"""The command line's way to a running service: its debug routes."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
from aiohttp import hdrs

from volaris.errors import VolarisError
from volaris.settings import Settings

TIMEOUT_S = 30.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - where a service listens is not where it is called


class ServiceError(VolarisError):
    """Raised where the service is not there, or answers with a problem; the message says what it said."""


async def get(settings: Settings, path: str, query: dict[str, str]) -> bytes:
    """The body of GET `path` below the debug routes of the service that these settings run. Raises ServiceError."""
    url = f"http://{EVERYWHERE.get(settings.host, settings.host)}:{settings.port}/api/v1/debug{path}"
    headers = {hdrs.AUTHORIZATION: f"Bearer {settings.debug_token}"} if settings.debug_token else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), headers=headers) as session,
            session.get(url, params=query) as response,
        ):
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServiceError(
            f"no service answers at {url} ({type(error).__name__}); start one with `volaris serve`, "
            "or set HOST and PORT to where it runs"
        ) from error
    if response.status != 200:
        raise ServiceError(_problem_text(response.status, body))
    return body


async def get_json(settings: Settings, path: str, query: dict[str, str]) -> dict[str, Any]:
    """As `get`, parsed."""
    document: dict[str, Any] = orjson.loads(await get(settings, path, query))
    return document


def _problem_text(status: int, body: bytes) -> str:
    try:
        return str(orjson.loads(body)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"the service answered with status {status}"
